"""A memory card behind a USB disk: sectors in a buffer, its faults, and a log of what was written."""

import mmap
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from firmware_protocol.usb.scsi import (
    LBA_OUT_OF_RANGE,
    UNRECOVERED_READ,
    WRITE_ERROR,
    WRITE_PROTECTED,
    Sense,
    SenseKey,
)
from simulators.faults import NO_FAULTS, UsbFaults
from simulators.usb.device import Buffer, Gone

SECTOR = 512
MAX_LOG = 200_000
"""Entries, 100 MB of sectors. Beyond it the older half is forgotten: a test that replays stays below."""


class CheckConditionError(Exception):
    """The command failed; the host asks why with REQUEST SENSE."""

    def __init__(self, sense: Sense) -> None:
        super().__init__(f"{sense.key.name} {sense.code:02X}/{sense.qualifier:02X}")
        self.sense = sense


@dataclass(frozen=True, slots=True)
class SectorWrite:
    lba: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Flush:
    """SYNCHRONIZE CACHE: no write may cross it, whatever a power cut does."""


LogEntry: TypeAlias = SectorWrite | Flush


def open_image(path: Path, *, private: bool = False) -> mmap.mmap:
    """Map a card's image. ``private``: what is written stays in memory and never reaches the file."""
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY if private else mmap.ACCESS_WRITE)


def replay(image: Buffer, entries: Iterable[LogEntry]) -> bytearray:
    """The card after exactly these writes: what a power cut behind the last of them leaves."""
    after = bytearray(image)
    for entry in entries:
        if isinstance(entry, SectorWrite):
            after[entry.lba * SECTOR : (entry.lba + 1) * SECTOR] = entry.data
    return after


class Disk:
    """Sectors of one plug-in. ``log`` outlives it if the owner hands in its own list."""

    def __init__(
        self, image: bytearray | mmap.mmap, faults: UsbFaults = NO_FAULTS, log: list[LogEntry] | None = None
    ) -> None:
        self._image = memoryview(image)
        self._reads: Counter[int] = Counter()
        self.set_faults(faults)
        self.log = [] if log is None else log
        self.cut = False
        """The power cut of the faults has happened."""

    def set_faults(self, faults: UsbFaults) -> None:
        """From now on these. That writes vanish is decided at plug-in."""
        self._faults = faults
        self._random = random.Random(faults.seed)
        self._left = faults.cut_after_writes

    @property
    def sector_size(self) -> int:
        """As told; sectors are of 512 bytes whatever is claimed."""
        return self._faults.claimed_sector_size or SECTOR

    @property
    def sectors(self) -> int:
        """As told."""
        return self._faults.claimed_sectors or self._true_sectors

    @property
    def write_protected(self) -> bool:
        return self._faults.write_protected

    @property
    def _true_sectors(self) -> int:
        return len(self._image) // SECTOR

    def read(self, lba: int, count: int) -> tuple[Buffer, Sense | None]:
        """Return the sectors up to the first bad one, and why it stopped there.

        Raises CheckConditionError: beyond the claimed end. What is claimed and not there reads as zeros.
        """
        if lba + count > self.sectors:
            raise CheckConditionError(LBA_OUT_OF_RANGE)
        bad = _first_within(self._faults.bad_sectors, lba, count)
        sense = None
        if bad is not None:
            sense = _at(UNRECOVERED_READ, bad)
            count = bad - lba
        data: Buffer = self._image[lba * SECTOR : (lba + count) * SECTOR]
        if len(data) < count * SECTOR:
            data = bytes(data).ljust(count * SECTOR, b"\0")
        if self._faults.unstable_sectors:
            data = self._shaken(lba, count, data)
        return data, sense

    def write(self, lba: int, data: Buffer) -> None:
        """Store whole sectors. Raises CheckConditionError, or Gone: power was cut in between."""
        count = len(data) // SECTOR
        if self._faults.write_protected:
            raise CheckConditionError(WRITE_PROTECTED)
        if lba + count > self.sectors:
            raise CheckConditionError(LBA_OUT_OF_RANGE)
        bad = _first_within(self._faults.bad_write_sectors, lba, count)
        for number in range(lba, lba + count if bad is None else bad):
            self._store(number, data[(number - lba) * SECTOR : (number - lba + 1) * SECTOR])
        if bad is not None:
            raise CheckConditionError(_at(WRITE_ERROR, bad))

    def flush(self) -> None:
        self._note(Flush())

    def _store(self, lba: int, sector: Buffer) -> None:
        if self._left is not None:
            if self._left <= 0:
                self.cut = True
                raise Gone
            self._left -= 1
        if lba < self._true_sectors:
            self._image[lba * SECTOR : (lba + 1) * SECTOR] = sector
        self._note(SectorWrite(lba, bytes(sector)))

    def _note(self, entry: LogEntry) -> None:
        if len(self.log) >= MAX_LOG:
            del self.log[: MAX_LOG // 2]
        self.log.append(entry)

    def _shaken(self, lba: int, count: int, data: Buffer) -> Buffer:
        """Flip one bit in each unstable sector that was read before."""
        out: bytearray | None = None
        for first, many in self._faults.unstable_sectors:
            for number in range(max(first, lba), min(first + many, lba + count)):
                self._reads[number] += 1
                if self._reads[number] > 1:
                    out = out or bytearray(data)
                    out[(number - lba) * SECTOR + self._random.randrange(SECTOR)] ^= (
                        1 << self._random.randrange(8)
                    )
        return data if out is None else out


def _at(sense: Sense, lba: int) -> Sense:
    information = lba if lba <= 0xFFFF_FFFF else None
    return Sense(key=SenseKey(sense.key), code=sense.code, qualifier=sense.qualifier, information=information)


def _first_within(ranges: tuple[tuple[int, int], ...], lba: int, count: int) -> int | None:
    """The lowest sector of ``lba``..``lba + count`` that lies in one of the ranges."""
    hits = [max(first, lba) for first, many in ranges if first < lba + count and lba < first + many]
    return min(hits, default=None)
