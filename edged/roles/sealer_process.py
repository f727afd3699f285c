"""A sealer as a child process: one order at a time."""

import asyncio
import os

import msgspec

from drivers.worker.messages import Failed
from edged.errors import DiskError, ErrorCode
from edged.roles.base import KILL_S, OnProgress, Progress, SealOrder
from edged.roles.channel import ChannelClosedError
from edged.roles.child import Child
from edged.roles.failures import sealer_failure
from edged.roles.pace import Limits, Pace, Sample
from edged.vault import messages as m
from edged.vault.sealing import Sealed

_reports: msgspec.json.Decoder[m.Report] = msgspec.json.Decoder(m.Report)


class SealerProcess:
    """Sends orders, judges the pace, returns the result."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.in_step = True  # False: to be ended, not used again

    async def begin(self, order: SealOrder, size: int, offset: int, turns: int, tell: OnProgress) -> int:
        """Give the order; return the offset from which the source is wanted. Raises DiskError."""
        if order.part is None:
            message: msgspec.Struct = m.Compare(size=size)
            fds: list[int] = []
        else:
            message = m.Store(size=size, resume_to=offset, asker=self.child.pid)
            fds = [order.part.file.fileno(), order.part.marks.fileno(), turns]
        await self._send(message, fds)
        found = await self._until_end(order.limits, size, tell)
        self.in_step = False  # it waits for its source now
        if not isinstance(found, m.Ready) or not 0 <= found.offset <= offset:
            raise self._out_of_step(found)
        return found.offset

    async def feed(self, source: int) -> None:
        """Hand over the pipe's read end; it is closed here."""
        try:
            await self._send(m.Source(), [source])
        finally:
            os.close(source)

    async def result(self, limits: Limits, size: int, tell: OnProgress) -> Sealed:
        """Wait for the end. Raises CameraError and DiskError, from the sealer or because of its pace."""
        found = await self._until_end(limits, size, tell)
        if not isinstance(found, m.Finished):
            raise self._out_of_step(found)
        return Sealed(
            size=found.size,
            sha256=found.sha256,
            fingerprint=found.fingerprint,
            medium=found.medium,
            resumed_from=found.resumed_from,
            received=found.received,
            film_began=found.film_began,
            film_ms=found.film_ms,
        )

    async def rehash(self, fd: int, size: int, limits: Limits) -> Sealed:
        """Have the file behind ``fd`` read from the medium. Raises DiskError."""
        await self._send(m.Rehash(size=size), [fd])
        return await self.result(limits, size, lambda _: None)

    def kill(self) -> None:
        self.in_step = False
        self.child.kill()

    async def _until_end(self, limits: Limits, size: int, tell: OnProgress) -> m.Ready | m.Finished:
        loop = asyncio.get_running_loop()
        pace = Pace(limits, loop.time())
        while True:
            report = await self._receive(limits.silent_s)
            match report:
                case m.Beat():
                    sample = Sample(report.phase, report.done, report.received, report.waited_s)
                    if (error := pace.feed(loop.time(), sample)) is not None:
                        raise error
                    tell(Progress(report.phase, report.done, size))
                case Failed():
                    self.in_step = True
                    raise sealer_failure(report)
                case _:
                    self.in_step = True
                    return report

    async def _receive(self, silent_s: float) -> m.Report:
        self.in_step = False  # until the end of the order has come
        try:
            async with asyncio.timeout(silent_s):
                return _reports.decode(await self.child.channel.receive())
        except TimeoutError as exc:
            raise DiskError(ErrorCode.PROCESS_DIED, why="silent", **self.child.story()) from exc
        except ChannelClosedError as exc:
            raise await self._died() from exc
        except (ValueError, RecursionError) as exc:  # what msgspec raises, its own errors included
            raise self._out_of_step(exc) from exc

    async def _send(self, message: msgspec.Struct, fds: list[int]) -> None:
        self.in_step = False
        try:
            async with asyncio.timeout(KILL_S):  # a few hundred bytes into an empty socket
                await self.child.channel.send(msgspec.json.encode(message), fds)
        except (ChannelClosedError, TimeoutError) as exc:
            raise await self._died() from exc

    async def _died(self) -> DiskError:
        self.kill()
        await self.child.end(KILL_S)
        return DiskError(ErrorCode.PROCESS_DIED, **self.child.story())

    def _out_of_step(self, found: object) -> DiskError:
        self.kill()
        return DiskError(ErrorCode.PROCESS_DIED, why=f"out of step: {found!r}"[:200], **self.child.story())
