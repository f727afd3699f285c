"""A report as values: what is shown, in plain types that pass the control socket. No text but names and sentences."""

import msgspec


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Stretch(_Part, frozen=True):
    """UTC, as in the ledger."""

    began: str
    ended: str


class Finding(_Part, frozen=True):
    """Of coverage. Never an accusation: a gap may be a private break."""

    kind: str  # edged.coverage.Kind, edged.reports.issue_row.Other
    began: str = ""
    ended: str = ""
    recordings: tuple[str, ...] = ()
    numbers: str = ""
    uncertainty_ms: int = 0
    why: str = ""  # edged.coverage.Unknown of a film without a time, edged.clock_drift.Off of a clock
    perhaps: bool = False  # a film without a time may lie there
    before_ms: int | None = None  # offset of a camera's clock when it was taken; None: not known
    after_ms: int | None = None  # and when it was brought back


class IssueRow(_Part, frozen=True):
    issue: str
    camera: str
    number: str  # inventory number; "" if it is in no list
    officer: str  # name
    taken: str
    returned: str = ""  # "" while out
    confirmed: str = ""  # by the responsible person; "" not yet
    shift_ends: str = ""  # "": the duty schedule does not tell
    flags: tuple[str, ...] = ()  # edged.duty.Flag, edged.readiness.NotReady
    asked_s: int = 0
    recorded_s: int = 0
    at_least: bool = False  # there are films without a time
    filmed: tuple[Stretch, ...] = ()
    findings: tuple[Finding, ...] = ()


class PointRow(_Part, frozen=True):
    """Where to listen for name and notice (459-III.9-two-steps, 459-IV.6-end)."""

    place: str  # edged.identification.Place
    recording: str
    path: str
    second: float
    at: str
    clock: str = "measured"  # edged.reports.issue.Clock: what `at` is told by


class FilmRow(_Part, frozen=True):
    recording: str
    path: str
    began: str  # "": its time is not known
    ended: str
    sha256: str
    clock: str = "measured"  # edged.reports.issue.Clock: what its times are told by


class IssueShown(_Part, frozen=True, tag="edged/issue/v1"):
    issue: IssueRow
    films: tuple[FilmRow, ...]
    points: tuple[PointRow, ...]


class EquipmentRow(_Part, frozen=True):
    sort: str  # edged.shift.inventory.Sort
    place: str  # edged.shift.rows.Place; "" for what the station cannot see
    numbers: tuple[str, ...]


class CameraRow(_Part, frozen=True):
    """As it was last seen."""

    camera: str
    number: str
    slot: int
    ready: bool
    reasons: tuple[str, ...]
    charge_percent: int  # -1: unknown
    free_bytes: int  # -1: unknown
    offset_ms: int | None  # of its clock, before it was corrected
    uncertainty_ms: int


class IncidentRow(_Part, frozen=True):
    incident: str
    happened: str
    stage: str
    text: dict[str, str]  # by language: edged.reports.texts.Lang; so too below
    equipment: dict[str, str]


class PaperRow(_Part, frozen=True):
    paper: str
    about: str
    what: dict[str, str]  # in a sentence
    since: str  # when it came to be owed
    due: str
    overdue: bool


class AlertRow(_Part, frozen=True):
    alert: str
    code: int
    since: str


class Difference(_Part, frozen=True):
    """A recording of the period that has not come all the way, and how far it came."""

    recording: str
    camera: str
    path: str
    why: str  # edged.reports.build.Why


class Reconciliation(_Part, frozen=True):
    """scan-VI.2-reconcile (ours): of the recordings first listed in the period."""

    made: int = 0
    sealed: int = 0
    delivered: int = 0  # with `account` other than "whole": at least
    confirmed: int = 0
    account: str = "none"  # of the courier, as far as it was read: edged.reports.build.Read
    account_time: str = ""  # when the courier said so; "": it did not
    differences: tuple[Difference, ...] = ()
    left_out: int = 0  # differences beyond those shown


class StrayRow(_Part, frozen=True):
    """A film that belongs to no issue of the report."""

    recording: str
    camera: str
    number: str  # inventory number; "" if it is in no list
    path: str
    began: str  # "": its time is not known
    ended: str
    why: str  # edged.reports.strays.Why


class WorksRow(_Part, frozen=True):
    kind: str  # "works" "outage" "repair"
    began: str
    ended: str
    text: dict[str, str]


class Report(_Part, frozen=True, tag="edged/report/v1"):
    station: str
    post: str
    began: str
    ended: str
    made: str  # the moment of which states and alerts are told
    first: int  # lines of the ledger that it was made of
    last: int
    root: str
    issues: tuple[IssueRow, ...] = ()
    strays: tuple[StrayRow, ...] = ()
    strays_left_out: int = 0  # beyond those shown
    equipment: tuple[EquipmentRow, ...] = ()
    cameras: tuple[CameraRow, ...] = ()
    incidents: tuple[IncidentRow, ...] = ()
    papers: tuple[PaperRow, ...] = ()
    alerts: tuple[AlertRow, ...] = ()
    works: tuple[WorksRow, ...] = ()
    refusals: dict[str, int] = {}  # of badges, by reason
    reconciliation: Reconciliation = Reconciliation()
