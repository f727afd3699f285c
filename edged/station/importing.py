"""Recovered data, as a designated person brings it in (459-III.12-recovered).

Cut off, it is a recording that was begun: an alert stands until it is entered once more.
"""

import asyncio

from edged.errors import EdgeError, ErrorCode
from edged.formats import facts as f
from edged.formats.line import Line
from edged.ports import FileSystem
from edged.shift.inventory import Sort
from edged.shift.recovered_acts import FOLDER, RecoveredParams, accepted, require_designated
from edged.shift.scene import Scene, refuse
from edged.station.bringing import Bringing
from edged.station.office import Office
from edged.station.offload import Tools
from edged.station_state import BY_HAND, Life
from edged.vault.disk_errors import disk_errors
from edged.verbs import Actor

UNFINISHED = "import-unfinished"


class Importing:
    """One for the station; one file at a time."""

    def __init__(self, folder: str, tools: Tools, office: Office, bringing: Bringing) -> None:
        self._folder, self._t, self._office, self._bringing = folder, tools, office, bringing

    async def run(self, actor: Actor, p: RecoveredParams) -> Line:
        """Return the line that seals it.

        Raises:
            EdgeError: as `accepted`; NOT_FOUND, no such file; CONFLICT, it is sealed already, or it changes; DiskError.
        """
        require_designated(self._office.scene(actor))
        source = f"{self._folder}/{p.file}"
        size = await asyncio.to_thread(_size, self._t.fs, source)
        async with self._bringing.turn:
            recording, facts = self._begun(self._office.scene(actor), p, size)
            await self._office.enter(actor, lambda now: (*facts, accepted(now, p, recording, size)))
            return await self._bringing.bring(recording, source)

    async def waiting(self) -> int:
        """Return how many files lie in the folder that nobody has brought in. Raises DiskError: nobody knows."""
        found = await asyncio.to_thread(_sizes, self._t.fs, self._folder)
        return sum(not self._is_brought(FOLDER + name, size) for name, size in found.items())

    def _is_brought(self, path: str, size: int) -> bool:
        """Of whichever camera it is."""
        state = self._t.recorder.state
        serials = {*state.cameras, *(item.serial for item in self._office.inventory.of(Sort.CAMERA))}
        return any(state.was_brought(serial, path, size, "") for serial in serials)

    async def remind(self) -> None:
        """Raise an alert for each file that was accepted and is not sealed; withdraw those that are over."""
        if self._bringing.turn.locked():
            return
        state = self._t.recorder.state
        begun = {
            f"{UNFINISHED}:{r.id}": r
            for r in state.recordings.values()
            if r.first_cluster == BY_HAND and r.life is Life.MADE and r.path.startswith(FOLDER)
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
        if known is not None and known.life is Life.MADE:
            return known.id, ()
        if known is not None or scene.station.was_brought(p.camera, path, size, ""):
            raise refuse(file=p.file, camera=p.camera, expected="a file that was not brought in before")
        incident = scene.shift.incidents.get(p.incident)
        issue = scene.station.issues.get(incident.issue) if incident is not None else None
        listed = self._bringing.listed(
            p.camera,
            path,
            size,
            issue=issue.id if issue is not None else "",
            officer=issue.officer if issue is not None else "",
            by=p.centre,
        )
        return listed.clips[0].recording, (listed,)


def _sizes(fs: FileSystem, folder: str) -> dict[str, int]:
    """Of the files in it, by name. Empty: there is no such folder."""
    with disk_errors("look", folder):
        try:
            found = {name: fs.stat(f"{folder}/{name}") for name in fs.list_dir(folder)}
        except FileNotFoundError:
            return {}
    return {name: stat.size for name, stat in found.items() if not stat.is_dir}


def _size(fs: FileSystem, path: str) -> int:
    try:
        found = fs.stat(path)
    except OSError as exc:
        raise EdgeError(ErrorCode.NOT_FOUND, path=path, reason=exc.strerror or str(exc)) from exc
    if found.is_dir or found.size == 0:
        raise EdgeError(ErrorCode.NOT_FOUND, path=path, expected="a file with something in it")
    return found.size
