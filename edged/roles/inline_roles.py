"""Workers and sealers without processes: the same conversation server and the same pipeline, called
block by block with a pause after each, so that a simulated world can cut at any of them."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from typing import Protocol, TypeAlias, TypeVar

from drivers.worker import messages as m
from drivers.worker.messages import Answer, Clip, Copy, CopyEnded, Failed, Request
from edged.errors import CameraError, CameraLostError, DiskError, EdgeError, ErrorCode
from edged.ports import FileSystem
from edged.roles.base import OnProgress, Progress, SealOrder, Stranger, Worker
from edged.roles.ended import checked
from edged.roles.failures import camera_failure, with_held
from edged.roles.pace import Pace, Sample
from edged.vault.sealing import Sealed, Sealing, Steps, Target, rehashing

T = TypeVar("T")
# Every request but Copy, as drivers.worker.serve has it; that module is not imported because it brings USB.
Plain: TypeAlias = (
    m.Identify
    | m.ReadClock
    | m.SetClock
    | m.ReadBattery
    | m.Assign
    | m.EnterDisk
    | m.ListClips
    | m.Fingerprint
    | m.Clear
)


Pause: TypeAlias = Callable[[], Awaitable[None]]


async def _turn() -> None:
    await asyncio.sleep(0)


class CopyRun(Protocol):
    """A running copy: its blocks, then its end. Raises CameraError while iterating."""

    def __iter__(self) -> Iterator[bytes]: ...

    def ended(self) -> CopyEnded: ...


class Server(Protocol):
    """What is needed of `drivers.worker.serve.WorkerServer`."""

    def handle(self, request: Plain) -> Answer: ...

    def copy(self, request: Copy) -> CopyRun: ...

    def failed(self, error: EdgeError) -> Failed: ...

    def close(self) -> None: ...


class InlineWorker:
    """See `edged.roles.base.Worker`."""

    def __init__(self, server: Server, pause: "Pause") -> None:
        self.server, self._pause = server, pause
        self.turn = asyncio.Lock()
        self.spent = False

    async def call(self, request: Request, *, deadline_s: float) -> Answer:
        """See `Worker.call`. The server blocks, so a deadline is judged afterwards."""
        if isinstance(request, Copy):
            raise TypeError("Copy goes through Roles.transfer")
        loop = asyncio.get_running_loop()
        async with self.turn:
            await asyncio.sleep(0)
            begun = loop.time()
            answer = self.server.handle(request)
            await self._pause()
        if loop.time() - begun > deadline_s:
            self.spent = True
            raise CameraError(ErrorCode.CAMERA_SILENT, request=type(request).__name__, deadline_s=deadline_s)
        if isinstance(answer, Failed):
            raise camera_failure(answer)
        return answer

    async def close(self) -> None:
        self.server.close()


class InlineRoles:
    """See `edged.roles.base.Roles`.

    Args:
        fs: the vault's file system, for reading back.
        connect: makes the server for the device at a port. Raises CameraError.
        pause: called after whatever a device did; waits for as long as the device took.
    """

    def __init__(
        self, fs: FileSystem, connect: Callable[[str], Server], pause: "Pause | None" = None
    ) -> None:
        self._fs, self._connect, self._pause = fs, connect, pause or _turn

    async def start_worker(self, port: str) -> Worker:
        await asyncio.sleep(0)
        return InlineWorker(self._connect(port), self._pause)

    async def transfer(
        self, worker: Worker, clip: Clip, offset: int, order: SealOrder, on_progress: OnProgress
    ) -> Sealed:
        if not isinstance(worker, InlineWorker):
            raise TypeError("a worker of another adapter")
        async with worker.turn:
            sealing = Sealing(self._target(order), size=clip.size, resume_to=offset)
            copy = _InlineCopy(worker.server, sealing, clip, order, on_progress, self._pause)
            try:
                return await copy.run()
            except CameraError as error:
                raise with_held(error, sealing.mark()) from error
            except asyncio.CancelledError:
                sealing.mark()
                raise

    def _target(self, order: SealOrder) -> Target | None:
        if (part := order.part) is None:
            return None
        return Target(part.file, part.marks, lambda: self._fs.open_uncached(part.place.part))

    async def cycle(self, port: str) -> bool:  # noqa: ARG002  # as a hub without switches
        return False

    def unshut(self) -> Mapping[int, EdgeError]:
        return {}

    def strangers(self) -> Collection[Stranger]:
        return ()

    async def rehash(self, path: str, size: int) -> Sealed:
        return await _stepped(rehashing(lambda: self._fs.open_uncached(path), size), lambda: None)

    async def close(self) -> None:
        await asyncio.sleep(0)


class _InlineCopy:
    def __init__(
        self,
        server: Server,
        sealing: Sealing,
        clip: Clip,
        order: SealOrder,
        tell: OnProgress,
        pause: "Pause",
    ) -> None:
        self._pause = pause
        self._server, self._sealing, self._clip, self._tell = server, sealing, clip, tell
        self._time = asyncio.get_running_loop().time
        self._pace = Pace(order.limits, self._time())
        self._waited_s = 0.0

    async def run(self) -> Sealed:
        start = await _stepped(self._sealing.proving(), self._note)
        ended = await self._take_source(start)
        sealed = await _stepped(self._sealing.finishing(), self._note)
        return checked(sealed, ended, start, self._clip.size)

    async def _take_source(self, start: int) -> CopyEnded:
        try:
            run = self._server.copy(Copy(clip=self._clip, offset=start))
            for block in self._timed(run):
                begun = self._time()
                await self._pause()
                self._waited_s += self._time() - begun
                self._take(block)
                self._note()
            ended = run.ended()
        except DiskError:
            raise
        except EdgeError as error:
            raise camera_failure(self._server.failed(error)) from error
        total = self._sealing.taken_over + self._sealing.received
        if total < self._clip.size:
            raise CameraLostError(why="the stream ended", size=self._clip.size, received=total - start)
        return ended

    def _take(self, block: bytes) -> None:
        total = self._sealing.taken_over + self._sealing.received
        if total + len(block) > self._clip.size:
            raise CameraError(ErrorCode.CAMERA_PROTOCOL, why="longer than listed", size=self._clip.size)
        self._sealing.write(block)

    def _timed(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """The blocks, with the time that the source takes for each counted."""
        source, end = iter(blocks), object()
        while True:
            asked = self._time()
            block = next(source, end)
            self._waited_s += self._time() - asked
            if not isinstance(block, bytes):
                return
            yield block

    def _note(self) -> None:
        sealing = self._sealing
        sample = Sample(sealing.phase, sealing.done, sealing.received, self._waited_s)
        if (error := self._pace.feed(self._time(), sample)) is not None:
            raise error
        self._tell(Progress(sealing.phase, sealing.done, self._clip.size))


async def _stepped(steps: Steps[T], note: Callable[[], None]) -> T:
    """Run a piece of work with a pause after each step."""
    while True:
        await asyncio.sleep(0)
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
        note()
