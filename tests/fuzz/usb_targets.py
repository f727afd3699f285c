"""What a USB device says of itself, and what comes from a USB/IP server."""

from collections.abc import Callable

from drivers.base import StallError
from drivers.cameras.identity import TEXT_CHARACTERS, UsbIdentity, inspect, read_descriptors
from edged.errors import CameraError
from firmware_protocol.errors import FieldOutOfRangeError, WireError
from firmware_protocol.usb import bot, scsi, usbip
from firmware_protocol.usb import descriptors as d
from tests.fuzz.contract import Body, Tape, Target, lossy, require, round_trip, tape

DEVICE = d.DeviceDescriptor(vendor_id=0x3333, product_id=0x947, manufacturer=1, product=2, serial=3)
DISK = d.InterfaceDescriptor(
    number=0,
    interface_class=8,
    interface_subclass=6,
    interface_protocol=0x50,
    endpoints=(d.EndpointDescriptor(address=0x81), d.EndpointDescriptor(address=1)),
)
CONFIGURATION = d.ConfigurationDescriptor(interfaces=(DISK,))
TEXTS = ("Відео", "", "00000000", "x" * 126, "\x1b[2J\u202e")
EXPORTED = usbip.ExportedDevice(
    path="/sys/devices/1-1.2",
    busid="1-1.2",
    busnum=1,
    devnum=3,
    speed=3,
    vendor_id=1,
    product_id=2,
    bcd_device=0x100,
    device_class=0,
    device_subclass=0,
    device_protocol=0,
    configuration_value=1,
    configurations=1,
    interfaces_count=1,
)
URBS = (
    usbip.Submit(seqnum=1, devid=65539, inbound=True, endpoint=1, length=13),
    usbip.Unlink(seqnum=2, devid=65539, target=1),
    usbip.Returned(seqnum=1, status=-32, actual=0),
    usbip.Unlinked(seqnum=2, status=-104),
)
OPERATIONS = [usbip.OpHeader(operation) for operation in usbip.Operation]
COMMANDS: tuple[scsi.Command, ...] = (
    scsi.TestUnitReady(),
    scsi.RequestSense(),
    scsi.Inquiry(),
    scsi.ModeSense6(),
    scsi.StartStopUnit(start=False, eject=True),
    scsi.PreventAllowRemoval(prevent=True),
    scsi.ReadCapacity10(),
    scsi.ReadCapacity16(),
    scsi.Read10(1, 2),
    scsi.Write10(1, 2),
    scsi.SynchronizeCache10(),
    scsi.Read16(1 << 40, 2),
    scsi.Write16(1 << 40, 2),
)


class Spoken:
    """A device that answers each control transfer with the next piece of the input; an empty one is a stall."""

    def __init__(self, data: bytes) -> None:
        self._tape = Tape(data)
        self.asked = 0

    def control(self, request_type: int, request: int, value: int, index: int, data: bytes | int) -> bytes:
        self.asked += 1
        answer = self._tape.piece()
        if not answer:
            raise StallError
        return answer[:data] if isinstance(data, int) else b""


def _identity(data: bytes) -> None:
    device = Spoken(data)
    try:
        found = inspect(device, "1-1.2")
    finally:
        require(device.asked <= 9, "a device is asked without end")
    texts = (found.manufacturer, found.product, found.serial)
    require(
        all(text.isprintable() and len(text) <= TEXT_CHARACTERS for text in texts),
        "a text of the device's own",
    )
    require(found.interfaces == ("08/06/50",), "a device passes that is more than a disk")
    require(found.bulk_out < 0x80 <= found.bulk_in, "endpoints of the wrong direction")
    _same_again(data, found)


def _same_again(data: bytes, found: UsbIdentity) -> None:
    require(inspect(Spoken(data), "1-1.2") == found, "the same descriptors give another identity")


def _spoken(*texts: str, descriptor: d.ConfigurationDescriptor = CONFIGURATION) -> bytes:
    whole = descriptor.encode()
    strings = [piece for text in texts for piece in (d.encode_languages(d.US_ENGLISH), d.encode_string(text))]
    return tape(DEVICE.encode(), whole[: d.CONFIGURATION_SIZE], whole, *strings)


def _identities() -> list[bytes]:
    keyboard = d.InterfaceDescriptor(number=1, interface_class=3, interface_subclass=1, interface_protocol=1)
    two = d.ConfigurationDescriptor(interfaces=(DISK, keyboard))
    return [_spoken(*TEXTS[:3]), _spoken(*TEXTS[2:]), _spoken(descriptor=two)]


def _total_length(data: bytes) -> None:
    require(d.CONFIGURATION_SIZE <= d.total_length(data) <= d.MAX_CONFIGURATION, "a length beyond its bounds")


def _configuration(data: bytes) -> None:
    _total_length(data)
    round_trip(d.decode_configuration, d.ConfigurationDescriptor.encode)(data)


def _string(data: bytes) -> None:
    require(len(d.decode_string(data)) <= d.MAX_STRING_UNITS, "a text longer than a descriptor holds")
    round_trip(d.decode_string, d.encode_string)(data)


