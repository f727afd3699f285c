"""Sessions on a serial line: who is there, and that nobody else speaks. Shared by dock and reader.

1. The host sends HostHello with a fresh nonce. The device answers DeviceHello with a nonce of its own and
   a tag that only a holder of the shared key can make over both hellos.
2. Both derive the session key from the shared key and both hellos. Every later frame carries a sequence
   number of its direction and a truncated MAC over direction, number and body.
3. A receiver takes numbers above the last one only: a gap is a lost frame, anything else is old.
4. A frame that fails is an exception with a reason; nothing of it reaches the layer above.
5. A device drops its running session only when the first valid frame of a new one arrives, so that a
   replayed hello interrupts nobody.
6. At the last number the sender stops: a new session is needed.

Pure: bytes and nonces in, bytes out. docs: PROTOCOL.md of the dock controller, chapters 2 and 3.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from typing import Annotated, TypeAlias

from firmware_protocol.errors import WireError
from firmware_protocol.framing import MAX_PAYLOAD
from firmware_protocol.wire import U8, U32, Message, MessageSet, Octets, Text

KEY_SIZE = 32
NONCE_SIZE = 16
HELLO_TAG_SIZE = 16
MAC_SIZE = 8  # one guess a frame at 115200 baud: 2**63 guesses outlast the hardware
SEQUENCE_END = 0xFFFF_FFFF
MAX_BODY = MAX_PAYLOAD - 1 - 4 - MAC_SIZE
_HELLO_LABEL = b"edged/serial/v1/hello\0"
_SESSION_LABEL = b"edged/serial/v1/session\0"

FROM_HOST = 0x03
FROM_DEVICE = 0x04
_DATA = (bytes([FROM_HOST]), bytes([FROM_DEVICE]))

SESSION = MessageSet("session")


class Role(IntEnum):
    """What kind of device sits on the line; a reader's answer never passes for a dock's."""

    DOCK = 1
    READER = 2


@SESSION.message(0x01, source="2.1")
@dataclass(frozen=True, slots=True, kw_only=True)
class HostHello(Message):
    role: Annotated[Role, U8()]
    low: Annotated[int, U8("", 1)]  # protocol versions that the host speaks
    high: Annotated[int, U8("", 1)]
    nonce: Annotated[bytes, Octets(NONCE_SIZE, NONCE_SIZE)]


@SESSION.message(0x02, source="2.2")
@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceHello(Message):
    role: Annotated[Role, U8()]
    version: Annotated[int, U8("", 1)]  # the device's choice; outside the host's range: no common one
    echo: Annotated[bytes, Octets(NONCE_SIZE, NONCE_SIZE)]  # the host's nonce
    nonce: Annotated[bytes, Octets(NONCE_SIZE, NONCE_SIZE)]
    serial: Annotated[str, Text(24)]
    firmware: Annotated[str, Text(24)]
    capabilities: Annotated[int, U32()]
    info: Annotated[bytes, Octets(0, 64)]  # a message of the device's own set
    tag: Annotated[bytes, Octets(HELLO_TAG_SIZE, HELLO_TAG_SIZE)]


@SESSION.message(0x05, source="2.5")
@dataclass(frozen=True, slots=True, kw_only=True)
class NoSession(Message):
    """The device has no session: it restarted, or a frame came before a hello. A hint, unsigned."""


class Refusal(StrEnum):
    """Why a frame was not taken. The values are metric labels: never rename one."""

    OLD = "old"  # number not above the last one: replayed, duplicated or reordered
    FOREIGN = "foreign"  # MAC or tag by another key, another session or another direction
    MIRRORED = "mirrored"  # the line gives back what was sent into it
    STALE = "stale"  # answer to another hello
    WRONG_ROLE = "wrong_role"
    NO_SESSION = "no_session"
    MALFORMED = "malformed"


class SessionError(WireError):
    """A frame that does not belong here. It changed nothing."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason.value)
        self.reason = reason


