"""A centre that misbehaves as it is told: wraps any store."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sync.store import Assurance, Dialler, RemoteFile, RemoteSpace, RemoteStat, Store


@dataclass
class Fault:
    """``effect`` is called before or after the operation; what it raises is what the courier sees."""

    operation: str
    path: str
    effect: Callable[[], None]
    after: bool = False
    skip: int = 0
    times: int = 1


@dataclass
class FaultyCentre:
    """A dialler. ``calls`` is what the courier did, in order: (operation, path)."""

    inner: Dialler
    faults: list[Fault] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    assurance: Assurance = Assurance.SYNCED
    connections: int = 0
    closed: int = 0
    slow: dict[str, float] = field(default_factory=dict)  # operation: seconds that it takes

    def fail(
        self,
        operation: str,
        error: Exception,
        *,
        path: str = "",
        after: bool = False,
        skip: int = 0,
        times: int = 1,
    ) -> None:
        def effect() -> None:
            raise error

        self.faults.append(Fault(operation, path, effect, after, skip, times))

    def on(self, operation: str, effect: Callable[[], None], *, path: str = "", after: bool = True) -> None:
        """Do something beside an operation, once."""
        self.faults.append(Fault(operation, path, effect, after))

    def paths(self, operation: str) -> list[str]:
        return [path for name, path in self.calls if name == operation]

    async def connect(self) -> Store:
        self.meet("connect", "", after=False)
        await self.take_time("connect")
        self.connections += 1
        return FaultyStore(self, await self.inner.connect())

    async def take_time(self, operation: str) -> None:
        if seconds := self.slow.get(operation):
            await asyncio.sleep(seconds)

    def meet(self, operation: str, path: str, *, after: bool) -> None:
        if not after:
            self.calls.append((operation, path))
        for fault in self.faults:
            if fault.operation == operation and fault.path in path and fault.after == after and fault.times:
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                fault.effect()


class FaultyStore:
    def __init__(self, centre: FaultyCentre, inner: Store) -> None:
        self._centre = centre
        self._inner = inner

    @property
    def assurance(self) -> Assurance:
        return self._centre.assurance

    async def list_dir(self, path: str) -> Sequence[str]:
        self._centre.meet("list_dir", path, after=False)
        return await self._inner.list_dir(path)

    async def stat(self, path: str) -> RemoteStat | None:
        self._centre.meet("stat", path, after=False)
        await self._centre.take_time("stat")
        return await self._inner.stat(path)

    async def read(self, path: str, limit: int) -> bytes:
        self._centre.meet("read", path, after=False)
        return await self._inner.read(path, limit)

    async def read_at(self, path: str, offset: int, size: int) -> bytes:
        self._centre.meet("read_at", path, after=False)
        return await self._inner.read_at(path, offset, size)

    async def make_dirs(self, path: str) -> None:
        self._centre.meet("make_dirs", path, after=False)
        await self._inner.make_dirs(path)

    async def create(self, path: str) -> RemoteFile:
        self._centre.meet("create", path, after=False)
        return FaultyFile(self._centre, await self._inner.create(path), path)

    async def reopen(self, path: str) -> RemoteFile:
        self._centre.meet("reopen", path, after=False)
        return FaultyFile(self._centre, await self._inner.reopen(path), path)

    async def rename(self, source: str, target: str) -> None:
        self._centre.meet("rename", target, after=False)
        await self._inner.rename(source, target)
        self._centre.meet("rename", target, after=True)

    async def space(self) -> RemoteSpace | None:
        return await self._inner.space()

    async def close(self) -> None:
        self._centre.closed += 1
        await self._inner.close()


class FaultyFile:
    def __init__(self, centre: FaultyCentre, inner: RemoteFile, path: str) -> None:
        self._centre = centre
        self._inner = inner
        self._path = path

    async def write_at(self, offset: int, data: bytes) -> None:
        self._centre.meet("write_at", self._path, after=False)
        await asyncio.sleep(self._centre.slow.get("write_at", 0))
        await self._inner.write_at(offset, data)
        self._centre.meet("write_at", self._path, after=True)

    async def sync(self) -> None:
        self._centre.meet("sync", self._path, after=False)
        await self._centre.take_time("sync")
        await self._inner.sync()

    async def close(self) -> None:
        self._centre.meet("close", self._path, after=False)
        await self._inner.close()
