"""USB/IP 1.1.1 (kernel documentation, usbip_protocol.rst): a USB device at the end of a socket.

Two phases on one connection: operations (list, import), then, once a device is imported, URBs
until the connection ends. All integers are big-endian, except the setup packet, which is USB's own.
Headers are of fixed size and say how many bytes follow, so a reader never guesses: read OP_SIZE or
URB_SIZE bytes, decode, read what the header announces. Payloads are not touched here.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from firmware_protocol.errors import (
    FieldOutOfRangeError,
    TruncatedMessageError,
    UnknownMessageError,
    WireError,
)
from firmware_protocol.usb.checks import exactly, in_range

VERSION = 0x0111
OP_SIZE = 8
URB_SIZE = 48
BUSID_SIZE = 32
DEVICE_SIZE = 312
INTERFACE_SIZE = 4
COUNT_SIZE = 4
MAX_DEVICES = 256
MAX_TRANSFER = 16 * 1024 * 1024
"""Bytes of one URB that we are ready to hold; the protocol's field would allow 2 GiB."""

_OP = struct.Struct(">HHI")
_DEVICE = struct.Struct(">256s32sIIIHHHBBBBBB")
_URB = struct.Struct(">IIIII")
_SUBMIT = struct.Struct(">IiiiI8s")
_RETURN = struct.Struct(">iiiii8x")
_UNLINK = struct.Struct(">I24x")
_UNLINKED = struct.Struct(">i24x")
_NO_PACKETS = -1  # number_of_packets "shall be 0xffffffff if not ISO"; kernels send 0


class VersionError(WireError):
    """The peer speaks another version. Carries it."""

    def __init__(self, version: int) -> None:
        super().__init__(f"USB/IP version 0x{version:04X}, ours is 0x{VERSION:04X}")
        self.version = version


class Operation(IntEnum):
    """Bit 15 set: a request."""

    IMPORT_REQUEST = 0x8003
    IMPORT_REPLY = 0x0003
    LIST_REQUEST = 0x8005
    LIST_REPLY = 0x0005


class OpStatus(IntEnum):
    """Status of an operation; the protocol fixes 0 only, the others are the Linux tools' numbers."""

    OK = 0
    ERROR = 1
    BUSY = 2
    DEVICE_ERROR = 3
    NO_DEVICE = 4


class Speed(IntEnum):
    """``enum usb_device_speed`` of Linux, which the protocol sends as it is."""

    UNKNOWN = 0
    LOW = 1
    FULL = 2
    HIGH = 3
    WIRELESS = 4
    SUPER = 5
    SUPER_PLUS = 6


@dataclass(frozen=True, slots=True)
class OpHeader:
    """Begin of every operation."""

    operation: Operation
    status: int = OpStatus.OK

    def encode(self) -> bytes:
        return _OP.pack(VERSION, self.operation, self.status)


def decode_op(data: bytes) -> OpHeader:
    """Raises VersionError, UnknownMessageError (operation), TruncatedMessageError, TrailingBytesError."""
    exactly("operation", data, OP_SIZE)
    version, operation, status = _OP.unpack(data)
    if version != VERSION:
        raise VersionError(version)
    try:
        return OpHeader(Operation(operation), status)
    except ValueError as exc:
        raise UnknownMessageError(operation) from exc


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedDevice:
    """A device as list and import describe it. ``interfaces`` come with the list only."""

    path: str  # at most 255 ASCII characters
    busid: str  # at most 31 ASCII characters: "1-1.4" = bus 1, port path 1.4
    busnum: int
    devnum: int
    speed: int
    vendor_id: int
    product_id: int
    bcd_device: int
    device_class: int
    device_subclass: int
    device_protocol: int
    configuration_value: int
    configurations: int
    interfaces_count: int
    interfaces: tuple[tuple[int, int, int], ...] = ()

    @property
    def devid(self) -> int:
        """How URBs name the device."""
        return self.busnum << 16 | self.devnum

    def encode(self) -> bytes:
        """The 312 bytes without interfaces. Raises FieldOutOfRangeError."""
        try:
            return _DEVICE.pack(
                _text(self.path, 256),
                _text(self.busid, BUSID_SIZE),
                self.busnum,
                self.devnum,
                self.speed,
                self.vendor_id,
                self.product_id,
                self.bcd_device,
                self.device_class,
                self.device_subclass,
                self.device_protocol,
                self.configuration_value,
                self.configurations,
                self.interfaces_count,
            )
        except struct.error as exc:
            raise FieldOutOfRangeError(f"device {self.busid}: {exc}") from exc

    def encode_interfaces(self) -> bytes:
        """4 bytes each, as they follow in a list. Raises FieldOutOfRangeError."""
        if len(self.interfaces) != self.interfaces_count:
            raise FieldOutOfRangeError(f"{self.busid}: {len(self.interfaces)} interfaces are given")
        try:
            return b"".join(bytes([*triple, 0]) for triple in self.interfaces)
        except ValueError as exc:
            raise FieldOutOfRangeError(f"{self.busid}: {exc}") from exc


