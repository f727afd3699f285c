"""exFAT as a camera's firmware writes it, straight into an image."""

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from errno import EEXIST

from simulators.card_image import Extent, Image, Source, Stored, dos_words, free_runs, from_dos_words

END = 0xFFFFFFFF


@dataclass(slots=True)
class _Set:
    """An entry set: its bytes, and where in its directory each record lies."""

    places: list[int]  # offsets in the volume
    raw: bytearray

    @property
    def name(self) -> str:
        units = b"".join(bytes(self.raw[at + 2 : at + 32]) for at in range(64, len(self.raw), 32))
        return units[: self.raw[35] * 2].decode("utf-16-le", "surrogatepass")

    @property
    def folder(self) -> bool:
        return bool(self.raw[4] & 0x10)

    @property
    def flags(self) -> int:
        return self.raw[33]

    @property
    def cluster(self) -> int:
        return int(struct.unpack_from("<I", self.raw, 52)[0])

    @property
    def size(self) -> int:
        return int(struct.unpack_from("<Q", self.raw, 56)[0])

    @property
    def mtime(self) -> datetime:
        time, date = struct.unpack_from("<HH", self.raw, 12)
        return from_dos_words(date, time) + timedelta(milliseconds=10 * self.raw[21])


@dataclass(slots=True)
class _Folder:
    clusters: list[int]
    raw: bytearray
    entry: _Set | None  # None: the root


