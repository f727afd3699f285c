"""Every write and flush of a disk, in order (QEMU's ``blklogwrites``), and the disk as it was at any of them.

Format: the kernel's Documentation/admin-guide/device-mapper/log-writes.rst; little-endian, a super block, then for each
request an entry of one sector and the data that was written.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntFlag
from pathlib import Path
from typing import BinaryIO

from tests.vm.evidence import attach
from tests.vm.machine import Machine

MAGIC, VERSION = 0x6A736677736872, 1
SECTOR = 512
LOG_SIZE = 4 << 30  # a sparse file

_SUPER = struct.Struct("<QQQI")
_ENTRY = struct.Struct("<QQQQ")


class Flags(IntFlag):
    FLUSH = 1
    FUA = 2
    DISCARD = 4
    MARK = 8


@dataclass(frozen=True, slots=True)
class Entry:
    sector: int  # of 512 bytes
    sectors: int
    flags: Flags
    data: int  # where its bytes lie in the log

    @property
    def durable(self) -> bool:
        """What was written before it is on the disk for certain."""
        return bool(self.flags & (Flags.FLUSH | Flags.FUA))


def entries(log: BinaryIO) -> Iterator[Entry]:
    """Raises ValueError: it is no such log."""
    log.seek(0)
    magic, version, count, size = _SUPER.unpack(log.read(_SUPER.size))
    if (magic, version, size) != (MAGIC, VERSION, SECTOR):
        raise ValueError(f"no block log: {magic:x} {version} {size}")
    at = SECTOR
    for _ in range(count):
        log.seek(at)
        sector, sectors, flags, _ = _ENTRY.unpack(log.read(_ENTRY.size))
        entry = Entry(sector, sectors, Flags(flags), at + SECTOR)
        yield entry
        at += SECTOR + (0 if entry.flags & Flags.DISCARD else sectors * SECTOR)


def apply(log: BinaryIO, image: BinaryIO, entry: Entry) -> None:
    """Do to the image what the entry has done to the disk."""
    if entry.flags & Flags.MARK or not entry.sectors:
        return
    log.seek(entry.data)
    image.seek(entry.sector * SECTOR)
    if entry.flags & Flags.DISCARD:
        image.write(bytes(entry.sectors * SECTOR))
    else:
        image.write(log.read(entry.sectors * SECTOR))


class LoggedDisk:
    """A data disk whose writes are logged from the beginning. ``image`` is its content before."""

    def __init__(self, image: Path, log: Path) -> None:
        self.image, self.log = image, log
        with log.open("wb") as file:
            file.truncate(LOG_SIZE)

    def attach(self, machine: Machine) -> None:
        files = {
            name: {"driver": "file", "filename": str(path)}
            for name, path in (("file", self.image), ("log", self.log))
        }
        attach(machine, driver="blklogwrites", **{"log-sector-size": SECTOR, **files})
