"""usbredir 0.7 (usb-redirection-protocol.md of the usbredir project), as far as a device's side needs it.

The protocol by which QEMU's ``usb-redir`` speaks to a real or made-up device: packets of a header, a header of their
type and data, all little-endian. Here the device is ours ("usb-host" in the protocol) and QEMU asks ("usb-guest").
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from firmware_protocol.errors import FieldOutOfRangeError, TruncatedMessageError, UnknownMessageError
from firmware_protocol.usb.checks import in_range
from firmware_protocol.usb.usbip import MAX_TRANSFER

VERSION = b"edged simulated device".ljust(64, b"\0")
HEADER_SIZE, LONG_HEADER_SIZE = 12, 16
ENDPOINTS = INTERFACES = 32
NO_ENDPOINT = 255
FULL_SPEED = 1


class Packet(IntEnum):
    """Type of a packet; what QEMU never sends and we never need is left out."""

    HELLO = 0
    DEVICE_CONNECT = 1
    RESET = 3
    INTERFACE_INFO = 4
    ENDPOINT_INFO = 5
    SET_CONFIGURATION = 6
    GET_CONFIGURATION = 7
    CONFIGURATION_STATUS = 8
    SET_ALT_SETTING = 9
    GET_ALT_SETTING = 10
    ALT_SETTING_STATUS = 11
    START_INTERRUPT_RECEIVING = 15
    STOP_INTERRUPT_RECEIVING = 16
    INTERRUPT_RECEIVING_STATUS = 17
    CANCEL_DATA_PACKET = 21
    CONTROL = 100
    BULK = 101
    INTERRUPT = 103


class Status(IntEnum):
    """How a transfer ended."""

    SUCCESS = 0
    CANCELLED = 1
    INVALID = 2
    IO_ERROR = 3
    STALL = 4
    TIMEOUT = 5
    BABBLE = 6


class Cap(IntEnum):
    """Bits of what both ends can do; all four are needed."""

    DEVICE_VERSION = 1
    ENDPOINT_MAX_PACKET = 4
    LONG_IDS = 5
    LONG_BULK = 6


CAPS = sum(1 << cap for cap in Cap)

_HEADER, _LONG_HEADER = struct.Struct("<III"), struct.Struct("<IIQ")
_CONNECT = struct.Struct("<BBBBHHH")
_CONTROL = struct.Struct("<BBBBHHH")
_BULK = struct.Struct("<BBHIH")
_INTERRUPT = struct.Struct("<BBH")
CONTROL_SIZE, BULK_SIZE, INTERRUPT_SIZE = _CONTROL.size, _BULK.size, _INTERRUPT.size


@dataclass(frozen=True, slots=True)
class Header:
    """Begin of every packet; ``length`` bytes follow."""

    packet: Packet
    length: int
    number: int

    def encode(self, *, long: bool) -> bytes:
        return (_LONG_HEADER if long else _HEADER).pack(self.packet, self.length, self.number)


def decode_header(data: bytes) -> Header:
    """Raises TruncatedMessageError, UnknownMessageError, FieldOutOfRangeError."""
    if len(data) not in (HEADER_SIZE, LONG_HEADER_SIZE):
        raise TruncatedMessageError(f"usbredir header: {len(data)} bytes")
    packet, length, number = (_HEADER if len(data) == HEADER_SIZE else _LONG_HEADER).unpack(data)
    in_range("length", length, 0, MAX_TRANSFER + BULK_SIZE)
    try:
        return Header(Packet(packet), length, number)
    except ValueError as exc:
        raise UnknownMessageError(packet) from exc


def hello() -> bytes:
    return Header(Packet.HELLO, len(VERSION) + 4, 0).encode(long=False) + VERSION + struct.pack("<I", CAPS)


def check_hello(body: bytes) -> None:
    """Raises FieldOutOfRangeError: the other end cannot do what we need."""
    caps = struct.unpack_from("<I", body, 64)[0] if len(body) >= 68 else 0
    if caps & CAPS != CAPS:
        raise FieldOutOfRangeError(f"usbredir capabilities 0x{caps:X}, needed are 0x{CAPS:X}")


def connect(device_class: int, subclass: int, protocol: int, vendor: int, product: int, bcd: int) -> bytes:
    """A device that runs at full speed, the only one of an emulated hub."""
    return _CONNECT.pack(FULL_SPEED, device_class, subclass, protocol, vendor, product, bcd)


def interface_info(interfaces: list[tuple[int, int, int, int]]) -> bytes:
    """Number, class, subclass and protocol of each."""
    shown = interfaces[:INTERFACES]
    columns = [bytes(row[column] for row in shown).ljust(INTERFACES, b"\0") for column in range(4)]
    return struct.pack("<I", len(shown)) + b"".join(columns)


@dataclass(frozen=True, slots=True)
class Endpoint:
    address: int
    kind: int  # 0 control, 1 isochronous, 2 bulk, 3 interrupt
    interval: int
    interface: int
    max_packet: int  # bytes

    @property
    def place(self) -> int:
        """Where it stands in the protocol's arrays."""
        return (self.address & 0x80) >> 3 | self.address & 0x0F