class SequenceEndError(WireError):
    """All numbers of this session are used up; open a new one."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The device proved that it knows the key. The session runs."""

    hello: DeviceHello


@dataclass(frozen=True, slots=True)
class Body:
    """A genuine frame's content."""

    data: bytes
    first: bool = False  # device's end only: the frame that put a new session into force


@dataclass(frozen=True, slots=True)
class Lost:
    """The device says it has no session."""


@dataclass(frozen=True, slots=True)
class Reply:
    """To be sent as it is."""

    payload: bytes


FromDevice: TypeAlias = Opened | Body | Lost
FromHost: TypeAlias = Body | Reply


class _Channel:
    """One running session as one end sees it."""

    def __init__(self, key: bytes, sends: int) -> None:
        self._key, self._sends = key, sends  # ``sends``: first byte of what this end says
        self._sent = 0
        self._received = 0

    def seal(self, body: bytes) -> bytes:
        if len(body) > MAX_BODY:
            raise ValueError(f"body of {len(body)} bytes, at most {MAX_BODY}")
        if self._sent >= SEQUENCE_END:
            raise SequenceEndError
        self._sent += 1
        head = bytes([self._sends]) + self._sent.to_bytes(4, "little")
        return head + body + self._mac(head + body)

    def open(self, payload: bytes) -> bytes:
        if len(payload) < 1 + 4 + MAC_SIZE:
            raise SessionError(Refusal.MALFORMED)
        if payload[0] == self._sends:
            raise SessionError(Refusal.MIRRORED)
        signed, mac = payload[:-MAC_SIZE], payload[-MAC_SIZE:]
        if not hmac.compare_digest(mac, self._mac(signed)):
            raise SessionError(Refusal.FOREIGN)
        number = int.from_bytes(signed[1:5], "little")
        if number <= self._received:
            raise SessionError(Refusal.OLD)
        self._received = number
        return signed[5:]

    def _mac(self, signed: bytes) -> bytes:
        return hmac.digest(self._key, signed, "sha256")[:MAC_SIZE]


class HostEnd:
    """The daemon's end of a line. One session; a second hello begins another."""

    def __init__(self, key: bytes, role: Role, versions: range) -> None:
        self._key = _checked(key)
        self._role, self._versions = role, versions
        self._asked = b""  # the last hello sent
        self._nonce = b""
        self._channel: _Channel | None = None

    def hello(self, nonce: bytes) -> bytes:
        """Return a hello to send. Only an answer to the newest one opens a session."""
        low, high = self._versions[0], self._versions[-1]
        self._nonce = nonce
        self._asked = SESSION.encode(HostHello(role=self._role, low=low, high=high, nonce=nonce))
        return self._asked

    def receive(self, payload: bytes) -> FromDevice:
        """Take one frame from the device.

        Raises:
            SessionError: it is not genuine, or not for now. Nothing has changed.
        """
        if payload[:1] in _DATA:
            if self._channel is None:
                raise SessionError(Refusal.NO_SESSION)
            return Body(self._channel.open(payload))
        message = _control(payload)
        if isinstance(message, NoSession):
            return Lost()
        if isinstance(message, DeviceHello):
            return self._opened(payload, message)
        raise SessionError(Refusal.MIRRORED)

    def seal(self, body: bytes) -> bytes:
        """Return ``body`` as a frame of the running session.

        Raises:
            SequenceEndError: a new session is needed.
        """
        if self._channel is None:
            raise RuntimeError("no session")
        return self._channel.seal(body)

    def _opened(self, payload: bytes, hello: DeviceHello) -> Opened:
        if not self._nonce or hello.echo != self._nonce:
            raise SessionError(Refusal.STALE)
        if hello.role is not self._role:
            raise SessionError(Refusal.WRONG_ROLE)
        transcript = self._asked + payload[:-HELLO_TAG_SIZE]
        if not hmac.compare_digest(hello.tag, _tag(self._key, transcript)):
            raise SessionError(Refusal.FOREIGN)
        self._nonce = b""  # the same answer again must not start the numbers anew
        self._channel = _Channel(_session_key(self._key, transcript), FROM_HOST)
        return Opened(hello)


