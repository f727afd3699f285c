"""Reads what was sealed shortly before the host went down from the medium once more.

A drive may call durable what lies in its cache only, and lose it with the power (fault K07): nothing but the bytes
shows it, and only after the power was gone. Until a copy was read again the gate keeps its source aboard (G3). Which
copies these are follows from the ledger, so that another cut in the midst of it forgets none.
"""

import asyncio
import errno

from edged.errors import DiskError, ErrorCode
from edged.formats import facts as f
from edged.station.doubts import damaged_alert
from edged.station.offload import Tools
from edged.station_state import Recording
from edged.vault.sealing import Sealed

AGAIN_S = 60.0  # before what could not be read is tried again


class Rereading:
    """``run`` until cancelled."""

    def __init__(self, tools: Tools) -> None:
        self._t = tools

    async def run(self) -> None:
        while True:
            await self._read_all()
            await asyncio.sleep(AGAIN_S)

    async def _read_all(self) -> None:
        due = [r for r in self._t.recorder.state.recordings.values() if r.reread_due]
        unread = [r for r in due if not await self._read(r)]
        if unread:
            await self._t.alerts.raise_("vault-unreadable", ErrorCode.DISK_FAULT, recording=unread[0].id)
        else:
            await self._t.alerts.withdraw("vault-unreadable")

    async def _read(self, recording: Recording) -> bool:
        """Read one and state what was found; False if the disk does not let it be read."""
        place = self._t.vault.at(recording.id, recording.folder, recording.file)
        try:
            found: Sealed | None = await self._t.roles.rehash(place.content, recording.size)
        except DiskError as exc:
            if exc.detail.get("errno") != errno.ENOENT:
                return False
            found = None
        if found is not None and (found.size, found.sha256) == (recording.size, recording.sha256):
            await self._t.recorder.record(f.RecordingReread(recording=recording.id, medium=found.medium))
        else:
            await self._lost(recording, found.sha256 if found is not None else "")
        return True

    async def _lost(self, recording: Recording, sha256: str) -> None:
        await self._t.recorder.record(f.RecordingCorrupted(recording=recording.id, sha256=sha256))
        await self._t.alerts.raise_(
            damaged_alert(recording.id), ErrorCode.READ_BACK_DIFFERS, recording=recording.id
        )
