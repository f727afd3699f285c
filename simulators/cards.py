"""The memory cards of simulated cameras: real FAT and exFAT images in ordinary files.

    card = Card.format(Path("card.img"), filesystem="exfat", size_bytes=1 << 30)
    card.add("DCIM/100MEDIA/CLIP0001.MP4", Path("clip.mp4"), datetime(2026, 11, 22, 7, 0, 2))

The card keeps nothing in memory: every call reads the structures afresh from the image, so that another
process may serve, clear or cut it between two calls. Two may not write at the same time.
"""

import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from simulators.card_exfat import ExfatCard
from simulators.card_fat import FatCard
from simulators.card_image import CardFile, CardFilesystem, Image, Source

Filesystem = Literal["fat12", "fat16", "fat32", "exfat"]
SECTOR: Final = 512
PARTITION_START: Final = 2048  # sectors; where makers of cards put it
MKFS_S: Final = 60
"""Seconds; making a file system on a sparse file takes well under one."""


class Card:
    """One card image; see the module."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def format(
        cls,
        path: Path,
        filesystem: Filesystem = "fat32",
        size_bytes: int = 64 << 20,
        label: str = "BODYCAM",
        volume_id: int = 0xCA3E0001,
        *,
        cluster_bytes: int | None = None,
        partitioned: bool = False,
    ) -> "Card":
        """Make an empty card as a sparse file, by dosfstools or exfatprogs.

        Args:
            partitioned: with a master boot record and one partition, as cards are sold.

        Raises:
            FileNotFoundError: the tool is not installed.
            subprocess.CalledProcessError: it does not make such a card; ``stderr`` says why.
        """
        start = PARTITION_START * SECTOR if partitioned else 0
        volume = path.with_suffix(".volume") if partitioned else path
        _make(volume, filesystem, size_bytes - start, label, volume_id, cluster_bytes)
        if partitioned:
            _wrap(volume, path, filesystem, start)
            volume.unlink()
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> "Card":
        """Take an image that exists.

        Raises:
            ValueError: there is no FAT or exFAT on it.
        """
        card = cls(path)
        with card._opened(os.O_RDONLY):
            return card

    def add(self, name: str, source: bytes | Path, mtime: datetime, *, scatter: bool = False) -> None:
        """Write a file; directories on the way are made.

        Args:
            name: path on the card, with or without a leading slash.
            mtime: the camera's local time, without zone.
            scatter: one cluster here, one there, as on a worn card.

        Raises:
            FileExistsError: the card has that name.
            OSError: ENOSPC.
        """
        with self._opened(os.O_RDWR) as (filesystem, _):
            filesystem.add(name.strip("/").split("/"), Source(source), mtime, scatter=scatter)

    def files(self) -> list[CardFile]:
        """All files with their hashes, sorted by path."""
        with self._opened(os.O_RDONLY) as (filesystem, image):
            found = [
                CardFile(stored.path, stored.size, image.digest(stored), stored.mtime)
                for stored in filesystem.walk()
            ]
        return sorted(found, key=lambda file: file.path)

    def free_bytes(self) -> int:
        with self._opened(os.O_RDONLY) as (filesystem, _):
            return filesystem.free_bytes()

    @contextmanager
    def _opened(self, mode: int) -> Iterator[tuple[CardFilesystem, Image]]:
        descriptor = os.open(self.path, mode | os.O_CLOEXEC)
        try:
            image = Image(descriptor, _start(Image(descriptor)))
            boot = image.read(0, SECTOR)
            yield (ExfatCard(image) if boot[3:8] == b"EXFAT" else FatCard(image)), image
        finally:
            os.close(descriptor)


def _start(image: Image) -> int:
    """Where the volume begins: at 0, or where the first partition does."""
    boot = image.read(0, SECTOR)
    if boot[510:] != b"\x55\xaa":
        raise ValueError("no boot sector")
    if boot[3:8] == b"EXFAT" or (boot[0] in (0xEB, 0xE9) and boot[16] in (1, 2)):
        return 0
    return int(struct.unpack_from("<I", boot, 454)[0]) * SECTOR


def _make(
    path: Path, filesystem: Filesystem, size: int, label: str, volume_id: int, cluster: int | None
) -> None:
    with path.open("wb") as file:
        file.truncate(size)
    if filesystem == "exfat":
        _run("mkfs.exfat", "-L", label, *(("-c", str(cluster)) if cluster else ()), str(path))
        _set_exfat_serial(path, volume_id)
        return
    clusters = ("-s", str(cluster // SECTOR)) if cluster else ()
    _run(  # --invariant first: it sets a volume id of its own
        "mkfs.vfat",
        *("--invariant", "-F", filesystem.removeprefix("fat"), "-i", f"{volume_id:08X}", "-n", label),
        *(*clusters, str(path)),
    )


def _run(tool: str, *arguments: str) -> None:
    places = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    found = shutil.which(tool, path=places)
    if found is None:
        raise FileNotFoundError(f"{tool} is not installed (packages dosfstools and exfatprogs)")
    subprocess.run(  # noqa: S603 - a fixed tool, arguments not from outside
        [found, *arguments], check=True, capture_output=True, text=True, timeout=MKFS_S
    )


def _set_exfat_serial(path: Path, volume_id: int) -> None:
    """mkfs.exfat takes the serial from the clock: put ours in, with the boot region's checksum."""
    with path.open("r+b") as file:
        for region in (0, 12 * SECTOR):
            file.seek(region)
            raw = bytearray(file.read(11 * SECTOR))
            struct.pack_into("<I", raw, 100, volume_id)
            total = 0
            for at, byte in enumerate(raw):
                if at not in (106, 107, 112):
                    total = ((total << 31 | total >> 1) + byte) & 0xFFFFFFFF
            file.seek(region)
            file.write(raw + struct.pack("<I", total) * (SECTOR // 4))


def _wrap(volume: Path, path: Path, filesystem: Filesystem, start: int) -> None:
    """Put a volume behind a master boot record; holes stay holes."""
    kind = {"fat12": 0x01, "fat16": 0x06, "fat32": 0x0C, "exfat": 0x07}[filesystem]
    size = volume.stat().st_size
    record = bytearray(SECTOR)
    struct.pack_into("<BxxxBxxxII", record, 446, 0, kind, start // SECTOR, size // SECTOR)
    record[510:] = b"\x55\xaa"
    with volume.open("rb") as source, path.open("wb") as target:
        target.write(record)
        target.truncate(start + size)
        at = 0
        while at < size:
            piece = source.read(1 << 20)
            if any(piece):
                target.seek(start + at)
                target.write(piece)
            at += len(piece)
