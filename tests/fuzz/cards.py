"""Cards as inputs of fuzzing: the sectors that are not empty, each behind its number; all others are zeros."""

import struct
import zlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from simulators.cards import Card, Filesystem

SECTOR = 512
SECTORS = 8192  # of every device: 4 MiB
READS = 20_000  # device calls that no card may cost
FILES = (("DCIM/100MEDIA/Запис довгий 1.mp4", b"1" * 2000), ("DCIM/B.MP4", b"2" * 700), ("C", b""))
NOON = datetime(2026, 11, 22, 12, 0, 0)  # noqa: DTZ001  cards have no zone
_RECORD = 2 + SECTOR
_ZEROS = bytes(SECTOR)


class SparseDevice:
    """A disk of which only some sectors are held. Implements `drivers.base.BlockDevice`."""

    sector_size, sectors = SECTOR, SECTORS

    def __init__(self, data: bytes) -> None:
        self.held: dict[int, bytes] = {}
        for at in range(0, len(data), _RECORD):
            record = data[at : at + _RECORD]
            number = int.from_bytes(record[:2], "little") % SECTORS
            self.held[number] = record[2:].ljust(SECTOR, b"\0")
        self.reads, self.written = 0, 0

    def read(self, lba: int, count: int) -> bytes:
        self.reads += 1
        assert lba >= 0
        assert count > 0
        assert lba + count <= SECTORS
        return b"".join(self.held.get(number, _ZEROS) for number in range(lba, lba + count))

    def write(self, lba: int, data: bytes) -> None:
        assert data
        assert len(data) % SECTOR == 0
        self.read(lba, len(data) // SECTOR)
        self.written += 1
        for at in range(0, len(data), SECTOR):
            self.held[lba + at // SECTOR] = data[at : at + SECTOR]

    def sync(self) -> None:
        pass

    def lying(self, sector: int, count: int) -> bytes:
        """Sectors as they lie there, without counting as a read; those behind the end are zeros."""
        return b"".join(self.held.get(number, _ZEROS) for number in range(sector, sector + count))

    def place(self, offset: int, data: bytes) -> None:
        """Put ``data`` at a byte offset within one sector."""
        number, inner = divmod(offset, SECTOR)
        whole = bytearray(self.held.get(number, _ZEROS))
        whole[inner : inner + len(data)] = data
        self.held[number] = bytes(whole[:SECTOR])


def sparse(image: bytes) -> bytes:
    """An image as an input."""
    sectors = ((n, image[n * SECTOR : (n + 1) * SECTOR]) for n in range(len(image) // SECTOR))
    return _input((number, raw) for number, raw in sectors if any(raw))


@cache
def card(filesystem: Filesystem, *, partitioned: bool = False) -> bytes:
    """A sound small card with a few files, as an input."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "card.img"
        size = {"fat12": 256 << 10, "fat16": 3 << 20, "fat32": 3 << 20, "exfat": 3 << 20}[filesystem]
        size += (2048 * SECTOR) * partitioned
        made = Card.format(path, filesystem, size, cluster_bytes=SECTOR, partitioned=partitioned)
        for name, content in FILES:
            made.add(name, content, NOON)
        return sparse(path.read_bytes())


def cards(*filesystems: Filesystem) -> Sequence[bytes]:
    return [card(filesystem) for filesystem in filesystems]


def gpt(volume: bytes) -> bytes:
    """The volume of an input as the one partition of a GUID partition table."""
    moved = SparseDevice(volume)
    moved.held = {number + 64: raw for number, raw in moved.held.items()}
    protective = struct.pack("<BxxxBxxxII", 0, 0xEE, 1, SECTORS - 1)
    moved.place(446, protective)
    moved.place(510, b"\x55\xaa")
    basic_data = bytes.fromhex("a2a0d0ebe5b9334487c068b6b72699c7")
    moved.place(2 * SECTOR, basic_data + bytes(16) + struct.pack("<QQ", 64, SECTORS - 65))
    moved.place(SECTOR, b"EFI PART\0\0\1\0" + struct.pack("<I", 92))
    moved.place(SECTOR + 72, struct.pack("<QII", 2, 4, 128))
    sum_gpt(moved)
    return _input(moved.held.items())


def sum_exfat(device: SparseDevice) -> None:
    """Put the checksum of an exFAT boot region right (exFAT specification 3.4), so that damage gets past it."""
    boot = device.lying(0, 1)
    if boot[3:8] != b"EXFAT" or not 9 <= boot[108] <= 12:
        return
    unit = 1 << boot[108] - 9
    raw = bytearray(device.lying(0, 11 * unit))
    del raw[106:108], raw[110:111]
    total = 0
    for byte in raw:
        total = ((total << 31 | total >> 1) + byte) & 0xFFFFFFFF
    device.place(11 * unit * SECTOR, total.to_bytes(4, "little"))


def sum_gpt(device: SparseDevice) -> None:
    """Put the checksums of a GUID partition table right (UEFI specification 5.3), for the same reason."""
    header = bytearray(device.lying(1, 1)[:92])
    lba, count, width = struct.unpack_from("<QII", header, 72)
    if lba < SECTORS and count * width <= 64 * SECTOR:
        entries = device.lying(lba, -(-count * width // SECTOR))[: count * width]
        struct.pack_into("<I", header, 88, zlib.crc32(entries))
    header[16:20] = bytes(4)
    struct.pack_into("<I", header, 16, zlib.crc32(header))
    device.place(SECTOR, bytes(header))


def _input(sectors: Iterable[tuple[int, bytes]]) -> bytes:
    return b"".join(number.to_bytes(2, "little") + raw for number, raw in sorted(sectors))
