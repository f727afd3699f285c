"""Brings a file that lies on no card into the vault: copied, read back, sealed and delivered like what cameras hold.

The file stays where it lies, as it is. Cut off, it is a recording that was begun; brought once more, it is copied anew.
"""

import asyncio
import contextlib
from datetime import UTC, date, datetime, timedelta

from edged.errors import EdgeError
from edged.formats import facts as f
from edged.formats.line import Line
from edged.ports import FileSystem
from edged.shift.scene import refuse
from edged.station.offload import Tools, require_space, store_manifest
from edged.station_state import BY_HAND, Life
from edged.vault.disk_errors import disk_errors
from edged.vault.layout import Place, day_of
from edged.vault.sealing import BLOCK, Sealed, Sealing, Target
from edged.vault.vault import Part


class Bringing:
    """One for the station; ``turn`` is held by whoever brings something, so that it is one file at a time."""

    def __init__(self, tools: Tools) -> None:
        self._t = tools
        self.turn = asyncio.Lock()

    def listed(
        self,
        source: str,
        path: str,
        size: int,
        *,
        mtime: str = "",
        issue: str = "",
        officer: str = "",
        by: str,
    ) -> f.CameraListed:
        """Return the fact that gives a file its id. ``source``: camera or scanner; ``by``: where it comes from."""
        clip = f.ClipFact(
            recording=self._t.random.token(16).hex(), path=path, size=size, mtime=mtime, first_cluster=BY_HAND
        )
        return f.CameraListed(
            camera=source,
            slot=0,
            volume=by,
            filesystem="",
            complete=False,
            clips=(clip,),
            issue=issue,
            officer=officer,
        )

    async def bring(self, recording: str, file: str) -> Line:
        """Return the line that seals ``recording``, whose content is ``file``.

        Raises:
            EdgeError: CONFLICT, the file changes; DiskError. It is a recording that was begun, then.
        """
        known = self._t.recorder.state.recordings[recording]
        day = day_of(known.folder) if known.folder else self._today()
        place = self._t.vault.place(recording, day, known.path)
        try:
            sealed = await self._copied(recording, place, file, known.size)
        except EdgeError as exc:
            await self._interrupted(recording, place, exc)
            raise
        return await self._sealed(recording, place, sealed)

    async def _copied(self, recording: str, place: Place, file: str, size: int) -> Sealed:
        camera = self._t.recorder.state.recordings[recording].camera
        await require_space(self._t, size)
        await asyncio.to_thread(self._t.vault.set_aside, place)  # whole, and cut off before it was entered
        part = await asyncio.to_thread(self._t.vault.begin, place, size)
        try:
            await self._t.recorder.record(
                f.OffloadStarted(recording=recording, camera=camera, slot=0, offset=0, folder=place.folder)
            )
            sealed = await asyncio.to_thread(_copy, self._t.fs, file, part)
        finally:
            part.close()
        await asyncio.to_thread(self._t.vault.publish, place)
        return sealed

    async def _interrupted(self, recording: str, place: Place, error: EdgeError) -> None:
        if self._t.recorder.state.recordings[recording].life is Life.COPYING:
            with contextlib.suppress(EdgeError):
                await asyncio.to_thread(self._t.vault.give_up, place)
            told = f.OffloadInterrupted(
                recording=recording, held=0, code=error.code.number, reason=str(error)[:300]
            )
            await self._t.recorder.happened(told)

    async def _sealed(self, recording: str, place: Place, sealed: Sealed) -> Line:
        known = self._t.recorder.state.recordings[recording]
        line = await self._t.recorder.record(
            f.RecordingSealed(
                recording=recording,
                camera=known.camera,
                path=known.path,
                size=sealed.size,
                sha256=sealed.sha256,
                fingerprint=sealed.fingerprint,
                mtime=known.mtime,
                medium=sealed.medium,
                folder=place.folder,
                file=place.file,
                issue=known.issue,
                officer=known.officer,
                film_began=sealed.film_began[:32],
                film_ms=sealed.film_ms,
            )
        )
        await store_manifest(self._t, place, line)
        return line

    def _today(self) -> date:
        now = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self._t.clock.now().wall_ns // 1000)
        return now.date()


def _copy(fs: FileSystem, source: str, part: Part) -> Sealed:
    """Blocking. Raises DiskError; EdgeError CONFLICT: the file changes."""
    sealing = Sealing(
        Target(part.file, part.marks, lambda: fs.open_uncached(part.place.part)), size=part.size
    )
    sealing.prove()
    with disk_errors("import", source), contextlib.closing(fs.open(source)) as file:
        offset = 0
        while block := file.read_at(offset, min(BLOCK, part.size - offset)):
            sealing.write(block)
            offset += len(block)
        if offset != part.size or file.size() != part.size:
            raise refuse(path=source, expected="a file that does not change")
    return sealing.finish()
