"""The bytes of one file as a stream, with a map of what could not be read."""

from array import array
from collections.abc import Iterator

from drivers.fat.cluster_set import FIRST
from drivers.fat.entries import Layout
from drivers.fat.region import Region, damaged
from drivers.fat.tree import Node, cluster_runs
from drivers.worker.messages import Gap
from edged.errors import CameraError, ErrorCode

BLOCK = 1 << 20
MAX_NARROWINGS = 512
"""Failed device reads per stream that are narrowed down to the sector; a card takes seconds for each.
After that a block that fails is a gap as a whole."""
MAX_GAPS = 4096
MAX_RUNS = 1 << 20
"""Of one file: 4 GiB in clusters of 4 KiB, every one on its own; 16 MiB of memory."""


class _Places:
    """Where a file's bytes lie: runs of the region, neighbours joined, eight bytes a number."""

    def __init__(self, layout: Layout, node: Node) -> None:
        self.offsets, self.sizes = array("Q"), array("Q")
        end = -1
        for start, count in cluster_runs(layout, node):
            offset, size = layout.heap + (start - FIRST) * layout.cluster_size, count * layout.cluster_size
            if offset == end:
                self.sizes[-1] += size
            elif len(self.offsets) < MAX_RUNS:
                self.offsets.append(offset)
                self.sizes.append(size)
            else:
                raise damaged("file in too many pieces", path=node.clip.path)
            end = offset + size


class Reading:
    """Iterate over the file's bytes from ``offset`` to its end: blocks of 1 MiB, the first and the last
    may be shorter. Exactly ``size - offset`` bytes come.

    ``gaps`` grows as the stream goes on: zeros stand there for bytes that the medium or a broken chain
    did not give. Bytes behind exFAT's valid data length are zeros by definition and no gap.

    Raises (while iterating):
        CameraError: CAMERA_FILESYSTEM, CAMERA_MEDIA when there are more gaps than can be told, and
            what the device raises besides unreadable sectors.
    """

    def __init__(self, layout: Layout, node: Node, offset: int) -> None:
        if not 0 <= offset <= node.clip.size:
            raise ValueError("offset outside of the file")
        self.gaps: list[Gap] = []
        self._region: Region = layout.region
        self._places = _Places(layout, node)
        self._size = node.clip.size
        self._held = min(node.whole * layout.cluster_size, self._size)  # bytes whose place is known
        self._written = min(node.entry.valid, self._size)
        self._at = offset
        self._narrowings = MAX_NARROWINGS
        self._index = self._base = 0  # the run that is being read, and the bytes of the file before it

    def __iter__(self) -> Iterator[bytes]:
        while self._at < self._size:
            end = min(self._size, (self._at // BLOCK + 1) * BLOCK)
            block = self._block(self._at, end)
            self._at = end
            yield block

    def _block(self, low: int, high: int) -> bytes:
        """Assemble one block: from the card, zeros never written, zeros that are missing."""
        known = max(low, min(high, self._held, self._written))
        parts = list(self._from_card(low, known))
        zeros = max(known, min(high, self._written))
        if zeros > known:  # written once, but the chain does not lead there any more
            self._gap(known, zeros - known)
        if high > known:
            parts.append(bytes(high - known))
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _from_card(self, low: int, high: int) -> Iterator[bytes]:
        sizes = self._places.sizes
        while low < high:
            while low >= self._base + sizes[self._index]:
                self._base += sizes[self._index]
                self._index += 1
            inner = low - self._base
            length = min(high - low, sizes[self._index] - inner)
            yield self._read(low, self._places.offsets[self._index] + inner, length)
            low += length

    def _read(self, at: int, offset: int, size: int) -> bytes:
        """Read from the card; halve what the medium does not give, down to one sector."""
        try:
            return self._region.read(offset, size)
        except CameraError as error:
            if error.code is not ErrorCode.CAMERA_MEDIA:
                raise
        unit = self._region.sector_size
        sectors = (offset + size - 1) // unit - offset // unit + 1
        if sectors == 1 or not self._narrowings:
            self._gap(at, size)
            return bytes(size)
        self._narrowings -= 1
        middle = (offset // unit + sectors // 2) * unit - offset
        return self._read(at, offset, middle) + self._read(at + middle, offset + middle, size - middle)

    def _gap(self, at: int, size: int) -> None:
        if self.gaps and self.gaps[-1].offset + self.gaps[-1].size == at:
            self.gaps[-1] = Gap(offset=self.gaps[-1].offset, size=self.gaps[-1].size + size)
            return
        if len(self.gaps) >= MAX_GAPS:
            raise CameraError(ErrorCode.CAMERA_MEDIA, reason="more unreadable places than can be told", at=at)
        self.gaps.append(Gap(offset=at, size=size))
