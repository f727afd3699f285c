"""A set of clusters as a bit map: one bit each, so that any card fits into bounded memory."""

import re
from collections.abc import Iterator

Run = tuple[int, int]
"""First cluster and number of consecutive clusters."""

FIRST = 2
"""The first cluster of the heap has number 2, on FAT and exFAT alike."""

MAX_CLUSTERS = 1 << 28
"""FAT32's limit; for exFAT ours: 8 TiB at 32 KiB a cluster, and a bit map of 32 MiB."""

_FULL_OR_MIXED = re.compile(rb"\xff+|[\x01-\xfe]", re.DOTALL)


class ClusterSet:
    """Clusters ``FIRST`` to ``FIRST + clusters - 1``; the bits lie as in exFAT's allocation bitmap."""

    def __init__(self, clusters: int, bits: bytes | None = None) -> None:
        self.clusters = clusters
        size = (clusters + 7) // 8
        self._bits = bytearray(size) if bits is None else bytearray(bits[:size])
        if tail := clusters % 8:
            self._bits[-1] &= (1 << tail) - 1

    def add(self, run: Run) -> bool:
        """Add a run; False, and nothing added, if any of it is in already."""
        low, high = self._span(run)
        if not self._clear_between(low, high):
            return False
        self._set(low, high)
        return True

    def __contains__(self, cluster: int) -> bool:
        bit = cluster - FIRST
        return 0 <= bit < self.clusters and bool(self._bits[bit >> 3] >> (bit & 7) & 1)

    def __len__(self) -> int:
        return int.from_bytes(self._bits, "little").bit_count()

    def without(self, other: "ClusterSet") -> "ClusterSet":
        """What is in this set and not in ``other``."""
        mine, theirs = (int.from_bytes(each._bits, "little") for each in (self, other))
        return ClusterSet(self.clusters, (mine & ~theirs).to_bytes(len(self._bits), "little"))

    def to_bytes(self) -> bytes:
        return bytes(self._bits)

    def runs(self) -> Iterator[Run]:
        """The members in order, as longest runs."""
        start = count = 0
        for low, length in self._stretches():
            if count and low == start + count:
                count += length
                continue
            if count:
                yield start, count
            start, count = low, length
        if count:
            yield start, count

    def _stretches(self) -> Iterator[Run]:
        """Runs that end at byte boundaries: full bytes taken together, others bit by bit."""
        for found in _FULL_OR_MIXED.finditer(self._bits):
            low, high = found.span()
            if self._bits[low] == 0xFF:
                yield FIRST + low * 8, (high - low) * 8
                continue
            for bit in range(8):
                if self._bits[low] >> bit & 1:
                    yield FIRST + low * 8 + bit, 1

    def _span(self, run: Run) -> tuple[int, int]:
        low = run[0] - FIRST
        if low < 0 or run[1] < 0 or low + run[1] > self.clusters:
            raise ValueError("run outside of the heap")
        return low, low + run[1]

    def _clear_between(self, low: int, high: int) -> bool:
        first, last = low >> 3, high >> 3
        if first == last:
            return low == high or not self._bits[first] & _mask(low & 7, high & 7)
        if self._bits[first] & _mask(low & 7, 8):
            return False
        if high & 7 and self._bits[last] & _mask(0, high & 7):
            return False
        return self._bits.count(0, first + 1, last) == max(0, last - first - 1)

    def _set(self, low: int, high: int) -> None:
        first, last = low >> 3, high >> 3
        if first == last:
            if low != high:
                self._bits[first] |= _mask(low & 7, high & 7)
            return
        self._bits[first] |= _mask(low & 7, 8)
        self._bits[first + 1 : last] = b"\xff" * (last - first - 1)
        if high & 7:
            self._bits[last] |= _mask(0, high & 7)


def _mask(low: int, high: int) -> int:
    return (1 << high) - (1 << low)
