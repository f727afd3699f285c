"""Messages between edged and the dock controller. Chapters are those of PROTOCOL.md beside this file.

Rule of versions: messages marked *frozen* never change their layout, so that status, charging and
light go on with a controller of another version. Everything that opens a lock is versioned.
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Annotated, ClassVar

from firmware_protocol.wire import I16, U8, U16, U32, Flag, Message, MessageSet

VERSIONS = range(1, 2)  # protocol versions that this code speaks
SLOTS = 32  # slots that one controller can have
HEARTBEAT_S = 3.0  # chapter 4.6
EVENT_WINDOW = 8  # events that the controller may have sent and not seen acknowledged; chapter 5
AGE_UNKNOWN = 0xFFFF_FFFF  # an event from before the controller's last restart

DOCK = MessageSet("dock controller")

Slot = Annotated[int, U8("", 1, SLOTS)]
Request = Annotated[int, U32("", 1)]


class Colour(IntEnum):
    """Chapter 6: what a slot's light shows."""

    OFF = 0
    GREEN = 1
    AMBER = 2
    RED = 3


class Pattern(IntEnum):
    """Chapter 6. Times in milliseconds, lit/dark; the controller keeps the rhythm by itself."""

    OFF = 0
    STEADY = 1
    FAST = 2  # 125/125
    SLOW = 3  # 1000/1000, faded
    SINGLE = 4  # 100/1900
    TRIPLE = 5  # three of 100/150, then 1250 dark
    DOUBLE = 6  # two of 100/150, then 1500 dark
    LONG = 7  # 1800/200
    ALTERNATING = 8  # 125/125, the two halves of the light in turn


class Buzzer(IntEnum):
    """Chapter 6: what the controller's buzzer plays once; ALARM sounds until NONE."""

    NONE = 0
    ONE = 1
    TWO = 2
    ALARM = 3


class Contact(IntEnum):
    """Whether a camera touches the slot's contacts, debounced by the controller."""

    EMPTY = 0
    PRESENT = 1


class Latch(IntEnum):
    """Position of the retaining latch by its own sensor."""

    LOCKED = 0
    OPEN = 1
    JAMMED = 2


class Fault(IntFlag):
    """Latched faults of one slot, cleared by ClearFaults only. An unknown bit counts as a fault."""

    NONE = 0
    OVERCURRENT = 1 << 0
    OVERTEMP = 1 << 1
    CONTACT_WET = 1 << 2
    LATCH_JAM = 1 << 3
    LATCH_SENSOR = 1 << 4
    SUPPLY = 1 << 5


class Capability(IntFlag):
    """What the board can do beside lock and status; sent in the hello."""

    NONE = 0
    CHARGE_LIMIT = 1 << 0
    TEMPERATURE = 1 << 1
    COVER_SWITCH = 1 << 2
    BUZZER = 1 << 3


class Result(IntEnum):
    """How a command ended. Everything but OK means: nothing was moved or switched."""

    OK = 0
    NO_SUCH_SLOT = 1
    FAULT_LATCHED = 2
    GRANT_USED = 3  # this grant opened another slot
    VERSION = 4  # not in a session of another version
    LOG_FULL = 5  # too many events are unacknowledged
    BUSY = 6  # open for another grant
    TOO_SOON = 7  # the lock moved a moment ago
    UNSUPPORTED = 8
    REMAINS = 9  # the cause of a fault is still there
    OTHER = 255  # a reason that a later version added


class EventKind(IntEnum):
    """What happened at the dock; ``value`` of the event in brackets."""

    CONTACT_MADE = 1
    CONTACT_BROKEN = 2
    FORCED_OPEN = 3  # the contact broke, or the latch moved, without a grant
    OPENED = 4  # [grant]
    RELOCKED = 5  # [Relock]
    FAULT_LATCHED = 6  # [Fault]
    OVERHEAT = 7  # [tenths of a degree Celsius]
    COVER_OPENED = 8
    COVER_CLOSED = 9
    POWER_LOST = 10
    RESTARTED = 11  # [boots]
    EVENTS_LOST = 12  # [how many]; the memory of events was full
    OTHER = 255  # a kind that a later version added


class Relock(IntEnum):
    """Why a lock closed again."""

    TIME_OVER = 0
    TAKEN = 1
    COMMANDED = 2
    RESTART = 3


_RESULTS = frozenset(Result)
_KINDS = frozenset(EventKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Message):
    """Base of what the host asks. The same ``request`` again gets the same answer and acts once."""

    FROZEN: ClassVar[bool] = True
    request: Request


@DOCK.message(0x10, source="4.1")
@dataclass(frozen=True, slots=True, kw_only=True)
class GetStatus(Command):
    """Answered by SlotStatus; for slot 0 (all) by Done, and every SlotStatus follows unasked."""

    slot: Annotated[int, U8("", 0, SLOTS)]


@DOCK.message(0x11, source="4.2")
@dataclass(frozen=True, slots=True, kw_only=True)
class GetCounters(Command):
    """Answered by Counters."""


@DOCK.message(0x12, source="4.3")
@dataclass(frozen=True, slots=True, kw_only=True)
class SlotPower(Command):
    """Switch the camera's supply. Answered by Done, as all below."""

    slot: Slot
    on: Flag


