"""What disks and lines do when they do not do what they should. All of it is drawn from one generator a weather."""

import asyncio
import errno
import os
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from sync.store import (
    Assurance,
    CentreAuthError,
    CentreBusyError,
    CentreFullError,
    CentreGoneError,
    CentreKeyChangedError,
    CentreRefusedError,
    Dialler,
    RemoteFile,
    RemoteSpace,
    RemoteStat,
    Store,
    StoreError,
    TransferStalledError,
)
from tests.fakes.memory_fs import PowerCut
from tests.simulation.loop import PROCESS

CHANGES = frozenset(
    {
        *("create", "rename", "replace", "remove", "protect", "mkdir", "sync_dir"),
        *("write_at", "allocate", "cut", "sync", "sync_data"),
    }
)
"""Calls of the file system that change something or make it durable: where a cut is told apart from the next one."""
SYNCS = frozenset({"sync", "sync_data", "sync_dir"})
ANSWER_S = 60.0  # the real store ends a conversation in which the centre is silent for so long


@dataclass(frozen=True, slots=True)
class Storm:
    """For a while, calls fail with a chance each."""

    until: float
    calls: frozenset[str]
    errno: int
    chance: float
    path: str = ""


class DiskWeather:
    """The `weather` of a `MemoryFS`: ends calls of dead processes, cuts the power, lets calls fail.

    Attributes:
        cut_in: so many changing calls are carried out, then ``on_cut`` is called before the next one.
        cut_at: only these count for ``cut_in``: a call, and a part of its path. None: all.
        changes: changing calls so far.
        spoils: so many files of the vault will lie otherwise on the medium than they were written; ``spoil`` is
            called with the path of each, between its sync and whatever is done next.
    """

    def __init__(self, rng: random.Random, clock: Callable[[], float], on_cut: Callable[[], None]) -> None:
        self._rng, self._clock, self._on_cut = rng, clock, on_cut
        self.cut_in: int | None = None
        self.cut_at: tuple[str, str] | None = None
        self.changes = 0
        self.storms: list[Storm] = []
        self.spoils = 0
        self.spoil: Callable[[str], None] = lambda _: None
        self._synced = ""
        self.faults: Counter[str] = Counter()

    def __call__(self, call: str, path: str) -> None:
        process = PROCESS.get()
        if process is None:
            return  # the world itself looks, or puts something there
        if call in CHANGES and process.alive:
            self._count(call, path)
        if not process.alive:
            raise PowerCut(f"{process.name} is dead: {call} {path}")
        self._spoil(call, path)
        for storm in self.storms:
            if call in storm.calls and storm.path in path and self._rng.random() < storm.chance:
                self.faults[f"disk-{errno.errorcode[storm.errno]}-{call}"] += 1
                raise OSError(storm.errno, os.strerror(storm.errno), path)

    def _spoil(self, call: str, path: str) -> None:
        if self._synced:
            self.spoil(self._synced)
        self._synced = ""
        if self.spoils and call == "sync" and path.endswith(".part") and "/recordings/" in path:
            self.spoils, self._synced = self.spoils - 1, path

    def _count(self, call: str, path: str) -> None:
        self.changes += 1
        counts = self.cut_at is None or (call == self.cut_at[0] and self.cut_at[1] in path)
        if self.cut_in is not None and counts:
            self.cut_in -= 1
            if self.cut_in < 0:
                self.no_cut()
                self._on_cut()

    def no_cut(self) -> None:
        self.cut_in = self.cut_at = None

    def pass_on(self) -> None:
        """Let storms end whose time is over."""
        now = self._clock()
        self.storms = [storm for storm in self.storms if storm.until > now]


# --- the line to the centre ---------------------------------------------------------------------------

ERRORS: dict[str, type[StoreError]] = {
    "gone": CentreGoneError,
    "busy": CentreBusyError,
    "full": CentreFullError,
    "refused": CentreRefusedError,
    "login": CentreAuthError,
    "key": CentreKeyChangedError,
    "stall": TransferStalledError,
}
AT_CONNECT = frozenset({"busy", "login", "key"})
"""What a centre says before a conversation begins; everything else it says in the middle of one."""


