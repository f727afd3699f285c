"""The SCSI commands that a disk in a dock needs: CDBs, and what the device answers.

Numbers: SPC-4 for INQUIRY, REQUEST SENSE, TEST UNIT READY, MODE SENSE, PREVENT/ALLOW; SBC-3 for the
rest. SCSI integers are big-endian. A command is a frozen dataclass; ``encode`` gives its CDB,
``decode_command`` reads one back, and the size of the data phase is ``data_size``.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, TypeAlias

from firmware_protocol.errors import (
    FieldOutOfRangeError,
    TruncatedMessageError,
    UnknownMessageError,
)
from firmware_protocol.usb.checks import exactly, in_range

INQUIRY_SIZE = 36
SENSE_SIZE = 18
CAPACITY_10_SIZE = 8
CAPACITY_16_SIZE = 32
MAX_LBA_10 = 0xFFFF_FFFF
MAX_COUNT_10 = 0xFFFF


@dataclass(frozen=True, slots=True)
class TestUnitReady:
    """Is there a medium, and may it be used?"""

    __test__: ClassVar[bool] = False  # not a test, whatever its name looks like to a collector

    def encode(self) -> bytes:
        return bytes(6)


@dataclass(frozen=True, slots=True)
class RequestSense:
    """Why did the last command fail? Answered by Sense."""

    allocation: int = SENSE_SIZE

    def encode(self) -> bytes:
        in_range("allocation", self.allocation, 0, 0xFF)
        return struct.pack(">BBHBB", 0x03, 0, 0, self.allocation, 0)


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What is it? Answered by InquiryData. No vital product data pages."""

    allocation: int = INQUIRY_SIZE

    def encode(self) -> bytes:
        in_range("allocation", self.allocation, 0, 0xFFFF)
        return struct.pack(">BBBHB", 0x12, 0, 0, self.allocation, 0)


@dataclass(frozen=True, slots=True)
class ModeSense6:
    """Mode pages; used for the write-protect bit only. Answered by ModeHeader and pages."""

    page: int = 0x3F
    allocation: int = 192

    def encode(self) -> bytes:
        in_range("page", self.page, 0, 0x3F)
        in_range("allocation", self.allocation, 0, 0xFF)
        return struct.pack(">BBBBBB", 0x1A, 0, self.page, 0, self.allocation, 0)


@dataclass(frozen=True, slots=True)
class StartStopUnit:
    """``start=False, eject=True`` is what a desktop calls "safely remove"."""

    start: bool
    eject: bool = False

    def encode(self) -> bytes:
        return struct.pack(">BBBBBB", 0x1B, 0, 0, 0, self.start | self.eject << 1, 0)


@dataclass(frozen=True, slots=True)
class PreventAllowRemoval:
    prevent: bool

    def encode(self) -> bytes:
        return struct.pack(">BBBBBB", 0x1E, 0, 0, 0, self.prevent, 0)


@dataclass(frozen=True, slots=True)
class ReadCapacity10:
    """Answered by Capacity in 8 bytes."""

    def encode(self) -> bytes:
        return b"\x25" + bytes(9)


@dataclass(frozen=True, slots=True)
class ReadCapacity16:
    """Answered by Capacity in 32 bytes; for disks of more than 2^32 sectors."""

    allocation: int = CAPACITY_16_SIZE

    def encode(self) -> bytes:
        in_range("allocation", self.allocation, 0, 0xFFFF_FFFF)
        return struct.pack(">BBQIBB", 0x9E, 0x10, 0, self.allocation, 0, 0)


@dataclass(frozen=True, slots=True)
class Read10:
    """``count`` sectors from ``lba``."""

    lba: int
    count: int

    def encode(self) -> bytes:
        return _block_10(0x28, self.lba, self.count)


@dataclass(frozen=True, slots=True)
class Write10:
    lba: int
    count: int

    def encode(self) -> bytes:
        return _block_10(0x2A, self.lba, self.count)


