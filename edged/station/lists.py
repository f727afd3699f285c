"""Keeps the list of persons: the signed roster from its file, what was entered here, and the floor of time.

The roster in force is our own copy in the state folder, verified again at every start. A file that does not verify,
is older or belongs to another customs body changes nothing; it is refused once, as a fact and an alert.
"""

import asyncio
import hashlib

from edged.access import AccessList
from edged.config import Access
from edged.errors import EdgeError, ErrorCode
from edged.formats import facts as f
from edged.formats import times
from edged.formats.note import Verifier
from edged.formats.roster import ROSTER_LIMIT, Roster, open_roster
from edged.ports import Clock, FileSystem, Log
from edged.station.alerts import Alerts
from edged.station.recorder import Recorder
from edged.time_floor import TimeFloor
from edged.vault.vault import write_durably


class Lists:
    """``access`` and ``judged_ns`` are what decisions use; ``refresh`` is called now and then."""

    def __init__(
        self,
        settings: Access,
        fs: FileSystem,
        state_folder: str,
        *,
        authority: Verifier,
        customs_body: str,
        clock: Clock,
        recorder: Recorder,
        alerts: Alerts,
        log: Log,
    ) -> None:
        self._settings, self._fs, self._copy = settings, fs, f"{state_folder}/roster.note"
        self._authority, self._customs_body = authority, customs_body
        self._clock, self._recorder, self._alerts, self._log = clock, recorder, alerts, log
        self._roster: Roster | None = None
        self._accepted_sha = self._seen_sha = ""
        self._floor = TimeFloor()
        self._trusted = ""  # what of the ledger's trusted time is in the floor
        self.access = AccessList(None, kinds=settings.badge_kinds)

    @property
    def roster_version(self) -> int:
        return self._roster.version if self._roster is not None else 0

    def judged_ns(self) -> int:
        """The time by which validity is decided now (`edged.time_floor`)."""
        self._raise_to_trusted()
        now = self._clock.now()
        self._floor = self._floor.seen(now)
        return self._floor.judged(now)

    async def start(self) -> None:
        """Take the copy in force, then look at the file."""
        data = await self._read(self._copy)
        if data is not None:
            try:
                self._use(open_roster(data, self._authority), data)
            except EdgeError as exc:
                await self._alerts.raise_("roster-invalid", ErrorCode.ROSTER_INVALID, reason=str(exc)[:300])
        self.rebuild()
        await self.refresh()

    async def refresh(self) -> None:
        """Look at the configured file; take it if it is newer and genuine."""
        data = await self._read(self._settings.roster)
        sha = hashlib.sha256(data).hexdigest() if data is not None else ""
        if data is not None and sha not in {self._accepted_sha, self._seen_sha}:
            self._seen_sha = sha
            try:
                await self._accept(self._checked(data), data, sha)
            except EdgeError as exc:
                await self._refuse(exc, sha)
        elif sha and sha == self._accepted_sha:
            await self._alerts.withdraw("roster-invalid")  # the good file was put back
            self._seen_sha = ""
        await self._watch_validity()

    def rebuild(self) -> None:
        """Make the list anew after a roster, an addition or a revocation."""
        self.access = AccessList(
            self._roster,
            self._recorder.state.local_officers.values(),
            kinds=self._settings.badge_kinds,
            responsible_grace_h=self._settings.responsible_grace_h,
        )

    def _checked(self, data: bytes) -> Roster:
        try:
            roster = open_roster(data, self._authority)
        except EdgeError as exc:
            raise EdgeError(ErrorCode.ROSTER_INVALID, reason=str(exc)[:300]) from exc
        if roster.customs_body != self._customs_body:
            raise EdgeError(
                ErrorCode.ROSTER_FOREIGN, roster=roster.customs_body[:100], station=self._customs_body
            )
        floor = max(self.roster_version, self._recorder.state.roster_version)
        if roster.version < floor or (roster.version == floor and self._roster is not None):
            raise EdgeError(ErrorCode.ROSTER_OLDER, version=roster.version, in_force=floor)
        return roster

    async def _accept(self, roster: Roster, data: bytes, sha: str) -> None:
        # The fact first: after a cut between the two the file is simply read again.
        await self._recorder.record(
            f.RosterAccepted(
                version=roster.version,
                sha256=sha,
                valid_from=roster.valid_from,
                valid_until=roster.valid_until,
                persons=len(roster.persons),
            )
        )
        try:
            await asyncio.to_thread(write_durably, self._fs, self._copy, data)
        except OSError as exc:
            self._log(
                "EDG-5301",
                operation="write",
                path=self._copy,
                reason=str(exc),
                code=ErrorCode.DISK_FAULT.label,
            )
        self._use(roster, data)
        self.rebuild()
        await self._alerts.withdraw("roster-invalid")

    async def _refuse(self, error: EdgeError, sha: str) -> None:
        await self._recorder.record(
            f.RosterRefused(code=error.code.number, sha256=sha, detail=dict(error.detail))
        )
        await self._alerts.raise_("roster-invalid", error.code, **error.detail)

    def _use(self, roster: Roster, data: bytes) -> None:
        self._roster, self._accepted_sha = roster, hashlib.sha256(data).hexdigest()
        self._raise_floor(roster.issued_at)

    def _raise_to_trusted(self) -> None:
        """By what the ledger kept over a restart, and by what receipts have said since."""
        trusted = self._recorder.state.trusted_time
        if trusted != self._trusted:
            self._trusted = trusted
            self._raise_floor(trusted)

    def _raise_floor(self, time: str) -> None:
        self._floor = self._floor.signed(times.parse_ns(time), self._clock.now())

    async def _watch_validity(self) -> None:
        if self._roster is None:
            await self._alerts.raise_("roster-missing", ErrorCode.ROSTER_INVALID, file=self._settings.roster)
            return
        await self._alerts.withdraw("roster-missing")
        if self.judged_ns() >= times.parse_ns(self._roster.valid_until):
            await self._alerts.raise_(
                "roster-expired", ErrorCode.ROSTER_EXPIRED, until=self._roster.valid_until
            )
        else:
            await self._alerts.withdraw("roster-expired")

    async def _read(self, path: str) -> bytes | None:
        try:
            return await asyncio.to_thread(self._fs.read, path, ROSTER_LIMIT)
        except OSError:
            return None  # "roster-missing" tells of it; a file being replaced is read the next time
