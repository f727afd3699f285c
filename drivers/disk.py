"""POSIX adapter of `edged.ports.FileSystem` for Linux. The only file that calls the kernel for files.

Rule 1: errors leave as OSError with the kernel's errno; callers translate.
Rule 2: nothing is retried after an error but EINTR. A failed write-back is reported once by the
    kernel and then forgotten, so a second fsync would lie.
Rule 3: a read-back is called DIRECT or CACHE_EMPTY only where that is proved, else UNPROVEN.
"""

import contextlib
import ctypes
import errno
import mmap
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePath

from edged.ports import FileStat, Medium, Space

_libc = ctypes.CDLL(None, use_errno=True)
_off_t = ctypes.c_int64
_libc.fallocate64.argtypes = (ctypes.c_int, ctypes.c_int, _off_t, _off_t)
_libc.sync_file_range.argtypes = (ctypes.c_int, _off_t, _off_t, ctypes.c_uint)
_libc.renameat2.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)

AT_FDCWD = -100  # fcntl.h
RENAME_NOREPLACE = 1  # linux/fs.h
FALLOC_FL_KEEP_SIZE = 1  # linux/falloc.h
SYNC_FILE_RANGE_WAIT_BEFORE, SYNC_FILE_RANGE_WRITE, SYNC_FILE_RANGE_WAIT_AFTER = 1, 2, 4  # linux/fs.h
SYS_CACHESTAT = 451  # the same number on x86-64, arm64, riscv64; kernel 6.5

# linux/magic.h
MEMORY = frozenset({0x01021994, 0x858458F6, 0x958458F6})  # tmpfs, ramfs, hugetlbfs
# File systems on a local disk whose O_DIRECT and page cache mean what they say. Others accept O_DIRECT
# and serve it from a cache of their own (ZFS before 2.3, tmpfs since 6.6, network file systems).
HONEST = frozenset({0xEF53, 0x58465342, 0x9123683E, 0xF2F52010})  # ext2-4, XFS, btrfs, F2FS

FILE_MODE, DIR_MODE, SEALED_MODE = 0o640, 0o750, 0o440
ALIGNMENT = 4096
BY_UUID = "/dev/disk/by-uuid"
NO_INODE_LIMIT = 2**31  # what is told of file systems without a table of inodes (btrfs says 0 of 0)
# Writes of this size and more are bulk: pushed out at once, so that dirty pages cannot pile up and
# make a ledger's fdatasync wait for seconds.
BULK = 256 * 1024


class _Range(ctypes.Structure):
    _fields_ = (("offset", ctypes.c_uint64), ("length", ctypes.c_uint64))


class _CacheStat(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_uint64) for name in ("cached", "dirty", "writeback", "evicted", "recently_evicted")
    )


class PosixFile:
    """See `edged.ports.File`."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._pushed: tuple[int, int] | None = None  # the bulk write still on its way to the disk

    def write_at(self, offset: int, data: bytes | memoryview) -> None:
        """See `File.write_at`.

        A bulk write starts its own write-back and waits for the one before: at most two are in
        flight for a file. The wait may take over the kernel's report of a failed write-back, which
        fsync would then not repeat; so its error is the file's end like an error of fsync.
        """
        rest = memoryview(data).cast("B")
        start, size = offset, len(rest)
        while rest:
            written = os.pwrite(self._fd, rest, offset)
            rest, offset = rest[written:], offset + written
        if size >= BULK:
            self._push(start, size)

    def _push(self, offset: int, size: int) -> None:
        before, self._pushed = self._pushed, (offset, size)
        _call(_libc.sync_file_range, self._fd, offset, size, SYNC_FILE_RANGE_WRITE)
        if before is not None:
            flags = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER
            _call(_libc.sync_file_range, self._fd, *before, flags)

    def read_at(self, offset: int, size: int) -> bytes:
        data = os.pread(self._fd, size, offset)
        if len(data) == size or not data:
            return data
        parts = [data]
        got = len(data)
        while got < size and (more := os.pread(self._fd, size - got, offset + got)):
            parts.append(more)
            got += len(more)
        return b"".join(parts)

    def size(self) -> int:
        return os.fstat(self._fd).st_size

    def allocate(self, size: int) -> None:
        """See `File.allocate`. OSError(EOPNOTSUPP) where the file system cannot reserve."""
        if size > 0:  # the kernel calls a length of 0 invalid
            _call(_libc.fallocate64, self._fd, FALLOC_FL_KEEP_SIZE, 0, size)

    def cut(self, size: int) -> None:
        os.ftruncate(self._fd, size)

    def sync(self) -> None:
        os.fsync(self._fd)

    def sync_data(self) -> None:
        os.fdatasync(self._fd)

    def close(self) -> None:
        """Close once. A second call does nothing: the number may belong to another file by then."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def fileno(self) -> int:
        if self._fd < 0:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return self._fd