@DOCK.message(0x13, source="4.3")
@dataclass(frozen=True, slots=True, kw_only=True)
class Charge(Command):
    """Allow charging up to ``limit``; without it the slot supplies data current only."""

    slot: Slot
    enable: Flag
    limit: Annotated[int, U16("mA", 0, 3_000)]


@DOCK.message(0x14, source="6")
@dataclass(frozen=True, slots=True, kw_only=True)
class SetLed(Command):
    slot: Slot
    colour: Annotated[Colour, U8()]
    pattern: Annotated[Pattern, U8()]


@DOCK.message(0x15, source="6")
@dataclass(frozen=True, slots=True, kw_only=True)
class Buzz(Command):
    slot: Slot
    buzzer: Annotated[Buzzer, U8()]


@DOCK.message(0x16, source="4.4")
@dataclass(frozen=True, slots=True, kw_only=True)
class Lock(Command):
    """Close the lock now."""

    slot: Slot


@DOCK.message(0x17, source="5")
@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledge(Command):
    """Every event up to ``number`` is recorded durably and may be forgotten."""

    number: Annotated[int, U32("", 1)]


@DOCK.message(0x20, source="4.4")
@dataclass(frozen=True, slots=True, kw_only=True)
class Unlock(Command):
    """Open the lock once for ``grant``; the hardware closes it after ``open_for`` by itself.

    The same grant again gets the first answer and moves nothing.
    """

    FROZEN: ClassVar[bool] = False
    slot: Slot
    grant: Annotated[int, U32("", 1)]
    open_for: Annotated[int, U16("ds", 1, 600)]  # tenths of a second


@DOCK.message(0x21, source="4.5")
@dataclass(frozen=True, slots=True, kw_only=True)
class ClearFaults(Command):
    FROZEN: ClassVar[bool] = False
    slot: Slot


@DOCK.message(0x22, source="4.5")
@dataclass(frozen=True, slots=True, kw_only=True)
class Reset(Command):
    """Restart the controller after the answer. It comes up with every lock closed."""

    FROZEN: ClassVar[bool] = False


@DOCK.message(0x80, source="3")
@dataclass(frozen=True, slots=True, kw_only=True)
class DockInfo(Message):
    """What the controller adds to its hello. Frozen. Counters never go back."""

    slots: Slot
    unlocks: Annotated[int, U32()]
    insertions: Annotated[int, U32()]
    boots: Annotated[int, U32()]
    event_from: Annotated[int, U32("", 1)]  # number of the first event that is not acknowledged yet


@DOCK.message(0x90, source="4.1")
@dataclass(frozen=True, slots=True, kw_only=True)
class SlotStatus(Message):
    """One slot's state, on request and, with ``request`` 0, whenever it changes. Frozen."""

    request: Annotated[int, U32()]
    slot: Slot
    contact: Annotated[Contact, U8()]
    latch: Annotated[Latch, U8()]
    powered: Flag
    charging: Flag  # allowed, not measured
    fault: Annotated[Fault, U16()]
    vbus: Annotated[int, U16("mV", 0, 24_000)]
    current: Annotated[int, I16("mA", -500, 5_000)]  # negative: the camera feeds the dock
    temperature: Annotated[int, I16("ddegC", -500, 1_500)]  # tenths of a degree Celsius


@DOCK.message(0x91, source="4.2")
@dataclass(frozen=True, slots=True, kw_only=True)
class Counters(Message):
    """Since the board was made; kept without power. Frozen."""

    request: Request
    unlocks: Annotated[int, U32()]
    insertions: Annotated[int, U32()]
    boots: Annotated[int, U32()]


@DOCK.message(0x92, source="4")
@dataclass(frozen=True, slots=True, kw_only=True)
class Done(Message):
    """Answer to a command. Frozen; later versions may add codes."""

    request: Request
    code: Annotated[int, U8()]

    @property
    def result(self) -> Result:
        return Result(self.code) if self.code in _RESULTS else Result.OTHER


@DOCK.message(0x93, source="5")
@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Message):
    """Something that happened, numbered without gaps for the life of the board.

    Frozen; later versions may add codes. Those are passed on too: a gap would hold up all that follow.
    """

    number: Annotated[int, U32("", 1)]
    code: Annotated[int, U8("", 1)]
    slot: Annotated[int, U8("", 0, SLOTS)]  # 0: the whole dock
    value: Annotated[int, U32()]
    age: Annotated[int, U32("s")]  # since it happened, at the time of sending; or AGE_UNKNOWN

    @property
    def kind(self) -> EventKind:
        return EventKind(self.code) if self.code in _KINDS else EventKind.OTHER


@DOCK.message(0x94, source="4.6")
@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat(Message):
    """Every HEARTBEAT_S while a session is open. Frozen."""

    uptime: Annotated[int, U32("s")]


def impossible(status: SlotStatus, slots: int) -> str:
    """Return why a slot's report cannot be true, or "" if it can."""
    if status.slot > slots:
        return f"slot {status.slot} of {slots}"
    if status.contact is Contact.EMPTY and status.current > 50:  # mA: above the sense current
        return f"{status.current} mA into an empty slot"
    if not status.powered and status.current > 50:
        return f"{status.current} mA while switched off"
    return ""