def decode_device(data: bytes) -> ExportedDevice:
    """Raises TruncatedMessageError, TrailingBytesError, FieldOutOfRangeError (a text not ASCII or without end)."""
    exactly("device", data, DEVICE_SIZE)
    path, busid, *numbers = _DEVICE.unpack(data)
    names = (
        "busnum",
        "devnum",
        "speed",
        "vendor_id",
        "product_id",
        "bcd_device",
        "device_class",
        "device_subclass",
        "device_protocol",
        "configuration_value",
        "configurations",
        "interfaces_count",
    )
    return ExportedDevice(path=_string(path), busid=_string(busid), **dict(zip(names, numbers, strict=True)))


def decode_interfaces(data: bytes) -> tuple[tuple[int, int, int], ...]:
    """Class, subclass, protocol of each. Raises TruncatedMessageError."""
    if len(data) % INTERFACE_SIZE:
        raise TruncatedMessageError(f"interfaces: {len(data)} bytes")
    return tuple((data[at], data[at + 1], data[at + 2]) for at in range(0, len(data), INTERFACE_SIZE))


def encode_busid(busid: str) -> bytes:
    """The 32 bytes after an import request's header. Raises FieldOutOfRangeError."""
    return _text(busid, BUSID_SIZE)


def decode_busid(data: bytes) -> str:
    """Raises TruncatedMessageError, TrailingBytesError, FieldOutOfRangeError."""
    exactly("busid", data, BUSID_SIZE)
    return _string(data)


def encode_count(devices: int) -> bytes:
    """The 4 bytes after a list reply's header: how many devices follow."""
    in_range("devices", devices, 0, MAX_DEVICES)
    return devices.to_bytes(COUNT_SIZE, "big")


def decode_count(data: bytes) -> int:
    """Raises TruncatedMessageError, TrailingBytesError, FieldOutOfRangeError (beyond MAX_DEVICES)."""
    exactly("count", data, COUNT_SIZE)
    count = int.from_bytes(data, "big")
    in_range("devices", count, 0, MAX_DEVICES)
    return count


# --- URBs ------------------------------------------------------------------------------------------

