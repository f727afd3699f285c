"""Setup packets and descriptors (USB 2.0, chapter 9). All integers are little-endian.

Everything a device says about itself is a claim: ``decode_*`` bounds all lengths by the bytes that
are there, and by MAX_CONFIGURATION, before it looks at any of them.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from firmware_protocol.errors import FieldOutOfRangeError, TruncatedMessageError, WireError

DEVICE_SIZE = 18
CONFIGURATION_SIZE = 9
MAX_CONFIGURATION = 4096
"""Bytes of a configuration with all it contains that we look at; a camera has 32."""
MAX_STRING_UNITS = 126
US_ENGLISH = 0x0409

_DEVICE = struct.Struct("<BBHBBBBHHHBBBB")
_CONFIGURATION = struct.Struct("<BBHBBBBB")
_INTERFACE = struct.Struct("<BBBBBBBBB")
_ENDPOINT = struct.Struct("<BBBBHB")
_SETUP = struct.Struct("<BBHHH")


class Kind(IntEnum):
    """bDescriptorType (table 9-5)."""

    DEVICE = 1
    CONFIGURATION = 2
    STRING = 3
    INTERFACE = 4
    ENDPOINT = 5
    DEVICE_QUALIFIER = 6


class Request(IntEnum):
    """bRequest of standard requests (table 9-4)."""

    GET_STATUS = 0
    CLEAR_FEATURE = 1
    SET_FEATURE = 3
    SET_ADDRESS = 5
    GET_DESCRIPTOR = 6
    GET_CONFIGURATION = 8
    SET_CONFIGURATION = 9
    GET_INTERFACE = 10
    SET_INTERFACE = 11


@dataclass(frozen=True, slots=True)
class Setup:
    """The 8 bytes that begin a control transfer (9.3)."""

    request_type: int
    request: int
    value: int
    index: int
    length: int

    @property
    def inbound(self) -> bool:
        return bool(self.request_type & 0x80)

    def encode(self) -> bytes:
        """Raises FieldOutOfRangeError."""
        try:
            return _SETUP.pack(self.request_type, self.request, self.value, self.index, self.length)
        except struct.error as exc:
            raise FieldOutOfRangeError(f"setup packet: {exc}") from exc


def decode_setup(data: bytes) -> Setup:
    """Raises TruncatedMessageError: not 8 bytes."""
    if len(data) != _SETUP.size:
        raise TruncatedMessageError(f"setup packet: {len(data)} of 8 bytes")
    return Setup(*_SETUP.unpack(data))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceDescriptor:
    """Table 9-8."""

    vendor_id: int
    product_id: int
    bcd_usb: int = 0x0200
    device_class: int = 0  # 0: each interface has its own
    device_subclass: int = 0
    device_protocol: int = 0
    max_packet_0: int = 64
    bcd_device: int = 0x0100
    manufacturer: int = 0  # number of a string, 0: none
    product: int = 0
    serial: int = 0
    configurations: int = 1

    def encode(self) -> bytes:
        """18 bytes. Raises FieldOutOfRangeError."""
        return _pack(
            _DEVICE,
            DEVICE_SIZE,
            Kind.DEVICE,
            self.bcd_usb,
            self.device_class,
            self.device_subclass,
            self.device_protocol,
            self.max_packet_0,
            self.vendor_id,
            self.product_id,
            self.bcd_device,
            self.manufacturer,
            self.product,
            self.serial,
            self.configurations,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointDescriptor:
    """Table 9-13."""

    address: int  # bit 7: to the host
    attributes: int = 2  # bits 0..1: 0 control, 1 isochronous, 2 bulk, 3 interrupt
    max_packet: int = 512
    interval: int = 0

    def encode(self) -> bytes:
        """7 bytes. Raises FieldOutOfRangeError."""
        fields = (self.address, self.attributes, self.max_packet, self.interval)
        return _pack(_ENDPOINT, _ENDPOINT.size, Kind.ENDPOINT, *fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceDescriptor:
    """Table 9-12, with its endpoints."""

    number: int
    alternate: int = 0
    interface_class: int
    interface_subclass: int
    interface_protocol: int
    name: int = 0
    endpoints: tuple[EndpointDescriptor, ...] = ()
    endpoints_claimed: int | None = None  # bNumEndpoints where it is not the truth

    @property
    def triple(self) -> tuple[int, int, int]:
        return self.interface_class, self.interface_subclass, self.interface_protocol

    def encode(self) -> bytes:
        """9 bytes and the endpoints. Raises FieldOutOfRangeError."""
        claimed = len(self.endpoints) if self.endpoints_claimed is None else self.endpoints_claimed
        head = (self.number, self.alternate, claimed, *self.triple, self.name)
        own = _pack(_INTERFACE, _INTERFACE.size, Kind.INTERFACE, *head)
        return own + b"".join(endpoint.encode() for endpoint in self.endpoints)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationDescriptor:
    """Table 9-10, with its interfaces. Class-specific descriptors inside are skipped, not kept."""

    value: int = 1
    interfaces: tuple[InterfaceDescriptor, ...]
    name: int = 0
    attributes: int = 0x80
    max_power: int = 250  # units of 2 mA
    interfaces_claimed: int | None = None  # bNumInterfaces where it is not the truth

    def encode(self) -> bytes:
        """9 bytes and all that belongs to it. Raises FieldOutOfRangeError."""
        body = b"".join(interface.encode() for interface in self.interfaces)
        numbers = {interface.number for interface in self.interfaces}
        claimed = len(numbers) if self.interfaces_claimed is None else self.interfaces_claimed
        total = CONFIGURATION_SIZE + len(body)
        fields = (total, claimed, self.value, self.name, self.attributes, self.max_power)
        return _pack(_CONFIGURATION, CONFIGURATION_SIZE, Kind.CONFIGURATION, *fields) + body


def decode_device(data: bytes) -> DeviceDescriptor:
    """Raises TruncatedMessageError, WireError (not a device descriptor)."""
    if len(data) < DEVICE_SIZE:
        raise TruncatedMessageError(f"device descriptor: {len(data)} of {DEVICE_SIZE} bytes")
    size, kind, *fields = _DEVICE.unpack_from(data)
    if size != DEVICE_SIZE or kind != Kind.DEVICE:
        raise WireError(f"device descriptor with length {size} and type {kind}")
    names = (
        "bcd_usb",
        "device_class",
        "device_subclass",
        "device_protocol",
        "max_packet_0",
        "vendor_id",
        "product_id",
        "bcd_device",
        "manufacturer",
        "product",
        "serial",
        "configurations",
    )
    return DeviceDescriptor(**dict(zip(names, fields, strict=True)))


def total_length(data: bytes) -> int:
    """wTotalLength of the configuration that begins in ``data``: how many bytes to ask for.

    Raises TruncatedMessageError, WireError (not a configuration), FieldOutOfRangeError (beyond
    MAX_CONFIGURATION, or less than the configuration's own size).
    """
    if len(data) < CONFIGURATION_SIZE:
        raise TruncatedMessageError(f"configuration: {len(data)} of {CONFIGURATION_SIZE} bytes")
    size, kind, total = struct.unpack_from("<BBH", data)
    if size != CONFIGURATION_SIZE or kind != Kind.CONFIGURATION:
        raise WireError(f"configuration with length {size} and type {kind}")
    if not CONFIGURATION_SIZE <= total <= MAX_CONFIGURATION:
        raise FieldOutOfRangeError(f"configuration claims {total} bytes")
    return int(total)


def decode_configuration(data: bytes) -> ConfigurationDescriptor:
    """Return the configuration and everything in it. bNumInterfaces and bNumEndpoints are claims and
    are compared with what is there.

    Raises:
        TruncatedMessageError: fewer bytes than wTotalLength, or a descriptor runs past the end.
        FieldOutOfRangeError: a size that cannot be, or counts that do not agree.
        WireError: an endpoint before any interface, or another structure that is none.
    """
    total = total_length(data)
    if len(data) < total:
        raise TruncatedMessageError(f"configuration: {len(data)} of {total} bytes")
    _, _, _, claimed, value, name, attributes, power = _CONFIGURATION.unpack_from(data)
    interfaces = _interfaces(data[CONFIGURATION_SIZE:total])
    if len({interface.number for interface in interfaces}) != claimed:
        raise FieldOutOfRangeError(f"configuration claims {claimed} interfaces and has {len(interfaces)}")
    return ConfigurationDescriptor(
        value=value, interfaces=interfaces, name=name, attributes=attributes, max_power=power
    )


def _interfaces(body: bytes) -> tuple[InterfaceDescriptor, ...]:
    found: list[tuple[InterfaceDescriptor, int, list[EndpointDescriptor]]] = []
    for kind, raw in _walk(body):
        if kind == Kind.INTERFACE:
            interface, claimed = _interface(raw)
            found.append((interface, claimed, []))
        elif kind == Kind.ENDPOINT:
            if not found:
                raise WireError("an endpoint stands before any interface")
            found[-1][2].append(_endpoint(raw))
    return tuple(_complete(*one) for one in found)


def _walk(body: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(body):
        size = body[at]
        if size < 2:
            raise FieldOutOfRangeError(f"a descriptor of {size} bytes")
        if at + size > len(body):
            raise TruncatedMessageError(f"a descriptor runs {at + size - len(body)} bytes past the end")
        yield body[at + 1], body[at : at + size]
        at += size


def _interface(raw: bytes) -> tuple[InterfaceDescriptor, int]:
    if len(raw) != _INTERFACE.size:
        raise FieldOutOfRangeError(f"an interface descriptor of {len(raw)} bytes")
    _, _, number, alternate, endpoints, *triple, name = _INTERFACE.unpack(raw)
    own = InterfaceDescriptor(
        number=number,
        alternate=alternate,
        interface_class=triple[0],
        interface_subclass=triple[1],
        interface_protocol=triple[2],
        name=name,
    )
    return own, endpoints


def _endpoint(raw: bytes) -> EndpointDescriptor:
    if len(raw) not in (7, 9):  # audio endpoints have two more bytes
        raise FieldOutOfRangeError(f"an endpoint descriptor of {len(raw)} bytes")
    _, _, address, attributes, max_packet, interval = _ENDPOINT.unpack(raw[:7])
    return EndpointDescriptor(
        address=address, attributes=attributes, max_packet=max_packet, interval=interval
    )


def _complete(
    interface: InterfaceDescriptor, claimed: int, endpoints: list[EndpointDescriptor]
) -> InterfaceDescriptor:
    if claimed != len(endpoints):
        raise FieldOutOfRangeError(
            f"interface {interface.number} claims {claimed} endpoints and has {len(endpoints)}"
        )
    return InterfaceDescriptor(
        number=interface.number,
        alternate=interface.alternate,
        interface_class=interface.interface_class,
        interface_subclass=interface.interface_subclass,
        interface_protocol=interface.interface_protocol,
        name=interface.name,
        endpoints=tuple(endpoints),
    )


def encode_languages(*languages: int) -> bytes:
    """String descriptor 0."""
    raw = b"".join(language.to_bytes(2, "little") for language in languages)
    return bytes([len(raw) + 2, Kind.STRING]) + raw


def encode_string(text: str) -> bytes:
    """A string descriptor. Raises FieldOutOfRangeError: more than 126 UTF-16 units."""
    raw = text.encode("utf-16-le", "surrogatepass")
    if len(raw) > 2 * MAX_STRING_UNITS:
        raise FieldOutOfRangeError(f"{len(raw) // 2} units are more than {MAX_STRING_UNITS}")
    return bytes([len(raw) + 2, Kind.STRING]) + raw


def decode_string(data: bytes) -> str:
    """Return the text; never more than bLength says, lone surrogates as U+FFFD.

    Raises TruncatedMessageError (fewer bytes than bLength), WireError (not a string descriptor, odd length).
    """
    if len(data) < 2:
        raise TruncatedMessageError(f"string descriptor: {len(data)} of 2 bytes")
    size, kind = data[0], data[1]
    if kind != Kind.STRING or size < 2 or size % 2:
        raise WireError(f"string descriptor with length {size} and type {kind}")
    if len(data) < size:
        raise TruncatedMessageError(f"string descriptor: {len(data)} of {size} bytes")
    return data[2:size].decode("utf-16-le", "replace")


def _pack(layout: struct.Struct, *values: int) -> bytes:
    try:
        return layout.pack(*values)
    except struct.error as exc:
        raise FieldOutOfRangeError(str(exc)) from exc
