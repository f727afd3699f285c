"""Driver of the dock controller. The words are those of firmware_protocol/dock/PROTOCOL.md."""

from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

from drivers.base import ByteLink
from drivers.conversation import Conversation, Manner
from edged.errors import EdgeError, ErrorCode, Fact
from edged.ports import Random
from firmware_protocol.dock import messages as m
from firmware_protocol.errors import WireError
from firmware_protocol.session import Role
from firmware_protocol.wire import Message

ANSWER_S = 0.5  # chapter 4 promises 100 ms; five times that before the question is repeated
GAP = "event_gap"  # an event after one that was lost on the line; the controller sends both again
REPEATED = "event_repeated"

MANNER = Manner(
    role=Role.DOCK,
    messages=m.DOCK,
    versions=m.VERSIONS,
    heartbeat_s=m.HEARTBEAT_S,
    silent=ErrorCode.DOCK_SILENT,
    foreign=ErrorCode.DOCK_FOREIGN,
)


@dataclass(frozen=True, slots=True)
class DockCounters:
    """The board's own counts since it was made. They never go back."""

    unlocks: int
    insertions: int
    boots: int


@dataclass(frozen=True, slots=True)
class DockHello:
    """What the controller says about itself, proved by the key."""

    version: int
    serial: str
    firmware: str
    slots: int
    capabilities: m.Capability
    counters: DockCounters
    event_from: int  # number of the first event nobody has acknowledged


@dataclass(frozen=True, slots=True)
class SlotImpossible:
    """A report that cannot be true: this slot is at fault, the others are not concerned."""

    slot: int
    reason: str


DockEvent: TypeAlias = m.Event | m.SlotStatus | SlotImpossible


def check_counters(known: DockCounters, now: DockCounters) -> None:
    """Raises EdgeError DOCK_COUNTERS_BACK if a counter is below what is ``known`` of this board."""
    for name in ("unlocks", "insertions", "boots"):
        before, after = getattr(known, name), getattr(now, name)
        if after < before:
            raise EdgeError(ErrorCode.DOCK_COUNTERS_BACK, counter=name, was=before, now=after)


