"""A bus, a card and a way to reach them, for the tests of USB drivers and worker."""

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from drivers.base import StallError
from drivers.bulk_only import BulkOnly
from drivers.cameras.identity import UsbIdentity, check_unchanged, inspect
from drivers.worker.serve import WorkerServer
from edged.errors import CameraError, CameraLostError, ErrorCode
from firmware_protocol.usb.descriptors import Setup
from simulators.usb.bus import Enumerated, UsbBus
from simulators.usb.device import Gone, Stall
from simulators.usb.server import Server
from simulators.usb.spec import CameraSpec

T = TypeVar("T")
PORT = "1-1.2"
SECTOR = 512
CLUSTER = 4 * SECTOR
CLUSTERS = 6000
_FAT_SECTORS = 24
_ROOT_ENTRIES = 512
_DATA = 1 + 2 * _FAT_SECTORS + _ROOT_ENTRIES * 32 // SECTOR  # first sector of cluster 2
MIDDAY = datetime(2026, 11, 22, 12, 0, 0)  # noqa: DTZ001  a camera's local time


def quiet(_seconds: float) -> None:
    """A pause that takes no time."""


def card(files: dict[str, bytes], cluster: int = CLUSTER) -> bytearray:
    """A FAT16 card with these files in /DCIM, names of 8.3; file n begins where file n-1 ends.

    Only an empty one may have clusters of another size.
    """
    assert not files or cluster == CLUSTER
    sectors = _DATA + CLUSTERS * (cluster // SECTOR)
    image = bytearray(sectors * SECTOR)
    boot = struct.pack("<3s8sHBHBHHBHHHII", b"\xeb\x3c\x90", b"MSDOS5.0", SECTOR, cluster // SECTOR, 1, 2,
                       _ROOT_ENTRIES, sectors if sectors < 65536 else 0, 0xF8, _FAT_SECTORS, 32, 2, 0,
                       0 if sectors < 65536 else sectors)  # fmt: skip
    image[: len(boot)] = boot
    image[36:62] = struct.pack("<BBBI11s8s", 0x80, 0, 0x29, 0x12345678, b"CAMERA     ", b"FAT16   ")
    image[510:512] = b"\x55\xaa"
    fat = [0xFFF8, 0xFFFF, 0xFFFF]  # 2: the directory /DCIM
    entries = [_entry(".", 0x10, 2, 0), _entry("..", 0x10, 0, 0)]
    for name, content in files.items():
        count, first = -(-len(content) // CLUSTER), len(fat)
        fat += [*range(first + 1, first + count), 0xFFFF] if count else []
        entries.append(_entry(name, 0x20, first if count else 0, len(content)))
        _place(image, first, content)
    _place(image, 2, b"".join(entries))
    table = b"".join(value.to_bytes(2, "little") for value in fat)
    for at in (1, 1 + _FAT_SECTORS):
        image[at * SECTOR : at * SECTOR + len(table)] = table
    root = (1 + 2 * _FAT_SECTORS) * SECTOR
    image[root : root + 32] = _entry("DCIM", 0x10, 2, 0)
    return image


def lba_of(image: bytearray, content_start: bytes) -> int:
    """The sector where these bytes begin."""
    at = image.index(content_start)
    assert at % SECTOR == 0
    return at // SECTOR


def _entry(name: str, attributes: int, first: int, size: int) -> bytes:
    stem, _, extension = name.partition(".") if name.strip(".") else (name, "", "")
    when = (12 << 11, (2026 - 1980) << 9 | 11 << 5 | 22)
    raw = stem.ljust(8).encode() + extension.ljust(3).encode()
    return struct.pack("<11sBBBHHHHHHHI", raw, attributes, 0, 0, *when, when[1], 0, *when, first, size)


def _place(image: bytearray, cluster: int, content: bytes) -> None:
    at = _DATA * SECTOR + (cluster - 2) * CLUSTER
    image[at : at + len(content)] = content


@dataclass
class ManualTime:
    """The world's time; stands still unless moved. ``due`` is what somebody asked to be called for."""

    now: float = 1000.0
    due: list[Callable[[], None]] = field(default_factory=list)

    def seconds(self) -> float:
        return self.now

    def local(self) -> datetime:
        return MIDDAY

    def call_later(self, _after_s: float, act: Callable[[], None]) -> None:
        self.due.append(act)

    def happen(self) -> None:
        """All that is due happens now."""
        due, self.due = self.due, []
        for act in due:
            act()


class DirectBulk:
    """A BulkDevice straight on a simulated device, without a wire."""

    def __init__(self, bus: UsbBus, what: Enumerated) -> None:
        self.bus, self.what = bus, what
        self.controls: list[tuple[int, int]] = []

    def write(self, data: bytes, timeout_s: float) -> None:
        if self._do(lambda: self.what.device.bulk_out(0x01, data)) is None:
            raise CameraError(ErrorCode.CAMERA_SILENT)

    def read(self, size: int, timeout_s: float) -> bytes:
        reply = self._do(lambda: self.what.device.bulk_in(0x81, size))
        if reply is None:
            raise CameraError(ErrorCode.CAMERA_SILENT)
        data = bytes(reply.data)
        if reply.gone:
            self.bus.gone(self.what)
            raise CameraLostError
        if reply.then is not None:
            reply.then()
        if len(data) > size:
            raise CameraError(ErrorCode.CAMERA_PROTOCOL, reason="overflow")
        return data

    def clear_halt(self, *, inbound: bool) -> None:
        self.control(0x02, 1, 0, 0x81 if inbound else 0x01, b"")

    def control(self, request_type: int, request: int, value: int, index: int, data: bytes | int) -> bytes:
        self.controls.append((request_type, request))
        length = data if isinstance(data, int) else len(data)
        setup = Setup(request_type, request, value, index, length)
        got = self._do(lambda: self.what.device.control(setup, b"" if isinstance(data, int) else data))
        if got is None:
            raise CameraError(ErrorCode.CAMERA_SILENT)
        return got if request_type & 0x80 else b""

    def close(self) -> None:
        pass

    def _do(self, act: Callable[[], T]) -> T:
        if not self.what.alive:
            raise CameraLostError
        try:
            return act()
        except Stall as exc:
            raise StallError from exc
        except Gone as exc:
            self.bus.gone(self.what)
            raise CameraLostError from exc


@dataclass
class DirectConnection:
    """See drivers.cameras.detect.Connection."""

    identity: UsbIdentity
    device: DirectBulk
    closed: bool = False

    def check_unchanged(self) -> None:
        check_unchanged(self.device, self.identity)

    def close(self) -> None:
        self.closed = True


class World:
    """A bus with time in the test's hand, and a worker on PORT."""

    def __init__(self) -> None:
        self.time = ManualTime()
        self.bus = UsbBus(self.time, self.time.call_later)

    def dock(self, spec: CameraSpec, image: bytearray | None = None) -> None:
        """Make the camera known and plug it in."""
        self.bus.add(spec, image)
        self.bus.plug(PORT, spec.name)

    def bulk(self) -> DirectBulk:
        what = self.bus.on_bus(PORT)
        if what is None:
            raise CameraLostError(port=PORT)
        return DirectBulk(self.bus, what)

    def connect(self) -> DirectConnection:
        bulk = self.bulk()
        return DirectConnection(inspect(bulk, PORT), bulk)

    def transport(self) -> BulkOnly:
        return BulkOnly(self.bulk())

    def worker(self, password: str = "000000") -> WorkerServer:
        return WorkerServer(self.connect, password, quiet)


@contextmanager
def served(bus: UsbBus, path: Path) -> Iterator[Path]:
    """The bus behind its Unix sockets, for as long as the block lasts."""
    server = Server(bus, path)
    try:
        yield path
    finally:
        server.close()
