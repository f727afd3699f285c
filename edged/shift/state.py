"""What the ledger says of incidents, works, repairs, memos and journals: a fold over its facts, nothing else.

The rules of `edged.station_state` hold: only ``apply`` changes it, the same lines always give the same state, no clock
and no guess. What is finished is kept for a while only (``KEEP``); the ledger has it all.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from edged.formats import facts as f
from edged.formats import shift_facts as sf
from edged.formats.line import Line
from edged.journals.forms import Kind as Journal
from edged.journals.papers import Paper
from edged.shift.forecasts import Raisings, is_forecast, named_alert, raised, withdrawn
from edged.shift.records import (
    Condition,
    Export,
    ForcedClear,
    Incident,
    Memo,
    Outage,
    Repair,
    Round,
    SheetRecord,
    Signature,
    Stage,
    Told,
    Volume,
    Works,
)
from edged.shift.upkeep import Upkeep

KEEP = 2_000  # finished ones of each sort: years of a post
PAPERS_KEPT = 10 * KEEP
REFERENCES_KEPT = 10 * KEEP
ROUNDS_KEPT = 10 * KEEP
TOLD_KEPT = 2 * ROUNDS_KEPT  # more than there are entries: what is told is not told anew


@dataclass(slots=True)
class ShiftState:
    """See the rules at the top."""

    incidents: OrderedDict[str, Incident] = field(default_factory=OrderedDict)
    works: OrderedDict[str, Works] = field(default_factory=OrderedDict)
    outages: OrderedDict[str, Outage] = field(default_factory=OrderedDict)
    repairs: dict[str, Repair] = field(default_factory=dict)  # by item
    repaired: OrderedDict[str, Repair] = field(default_factory=OrderedDict)
    memos: dict[str, Memo] = field(default_factory=dict)  # by camera
    briefed: set[str] = field(default_factory=set)
    users: set[str] = field(default_factory=set)  # officers who have taken a camera here
    papers: OrderedDict[tuple[str, str], sf.Document] = field(default_factory=OrderedDict)  # (about, paper)
    forecasts: dict[str, Raisings] = field(default_factory=dict)  # by alert: what nobody has warned of yet
    volumes: dict[Journal, Volume] = field(default_factory=lambda: {kind: Volume() for kind in Journal})
    ended: dict[tuple[Journal, int], str] = field(default_factory=dict)  # volume → from when it was lost
    sheets: OrderedDict[str, SheetRecord] = field(default_factory=OrderedDict)
    told: dict[Journal, int] = field(default_factory=dict)  # the last line that a sheet was made of
    put_down: OrderedDict[tuple[Journal, str], Told] = field(default_factory=OrderedDict)  # by entry
    upkeep: Upkeep = field(default_factory=Upkeep)
    rounds: OrderedDict[str, Round] = field(default_factory=OrderedDict)
    exports: OrderedDict[str, Export] = field(default_factory=OrderedDict)
    references: OrderedDict[str, sf.RecordingReferenced] = field(default_factory=OrderedDict)
    clears: dict[str, ForcedClear] = field(default_factory=dict)  # by camera, until it is taken out
    schedule_version: int = 0

    def open_incident(self, camera: str) -> Incident | None:
        """The newest incident of this camera that is not finished."""
        mine = (i for i in reversed(self.incidents.values()) if i.camera == camera and not i.finished)
        return next(mine, None)

    def given(self, about: str, paper: str) -> bool:
        return (about, paper) in self.papers

    def apply(self, line: Line) -> None:
        """Take one durable line, in order."""
        handler = _HANDLERS.get(type(line.fact))
        if handler is not None:
            handler(self, line, line.fact)
        self.upkeep = self.upkeep.after(line)


class _Finishing(Protocol):
    @property
    def finished(self) -> bool: ...


_T = TypeVar("_T", bound=_Finishing)


def _keep(kept: OrderedDict[str, _T], key: str, value: _T) -> None:
    """Add one; forget from the front: what is not finished stays, and all that came after it."""
    kept[key] = value
    while len(kept) > KEEP and next(iter(kept.values())).finished:
        kept.popitem(last=False)


# One function a fact. They are plain assignments: whoever wrote the fact decided.


def _schedule(s: ShiftState, at: Line, x: sf.ScheduleAccepted) -> None:
    s.schedule_version = x.version


def _briefed(s: ShiftState, at: Line, x: sf.OfficerBriefed) -> None:
    s.briefed.add(x.person)


def _taken(s: ShiftState, at: Line, x: f.CameraIssued) -> None:
    s.users.add(x.officer)
    s.clears.pop(x.camera, None)


def _moved(s: ShiftState, at: Line, x: f.CameraDocked | f.CameraUndocked | f.SlotForcedOpen) -> None:
    s.clears.pop(x.camera, None)


def _clear_asked(s: ShiftState, at: Line, x: sf.ClearAsked) -> None:
    s.clears[x.camera] = ForcedClear(x.camera, x.reason, at.actor)


def _clear_agreed(s: ShiftState, at: Line, x: sf.ClearAgreed) -> None:
    if (asked := s.clears.get(x.camera)) is not None:
        asked.agreed_by = at.actor


def _clear_ended(s: ShiftState, at: Line, x: sf.ClearEnded) -> None:
    s.clears.pop(x.camera, None)


def _drafted(s: ShiftState, at: Line, x: f.IncidentDrafted) -> None:
    new = Incident(
        x.incident, x.kind, at.time, camera=x.camera, issue=x.issue, recording=x.recording, slot=x.slot
    )
    new.changed = at.seq
    _keep(s.incidents, new.id, new)


def _opened(s: ShiftState, at: Line, x: sf.IncidentOpened) -> None:
    new = Incident(x.incident, x.kind, x.happened, Stage.OPEN, x.description, x.item, x.camera, x.issue)
    new.person, new.confirmed_by, new.changed = x.person, at.actor, at.seq
    _keep(s.incidents, new.id, new)


def _confirmed(s: ShiftState, at: Line, x: sf.IncidentConfirmed) -> None:
    if (incident := s.incidents.get(x.incident)) is not None:
        incident.stage, incident.description = Stage.OPEN, x.description
        incident.person, incident.confirmed_by, incident.changed = x.person, at.actor, at.seq


def _rejected(s: ShiftState, at: Line, x: sf.IncidentRejected) -> None:
    if (incident := s.incidents.get(x.incident)) is not None:
        incident.stage, incident.reason, incident.confirmed_by = Stage.REJECTED, x.reason, at.actor
    for memo in [memo for memo in s.memos.values() if memo.incident == x.incident]:
        del s.memos[memo.camera]  # there is nothing any more that it would be for


def _noted(s: ShiftState, at: Line, x: sf.IncidentNoted) -> None:
    if (incident := s.incidents.get(x.incident)) is not None:
        for text, kept in ((x.measures, "measures"), (x.result, "result"), (x.note, "notes")):
            if text:
                getattr(incident, kept).append(text)
                incident.changed = at.seq
        if x.closed:
            incident.stage = Stage.CLOSED


def _given(s: ShiftState, at: Line, x: sf.PaperGiven) -> None:
    s.papers[(x.about, x.paper)] = x.document
    if x.paper == Paper.WORKS and (works := s.works.get(x.about)) is not None:
        works.changed = at.seq  # the letter stands in their note
    if x.paper == Paper.WARNING:
        s.forecasts.pop(named_alert(x.about), None)
    while len(s.papers) > PAPERS_KEPT:
        s.papers.popitem(last=False)


def _alert_raised(s: ShiftState, at: Line, x: f.AlertRaised) -> None:
    if is_forecast(x.alert):
        s.forecasts[x.alert] = raised(s.forecasts.get(x.alert, ()), x.alert, at.seq, at.time)


def _alert_withdrawn(s: ShiftState, at: Line, x: f.AlertWithdrawn) -> None:
    if x.alert in s.forecasts:
        s.forecasts[x.alert] = withdrawn(s.forecasts[x.alert], at.time)


def _memo(s: ShiftState, at: Line, x: sf.MemoEntered) -> None:
    memo = s.memos[x.camera] = Memo(x.camera, x.document, x.head, x.incident, at.time)
    if (incident := s.incidents.get(x.incident)) is not None:
        incident.reserves.append(memo)


def _memo_ended(s: ShiftState, at: Line, x: sf.MemoEnded) -> None:
    s.memos.pop(x.camera, None)


def _damaged(s: ShiftState, at: Line, x: sf.ItemDamaged) -> None:
    s.repairs[x.item] = Repair(x.item, at.time, x.description, incident=x.incident, changed=at.seq)


def _tagged(s: ShiftState, at: Line, x: sf.ItemTagged) -> None:
    if (repair := s.repairs.get(x.item)) is not None:
        repair.condition, repair.tag, repair.place = Condition.TAGGED, x.tag, x.place
        repair.tagged, repair.changed = at.time, at.seq


def _impossible(s: ShiftState, at: Line, x: sf.OffloadImpossible) -> None:
    if (repair := s.repairs.get(x.item)) is not None:
        repair.statement, repair.changed = x.statement, at.seq


def _to_repair(s: ShiftState, at: Line, x: sf.RepairReleased) -> None:
    if (repair := s.repairs.get(x.item)) is not None:
        repair.condition, repair.receiver, repair.contract = Condition.RELEASED, x.receiver, x.contract
        repair.changed = at.seq


def _repaired(s: ShiftState, at: Line, x: sf.RepairReturned) -> None:
    if (repair := s.repairs.pop(x.item, None)) is not None:
        repair.returned, repair.result, repair.changed = at.time, x.result, at.seq
        _keep(s.repaired, repair.id, repair)


def _works(s: ShiftState, at: Line, x: sf.WorksOpened) -> None:
    new = Works(x.works, at.time, x.entry, x.grounds, x.items, x.persons, versions=(x.version_before, ""))
    new.changed = at.seq
    _keep(s.works, new.id, new)
    if x.letter is not None:
        s.papers[(x.works, Paper.WORKS)] = x.letter


def _works_closed(s: ShiftState, at: Line, x: sf.WorksClosed) -> None:
    if (works := s.works.get(x.works)) is not None:
        works.ended, works.measures, works.result, works.note = at.time, x.measures, x.result, x.note
        works.versions, works.changed = (works.versions[0], x.version_after), at.seq


def _outage(s: ShiftState, at: Line, x: sf.OutageStarted) -> None:
    _keep(s.outages, x.outage, Outage(x.outage, x.cause, x.since))


def _outage_ended(s: ShiftState, at: Line, x: sf.OutageEnded) -> None:
    if (outage := s.outages.get(x.outage)) is not None:
        outage.until, outage.acts = x.at, x.acts


def _volume(s: ShiftState, at: Line, x: sf.VolumeOpened) -> None:
    s.ended[(Journal(x.journal), x.volume - 1)] = x.since
    s.volumes[Journal(x.journal)] = Volume(x.volume, x.since, x.ground, at.time, x.incident)


def _sheet(s: ShiftState, at: Line, x: sf.SheetMade) -> None:
    _keep(s.sheets, x.sheet, SheetRecord(x, at.time, changed=at.seq))
    s.told[Journal(x.journal)] = x.last
    for entry in x.entries:
        key = (Journal(x.journal), entry)
        s.put_down[key] = Told(x.volume, at.time, x.last)
        s.put_down.move_to_end(key)
    while len(s.put_down) > TOLD_KEPT:
        s.put_down.popitem(last=False)


def _signed(s: ShiftState, at: Line, x: sf.SheetSigned) -> None:
    if (sheet := s.sheets.get(x.sheet)) is not None:
        sheet.signatures[x.place] = Signature(x.sha256, x.algorithm, x.signer, x.verdict, at.time)
        sheet.changed = at.seq


def _registered(s: ShiftState, at: Line, x: sf.SheetRegistered) -> None:
    if (sheet := s.sheets.get(x.sheet)) is not None:
        sheet.registered = x.document


def _round(s: ShiftState, at: Line, x: sf.RoundMade) -> None:
    s.rounds[str(at.seq)] = Round(str(at.seq), x.when, x.item, x.in_order, x.faults, at.time, at.actor)
    while len(s.rounds) > ROUNDS_KEPT:
        s.rounds.popitem(last=False)


def _asked(s: ShiftState, at: Line, x: sf.ExportRequested) -> None:
    new = Export(x.export, x.recording, x.request, x.law, x.receiver, at.time, at.actor)
    _keep(s.exports, new.id, new)


def _dropped(s: ShiftState, at: Line, x: sf.ExportDropped) -> None:
    if (export := s.exports.get(x.export)) is not None:
        export.dropped = x.reason


def _handed_over(s: ShiftState, at: Line, x: sf.ExportMade) -> None:
    if (export := s.exports.get(x.export)) is not None:
        export.made, export.made_by, export.folder = at.time, at.actor, x.folder


def _referenced(s: ShiftState, at: Line, x: sf.RecordingReferenced) -> None:
    s.references[x.recording] = x
    while len(s.references) > REFERENCES_KEPT:
        s.references.popitem(last=False)


_HANDLERS: dict[type[f.Fact], Callable[[ShiftState, Line, Any], None]] = {
    f.CameraIssued: _taken,
    f.CameraDocked: _moved,
    f.CameraUndocked: _moved,
    f.SlotForcedOpen: _moved,
    sf.ClearAsked: _clear_asked,
    sf.ClearAgreed: _clear_agreed,
    sf.ClearEnded: _clear_ended,
    f.IncidentDrafted: _drafted,
    f.AlertRaised: _alert_raised,
    f.AlertWithdrawn: _alert_withdrawn,
    sf.ScheduleAccepted: _schedule,
    sf.OfficerBriefed: _briefed,
    sf.IncidentOpened: _opened,
    sf.IncidentConfirmed: _confirmed,
    sf.IncidentRejected: _rejected,
    sf.IncidentNoted: _noted,
    sf.PaperGiven: _given,
    sf.MemoEntered: _memo,
    sf.MemoEnded: _memo_ended,
    sf.ItemDamaged: _damaged,
    sf.ItemTagged: _tagged,
    sf.OffloadImpossible: _impossible,
    sf.RepairReleased: _to_repair,
    sf.RepairReturned: _repaired,
    sf.WorksOpened: _works,
    sf.WorksClosed: _works_closed,
    sf.OutageStarted: _outage,
    sf.OutageEnded: _outage_ended,
    sf.VolumeOpened: _volume,
    sf.SheetMade: _sheet,
    sf.SheetSigned: _signed,
    sf.SheetRegistered: _registered,
    sf.RoundMade: _round,
    sf.ExportRequested: _asked,
    sf.ExportDropped: _dropped,
    sf.ExportMade: _handed_over,
    sf.RecordingReferenced: _referenced,
}
