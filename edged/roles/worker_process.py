"""One slot's worker in a process of its own, whoever started it."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from typing import Protocol

import msgspec

from drivers.worker import messages as m
from edged.errors import CameraError, ErrorCode
from edged.roles.base import END_S, KILL_S
from edged.roles.channel import Channel, ChannelClosedError
from edged.roles.failures import camera_failure

_decode = msgspec.json.Decoder(m.Answer).decode

ANSWER: dict[type[m.Request], type[m.Answer]] = {
    m.Identify: m.Identified,
    m.ReadClock: m.ClockRead,
    m.SetClock: m.Done,
    m.ReadBattery: m.BatteryRead,
    m.Assign: m.Done,
    m.EnterDisk: m.Done,
    m.ListClips: m.ClipsListed,
    m.Copy: m.CopyStarted,
    m.Fingerprint: m.FingerprintRead,
    m.Clear: m.Cleared,
}


class Partner(Protocol):
    """The process at the other end: a child of ours, or one that came to us."""

    @property
    def channel(self) -> Channel: ...

    @property
    def gone(self) -> ErrorCode:
        """What it means that its channel is closed."""
        ...

    def story(self) -> dict[str, str | int]:
        """What is known of it, for the detail of an error."""
        ...

    def kill(self) -> None:
        """It is out of step: end it without waiting."""
        ...

    def distrust(self) -> None:
        """It said that the device is no camera, or became another: nobody is to talk to that any more."""
        ...

    async def end(self, patience_s: float) -> None:
        """The conversation is over. Returns within ``patience_s`` and KILL_S; repeatable."""
        ...


class WorkerProcess:
    """See `edged.roles.base.Worker`. One conversation, from start to the first thing that breaks it."""

    def __init__(self, partner: Partner) -> None:
        self._partner = partner
        self._turn = asyncio.Lock()
        self._useless = False

    @property
    def spent(self) -> bool:
        return self._useless

    async def call(self, request: m.Request, *, deadline_s: float) -> m.Answer:
        if isinstance(request, m.Copy):
            raise TypeError("Copy goes through Roles.transfer")
        async with self._turn:
            return await self._ask(request, deadline_s)

    async def close(self) -> None:
        self._useless = True
        await self._partner.end(END_S)

    # --- a copy: for Roles.transfer ---

    def conversation(self) -> asyncio.Lock:
        """Held for a whole copy, so that no other request comes between."""
        return self._turn

    async def start_copy(self, clip: m.Clip, offset: int, *, deadline_s: float) -> int:
        """Ask for a copy; return the read end of its pipe, which is the caller's to close."""
        try:
            await self._ask(m.Copy(clip=clip, offset=offset), deadline_s)
        except BaseException:
            _close_all(self._partner.channel.take_fds())
            raise
        fds = self._partner.channel.take_fds()
        if len(fds) != 1:
            _close_all(fds)
            self.break_off()
            raise CameraError(ErrorCode.CAMERA_PROTOCOL, why="no pipe beside the answer", fds=len(fds))
        return fds[0]

    async def end_copy(self) -> m.CopyEnded:
        """Wait for the end of the copy. The caller sets the deadline."""
        answer = await self._receive(m.CopyEnded)
        assert isinstance(answer, m.CopyEnded)
        return answer

    def break_off(self) -> None:
        """Kill the worker: its conversation cannot be trusted to be in step any more."""
        self._useless = True
        self._partner.kill()

    # --- inside ---

    async def _ask(self, request: m.Request, deadline_s: float) -> m.Answer:
        if self._useless:
            raise CameraError(ErrorCode.PROCESS_DIED, **self._partner.story())
        try:
            async with asyncio.timeout(deadline_s):
                async with self._unbroken():
                    await self._partner.channel.send(msgspec.json.encode(request))
                return await self._receive(ANSWER[type(request)])
        except TimeoutError as exc:
            kind = type(request).__name__
            raise CameraError(ErrorCode.CAMERA_SILENT, request=kind, deadline_s=deadline_s) from exc

    async def _receive(self, expected: type[m.Answer]) -> m.Answer:
        async with self._unbroken():
            try:
                answer = _decode(await self._partner.channel.receive())
            except (ValueError, RecursionError) as exc:  # what msgspec raises, its own errors included
                raise CameraError(
                    ErrorCode.CAMERA_PROTOCOL, why="not an answer", found=str(exc)[:200]
                ) from exc
            if not isinstance(answer, (expected, m.Failed)):
                found = type(answer).__name__
                raise CameraError(ErrorCode.CAMERA_PROTOCOL, why="another answer", found=found)
        if isinstance(answer, m.Failed):
            error = camera_failure(answer)
            if error.code is ErrorCode.CAMERA_FORBIDDEN_INTERFACE:
                self._partner.distrust()
            raise error
        return answer

    @contextlib.asynccontextmanager
    async def _unbroken(self) -> AsyncIterator[None]:
        """Whatever leaves this block as an exception, a deadline and a cancel included, ends the worker."""
        try:
            yield
        except ChannelClosedError as exc:
            self._useless = True
            await self._partner.end(KILL_S)  # it is ending by itself: its status tells why
            raise CameraError(self._partner.gone, **self._partner.story()) from exc
        except BaseException:
            self.break_off()
            raise


def _close_all(fds: list[int]) -> None:
    for fd in fds:
        os.close(fd)