def endpoint_info(endpoints: list[Endpoint]) -> bytes:
    """Endpoint 0 is added. ``max_packet`` is cut to 64, the most that full speed allows."""
    kinds, intervals, interfaces = bytearray([NO_ENDPOINT] * ENDPOINTS), bytearray(32), bytearray(32)
    sizes = [0] * ENDPOINTS
    for one in (Endpoint(0x00, 0, 0, 0, 64), Endpoint(0x80, 0, 0, 0, 64), *endpoints):
        kinds[one.place], intervals[one.place], interfaces[one.place] = one.kind, one.interval, one.interface
        sizes[one.place] = min(64, one.max_packet)
    return bytes(kinds + intervals + interfaces) + struct.pack("<32H", *sizes)


@dataclass(frozen=True, slots=True)
class Control:
    """Header of a control transfer: ``length`` is wLength, or on the way back the bytes that follow."""

    endpoint: int
    request: int
    request_type: int
    value: int
    index: int
    length: int

    def encode(self, status: Status = Status.SUCCESS, length: int | None = None) -> bytes:
        size = self.length if length is None else length
        return _CONTROL.pack(
            self.endpoint, self.request, self.request_type, status, self.value, self.index, size
        )


def decode_control(body: bytes) -> tuple[Control, bytes]:
    """Raises TruncatedMessageError."""
    endpoint, request, request_type, _, value, index, length = _CONTROL.unpack(_begin(body, _CONTROL.size))
    return Control(endpoint, request, request_type, value, index, length), body[_CONTROL.size :]


@dataclass(frozen=True, slots=True)
class Transfer:
    """Header of a bulk or interrupt transfer."""

    endpoint: int  # address, with its direction
    length: int  # bytes
    stream: int = 0

    def encode_bulk(self, status: Status, length: int) -> bytes:
        return _BULK.pack(self.endpoint, status, length & 0xFFFF, self.stream, length >> 16)

    def encode_interrupt(self, status: Status, length: int) -> bytes:
        return _INTERRUPT.pack(self.endpoint, status, length)


def decode_bulk(body: bytes) -> tuple[Transfer, bytes]:
    """Raises TruncatedMessageError, FieldOutOfRangeError."""
    endpoint, _, low, stream, high = _BULK.unpack(_begin(body, _BULK.size))
    in_range("length", high << 16 | low, 0, MAX_TRANSFER)
    return Transfer(endpoint, high << 16 | low, stream), body[_BULK.size :]


def decode_interrupt(body: bytes) -> tuple[Transfer, bytes]:
    """Raises TruncatedMessageError."""
    endpoint, _, length = _INTERRUPT.unpack(_begin(body, _INTERRUPT.size))
    return Transfer(endpoint, length), body[_INTERRUPT.size :]


def numbers(body: bytes, count: int) -> bytes:
    """A body of so many bytes. Raises TruncatedMessageError."""
    return _begin(body, count)


def _begin(body: bytes, size: int) -> bytes:
    if len(body) < size:
        raise TruncatedMessageError(f"usbredir: {len(body)} of {size} bytes")
    return body[:size]
