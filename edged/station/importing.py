"""Brings recovered data into the vault: copied, read back, sealed and delivered like what cameras hold.

The file stays where it lies. Cut off, it is a recording that was begun: an alert stands until it is entered once more
and copied anew.
"""

import asyncio
import contextlib
from datetime import UTC, date, datetime, timedelta

from edged.errors import EdgeError, ErrorCode
from edged.formats import facts as f
from edged.formats.line import Line
from edged.ports import FileSystem
from edged.shift.recovered_acts import FOLDER, RecoveredParams, accepted, require_designated
from edged.shift.scene import Scene, refuse
from edged.station.office import Office
from edged.station.offload import Tools, write_manifest
from edged.station_state import BY_HAND, Life
from edged.vault.disk_errors import disk_errors
from edged.vault.layout import Place
from edged.vault.sealing import BLOCK, Sealed, Sealing, Target
from edged.vault.vault import Part
from edged.verbs import Actor

UNFINISHED = "import-unfinished"


class Importing:
    """One for the station; one file at a time."""

    def __init__(self, folder: str, tools: Tools, office: Office) -> None:
        self._folder, self._t, self._office = folder, tools, office
        self._turn = asyncio.Lock()

    async def run(self, actor: Actor, p: RecoveredParams) -> Line:
        """Return the line that seals it.

        Raises:
            EdgeError: as `accepted`; NOT_FOUND, no such file; CONFLICT, it is sealed already, or it changes; DiskError.
        """
        require_designated(self._office.scene(actor))
        source = f"{self._folder}/{p.file}"
        size = await asyncio.to_thread(_size, self._t.fs, source)
        async with self._turn:
            recording, facts = self._begun(self._office.scene(actor), p, size)
            await self._office.enter(actor, lambda now: (*facts, accepted(now, p, recording, size)))
            place = self._t.vault.place(recording, self._today(), p.file)
            try:
                sealed = await self._copied(recording, place, source, size)
            except EdgeError as exc:
                await self._interrupted(recording, place, exc)
                raise
            return await self._sealed(recording, place, sealed)

    async def remind(self) -> None:
        """Raise an alert for each file that was accepted and is not sealed; withdraw those that are over."""
        if self._turn.locked():
            return
        state = self._t.recorder.state
        begun = {
            f"{UNFINISHED}:{r.id}": r
            for r in state.recordings.values()
            if r.first_cluster == BY_HAND and r.life is Life.MADE
        }
        for alert, recording in begun.items():
            await self._t.alerts.raise_(
                alert,
                ErrorCode.IMPORT_UNFINISHED,
                recording=recording.id,
                file=recording.path,
                camera=recording.camera,
            )
        for alert in [a for a in state.alerts if a.startswith(f"{UNFINISHED}:") and a not in begun]:
            await self._t.alerts.withdraw(alert)

    def _begun(self, scene: Scene, p: RecoveredParams, size: int) -> tuple[str, tuple[f.Fact, ...]]:
        """Its id, and what has to be said of it first: nothing where it was begun before."""
        path = FOLDER + p.file
        known = scene.station.recording_like(p.camera, path, size, "", BY_HAND)
        if known is not None and known.life is not Life.MADE:
            raise refuse(
                recording=known.id, life=known.life, expected="a file that was not brought in before"
            )
        if known is not None:
            return known.id, ()
        incident = scene.shift.incidents.get(p.incident)
        issue = scene.station.issues.get(incident.issue) if incident is not None else None
        clip = f.ClipFact(
            recording=self._t.random.token(16).hex(), path=path, size=size, mtime="", first_cluster=BY_HAND
        )
        listed = f.CameraListed(
            camera=p.camera,
            slot=0,
            volume=p.centre,
            filesystem="",
            complete=False,
            clips=(clip,),
            issue=issue.id if issue is not None else "",
            officer=issue.officer if issue is not None else "",
        )
        return clip.recording, (listed,)

    async def _copied(self, recording: str, place: Place, source: str, size: int) -> Sealed:
        camera = self._t.recorder.state.recordings[recording].camera
        part = await asyncio.to_thread(self._t.vault.begin, place, size)
        try:
            await self._t.recorder.record(
                f.OffloadStarted(recording=recording, camera=camera, slot=0, offset=0, folder=place.folder)
            )
            sealed = await asyncio.to_thread(_copy, self._t.fs, source, part)
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
                mtime="",
                medium=sealed.medium,
                folder=place.folder,
                file=place.file,
                issue=known.issue,
                officer=known.officer,
                film_began=sealed.film_began[:32],
                film_ms=sealed.film_ms,
            )
        )
        await asyncio.to_thread(write_manifest, self._t, place, line)
        return line

    def _today(self) -> date:
        now = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self._t.clock.now().wall_ns // 1000)
        return now.date()


def _size(fs: FileSystem, path: str) -> int:
    try:
        found = fs.stat(path)
    except OSError as exc:
        raise EdgeError(ErrorCode.NOT_FOUND, path=path, reason=exc.strerror or str(exc)) from exc
    if found.is_dir or found.size == 0:
        raise EdgeError(ErrorCode.NOT_FOUND, path=path, expected="a file with something in it")
    return found.size


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