@dataclass(frozen=True, slots=True)
class Identity:
    """What a device says about itself."""

    role: Role
    serial: str
    firmware: str
    capabilities: int
    versions: range


@dataclass(frozen=True, slots=True)
class _Session:
    channel: _Channel
    common: bool  # host and device speak a common version


class DeviceEnd:
    """The device's end, for simulators and as the reference of the firmware."""

    def __init__(self, key: bytes, identity: Identity, info: Callable[[], bytes]) -> None:
        self._key = _checked(key)
        self._identity, self._info = identity, info
        self._current: _Session | None = None
        self._pending: _Session | None = None

    @property
    def open(self) -> bool:
        return self._current is not None

    @property
    def common_version(self) -> bool:
        """Whether the running session may use the versioned part of the protocol."""
        return self._current is not None and self._current.common

    def receive(self, payload: bytes, nonce: Callable[[], bytes]) -> FromHost:
        """Take one frame from the host; ``nonce`` gives fresh bytes when a hello needs them.

        Raises:
            SessionError: it is not genuine. Nothing has changed.
        """
        if payload[:1] in _DATA:
            return self._data(payload)
        message = _control(payload)
        if not isinstance(message, HostHello):
            raise SessionError(Refusal.MIRRORED)
        return self._answer(payload, message, nonce())

    def seal(self, body: bytes) -> bytes:
        """Return ``body`` as a frame of the running session. Raises SequenceEndError."""
        if self._current is None:
            raise RuntimeError("no session")
        return self._current.channel.seal(body)

    def _data(self, payload: bytes) -> FromHost:
        if self._current is None and self._pending is None:
            return Reply(SESSION.encode(NoSession()))
        if self._pending is not None:
            try:
                body = self._pending.channel.open(payload)
            except SessionError:
                if self._current is None:
                    raise
            else:
                self._current, self._pending = self._pending, None
                return Body(body, first=True)
        assert self._current is not None
        return Body(self._current.channel.open(payload))

    def _answer(self, asked: bytes, hello: HostHello, nonce: bytes) -> Reply:
        if hello.role is not self._identity.role or hello.low > hello.high:
            raise SessionError(Refusal.WRONG_ROLE)
        mine = self._identity.versions
        common = [v for v in mine if hello.low <= v <= hello.high]
        draft = DeviceHello(
            role=self._identity.role,
            version=max(common, default=mine[-1]),
            echo=hello.nonce,
            nonce=nonce,
            serial=self._identity.serial,
            firmware=self._identity.firmware,
            capabilities=self._identity.capabilities,
            info=self._info(),
            tag=bytes(HELLO_TAG_SIZE),
        )
        transcript = asked + SESSION.encode(draft)[:-HELLO_TAG_SIZE]
        channel = _Channel(_session_key(self._key, transcript), FROM_DEVICE)
        self._pending = _Session(channel, common=bool(common))
        return Reply(SESSION.encode(replace(draft, tag=_tag(self._key, transcript))))


def _control(payload: bytes) -> Message:
    try:
        return SESSION.decode(payload)
    except WireError as exc:
        raise SessionError(Refusal.MALFORMED) from exc


def _checked(key: bytes) -> bytes:
    if len(key) != KEY_SIZE:
        raise ValueError(f"a key has {KEY_SIZE} bytes, not {len(key)}")
    return key


def _tag(key: bytes, transcript: bytes) -> bytes:
    return hmac.digest(key, _HELLO_LABEL + transcript, "sha256")[:HELLO_TAG_SIZE]


def _session_key(key: bytes, transcript: bytes) -> bytes:
    return hmac.digest(key, _SESSION_LABEL + transcript, "sha256")
