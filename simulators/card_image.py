"""What the two families of card file systems share: an image file, free clusters, files as extents.

Written apart from the driver on purpose: where the two disagree, one of them misread the document.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from errno import ENOSPC
from pathlib import Path
from typing import Protocol

COPY_BYTES = 4 << 20

Extent = tuple[int, int]
"""Byte offset in the volume, and bytes."""


@dataclass(frozen=True, slots=True)
class CardFile:
    """A file as the camera's own firmware sees it."""

    path: str  # "/DCIM/100MEDIA/CLIP0001.MP4"
    size: int
    sha256: str
    mtime: datetime  # without zone, as the card has it


@dataclass(frozen=True, slots=True)
class Stored:
    """A file and where its bytes lie."""

    path: str
    size: int
    mtime: datetime
    extents: tuple[Extent, ...]


class CardFilesystem(Protocol):
    """One opened volume; reads everything when it is made, so make a new one for each operation."""

    def add(self, path: list[str], source: "Source", mtime: datetime, *, scatter: bool) -> None: ...

    def walk(self) -> Iterator[Stored]: ...

    def free_bytes(self) -> int: ...


class Image:
    """An open image file, seen from the beginning of its volume."""

    def __init__(self, descriptor: int, start: int = 0) -> None:
        self._descriptor = descriptor
        self._start = start

    def read(self, offset: int, size: int) -> bytes:
        data = os.pread(self._descriptor, size, self._start + offset)
        if len(data) != size:
            raise ValueError(f"the image ends before byte {offset + size}")
        return data

    def write(self, offset: int, data: bytes) -> None:
        written = 0
        while written < len(data):
            written += os.pwrite(self._descriptor, data[written:], self._start + offset + written)

    def digest(self, stored: Stored) -> str:
        """SHA-256 of a file's bytes."""
        whole = hashlib.sha256()
        left = stored.size
        for offset, size in stored.extents:
            for at in range(offset, offset + min(size, left), COPY_BYTES):
                whole.update(self.read(at, min(COPY_BYTES, offset + min(size, left) - at)))
            left -= min(size, left)
        return whole.hexdigest()


class Source:
    """Bytes to put on a card: in memory, or a file that is copied piece by piece."""

    def __init__(self, source: bytes | Path) -> None:
        self._source = source
        self.size = len(source) if isinstance(source, bytes) else source.stat().st_size

    def write_to(self, image: Image, extents: list[Extent]) -> None:
        """Fill ``extents`` in order; the last one may have room to spare."""
        at = 0
        for offset, room in extents:
            size = min(room, self.size - at)
            for inner in range(0, size, COPY_BYTES):
                image.write(offset + inner, self._piece(at + inner, min(COPY_BYTES, size - inner)))
            at += size

    def _piece(self, at: int, size: int) -> bytes:
        if isinstance(self._source, bytes):
            return self._source[at : at + size]
        with self._source.open("rb", buffering=0) as file:
            return os.pread(file.fileno(), size, at)


def free_runs(used: bytearray, count: int, *, scatter: bool) -> list[tuple[int, int]]:
    """Choose ``count`` clusters (index into ``used``): one run if there is one, else the first free ones.

    ``scatter`` takes every other free cluster, as on a card that is full of small files.

    Raises:
        OSError: ENOSPC.
    """
    runs = list(_gaps(used))
    if scatter:
        singles = [(at, 1) for start, length in runs for at in range(start, start + length, 2)]
        if len(singles) >= count:
            return singles[:count]
    for start, length in runs:
        if length >= count:
            return [(start, count)] if count else []
    chosen = []
    for start, length in runs:
        take = min(length, count)
        chosen.append((start, take))
        count -= take
        if not count:
            return chosen
    raise OSError(ENOSPC, "the card is full")


def _gaps(used: bytearray) -> Iterator[tuple[int, int]]:
    end = 0
    while (start := used.find(0, end)) >= 0:
        end = used.find(1, start)
        end = len(used) if end < 0 else end
        yield start, end - start


def dos_words(moment: datetime) -> tuple[int, int]:
    """Date and time as the two words of DOS, seconds rounded down to even ones."""
    date = (moment.year - 1980) << 9 | moment.month << 5 | moment.day
    return date, moment.hour << 11 | moment.minute << 5 | moment.second // 2


def from_dos_words(date: int, time: int) -> datetime:
    return datetime(  # noqa: DTZ001 - cards have no zone
        1980 + (date >> 9), date >> 5 & 15, date & 31, time >> 11, time >> 5 & 63, (time & 31) * 2
    )
