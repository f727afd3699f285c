"""FAT12, FAT16 and FAT32 as a camera's firmware writes them, straight into an image."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from errno import EEXIST, ENOSPC
from itertools import pairwise

from simulators.card_image import Extent, Image, Source, Stored, dos_words, free_runs, from_dos_words

_ALLOWED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'()-@^_`{}~")


@dataclass(slots=True)
class _Folder:
    """A directory's bytes and where they lie; ``cluster`` 0 is a fixed root."""

    cluster: int
    extents: list[Extent]
    raw: bytearray = field(default_factory=bytearray)

    def place(self, at: int) -> int:
        """Offset in the volume of byte ``at`` of the directory."""
        for offset, size in self.extents:
            if at < size:
                return offset + at
            at -= size
        raise IndexError(at)


@dataclass(frozen=True, slots=True)
class _Item:
    name: str
    alias: bytes
    attributes: int
    cluster: int
    size: int
    mtime: datetime


class FatCard:
    """See simulators.card_image.CardFilesystem."""

    def __init__(self, image: Image) -> None:
        self._image = image
        boot = image.read(0, 512)
        (sector, per_cluster, reserved, copies, root_entries, small) = struct.unpack_from("<HBHBHH", boot, 11)
        table16, large, table32 = (
            struct.unpack_from("<H", boot, 22)[0],
            *struct.unpack_from("<II", boot, 32),
        )
        table = (table16 or table32) * sector
        self._tables = [reserved * sector + n * table for n in range(copies)]
        self._fixed_root = (self._tables[-1] + table, root_entries * 32)
        self._heap = self._fixed_root[0] + -(-root_entries * 32 // sector) * sector
        self._width: int = per_cluster * sector
        self._count = ((small or large) * sector - self._heap) // self._width
        self._bits = 32 if not table16 else 12 if self._count < 4085 else 16
        self._root_cluster = struct.unpack_from("<I", boot, 44)[0] if self._bits == 32 else 0
        self._info = struct.unpack_from("<H", boot, 48)[0] * sector if self._bits == 32 else 0
        self._links = self._load(image.read(self._tables[0], ((self._count + 2) * self._bits + 7) // 8))

    # --- what the camera does ----------------------------------------------------------------------

    def add(self, path: list[str], source: Source, mtime: datetime, *, scatter: bool) -> None:
        if source.size >= 1 << 32:
            raise OSError(ENOSPC, "FAT has no files of 4 GiB")
        folder = self._root()
        for name in path[:-1]:
            folder = self._enter(folder, name, mtime)
        if any(item.name.casefold() == path[-1].casefold() for item in self._items(folder)):
            raise FileExistsError(EEXIST, "the card has that name", path[-1])
        runs = self._take(-(-source.size // self._width), scatter=scatter)
        source.write_to(self._image, [self._extent(run) for run in runs])
        self._flush()
        self._enlist(folder, path[-1], 0x20, runs[0][0] + 2 if runs else 0, source.size, mtime)

    def walk(self) -> Iterator[Stored]:
        waiting = [("", self._root())]
        while waiting:
            path, folder = waiting.pop()
            for item in self._items(folder):
                name = f"{path}/{item.name}"
                if item.attributes & 0x10:
                    waiting.append((name, self._folder(item.cluster)))
                else:
                    yield Stored(name, item.size, item.mtime, tuple(self._chain(item.cluster)))

    def free_bytes(self) -> int:
        return self._links[2:].count(0) * self._width

    # --- clusters ----------------------------------------------------------------------------------

    def _load(self, raw: bytes) -> list[int]:
        entries = self._count + 2
        if self._bits == 32:
            return [entry & 0x0FFFFFFF for entry in struct.unpack(f"<{entries}I", raw)]
        if self._bits == 16:
            return list(struct.unpack(f"<{entries}H", raw))
        number = int.from_bytes(raw, "little")
        return [number >> 12 * n & 0xFFF for n in range(entries)]

    def _flush(self) -> None:
        """Write what changed of every table, then FSInfo."""
        if self._bits == 12:
            number = sum(link << 12 * n for n, link in enumerate(self._links))
            raw = number.to_bytes((len(self._links) * 12 + 7) // 8, "little")
        else:
            raw = struct.pack(f"<{len(self._links)}{'I' if self._bits == 32 else 'H'}", *self._links)
        before = self._image.read(self._tables[0], len(raw))
        for at in range(0, len(raw), 4096):
            if raw[at : at + 4096] != before[at : at + 4096]:
                for table in self._tables:
                    self._image.write(table + at, raw[at : at + 4096])
        if self._info and self._image.read(self._info, 4) == b"RRaA":
            self._image.write(self._info + 488, struct.pack("<I", self._links[2:].count(0)))

    def _take(self, count: int, *, scatter: bool = False) -> list[tuple[int, int]]:
        """Chain ``count`` clusters together; runs of indices (cluster number less two)."""
        if not count:
            return []
        runs = free_runs(bytearray(link != 0 for link in self._links[2:]), count, scatter=scatter)
        clusters = [index + 2 for start, length in runs for index in range(start, start + length)]
        for here, after in pairwise(clusters):
            self._links[here] = after
        self._links[clusters[-1]] = (1 << min(self._bits, 28)) - 1
        return runs

    def _chain(self, cluster: int) -> Iterator[Extent]:
        start = count = 0
        while 2 <= cluster < len(self._links):
            if count and cluster != start + count:
                yield self._extent((start - 2, count))
                count = 0
            start = start if count else cluster
            count += 1
            cluster = self._links[cluster]
        if count:
            yield self._extent((start - 2, count))

    def _extent(self, run: tuple[int, int]) -> Extent:
        return self._heap + run[0] * self._width, run[1] * self._width

    # --- directories -------------------------------------------------------------------------------

    def _root(self) -> _Folder:
        return self._folder(self._root_cluster)

    def _folder(self, cluster: int) -> _Folder:
        extents = list(self._chain(cluster)) if cluster else [self._fixed_root]
        return _Folder(cluster, extents, bytearray(b"".join(self._image.read(*each) for each in extents)))

    def _items(self, folder: _Folder) -> Iterator[_Item]:
        long = b""
        for at in range(0, len(folder.raw), 32):
            record = folder.raw[at : at + 32]
            if record[0] == 0:
                return
            if record[0] == 0xE5:
                long = b""
            elif record[11] == 0x0F:
                long = bytes(record[1:11] + record[14:26] + record[28:32]) + (
                    b"" if record[0] & 0x40 else long
                )
            elif record[11] & 0x08 or record[0] == ord("."):
                long = b""
            else:
                high, time, date, low, size = struct.unpack_from("<HHHHI", record, 20)
                cluster = low | high << 16 if self._bits == 32 else low
                name = long.decode("utf-16-le").split("\0")[0] if long else _plain(record)
                yield _Item(name, bytes(record[:11]), record[11], cluster, size, from_dos_words(date, time))
                long = b""

    def _enter(self, folder: _Folder, name: str, mtime: datetime) -> _Folder:
        """Open a directory, made if there is none."""
        for item in self._items(folder):
            if item.name.casefold() == name.casefold():
                return self._folder(item.cluster)
        cluster = self._take(1)[0][0] + 2
        parent = 0 if folder.cluster == self._root_cluster else folder.cluster
        dots = _record(b".          ", 0x10, cluster, 0, mtime) + _record(
            b"..         ", 0x10, parent, 0, mtime
        )
        self._image.write(self._extent((cluster - 2, 1))[0], dots.ljust(self._width, b"\0"))
        self._flush()
        self._enlist(folder, name, 0x10, cluster, 0, mtime)
        return self._folder(cluster)

    def _enlist(
        self, folder: _Folder, name: str, attributes: int, cluster: int, size: int, mtime: datetime
    ) -> None:
        alias, long = _names(name, {item.alias for item in self._items(folder)})
        records = long + _record(alias, attributes, cluster, size, mtime)
        at = self._room(folder, len(records))
        for inner in range(0, len(records), 32):
            self._image.write(folder.place(at + inner), records[inner : inner + 32])

    def _room(self, folder: _Folder, size: int) -> int:
        """Find records not in use, in a row; the directory grows if need be."""
        free = 0
        for at in range(0, len(folder.raw), 32):
            free = free + 32 if folder.raw[at] in (0, 0xE5) else 0
            if free == size:
                return at + 32 - size
        if not folder.cluster:
            raise OSError(ENOSPC, "the root directory is full")
        last = folder.cluster
        while 2 <= self._links[last] < len(self._links):
            last = self._links[last]
        added = self._take(1)[0][0] + 2
        self._links[last] = added
        self._image.write(self._extent((added - 2, 1))[0], bytes(self._width))
        self._flush()
        folder.extents.append(self._extent((added - 2, 1)))
        folder.raw += bytes(self._width)
        return self._room(folder, size)


def _record(alias: bytes, attributes: int, cluster: int, size: int, mtime: datetime) -> bytes:
    date, time = dos_words(mtime)
    return struct.pack(
        "<11sBBBHHHHHHHI",
        *(alias, attributes, 0, 0, time, date, date, cluster >> 16, time, date, cluster & 0xFFFF, size),
    )


def _plain(record: bytearray) -> str:
    base, extension = (bytes(part).decode("cp866").rstrip() for part in (record[:8], record[8:11]))
    base = base.lower() if record[12] & 8 else base
    extension = extension.lower() if record[12] & 16 else extension
    return f"{base}.{extension}" if extension else base


def _names(name: str, taken: set[bytes]) -> tuple[bytes, bytes]:
    """Return the short name, and the records of the long one if it is needed."""
    base, dot, extension = name.rpartition(".") if "." in name.lstrip(".") else (name, "", "")
    if (
        len(base) <= 8
        and len(extension) <= 3
        and set(base + extension) <= _ALLOWED
        and base
        and bool(dot) == bool(extension)
    ):
        return f"{base:8}{extension:3}".encode(), b""
    stem = "".join(letter for letter in base.upper() if letter in _ALLOWED) or "CLIP"
    ending = "".join(letter for letter in extension.upper() if letter in _ALLOWED)[:3]
    for number in range(1, 1_000_000):
        tail = f"~{number}"
        alias = f"{stem[: 8 - len(tail)] + tail:8}{ending:3}".encode()
        if alias not in taken:
            return alias, _long_records(name, alias)
    raise OSError(ENOSPC, "no short name is left")


def _long_records(name: str, alias: bytes) -> bytes:
    checksum = 0
    for byte in alias:
        checksum = ((checksum & 1) << 7 | checksum >> 1) + byte & 0xFF
    units = name.encode("utf-16-le", "surrogatepass")
    if not 0 < len(units) <= 510:
        raise ValueError("a name has 1 to 255 units")
    padded = units if len(units) % 26 == 0 else (units + b"\0\0").ljust(-(-len(units) // 26) * 26, b"\xff")
    parts = [padded[at : at + 26] for at in range(0, len(padded), 26)]
    records = [
        bytes([number | (0x40 if number == len(parts) else 0)])
        + part[:10]
        + bytes([0x0F, 0, checksum])
        + part[10:22]
        + b"\0\0"
        + part[22:]
        for number, part in enumerate(parts, 1)
    ]
    return b"".join(reversed(records))