_CMD_SUBMIT, _CMD_UNLINK, _RET_SUBMIT, _RET_UNLINK = 1, 2, 3, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    """CMD_SUBMIT. ``length`` bytes follow if it goes out; none if it comes in."""

    seqnum: int
    devid: int
    inbound: bool
    endpoint: int  # number without direction, 0..15
    length: int
    setup: bytes = bytes(8)  # endpoint 0 only
    flags: int = 0  # transfer_flags of Linux; devices ignore them
    interval: int = 0

    def encode(self) -> bytes:
        """48 bytes. Raises FieldOutOfRangeError."""
        in_range("endpoint", self.endpoint, 0, 15)
        in_range("length", self.length, 0, MAX_TRANSFER)
        in_range("setup length", len(self.setup), 8, 8)
        head = _head(_CMD_SUBMIT, self.seqnum, self.devid, self.inbound, self.endpoint)
        return head + _SUBMIT.pack(self.flags, self.length, 0, _NO_PACKETS, self.interval, self.setup)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlink:
    """CMD_UNLINK: give up the URB ``target``; never followed by bytes."""

    seqnum: int
    devid: int
    target: int

    def encode(self) -> bytes:
        in_range("target", self.target, 0, 0xFFFF_FFFF)
        return _head(_CMD_UNLINK, self.seqnum, self.devid, False, 0) + _UNLINK.pack(self.target)


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """RET_SUBMIT. ``actual`` bytes follow if the URB came in; none if it went out."""

    seqnum: int
    status: int  # 0 or a negative errno: -32 EPIPE stall, -19 ENODEV gone, -104 ECONNRESET unlinked
    actual: int

    def encode(self) -> bytes:
        in_range("actual", self.actual, 0, MAX_TRANSFER)
        in_range("status", self.status, -4095, 0)
        head = _head(_RET_SUBMIT, self.seqnum, 0, False, 0)
        return head + _RETURN.pack(self.status, self.actual, 0, _NO_PACKETS, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlinked:
    """RET_UNLINK. -ECONNRESET: the URB was given up and gets no RET_SUBMIT; 0: it had ended before."""

    seqnum: int
    status: int

    def encode(self) -> bytes:
        in_range("status", self.status, -4095, 0)
        return _head(_RET_UNLINK, self.seqnum, 0, False, 0) + _UNLINKED.pack(self.status)


Urb: TypeAlias = Submit | Unlink | Returned | Unlinked


def decode_urb(data: bytes) -> Urb:
    """Return the header of one URB message; what follows it, see the class.

    Raises:
        TruncatedMessageError, TrailingBytesError: not 48 bytes.
        UnknownMessageError: another command.
        FieldOutOfRangeError: a length beyond MAX_TRANSFER, an isochronous URB, an impossible number.
    """
    exactly("URB", data, URB_SIZE)
    command, seqnum, devid, direction, endpoint = _URB.unpack_from(data)
    in_range("direction", direction, 0, 1)
    in_range("endpoint", endpoint, 0, 15)
    body = data[_URB.size :]
    if command == _CMD_SUBMIT:
        flags, length, _, packets, interval, setup = _SUBMIT.unpack(body)
        in_range("length", length, 0, MAX_TRANSFER)
        in_range("number of packets", packets, -1, 0)
        return Submit(
            seqnum=seqnum,
            devid=devid,
            inbound=bool(direction),
            endpoint=endpoint,
            length=length,
            setup=setup,
            flags=flags,
            interval=interval,
        )
    if command == _CMD_UNLINK:
        return Unlink(seqnum=seqnum, devid=devid, target=_UNLINK.unpack(body)[0])
    if command == _RET_SUBMIT:
        status, actual, _, packets, _ = _RETURN.unpack(body)
        in_range("actual", actual, 0, MAX_TRANSFER)
        in_range("status", status, -4095, 0)
        in_range("number of packets", packets, -1, 0)
        return Returned(seqnum=seqnum, status=status, actual=actual)
    if command == _RET_UNLINK:
        (status,) = _UNLINKED.unpack(body)
        in_range("status", status, -4095, 0)
        return Unlinked(seqnum=seqnum, status=status)
    raise UnknownMessageError(command)


def _head(command: int, seqnum: int, devid: int, inbound: bool, endpoint: int) -> bytes:
    in_range("seqnum", seqnum, 0, 0xFFFF_FFFF)
    in_range("devid", devid, 0, 0xFFFF_FFFF)
    return _URB.pack(command, seqnum, devid, inbound, endpoint)


def _text(text: str, size: int) -> bytes:
    try:
        raw = text.encode("ascii")
    except UnicodeEncodeError as exc:
        raise FieldOutOfRangeError(f"{text!r} is not ASCII") from exc
    if len(raw) >= size or b"\0" in raw:
        raise FieldOutOfRangeError(f"{text!r} does not fit into {size - 1} characters")
    return raw.ljust(size, b"\0")


def _string(raw: bytes) -> str:
    text, end, _ = raw.partition(b"\0")
    if not end:
        raise FieldOutOfRangeError(f"text {text[:16].hex()} has no end")
    try:
        return text.decode("ascii")
    except UnicodeDecodeError as exc:
        raise FieldOutOfRangeError(f"text {text[:16].hex()} is not ASCII") from exc
