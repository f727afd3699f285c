"""What the courier's watchdog goes by: every answer of the centre is progress, and so is a rest that was announced.

A line that is slow or gone is no hang: each wait for it has a deadline of its own, and ends before the watchdog asks.
What is seen is what has no deadline: a disk that does not answer, a library that never returns, a defect.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from sync.config import SyncConfig
from sync.store import Assurance, Dialler, RemoteFile, RemoteSpace, RemoteStat, Store
from sync.transfer import CHUNK

PART = "courier"
STUCK_S = (
    300.0  # no look at vault or ledger, and no step that the station's own disk takes, is honestly longer
)
CONNECT_STEPS = 8  # name, TCP, greeting, login and session, for two addresses: `connect_s` each

Alive = Callable[[float], None]
"""The courier lives, and says so again after these seconds of rest or work and one step more, at the latest."""
T = TypeVar("T")


def alive_in(beat: Callable[[str, float], None], config: SyncConfig) -> Alive:
    """Return what tells ``beat`` (`drivers.notify.Progress`) that the courier lives."""
    step_s = STUCK_S + CONNECT_STEPS * config.connect_s + config.answer_s
    if config.rate_limit:
        step_s += CHUNK / config.rate_limit

    def alive(more_s: float) -> None:
        beat(PART, step_s + more_s)

    return alive


class WatchedDialler:
    """See `sync.store.Dialler`."""

    def __init__(self, dialler: Dialler, alive: Alive) -> None:
        self._dialler, self._alive = dialler, alive

    async def connect(self) -> Store:
        self._alive(0)
        try:
            return _WatchedStore(await self._dialler.connect(), self._alive)
        finally:
            self._alive(0)


class _Watched:
    def __init__(self, alive: Alive) -> None:
        self._alive = alive

    async def _told(self, answer: Awaitable[T]) -> T:
        """A refusal is an answer as well."""
        try:
            return await answer
        finally:
            self._alive(0)


class _WatchedFile(_Watched):
    def __init__(self, file: RemoteFile, alive: Alive) -> None:
        super().__init__(alive)
        self._file = file

    async def write_at(self, offset: int, data: bytes) -> None:
        await self._told(self._file.write_at(offset, data))

    async def sync(self) -> None:
        await self._told(self._file.sync())

    async def close(self) -> None:
        await self._told(self._file.close())


class _WatchedStore(_Watched):
    def __init__(self, store: Store, alive: Alive) -> None:
        super().__init__(alive)
        self._store = store

    @property
    def assurance(self) -> Assurance:
        return self._store.assurance

    async def list_dir(self, path: str) -> Sequence[str]:
        return await self._told(self._store.list_dir(path))

    async def stat(self, path: str) -> RemoteStat | None:
        return await self._told(self._store.stat(path))

    async def read(self, path: str, limit: int) -> bytes:
        return await self._told(self._store.read(path, limit))

    async def read_at(self, path: str, offset: int, size: int) -> bytes:
        return await self._told(self._store.read_at(path, offset, size))

    async def make_dirs(self, path: str) -> None:
        await self._told(self._store.make_dirs(path))

    async def create(self, path: str) -> RemoteFile:
        return _WatchedFile(await self._told(self._store.create(path)), self._alive)

    async def reopen(self, path: str) -> RemoteFile:
        return _WatchedFile(await self._told(self._store.reopen(path)), self._alive)

    async def rename(self, source: str, target: str) -> None:
        await self._told(self._store.rename(source, target))

    async def space(self) -> RemoteSpace | None:
        return await self._told(self._store.space())

    async def close(self) -> None:
        await self._told(self._store.close())
