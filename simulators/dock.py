"""A dock controller without a dock: the same promises as the firmware (PROTOCOL.md), its refusals included.

Tests and people set its world directly; the controller finds out as the real one would:

    dock = SimDock(slots=8, key=KEY, clock=loop.time, nonce=random.token)
    dock.insert(3)                      # a camera snaps in
    dock.slots[3].temperature = 655     # tenths of a degree
    dock.tear_out(3)                    # by force

What a board keeps without power (counters, events, grants) is in ``memory``.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace

from firmware_protocol.dock import messages as m
from firmware_protocol.framing import pack
from firmware_protocol.session import SESSION, Identity, NoSession, Role
from firmware_protocol.wire import Message
from simulators.device import SerialDevice

DEBOUNCE_S = 0.06  # PROTOCOL.md 4.1
EVENT_REPEAT_S = 2.0  # PROTOCOL.md 5
EVENTS_KEPT = 1024
LOG_FULL = EVENTS_KEPT // 2  # from here on no lock is opened
GRANTS_KEPT = 64
PULSE_GAP_S = 0.5  # between two openings of one lock: the solenoid's rest
HOT, COOL = 600, 550  # tenths of a degree: latch the fault, allow clearing
OVERCURRENT = 3_500  # mA
NO_SESSION = pack(SESSION.encode(NoSession()))
NOISE_MA = 20  # a smaller change of current is not worth a report

Current = int | Callable[[], int]


@dataclass(slots=True)
class SimSlot:
    """One slot's mechanics and electronics, as they are."""

    contact: bool = False  # now, bouncing included
    latch: m.Latch = m.Latch.LOCKED
    jammed: bool = False  # the latch will not move
    powered: bool = True
    charging: bool = True
    limit: int = 500  # mA
    load: Current = 0  # mA that a camera draws when it may
    temperature: int = 220  # tenths of a degree Celsius
    fault: m.Fault = m.Fault.NONE
    colour: m.Colour = m.Colour.OFF
    pattern: m.Pattern = m.Pattern.OFF
    buzzer: m.Buzzer = m.Buzzer.NONE
    # the controller's own view
    grant: int = 0
    closes_at: float = 0.0
    opened_at: float = float("-inf")
    present: bool = False  # debounced
    changed_at: float | None = None  # when the contact last moved, while it is not believed yet
    latch_then: m.Latch = m.Latch.LOCKED  # where the latch was at that moment
    reported: m.SlotStatus | None = None


@dataclass(slots=True)
class Memory:
    """What a board keeps without power. Swap it for another one and the board was replaced."""

    unlocks: int = 0
    insertions: int = 0
    boots: int = 0
    next_event: int = 1
    events: list[tuple[m.Event, int, float]] = field(default_factory=list)  # event, boot, time
    grants: OrderedDict[int, int] = field(default_factory=OrderedDict)  # grant → slot it opened
    present: dict[int, bool] = field(default_factory=dict)


