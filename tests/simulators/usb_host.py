"""A host's side of a simulated USB disk, written from the specification and not from the drivers."""

from collections.abc import Callable
from datetime import datetime, timedelta

from drivers.base import StallError
from firmware_protocol.gat947 import commands
from firmware_protocol.gat947.commands import Command
from firmware_protocol.usb import bot, scsi
from simulators.usb.bus import UsbBus
from simulators.usb.direct import DirectDevice
from simulators.usb.spec import CameraSpec

PORT = "1-1.3"
START = datetime(2026, 11, 22, 7, 0, 0)  # noqa: DTZ001  a camera's time has no zone


class World:
    """A bus whose time a test moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.later: list[tuple[float, Callable[[], None]]] = []
        self.bus = UsbBus(self, lambda after_s, act: self.later.append((self.now + after_s, act)))

    def seconds(self) -> float:
        return self.now

    def local(self) -> datetime:
        return START + timedelta(seconds=self.now - 100.0)

    def pass_s(self, seconds: float) -> None:
        self.now += seconds
        due = [act for at, act in self.later if at <= self.now]
        self.later = [(at, act) for at, act in self.later if at > self.now]
        for act in due:
            act()

    def plug(self, spec: CameraSpec, card: bytearray | None = None, port: str = PORT) -> "Host":
        self.bus.add(spec, card)
        self.bus.plug(port, spec.name)
        return self.open(port)

    def open(self, port: str = PORT) -> "Host":
        return Host(DirectDevice(self.bus, port))


class Refused(Exception):
    """CHECK CONDITION, with what REQUEST SENSE told and the bytes that came before."""

    def __init__(self, sense: scsi.Sense, data: bytes) -> None:
        super().__init__(str(sense))
        self.sense = sense
        self.data = data


class Host:
    """One command after the other."""

    def __init__(self, device: DirectDevice) -> None:
        self.device = device
        self.tag = 0

    def command(self, cdb: bytes, ask: int = 0, send: bytes = b"") -> tuple[bytes, bot.StatusWrapper]:
        """One exchange as BOT 5 draws it; stalls are cleared."""
        self.tag += 1
        length = ask or len(send)
        wrapper = bot.CommandWrapper(tag=self.tag, length=length, inbound=bool(ask), command=cdb)
        self.device.write(wrapper.encode(), 1.0)
        data = b""
        try:
            if send:
                self.device.write(send, 1.0)
            elif ask:
                data = self.device.read(ask, 1e9)
        except StallError:
            self.device.clear_halt(inbound=bool(ask))
        status = bot.decode_status(self.device.read(bot.CSW_SIZE, 1.0))
        assert status.tag == self.tag
        return data, status

    def scsi(self, command: scsi.Command, ask: int = 0, send: bytes = b"") -> bytes:
        """Raises Refused."""
        return self.cdb(command.encode(), ask, send)

    def vendor(self, command: Command, send: bytes = b"", length: int | None = None) -> bytes:
        """Raises Refused."""
        block = commands.command_block(command, len(send) if send else length)
        return self.cdb(block.encode(), block.length if block.inbound else 0, send)

    def cdb(self, cdb: bytes, ask: int = 0, send: bytes = b"") -> bytes:
        data, status = self.command(cdb, ask, send)
        if status.status is bot.Status.PASSED:
            return data
        assert status.status is bot.Status.FAILED
        raw, _ = self.command(scsi.RequestSense().encode(), scsi.SENSE_SIZE)
        raise Refused(scsi.decode_sense(raw), data)

    def ready(self) -> "Host":
        """Take the unit attention that follows power-on."""
        _, status = self.command(scsi.TestUnitReady().encode())
        if status.status is bot.Status.FAILED:
            raw, _ = self.command(scsi.RequestSense().encode(), scsi.SENSE_SIZE)
            assert scsi.decode_sense(raw) == scsi.POWERED_ON
        return self

    def read(self, lba: int, count: int) -> bytes:
        return self.scsi(scsi.Read10(lba, count), ask=512 * count)

    def write(self, lba: int, data: bytes) -> None:
        self.scsi(scsi.Write10(lba, len(data) // 512), send=data)
