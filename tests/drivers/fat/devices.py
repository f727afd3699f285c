"""Block devices in memory, with what real ones do wrong; and the judges: fsck."""

import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from edged.errors import CameraError, CameraLostError, ErrorCode

Write = tuple[int, bytes]
"""One sector: its number and its new content."""


@dataclass
class MemoryDevice:
    """A disk in memory. ``phases`` holds the sectors written between syncs, in order."""

    image: bytearray
    sector_size: int = 512
    unreadable: frozenset[int] = frozenset()
    refuses: ErrorCode | None = None  # what a write gives, if it gives an error
    gone: bool = False  # unplugged
    forgetful: bool = False  # writes are acknowledged and lost
    attempts: int = 0  # to write
    reads: int = 0
    longest: int = 0
    phases: list[list[Write]] = field(default_factory=lambda: [[]])

    @property
    def sectors(self) -> int:
        return len(self.image) // self.sector_size

    @property
    def written(self) -> list[Write]:
        return [write for phase in self.phases for write in phase]

    def read(self, lba: int, count: int) -> bytes:
        self.reads += 1
        if self.gone:
            raise CameraLostError
        self.longest = max(self.longest, count)
        assert lba >= 0
        assert lba + count <= self.sectors
        if self.unreadable and not self.unreadable.isdisjoint(range(lba, lba + count)):
            raise CameraError(ErrorCode.CAMERA_MEDIA, lba=lba)
        return bytes(self.image[lba * self.sector_size : (lba + count) * self.sector_size])

    def write(self, lba: int, data: bytes) -> None:
        self.attempts += 1
        if self.refuses is ErrorCode.CAMERA_LOST:
            raise CameraLostError
        if self.refuses is not None:
            raise CameraError(self.refuses, lba=lba)
        assert data
        assert len(data) % self.sector_size == 0
        for at in range(0, len(data), self.sector_size):
            self.phases[-1].append((lba + at // self.sector_size, data[at : at + self.sector_size]))
        if not self.forgetful:
            self.image[lba * self.sector_size : lba * self.sector_size + len(data)] = data

    def sync(self) -> None:
        self.phases.append([])


SMALL_FAT32 = (
    "Warning: Filesystem is FAT32 according to",
    "  but has only",
    "  This may lead to problems on some systems",
)
"""What fsck.vfat says of a FAT32 of few clusters; tests make such cards because they are quick."""


def replay(image: bytes, writes: Iterable[Write], sector_size: int = 512) -> bytearray:
    """The image after these sectors reached the medium."""
    after = bytearray(image)
    for lba, data in writes:
        after[lba * sector_size : (lba + 1) * sector_size] = data
    return after


def fsck(image: bytes, filesystem: str, folder: Path) -> list[str]:
    """What the reference checker says of an image, its greeting and its summary left out."""
    path = folder / "judged.img"
    path.write_bytes(image)
    name = "fsck.exfat" if filesystem == "exfat" else "fsck.vfat"
    tool = shutil.which(name, path="/usr/sbin:/sbin:/usr/bin:/bin")
    assert tool is not None, f"{name} is not installed"
    done = subprocess.run([tool, "-n", str(path)], capture_output=True, text=True, check=False, timeout=20)
    said = (done.stdout + done.stderr).splitlines()
    greeting = ("fsck.fat ", "exfatprogs version", f"{path}: ", "judged.img: clean", *SMALL_FAT32)
    rest = [line.strip() for line in said if line.strip() and not line.startswith(greeting)]
    assert rest or done.returncode == 0, said
    return rest