@dataclass(frozen=True, slots=True)
class SynchronizeCache10:
    """Put written sectors on the medium; 0, 0 means all."""

    lba: int = 0
    count: int = 0

    def encode(self) -> bytes:
        return _block_10(0x35, self.lba, self.count)


@dataclass(frozen=True, slots=True)
class Read16:
    lba: int
    count: int

    def encode(self) -> bytes:
        return _block_16(0x88, self.lba, self.count)


@dataclass(frozen=True, slots=True)
class Write16:
    lba: int
    count: int

    def encode(self) -> bytes:
        return _block_16(0x8A, self.lba, self.count)


Command: TypeAlias = (
    TestUnitReady
    | RequestSense
    | Inquiry
    | ModeSense6
    | StartStopUnit
    | PreventAllowRemoval
    | ReadCapacity10
    | ReadCapacity16
    | Read10
    | Write10
    | SynchronizeCache10
    | Read16
    | Write16
)


def _block_10(operation: int, lba: int, count: int) -> bytes:
    in_range("lba", lba, 0, MAX_LBA_10)
    in_range("count", count, 0, MAX_COUNT_10)
    return struct.pack(">BBIBHB", operation, 0, lba, 0, count, 0)


def _block_16(operation: int, lba: int, count: int) -> bytes:
    in_range("lba", lba, 0, 0xFFFF_FFFF_FFFF_FFFF)
    in_range("count", count, 0, 0xFFFF_FFFF)
    return struct.pack(">BBQIBB", operation, 0, lba, count, 0, 0)


def _inquiry(cdb: bytes) -> Inquiry:
    if cdb[1] & 1:
        raise FieldOutOfRangeError(f"INQUIRY asks for vital product data page 0x{cdb[2]:02X}")
    return Inquiry(int.from_bytes(cdb[3:5], "big"))


def _service_action(cdb: bytes) -> ReadCapacity16:
    if cdb[1] & 0x1F != 0x10:
        raise FieldOutOfRangeError(f"SERVICE ACTION IN 0x{cdb[1] & 0x1F:02X}")
    return ReadCapacity16(int.from_bytes(cdb[10:14], "big"))


def _at_10(cdb: bytes) -> tuple[int, int]:
    return int.from_bytes(cdb[2:6], "big"), int.from_bytes(cdb[7:9], "big")


def _at_16(cdb: bytes) -> tuple[int, int]:
    return int.from_bytes(cdb[2:10], "big"), int.from_bytes(cdb[10:14], "big")


_DECODERS: dict[int, tuple[int, Callable[[bytes], Command]]] = {
    0x00: (6, lambda _: TestUnitReady()),
    0x03: (6, lambda cdb: RequestSense(cdb[4])),
    0x12: (6, _inquiry),
    0x1A: (6, lambda cdb: ModeSense6(cdb[2] & 0x3F, cdb[4])),
    0x1B: (6, lambda cdb: StartStopUnit(bool(cdb[4] & 1), bool(cdb[4] & 2))),
    0x1E: (6, lambda cdb: PreventAllowRemoval(bool(cdb[4] & 1))),
    0x25: (10, lambda _: ReadCapacity10()),
    0x28: (10, lambda cdb: Read10(*_at_10(cdb))),
    0x2A: (10, lambda cdb: Write10(*_at_10(cdb))),
    0x35: (10, lambda cdb: SynchronizeCache10(*_at_10(cdb))),
    0x88: (16, lambda cdb: Read16(*_at_16(cdb))),
    0x8A: (16, lambda cdb: Write16(*_at_16(cdb))),
    0x9E: (16, _service_action),
}


def decode_command(cdb: bytes) -> Command:
    """Return the command in ``cdb``; bytes after the command's own length are ignored, as devices do.

    Raises:
        UnknownMessageError: an operation code that is not here.
        TruncatedMessageError: fewer bytes than the operation has.
        FieldOutOfRangeError: a variant of the operation that is not here.
    """
    if not cdb:
        raise TruncatedMessageError("empty CDB")
    if (found := _DECODERS.get(cdb[0])) is None:
        raise UnknownMessageError(cdb[0])
    size, decode = found
    if len(cdb) < size:
        raise TruncatedMessageError(f"CDB 0x{cdb[0]:02X}: {len(cdb)} of {size} bytes")
    return decode(cdb)


