"""Keeps a conversation with a device going: opened again for ever, with a pause that grows and begins anew.

And listens whether somebody else speaks on its line.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from edged.errors import EdgeError, ErrorCode
from edged.ports import Random
from edged.station.alerts import Alerts
from edged.station.backoff import Backoff
from edged.stopping import stop_if_told
from firmware_protocol.session import Refusal

STRANGE = (Refusal.FOREIGN, Refusal.OLD, Refusal.MIRRORED)
STRANGERS = 3  # such frames in WATCH_S: noise makes one that its checksum lets pass in a day at worst
WATCH_S = 30.0
SETTLE_S = 5.0  # frames of the session before may still be on their way
QUIET = 20  # times WATCH_S without one, until nobody is there any more
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


async def watch_line(
    alerts: Alerts, alert: str, code: ErrorCode, rejected: Callable[[], Counter[str]]
) -> None:
    """Keep ``alert`` raised while somebody speaks on a line who has not its key, or who plays back what was said."""
    await asyncio.sleep(SETTLE_S)
    before, quiet = _strange(rejected()), 0
    while True:
        await asyncio.sleep(WATCH_S)
        count = _strange(rejected())
        new, before = count - before, count
        quiet = 0 if new else quiet + 1
        if new >= STRANGERS:
            await alerts.raise_(alert, code, frames=new)
        elif quiet >= QUIET:
            await alerts.withdraw(alert)


def _strange(rejected: Counter[str]) -> int:
    return sum(rejected[reason] for reason in STRANGE)


async def until_one_ends(*parts: Coroutine[Any, Any, None]) -> None:
    """Run them side by side; raise what ended the first. All have ended afterwards."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for result in ended:
        if isinstance(result, Exception):
            raise result