class PosixUncached:
    """See `edged.ports.Uncached`. Owns ``fd``; one reader at a time."""

    def __init__(self, fd: int, medium: Medium) -> None:
        self._fd, self._medium = fd, medium
        self._buffer = mmap.mmap(-1, 1024 * 1024)  # mapped memory is page-aligned, as O_DIRECT wants

    @property
    def medium(self) -> Medium:
        return self._medium

    def read_at(self, offset: int, size: int) -> bytes:
        """See `Uncached.read_at`.

        Raises:
            ValueError: ``offset`` or ``size`` is not aligned.
        """
        if offset % ALIGNMENT or size % ALIGNMENT:
            raise ValueError(f"offset {offset} and size {size} must be multiples of {ALIGNMENT}")
        if size > len(self._buffer):
            self._buffer.close()
            self._buffer = mmap.mmap(-1, size)
        got = 0
        with memoryview(self._buffer) as view:
            while got < size:
                with view[got:size] as target:
                    count = os.preadv(self._fd, [target], offset + got)
                got += count
                if count == 0 or count % ALIGNMENT:  # only the end of the file stops between blocks
                    break
            return bytes(view[:got])

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
            self._buffer.close()


class PosixDisk:
    """See `edged.ports.FileSystem`. Holds no state; safe to use from several threads."""

    def create(self, path: str) -> PosixFile:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        return PosixFile(os.open(path, flags, FILE_MODE))

    def open(self, path: str, *, write: bool = False) -> PosixFile:
        # Nonblocking: to open a pipe that another user left in the inbox would wait for ever.
        flags = (os.O_RDWR if write else os.O_RDONLY) | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        return PosixFile(os.open(path, flags))

    def open_uncached(self, path: str) -> PosixUncached:
        """See `FileSystem.open_uncached`. ``/proc/self/fd/N`` opens an inherited file anew."""
        with _closed_on_error(os.open(path, os.O_RDONLY | os.O_CLOEXEC)) as plain:
            # What was written is durable by now (fsync came first); its pages only take memory.
            os.posix_fadvise(plain, 0, 0, os.POSIX_FADV_DONTNEED)
            honest = _magic(os.fsencode(path)) in HONEST
            if honest and (direct := _open_direct(path)) is not None:
                os.close(plain)
                return PosixUncached(direct, Medium.DIRECT)
            proved = honest and _cached_pages(plain) == 0
            return PosixUncached(plain, Medium.CACHE_EMPTY if proved else Medium.UNPROVEN)

    def read(self, path: str, limit: int = 16 * 1024 * 1024) -> bytes:
        with contextlib.closing(self.open(path)) as file:
            data = file.read_at(0, limit + 1)
        if len(data) > limit:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), path)
        return data

    def rename(self, source: str, target: str) -> None:
        """See `FileSystem.rename`.

        Where the file system has no RENAME_NOREPLACE (EINVAL) a hard link and an unlink stand in: as
        exclusive, but a power cut between the two leaves both names of one file.
        """
        old, new = os.fsencode(source), os.fsencode(target)
        try:
            _call(_libc.renameat2, AT_FDCWD, old, AT_FDCWD, new, RENAME_NOREPLACE)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOSYS):
                raise OSError(error.errno, error.strerror, source, None, target) from None
            link_and_unlink(source, target)

    def replace(self, source: str, target: str) -> None:
        os.replace(source, target)  # noqa: PTH105  # this is the adapter that pathlib would call

    def remove(self, path: str) -> None:
        os.unlink(path)  # noqa: PTH108  # as above

    def protect(self, path: str) -> None:
        os.chmod(path, SEALED_MODE, follow_symlinks=False)  # noqa: PTH101  # as above

    def make_dirs(self, path: str) -> None:
        missing: list[PurePath] = []
        folder = PurePath(path)
        while not os.path.isdir(folder):  # noqa: PTH112  # as above
            missing.append(folder)
            folder = folder.parent
        for folder in reversed(missing):
            with contextlib.suppress(FileExistsError):  # made by somebody else meanwhile
                os.mkdir(folder, DIR_MODE)  # noqa: PTH102  # as above
            self.sync_dir(str(folder.parent))

    def sync_dir(self, path: str) -> None:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def list_dir(self, path: str) -> Sequence[str]:
        return sorted(os.listdir(path))  # noqa: PTH208  # as above

    def stat(self, path: str) -> FileStat:
        found = os.stat(path, follow_symlinks=False)  # noqa: PTH116  # as above
        return FileStat(size=found.st_size, mtime_ns=found.st_mtime_ns, is_dir=stat.S_ISDIR(found.st_mode))

    def space(self, path: str) -> Space:
        found = os.statvfs(path)
        return Space(
            total=found.f_blocks * found.f_frsize,
            free=found.f_bavail * found.f_frsize,
            free_inodes=found.f_favail if found.f_files else NO_INODE_LIMIT,
        )

    def in_memory(self, path: str) -> bool:
        return _magic(os.fsencode(path)) in MEMORY

    def filesystem_id(self, path: str) -> str:
        """See `FileSystem.filesystem_id`. Known of what udev lists; btrfs and ZFS hide the device they lie on."""
        device = os.stat(path).st_dev  # noqa: PTH116  # as above
        with contextlib.suppress(FileNotFoundError), os.scandir(BY_UUID) as links:
            for link in links:
                with contextlib.suppress(OSError):  # it left while we looked
                    if os.stat(link.path).st_rdev == device:  # noqa: PTH116  # as above
                        return link.name
        return ""


