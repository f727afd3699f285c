"""Devices that are no cameras, or pretend: what somebody may push into a slot."""

from collections.abc import Callable
from dataclasses import replace

from firmware_protocol.usb.descriptors import (
    ConfigurationDescriptor,
    DeviceDescriptor,
    Setup,
    encode_languages,
    encode_string,
)
from simulators.usb.camera import Camera, Leave
from simulators.usb.device import US_ENGLISH, Buffer, Identity, Reply, Stall, UsbDevice
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


def _with_configuration(configuration: bytes) -> Identity:
    return replace(_identity("vendor"), configuration=configuration)


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


class Impostor(Camera):
    """Something of DEVICES in a camera's place; its kind says which."""

    def power_on(self, leave: Leave) -> UsbDevice:
        return DEVICES[self.spec.kind]()
