"""What the figures were measured on, and scratch places on it."""

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.rows import MIB

CACHE = Path(__file__).resolve().parent.parent / ".cache"
MEMORY = Path("/dev/shm")  # a memory file system on every Debian


@contextmanager
def scratch() -> Iterator[Path]:
    """A new folder on the disk that the checkout lies on, removed afterwards."""
    CACHE.mkdir(exist_ok=True)
    yield from _folder(CACHE)


@contextmanager
def film(size: int) -> Iterator[Path]:
    """A file of ``size`` random bytes in memory: a camera that never lets itself be waited for."""
    for folder in _folder(MEMORY if MEMORY.is_dir() else CACHE):
        path = folder / "CLIP0001.MP4"
        with path.open("wb") as file:
            for start in range(0, size, MIB):
                file.write(os.urandom(min(MIB, size - start)))
        yield path


def _folder(parent: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def forget(path: Path) -> None:
    """Drop a synced file's pages, so that the next reader gets it from the disk."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def describe(folder: Path) -> str:
    """One line: cores, memory, kernel, disk."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return (
        f"{cores} cores ({_processor()}), {memory:.0f} GiB of memory, Linux {platform.release()}, "
        f"{_disk(folder)}, {python}, load average at the start {os.getloadavg()[0]:.1f}"
    )


def _processor() -> str:
    for line in _lines("/proc/cpuinfo"):
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _disk(folder: Path) -> str:
    """Device and file system that ``folder`` lies on, by the longest mount point that fits."""
    mounts = [line.split() for line in _lines("/proc/mounts")]
    fitting = [m for m in mounts if folder.resolve().is_relative_to(m[1])]
    device, _, kind, *_ = max(fitting, key=lambda mount: len(mount[1]))
    return f"disk {device} with {kind}"


def _lines(path: str) -> list[str]:
    return Path(path).read_text(errors="replace").splitlines()
