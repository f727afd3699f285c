"""What the station needs from the outside world, as interfaces. Adapters implement them; the wiring
files (`edged/app.py`, `sync/app.py`) choose. A leaf like `edged.errors`: everybody may import it.

Nothing outside an adapter touches time, randomness, files, devices, processes or sockets. Waiting
(`asyncio.sleep`, `asyncio.timeout`) and `asyncio.to_thread` are allowed everywhere: both go through
the event loop, which a simulation replaces.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from edged.errors import Fact


class ClockClass(StrEnum):
    """How far the host's time can be relied on (docs/clock.md)."""

    SYNCHRONISED = "synchronised"
    HOLDOVER = "holdover"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class HostTime:
    """One reading of the host's clocks, taken together."""

    wall_ns: int  # nanoseconds since 1970-01-01 UTC, as the host believes
    boottime_ns: int  # CLOCK_BOOTTIME: goes on during suspend, never steps
    boot_id: str  # kernel's boot id, 32 hex digits
    clock: ClockClass
    max_error_ns: int | None  # bound of wall_ns's error; None: unknown


class Clock(Protocol):
    """The host's clocks. The only source of time for records and deadlines that outlive a task."""

    def now(self) -> HostTime: ...

    def confirm(self) -> HostTime:
        """A named person vouches for the wall clock: class HOLDOVER from now, until the next boot."""
        ...


class Random(Protocol):
    """Unpredictable in production, seeded in simulation."""

    def token(self, size: int) -> bytes:
        """Return ``size`` random bytes."""
        ...

    def uniform(self, low: float, high: float) -> float:
        """Return a number between ``low`` and ``high``; for back-off jitter."""
        ...


class Medium(StrEnum):
    """How a read-back proved that it came from the medium and not from the page cache."""

    DIRECT = "direct"  # O_DIRECT
    CACHE_EMPTY = "cache-empty"  # cachestat(2) showed no cached page
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True)
class FileStat:
    size: int
    mtime_ns: int
    is_dir: bool


@dataclass(frozen=True, slots=True)
class Space:
    """Of one file system, in bytes and inodes, as an unprivileged process may use it."""

    total: int
    free: int
    free_inodes: int


class File(Protocol):
    """An open file. Positional: no call moves a hidden offset. Every call may raise OSError."""

    def write_at(self, offset: int, data: bytes | memoryview) -> None:
        """Write all of ``data`` (short writes are continued inside)."""
        ...

    def read_at(self, offset: int, size: int) -> bytes:
        """Return up to ``size`` bytes; fewer only at the end of the file."""
        ...

    def size(self) -> int: ...

    def allocate(self, size: int) -> None:
        """Reserve blocks for ``size`` bytes without changing the file's size (FALLOC_FL_KEEP_SIZE)."""
        ...

    def cut(self, size: int) -> None:
        """Set the file's size. For a ledger's torn tail and for our own temporary files only."""
        ...

    def sync(self) -> None:
        """fsync. After an error the file must be given up: never call this twice on a failure."""
        ...

    def sync_data(self) -> None:
        """fdatasync."""
        ...

    def close(self) -> None: ...

    def fileno(self) -> int:
        """The descriptor, to hand to a sealer process. Adapters without one raise OSError(EBADF)."""
        ...


class Uncached(Protocol):
    """A file opened for reading back from the medium."""

    @property
    def medium(self) -> Medium: ...

    def read_at(self, offset: int, size: int) -> bytes:
        """``offset`` and ``size`` are multiples of 4096."""
        ...

    def close(self) -> None: ...


class FileSystem(Protocol):
    """Files by absolute path. Calls block; long ones run through ``asyncio.to_thread``.

    Every call may raise OSError with errno set (ENOENT, EEXIST, ENOSPC, EDQUOT, EROFS, EIO …); the
    caller translates. Nothing is durable before ``sync`` of the file and ``sync_dir`` of its folder.
    """

    def create(self, path: str) -> File:
        """A new file for writing and reading, mode 0640 (EEXIST if there is one)."""
        ...

    def open(self, path: str, *, write: bool = False) -> File: ...

    def open_uncached(self, path: str) -> Uncached: ...

    def read(self, path: str, limit: int = 16 * 1024 * 1024) -> bytes:
        """The whole file. OSError(EFBIG) if it is larger than ``limit`` bytes."""
        ...

    def rename(self, source: str, target: str) -> None:
        """Atomic; EEXIST if ``target`` is there (RENAME_NOREPLACE)."""
        ...

    def replace(self, source: str, target: str) -> None:
        """Atomic; replaces ``target``. For state files, never for evidence."""
        ...

    def remove(self, path: str) -> None:
        """Unlink one of our own temporary or state files. Never evidence, never on an error path."""
        ...

    def protect(self, path: str) -> None:
        """Make a sealed file read-only for everybody, its owner included (mode 0440)."""
        ...

    def make_dirs(self, path: str) -> None:
        """Make the folder and missing parents, each parent synced. No error if it is there."""
        ...

    def sync_dir(self, path: str) -> None: ...

    def list_dir(self, path: str) -> Sequence[str]:
        """Names in sorted order, without ``.`` and ``..``."""
        ...

    def stat(self, path: str) -> FileStat: ...

    def space(self, path: str) -> Space: ...

    def in_memory(self, path: str) -> bool:
        """Whether the folder lies on a memory file system (tmpfs, ramfs)."""
        ...

    def filesystem_id(self, path: str) -> str:
        """The UUID of the file system on which the folder lies; "": it has none that the host knows."""
        ...


class Log(Protocol):
    """Where log events of ``edged.events`` go. The adapter binds structlog."""

    def __call__(self, event: str, /, **fields: Fact) -> None:
        """Write one catalogued event: ``log("EDG-1101", dock="A", reason="…")``."""
        ...
