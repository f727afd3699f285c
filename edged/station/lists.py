"""Keeps the lists: the signed roster and duty schedule, officers who were entered here, the floor of time."""

from collections.abc import Iterable

from edged import rights_changes
from edged.access import AccessList
from edged.config import Access
from edged.errors import EdgeError, ErrorCode
from edged.formats import facts as f
from edged.formats import shift_facts as sf
from edged.formats import times
from edged.formats.facts import StationCommissioned
from edged.formats.note import Verifier
from edged.formats.roster import ROSTER_LIMIT, Roster, open_roster
from edged.formats.schedule import SCHEDULE_LIMIT, Schedule, open_schedule
from edged.ports import Clock, ClockClass, FileSystem, Log
from edged.station.alerts import Alerts
from edged.station.recorder import Recorder
from edged.station.signed_list import SignedList, Sort
from edged.time_floor import TimeFloor


class Lists:
    """``access``, ``schedule`` and ``judged_ns`` are what decisions use; ``refresh`` is called now and then."""

    def __init__(
        self,
        settings: Access,
        fs: FileSystem,
        state_folder: str,
        *,
        authority: Verifier,
        commissioned: StationCommissioned,
        clock: Clock,
        recorder: Recorder,
        alerts: Alerts,
        log: Log,
    ) -> None:
        self._settings, self._authority, self._commissioned = settings, authority, commissioned
        self._clock, self._recorder = clock, recorder
        roster, schedule = self._roster_sort(), self._schedule_sort()
        self._roster = SignedList(
            roster, self._roster_taken, fs, state_folder, recorder=recorder, alerts=alerts, log=log
        )
        self._schedule = SignedList(
            schedule, self._schedule_taken, fs, state_folder, recorder=recorder, alerts=alerts, log=log
        )
        self._floor = TimeFloor()
        self._trusted = ""  # what of the ledger's trusted time is in the floor
        self.access = AccessList(None, kinds=settings.badge_kinds)

    @property
    def roster_version(self) -> int:
        return self._roster.version

    @property
    def schedule(self) -> Schedule | None:
        """The newest that was taken, also where it has run out or is not in force yet."""
        return self._schedule.in_force

    @property
    def refusals(self) -> tuple[EdgeError, ...]:
        """Why a configured file is not in force, as it was at the last look; one a list."""
        found = (self._roster.refusal, self._schedule.refusal)
        return tuple(refusal for refusal in found if refusal is not None)

    def judged_ns(self) -> int:
        """The time by which validity is decided now (`edged.time_floor`)."""
        self._raise_to_trusted()
        now = self._clock.now()
        self._floor = self._floor.seen(now)
        return self._floor.judged(now)

    def duty_ns(self) -> int | None:
        """The time by which it is decided whose shift is now; None while nobody vouches for the host's clock.

        The floor that stands in for it then is the earliest moment that it can be: enough for what runs out, and days
        too early for a shift.
        """
        unknown = self._clock.now().clock is ClockClass.UNKNOWN
        return None if unknown else self.judged_ns()

    async def start(self) -> None:
        """Take the copies in force, then look at the files."""
        await self._roster.start()
        await self._schedule.start()
        self.rebuild()
        await self.refresh()

    async def refresh(self) -> None:
        """Look at the configured files; take what is newer and genuine."""
        await self._roster.refresh(self.judged_ns)
        await self._schedule.refresh(self.judged_ns)

    def rebuild(self) -> None:
        """Make the list anew after a roster, an addition or a revocation."""
        self.access = AccessList(
            self._roster.in_force,
            self._recorder.state.local_officers.values(),
            kinds=self._settings.badge_kinds,
            responsible_grace_h=self._settings.responsible_grace_h,
        )

    # --- the roster -------------------------------------------------------------------------------------

    def _roster_sort(self) -> Sort[Roster]:
        return Sort(
            name="roster",
            file=self._settings.roster,
            limit=ROSTER_LIMIT,
            open=lambda data: open_roster(data, self._authority),
            check=self._check_roster,
            accepted=self._roster_facts,
            refused=lambda error, sha: f.RosterRefused(
                code=error.code.number, sha256=sha, detail=dict(error.detail)
            ),
            invalid=ErrorCode.ROSTER_INVALID,
            expired=ErrorCode.ROSTER_EXPIRED,
        )

    def _roster_facts(self, roster: Roster, sha: str) -> Iterable[f.Fact]:
        accepted = f.RosterAccepted(
            version=roster.version,
            sha256=sha,
            valid_from=roster.valid_from,
            valid_until=roster.valid_until,
            persons=len(roster.persons),
        )
        return (accepted, *rights_changes.facts(self._roster.in_force, roster))

    def _check_roster(self, roster: Roster) -> None:
        here = self._commissioned.customs_body
        if roster.customs_body != here:
            raise EdgeError(ErrorCode.ROSTER_FOREIGN, roster=roster.customs_body[:100], station=here)
        floor = max(self.roster_version, self._recorder.state.roster_version)
        if roster.version < floor or (roster.version == floor and self._roster.in_force is not None):
            raise EdgeError(ErrorCode.ROSTER_OLDER, version=roster.version, in_force=floor)

    def _roster_taken(self, roster: Roster) -> None:
        self._raise_floor(roster.issued_at)
        self.rebuild()

    # --- the duty schedule ------------------------------------------------------------------------------

    def _schedule_sort(self) -> Sort[Schedule]:
        return Sort(
            name="schedule",
            file=self._settings.schedule,
            limit=SCHEDULE_LIMIT,
            open=lambda data: open_schedule(data, self._authority),
            check=self._check_schedule,
            accepted=_schedule_facts,
            refused=lambda error, sha: sf.ScheduleRefused(
                code=error.code.number, sha256=sha, detail=dict(error.detail)
            ),
            invalid=ErrorCode.SCHEDULE_INVALID,
            expired=ErrorCode.SCHEDULE_EXPIRED,
        )

    def _check_schedule(self, schedule: Schedule) -> None:
        here = (self._commissioned.customs_body, self._commissioned.post)
        if (schedule.customs_body, schedule.post) != here:
            theirs = f"{schedule.customs_body[:100]}, {schedule.post[:100]}"
            raise EdgeError(ErrorCode.SCHEDULE_FOREIGN, schedule=theirs, station=", ".join(here))
        floor = max(self._schedule.version, self._recorder.state.shift.schedule_version)
        if schedule.version < floor or (schedule.version == floor and self.schedule is not None):
            raise EdgeError(ErrorCode.SCHEDULE_OLDER, version=schedule.version, in_force=floor)

    def _schedule_taken(self, schedule: Schedule) -> None:
        self._raise_floor(schedule.issued_at)

    # --- time -------------------------------------------------------------------------------------------

    def _raise_to_trusted(self) -> None:
        """By what the ledger kept over a restart, and by what receipts have said since."""
        trusted = self._recorder.state.trusted_time
        if trusted != self._trusted:
            self._trusted = trusted
            self._raise_floor(trusted)

    def _raise_floor(self, time: str) -> None:
        self._floor = self._floor.signed(times.parse_ns(time), self._clock.now())


def _schedule_facts(schedule: Schedule, sha: str) -> Iterable[f.Fact]:
    accepted = sf.ScheduleAccepted(
        version=schedule.version,
        sha256=sha,
        document=schedule.document,
        valid_from=schedule.valid_from,
        valid_until=schedule.valid_until,
        shifts=len(schedule.shifts),
    )
    return (accepted,)