def _interfaces(data: bytes) -> None:
    found = usbip.decode_interfaces(data)
    require(len(found) * usbip.INTERFACE_SIZE == len(data), "interfaces out of nothing")


def _encode_urb(urb: usbip.Urb) -> bytes:
    return urb.encode()


def _encode_command(command: scsi.Command) -> bytes:
    return command.encode()


def _plain(
    name: str, body: Body, decode: tuple[Callable[..., object], ...], *seeds: bytes, limit: int = 512
) -> Target:
    return Target(
        name=name,
        contract="Any bytes are a value that encodes to the same value, or a WireError.",
        body=body,
        refusals=(WireError,),
        seeds=lambda: seeds,
        limit=limit,
        covers=decode,
    )


TARGETS = (
    _plain(
        "usb-setup",
        round_trip(d.decode_setup, d.Setup.encode),
        (d.decode_setup,),
        bytes.fromhex("8006000100001200"),
    ),
    _plain(
        "usb-device",
        round_trip(d.decode_device, d.DeviceDescriptor.encode),
        (d.decode_device,),
        DEVICE.encode(),
    ),
    _plain(
        "usb-configuration",
        _configuration,
        (d.decode_configuration, d.total_length),
        CONFIGURATION.encode(),
        # A class's own descriptor between interface and endpoint, and an endpoint of nine bytes, as sound has.
        bytes.fromhex("0902200001010080320904000001010100000524001001090581050004010000"),
        limit=8192,
    ),
    _plain("usb-string", _string, (d.decode_string,), *map(d.encode_string, TEXTS)),
    Target(
        name="usb-identity",
        contract="Whatever a device says of itself is a disk with harmless texts, or CameraError; few questions asked.",
        body=_identity,
        refusals=(CameraError,),
        seeds=_identities,
        limit=2048,
        covers=(inspect, read_descriptors),
    ),
    _plain(
        "bot-command",
        round_trip(bot.decode_command, bot.CommandWrapper.encode),
        (bot.decode_command,),
        *(
            bot.CommandWrapper(tag=9, length=512, inbound=True, command=c.encode()).encode()
            for c in COMMANDS[:3]
        ),
    ),
    _plain(
        "bot-status",
        round_trip(bot.decode_status, bot.StatusWrapper.encode),
        (bot.decode_status,),
        *(bot.StatusWrapper(tag=9, residue=1, status=status).encode() for status in bot.Status),
    ),
    _plain(
        "scsi-command",
        round_trip(scsi.decode_command, _encode_command),
        (scsi.decode_command,),
        *(command.encode() for command in COMMANDS),
    ),
    _plain(
        "scsi-sense",
        round_trip(scsi.decode_sense, scsi.Sense.encode),
        (scsi.decode_sense,),
        scsi.NO_MEDIUM.encode(),
        scsi.Sense(key=scsi.SenseKey.MEDIUM_ERROR, code=0x11, information=7).encode(),
    ),
    _plain(
        "scsi-inquiry",
        lossy(scsi.decode_inquiry, scsi.InquiryData.encode, FieldOutOfRangeError),
        (scsi.decode_inquiry,),
        scsi.InquiryData(vendor="DV16", product="DEVICE V1.00", revision="1").encode(),
    ),
    _plain(
        "scsi-capacity-10",
        round_trip(scsi.decode_capacity_10, scsi.Capacity.encode_10),
        (scsi.decode_capacity_10,),
        scsi.Capacity(sectors=64, sector_size=512).encode_10(),
    ),
    _plain(
        "scsi-capacity-16",
        round_trip(scsi.decode_capacity_16, scsi.Capacity.encode_16),
        (scsi.decode_capacity_16,),
        scsi.Capacity(sectors=1 << 40, sector_size=4096).encode_16(),
    ),
    _plain(
        "scsi-mode",
        round_trip(scsi.decode_mode_header, scsi.ModeHeader.encode),
        (scsi.decode_mode_header,),
        scsi.ModeHeader(write_protected=True).encode(),
    ),
    _plain(
        "usbip-operation",
        round_trip(usbip.decode_op, usbip.OpHeader.encode),
        (usbip.decode_op,),
        *(operation.encode() for operation in OPERATIONS),
    ),
    _plain(
        "usbip-device",
        round_trip(usbip.decode_device, usbip.ExportedDevice.encode),
        (usbip.decode_device,),
        EXPORTED.encode(),
    ),
    _plain("usbip-interfaces", _interfaces, (usbip.decode_interfaces,), b"\x08\x06\x50\0"),
    _plain(
        "usbip-busid",
        round_trip(usbip.decode_busid, usbip.encode_busid),
        (usbip.decode_busid,),
        usbip.encode_busid("1-1.2"),
    ),
    _plain(
        "usbip-count",
        round_trip(usbip.decode_count, usbip.encode_count),
        (usbip.decode_count,),
        usbip.encode_count(3),
    ),
    _plain(
        "usbip-urb",
        round_trip(usbip.decode_urb, _encode_urb),
        (usbip.decode_urb,),
        *(urb.encode() for urb in URBS),
    ),
)