# --- what the device answers -----------------------------------------------------------------------


class SenseKey(IntEnum):
    """SPC-4 table 55; reserved keys are not members."""

    NO_SENSE = 0x0
    RECOVERED_ERROR = 0x1
    NOT_READY = 0x2
    MEDIUM_ERROR = 0x3
    HARDWARE_ERROR = 0x4
    ILLEGAL_REQUEST = 0x5
    UNIT_ATTENTION = 0x6
    DATA_PROTECT = 0x7
    BLANK_CHECK = 0x8
    VENDOR_SPECIFIC = 0x9
    COPY_ABORTED = 0xA
    ABORTED_COMMAND = 0xB
    VOLUME_OVERFLOW = 0xD
    MISCOMPARE = 0xE


@dataclass(frozen=True, slots=True, kw_only=True)
class Sense:
    """Fixed-format sense data, 18 bytes (SPC-4 4.5.3)."""

    key: SenseKey
    code: int  # additional sense code
    qualifier: int = 0
    information: int | None = None  # for a medium error: the first bad sector; None: not valid

    def encode(self) -> bytes:
        in_range("code", self.code, 0, 0xFF)
        in_range("qualifier", self.qualifier, 0, 0xFF)
        in_range("information", self.information or 0, 0, 0xFFFF_FFFF)
        head = 0x70 if self.information is None else 0xF0
        tail = (self.information or 0, 10, 0, self.code, self.qualifier, 0, 0, 0)
        return struct.pack(">BBBIBIBBBBH", head, 0, self.key, *tail)


NOTHING_WRONG = Sense(key=SenseKey.NO_SENSE, code=0)
NO_MEDIUM = Sense(key=SenseKey.NOT_READY, code=0x3A)
BECOMING_READY = Sense(key=SenseKey.NOT_READY, code=0x04, qualifier=0x01)
OPERATION_IN_PROGRESS = Sense(key=SenseKey.NOT_READY, code=0x04, qualifier=0x07)
UNRECOVERED_READ = Sense(key=SenseKey.MEDIUM_ERROR, code=0x11)
WRITE_ERROR = Sense(key=SenseKey.MEDIUM_ERROR, code=0x0C)
WRITE_PROTECTED = Sense(key=SenseKey.DATA_PROTECT, code=0x27)
INVALID_OPERATION = Sense(key=SenseKey.ILLEGAL_REQUEST, code=0x20)
LBA_OUT_OF_RANGE = Sense(key=SenseKey.ILLEGAL_REQUEST, code=0x21)
INVALID_FIELD = Sense(key=SenseKey.ILLEGAL_REQUEST, code=0x24)
MEDIUM_CHANGED = Sense(key=SenseKey.UNIT_ATTENTION, code=0x28)
POWERED_ON = Sense(key=SenseKey.UNIT_ATTENTION, code=0x29)


def decode_sense(data: bytes) -> Sense:
    """Return fixed-format sense data; bytes after the qualifier may be missing or more (devices differ).

    Raises:
        TruncatedMessageError: fewer than the 14 bytes up to the qualifier.
        FieldOutOfRangeError: another response code (descriptor format, deferred) or a reserved key.
    """
    if len(data) < 14:
        raise TruncatedMessageError(f"sense: {len(data)} of 14 bytes")
    if data[0] & 0x7F != 0x70:
        raise FieldOutOfRangeError(f"sense response code 0x{data[0] & 0x7F:02X}")
    try:
        key = SenseKey(data[2] & 0x0F)
    except ValueError as exc:
        raise FieldOutOfRangeError(f"sense key 0x{data[2] & 0x0F:X}") from exc
    information = int.from_bytes(data[3:7], "big") if data[0] & 0x80 else None
    return Sense(key=key, code=data[12], qualifier=data[13], information=information)


