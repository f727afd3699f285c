"""What the ledger says the station is: a fold over its facts, nothing else.

Rule 1: only ``apply`` changes it, only with facts that are durable in the ledger, in their order; the same
lines always give the same state, live or rebuilt. Rule 2: no clock, no files, no guesses. Rule 3: bounded:
cleared recordings and confirmed issues are kept for a while only (``KEEP``), the ledger has them all.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from edged.centre_clock import credible
from edged.formats import facts as f
from edged.formats import shift_facts as sf
from edged.formats.line import Line, Stamp
from edged.readiness import NotReady
from edged.shift.state import ShiftState
from edged.snapshot import snapshot

BROUGHT_KEEP = 100_000  # files of a watched folder that are told from new ones: twice as many as it may hold
KEEP = 20_000  # finished recordings and issues held in memory: about 20 MB, weeks of a busy station
# A drive that calls durable what is in its cache writes it out within seconds, or a minute when it is very busy.
REREAD_NS = 300 * 1_000_000_000


BY_HAND = -1  # in the place of a first cluster: from no card


class Life(StrEnum):
    """Lifecycle of a recording; one word a state (docs/offload.md)."""

    MADE = "made"
    COPYING = "copying"
    SEALED = "sealed"
    CONFIRMED = "confirmed"
    CLEARED = "cleared"


@dataclass(slots=True)
class Recording:
    """One file of a camera, from its first listing on."""

    id: str
    camera: str
    path: str
    size: int
    mtime: str
    first_cluster: int
    issue: str = ""
    officer: str = ""
    life: Life = Life.MADE
    folder: str = ""
    file: str = ""
    held_bytes: int = 0
    sha256: str = ""
    fingerprint: str = ""
    sealed_seq: int = -1
    medium: str = ""
    second_read: bool = False
    damaged: bool = False
    corrupt: bool = False
    reread_due: bool = False  # sealed shortly before the host went down, and not read again yet (fault K07)
    held: str = ""  # the centre's reason, if it refused this one
    resumed_from: int = 0
    confirmed_receipt: str = ""
    clears: int = 0  # how often it was cleared: more than once means that it came back
    clear_begun: bool = False  # named in an intent that has had no good outcome yet
    seen_again: bool = False  # listed on the card after it was cleared (fault M12)

    @property
    def finished(self) -> bool:
        """Nothing more happens to it, as far as anybody knows."""
        over = Life.CONFIRMED if self.first_cluster == BY_HAND else Life.CLEARED
        return self.life is over and not self.awaits_receipt

    @property
    def awaits_receipt(self) -> bool:
        return self.sealed_seq >= 0 and not self.confirmed_receipt

    @property
    def identity(self) -> tuple[str, str, int, str, int]:
        """How the same file is recognised at the next docking; never by its name alone."""
        return (self.camera, self.path, self.size, self.mtime, self.first_cluster)


@dataclass(slots=True)
class Issue:
    id: str
    camera: str
    officer: str
    slot: int
    taken: str
    returned: str = ""  # time of docking; "" while out
    confirmed: str = ""
    forced: bool = False  # no issue at all: the camera was torn out in the moment of its grant
    shift: str = ""  # of the duty schedule
    timed: bool = True  # the host's clock was not unknown when it was taken

    @property
    def open(self) -> bool:
        """The officer has it."""
        return not self.returned and not self.forced


@dataclass(slots=True)
class Camera:
    serial: str
    slot: int = 0  # 0: in no slot
    driver: str = ""
    model: str = ""
    known: bool = False
    issue: str = ""  # its open issue
    works: str = ""  # grounds, "" when not in works
    quarantine: str = ""
    missing: bool = False  # torn out and not seen since
    unread: bool = False  # docked, and what is aboard was not all found and sealed since
    issues: int = 0
    ready: bool = False
    reasons: tuple[str, ...] = ()
    charge_percent: int = -1
    free_bytes: int = -1
    volume: str = ""  # of the medium that was listed last; "": none was
    offset_ms: int | None = None  # last measured clock offset before correction
    uncertainty_ms: int = -1


@dataclass(frozen=True, slots=True)
class OpenGrant:
    grant: str
    slot: int
    camera: str
    officer: str
    reader: str


@dataclass(frozen=True, slots=True)
class LocalOfficer:
    person: str
    name: str
    credential: str
    valid_until: str
    appointment: str
    added_seq: int
    revoked: str = ""


@dataclass(slots=True)
class Totals:
    """Counts since commissioning, for the summary and for reconciliation."""

    made: int = 0
    sealed: int = 0
    confirmed: int = 0
    cleared: int = 0
    bytes_sealed: int = 0
    issues: int = 0
    returns: int = 0
    refusals: dict[str, int] = field(default_factory=dict)
    incidents: int = 0
    interruptions: int = 0


@dataclass(frozen=True, slots=True)
class Alert:
    """A condition that somebody should end."""

    code: int
    since: str
    detail: dict[str, str | int | float | bool]


@dataclass(slots=True)
class StationState:
    """See the rules at the top."""

    station: f.StationCommissioned | None = None
    retired: str = ""  # when; "": it is in use
    key_change: str = ""  # when another signing key was ordered that is not made yet
    next_seq: int = 0
    stopped_cleanly: bool = False
    cameras: dict[str, Camera] = field(default_factory=dict)
    recordings: OrderedDict[str, Recording] = field(default_factory=OrderedDict)
    issues: OrderedDict[str, Issue] = field(default_factory=OrderedDict)
    grants: dict[str, OpenGrant] = field(default_factory=dict)
    shift: ShiftState = field(default_factory=ShiftState)  # what persons entered, and incidents
    local_officers: dict[str, LocalOfficer] = field(default_factory=dict)
    alerts: dict[str, Alert] = field(default_factory=dict)
    faulted_slots: dict[int, int] = field(default_factory=dict)
    boards: dict[str, tuple[int, int]] = field(default_factory=dict)  # serial -> unlocks, insertions
    roster_version: int = 0
    clears: dict[str, f.ClearStarted] = field(default_factory=dict)  # camera -> intent without outcome
    config_sha256: str = ""
    trusted_time: str = ""  # latest that a synchronised clock or a credible receipt vouched for
    totals: Totals = field(default_factory=Totals)
    _brought: OrderedDict[bytes, None] = field(default_factory=OrderedDict)  # sealed, and from no card
    _last_left_by: dict[int, str] = field(default_factory=dict)  # slot -> the issue that emptied it last
    _boot_id: str = ""  # of the newest line
    _boottime_ns: int = 0
    _fresh: OrderedDict[str, int] = field(default_factory=OrderedDict)  # sealed just now, at which BOOTTIME
    _by_identity: dict[tuple[str, str, int, str, int], str] = field(default_factory=dict)
    _by_camera: dict[str, dict[str, None]] = field(default_factory=dict)

    # --- questions --------------------------------------------------------------------------------

    def open_issue_of(self, officer: str) -> Issue | None:
        """The issue that this officer has not ended by a return."""
        return next((i for i in self.issues.values() if i.officer == officer and i.open), None)

    def last_issue_from(self, slot: int) -> Issue | None:
        """The newest open issue from this slot, if nothing has come to it or left it since."""
        issue = self.issues.get(self._last_left_by.get(slot, ""))
        return issue if issue is not None and issue.open else None

    def returns_to_confirm(self) -> tuple[str, ...]:
        """Issues whose camera is back and whose return no responsible person has confirmed."""
        return tuple(i.id for i in self.issues.values() if i.returned and not i.confirmed)

    def recording_like(self, camera: str, path: str, size: int, mtime: str, cluster: int) -> Recording | None:
        """The recording that this file of this camera is, if it was listed before."""
        found = self._by_identity.get((camera, path, size, mtime, cluster))
        return self.recordings[found] if found is not None else None

    def was_brought(self, source: str, path: str, size: int, mtime: str) -> bool:
        """Whether this file, which lies on no card, is sealed: also long after its recording is finished."""
        return _short((source, path, size, mtime, BY_HAND)) in self._brought

    def recordings_of(self, camera: str) -> Iterator[Recording]:
        """What was listed on its card."""
        return (self.recordings[r] for r in self._by_camera.get(camera, ()))

    def aboard_unsealed(self, camera: str) -> bool:
        """Whether something aboard this camera has no sealed copy, or none any more."""
        return any(r.life in {Life.MADE, Life.COPYING} or self._lost(r) for r in self.recordings_of(camera))

    def _lost(self, r: Recording) -> bool:
        """Its copy is not what was sealed, and the source has not been listed as another recording since."""
        return r.corrupt and r.life is not Life.CLEARED and self._by_identity.get(r.identity) == r.id

    def snapshot(self) -> "StationState":
        return replace(snapshot(self), shift=snapshot(self.shift))

    def unfinished(self) -> tuple[str, ...]:
        """Intents without an outcome, as station.started lists them."""
        copying = (f"offload:{r.id}" for r in self.recordings.values() if r.life is Life.COPYING)
        return (*copying, *(f"grant:{g}" for g in self.grants), *(f"clear:{c}" for c in self.clears))

    # --- the fold ---------------------------------------------------------------------------------

    def apply(self, line: Line) -> None:
        """Take one durable line, in order (RuntimeError otherwise: a defect).

        Numbers may be missing only where the ledger is damaged; the station then clears nothing.
        """
        if line.seq < self.next_seq:
            raise RuntimeError(f"line {line.seq} where {self.next_seq} is due")
        self.next_seq = line.seq + 1
        self._note_boot(line.stamp)
        self.stopped_cleanly = isinstance(line.fact, f.StationStopped)
        if line.stamp.clock == "synchronised":
            self.trusted_time = max(self.trusted_time, line.time)
        handler = _HANDLERS.get(type(line.fact))
        if handler is not None:
            handler(self, _At(line.seq, line.stamp), line.fact)
        self.shift.apply(line)

    def _note_boot(self, stamp: Stamp) -> None:
        """After a reboot what was sealed last is doubted: the drive may have lost what it had called durable."""
        if stamp.boot_id != self._boot_id:
            for recording in self._fresh.keys() & self.recordings.keys():
                self.recordings[recording].reread_due = True
            self._fresh.clear()
        self._boot_id, self._boottime_ns = stamp.boot_id, stamp.boottime_ns
        while self._fresh and next(iter(self._fresh.values())) < stamp.boottime_ns - REREAD_NS:
            self._fresh.popitem(last=False)

    def _camera(self, serial: str) -> Camera:
        return self.cameras.setdefault(serial, Camera(serial))

    def _forget_oldest(self) -> None:
        while len(self.recordings) > KEEP:
            oldest = next(iter(self.recordings.values()))
            if not oldest.finished:
                return
            self.recordings.popitem(last=False)
            self._by_camera.get(oldest.camera, {}).pop(oldest.id, None)
            if self._by_identity.get(oldest.identity) == oldest.id:
                del self._by_identity[oldest.identity]
        while len(self.issues) > KEEP and next(iter(self.issues.values())).confirmed:
            self.issues.popitem(last=False)


def _short(identity: tuple[str, str, int, str, int]) -> bytes:
    return blake2b(repr(identity).encode("utf-8", "surrogatepass"), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class _At:
    seq: int
    stamp: Stamp

    @property
    def time(self) -> str:
        return self.stamp.time


# One function a fact. They are plain assignments: whoever wrote the fact decided.


def _commissioned(s: StationState, at: _At, x: f.StationCommissioned) -> None:
    s.station = x


def _retired(s: StationState, at: _At, x: sf.StationRetired) -> None:
    s.retired = at.time


def _key_change_ordered(s: StationState, at: _At, x: sf.KeyChangeOrdered) -> None:
    s.key_change = at.time


def _key_changed(s: StationState, at: _At, x: f.KeyChanged) -> None:
    s.key_change = ""


def _started(s: StationState, at: _At, x: f.StationStarted) -> None:
    s.config_sha256 = x.config_sha256


def _roster_accepted(s: StationState, at: _At, x: f.RosterAccepted) -> None:
    # A newer roster supersedes what was entered here; the same one read again does not.
    if x.version > s.roster_version:
        s.local_officers.clear()
    s.roster_version = x.version


def _officer_added(s: StationState, at: _At, x: f.OfficerAdded) -> None:
    s.local_officers[x.person] = LocalOfficer(
        x.person, x.name, x.credential, x.valid_until, x.appointment, at.seq
    )


def _officer_revoked(s: StationState, at: _At, x: f.OfficerRevoked) -> None:
    known = s.local_officers.get(x.person) or LocalOfficer(x.person, "", "", "", "", at.seq)
    s.local_officers[x.person] = replace(known, revoked=x.reason or "revoked")


def _badge_refused(s: StationState, at: _At, x: f.BadgeRefused) -> None:
    s.totals.refusals[x.reason] = s.totals.refusals.get(x.reason, 0) + x.count


def _alert_raised(s: StationState, at: _At, x: f.AlertRaised) -> None:
    s.alerts[x.alert] = Alert(x.code, at.time, x.detail)


def _alert_withdrawn(s: StationState, at: _At, x: f.AlertWithdrawn) -> None:
    s.alerts.pop(x.alert, None)


def _camera_docked(s: StationState, at: _At, x: f.CameraDocked) -> None:
    s._last_left_by.pop(x.slot, None)
    for other in s.cameras.values():
        if other.slot == x.slot:
            other.slot = 0
    if not x.camera:
        return
    camera = s._camera(x.camera)
    camera.slot, camera.driver, camera.model, camera.known = x.slot, x.driver, x.model, x.known
    camera.missing = camera.ready = False
    camera.unread = True
    if camera.issue and (issue := s.issues.get(camera.issue)) is not None:
        issue.returned = at.time
        camera.issue = ""
        s.totals.returns += 1


def _camera_undocked(s: StationState, at: _At, x: f.CameraUndocked) -> None:
    s._last_left_by.pop(x.slot, None)
    if x.camera in s.cameras:
        s.cameras[x.camera].slot = 0
        s.cameras[x.camera].ready = False


def _camera_granted(s: StationState, at: _At, x: f.CameraGranted) -> None:
    s.grants[x.grant] = OpenGrant(x.grant, x.slot, x.camera, x.officer, x.reader)


def _grant_voided(s: StationState, at: _At, x: f.GrantVoided) -> None:
    s.grants.pop(x.grant, None)


def _camera_issued(s: StationState, at: _At, x: f.CameraIssued) -> None:
    s.grants.pop(x.grant, None)
    camera = s._camera(x.camera)
    camera.slot, camera.issue, camera.ready = 0, x.issue, False
    camera.issues += 1
    timed = at.stamp.clock != "unknown"
    s.issues[x.issue] = Issue(x.issue, x.camera, x.officer, x.slot, at.time, shift=x.shift, timed=timed)
    s._last_left_by[x.slot] = x.issue
    s.totals.issues += 1
    s._forget_oldest()


def _return_confirmed(s: StationState, at: _At, x: f.ReturnConfirmed) -> None:
    for issue in x.issues:
        if issue in s.issues:
            s.issues[issue].confirmed = at.time


def _device_refused(s: StationState, at: _At, x: f.DeviceRefused) -> None:
    s._last_left_by.pop(x.slot, None)


def _forced_open(s: StationState, at: _At, x: f.SlotForcedOpen) -> None:
    s._last_left_by.pop(x.slot, None)
    if x.camera in s.cameras:
        camera = s.cameras[x.camera]
        camera.slot, camera.missing, camera.ready = 0, True, False
        if x.issue and camera.issue == x.issue:
            camera.issue = ""
    if (issue := s.issues.get(x.issue)) is not None:
        issue.forced = True


def _incident_drafted(s: StationState, at: _At, x: f.IncidentDrafted) -> None:
    s.totals.incidents += 1


def _works_started(s: StationState, at: _At, x: f.WorksStarted) -> None:
    s._camera(x.camera).works = x.grounds or "works"


def _works_ended(s: StationState, at: _At, x: f.WorksEnded) -> None:
    s._camera(x.camera).works = ""


def _quarantined(s: StationState, at: _At, x: f.CameraQuarantined) -> None:
    s._camera(x.camera).quarantine = x.reason or "quarantine"


def _released(s: StationState, at: _At, x: f.CameraReleased) -> None:
    s._camera(x.camera).quarantine = ""


def _slot_faulted(s: StationState, at: _At, x: f.SlotFaulted) -> None:
    s.faulted_slots[x.slot] = x.code


def _slot_cleared(s: StationState, at: _At, x: f.SlotCleared) -> None:
    s.faulted_slots.pop(x.slot, None)


def _dock_connected(s: StationState, at: _At, x: f.DockConnected) -> None:
    s.boards[x.serial] = (x.unlocks, x.insertions)


def _clock_measured(s: StationState, at: _At, x: f.ClockMeasured) -> None:
    camera = s._camera(x.camera)
    if not x.after_correction:
        camera.offset_ms, camera.uncertainty_ms = x.offset_ms, x.uncertainty_ms


def _readiness(s: StationState, at: _At, x: f.ReadinessChanged) -> None:
    camera = s._camera(x.camera)
    camera.ready, camera.reasons = x.ready, x.reasons
    camera.unread = NotReady.NOT_SEALED in x.reasons
    camera.charge_percent, camera.free_bytes = x.charge_percent, x.free_bytes


def _listed(s: StationState, at: _At, x: f.CameraListed) -> None:
    if x.slot:  # else it lay on no card
        s._camera(x.camera).volume = x.volume
    for clip in x.clips:
        if (known := s.recordings.get(clip.recording)) is not None:
            known.seen_again = True
            continue
        new = Recording(
            clip.recording, x.camera, clip.path, clip.size, clip.mtime, clip.first_cluster, x.issue, x.officer
        )
        s.recordings[new.id] = new
        s._by_identity[new.identity] = new.id
        if clip.first_cluster != BY_HAND:
            s._by_camera.setdefault(x.camera, {})[new.id] = None
        s.totals.made += 1
    s._forget_oldest()


def _offload_started(s: StationState, at: _At, x: f.OffloadStarted) -> None:
    r = s.recordings[x.recording]
    r.life, r.folder = Life.COPYING, x.folder


def _offload_interrupted(s: StationState, at: _At, x: f.OffloadInterrupted) -> None:
    r = s.recordings[x.recording]
    if r.life is Life.COPYING:  # not where the copy was sealed just before: that line stands
        r.life, r.held_bytes = Life.MADE, x.held
    s.totals.interruptions += 1


def _sealed(s: StationState, at: _At, x: f.RecordingSealed) -> None:
    r = s.recordings[x.recording]
    r.life, r.sha256, r.fingerprint, r.sealed_seq = Life.SEALED, x.sha256, x.fingerprint, at.seq
    r.folder, r.file, r.second_read, r.damaged = x.folder, x.file, x.second_read, bool(x.gaps)
    r.resumed_from, r.held_bytes, r.medium = x.resumed_from, 0, x.medium
    s._fresh[r.id] = s._boottime_ns
    if r.first_cluster == BY_HAND:
        s._brought[_short(r.identity)] = None
        if len(s._brought) > BROUGHT_KEEP:
            s._brought.popitem(last=False)
    s.totals.sealed += 1
    s.totals.bytes_sealed += x.size


def _confirmed(s: StationState, at: _At, x: f.RecordingConfirmed) -> None:
    if (r := s.recordings.get(x.recording)) is not None:
        r.life = Life.CONFIRMED if r.life is Life.SEALED else r.life  # cleared before, by decision
        r.confirmed_receipt = x.receipt_sha256
    s.totals.confirmed += 1
    s.trusted_time = max(s.trusted_time, credible(x.placed_at, at.stamp))


def _held(s: StationState, at: _At, x: f.RecordingHeld) -> None:
    if (r := s.recordings.get(x.recording)) is not None:
        r.held = x.reason


def _corrupted(s: StationState, at: _At, x: f.RecordingCorrupted) -> None:
    if (r := s.recordings.get(x.recording)) is not None:
        r.corrupt, r.reread_due = True, False


def _reread(s: StationState, at: _At, x: f.RecordingReread) -> None:
    if (r := s.recordings.get(x.recording)) is not None:
        r.reread_due = False


def _clear_started(s: StationState, at: _At, x: f.ClearStarted) -> None:
    s.clears[x.camera] = x
    for name in x.recordings:
        if (r := s.recordings.get(name)) is not None:
            r.clear_begun = True


def _cleared(s: StationState, at: _At, x: f.CameraCleared) -> None:
    s.clears.pop(x.camera, None)
    for name in x.recordings:
        if (r := s.recordings.get(name)) is not None:
            if r.clears == 0:
                s.totals.cleared += 1
            r.life, r.clears = Life.CLEARED, r.clears + 1
            r.seen_again = r.clear_begun = False


def _clear_failed(s: StationState, at: _At, x: f.ClearFailed) -> None:
    s.clears.pop(x.camera, None)


_HANDLERS: dict[type[f.Fact], Callable[[StationState, _At, Any], None]] = {
    f.StationCommissioned: _commissioned,
    sf.StationRetired: _retired,
    sf.KeyChangeOrdered: _key_change_ordered,
    f.KeyChanged: _key_changed,
    f.StationStarted: _started,
    f.RosterAccepted: _roster_accepted,
    f.OfficerAdded: _officer_added,
    f.OfficerRevoked: _officer_revoked,
    f.BadgeRefused: _badge_refused,
    f.AlertRaised: _alert_raised,
    f.AlertWithdrawn: _alert_withdrawn,
    f.CameraDocked: _camera_docked,
    f.CameraUndocked: _camera_undocked,
    f.CameraGranted: _camera_granted,
    f.GrantVoided: _grant_voided,
    f.CameraIssued: _camera_issued,
    f.ReturnConfirmed: _return_confirmed,
    f.DeviceRefused: _device_refused,
    f.SlotForcedOpen: _forced_open,
    f.IncidentDrafted: _incident_drafted,
    f.WorksStarted: _works_started,
    f.WorksEnded: _works_ended,
    f.CameraQuarantined: _quarantined,
    f.CameraReleased: _released,
    f.SlotFaulted: _slot_faulted,
    f.SlotCleared: _slot_cleared,
    f.DockConnected: _dock_connected,
    f.ClockMeasured: _clock_measured,
    f.ReadinessChanged: _readiness,
    f.CameraListed: _listed,
    f.OffloadStarted: _offload_started,
    f.OffloadInterrupted: _offload_interrupted,
    f.RecordingSealed: _sealed,
    f.RecordingConfirmed: _confirmed,
    f.RecordingHeld: _held,
    f.RecordingCorrupted: _corrupted,
    f.RecordingReread: _reread,
    f.ClearStarted: _clear_started,
    f.CameraCleared: _cleared,
    f.ClearFailed: _clear_failed,
}
