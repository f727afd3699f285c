"""One file to the centre: positional writes under a temporary name, resumed where the bytes are proved.

1. The temporary name is new for every attempt that cannot prove anything of the one before, so that two
   couriers of one station never write into one file.
2. A prefix is proved by what the centre synced (acknowledged, and its last block read back), and beyond
   that by reading back and comparing. The size of a file proves nothing: writes may arrive out of order.
3. Three clocks: idle, minimum rate, absolute. Whichever runs out ends the conversation.
4. All of the source is hashed on the way, proved prefix included.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

from edged.ports import Clock, File, FileSystem
from sync.store import ABOUT_ONE_PATH, Assurance, RemoteFile, Store, StoreError, TransferStalledError

CHUNK = 256 * 1024
TAIL = 64 * 1024  # of the synced prefix, read back before it is believed
SYNC_EVERY = 8 * 1024 * 1024
IN_FLIGHT = 2 * 1024 * 1024  # what a store may have sent without an answer
NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """Seconds and bytes a second; see `sync.config.SyncConfig`."""

    idle_s: float
    min_rate: int
    rate_window_s: float
    absolute_s: float
    rate_limit: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """A file begun at the centre."""

    path: str
    synced: int


async def _nothing() -> None:
    return


@dataclass(slots=True, kw_only=True)
class Watch:
    """Told what a transfer does."""

    began: Callable[[str], None] = lambda _path: None
    resumed: Callable[[int], None] = lambda _offset: None
    spoiled: Callable[[], None] = lambda: None  # what was begun must not be gone on with
    synced: Callable[[int], None] = lambda _size: None
    moved: Callable[[int], None] = lambda _offset: None
    between: Callable[[], Awaitable[None]] = _nothing  # other work on the same conversation, at most seconds


@dataclass(slots=True)
class Sent:
    """What lies at the centre under ``path`` now; ``sha256`` of the local source as it was read."""

    path: str
    size: int
    sha256: str


class Transfer:
    """Sends files over one conversation."""

    def __init__(
        self,
        store: Store,
        fs: FileSystem,
        clock: Clock,
        clocks: Clocks,
        alive: Callable[[float], None] = lambda _more_s: None,
    ) -> None:
        self._store = store
        self._alive = alive  # see `sync.progress.Alive`
        self._fs = fs
        self._clock = clock
        self._clocks = clocks

    async def send(self, source: str, new_path: str, part: Part | None, watch: Watch) -> Sent:
        """Bring all of ``source`` to the centre and sync it there; ``new_path`` if ``part`` is of no use.

        Raises:
            StoreError: what the centre did; TransferStalledError: a clock ran out.
            OSError: the local file cannot be read.
        """
        file = await asyncio.to_thread(self._fs.open, source)
        try:
            pace = Pace(self._clock, self._clocks, file.size())
            proved = await self._proved(part, file) if part else -1
            if part is None or proved < 0:
                part, proved = Part(new_path, 0), 0
                async with self._idle():
                    remote = await self._store.create(part.path)
                watch.began(part.path)
            else:
                async with self._idle():
                    remote = await self._store.reopen(part.path)
                watch.resumed(proved)
            digest = await self._pour(file, remote, proved, pace, watch)
            await self._require_size(part.path, file.size())
            return Sent(part.path, file.size(), digest)
        finally:
            file.close()

    async def equal(self, path: str, source: str) -> bool:
        """Whether the file at the centre is byte for byte the local one. It is read back as a whole."""
        file = await asyncio.to_thread(self._fs.open, source)
        try:
            async with self._idle():
                found = await self._store.stat(path)
            if found is None or found.is_dir or found.size != file.size():
                return False
            return await self._same_until(path, file, 0, found.size) == found.size
        finally:
            file.close()

    async def _pour(self, file: File, remote: RemoteFile, offset: int, pace: "Pace", watch: Watch) -> str:
        try:
            digest = await self._write(file, remote, offset, pace, watch)
            async with self._idle(IN_FLIGHT):
                await remote.close()
        except (StoreError, OSError):
            with suppress(StoreError):  # frees the handle; the failure before is the one that counts
                async with self._idle():
                    await remote.close()
            raise
        return digest

    async def _write(self, file: File, remote: RemoteFile, start: int, pace: "Pace", watch: Watch) -> str:
        digest = hashlib.sha256()
        offset = synced = 0
        size = file.size()
        while offset < size:
            data = await asyncio.to_thread(file.read_at, offset, min(CHUNK, size - offset))
            if not data:
                break  # shorter than a moment ago: the sizes will not agree
            await asyncio.to_thread(digest.update, data)
            if offset + len(data) > start:
                async with self._idle(len(data)):
                    await remote.write_at(offset, data)
                await pace.passed(len(data))
                with pace.paused():
                    await watch.between()
            offset += len(data)
            watch.moved(offset)
            self._alive(0)  # what is proved already passes without a word of the centre
            if offset - synced >= SYNC_EVERY and offset > start:
                synced = await self._sync(remote, offset, watch)
        await self._sync(remote, offset, watch)
        return digest.hexdigest()

    async def _sync(self, remote: RemoteFile, offset: int, watch: Watch) -> int:
        try:
            async with self._idle(IN_FLIGHT):
                await remote.sync()
        except ABOUT_ONE_PATH:
            # The centre's kernel may have dropped what it could not write and still show it to a reader,
            # so nothing of this file can be proved any more.
            watch.spoiled()
            raise
        if self._store.assurance is Assurance.SYNCED:
            watch.synced(offset)
        return offset

    async def _proved(self, part: Part, file: File) -> int:
        """Return how many bytes of ``part`` are proved to be the file's first; -1: start another one."""
        async with self._idle():
            found = await self._store.stat(part.path)
        if found is None or found.is_dir or found.size > file.size():
            return -1
        synced = part.synced if self._store.assurance is Assurance.SYNCED else 0
        if 0 < synced <= found.size:
            tail = max(0, synced - TAIL)
            if await self._same_until(part.path, file, tail, synced) == synced:
                return await self._same_until(part.path, file, synced, found.size)
        return await self._same_until(part.path, file, 0, found.size)

    async def _same_until(self, path: str, file: File, start: int, end: int) -> int:
        """Return the offset up to which, from ``start``, both are equal: a chunk's border, or ``end``."""
        offset = start
        while offset < end:
            size = min(CHUNK, end - offset)
            async with self._idle(size):
                remote = await self._store.read_at(path, offset, size)
            local = await asyncio.to_thread(file.read_at, offset, size)
            if remote != local or len(remote) != size:
                break
            offset += size
        return offset

    async def _require_size(self, path: str, size: int) -> None:
        async with self._idle():
            found = await self._store.stat(path)
        if found is None or found.size != size:
            there = -1 if found is None else found.size
            raise StoreError(path=path, reason="another size than was written", size=size, there=there)

    @asynccontextmanager
    async def _idle(self, size: int = 0) -> AsyncIterator[None]:
        """A deadline for a call that has to wait until ``size`` bytes went through, at the least rate."""
        limit = self._clocks.idle_s + size / self._clocks.min_rate
        self._alive(limit)
        try:
            async with asyncio.timeout(limit):
                yield
        except TimeoutError as exc:
            raise TransferStalledError(clock="idle", after_s=round(limit)) from exc