@dataclass
class NetWeather:
    """A dialler: the real one, over a line that does what ``chances`` says.

    ``chances``: kind of ERRORS, or "late" (the answer is lost after the work was done), to the chance of each
    operation.
    """

    inner: Dialler
    rng: random.Random
    up: bool = True
    latency_s: tuple[float, float] = (0.0005, 0.02)
    chances: dict[str, float] = field(default_factory=dict)
    cannot_sync: bool = False
    faults: Counter[str] = field(default_factory=Counter)

    async def connect(self) -> Store:
        await self.meet(connecting=True)
        return HostileStore(self, await self.inner.connect())

    async def meet(self, *, connecting: bool = False) -> None:
        """One trip to the centre, before anything is done there."""
        await asyncio.sleep(self.rng.uniform(*self.latency_s))
        if not self.up:
            self.faults["net-down"] += 1
            raise CentreGoneError(reason="no line")
        for kind, chance in self.chances.items():
            if kind == "late" or (kind in AT_CONNECT) != connecting or self.rng.random() >= chance:
                continue
            self.faults[f"net-{kind}"] += 1
            if kind == "stall":
                await asyncio.sleep(ANSWER_S)
            raise ERRORS[kind](reason="the weather")

    def answer(self) -> None:
        """The work is done; does the answer arrive?"""
        if self.rng.random() < self.chances.get("late", 0.0):
            self.faults["net-late"] += 1
            raise CentreGoneError(reason="the answer was lost")


class HostileStore:
    """See `sync.store.Store`. Over after the first thing that is not about one path alone."""

    def __init__(self, net: NetWeather, inner: Store) -> None:
        self._net, self._inner = net, inner
        self.over = False

    @property
    def assurance(self) -> Assurance:
        return Assurance.WRITTEN if self._net.cannot_sync else self._inner.assurance

    async def trip(self) -> None:
        if self.over:
            raise CentreGoneError(reason="this conversation is over")
        try:
            await self._net.meet()
        except (CentreGoneError, TransferStalledError, asyncio.CancelledError):
            self.over = True
            raise

    async def list_dir(self, path: str) -> list[str]:
        await self.trip()
        return list(await self._inner.list_dir(path))

    async def stat(self, path: str) -> RemoteStat | None:
        await self.trip()
        return await self._inner.stat(path)

    async def read(self, path: str, limit: int) -> bytes:
        await self.trip()
        return await self._inner.read(path, limit)

    async def read_at(self, path: str, offset: int, size: int) -> bytes:
        await self.trip()
        return await self._inner.read_at(path, offset, size)

    async def make_dirs(self, path: str) -> None:
        await self.trip()
        await self._inner.make_dirs(path)

    async def create(self, path: str) -> RemoteFile:
        await self.trip()
        return HostileFile(self, self._net, await self._inner.create(path))

    async def reopen(self, path: str) -> RemoteFile:
        await self.trip()
        return HostileFile(self, self._net, await self._inner.reopen(path))

    async def rename(self, source: str, target: str) -> None:
        await self.trip()
        await self._inner.rename(source, target)
        self.answered()

    async def space(self) -> RemoteSpace | None:
        return await self._inner.space()

    async def close(self) -> None:
        self.over = True
        await self._inner.close()

    def answered(self) -> None:
        try:
            self._net.answer()
        except CentreGoneError:
            self.over = True
            raise


class HostileFile:
    """See `sync.store.RemoteFile`."""

    def __init__(self, store: HostileStore, net: NetWeather, inner: RemoteFile) -> None:
        self._store, self._net, self._inner = store, net, inner

    async def write_at(self, offset: int, data: bytes) -> None:
        await self._store.trip()
        await self._inner.write_at(offset, data)
        self._store.answered()

    async def sync(self) -> None:
        await self._store.trip()
        if not self._net.cannot_sync:
            await self._inner.sync()
        self._store.answered()

    async def close(self) -> None:
        if not self._store.over:
            await self._store.trip()
        await self._inner.close()
