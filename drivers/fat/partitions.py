"""Where on the device the volume lies: the whole of it, or the one partition of an MBR or a GPT.

Only the layout that cameras have is used: one volume. Whatever else a partition table names is reported,
and nothing is cleared then: a second volume may hold recordings that nobody listed.
"""

import struct
import zlib
from dataclasses import dataclass

from drivers.fat.exfat_layout import is_exfat
from drivers.fat.fat_layout import parse_boot
from drivers.fat.region import Region, damaged

BASIC_DATA = bytes.fromhex("a2a0d0ebe5b9334487c068b6b72699c7")  # EBD0A0A2-B9E5-4433-87C0-68B6B72699C7
HOUSEKEEPING = frozenset(
    {
        bytes.fromhex("28732ac11ff8d211ba4b00a0c93ec93b"),  # EFI system partition
        bytes.fromhex("16e3c9e35c0bb84d817df92df00215ae"),  # Microsoft reserved
    }
)
MAX_GPT_ENTRIES = 128
PROTECTIVE = 0xEE


@dataclass(frozen=True, slots=True)
class Place:
    """The volume's region and boot sector, and what else the partition table names."""

    region: Region
    boot: bytes
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Partition:
    number: int
    kind: str
    first: int  # in sectors
    sectors: int

    @property
    def end(self) -> int:
        return self.first + self.sectors


def find_volume(whole: Region) -> Place:
    """Find the one volume.

    Raises:
        CameraError: CAMERA_FILESYSTEM: no FAT and no exFAT here; and what the device raises.
    """
    first = whole.read(0, 512)
    if _is_volume(first):
        return Place(whole, first)
    if first[510:512] != b"\x55\xaa":
        raise damaged("neither FAT nor exFAT nor a partition table")
    partitions = _mbr(first)
    if any(part.kind == f"{PROTECTIVE:#04x}" for part in partitions):
        partitions = _gpt(whole)
    return _choose(whole, partitions)


def _is_volume(raw: bytes) -> bool:
    return is_exfat(raw) or parse_boot(raw) is not None


def _mbr(raw: bytes) -> list[_Partition]:
    found = []
    for number in range(4):
        entry = raw[446 + number * 16 : 462 + number * 16]
        first, sectors = struct.unpack_from("<II", entry, 8)
        if entry[0] & 0x7F:
            raise damaged("neither FAT nor exFAT nor a partition table")
        if entry[4] and sectors:
            found.append(_Partition(number + 1, f"{entry[4]:#04x}", first, sectors))
    return found


def _gpt(whole: Region) -> list[_Partition]:
    """The primary GUID partition table (UEFI specification, chapter 5.3), checksums verified."""
    header = bytearray(whole.read(whole.sector_size, 92))
    size, crc = struct.unpack_from("<II", header, 12)
    header[16:20] = bytes(4)
    if header[:8] != b"EFI PART" or size != 92 or zlib.crc32(header) != crc:
        raise damaged("header of the GUID partition table")
    lba, count, width, entries_crc = struct.unpack_from("<QIII", header, 72)
    if not 0 < count <= MAX_GPT_ENTRIES or width not in (128, 256, 512):
        raise damaged("size of the GUID partition table", entries=count, entry_size=width)
    raw = whole.read(lba * whole.sector_size, count * width)
    if zlib.crc32(raw) != entries_crc:
        raise damaged("checksum of the GUID partition table")
    found = []
    for number in range(count):
        entry = raw[number * width : (number + 1) * width]
        first, last = struct.unpack_from("<QQ", entry, 32)
        if any(entry[:16]) and entry[:16] not in HOUSEKEEPING:
            found.append(_Partition(number + 1, entry[:16].hex(), first, last - first + 1))
    return found


def _choose(whole: Region, partitions: list[_Partition]) -> Place:
    chosen: tuple[_Partition, Region, bytes] | None = None
    problems = []
    for part in partitions:
        place = _look(whole, part)
        if chosen is None and place is not None:
            chosen = (part, *place)
        else:
            problems.append(f"partition {part.number} of kind {part.kind} is not looked at")
    if chosen is None:
        raise damaged("no partition with FAT or exFAT", partitions=len(partitions))
    mine = chosen[0]
    if any(part.first < mine.end and mine.first < part.end for part in partitions if part is not mine):
        raise damaged("partitions overlap", partition=mine.number)
    return Place(chosen[1], chosen[2], tuple(problems))


def _look(whole: Region, part: _Partition) -> tuple[Region, bytes] | None:
    """The partition's region and boot sector, if it lies on the device and holds a volume."""
    if part.first < 1 or part.sectors < 1 or part.end * whole.sector_size > whole.size:
        return None
    region = whole.part(part.first, part.sectors)
    raw = region.read(0, 512)
    return (region, raw) if _is_volume(raw) else None
