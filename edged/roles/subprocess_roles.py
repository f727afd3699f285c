"""Workers and sealers as child processes.

Rule 1: a child that breaks off the conversation, or keeps it waiting past a deadline, is killed and never
    spoken to again; its owner starts another.
Rule 2: a child that does not die (uninterruptible sleep in the kernel) is abandoned and counted, and
    delays nobody (U15).
Rule 3: a copy that fails or is cancelled ends at its source first, so that the sealer makes durable what
    came in; it is given END_S for that.
Rule 4: every descriptor handed over is closed here at once; the children's ends are not inherited.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence

from drivers.worker.messages import Clip, CopyEnded
from edged.errors import CameraError, DiskError, EdgeError, ErrorCode
from edged.roles.base import END_S, OnProgress, SealOrder, Stranger, Worker
from edged.roles.child import Family
from edged.roles.ended import checked
from edged.roles.failures import held_of, with_held
from edged.roles.pace import Limits
from edged.roles.sealer_process import SealerProcess
from edged.roles.worker_process import WorkerProcess
from edged.roles.workers import Workers
from edged.vault.disk_errors import disk_errors
from edged.vault.scheduler import turns_file
from edged.vault.sealing import Sealed

SealerCommand = Callable[[int], Sequence[str]]
IDLE_SEALERS = 2  # kept for the next clip: a start takes a tenth of a second and more


def sealer_command(fd: int) -> Sequence[str]:
    return (sys.executable, "-m", "edged.vault.sealer_main", "--fd", str(fd))


class SubprocessRoles:
    """See `edged.roles.base.Roles`. One for a vault's disk: it holds the disk's write turns. Owns both arguments."""

    def __init__(self, family: Family, workers: Workers, *, sealer: SealerCommand = sealer_command) -> None:
        self._family, self._workers, self._sealer_command = family, workers, sealer
        self._turns = turns_file()
        self._idle: list[SealerProcess] = []

    @property
    def abandoned(self) -> int:
        """Processes that did not die when killed."""
        return self._family.abandoned

    async def start_worker(self, port: str) -> Worker:
        return await self._workers.start(port)

    async def transfer(
        self, worker: Worker, clip: Clip, offset: int, order: SealOrder, on_progress: OnProgress
    ) -> Sealed:
        if not isinstance(worker, WorkerProcess):
            raise TypeError("a worker of another adapter")
        async with worker.conversation(), self._sealer() as sealer:
            start = await sealer.begin(order, clip.size, offset, self._turns, on_progress)
            source = await worker.start_copy(clip, start, deadline_s=order.limits.idle_s)
            await sealer.feed(source)
            return await _Copy(worker, sealer, clip, start, order.limits, on_progress).run()

    async def cycle(self, port: str) -> bool:
        return await self._workers.cycle(port)

    def unshut(self) -> Mapping[int, EdgeError]:
        return self._workers.unshut()

    def strangers(self) -> Collection[Stranger]:
        return self._workers.strangers()

    async def rehash(self, path: str, size: int) -> Sealed:
        with disk_errors("rehash", path):
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            async with self._sealer() as sealer:
                return await sealer.rehash(fd, size, Limits())
        finally:
            os.close(fd)

    async def close(self) -> None:
        self._idle.clear()
        await self._workers.close()
        await self._family.close()
        turns, self._turns = self._turns, -1
        if turns >= 0:
            os.close(turns)

    @contextlib.asynccontextmanager
    async def _sealer(self) -> AsyncIterator[SealerProcess]:
        """A sealer for one order: an idle one, or a new one."""
        self._idle = [idle for idle in self._idle if not idle.child.ended]
        sealer = self._idle.pop() if self._idle else await self._start_sealer()
        try:
            yield sealer
        finally:
            if sealer.in_step and len(self._idle) < IDLE_SEALERS:
                self._idle.append(sealer)
            else:
                self._family.end_soon(sealer.child)

    async def _start_sealer(self) -> SealerProcess:
        try:
            child = await self._family.start("sealer", self._sealer_command)
        except OSError as exc:
            raise DiskError(ErrorCode.PROCESS_DIED, process="sealer", error=str(exc)) from exc
        return SealerProcess(child)


class _Copy:
    """The part of a transfer in which bytes flow from worker to sealer and both may fail."""

    def __init__(
        self,
        worker: WorkerProcess,
        sealer: SealerProcess,
        clip: Clip,
        start: int,
        limits: Limits,
        tell: OnProgress,
    ) -> None:
        self._worker, self._sealer = worker, sealer
        self._clip, self._start, self._limits, self._tell = clip, start, limits, tell

    async def run(self) -> Sealed:
        ended = asyncio.create_task(self._worker.end_copy(), name="end of copy")
        try:
            sealed = await self._sealer.result(self._limits, self._clip.size, self._tell)
            return self._checked(sealed, await self._source_end(ended))
        except CameraError as error:
            raise await self._source_failed(error, ended) from error
        except DiskError:
            await self._stop_source(ended)
            raise
        except asyncio.CancelledError:
            self._worker.break_off()
            await self._held()
            raise
        finally:
            ended.cancel()
            await asyncio.wait([ended])
            if not ended.cancelled():
                ended.exception()  # heard: it was raised above, or something worse was

    async def _source_end(self, ended: asyncio.Task[CopyEnded]) -> CopyEnded:
        """The worker's own end; it has nothing left to do but to say so."""
        await asyncio.wait([ended], timeout=END_S)
        if not ended.done():
            self._worker.break_off()
            raise CameraError(ErrorCode.CAMERA_SILENT, request="Copy", why="no end", held=0)
        return ended.result()

    async def _source_failed(self, error: CameraError, ended: asyncio.Task[CopyEnded]) -> CameraError:
        """Find out what the worker says, and how much of the copy can be resumed."""
        if self._sealer.in_step:  # the sealer saw the stream end: the worker knows why
            held = held_of(error)
            await asyncio.wait([ended], timeout=END_S)
        else:  # too slow, or nothing comes: the worker hangs
            self._worker.break_off()
            held = await self._held()
        if not ended.done():
            self._worker.break_off()
        elif isinstance(said := ended.exception(), CameraError) and self._sealer.in_step:
            error = said if not _is_verdict(error) else error
        return with_held(error, held)

    async def _held(self) -> int:
        """Let the sealer, whose source has gone, make durable what came in; return how much."""
        try:
            async with asyncio.timeout(END_S):
                await self._sealer.result(self._limits, self._clip.size, lambda _: None)
        except CameraError as error:
            return held_of(error) if self._sealer.in_step else 0
        except (DiskError, TimeoutError):
            pass
        return 0

    async def _stop_source(self, ended: asyncio.Task[CopyEnded]) -> None:
        """The pipe has no reader any more, which the worker notices at its next write."""
        if not self._sealer.in_step:
            self._sealer.kill()
        await asyncio.wait([ended], timeout=END_S)
        if not ended.done():
            self._worker.break_off()

    def _checked(self, sealed: Sealed, ended: CopyEnded) -> Sealed:
        return checked(sealed, ended, self._start, self._clip.size)


def _is_verdict(error: CameraError) -> bool:
    """Whether the sealer found the fault itself, rather than only seeing the stream end."""
    return error.code is not ErrorCode.CAMERA_LOST
