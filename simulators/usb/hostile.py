"""Devices that are no cameras, or pretend: what somebody may push into a slot."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from firmware_protocol.usb.descriptors import (
    ConfigurationDescriptor,
    DeviceDescriptor,
    EndpointDescriptor,
    InterfaceDescriptor,
    Setup,
    encode_languages,
    encode_string,
)
from simulators.usb.camera import Camera, Leave
from simulators.usb.device import US_ENGLISH, Buffer, Identity, Reply, Stall, UsbDevice, identity
from simulators.usb.interfaces import INTERFACES


class Quiet(UsbDevice):
    """Answers chapter 9 and has nothing to say on its pipes."""

    def class_request(self, setup: Setup, data: Buffer) -> bytes | None:
        return bytes(setup.length) if setup.inbound else b""

    def bulk_out(self, endpoint: int, data: Buffer) -> float | None:
        return 0.0

    def bulk_in(self, endpoint: int, size: int) -> Reply | None:
        return None


class Mute(Quiet):
    """Enumerated, and never heard of again."""

    def control(self, setup: Setup, data: Buffer) -> bytes | None:
        return None


class Stubborn(Quiet):
    """Stalls every request."""

    def control(self, setup: Setup, data: Buffer) -> bytes | None:
        raise Stall


def _identity(*names: str, device_class: int = 0) -> Identity:
    found = [one for name in names for one in INTERFACES[name]]
    interfaces = tuple(replace(one, number=number) for number, one in enumerate(found))
    texts = {1: "Simulated", 2: "+".join(names), 3: "HOSTILE-1"}
    return Identity(
        device=DeviceDescriptor(
            vendor_id=0x1209,
            product_id=0x0BAD,
            device_class=device_class,
            manufacturer=1,
            product=2,
            serial=3,
        ).encode(),
        configuration=ConfigurationDescriptor(interfaces=interfaces).encode(),
        strings={0: encode_languages(US_ENGLISH), **{n: encode_string(text) for n, text in texts.items()}},
        interfaces=tuple(one.triple for one in interfaces),
    )


def _of_class(name: str) -> UsbDevice:
    """One interface of a class, with a bulk pipe each way."""
    cls, subclass, protocol = CLASSES[name]
    pipes = (EndpointDescriptor(address=0x81), EndpointDescriptor(address=0x02))
    interface = InterfaceDescriptor(
        number=0,
        interface_class=cls,
        interface_subclass=subclass,
        interface_protocol=protocol,
        endpoints=pipes,
    )
    texts = {1: "Simulated", 2: name, 3: "HOSTILE-2"}
    own = DeviceDescriptor(vendor_id=0x1209, product_id=0x0BAD, manufacturer=1, product=2, serial=3)
    return Quiet(identity(own, ConfigurationDescriptor(interfaces=(interface,)), texts))


def _with_configuration(configuration: bytes) -> Identity:
    return replace(_identity("vendor"), configuration=configuration)


CLASSES: dict[str, tuple[int, int, int]] = {
    "microphone": (0x01, 0x01, 0x20),
    "midi": (0x01, 0x03, 0x00),
    "modem": (0x02, 0x02, 0x01),
    "telephone": (0x02, 0x03, 0x00),
    "isdn": (0x02, 0x04, 0x00),
    "ethernet": (0x02, 0x06, 0x00),
    "atm": (0x02, 0x07, 0x00),
    "mobile-handset": (0x02, 0x08, 0x00),
    "obex": (0x02, 0x0B, 0x00),
    "ethernet-emulation": (0x02, 0x0C, 0x07),
    "ncm": (0x02, 0x0D, 0x00),
    "mbim": (0x02, 0x0E, 0x00),
    "joystick": (0x03, 0x00, 0x00),
    "force-feedback": (0x05, 0x00, 0x00),
    "still-camera": (0x06, 0x01, 0x01),
    "printer": (0x07, 0x01, 0x02),
    "printer-over-ip": (0x07, 0x01, 0x04),
    "floppy": (0x08, 0x04, 0x00),
    "tape": (0x08, 0x02, 0x50),
    "rbc-disk": (0x08, 0x01, 0x50),
    "cbi-disk": (0x08, 0x06, 0x01),
    "attached-scsi": (0x08, 0x06, 0x62),
    "locked-disk": (0x08, 0x07, 0x50),
    "vendor-disk": (0x08, 0xFF, 0x50),
    "hub-with-one-translator": (0x09, 0x00, 0x01),
    "smart-card-reader": (0x0B, 0x00, 0x00),
    "content-security": (0x0D, 0x00, 0x00),
    "webcam": (0x0E, 0x02, 0x00),
    "health": (0x0F, 0x00, 0x00),
    "audio-video": (0x10, 0x01, 0x00),
    "billboard": (0x11, 0x00, 0x00),
    "type-c-bridge": (0x12, 0x00, 0x00),
    "diagnostic": (0xDC, 0x01, 0x01),
    "bluetooth": (0xE0, 0x01, 0x01),
    "ultra-wideband": (0xE0, 0x01, 0x02),
    "rndis": (0xE0, 0x01, 0x03),
    "active-sync": (0xEF, 0x01, 0x01),
    "firmware-upgrade": (0xFE, 0x01, 0x01),
    "infrared": (0xFE, 0x02, 0x00),
    "measurement": (0xFE, 0x03, 0x01),
    "adb": (0xFF, 0x42, 0x01),
    "unknown": (0x77, 0x77, 0x77),
}
"""Class, subclass and protocol as the USB-IF lists them: every class of device there is, by one of its kind."""

DEVICES: dict[str, Callable[[], UsbDevice]] = {
    "keyboard": lambda: Quiet(_identity("keyboard")),
    "keyboard-and-mouse": lambda: Quiet(_identity("keyboard", "mouse")),
    "network": lambda: Quiet(_identity("network")),
    "hub": lambda: Quiet(_identity("hub", device_class=9)),
    "vendor": lambda: Quiet(_identity("vendor")),
    "mute": lambda: Mute(_identity("vendor")),
    "stubborn": lambda: Stubborn(_identity("vendor")),
    # total length beyond what follows; a descriptor of length 0; one that runs past the end
    "long-total": lambda: Quiet(_with_configuration(bytes.fromhex("0902ffff0101008032"))),
    "zero-length": lambda: Quiet(_with_configuration(bytes.fromhex("09020b00010100803200ff"))),
    "runs-over": lambda: Quiet(_with_configuration(bytes.fromhex("09020b000101008032ff04"))),
    "empty-configuration": lambda: Quiet(_with_configuration(b"")),
    "many-configurations": lambda: Quiet(
        replace(
            _identity("vendor"),
            device=DeviceDescriptor(vendor_id=0x1209, product_id=0x0BAD, configurations=255).encode(),
        )
    ),
}


DEVICES |= {name: partial(_of_class, name) for name in CLASSES if name not in DEVICES}


class Impostor(Camera):
    """Something of DEVICES in a camera's place; its kind says which."""

    def power_on(self, leave: Leave) -> UsbDevice:
        return DEVICES[self.spec.kind]()
