"""The store port on a local folder, through the file-system port.

For a centre that is a mounted disk, and for tests and the simulated world, where the folder lies on
the same simulated disk that the centre's intake reads.
"""

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from edged.ports import File, FileSystem
from sync.store import (
    AlreadyThereError,
    Assurance,
    CentreFullError,
    CentreGoneError,
    CentreProtocolError,
    CentreRefusedError,
    NotThereError,
    RemoteSpace,
    RemoteStat,
    checked,
    is_plain,
)


class DirectoryDialler:
    """See Dialler."""

    def __init__(self, fs: FileSystem, root: str) -> None:
        self._fs = fs
        self._root = root

    async def connect(self) -> "DirectoryStore":
        with _translated(self._root):
            self._fs.stat(self._root)
        return DirectoryStore(self._fs, self._root)


class DirectoryStore:
    """See Store."""

    assurance = Assurance.SYNCED

    def __init__(self, fs: FileSystem, root: str) -> None:
        self._fs = fs
        self._root = root

    async def list_dir(self, path: str) -> Sequence[str]:
        with _translated(path):
            return sorted(filter(is_plain, self._fs.list_dir(self._path(path))))

    async def stat(self, path: str) -> RemoteStat | None:
        try:
            with _translated(path):
                found = self._fs.stat(self._path(path))
        except NotThereError:
            return None
        return RemoteStat(found.size, found.is_dir)

    async def read(self, path: str, limit: int) -> bytes:
        with _translated(path):
            return self._fs.read(self._path(path), limit)

    async def read_at(self, path: str, offset: int, size: int) -> bytes:
        with _translated(path):
            file = self._fs.open(self._path(path))
            try:
                return file.read_at(offset, size)
            finally:
                file.close()

    async def make_dirs(self, path: str) -> None:
        with _translated(path):
            self._fs.make_dirs(self._path(path))

    async def create(self, path: str) -> "DirectoryFile":
        with _translated(path):
            file = self._fs.create(self._path(path))
            self._fs.sync_dir(_parent(self._path(path)))
        return DirectoryFile(file, path)

    async def reopen(self, path: str) -> "DirectoryFile":
        with _translated(path):
            return DirectoryFile(self._fs.open(self._path(path), write=True), path)

    async def rename(self, source: str, target: str) -> None:
        with _translated(target):
            self._fs.rename(self._path(source), self._path(target))
            self._fs.sync_dir(_parent(self._path(target)))

    async def space(self) -> RemoteSpace | None:
        with _translated(self._root):
            space = self._fs.space(self._root)
        return RemoteSpace(space.free, space.free_inodes)

    async def close(self) -> None:
        pass

    def _path(self, path: str) -> str:
        return f"{self._root}/{checked(path)}"


class DirectoryFile:
    """See RemoteFile."""

    def __init__(self, file: File, path: str) -> None:
        self._file = file
        self._path = path

    async def write_at(self, offset: int, data: bytes) -> None:
        with _translated(self._path):
            self._file.write_at(offset, data)

    async def sync(self) -> None:
        with _translated(self._path):
            self._file.sync()

    async def close(self) -> None:
        with _translated(self._path):
            self._file.close()


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


@contextmanager
def _translated(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        number = exc.errno or 0
        match number:
            case errno.ENOENT | errno.ENOTDIR:
                raise NotThereError(path=path) from exc
            case errno.EEXIST:
                raise AlreadyThereError(path=path) from exc
            case errno.ENOSPC | errno.EDQUOT:
                raise CentreFullError(path=path, errno=number) from exc
            case errno.EACCES | errno.EPERM | errno.EISDIR:
                raise CentreRefusedError(path=path, errno=number) from exc
            case errno.EFBIG:
                raise CentreProtocolError(path=path, reason="longer than allowed") from exc
            case _:
                raise CentreGoneError(path=path, errno=number) from exc
