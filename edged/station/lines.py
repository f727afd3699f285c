"""Keeps a conversation with a device going: opened again for ever, with a pause that grows and begins anew."""

import asyncio
from collections.abc import Awaitable, Callable

from edged.errors import EdgeError
from edged.ports import Random
from edged.station.backoff import Backoff
from edged.station.stopping import stop_if_told

STABLE_S = 30.0  # a conversation that lasted this long was good: the back-off begins anew


async def keep_talking(
    random: Random,
    converse: Callable[[], Awaitable[None]],
    lost: Callable[[EdgeError], Awaitable[None]],
) -> None:
    """Run ``converse`` for ever; tell ``lost`` why each conversation ended."""
    backoff = Backoff(random)
    loop = asyncio.get_running_loop()
    while True:
        began = loop.time()
        try:
            await converse()
        except EdgeError as exc:
            await lost(exc)
        stop_if_told()
        if loop.time() - began > STABLE_S:
            backoff.reset()
        await asyncio.sleep(backoff.next())
