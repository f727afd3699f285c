"""Enters what the centre's signed requests say: which case or information sheet a recording belongs to.

A request that does not hold is an alert; one for a recording that has a reference changes nothing, as with persons.
"""

import hashlib
from collections.abc import Iterable

from edged.errors import EdgeError, ErrorCode
from edged.formats.note import Verifier
from edged.formats.reference import Reference, require_reference
from edged.formats.shift_facts import RecordingReferenced
from edged.station.alerts import Alerts
from edged.station.inbox import Inbox
from edged.station.recorder import Recorder

ENDING = ".reference.note"
_BAD = "reference-bad"


class Referring:
    def __init__(
        self, inbox: Inbox, station: str, centre: Verifier, *, recorder: Recorder, alerts: Alerts
    ) -> None:
        self._inbox, self._station, self._centre = inbox, station, centre
        self._recorder, self._alerts = recorder, alerts

    async def take(self, folder: str, names: Iterable[str]) -> None:
        """Enter what is new of these files. A recording that the station does not know, or knows no more, waits."""
        asked = {name.removesuffix(ENDING): f"{folder}/{name}" for name in names if name.endswith(ENDING)}
        bad = {
            f"{_BAD}:{recording[:8]}"
            for recording in asked
            if not await self._one(recording, asked[recording])
        }
        for alert in [one for one in self._recorder.state.alerts if one.startswith(f"{_BAD}:")]:
            if alert not in bad:
                await self._alerts.withdraw(alert)

    async def _one(self, recording: str, path: str) -> bool:
        """Return False if it does not hold."""
        state = self._recorder.state
        if recording not in state.recordings or recording in state.shift.references:
            return True
        if (data := await self._inbox.read(path)) is None:
            return f"{_BAD}:{recording[:8]}" not in state.alerts
        try:
            reference = require_reference(data, self._centre, self._station, recording)
        except EdgeError as exc:
            self._inbox.remember_bad(path, data)
            await self._alerts.raise_(
                f"{_BAD}:{recording[:8]}",
                ErrorCode.REFERENCE_BAD,
                recording=recording,
                reason=str(exc)[:300],
            )
            return False
        await self._recorder.record(_fact(reference, data))
        return True


def _fact(reference: Reference, data: bytes) -> RecordingReferenced:
    return RecordingReferenced(
        recording=reference.recording,
        code=reference.code,
        number=reference.number,
        year=reference.year,
        asked_by=reference.person,
        request_sha256=hashlib.sha256(data).hexdigest(),
    )
