"""The file allocation table: which cluster follows which.

Used for FAT12, FAT16, FAT32 and for exFAT's table of the same kind. Chains come as runs of consecutive
clusters. A run is found by comparing a piece of the table with the piece that a perfectly consecutive
file would have, so that a large file costs memory comparisons and not a step a cluster.
"""

import re
import struct
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from drivers.fat.cluster_set import FIRST, ClusterSet, Run
from drivers.fat.region import Region
from edged.errors import CameraError, ErrorCode

WINDOW_BYTES = 1 << 16
WINDOWS = 1024
"""Pieces kept, 64 MiB: the whole table of a 512 GiB card with clusters of 32 KiB."""
PATTERNS = 64
_TAKEN = re.compile(rb"\x01+")


class BrokenChainError(Exception):
    """A chain that leads to something other than its end. Never leaves this package."""


@dataclass(frozen=True, slots=True)
class Width:
    """How entries lie in the table and which values are not clusters."""

    bits: int
    mask: int  # FAT32: the upper four bits belong to nobody (FAT specification 1.03, "FAT entries")
    bad: int
    end: int  # this value and all above: end of chain

    @property
    def code(self) -> str:
        """The letter that ``struct`` has for an entry."""
        return "I" if self.size == 4 else "H"

    @property
    def size(self) -> int:
        """Bytes an entry takes in a decoded piece."""
        return 4 if self.bits == 32 else 2

    def table_bytes(self, entries: int) -> int:
        return (entries * self.bits + 7) // 8


FAT12 = Width(12, 0xFFF, 0xFF7, 0xFF8)
FAT16 = Width(16, 0xFFFF, 0xFFF7, 0xFFF8)
FAT32 = Width(32, 0x0FFFFFFF, 0x0FFFFFF7, 0x0FFFFFF8)
EXFAT = Width(32, 0xFFFFFFFF, 0xFFFFFFF7, 0xFFFFFFFF)


