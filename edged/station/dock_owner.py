"""Owns one dock controller: opens its line again for ever, hands its events to the slots, carries their orders.

Rule 1: a numbered event is acknowledged only after the slot has made it durable; the controller keeps it until
then. Rule 2: while the controller is away every order fails closed (DOCK_SILENT) and no lock opens. Rule 3: what the
slots want shown and charged is applied again after every return.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Protocol

from drivers.base import ByteLink
from drivers.dock_controller import (
    DockController,
    DockCounters,
    DockEvent,
    DockHello,
    SlotImpossible,
    check_counters,
)
from edged.errors import EdgeError, ErrorCode, LinkGoneError
from edged.formats import facts as f
from edged.ports import Random
from edged.station.alerts import Alerts
from edged.station.lines import keep_talking, until_one_ends, watch_line
from edged.station.recorder import Recorder
from firmware_protocol.dock import messages as m

LANE_STATES = 32  # changes of one slot's state that wait to be taken


class SlotEnd(Protocol):
    """What a slot takes from its dock. ``event`` returns once what it means is durable."""

    async def connected(self) -> None: ...
    async def status(self, status: m.SlotStatus) -> None: ...
    async def event(self, event: m.Event) -> None: ...
    def impossible(self, reason: str) -> None: ...


class DockOwner:
    """See the rules at the top. ``run`` is its task."""

    def __init__(
        self,
        name: str,
        open_link: Callable[[], Awaitable[ByteLink]],
        key: bytes,
        slots: Mapping[int, SlotEnd],  # by the controller's own slot numbers
        *,
        random: Random,
        recorder: Recorder,
        alerts: Alerts,
        busy: Callable[[str, bool], object] = lambda _part, _working: None,  # for the watchdog
    ) -> None:
        self.name, self._busy = name, busy
        self._open_link, self._key, self._slots = open_link, key, slots
        self._random, self._recorder, self._alerts = random, recorder, alerts
        self._controller: DockController | None = None
        self._lights: dict[int, tuple[m.Colour, m.Pattern]] = {}
        self._charges: dict[int, tuple[bool, int]] = {}
        self._counters: dict[str, DockCounters] = {}
        self.last_status: dict[int, m.SlotStatus] = {}

    @property
    def hello(self) -> DockHello | None:
        return self._controller.hello if self._controller is not None else None

    @property
    def controller(self) -> DockController:
        """The conversation. Raises EdgeError DOCK_SILENT while there is none."""
        if self._controller is None:
            raise EdgeError(ErrorCode.DOCK_SILENT, dock=self.name)
        return self._controller

    async def run(self) -> None:
        await keep_talking(self._random, self._converse, self._lost)

    # --- orders of the slots ------------------------------------------------------------------------

    async def light(self, slot: int, colour: m.Colour, pattern: m.Pattern) -> bool:
        """Show it now, or as soon as the controller is back; return whether it is another light."""
        if self._lights.get(slot) == (colour, pattern):
            return False
        self._lights[slot] = (colour, pattern)
        if self._controller is not None:
            await self._controller.led(slot, colour, pattern)
        return True

    async def blink(self, slot: int, seconds: float) -> None:
        """Show for a while which slot this is; then what the slot wants shown. Raises EdgeError DOCK_SILENT."""
        await self.controller.led(slot, m.Colour.AMBER, m.Pattern.ALTERNATING)
        try:
            await asyncio.sleep(seconds)
        finally:
            if self._controller is not None and (wanted := self._lights.get(slot)) is not None:
                await self._controller.led(slot, *wanted)

    async def charge(self, slot: int, enable: bool, limit_ma: int) -> None:
        self._charges[slot] = (enable, limit_ma)
        if self._controller is not None:
            await self._controller.charge(slot, enable, limit_ma)

    # --- one conversation ---------------------------------------------------------------------------

    async def _converse(self) -> None:
        link = await self._open_link()
        async with AsyncExitStack() as stack:
            dock = await stack.enter_async_context(
                DockController.open(link, key=self._key, random=self._random)
            )
            self._controller = dock
            stack.callback(self._forget)
            await self._connected(dock)
            strangers = f"dock-line:{self.name}"
            await until_one_ends(
                self._hand_out(dock),
                watch_line(self._alerts, strangers, ErrorCode.DOCK_FOREIGN, lambda: dock.rejected),
            )

    async def _hand_out(self, dock: DockController) -> None:
        """Each slot takes its own events in order and keeps no other slot waiting (promise I6)."""
        acks, lanes = _Acks(), dict[int, _Lane]()
        heard = asyncio.create_task(dock.next_event())
        try:
            while True:
                running = {lane.task for lane in lanes.values()}
                done, _ = await asyncio.wait({heard, *running}, return_when=asyncio.FIRST_COMPLETED)
                for ended in done & running:
                    ended.result()  # raises why
                if heard in done:
                    event = heard.result()
                    heard = asyncio.create_task(dock.next_event())
                    self._lane_of(event, dock, lanes, acks).take(event, acks)
        finally:
            left = [heard, *(lane.task for lane in lanes.values())]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    def _lane_of(
        self, event: DockEvent, dock: DockController, lanes: "dict[int, _Lane]", acks: "_Acks"
    ) -> "_Lane":
        slot = event.slot if event.slot in self._slots else 0
        if slot not in lanes:
            queue: asyncio.Queue[DockEvent] = asyncio.Queue()
            work = asyncio.create_task(self._follow(dock, queue, acks), name=f"dock-{self.name}-lane-{slot}")
            lanes[slot] = _Lane(queue, work)
        return lanes[slot]

    async def _follow(self, dock: DockController, queue: "asyncio.Queue[DockEvent]", acks: "_Acks") -> None:
        while True:
            event = await queue.get()
            part = f"dock-{self.name}-slot-{event.slot}"
            self._busy(part, True)
            try:
                await self._take(event)
                if isinstance(event, m.Event) and (number := acks.end(event.number)):
                    await dock.ack(number)
            finally:
                self._busy(part, False)

    def _forget(self) -> None:
        self._controller = None

    async def _connected(self, dock: DockController) -> None:
        hello = dock.hello
        await self._check_counters(hello)
        await self._recorder.record(
            f.DockConnected(
                dock=self.name,
                serial=hello.serial,
                firmware=hello.firmware,
                unlocks=hello.counters.unlocks,
                insertions=hello.counters.insertions,
            )
        )
        if dock.version_error is not None:
            await self._alerts.raise_for(f"dock-version:{self.name}", dock.version_error)
        else:
            await self._alerts.withdraw(f"dock-version:{self.name}")
        await self._alerts.withdraw(f"dock-silent:{self.name}")
        for slot, (colour, pattern) in self._lights.items():
            await dock.led(slot, colour, pattern)
        for slot, (enable, limit_ma) in self._charges.items():
            await dock.charge(slot, enable, limit_ma)
        for end in self._slots.values():
            await end.connected()

    async def _check_counters(self, hello: DockHello) -> None:
        try:
            check_counters(self._counters.get(hello.serial) or self._met_before(hello.serial), hello.counters)
        except EdgeError as exc:
            await self._alerts.raise_for(f"dock-counters-back:{self.name}", exc)
        self._counters[hello.serial] = hello.counters

    def _met_before(self, serial: str) -> DockCounters:
        """What the ledger says of this board; it does not say how often it was started."""
        unlocks, insertions = self._recorder.state.boards.get(serial, (0, 0))
        return DockCounters(unlocks, insertions, boots=0)

    async def _take(self, event: DockEvent) -> None:
        if isinstance(event, SlotImpossible):
            if (end := self._slots.get(event.slot)) is not None:
                end.impossible(event.reason)
            return
        end = self._slots.get(event.slot)
        if isinstance(event, m.SlotStatus):
            self.last_status[event.slot] = event
            if end is not None:
                await end.status(event)
            return
        if end is not None:
            await end.event(event)
        if end is None or event.kind in _REPORTED:
            await self._recorder.record(
                f.DockReported(
                    dock=self.name, number=event.number, what=event.kind.name.lower(), slot=event.slot
                )
            )

    async def _lost(self, error: EdgeError) -> None:
        alert = f"dock-silent:{self.name}"
        if self._alerts.active(alert):
            return
        code = ErrorCode.DOCK_SILENT if isinstance(error, LinkGoneError) else error.code
        await self._alerts.raise_(alert, code, reason=str(error)[:300])
        await self._recorder.record(f.DockLost(dock=self.name, code=error.code.number, detail=error.detail))


class _Acks:
    """Numbered events that are being made durable. An acknowledgement covers all up to its number."""

    def __init__(self) -> None:
        self._open: set[int] = set()
        self._highest = self._told = 0

    def begin(self, number: int) -> None:
        self._open.add(number)
        self._highest = max(self._highest, number)

    def end(self, number: int) -> int:
        """Return the number that may be acknowledged now; 0: nothing new."""
        self._open.discard(number)
        done = min(self._open) - 1 if self._open else self._highest
        if done <= self._told:
            return 0
        self._told = done
        return done


@dataclass(frozen=True, slots=True)
class _Lane:
    """One slot's events on their way. The controller holds back numbered ones after EVENT_WINDOW."""

    queue: "asyncio.Queue[DockEvent]"
    task: "asyncio.Task[None]"

    def take(self, event: DockEvent, acks: _Acks) -> None:
        if isinstance(event, m.Event):
            acks.begin(event.number)
        elif self.queue.qsize() > LANE_STATES:
            return  # a state only: the slot's next look asks for the newest
        self.queue.put_nowait(event)


_REPORTED = frozenset(
    {
        m.EventKind.OVERHEAT,
        m.EventKind.COVER_OPENED,
        m.EventKind.COVER_CLOSED,
        m.EventKind.POWER_LOST,
        m.EventKind.RESTARTED,
        m.EventKind.EVENTS_LOST,
        m.EventKind.OTHER,
    }
)
"""Kinds that are facts of the dock itself; the others become facts of a slot."""
