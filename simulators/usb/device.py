"""A USB device on its endpoints: chapter 9 requests, halts, and the hooks of what it really does.

A device never waits and starts no thread. It answers at once, says "not yet" (NAK), or says after
how many seconds the answer is due; who carries the bytes (server.py, direct.py) does the waiting.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from firmware_protocol.usb.descriptors import (
    ConfigurationDescriptor,
    DeviceDescriptor,
    Kind,
    Request,
    Setup,
    encode_languages,
    encode_string,
)
from firmware_protocol.usb.usbip import Speed

Buffer: TypeAlias = bytes | bytearray | memoryview

US_ENGLISH = 0x0409
_PORT_RESET = 4


class Stall(Exception):
    """The endpoint answers with a STALL handshake."""


class Gone(Exception):
    """The device is no longer on the bus."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a bulk endpoint hands out."""

    data: Buffer
    after_s: float = 0.0  # earliest, from now
    gone: bool = False  # these were the last bytes; the plug is out, or ``then`` says what happens
    then: Callable[[], None] | None = None  # to be called once the host has the bytes


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What a device says of itself, already in bytes: it need not be true or well formed."""

    device: bytes
    configuration: bytes
    strings: dict[int, bytes] = field(default_factory=dict)
    interfaces: tuple[tuple[int, int, int], ...] = ()  # as a USB/IP list shows them
    speed: Speed = Speed.HIGH


def identity(
    device: DeviceDescriptor, configuration: ConfigurationDescriptor, strings: dict[int, str]
) -> Identity:
    """An honest device: descriptors and texts as given."""
    texts = {number: encode_string(text) for number, text in strings.items()}
    return Identity(
        device=device.encode(),
        configuration=configuration.encode(),
        strings={0: encode_languages(US_ENGLISH), **texts} if texts else {},
        interfaces=tuple(interface.triple for interface in configuration.interfaces),
    )


class UsbDevice:
    """One enumeration of a device. A new plug-in makes a new one. Not thread-safe: see Bus."""

    def __init__(self, own: Identity) -> None:
        self.identity = own
        self.configured = 0
        self.halted: set[int] = set()  # endpoint addresses
        self.has_more: Callable[[], None] = lambda: None  # tells whoever carries its URBs

    # --- what the host does ---

    def control(self, setup: Setup, data: Buffer) -> bytes | None:
        """Return the data phase (cut to wLength); None: no answer at all. Raises Stall, Gone."""
        if (setup.request_type, setup.request, setup.value) == (0x23, Request.SET_FEATURE, _PORT_RESET):
            self.reset()  # said to the hub in truth; USB/IP hosts send it to the device's address
            return b""
        standard = not setup.request_type & 0x60
        answer = self._standard(setup) if standard else self.class_request(setup, data)
        return None if answer is None else answer[: setup.length]

    def bulk_out(self, endpoint: int, data: Buffer) -> float | None:
        """Take bytes; return seconds until they are taken, or None: never. Raises Stall, Gone."""
        raise Stall

    def bulk_in(self, endpoint: int, size: int) -> Reply | None:
        """Give at most ``size`` bytes; None: nothing yet. Raises Stall, Gone."""
        raise Stall

    # --- hooks ---

    def class_request(self, setup: Setup, data: Buffer) -> bytes | None:
        raise Stall

    def reset(self) -> None:
        """The port was reset: back to the state after power-on, without leaving the bus."""
        self.configured = 0
        self.halted.clear()

    def halt_cleared(self, endpoint: int) -> None:
        """The host has cleared a halt."""

    # --- chapter 9 ---

    def _standard(self, setup: Setup) -> bytes:
        match setup.request:
            case Request.GET_DESCRIPTOR:
                return self._descriptor(setup.value >> 8, setup.value & 0xFF)
            case Request.GET_CONFIGURATION:
                return bytes([self.configured])
            case Request.SET_CONFIGURATION:
                self.configured = setup.value & 0xFF
                self.halted.clear()
                return b""
            case Request.GET_INTERFACE:
                return b"\0"
            case Request.SET_INTERFACE if setup.value == 0:
                self.halted.clear()
                return b""
            case Request.GET_STATUS:
                return bytes([setup.request_type & 0x1F == 2 and setup.index in self.halted, 0])
            case Request.CLEAR_FEATURE if setup.request_type == 0x02 and setup.value == 0:
                self.halted.discard(setup.index)
                self.halt_cleared(setup.index)
                return b""
            case Request.SET_FEATURE if setup.request_type == 0x02 and setup.value == 0:
                self.halted.add(setup.index)
                return b""
        raise Stall

    def _descriptor(self, kind: int, number: int) -> bytes:
        own = self.identity
        if kind == Kind.DEVICE:
            return own.device
        if kind == Kind.CONFIGURATION and number == 0:
            return own.configuration
        if kind == Kind.STRING and number in own.strings:
            return own.strings[number]
        raise Stall
