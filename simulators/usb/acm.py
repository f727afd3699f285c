"""A simulated serial device with USB of its own: CDC-ACM (USB PSTN 1.2), as a dock controller's firmware offers it.

Linux makes it /dev/ttyACM*. What the device says waits here, bounded, until the host takes it.
"""

import threading
from collections.abc import Callable

from firmware_protocol.usb.descriptors import (
    ConfigurationDescriptor,
    DeviceDescriptor,
    EndpointDescriptor,
    InterfaceDescriptor,
    Setup,
    encode_languages,
    encode_string,
)
from simulators.device import SerialDevice
from simulators.usb.camera import Camera, Leave, Time
from simulators.usb.device import US_ENGLISH, Buffer, Identity, Reply, Stall, UsbDevice
from simulators.usb.spec import CameraSpec

WAITING = 256 * 1024  # bytes; what a host does not take is lost, as on a wire
NOTIFY, IN, OUT = 0x83, 0x82, 0x02
SET_LINE_CODING, GET_LINE_CODING, SET_CONTROL_LINE_STATE, SEND_BREAK = 0x20, 0x21, 0x22, 0x23
LINE_CODING = bytes.fromhex("00c20100000008")  # 115,200 bit/s, one stop bit, no parity, eight bits
_FUNCTIONS = bytes.fromhex("05240010010524010001042402020524060001")
"""Header 1.10, call management (none), abstract control with line coding, union of interfaces 0 and 1."""

Hand = Callable[[bytes], None]
"""Takes what the host has written to wherever the serial device lives."""


class AcmDevice(UsbDevice):
    """One plug-in of the device."""

    def __init__(self, own: Identity, hand: Hand) -> None:
        super().__init__(own)
        self._hand = hand
        self._lock = threading.Lock()
        self._waiting = bytearray()
        self._coding = LINE_CODING

    def say(self, data: bytes) -> None:
        """What the serial device sends; from any thread."""
        with self._lock:
            self._waiting += data
            del self._waiting[:-WAITING]
        self.has_more()

    def class_request(self, setup: Setup, data: Buffer) -> bytes | None:
        match setup.request:
            case x if x == SET_LINE_CODING:
                self._coding = bytes(data)
                return b""
            case x if x == GET_LINE_CODING:
                return self._coding
            case x if x in (SET_CONTROL_LINE_STATE, SEND_BREAK):
                return b""
        raise Stall

    def bulk_out(self, endpoint: int, data: Buffer) -> float | None:
        self._hand(bytes(data))
        return 0.0

    def bulk_in(self, endpoint: int, size: int) -> Reply | None:
        if endpoint != IN:
            return None
        with self._lock:
            taken = bytes(self._waiting[:size])
            del self._waiting[:size]
        return Reply(taken) if taken else None


class AcmGadget(Camera):
    """A serial device in a port of the bus. ``call`` runs a function where the serial device lives."""

    def __init__(
        self, name: str, device: SerialDevice, time: Time, call: Callable[[Callable[[], None]], object]
    ) -> None:
        super().__init__(CameraSpec(name=name, kind="acm"), time)
        self._device, self._call = device, call

    def power_on(self, leave: Leave) -> UsbDevice:
        shown = AcmDevice(_identity(self.spec.name), self._hand)
        self._device.send = shown.say
        return shown

    def _hand(self, data: bytes) -> None:
        self._call(lambda: self._device.receive(data))


def _identity(name: str) -> Identity:
    control = InterfaceDescriptor(
        number=0, interface_class=2, interface_subclass=2, interface_protocol=1, endpoints_claimed=1
    )
    notify = EndpointDescriptor(address=NOTIFY, attributes=3, max_packet=8, interval=10)
    pipes = (EndpointDescriptor(address=IN, max_packet=64), EndpointDescriptor(address=OUT, max_packet=64))
    data = InterfaceDescriptor(
        number=1, interface_class=10, interface_subclass=0, interface_protocol=0, endpoints=pipes
    )
    body = control.encode() + _FUNCTIONS + notify.encode() + data.encode()
    head = ConfigurationDescriptor(interfaces=(), interfaces_claimed=2).encode()
    configuration = head[:2] + (len(head) + len(body)).to_bytes(2, "little") + head[4:] + body
    own = DeviceDescriptor(
        vendor_id=0x1209, product_id=0x0D0C, device_class=2, manufacturer=1, product=2, serial=3
    )
    texts = {1: "Simulated", 2: name, 3: f"SIM-{name}"}
    return Identity(
        device=own.encode(),
        configuration=configuration,
        strings={0: encode_languages(US_ENGLISH), **{n: encode_string(text) for n, text in texts.items()}},
        interfaces=((2, 2, 1), (10, 0, 0)),
    )