class ExfatCard:
    """See simulators.card_image.CardFilesystem."""

    def __init__(self, image: Image) -> None:
        self._image = image
        boot = image.read(0, 512)
        table, _, heap, self._count, self._root_cluster = struct.unpack_from("<IIIII", boot, 80)
        sector = 1 << boot[108]
        self._table = table * sector
        self._heap: int = heap * sector
        self._width: int = sector << boot[109]
        self._links = array("I", image.read(self._table, (self._count + 2) * 4))
        self._bitmap_cluster = self._upcase_cluster = self._upcase_size = 0
        root = self._root()
        for at in range(0, len(root.raw), 32):
            if root.raw[at] == 0x81:
                self._bitmap_cluster = struct.unpack_from("<I", root.raw, at + 20)[0]
            elif root.raw[at] == 0x82:
                self._upcase_cluster, self._upcase_size = struct.unpack_from("<IQ", root.raw, at + 20)
        self._used = self._load_bitmap()

    # --- what the camera does ----------------------------------------------------------------------

    def add(self, path: list[str], source: Source, mtime: datetime, *, scatter: bool) -> None:
        folder = self._root()
        for name in path[:-1]:
            folder = self._enter(folder, name, mtime)
        if any(item.name.casefold() == path[-1].casefold() for item in self._sets(folder)):
            raise FileExistsError(EEXIST, "the card has that name", path[-1])
        clusters = self._take(-(-source.size // self._width), scatter=scatter)
        source.write_to(self._image, self._extents(clusters))
        self._flush_bitmap()
        self._enlist(folder, path[-1], 0x20, clusters, source.size, mtime)

    def walk(self) -> Iterator[Stored]:
        waiting = [("", self._root())]
        while waiting:
            path, folder = waiting.pop()
            for item in self._sets(folder):
                name = f"{path}/{item.name}"
                if item.folder:
                    waiting.append((name, self._open(item)))
                else:
                    yield Stored(name, item.size, item.mtime, tuple(self._extents(self._clusters(item))))

    def free_bytes(self) -> int:
        return self._used.count(0) * self._width

    # --- clusters ----------------------------------------------------------------------------------

    def _load_bitmap(self) -> bytearray:
        """One byte a cluster, from one bit a cluster."""
        size = (self._count + 7) // 8
        extents = self._extents(self._chain(self._bitmap_cluster))
        raw = b"".join(self._image.read(*extent) for extent in extents)[:size]
        return bytearray(byte >> bit & 1 for byte in raw for bit in range(8))[: self._count]

    def _flush_bitmap(self) -> None:
        padded = self._used + bytes(-len(self._used) % 8)
        number = int(padded[::-1].translate(bytes([48, 49]) + bytes(254)).decode(), 2)
        raw = number.to_bytes(len(padded) // 8, "little")
        at = 0
        for offset, size in self._extents(self._chain(self._bitmap_cluster)):
            self._image.write(offset, raw[at : at + size])
            at += size
        if self._image.read(112, 1) != b"\xff":
            self._image.write(112, bytes([self._used.count(1) * 100 // self._count]))

    def _take(self, count: int, *, scatter: bool = False) -> list[int]:
        if not count:
            return []
        runs = free_runs(self._used, count, scatter=scatter)
        for start, length in runs:
            self._used[start : start + length] = b"\1" * length
        return [index + 2 for start, length in runs for index in range(start, start + length)]

    def _link(self, clusters: list[int]) -> None:
        """Write a chain into the table."""
        for here, after in zip(clusters, [*clusters[1:], END], strict=True):
            self._links[here] = after
            self._image.write(self._table + here * 4, struct.pack("<I", after))

    def _chain(self, cluster: int) -> list[int]:
        clusters = []
        while 2 <= cluster < self._count + 2:
            clusters.append(cluster)
            cluster = self._links[cluster]
        return clusters

    def _clusters(self, item: _Set) -> list[int]:
        if item.flags & 2:
            return list(range(item.cluster, item.cluster + -(-item.size // self._width)))
        return self._chain(item.cluster)

    def _extents(self, clusters: list[int]) -> list[Extent]:
        extents: list[Extent] = []
        for cluster in clusters:
            offset = self._heap + (cluster - 2) * self._width
            if extents and sum(extents[-1]) == offset:
                extents[-1] = (extents[-1][0], extents[-1][1] + self._width)
            else:
                extents.append((offset, self._width))
        return extents

    # --- directories -------------------------------------------------------------------------------

    def _root(self) -> _Folder:
        clusters = self._chain(self._root_cluster)
        return _Folder(clusters, self._content(clusters), None)

    def _open(self, item: _Set) -> _Folder:
        clusters = self._clusters(item)
        return _Folder(clusters, self._content(clusters), item)

    def _content(self, clusters: list[int]) -> bytearray:
        return bytearray(b"".join(self._image.read(*extent) for extent in self._extents(clusters)))

    def _place(self, folder: _Folder, at: int) -> int:
        return self._heap + (folder.clusters[at // self._width] - 2) * self._width + at % self._width

    def _sets(self, folder: _Folder) -> Iterator[_Set]:
        at = 0
        while at < len(folder.raw) and folder.raw[at]:
            size = 32
            if folder.raw[at] == 0x85:
                size += folder.raw[at + 1] * 32
                places = [self._place(folder, each) for each in range(at, at + size, 32)]
                yield _Set(places, folder.raw[at : at + size])
            at += size

    def _enter(self, folder: _Folder, name: str, mtime: datetime) -> _Folder:
        """Open a directory, made if there is none."""
        for item in self._sets(folder):
            if item.name.casefold() == name.casefold():
                return self._open(item)
        clusters = self._take(1)
        self._image.write(self._extents(clusters)[0][0], bytes(self._width))
        self._flush_bitmap()
        self._enlist(folder, name, 0x10, clusters, self._width, mtime)
        return self._enter(folder, name, mtime)

    def _enlist(
        self, folder: _Folder, name: str, attributes: int, clusters: list[int], size: int, mtime: datetime
    ) -> None:
        runs = len(self._extents(clusters))
        if runs > 1:
            self._link(clusters)
        flags = 0 if not clusters else 3 if runs == 1 else 1
        raw = self._make_set(name, attributes, flags, clusters[0] if clusters else 0, size, mtime)
        at = self._room(folder, len(raw))
        for inner in range(0, len(raw), 32):
            self._image.write(self._place(folder, at + inner), bytes(raw[inner : inner + 32]))
            folder.raw[at + inner : at + inner + 32] = raw[inner : inner + 32]

    def _make_set(
        self, name: str, attributes: int, flags: int, cluster: int, size: int, mtime: datetime
    ) -> bytearray:
        units = name.encode("utf-16-le", "surrogatepass")
        if not 0 < len(units) <= 510:
            raise ValueError("a name has 1 to 255 units")
        names = [units[at : at + 30].ljust(30, b"\0") for at in range(0, len(units), 30)]
        date, time = dos_words(mtime)
        stamp = date << 16 | time
        fine = mtime.second % 2 * 100 + mtime.microsecond // 10_000
        raw = bytearray(
            struct.pack(
                "<BBHHHIIIBBBBB7x",
                *(0x85, len(names) + 1, 0, attributes, 0, stamp, stamp, stamp, fine, fine, 0, 0, 0),
            )
            + struct.pack(
                "<BBBBHHQIIQ",
                *(0xC0, flags or 1, 0, len(units) // 2, self._name_hash(units), 0, size, 0, cluster, size),
            )
            + b"".join(b"\xc1\0" + part for part in names)
        )
        return _sum_up(raw)

    def _name_hash(self, units: bytes) -> int:
        upper = self._upcase()
        total = 0
        for unit in struct.unpack(f"<{len(units) // 2}H", units):
            for byte in struct.pack("<H", upper.get(unit, unit)):
                total = ((total << 15 | total >> 1) + byte) & 0xFFFF
        return total

    def _upcase(self) -> dict[int, int]:
        """Expand the card's own up-case table: 0xFFFF and a count stand for units that stay as they are."""
        extents = self._extents(self._chain(self._upcase_cluster))
        raw = b"".join(self._image.read(*extent) for extent in extents)[: self._upcase_size]
        table: dict[int, int] = {}
        at, skip = 0, False
        for unit in struct.unpack(f"<{len(raw) // 2}H", raw):
            if skip:
                at, skip = at + unit, False
            elif unit == 0xFFFF:
                skip = True
            else:
                table[at] = unit
                at += 1
        return table

    def _room(self, folder: _Folder, size: int) -> int:
        """Find records not in use, in a row; the directory grows if need be."""
        free = 0
        for at in range(0, len(folder.raw), 32):
            free = free + 32 if not folder.raw[at] & 0x80 else 0
            if free == size:
                return at + 32 - size
        added = self._take(1)
        self._image.write(self._extents(added)[0][0], bytes(self._width))
        self._flush_bitmap()
        folder.clusters += added
        folder.raw += bytes(self._width)
        self._link(folder.clusters)
        if folder.entry is not None:
            entry, length = folder.entry, len(folder.raw)
            entry.raw[33] = 1
            struct.pack_into("<Q", entry.raw, 40, length)
            struct.pack_into("<Q", entry.raw, 56, length)
            _sum_up(entry.raw)
            for inner, place in enumerate(entry.places):
                self._image.write(place, bytes(entry.raw[inner * 32 : inner * 32 + 32]))
        return self._room(folder, size)


def _sum_up(raw: bytearray) -> bytearray:
    """Put the checksum of an entry set into its place."""
    total = 0
    for at, byte in enumerate(raw):
        if at not in (2, 3):
            total = ((total << 15 | total >> 1) + byte) & 0xFFFF
    struct.pack_into("<H", raw, 2, total)
    return raw