@dataclass(frozen=True, slots=True, kw_only=True)
class InquiryData:
    """Standard INQUIRY data, 36 bytes (SPC-4 6.4.2). Texts as sent, without the padding blanks."""

    vendor: str  # 8 characters
    product: str  # 16
    revision: str  # 4
    device_type: int = 0  # 0: direct-access block device
    removable: bool = True

    def encode(self) -> bytes:
        in_range("device type", self.device_type, 0, 0x1F)
        head = bytes([self.device_type, self.removable << 7, 0x04, 0x02, INQUIRY_SIZE - 5, 0, 0, 0])
        fields = ((self.vendor, 8), (self.product, 16), (self.revision, 4))
        return head + b"".join(_padded(text, size) for text, size in fields)


def _padded(text: str, size: int) -> bytes:
    try:
        raw = text.encode("ascii")
    except UnicodeEncodeError as exc:
        raise FieldOutOfRangeError(f"{text!r} is not ASCII") from exc
    if len(raw) > size:
        raise FieldOutOfRangeError(f"{text!r} is longer than {size} characters")
    return raw.ljust(size)


def decode_inquiry(data: bytes) -> InquiryData:
    """Return standard INQUIRY data; more than 36 bytes are allowed (vendor-specific), fewer are not.

    Bytes outside ASCII come out as ``\\xNN``. Raises TruncatedMessageError.
    """
    if len(data) < INQUIRY_SIZE:
        raise TruncatedMessageError(f"INQUIRY: {len(data)} of {INQUIRY_SIZE} bytes")
    vendor, product, revision = (
        data[a:b].decode("ascii", "backslashreplace").rstrip(" \0") for a, b in ((8, 16), (16, 32), (32, 36))
    )
    return InquiryData(
        vendor=vendor,
        product=product,
        revision=revision,
        device_type=data[0] & 0x1F,
        removable=bool(data[1] & 0x80),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What READ CAPACITY tells. On the wire stands the last sector's number, here how many there are."""

    sectors: int
    sector_size: int

    def encode_10(self) -> bytes:
        """8 bytes; a disk that is too large for them tells 0xFFFFFFFF (SBC-3 5.15.2): ask with 16."""
        in_range("sectors", self.sectors, 1, 1 << 64)
        in_range("sector_size", self.sector_size, 0, 0xFFFF_FFFF)
        return struct.pack(">II", min(self.sectors - 1, MAX_LBA_10), self.sector_size)

    def encode_16(self) -> bytes:
        in_range("sectors", self.sectors, 1, 1 << 64)
        in_range("sector_size", self.sector_size, 0, 0xFFFF_FFFF)
        return struct.pack(">QI20x", self.sectors - 1, self.sector_size)


def decode_capacity_10(data: bytes) -> Capacity:
    """``sectors == 1 << 32`` means: ask again with READ CAPACITY(16).

    No number is judged here. Raises TruncatedMessageError, TrailingBytesError.
    """
    exactly("READ CAPACITY(10)", data, CAPACITY_10_SIZE)
    last, size = struct.unpack(">II", data)
    return Capacity(sectors=last + 1, sector_size=size)


def decode_capacity_16(data: bytes) -> Capacity:
    """Raises TruncatedMessageError: fewer than the 12 bytes that matter."""
    if len(data) < 12:
        raise TruncatedMessageError(f"READ CAPACITY(16): {len(data)} of 12 bytes")
    last, size = struct.unpack_from(">QI", data)
    return Capacity(sectors=last + 1, sector_size=size)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeHeader:
    """Mode parameter header(6), 4 bytes (SPC-4 7.5.5), with no block descriptor and no page after it."""

    write_protected: bool

    def encode(self) -> bytes:
        return bytes([3, 0, self.write_protected << 7, 0])


def decode_mode_header(data: bytes) -> ModeHeader:
    """What follows the header is ignored. Raises TruncatedMessageError."""
    if len(data) < 4:
        raise TruncatedMessageError(f"mode header: {len(data)} of 4 bytes")
    return ModeHeader(write_protected=bool(data[2] & 0x80))
