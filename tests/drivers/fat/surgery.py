"""Damage to card images, done by hand: offsets straight from the documents, nothing of the driver's."""

import struct
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from simulators.cards import Card, Filesystem

NOON = datetime(2026, 11, 22, 12, 0, 0)  # noqa: DTZ001 - cards have no zone
SIZES: dict[Filesystem, tuple[int, int]] = {
    "fat12": (1 << 20, 512),
    "fat16": (4 << 20, 512),
    "fat32": (34 << 20, 512),
    "exfat": (4 << 20, 512),
}


@cache
def _made(filesystem: Filesystem, files: tuple[tuple[str, bytes], ...]) -> bytes:
    with TemporaryDirectory() as folder:
        size, cluster = SIZES[filesystem]
        card = Card.format(Path(folder) / "card.img", filesystem, size, cluster_bytes=cluster)
        for name, content in files:
            card.add(name, content, NOON)
        return card.path.read_bytes()


def image_with(filesystem: Filesystem, *files: tuple[str, bytes]) -> bytearray:
    """A small card with these files, one cluster 512 bytes, chains one after the other."""
    return bytearray(_made(filesystem, files))


class Fat:
    """The parts of a FAT image."""

    def __init__(self, image: bytearray) -> None:
        self.image = image
        self.reserved, copies, roots, small = struct.unpack_from("<HBHH", image, 14)
        narrow = struct.unpack_from("<H", image, 22)[0]
        self.sectors = narrow or struct.unpack_from("<I", image, 36)[0]
        self.copies = copies
        self.root = (self.reserved + copies * self.sectors) * 512
        self.heap: int = self.root + roots * 32
        self.cluster: int = image[13] * 512
        total = small or struct.unpack_from("<I", image, 32)[0]
        self.clusters = (total * 512 - self.heap) // self.cluster
        self.bits = 32 if not narrow else 12 if self.clusters < 4085 else 16

    def link(self, cluster: int, value: int) -> None:
        """Set an entry of every table."""
        for copy in range(self.copies):
            table = (self.reserved + copy * self.sectors) * 512
            if self.bits == 12:
                at = table + cluster * 3 // 2
                pair = struct.unpack_from("<H", self.image, at)[0]
                pair = pair & 0x000F | value << 4 if cluster & 1 else pair & 0xF000 | value & 0xFFF
                struct.pack_into("<H", self.image, at, pair & 0xFFFF)
            elif self.bits == 16:
                struct.pack_into("<H", self.image, table + cluster * 2, value & 0xFFFF)
            else:
                struct.pack_into("<I", self.image, table + cluster * 4, value & 0xFFFFFFFF)

    def record(self, alias: bytes) -> int:
        """Offset of the short entry of this name."""
        at = self.image.index(alias, self.root)
        assert at % 32 == 0
        return at

    def first(self, alias: bytes) -> int:
        at = self.record(alias)
        low: int = struct.unpack_from("<H", self.image, at + 26)[0]
        return low

    def set_first(self, alias: bytes, cluster: int) -> None:
        struct.pack_into("<H", self.image, self.record(alias) + 26, cluster)

    def set_size(self, alias: bytes, size: int) -> None:
        struct.pack_into("<I", self.image, self.record(alias) + 28, size)

    def place(self, cluster: int) -> int:
        """Offset of a cluster."""
        return self.heap + (cluster - 2) * self.cluster


class Exfat:
    """The parts of an exFAT image."""

    def __init__(self, image: bytearray) -> None:
        self.image = image
        table, _, heap, self.clusters, self.root = struct.unpack_from("<IIIII", image, 80)
        self.table = table << image[108]
        self.heap: int = heap << image[108]
        self.cluster = 1 << image[108] + image[109]

    def link(self, cluster: int, value: int) -> None:
        struct.pack_into("<I", self.image, self.table + cluster * 4, value)

    def entry(self, name: str) -> int:
        """Offset of the file entry with this (short) name; the set lies in one piece."""
        at = self.image.index(b"\xc1\x00" + name.encode("utf-16-le"), self.heap) - 64
        assert self.image[at] == 0x85
        return at

    def patch(self, name: str, offset: int, form: str, *values: int) -> None:
        """Change the set and put its checksum right: a lie that looks well-formed."""
        at = self.entry(name)
        struct.pack_into(form, self.image, at + offset, *values)
        self.sum_up(at)

    def sum_up(self, at: int) -> None:
        total = 0
        for index in range((self.image[at + 1] + 1) * 32):
            if index not in (2, 3):
                total = ((total & 1) << 15 | total >> 1) + self.image[at + index] & 0xFFFF
        struct.pack_into("<H", self.image, at + 2, total)

    def first(self, name: str) -> int:
        cluster: int = struct.unpack_from("<I", self.image, self.entry(name) + 52)[0]
        return cluster

    def bitmap(self) -> int:
        """Offset of the allocation bitmap."""
        root = self.heap + (self.root - 2) * self.cluster
        at = next(at for at in range(root, root + self.cluster, 32) if self.image[at] == 0x81)
        first: int = struct.unpack_from("<I", self.image, at + 20)[0]
        return self.heap + (first - 2) * self.cluster
