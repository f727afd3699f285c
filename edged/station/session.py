"""One camera in one slot, from its arrival to its departure.

The session outlives workers: a camera that becomes a disk or is power-cycled leaves the bus and comes back, and a
second worker continues. What comes back must be what left (fault U10), else the conversation is over.
"""

import asyncio
from dataclasses import dataclass
from typing import TypeVar

from drivers.worker import messages as m
from edged.errors import CameraError, EdgeError, ErrorCode
from edged.roles.base import OnProgress, Roles, SealOrder, Worker
from edged.station.presence import Presence
from edged.vault.sealing import Sealed

ANSWER_S = (
    20.0  # a camera's slowest plain answer is 10 s (SCSI pass-through of the field's clients), twice that
)
LIST_S = 120.0  # 65,536 directory entries from a slow card
CLEAR_S = 120.0

BUSY_TRIES, BUSY_S = 5, 0.2
_ENDS_WORKER = frozenset({ErrorCode.PROCESS_DIED, ErrorCode.CAMERA_SILENT, ErrorCode.CAMERA_LOST})
WORKERS_A_DOCKING = 3
A = TypeVar("A", bound=m.Answer)


@dataclass(slots=True)
class Deaths:
    """Workers of one docking that ended, or had to be ended, at work, with nothing brought in or cleared since.

    One may be chance. The third means that this camera, or this port, breaks every worker.
    """

    count: int = 0

    @property
    def too_many(self) -> bool:
        return self.count >= WORKERS_A_DOCKING


class CameraSession:
    """See the module. One task talks at a time; the slot's keeper sees to that."""

    def __init__(self, roles: Roles, presence: Presence, port: str, deaths: Deaths) -> None:
        self._roles, self._deaths = roles, deaths
        self._presence = presence
        self._port = port
        self._worker: Worker | None = None
        self._generation = presence.generation
        self.identity: m.Identified | None = None
        self._mode = ""  # as it told last; another after each re-enumeration

    @property
    def known(self) -> m.Identified:
        """Who it is. RuntimeError before ``open``."""
        if self.identity is None:
            raise RuntimeError("the session is not open")
        return self.identity

    async def open(self) -> m.Identified:
        """Start a worker and ask who it is; later calls must find the same camera.

        Raises:
            CameraError: not there, refused by its interfaces, silent, or another camera than before.
        """
        self._generation = self._presence.generation
        found = await self._introduce()
        if self.identity is not None and not _same_camera(self.identity, found):
            raise CameraError(
                ErrorCode.CAMERA_FORBIDDEN_INTERFACE,
                swapped=True,
                reason="came back as something else",
                before=self.identity.usb_serial,
                now=found.usb_serial,
            )
        if self.identity is None:
            self.identity = found
        self._mode = found.mode
        return found

    async def _introduce(self) -> m.Identified:
        """A new worker's first answer. The last one's hold on the device may outlive it for a moment."""
        for tries_left in reversed(range(BUSY_TRIES)):
            await self.close()
            self._worker = await self._roles.start_worker(self._port)
            try:
                return await self.ask(m.Identify(), m.Identified)
            except EdgeError as exc:
                if exc.code is not ErrorCode.CONFLICT or not tries_left:
                    raise
            await asyncio.sleep(BUSY_S)
        raise AssertionError("unreachable: the last try returns or raises")

    async def ask(self, request: m.Request, answer: type[A], *, deadline_s: float = ANSWER_S) -> A:
        """Put one question to the camera.

        Raises:
            CameraError: as the worker told it, or CAMERA_PROTOCOL for an answer to another question.
        """
        worker = await self._at_work(request)
        try:
            got = await worker.call(request, deadline_s=deadline_s)
        except (CameraError, asyncio.CancelledError) as exc:
            await self._failed(worker, exc, introducing=isinstance(request, m.Identify))
            raise
        if not isinstance(got, answer):
            raise CameraError(ErrorCode.CAMERA_PROTOCOL, expected=answer.__name__, got=type(got).__name__)
        return got

    async def enter_disk(self) -> bool:
        """Whether it is a disk now. False: it was told to become one and leaves the bus."""
        await self._at_work(None)
        if not self.known.capabilities.disk_mode_switch or self._mode == "disk":
            return True
        await self.ask(m.EnterDisk(), m.Done)
        await self.close()
        return False

    async def listing(self) -> m.ClipsListed:
        return await self.ask(m.ListClips(), m.ClipsListed, deadline_s=LIST_S)

    async def transfer(self, clip: m.Clip, offset: int, order: SealOrder, on_progress: OnProgress) -> Sealed:
        """Let the bytes of ``clip`` run from the worker to a sealer. Raises CameraError or DiskError."""
        worker = await self._at_work(None)
        try:
            sealed = await self._roles.transfer(worker, clip, offset, order, on_progress)
        except (CameraError, asyncio.CancelledError) as exc:
            await self._failed(worker, exc)
            raise
        self._deaths.count = 0
        return sealed

    async def clear(self, clips: tuple[m.Clip, ...]) -> m.Cleared:
        cleared = await self.ask(m.Clear(clips=clips), m.Cleared, deadline_s=CLEAR_S)
        self._deaths.count = 0
        return cleared

    async def _failed(
        self, worker: Worker, exc: CameraError | asyncio.CancelledError, *, introducing: bool = False
    ) -> None:
        if isinstance(exc, CameraError) and worker.spent and exc.code is not ErrorCode.CAMERA_LOST:
            # A camera that does not even say who it is in time: that is what the state SILENT is for.
            self._deaths.count += not (introducing and exc.code is ErrorCode.CAMERA_SILENT)
        if not isinstance(exc, CameraError) or exc.code in _ENDS_WORKER:
            await self.close()

    async def close(self) -> None:
        """End the worker. The camera stays who it is."""
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.close()

    async def _at_work(self, request: m.Request | None) -> Worker:
        """The worker; a new one where the last was ended and the camera is still on the bus."""
        if self._worker is None and self.identity is not None and not isinstance(request, m.Identify):
            if not self._presence.connected:
                raise CameraError(ErrorCode.CAMERA_LOST, reason="not on the bus")
            await self.open()
        if self._worker is None:
            raise CameraError(ErrorCode.CAMERA_LOST, reason="no worker")
        return self._worker


def _same_camera(before: m.Identified, now: m.Identified) -> bool:
    if before.usb_serial != now.usb_serial or before.vendor_id != now.vendor_id:
        return False
    # A camera in disk mode may not tell its product serial; one that tells another is another.
    return not (before.serial and now.serial and before.serial != now.serial)
