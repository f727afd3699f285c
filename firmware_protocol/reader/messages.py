"""Messages between edged and a badge reader. Chapters are those of PROTOCOL.md beside this file."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated

from firmware_protocol.wire import U8, U32, Message, MessageSet, Octets

VERSIONS = range(1, 2)  # protocol versions that this code speaks
HEARTBEAT_S = 2.0  # chapter 3
REPEAT_S = 0.25  # chapter 2: an unseen tap is repeated …
REPEATS = 4  # … this many times and then forgotten

READER = MessageSet("badge reader")

Number = Annotated[int, U32("", 1)]


class CardKind(IntEnum):
    """What the number on the badge is, as it enters the badge's digest. Chapter 2."""

    ISO14443_UID = 1  # bare serial number of a 13.56 MHz card: can be copied
    DESFIRE_ID = 2  # read through an authenticated application
    EM4100 = 3  # 125 kHz: can be copied
    HID_PROX = 4  # 125 kHz: can be copied

    @property
    def label(self) -> str:
        """``iso14443-uid``: the kind as rosters and digests write it."""
        return self.name.lower().replace("_", "-")


class NoticeKind(IntEnum):
    """What a reader reports beside badges."""

    COLLISION = 1  # two badges at once: neither was read
    TAMPER = 2  # the housing was opened
    TAMPER_OVER = 3


class Show(IntEnum):
    """What the reader shows and sounds. Chapter 4."""

    IDLE = 0
    WAIT = 1
    ACCEPTED = 2
    REFUSED = 3
    CONFIRM = 4  # "returns confirmed"
    OUT_OF_SERVICE = 5


@READER.message(0x10, source="2")
@dataclass(frozen=True, slots=True, kw_only=True)
class Seen(Message):
    """Tap or notice ``number`` has arrived; do not repeat it."""

    number: Number


@READER.message(0x11, source="4")
@dataclass(frozen=True, slots=True, kw_only=True)
class Signal(Message):
    """Show something. Answered by Shown. The same ``request`` again sounds once."""

    request: Number
    show: Annotated[Show, U8()]


@READER.message(0x80, source="1")
@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderInfo(Message):
    """What the reader adds to its hello."""

    presentations: Annotated[int, U32()]  # badges presented since the reader was made


@READER.message(0x90, source="2")
@dataclass(frozen=True, slots=True, kw_only=True)
class BadgeRead(Message):
    """A badge was presented: one message a presentation, however long it is held there."""

    number: Number  # of the presentation, rising for the life of the reader
    kind: Annotated[CardKind, U8()]
    uid: Annotated[bytes, Octets(4, 16)]


@READER.message(0x91, source="2")
@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Message):
    number: Number  # in the same count as badges
    kind: Annotated[NoticeKind, U8()]


@READER.message(0x92, source="4")
@dataclass(frozen=True, slots=True, kw_only=True)
class Shown(Message):
    request: Number


@READER.message(0x93, source="3")
@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat(Message):
    """Every HEARTBEAT_S while a session is open."""

    uptime: Annotated[int, U32("s")]
