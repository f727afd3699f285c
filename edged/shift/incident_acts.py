"""Incidents (Annex 2) and the papers about them: what a responsible person may enter, and when. Pure."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from types import MappingProxyType

from edged.errors import EdgeError, ErrorCode
from edged.formats import shift_facts as sf
from edged.formats.facts import Fact
from edged.formats.roster import Role
from edged.journals.papers import Paper
from edged.shift.export_acts import EXPORTERS
from edged.shift.records import Incident, Stage
from edged.shift.scene import Act, Day, Long, Maybe, MaybeLong, Number, Params, Scene, Short, Time, refuse


class Cause(StrEnum):
    """What a person opens an incident for (459-I.3-incident). Lost and seized journals: `journal_acts`."""

    MALFUNCTION = "malfunction"
    LOSS = "loss"
    DAMAGE = "damage"


class OpenParams(Params, frozen=True):
    cause: Cause
    happened: Time
    description: Long
    item: Maybe = ""
    camera: Maybe = ""
    issue: Maybe = ""
    person: Maybe = ""


class ConfirmParams(Params, frozen=True):
    incident: Short
    description: Long
    person: Maybe = ""


class RejectParams(Params, frozen=True):
    incident: Short
    reason: Long


class NoteParams(Params, frozen=True):
    incident: Short
    measures: MaybeLong = ""
    result: MaybeLong = ""
    note: MaybeLong = ""
    closed: bool = False


class PaperParams(Params, frozen=True):
    paper: Paper
    about: Short
    number: Number
    date: Day


ENTERED_BY: Mapping[Paper, frozenset[Role]] = MappingProxyType(
    {
        Paper.NOTICE: frozenset({"responsible"}),  # it is addressed to this one
        Paper.INFORM: frozenset({"responsible"}),
        Paper.REPORT: frozenset({"responsible"}),  # its author has no account
        Paper.SECURITY: frozenset({"responsible"}),  # its author changes nothing here
        Paper.WARNING: frozenset({"technician"}),
        Paper.WORKS: frozenset({"technician"}),
        Paper.OVERRUN: frozenset({"technician"}),  # its author has no account
        Paper.COPY: EXPORTERS,
    }
)
"""Whoever is near the author and may write: the paper itself is its author's."""
OF_INCIDENTS = frozenset({Paper.NOTICE, Paper.INFORM, Paper.REPORT, Paper.SECURITY})
OF_WORKS = frozenset({Paper.WORKS, Paper.OVERRUN})


def _incident(scene: Scene, incident: str, *stages: Stage) -> Incident:
    found = scene.shift.incidents.get(incident)
    if found is None:
        raise EdgeError(ErrorCode.NOT_FOUND, incident=incident[:64])
    if found.stage not in stages:
        raise refuse(incident=incident, stage=found.stage, expected=" or ".join(stages))
    return found


def _open(scene: Scene, p: OpenParams) -> tuple[Fact, ...]:
    if p.item:
        scene.inventory.item(p.item)
    if p.camera:
        scene.inventory.camera(p.camera)
    if p.issue and p.issue not in scene.station.issues:
        raise EdgeError(ErrorCode.NOT_FOUND, issue=p.issue)
    if p.person:
        scene.person(p.person)
    opened = sf.IncidentOpened(
        incident=scene.new_id(),
        kind=p.cause,
        happened=scene.past(p.happened),
        description=p.description,
        item=p.item or scene.inventory.number_of(p.camera),
        camera=p.camera,
        issue=p.issue,
        person=p.person,
    )
    return (opened,)


def _confirm(scene: Scene, p: ConfirmParams) -> tuple[Fact, ...]:
    incident = _incident(scene, p.incident, Stage.DRAFT)
    issue = scene.station.issues.get(incident.issue)
    person = p.person or (issue.officer if issue is not None else "")
    if p.person:
        scene.person(p.person)
    return (sf.IncidentConfirmed(incident=p.incident, description=p.description, person=person),)


def _reject(scene: Scene, p: RejectParams) -> tuple[Fact, ...]:
    _incident(scene, p.incident, Stage.DRAFT)
    return (sf.IncidentRejected(incident=p.incident, reason=p.reason),)


def _note(scene: Scene, p: NoteParams) -> tuple[Fact, ...]:
    incident = _incident(scene, p.incident, Stage.OPEN)
    if not (p.measures or p.result or p.note or p.closed):
        raise EdgeError(ErrorCode.BAD_REQUEST, expected="measures, a result or a note")
    if p.closed and not ((p.measures or incident.measures) and (p.result or incident.result)):
        raise refuse(incident=p.incident, expected="measures and a result, before it is closed")
    noted = sf.IncidentNoted(
        incident=p.incident, measures=p.measures, result=p.result, note=p.note, closed=p.closed
    )
    return (noted,)


def _give(scene: Scene, p: PaperParams) -> tuple[Fact, ...]:
    if not ENTERED_BY[p.paper] & scene.roles:
        roles = ", ".join(sorted(ENTERED_BY[p.paper]))
        raise EdgeError(ErrorCode.NOT_ALLOWED, paper=p.paper, person=scene.actor, roles=roles)
    if scene.shift.given(p.about, p.paper):
        raise refuse(paper=p.paper, about=p.about, expected="a paper that was not entered before")
    if p.paper in OF_INCIDENTS:
        _incident(scene, p.about, Stage.DRAFT, Stage.OPEN, Stage.CLOSED)
    elif p.about not in _occasions(scene, p.paper):
        raise EdgeError(ErrorCode.NOT_FOUND, about=p.about)
    return (sf.PaperGiven(paper=p.paper, about=p.about, document=scene.document(p.number, p.date)),)


def _occasions(scene: Scene, paper: Paper) -> Collection[str]:
    """What a paper that is about no incident can be about."""
    if paper is Paper.COPY:
        return {export.id for export in scene.shift.exports.values() if export.made}
    if paper is Paper.WARNING:
        return {raising.id for raisings in scene.shift.forecasts.values() for raising in raisings}
    return scene.shift.works


ACTS: Mapping[str, Act] = MappingProxyType(
    {
        "incident open": Act(OpenParams, _open),
        "incident confirm": Act(ConfirmParams, _confirm),
        "incident reject": Act(RejectParams, _reject),
        "incident note": Act(NoteParams, _note),
        "paper give": Act(PaperParams, _give),
    }
)