class Pace:
    """Minimum rate and absolute time of one transfer; also holds it to the configured rate."""

    def __init__(self, clock: Clock, clocks: Clocks, size: int) -> None:
        self._clock = clock
        self._clocks = clocks
        self._window_began = self._now()
        self._window_bytes = 0
        self._deadline = self._now() + int((clocks.absolute_s + size / clocks.min_rate) * NS)

    async def passed(self, size: int) -> None:
        """Count ``size`` bytes, wait if they went too fast, raise if too slowly.

        Raises:
            TransferStalledError: the rate over the last window, or the whole time.
        """
        self._window_bytes += size
        await self._slow_down(size)
        now = self._now()
        elapsed = (now - self._window_began) / NS
        if now > self._deadline:
            raise TransferStalledError(clock="absolute")
        if elapsed < self._clocks.rate_window_s:
            return
        rate = self._window_bytes / elapsed
        if rate < self._clocks.min_rate:
            raise TransferStalledError(clock="rate", bytes_per_s=int(rate))
        self._window_began, self._window_bytes = now, 0

    @contextmanager
    def paused(self) -> Iterator[None]:
        """What happens inside does not count against the transfer."""
        began = self._now()
        try:
            yield
        finally:
            spent = self._now() - began
            self._window_began += spent
            self._deadline += spent

    def _now(self) -> int:
        return self._clock.now().boottime_ns

    async def _slow_down(self, size: int) -> None:
        if self._clocks.rate_limit:
            await asyncio.sleep(size / self._clocks.rate_limit)