def link_and_unlink(source: str, target: str) -> None:
    """Rename without replacing for file systems that know only hard links. EEXIST as `rename`."""
    os.link(source, target, follow_symlinks=False)
    os.unlink(source)  # noqa: PTH108  # as above


def _call(function: Callable[..., int], *arguments: int | bytes) -> None:
    """Call into libc; raise OSError; go on after a signal, as `os` does by itself."""
    while function(*arguments) != 0:
        number = ctypes.get_errno()
        if number != errno.EINTR:
            raise OSError(number, os.strerror(number))


def _magic(path: bytes) -> int:
    """``f_type`` of statfs(2): the first field, a machine word on every platform of ours."""
    answer = ctypes.create_string_buffer(256)
    _call(_libc.statfs, path, answer)  # type: ignore[arg-type]  # a buffer to be filled
    return ctypes.c_long.from_buffer(answer).value & 0xFFFFFFFF


def _open_direct(path: str) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECT | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.EOPNOTSUPP):
            return None
        raise


def _cached_pages(fd: int) -> int | None:
    """How many pages of the file the page cache holds; None where the kernel cannot tell."""
    whole, found = _Range(0, 0), _CacheStat()
    if _libc.syscall(SYS_CACHESTAT, fd, ctypes.byref(whole), ctypes.byref(found), 0) != 0:
        return None
    return int(found.cached)


@contextlib.contextmanager
def _closed_on_error(fd: int) -> Iterator[int]:
    try:
        yield fd
    except BaseException:
        os.close(fd)
        raise
