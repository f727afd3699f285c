"""Reads what was sealed shortly before the host went down from the medium once more, and misses what is gone.

A drive may call durable what lies in its cache only, and lose it with the power (fault K07): nothing but the bytes
shows it, and only after the power was gone. Until a copy was read again the gate keeps its source aboard (G3). Which
copies these are follows from the ledger, so that another cut in the midst of it forgets none.

Beside that, every minute, whatever still counts here is looked for by name and size: a file that somebody deleted or
cut off (O01), or that an older copy of the disk never had (O07), is a lost copy too. Its clip is copied again where a
camera has it still. A vault that is not there as a whole is no such loss: it has to be mounted again.
"""

import asyncio
import errno
from collections.abc import Iterable

from edged.errors import DiskError, ErrorCode
from edged.formats import facts as f
from edged.station.doubts import damaged_alert
from edged.station.offload import Tools
from edged.station_state import Life, Recording
from edged.vault.sealing import Sealed

AGAIN_S = 60.0  # before what could not be read is tried again


class Rereading:
    """``run`` until cancelled."""

    def __init__(self, tools: Tools) -> None:
        self._t = tools

    async def run(self) -> None:
        while True:
            if await asyncio.to_thread(self._t.vault.is_here):
                await self._t.alerts.withdraw("vault-away")
                await self._read_all()
            else:
                await self._t.alerts.raise_("vault-away", ErrorCode.VAULT_UNFIT, path=self._t.vault.root)
            await asyncio.sleep(AGAIN_S)

    async def _read_all(self) -> None:
        every = list(self._t.recorder.state.recordings.values())
        due = [r for r in every if r.reread_due]
        due += await asyncio.to_thread(self._missing, [r for r in every if _counts(r)])
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

    def _missing(self, recordings: Iterable[Recording]) -> list[Recording]:
        return [r for r in recordings if not self._is_there(r)]

    def _is_there(self, recording: Recording) -> bool:
        place = self._t.vault.at(recording.id, recording.folder, recording.file)
        try:
            return self._t.fs.stat(place.content).size == recording.size
        except FileNotFoundError:
            return False
        except OSError:
            return True  # a disk that does not answer has lost nothing yet

    async def _lost(self, recording: Recording, sha256: str) -> None:
        await self._t.recorder.record(f.RecordingCorrupted(recording=recording.id, sha256=sha256))
        await self._t.alerts.raise_(
            damaged_alert(recording.id), ErrorCode.READ_BACK_DIFFERS, recording=recording.id
        )


def _counts(recording: Recording) -> bool:
    """Whether something rests on the vault's copy: a delivery, or a clearing."""
    rests = recording.awaits_receipt or recording.life in {Life.SEALED, Life.CONFIRMED}
    return rests and not (recording.corrupt or recording.reread_due)
