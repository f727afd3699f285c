"""SFTP version 3, the client's half, as bytes (draft-ietf-secsh-filexfer-02 and OpenSSH's PROTOCOL).

Pure. The library's own client is not used because it drops answers it does not expect, throws away
the status of pipelined writes and lists folders without a bound. Here every answer is one of the
types below or a FormatError, and every length is checked before it is believed.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from edged.errors import FormatError

VERSION = 3
MAX_PACKET = 300 * 1024  # OpenSSH sends at most 256 KiB; anything longer is not for us
MAX_TEXT = 4096
MAX_HANDLE = 256  # draft, section 4: handles are at most 256 bytes
MAX_NAMES = 4096  # names in one answer
MAX_EXTENSIONS = 64


class Kind(IntEnum):
    """Packet types (draft, section 3)."""

    INIT = 1
    VERSION = 2
    OPEN = 3
    CLOSE = 4
    READ = 5
    WRITE = 6
    LSTAT = 7
    OPENDIR = 11
    READDIR = 12
    MKDIR = 14
    RENAME = 18
    STATUS = 101
    HANDLE = 102
    DATA = 103
    NAME = 104
    ATTRS = 105
    EXTENDED = 200
    EXTENDED_REPLY = 201


class Status(IntEnum):
    """Status codes (draft, section 7)."""

    OK = 0
    EOF = 1
    NO_SUCH_FILE = 2
    PERMISSION_DENIED = 3
    FAILURE = 4
    BAD_MESSAGE = 5
    NO_CONNECTION = 6
    CONNECTION_LOST = 7
    OP_UNSUPPORTED = 8


class Open(IntEnum):
    """Flags of OPEN (draft, section 6.3)."""

    READ = 0x01
    WRITE = 0x02
    CREATE = 0x08
    EXCLUSIVE = 0x20


@dataclass(frozen=True, slots=True)
class Attributes:
    """What we use of a file's attributes; -1: the server did not say."""

    size: int = -1
    mode: int = -1

    @property
    def is_dir(self) -> bool:
        return self.mode >= 0 and self.mode & 0o170000 == 0o040000


@dataclass(frozen=True, slots=True)
class StatusReply:
    id: int
    code: int
    text: str


@dataclass(frozen=True, slots=True)
class HandleReply:
    id: int
    handle: bytes


@dataclass(frozen=True, slots=True)
class DataReply:
    id: int
    data: bytes


@dataclass(frozen=True, slots=True)
class NameReply:
    id: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AttrsReply:
    id: int
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class ExtendedReply:
    id: int
    body: bytes


Reply = StatusReply | HandleReply | DataReply | NameReply | AttrsReply | ExtendedReply


