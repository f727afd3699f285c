"""What the device in a slot says it is, and whether such a device may be in a slot at all.

Rule 1: before the judgement nothing but control transfers on endpoint 0 reaches the device.
Rule 2: the interface set must be in ALLOWED as a whole; one interface more and the device is refused.
Rule 3: what cannot be parsed is refused like what is forbidden; both with the bytes that were read.
Rule 4: texts are made printable and capped here, once; nobody further in sees a device's raw text.
"""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from drivers.base import StallError
from edged.errors import CameraError, ErrorCode
from firmware_protocol.errors import WireError
from firmware_protocol.usb import bot
from firmware_protocol.usb import descriptors as d

TEXT_CHARACTERS = 64
ALLOWED: frozenset[tuple[tuple[int, int, int], ...]] = frozenset({(bot.INTERFACE,)})
"""Interface sets of cameras: a disk by bulk-only transport and nothing else. GA/T 947 cameras of the SCSI
kind are such a disk in both of their modes."""

_GET = 0x80  # device to host, standard, recipient device
_BULK = 2
_SHOWN = 256  # bytes of descriptors that an error carries


class Control(Protocol):
    """The part of a BulkDevice that works before an interface is claimed."""

    def control(self, request_type: int, request: int, value: int, index: int, data: bytes | int) -> bytes:
        """See drivers.base.BulkDevice."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class UsbIdentity:
    """Read from the device's own descriptors. Everything in it is a claim."""

    port: str  # "1-1.2": bus and chain of ports, where the device is plugged
    vendor_id: int
    product_id: int
    manufacturer: str
    product: str
    serial: str  # iSerialNumber by the rules of ``clean_serial``
    interfaces: tuple[str, ...]  # "08/06/50"
    descriptor_sha256: str
    configuration: int
    interface: int
    bulk_in: int  # endpoint addresses
    bulk_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What the descriptors of an admitted device say."""

    own: d.DeviceDescriptor
    interfaces: tuple[str, ...]
    descriptor_sha256: str
    configuration: int
    interface: int
    bulk_in: int
    bulk_out: int


def clean_text(text: str) -> str:
    """Printable, at most 64 characters; what cannot be printed stands as its escape."""
    shown = (
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in text.strip()[:TEXT_CHARACTERS]
    )
    return "".join(shown).strip()[:TEXT_CHARACTERS]


def clean_serial(text: str) -> str:
    """As ``clean_text``; ``""`` for a number that identifies nothing: empty, or only zeros."""
    serial = clean_text(text)
    return serial if serial.strip("0") else ""


def read_descriptors(device: Control) -> bytes:
    """The device descriptor and, behind it, the first configuration with all it contains.

    Raises:
        WireError: the descriptors are malformed.
        CameraError: as BulkDevice.control.
    """
    own = device.control(_GET, d.Request.GET_DESCRIPTOR, d.Kind.DEVICE << 8, 0, d.DEVICE_SIZE)
    d.decode_device(own)
    which = d.Kind.CONFIGURATION << 8
    head = device.control(_GET, d.Request.GET_DESCRIPTOR, which, 0, d.CONFIGURATION_SIZE)
    total = d.total_length(head)
    return own + device.control(_GET, d.Request.GET_DESCRIPTOR, which, 0, total)[:total]


def inspect(device: Control, port: str) -> UsbIdentity:
    """Read the descriptors and judge them.

    Raises:
        CameraError: CAMERA_FORBIDDEN_INTERFACE with interfaces, ids and descriptors, if the device is
            anything but a camera; else as BulkDevice.control.
    """
    try:
        raw = read_descriptors(device)
    except WireError as exc:
        raise _forbidden(port, b"", f"its descriptors are malformed: {exc}") from exc
    claims = judge(raw, port)
    own = claims.own
    return UsbIdentity(
        port=port,
        vendor_id=own.vendor_id,
        product_id=own.product_id,
        manufacturer=clean_text(_string(device, own.manufacturer)),
        product=clean_text(_string(device, own.product)),
        serial=clean_serial(_string(device, own.serial)),
        interfaces=claims.interfaces,
        descriptor_sha256=claims.descriptor_sha256,
        configuration=claims.configuration,
        interface=claims.interface,
        bulk_in=claims.bulk_in,
        bulk_out=claims.bulk_out,
    )


def judge(raw: bytes, port: str) -> Claims:
    """Judge a device by its descriptors: its own and, behind it, the first configuration's. Pure.

    Raises:
        CameraError: CAMERA_FORBIDDEN_INTERFACE, as ``inspect``.
    """
    try:
        own, configuration = d.decode_device(raw), d.decode_configuration(raw[d.DEVICE_SIZE :])
    except WireError as exc:
        raise _forbidden(port, raw, f"its descriptors are malformed: {exc}") from exc
    found = configuration.interfaces
    names = tuple(_name(interface.triple) for interface in found)
    known: dict[str, str | int] = {"vendor_id": own.vendor_id, "product_id": own.product_id}
    known["interfaces"] = " ".join(names)[:512]
    if own.configurations != 1:
        raise _forbidden(port, raw, f"it has {own.configurations} configurations", **known)
    if tuple(interface.triple for interface in found) not in ALLOWED:
        raise _forbidden(port, raw, "its interfaces are not those of a camera", **known)
    endpoints = sorted(e.address for e in found[0].endpoints if e.attributes & 3 == _BULK)
    if len(endpoints) != 2 or len(found[0].endpoints) != 2 or not endpoints[0] < 0x80 <= endpoints[1]:
        raise _forbidden(port, raw, "its endpoints are not one bulk pipe each way", **known)
    return Claims(
        own=own,
        interfaces=names,
        descriptor_sha256=hashlib.sha256(raw).hexdigest(),
        configuration=configuration.value,
        interface=found[0].number,
        bulk_in=endpoints[1],
        bulk_out=endpoints[0],
    )


def check_unchanged(device: Control, identity: UsbIdentity) -> None:
    """Read the descriptors again.

    Raises:
        CameraError: CAMERA_FORBIDDEN_INTERFACE if they are not those that were judged; else as
            BulkDevice.control.
    """
    raw = b""
    try:
        raw = read_descriptors(device)
    except WireError as exc:
        raise _forbidden(identity.port, raw, f"its descriptors became malformed: {exc}") from exc
    if hashlib.sha256(raw).hexdigest() != identity.descriptor_sha256:
        before = {"descriptor_sha256": identity.descriptor_sha256}
        raise _forbidden(identity.port, raw, "its descriptors changed after it was admitted", **before)


def _string(device: Control, number: int) -> str:
    """A string of the device's first language; ``""`` where it has none or answers nonsense."""
    if not number:
        return ""
    which = d.Kind.STRING << 8
    try:
        languages = device.control(_GET, d.Request.GET_DESCRIPTOR, which, 0, 255)
        language = int.from_bytes(languages[2:4], "little") if len(languages) >= 4 else d.US_ENGLISH
        return d.decode_string(device.control(_GET, d.Request.GET_DESCRIPTOR, which | number, language, 255))
    except (StallError, WireError):
        return ""


def _name(triple: tuple[int, int, int]) -> str:
    return "/".join(f"{part:02x}" for part in triple)


def _forbidden(port: str, raw: bytes, reason: str, **known: str | int) -> CameraError:
    shown = {"port": port, "reason": reason, "descriptors": raw[:_SHOWN].hex()}
    return CameraError(ErrorCode.CAMERA_FORBIDDEN_INTERFACE, **shown, **known)
