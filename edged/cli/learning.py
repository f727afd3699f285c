"""``edgectl slots learn``: one camera goes through the slots, and its way says which USB port each slot has.

Asks no daemon: it is done before there is a configuration. Names ports as the configuration does, by ID_PATH.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from drivers.hotplug import Hotplug, UsbArrived, UsbLeft
from drivers.hotplug_udev import UdevHotplug
from drivers.usb_place import id_path_of
from edged.cli.output import EXIT_OK, emit_json
from edged.errors import EdgeError, ErrorCode

SETTLE_S = 2.0  # what is there before the first slot is no camera of ours
STEP_S = 300.0
Say = Callable[[str], object]


def add_command(actions: Any) -> None:
    learn = actions.add_parser("learn", help="plug one camera through the slots; prints their ports")
    learn.add_argument("count", type=int, help="how many slots the dock has")
    learn.set_defaults(run=_learn)


async def _learn(args: argparse.Namespace) -> int:
    hotplug = UdevHotplug()
    try:
        ports = await ports_of(args.count, hotplug, id_path_of, lambda text: print(text, file=sys.stderr))
    finally:
        await hotplug.close()
    if args.json:
        emit_json([{"label": slot, "port": port} for slot, port in ports.items()])
    else:
        print(rows(ports))
    return EXIT_OK


def rows(ports: dict[int, str]) -> str:
    """Lines for ``[[dock]]`` of the configuration."""
    body = "\n".join(
        f'    {{ label = {slot}, port = "{port}", controller_slot = {slot} }},'
        for slot, port in ports.items()
    )
    return f"slots = [\n{body}\n]"


async def ports_of(
    count: int, hotplug: Hotplug, id_path: Callable[[str], str], say: Say, *, settle_s: float = SETTLE_S
) -> dict[int, str]:
    """Ask for a camera in one slot after the other; return slot → ID_PATH.

    Raises:
        EdgeError: NOT_FOUND, nothing came or left within STEP_S.
    """
    found: dict[int, str] = {}
    async with _events(hotplug) as events:
        await asyncio.sleep(settle_s)  # hubs, serial lines, a keyboard
        while not events.empty():
            events.get_nowait()
        for slot in range(1, count + 1):
            while slot not in found:
                say(f"slot {slot}: put the camera in")
                port = await _next(events, UsbArrived, slot)
                name = id_path(port)
                known = next((other for other, one in found.items() if one == name), None)
                if known is None:
                    found[slot] = name
                say(
                    f"slot {slot}: {name}"
                    if known is None
                    else f"that is slot {known} again, not slot {slot}"
                )
                say("take the camera out")
                while await _next(events, UsbLeft, slot) != port:
                    pass
    return found


async def _next(
    events: "asyncio.Queue[UsbArrived | UsbLeft]", kind: type[UsbArrived | UsbLeft], slot: int
) -> str:
    try:
        async with asyncio.timeout(STEP_S):
            while not isinstance(event := await events.get(), kind):
                pass
    except TimeoutError as exc:
        raise EdgeError(
            ErrorCode.NOT_FOUND, slot=slot, waited_s=STEP_S, what="a camera at a USB port"
        ) from exc
    return event.port


@asynccontextmanager
async def _events(hotplug: Hotplug) -> "AsyncIterator[asyncio.Queue[UsbArrived | UsbLeft]]":
    events: asyncio.Queue[UsbArrived | UsbLeft] = asyncio.Queue()

    async def hear() -> None:
        while True:
            events.put_nowait(await hotplug.next())

    task = asyncio.create_task(hear())
    try:
        yield events
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
