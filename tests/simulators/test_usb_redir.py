"""A simulated device at the end of QEMU's usb-redir: what QEMU asks, written from the protocol."""

import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_protocol.usb import bot, scsi
from firmware_protocol.usb.descriptors import Kind, Request, decode_device
from simulators.device import SerialDevice
from simulators.faults import UsbFaults
from simulators.usb import redir_wire as wire
from simulators.usb.acm import LINE_CODING, AcmGadget
from simulators.usb.bus import UsbBus
from simulators.usb.redir import RedirPorts
from simulators.usb.redir_wire import Packet, Status
from simulators.usb.server import HostTime, Timers
from simulators.usb.spec import CameraSpec

MIB = 1 << 20
PORT = "1-1.3"


class Qemu:
    """Listens at a socket as a usb-redir device does, one connection at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen(1)
        self._listening.settimeout(5)
        self.number = 0

    def accept(self) -> dict[Packet, bytes]:
        """Take the next plug-in and say hello; return what the device says of itself."""
        self.sock, _ = self._listening.accept()
        self.sock.settimeout(5)
        said = {}
        packet, _, said[packet] = self.packet(long=False)
        self.sock.sendall(wire.hello())
        while Packet.DEVICE_CONNECT not in said:
            packet, _, said[packet] = self.packet()
        return said

    def packet(self, *, long: bool = True) -> tuple[Packet, int, bytes]:
        raw = self._exactly(16 if long else 12)
        kind, length, number = struct.unpack("<IIQ" if long else "<III", raw)
        return Packet(kind), number, self._exactly(length)

    def send(self, packet: Packet, body: bytes, number: int | None = None) -> int:
        if number is None:
            self.number += 1
            number = self.number
        self.sock.sendall(struct.pack("<IIQ", packet, len(body), number) + body)
        return number

    def ask(self, packet: Packet, body: bytes) -> bytes:
        """Send and return the body of its answer; what the device says of itself in between is passed over."""
        number = self.send(packet, body)
        while True:
            _, found, answer = self.packet()
            if found == number:
                return answer

    def control(self, request_type: int, request: int, value: int, index: int, size: int) -> bytes:
        answer = self.ask(
            Packet.CONTROL, struct.pack("<BBBBHHH", 0, request, request_type, 0, value, index, size)
        )
        assert answer[3] == Status.SUCCESS
        return answer[10:]

    def bulk(self, endpoint: int, size: int, data: bytes = b"") -> tuple[int, int, bytes]:
        """Status, bytes and data of a bulk transfer."""
        body = struct.pack("<BBHIH", endpoint, 0, size & 0xFFFF, 0, size >> 16) + data
        answer = self.ask(Packet.BULK, body)
        _, status, low, _, high = struct.unpack_from("<BBHIH", answer)
        return status, high << 16 | low, answer[10:]

    def close(self) -> None:
        self.sock.close()
        self._listening.close()

    def _exactly(self, size: int) -> bytes:
        got = bytearray()
        while len(got) < size:
            piece = self.sock.recv(size - len(got))
            if not piece:
                raise EOFError
            got += piece
        return bytes(got)


@pytest.fixture
def bus() -> Iterator[UsbBus]:
    timers = Timers()
    yield UsbBus(HostTime(), timers)
    timers.cancel()


@pytest.fixture
def qemu(bus: UsbBus, tmp_path: Path) -> Iterator[Qemu]:
    made = Qemu(tmp_path / "slot3.sock")
    ports = RedirPorts(bus, {PORT: made.path})
    yield made
    ports.close()
    made.close()


def a_camera(bus: UsbBus, **more: object) -> bytearray:
    card = bytearray(MIB)
    card[512:1024] = b"second sector".ljust(512, b".")
    faults = UsbFaults(**more)  # type: ignore[arg-type]
    bus.add(CameraSpec(name="cam", kind="msc", usb_serial="BWC-1", faults=faults), card)
    bus.plug(PORT, "cam")
    return card


def test_a_camera_is_plugged_in_configured_and_read(bus: UsbBus, qemu: Qemu) -> None:
    card = a_camera(bus)
    said = qemu.accept()
    assert said[Packet.DEVICE_CONNECT][0] == wire.FULL_SPEED
    assert said[Packet.DEVICE_CONNECT][4:8] == struct.pack("<HH", 0x1209, 0x9470)
    assert struct.unpack_from("<I", said[Packet.INTERFACE_INFO])[0] == 1
    assert said[Packet.INTERFACE_INFO][4 + 32] == 8  # the class of its one interface
    own = decode_device(qemu.control(0x80, Request.GET_DESCRIPTOR, Kind.DEVICE << 8, 0, 18))
    assert (own.vendor_id, own.product_id) == (0x1209, 0x9470)
    assert qemu.ask(Packet.SET_CONFIGURATION, b"\1") == b"\0\1"
    assert qemu.ask(Packet.GET_CONFIGURATION, b"") == b"\0\1"

    ready = bot.CommandWrapper(tag=8, length=0, inbound=False, command=scsi.TestUnitReady().encode()).encode()
    assert qemu.bulk(0x01, len(ready), ready)[0] == Status.SUCCESS
    assert bot.decode_status(qemu.bulk(0x81, 13)[2]).status is bot.Status.FAILED  # unit attention, as ever
    command = scsi.Read10(lba=1, count=1).encode()
    wrapped = bot.CommandWrapper(tag=9, length=512, inbound=True, command=command).encode()
    assert qemu.bulk(0x01, len(wrapped), wrapped) == (Status.SUCCESS, len(wrapped), b"")
    assert qemu.bulk(0x81, 512) == (Status.SUCCESS, 512, bytes(card[512:1024]))
    status, size, data = qemu.bulk(0x81, 13)
    assert (status, size) == (Status.SUCCESS, 13)
    assert bot.decode_status(data).tag == 9


def test_what_is_not_answered_can_be_cancelled_and_leaves_the_device_usable(bus: UsbBus, qemu: Qemu) -> None:
    a_camera(bus)
    qemu.accept()
    number = qemu.send(Packet.BULK, struct.pack("<BBHIH", 0x81, 0, 512, 0, 0))
    qemu.send(Packet.CANCEL_DATA_PACKET, b"", number)
    packet, found, body = qemu.packet()
    assert (packet, found, body[1], len(body)) == (Packet.BULK, number, Status.CANCELLED, 10)
    assert len(qemu.control(0x80, Request.GET_DESCRIPTOR, Kind.DEVICE << 8, 0, 18)) == 18


def test_a_pulled_plug_ends_the_connection_and_the_next_plug_in_makes_another(
    bus: UsbBus, qemu: Qemu
) -> None:
    a_camera(bus)
    qemu.accept()
    qemu.send(Packet.BULK, struct.pack("<BBHIH", 0x81, 0, 512, 0, 0))  # waits
    qemu.control(0x80, Request.GET_DESCRIPTOR, Kind.DEVICE << 8, 0, 18)  # so it was taken
    bus.unplug(PORT)
    packet, _, body = qemu.packet()
    assert (packet, body[1]) == (Packet.BULK, Status.IO_ERROR)
    with pytest.raises(EOFError):
        qemu.packet()
    qemu.sock.close()
    bus.plug(PORT, "cam")
    assert Packet.DEVICE_CONNECT in qemu.accept()


@pytest.mark.parametrize("configuration", ["", "0902ffff0101008032", "09020b00010100803200ff"])
def test_a_device_may_claim_anything(bus: UsbBus, qemu: Qemu, configuration: str) -> None:
    a_camera(bus, configuration_hex=configuration)
    said = qemu.accept()
    assert struct.unpack_from("<I", said[Packet.INTERFACE_INFO])[0] == 0
    found = qemu.control(0x80, Request.GET_DESCRIPTOR, Kind.CONFIGURATION << 8, 0, 255)
    assert found == bytes.fromhex(configuration)


def test_a_machine_that_speaks_something_else_ends_its_own_connection_only(bus: UsbBus, qemu: Qemu) -> None:
    a_camera(bus)
    qemu.accept()
    qemu.sock.sendall(b"\xff" * 16)
    with pytest.raises(EOFError):
        qemu.packet()
    assert bus.on_bus(PORT) is not None


class Echo(SerialDevice):
    """Says what it hears."""

    def __init__(self) -> None:
        self.send = lambda _: None

    def receive(self, data: bytes) -> None:
        self.send(data.upper())


def test_a_serial_device_with_usb_of_its_own_speaks_when_it_likes(bus: UsbBus, qemu: Qemu) -> None:
    echo = Echo()
    bus.admit(AcmGadget("dock", echo, HostTime(), lambda act: act()))
    bus.plug(PORT, "dock")
    said = qemu.accept()
    assert struct.unpack_from("<I", said[Packet.INTERFACE_INFO])[0] == 2
    assert said[Packet.INTERFACE_INFO][4 + 32 : 4 + 34] == bytes([2, 10])
    assert qemu.ask(Packet.SET_CONFIGURATION, b"\1") == b"\0\1"
    assert qemu.control(0xA1, 0x21, 0, 0, 7) == LINE_CODING
    number = qemu.send(Packet.BULK, struct.pack("<BBHIH", 0x82, 0, 64, 0, 0))  # waits for its word
    assert qemu.bulk(0x02, 5, b"hello")[:2] == (Status.SUCCESS, 5)
    packet, found, body = qemu.packet()
    assert (packet, found, body[10:]) == (Packet.BULK, number, b"HELLO")
    number = qemu.send(Packet.BULK, struct.pack("<BBHIH", 0x82, 0, 64, 0, 0))
    qemu.control(0xA1, 0x21, 0, 0, 7)  # so the other is waiting
    echo.send(b"of itself")
    _, found, body = qemu.packet()
    assert (found, body[10:]) == (number, b"of itself")