class SimDock(SerialDevice):
    """The state a test arranges and looks at, and the bytes that follow from it."""

    def __init__(
        self,
        *,
        slots: int,
        key: bytes,
        clock: Callable[[], float],
        nonce: Callable[[int], bytes],
        serial: str = "SIMDOCK-0001",
        firmware: str = "sim-1.0",
        versions: range = m.VERSIONS,
        on_power: Callable[[int, bool], None] = lambda _slot, _on: None,
    ) -> None:
        self.slots = {n: SimSlot() for n in range(1, slots + 1)}
        self.memory = Memory()
        self.on_power = on_power
        self._last: tuple[int, Message] | None = None  # newest request and its answer
        self._beat_at = 0.0
        self._repeat_at = 0.0
        self._sent_to = 0  # number of the newest event sent in this session
        capabilities = (
            m.Capability.CHARGE_LIMIT
            | m.Capability.TEMPERATURE
            | m.Capability.COVER_SWITCH
            | m.Capability.BUZZER
        )
        identity = Identity(Role.DOCK, serial, firmware, int(capabilities), versions)
        super().__init__(m.DOCK, identity, key=key, clock=clock, nonce=nonce)

    # --- the world: what hands, cameras and accidents do ------------------------------------------------

    def insert(self, slot: int) -> None:
        """Push a camera in. The latch snaps over it, locked or not."""
        self.touch(slot, True)

    def pull(self, slot: int) -> bool:
        """Take the camera out as an officer would; False: the latch holds it."""
        if self.slots[slot].latch is not m.Latch.OPEN:
            return False
        self.touch(slot, False)
        return True

    def tear_out(self, slot: int) -> None:
        """Take the camera out by force, whatever the latch says."""
        self.touch(slot, False)

    def touch(self, slot: int, contact: bool) -> None:
        """Move the bare contact; a chattering one is many calls."""
        s = self.slots[slot]
        if s.contact != contact:
            s.contact = contact
            if s.changed_at is None:
                s.latch_then = s.latch
            s.changed_at = self._clock()
            self.changed()

    def break_down(self, slot: int, fault: m.Fault) -> None:
        """Let the controller find a fault."""
        self._latch_fault(slot, fault)
        self.changed()

    def open_cover(self) -> None:
        self._event(m.EventKind.COVER_OPENED)
        self.changed()

    def close_cover(self) -> None:
        self._event(m.EventKind.COVER_CLOSED)
        self.changed()

    def lose_power(self) -> None:
        """Mains gone and back."""
        self._event(m.EventKind.POWER_LOST)
        self.restart()

    def restart(self) -> None:
        """Watchdog, brown-out or Reset: everything that is not in ``memory`` is gone."""
        self.start()
        self.send(NO_SESSION)
        self.changed()

    def storm(self, slot: int, count: int) -> None:
        """A firmware bug: reports of openings nobody asked for, without regard to the window."""
        for _ in range(count):
            self._event(m.EventKind.OPENED, slot)
        for event, boot, at in list(self.memory.events):
            self.say(self._aged(event, boot, at))

    # --- the controller ------------------------------------------------------------------------------

    def start(self) -> None:
        super().start()
        self.memory.boots += 1
        self._last = None
        self._beat_at = self._repeat_at = self._clock()
        self._sent_to = 0
        self._event(m.EventKind.RESTARTED, value=self.memory.boots)
        for n, s in self.slots.items():
            self._start_slot(n, s)

    def _start_slot(self, n: int, s: SimSlot) -> None:
        if s.latch is m.Latch.OPEN:
            s.latch = m.Latch.LOCKED  # a spring does it: without power a lock is closed
            self._event(m.EventKind.RELOCKED, n, m.Relock.RESTART)
        if not s.powered:
            self.on_power(n, True)
        s.powered = s.charging = True
        s.colour, s.pattern, s.buzzer = m.Colour.OFF, m.Pattern.OFF, m.Buzzer.NONE
        s.grant, s.opened_at, s.reported = 0, float("-inf"), None
        s.present = self.memory.present.get(n, False)
        if s.contact != s.present and s.changed_at is None:
            s.latch_then, s.changed_at = s.latch, self._clock()

    def info(self) -> m.DockInfo:
        k = self.memory
        first = k.events[0][0].number if k.events else k.next_event
        return m.DockInfo(
            slots=len(self.slots),
            unlocks=k.unlocks,
            insertions=k.insertions,
            boots=k.boots,
            event_from=first,
        )

    def opened(self) -> None:
        self._last, self._sent_to = None, 0
        self._beat_at = self._clock()

    def message(self, message: Message) -> None:
        if not isinstance(message, m.Command):
            return
        if self._last is not None and message.request <= self._last[0]:
            if message.request == self._last[0]:
                self.say(self._last[1])  # the answer was lost, not the question
            return
        answer = self._obey(message)
        self._last = (message.request, answer)
        self.say(answer)
        if isinstance(message, m.Reset):
            self.restart()

    def _obey(self, command: m.Command) -> Message:
        slot = getattr(command, "slot", 0)
        r = command.request
        if slot and slot not in self.slots:
            return _done(command, m.Result.NO_SUCH_SLOT)
        if not command.FROZEN and not self._end.common_version:
            return _done(command, m.Result.VERSION)
        if isinstance(command, m.GetStatus) and slot:
            return self.status(slot, r)
        if isinstance(command, m.GetCounters):
            k = self.memory
            return m.Counters(request=r, unlocks=k.unlocks, insertions=k.insertions, boots=k.boots)
        return _done(command, self._do(command))

    def _do(self, command: m.Command) -> m.Result:
        match command:
            case m.Unlock():
                return self._unlock(command)
            case m.ClearFaults():
                return self._clear(command.slot)
            case m.Lock():
                self._relock(command.slot, m.Relock.COMMANDED)
            case m.GetStatus():
                for s in self.slots.values():
                    s.reported = None
            case m.Acknowledge():
                self.memory.events = [e for e in self.memory.events if e[0].number > command.number]
            case m.SlotPower():
                self._power(command.slot, command.on)
            case m.Charge() | m.SetLed() | m.Buzz():
                self._set(command)
            case _:
                return m.Result.OK if isinstance(command, m.Reset) else m.Result.UNSUPPORTED
        return m.Result.OK

    def _set(self, command: m.Charge | m.SetLed | m.Buzz) -> None:
        s = self.slots[command.slot]
        match command:
            case m.Charge():
                s.charging, s.limit = command.enable, command.limit
            case m.SetLed():
                s.colour, s.pattern = command.colour, command.pattern
            case m.Buzz():
                s.buzzer = command.buzzer

    def _power(self, n: int, on: bool) -> None:
        s = self.slots[n]
        if s.powered != on:
            s.powered = on
            self.on_power(n, on)

    def _unlock(self, command: m.Unlock) -> m.Result:
        s, k, now = self.slots[command.slot], self.memory, self._clock()
        if command.grant in k.grants:
            return m.Result.OK if k.grants[command.grant] == command.slot else m.Result.GRANT_USED
        if s.fault:
            return m.Result.FAULT_LATCHED
        if len(k.events) >= LOG_FULL:
            return m.Result.LOG_FULL
        if s.latch is m.Latch.OPEN:
            return m.Result.BUSY
        if now - s.opened_at < PULSE_GAP_S:
            return m.Result.TOO_SOON
        if s.jammed:
            s.latch = m.Latch.JAMMED
            self._latch_fault(command.slot, m.Fault.LATCH_JAM)
            return m.Result.FAULT_LATCHED
        k.grants[command.grant] = command.slot
        while len(k.grants) > GRANTS_KEPT:
            k.grants.popitem(last=False)
        k.unlocks += 1
        s.latch, s.grant, s.opened_at = m.Latch.OPEN, command.grant, now
        s.closes_at = now + command.open_for / 10
        self._event(m.EventKind.OPENED, command.slot, command.grant)
        return m.Result.OK

    def _relock(self, n: int, why: m.Relock) -> None:
        s = self.slots[n]
        if s.latch is m.Latch.OPEN:
            s.latch, s.grant = m.Latch.LOCKED, 0
            self._event(m.EventKind.RELOCKED, n, why)

    def _clear(self, n: int) -> m.Result:
        s = self.slots[n]
        if s.temperature >= COOL or s.jammed or self._current(s) > OVERCURRENT:
            return m.Result.REMAINS
        s.fault = m.Fault.NONE
        if s.latch is m.Latch.JAMMED:
            s.latch = m.Latch.LOCKED
        return m.Result.OK

    # --- time ----------------------------------------------------------------------------------------

    def tick(self) -> float:
        now = self._clock()
        waits = [self._tick_slot(n, s, now) for n, s in self.slots.items()]
        if now >= self._beat_at:
            self._beat_at = now + m.HEARTBEAT_S
            self.say(m.Heartbeat(uptime=int(self.uptime)))
        if now >= self._repeat_at:
            self._repeat_at = now + EVENT_REPEAT_S
            self._sent_to = 0
        self._push_events()
        waits.append(self._beat_at - now)
        if self.memory.events:
            waits.append(self._repeat_at - now)
        return min(waits)

    def _tick_slot(self, n: int, s: SimSlot, now: float) -> float:
        wait_s = m.HEARTBEAT_S
        if s.changed_at is not None:
            wait_s = s.changed_at + DEBOUNCE_S - now
            if wait_s <= 0:
                s.changed_at, wait_s = None, m.HEARTBEAT_S
                if s.contact != s.present:
                    self._believe(n, s)
        if s.latch is m.Latch.OPEN:
            if now >= s.closes_at:
                self._relock(n, m.Relock.TIME_OVER)
            else:
                wait_s = min(wait_s, s.closes_at - now)
        self._watch(n, s)
        self._report(n, s)
        return wait_s

    def _believe(self, n: int, s: SimSlot) -> None:
        s.present = self.memory.present[n] = s.contact
        if s.present:
            self.memory.insertions += 1
            self._event(m.EventKind.CONTACT_MADE, n)
            return
        self._event(m.EventKind.CONTACT_BROKEN, n)
        if s.latch_then is m.Latch.OPEN:
            self._relock(n, m.Relock.TAKEN)
        else:
            self._event(m.EventKind.FORCED_OPEN, n)

    def _watch(self, n: int, s: SimSlot) -> None:
        if s.temperature >= HOT and not s.fault & m.Fault.OVERTEMP:
            s.charging = False
            self._event(m.EventKind.OVERHEAT, n, s.temperature)
            self._latch_fault(n, m.Fault.OVERTEMP)
        if self._current(s) > OVERCURRENT and not s.fault & m.Fault.OVERCURRENT:
            self._latch_fault(n, m.Fault.OVERCURRENT)
            self._power(n, False)

    def _latch_fault(self, n: int, fault: m.Fault) -> None:
        self.slots[n].fault |= fault
        self._event(m.EventKind.FAULT_LATCHED, n, int(fault))

    def _current(self, s: SimSlot) -> int:
        if not (s.contact and s.powered and s.charging):
            return 0
        return s.load() if callable(s.load) else s.load

    # --- reports -------------------------------------------------------------------------------------

    def status(self, n: int, request: int = 0) -> m.SlotStatus:
        """One slot as the controller reports it."""
        s = self.slots[n]
        return m.SlotStatus(
            request=request,
            slot=n,
            contact=m.Contact.PRESENT if s.present else m.Contact.EMPTY,
            latch=s.latch,
            powered=s.powered,
            charging=s.charging,
            fault=s.fault,
            vbus=5_000 if s.powered else 0,
            current=max(-500, min(self._current(s), 5_000)) if s.present else 0,
            temperature=s.temperature,
        )

    def _report(self, n: int, s: SimSlot) -> None:
        status = self.status(n)
        if self.in_session and (s.reported is None or _differs(status, s.reported)):
            s.reported = status
            self.say(status)

    def _event(self, kind: m.EventKind, slot: int = 0, value: int = 0) -> None:
        k = self.memory
        if len(k.events) >= EVENTS_KEPT - 1:
            last, boot, at = k.events[-1]
            if last.kind is m.EventKind.EVENTS_LOST:
                k.events[-1] = (replace(last, value=last.value + 1), boot, at)
                return
            kind, slot, value = m.EventKind.EVENTS_LOST, 0, 1
        event = m.Event(number=k.next_event, code=kind, slot=slot, value=value, age=0)
        k.next_event += 1
        k.events.append((event, k.boots, self._clock()))

    def _push_events(self) -> None:
        if self.in_session:
            for event, boot, at in self.memory.events[: m.EVENT_WINDOW]:
                if event.number > self._sent_to:
                    self._sent_to = event.number
                    self.say(self._aged(event, boot, at))

    def _aged(self, event: m.Event, boot: int, at: float) -> m.Event:
        age = int(self._clock() - at) if boot == self.memory.boots else m.AGE_UNKNOWN
        return replace(event, age=age)


def _done(command: m.Command, result: m.Result) -> m.Done:
    return m.Done(request=command.request, code=result)


_COMPARED = tuple(f.name for f in fields(m.SlotStatus) if f.name not in {"current", "temperature"})


def _differs(new: m.SlotStatus, old: m.SlotStatus) -> bool:
    if abs(new.current - old.current) >= NOISE_MA or abs(new.temperature - old.temperature) >= 5:
        return True
    return any(getattr(new, name) != getattr(old, name) for name in _COMPARED)