class DockController:
    """One conversation with the controller. Not reusable; the owner opens a new link and a new one.

    Every method raises, beside what it says itself:
        EdgeError: DOCK_REFUSED with the controller's ``reason``; the conversation goes on. DOCK_SILENT (no
            answer after all tries, or no heartbeat) and DOCK_PROTOCOL "event storm" end it.
        LinkGoneError: the line or the session is gone.
    What ended the conversation is raised by all later calls too.
    """

    def __init__(self) -> None:
        self._events: deque[m.Event] = deque()  # bounded by EVENT_WINDOW: see _take
        self._states: dict[int, m.SlotStatus | SlotImpossible] = {}  # newest of each slot
        self._expected = 1
        self._acknowledged = 0
        self._talk: Conversation
        self.hello: DockHello

    @classmethod
    @asynccontextmanager
    async def open(
        cls, link: ByteLink, *, key: bytes, random: Random, answer_s: float = ANSWER_S
    ) -> AsyncIterator["DockController"]:
        """Open a session and ask for every slot's state; it arrives through ``next_event``.

        Takes the link over and closes it. Look at ``version_error`` before counting on locks.

        Raises:
            EdgeError: DOCK_SILENT; DOCK_FOREIGN when nobody there knows the key; DOCK_VERSION when
                not even the frozen part is understood.
        """
        dock = cls()
        opening = Conversation.open(
            link, MANNER, key=key, random=random, answer_s=answer_s, deliver=dock._take
        )
        async with opening as dock._talk:
            dock.hello = dock._read_hello()
            dock._expected = dock.hello.event_from
            dock._acknowledged = dock._expected - 1
            await dock.refresh()
            yield dock

    @property
    def version_error(self) -> EdgeError | None:
        """DOCK_VERSION naming both versions, or None. With it status, charging and light go on."""
        return None if self.hello.version in m.VERSIONS else self._version_error()

    @property
    def rejected(self) -> Counter[str]:
        """Frames and messages that were dropped, by reason (firmware_protocol.session.Refusal and others).

        A growing count of "foreign", "old" or "mirrored" means that somebody else is on the line.
        """
        return self._talk.rejected.copy()

    async def refresh(self) -> None:
        """Ask for every slot's state; it arrives through ``next_event``."""
        await self._command(lambda r: m.GetStatus(request=r, slot=0))

    async def status(self, slot: int) -> m.SlotStatus:
        """Return the state of ``slot`` now.

        Raises:
            EdgeError: DOCK_PROTOCOL if the report cannot be true.
        """
        answer = await self._talk.ask(lambda r: m.GetStatus(request=r, slot=slot))
        if isinstance(answer, m.SlotStatus) and answer.slot == slot:
            reason = m.impossible(answer, self.hello.slots)
            if reason:
                raise EdgeError(ErrorCode.DOCK_PROTOCOL, slot=slot, reason=reason)
            return answer
        raise self._refusal(answer, "GetStatus", slot)

    async def counters(self) -> DockCounters:
        """Return the board's counters.

        Raises:
            EdgeError: DOCK_COUNTERS_BACK if one is below what the hello said.
        """
        answer = await self._talk.ask(lambda r: m.GetCounters(request=r))
        if not isinstance(answer, m.Counters):
            raise self._refusal(answer, "GetCounters")
        counters = DockCounters(answer.unlocks, answer.insertions, answer.boots)
        check_counters(self.hello.counters, counters)
        return counters

    async def unlock(self, slot: int, grant: int, open_s: float) -> None:
        """Open the lock once for ``grant``; the hardware closes it after ``open_s`` (0.1 to 60 s).

        Calling it again with the same grant is harmless, in this conversation or a later one.

        Raises:
            EdgeError: DOCK_VERSION with a controller of another version; DOCK_REFUSED.
        """
        if self.version_error is not None:
            raise self.version_error
        open_for = round(open_s * 10)
        await self._command(lambda r: m.Unlock(request=r, slot=slot, grant=grant, open_for=open_for), slot)

    async def lock(self, slot: int) -> None:
        """Close the lock now."""
        await self._command(lambda r: m.Lock(request=r, slot=slot), slot)

    async def led(self, slot: int, colour: m.Colour, pattern: m.Pattern) -> None:
        await self._command(lambda r: m.SetLed(request=r, slot=slot, colour=colour, pattern=pattern), slot)

    async def buzz(self, slot: int, pattern: m.Buzzer) -> None:
        await self._command(lambda r: m.Buzz(request=r, slot=slot, buzzer=pattern), slot)

    async def power(self, slot: int, on: bool) -> None:
        """Switch the camera's supply."""
        await self._command(lambda r: m.SlotPower(request=r, slot=slot, on=on), slot)

    async def charge(self, slot: int, enable: bool, limit_ma: int) -> None:
        """Allow charging up to ``limit_ma`` (0 to 3000)."""
        await self._command(lambda r: m.Charge(request=r, slot=slot, enable=enable, limit=limit_ma), slot)

    async def clear_faults(self, slot: int) -> None:
        """Forget latched faults whose cause is gone. Raises DOCK_VERSION as ``unlock``."""
        if self.version_error is not None:
            raise self.version_error
        await self._command(lambda r: m.ClearFaults(request=r, slot=slot), slot)

    async def ack(self, number: int) -> None:
        """Every event up to ``number`` is recorded durably; the controller may forget it."""
        if not 0 < number < self._expected:
            raise ValueError(f"event {number} was never delivered")
        # Before the answer: the next events may stand right behind it in the same piece.
        self._acknowledged = max(self._acknowledged, number)
        await self._command(lambda r: m.Acknowledge(request=r, number=number))

    async def next_event(self) -> DockEvent:
        """Return the next numbered event, in order and once; else the newest state of a changed slot.

        The controller holds back further events until earlier ones are acknowledged, and sends what
        was not acknowledged again in the next conversation.
        """
        while True:
            if self._events:
                return self._events.popleft()
            if self._states:
                return self._states.pop(next(iter(self._states)))
            self._talk.check()
            await self._talk.wait()

    def _read_hello(self) -> DockHello:
        hello = self._talk.hello
        try:
            info = m.DOCK.decode(hello.info)
        except WireError as exc:
            raise self._version_error() from exc
        if not isinstance(info, m.DockInfo):
            raise self._version_error()
        return DockHello(
            version=hello.version,
            serial=hello.serial,
            firmware=hello.firmware,
            slots=info.slots,
            capabilities=m.Capability(hello.capabilities),
            counters=DockCounters(info.unlocks, info.insertions, info.boots),
            event_from=info.event_from,
        )

    def _take(self, message: Message) -> Message | None:
        if isinstance(message, m.Event):
            self._take_event(message)
        elif isinstance(message, m.SlotStatus):
            reason = m.impossible(message, self.hello.slots)
            self._states.pop(message.slot, None)  # the newest goes to the end of the line
            self._states[message.slot] = SlotImpossible(message.slot, reason) if reason else message
        return None

    def _take_event(self, event: m.Event) -> None:
        if event.number < self._expected:
            self._talk.rejected[REPEATED] += 1
        elif event.number > self._acknowledged + m.EVENT_WINDOW:
            self._talk.fail(EdgeError(ErrorCode.DOCK_PROTOCOL, reason="event storm", number=event.number))
        elif event.number > self._expected:
            self._talk.rejected[GAP] += 1
        else:
            self._expected += 1
            self._events.append(event)

    async def _command(self, make: Callable[[int], m.Command], slot: int = 0) -> None:
        answer = await self._talk.ask(make)
        if not (isinstance(answer, m.Done) and answer.result is m.Result.OK):
            raise self._refusal(answer, type(make(1)).__name__, slot)

    def _refusal(self, answer: Message, command: str, slot: int = 0) -> EdgeError:
        detail: dict[str, Fact] = {"command": command} | ({"slot": slot} if slot else {})
        if not isinstance(answer, m.Done):
            return EdgeError(ErrorCode.DOCK_PROTOCOL, reason=f"answer {type(answer).__name__}", **detail)
        if answer.result is m.Result.VERSION:
            return self._version_error()
        reason = answer.result.name.lower()
        return EdgeError(ErrorCode.DOCK_REFUSED, reason=reason, code=answer.code, **detail)

    def _version_error(self) -> EdgeError:
        ours = f"{m.VERSIONS[0]}..{m.VERSIONS[-1]}"
        return EdgeError(ErrorCode.DOCK_VERSION, station=ours, controller=self._talk.hello.version)
