"""A station that is not commissioned, or could not start: it says so wherever somebody looks, opens nothing, waits.

systemd's status, the journal, every answer to edgectl, and the light of each slot whose dock the configuration names.
No lock, no USB port and no charge is touched, nothing is acknowledged that a dock reports, nothing is written.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from drivers.base import ByteLink
from drivers.dock_controller import DockController
from edged.config import Dock
from edged.errors import EdgeError
from edged.leds import SIGNS, Sign
from edged.ports import Log, Random
from edged.station.lines import keep_talking

LOOK_S = 2.0  # between two looks whether the reason is gone


@dataclass(frozen=True, slots=True)
class Saying:
    """How it is told: in systemd's status, and by which events that it waits and that it has waited."""

    status: str
    waits: str
    ends: str


COMMISSIONING = Saying("commissioning needed", "EDG-4002", "EDG-4003")
OUT_OF_SERVICE = Saying("out of service", "EDG-4005", "EDG-4006")


@dataclass(frozen=True, slots=True)
class Lines:
    """How docks are reached."""

    open_serial: Callable[[str], Awaitable[ByteLink]]
    key: Callable[[str], bytes]  # of a dock, by its name in the configuration
    random: Random


async def wait(
    saying: Saying,
    why: Callable[[], EdgeError | None],
    tell: Callable[[EdgeError], None],
    docks: Iterable[Dock],
    lines: Lines,
    log: Log,
) -> None:
    """Return when ``why`` has no reason left. ``tell`` is called at every look, the journal once a reason."""
    lights = [asyncio.create_task(_out_of_use(dock, lines, log)) for dock in docks]
    try:
        told = ""
        while (error := why()) is not None:
            tell(error)
            if str(error) != told:
                told = str(error)
                log(saying.waits, reason=told[:300], code=error.code.label, remedy=error.code.remedy)
            await asyncio.sleep(LOOK_S)
        log(saying.ends)
    finally:
        for light in lights:
            light.cancel()
        await asyncio.gather(*lights, return_exceptions=True)


async def _out_of_use(dock: Dock, lines: Lines, log: Log) -> None:
    """Show on every slot of the dock that it is not used, as long as this runs."""
    told = ""

    async def lost(error: EdgeError) -> None:
        nonlocal told
        if str(error) != told:
            told = str(error)
            log("EDG-4004", dock=dock.name, reason=told[:300])

    await keep_talking(lines.random, lambda: _show(dock, lines), lost)


async def _show(dock: Dock, lines: Lines) -> None:
    led = SIGNS[Sign.OUT]
    key = lines.key(dock.controller_key)
    link = await lines.open_serial(dock.controller)
    async with DockController.open(link, key=key, random=lines.random) as controller:
        for slot in dock.slots:
            await controller.led(slot.controller_slot, led.colour, led.pattern)
        while True:  # what it reports stays unacknowledged, for the station to come
            await controller.next_event()