class Cursor:
    """Reads fields off ``data``; whatever is not there is a FormatError."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        if size > self.left:
            raise FormatError(what="sftp", reason="shorter than it says")
        self._at += size
        return self._data[self._at - size : self._at]

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def u8(self) -> int:
        return self.take(1)[0]

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def u64(self) -> int:
        return int.from_bytes(self.take(8), "big")

    def string(self, limit: int = MAX_TEXT) -> bytes:
        size = self.u32()
        if size > limit:
            raise FormatError(what="sftp", reason="string too long", size=size, limit=limit)
        return self.take(size)

    def rest(self) -> bytes:
        return self.take(self.left)

    def attributes(self) -> Attributes:
        """Section 5. Unknown flags would shift every later field, so they are refused."""
        flags = self.u32()
        if flags & ~0x8000000F:
            raise FormatError(what="sftp", reason="unknown attribute flags", flags=flags)
        size = self.u64() if flags & 0x1 else -1
        if flags & 0x2:
            self.take(8)
        mode = self.u32() if flags & 0x4 else -1
        if flags & 0x8:
            self.take(8)
        for _ in range(self._count(MAX_EXTENSIONS) if flags & 0x80000000 else 0):
            self.string()
            self.string()
        return Attributes(size=size, mode=mode)

    def names(self) -> tuple[str, ...]:
        found = []
        for _ in range(self._count(MAX_NAMES)):
            found.append(self.string().decode("utf-8", "replace"))
            self.string()  # the long name, for people's eyes
            self.attributes()
        return tuple(found)

    def end(self) -> None:
        if self.left:
            raise FormatError(what="sftp", reason="bytes after the end", size=self.left)

    def _count(self, limit: int) -> int:
        count = self.u32()
        if count > limit:
            raise FormatError(what="sftp", reason="too many", count=count, limit=limit)
        return count


def decode(packet: bytes) -> Reply:
    """Return the answer in ``packet`` (type byte first, without its length).

    Raises:
        FormatError: it is none, or its lengths lie.
    """
    cursor = Cursor(packet)
    kind, number = cursor.u8(), cursor.u32()
    reply = _body(cursor, kind, number)
    cursor.end()
    return reply


def _body(cursor: Cursor, kind: int, number: int) -> Reply:
    match kind:
        case Kind.STATUS:
            code = cursor.u32()
            text = cursor.string() if cursor.left else b""  # message and language tag: some servers send none
            if cursor.left:
                cursor.string()
            return StatusReply(number, code, text.decode("utf-8", "replace"))
        case Kind.HANDLE:
            return HandleReply(number, cursor.string(MAX_HANDLE))
        case Kind.DATA:
            return DataReply(number, cursor.string(MAX_PACKET))
        case Kind.NAME:
            return NameReply(number, cursor.names())
        case Kind.ATTRS:
            return AttrsReply(number, cursor.attributes())
        case Kind.EXTENDED_REPLY:
            return ExtendedReply(number, cursor.rest())
        case _:
            raise FormatError(what="sftp", reason="no answer of this kind", kind=kind)


def decode_version(packet: bytes) -> dict[str, bytes]:
    """Return the server's extensions from its first packet.

    Raises:
        FormatError: another version, or no VERSION packet at all.
    """
    cursor = Cursor(packet)
    if cursor.u8() != Kind.VERSION or cursor.u32() != VERSION:
        raise FormatError(what="sftp", reason="not version 3")
    extensions: dict[str, bytes] = {}
    while rest := cursor.rest():
        if len(extensions) >= MAX_EXTENSIONS:
            raise FormatError(what="sftp", reason="too many extensions")
        cursor = Cursor(rest)
        name = cursor.string().decode("utf-8", "replace")
        extensions[name] = cursor.string()
    return extensions


def init() -> bytes:
    return _packet(Kind.INIT, VERSION.to_bytes(4, "big"))


def request(kind: Kind, number: int, *fields: bytes | int) -> bytes:
    """One request with its length: integers as u32, bytes as strings; pack a u64 with ``u64``."""
    body = [number.to_bytes(4, "big")]
    for field in fields:
        match field:
            case int():
                body.append(field.to_bytes(4, "big"))
            case U64():
                body.append(bytes(field))
            case bytes():
                body += (len(field).to_bytes(4, "big"), field)
    return _packet(kind, *body)


class U64(bytes):
    """Eight bytes that go out as they are."""

    __slots__ = ()


def u64(value: int) -> U64:
    return U64(value.to_bytes(8, "big"))


def _packet(kind: Kind, *parts: bytes) -> bytes:
    size = 1 + sum(map(len, parts))
    return b"".join((struct.pack(">IB", size, kind), *parts))


@dataclass(frozen=True, slots=True)
class Limits:
    """limits@openssh.com (OpenSSH PROTOCOL, 4.8), in bytes; 0: the server does not say."""

    packet: int
    read: int
    write: int
    handles: int


def decode_limits(body: bytes) -> Limits:
    cursor = Cursor(body)
    limits = Limits(cursor.u64(), cursor.u64(), cursor.u64(), cursor.u64())
    cursor.end()
    return limits


@dataclass(frozen=True, slots=True)
class VfsStat:
    """statvfs@openssh.com (OpenSSH PROTOCOL, 4.4): what we use of it."""

    free: int
    free_inodes: int
    inodes: int


def decode_statvfs(body: bytes) -> VfsStat:
    """Eleven u64: bsize frsize blocks bfree bavail files ffree favail fsid flag namemax."""
    cursor = Cursor(body)
    fields = [cursor.u64() for _ in range(11)]
    cursor.end()
    return VfsStat(free=fields[1] * fields[4], free_inodes=fields[7], inodes=fields[5])