class Table:
    """One active copy of a table and its mirrors. Reads pieces as needed and keeps a bounded number.

    Args:
        copies: byte offsets in the region; the first is the one that is believed.
    """

    def __init__(self, region: Region, copies: tuple[int, ...], width: Width, clusters: int) -> None:
        self._region = region
        self._copies = copies
        self.width = width
        self.end = FIRST + clusters  # entries before this one exist
        # FAT12 has at most 4,086 entries and no boundary at whole bytes: always one piece.
        self._entries = WINDOW_BYTES // width.size
        self._pieces: OrderedDict[int, bytes] = OrderedDict()
        self._patterns: OrderedDict[int, bytes] = OrderedDict()
        self._dead: set[int] = set()  # pieces that no copy gives: asked for once
        self._loads = 0
        self.unreadable = False  # the medium did not give some piece of the copy that is believed

    def forget(self) -> None:
        """Drop what was read: it may have changed on the card."""
        self._pieces.clear()
        self._dead.clear()
        self._loads = 0
        self.unreadable = False

    def value(self, cluster: int) -> int:
        """The entry of ``cluster``, without the bits that belong to nobody."""
        piece = self._piece(cluster // self._entries)
        at = cluster % self._entries * self.width.size
        return int.from_bytes(piece[at : at + self.width.size], "little") & self.width.mask

    def chain(self, first: int) -> Iterator[Run]:
        """Yield the runs of the chain that begins at ``first``. A circle has no end: callers count.

        Raises:
            BrokenChainError: it leads to a free, bad or impossible cluster.
        """
        start = first
        while FIRST <= start < self.end:
            count, after = self._run(start)
            yield start, count
            if after >= self.width.end:
                return
            start = after
        raise BrokenChainError(self._what(start))

    def tally(self) -> tuple[int, int]:
        """Count free and bad clusters; what cannot be read counts as neither."""
        free = bad = 0
        for first, piece in self._active_pieces():
            if self.width.bits == 32 and self.width.mask != 0xFFFFFFFF:
                piece = _without_upper_bits(piece)
            skip = max(0, FIRST - first) * self.width.size
            entries = struct.unpack_from(
                f"<{len(piece[skip:]) // self.width.size}{self.width.code}", piece, skip
            )
            free += entries.count(0)
            bad += entries.count(self.width.bad)
        return free, bad

    def allocated(self) -> ClusterSet:
        """Every cluster that is neither free nor bad."""
        found = ClusterSet(self.end - FIRST)
        for first, piece in self._active_pieces():
            entries = struct.unpack(f"<{len(piece) // self.width.size}{self.width.code}", piece)
            taken = bytes(entry & self.width.mask not in (0, self.width.bad) for entry in entries)
            for run in _TAKEN.finditer(taken, max(0, FIRST - first)):
                found.add((first + run.start(), run.end() - run.start()))
        return found

    def release(self, gone: ClusterSet) -> None:
        """Mark clusters free in every copy. The order within does not matter: nothing refers to them."""
        for index, runs in groupby(self._by_piece(gone), lambda each: each[0]):
            mine = list(runs)
            for copy in self._copies:
                offset, size = self._place(copy, index)
                raw = bytearray(self._region.read(offset, size))
                for _, start, count in mine:
                    self._erase(raw, start, count)
                self._region.replace(offset, bytes(raw))
        self.forget()

    def _by_piece(self, gone: ClusterSet) -> Iterator[tuple[int, int, int]]:
        """Runs cut at the borders of pieces: piece, first entry within it, count."""
        for start, count in gone.runs():
            end = start + count
            while start < end:
                index, inner = divmod(start, self._entries)
                here = min(end - start, self._entries - inner)
                yield index, inner, here
                start += here

    def mirror(self) -> None:
        """Make the other copies equal to the one that is believed."""
        for index in range(-(-self.end // self._entries)):
            offset, size = self._place(self._copies[0], index)
            raw = self._region.read(offset, size)
            for copy in self._copies[1:]:
                self._region.replace(self._place(copy, index)[0], raw)

    def _run(self, start: int) -> Run:
        """Return how many clusters from ``start`` are consecutive, and the last one's entry."""
        cluster = start
        while cluster < self.end:
            index = cluster // self._entries
            here = cluster - index * self._entries
            try:
                piece, pattern = self._piece(index), self._pattern(index)
            except BrokenChainError:
                if cluster == start:
                    raise
                return cluster - start, cluster  # the next step of the chain meets it
            entries = len(piece) // self.width.size
            same = _common(piece, pattern, here, entries, self.width.size)
            cluster += same
            if here + same < entries:
                return cluster - start + 1, self.value(cluster)
        return self.end - start, self.end

    def _piece(self, index: int) -> bytes:
        piece = self._pieces.get(index)
        if piece is None:
            piece = self._read(index)
            if self.width.bits == 12:
                piece = _unpack_12(piece, self.end)
            _keep(self._pieces, index, piece, WINDOWS)
        return piece

    def _read(self, index: int) -> bytes:
        """Read a piece from the first copy that the medium gives."""
        self._loads += 1
        if self._loads > 16 * (self.end // self._entries + 64):
            # Only on a table larger than what is kept can a chain jump to and fro like that.
            raise BrokenChainError("is not followed: the table is too scattered")
        for copy in self._copies if index not in self._dead else ():
            try:
                return self._region.read(*self._place(copy, index))
            except CameraError as error:
                if error.code is not ErrorCode.CAMERA_MEDIA:
                    raise
                self.unreadable = True
        self._dead.add(index)
        raise BrokenChainError("lies in a part of the table that cannot be read")

    def _pattern(self, index: int) -> bytes:
        pattern = self._patterns.get(index)
        if pattern is None:
            first = index * self._entries
            count = min(self._entries, self.end - first)
            pattern = struct.pack(f"<{count}{self.width.code}", *range(first + 1, first + count + 1))
            _keep(self._patterns, index, pattern, PATTERNS)
        return pattern

    def _active_pieces(self) -> Iterator[tuple[int, bytes]]:
        for index in range(-(-self.end // self._entries)):
            try:
                piece = self._piece(index)
            except BrokenChainError:
                continue
            yield index * self._entries, piece

    def _place(self, copy: int, index: int) -> tuple[int, int]:
        """Where the piece's raw bytes lie in the region, and how many they are."""
        count = min(self._entries, self.end - index * self._entries)
        return copy + index * WINDOW_BYTES, self.width.table_bytes(count)

    def _erase(self, raw: bytearray, start: int, count: int) -> None:
        if self.width.bits == 12:
            for number in range(start, start + count):
                at, odd = number * 3 // 2, number & 1
                raw[at] &= 0x0F if odd else 0x00
                raw[at + 1] &= 0x00 if odd else 0xF0
            return
        low, high = start * self.width.size, (start + count) * self.width.size
        upper = raw[low + 3 : high : 4] if self.width.bits == 32 else b""
        raw[low:high] = bytes(high - low)
        if self.width.bits == 32:
            raw[low + 3 : high : 4] = upper.translate(_UPPER_BITS_ONLY)

    def _what(self, value: int) -> str:
        if value == 0:
            return "leads to a free cluster"
        if value == self.width.bad:
            return "leads to a cluster marked bad"
        return f"leads to cluster {value}, which does not exist"


_UPPER_BITS_ONLY = bytes(byte & 0xF0 for byte in range(256))
_LOWER_BITS_ONLY = bytes(byte & 0x0F for byte in range(256))


def _without_upper_bits(piece: bytes) -> bytes:
    masked = bytearray(piece)
    masked[3::4] = masked[3::4].translate(_LOWER_BITS_ONLY)
    return bytes(masked)


def _unpack_12(raw: bytes, entries: int) -> bytes:
    """Three bytes hold two entries, the first in the lower twelve bits."""
    pairs = [raw[at] | raw[at + 1] << 8 for at in range(len(raw) - 1)] + [raw[-1]]
    values = (pairs[n * 3 // 2] >> (4 * (n & 1)) & 0xFFF for n in range(entries))
    return struct.pack(f"<{entries}H", *values)


def _common(piece: bytes, pattern: bytes, start: int, end: int, size: int) -> int:
    """Count the entries from ``start`` on that are equal in both, by steps that double, then halve."""
    low, high, step = start, end, 1
    while low < end:
        high = min(end, low + step)
        if piece[low * size : high * size] != pattern[low * size : high * size]:
            break
        low, step = high, step * 2
    else:
        return end - start
    while high - low > 1:  # equal before `low`, the first difference lies before `high`
        middle = (low + high) // 2
        if piece[low * size : middle * size] == pattern[low * size : middle * size]:
            low = middle
        else:
            high = middle
    return low - start


def _keep(kept: OrderedDict[int, bytes], index: int, piece: bytes, most: int) -> None:
    kept[index] = piece
    if len(kept) > most:
        kept.popitem(last=False)
