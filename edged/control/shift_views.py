"""What `edgectl` shows of incidents, papers, works, repairs, memos and sheets. Pure: a scene in, rows out."""

from dataclasses import dataclass
from typing import Any

from edged.errors import EdgeError, ErrorCode
from edged.formats import times
from edged.formats.facts import OfficerAdded, OfficerRevoked, RightsChanged
from edged.formats.line import Line
from edged.journals.forms import ANNEX, kyiv
from edged.journals.papers import PAPERS, PARTIES_UK, Occasion, Paper, draft
from edged.shift.dues import Owed, equipment, owed, person_of, works_occasion
from edged.shift.entries import untold
from edged.shift.manual import ENTRIES
from edged.shift.records import SheetRecord
from edged.shift.scene import Scene

Rows = list[dict[str, Any]]


def incidents_view(scene: Scene) -> Rows:
    """What is not finished, and what was finished of late; oldest first."""
    return [
        {
            "incident": one.id,
            "kind": one.kind,
            "happened": one.happened,
            "stage": str(one.stage),
            "equipment": equipment(one, scene.inventory),
            "camera": one.camera,
            "issue": one.issue,
            "recording": one.recording,
            "person": person_of(one, scene.station.issues),
            "description": one.description,
            "measures": one.measures,
            "result": one.result,
            "note": one.notes,
            "reason": one.reason,
        }
        for one in scene.shift.incidents.values()
    ]


def papers_view(scene: Scene) -> Rows:
    """What persons owe now, the most urgent first."""
    return [
        {
            "paper": str(one.paper),
            "about": one.about,
            "due": times.format_ns(one.due_ns),
            "overdue": one.overdue(scene.now_ns),
            "author": PARTIES_UK[PAPERS[one.paper].author],
            "to": ", ".join(PARTIES_UK[party] for party in PAPERS[one.paper].addressees),
            "what": one.occasion.what,
        }
        for one in _owed(scene)
    ]


@dataclass(frozen=True, slots=True)
class Planned:
    """What is known of works before they begin."""

    grounds: str = ""
    items: tuple[str, ...] = ()
    begin: str = ""


def draft_view(scene: Scene, paper: Paper, about: str, planned: Planned = Planned()) -> dict[str, Any]:
    """The draft of a paper that is owed; of the letter on works also before they begin, about their entry.

    Raises:
        EdgeError: NOT_FOUND, nothing of that name is owed or in the list; BAD_REQUEST, what only planned works have.
    """
    if paper is Paper.WORKS and about in ENTRIES:
        return {"paper": str(paper), "about": about, "text": draft(paper, _planned(scene, about, planned))}
    if planned != Planned():
        raise EdgeError(ErrorCode.BAD_REQUEST, about=about[:64], expected=f"one of {', '.join(ENTRIES)}")
    for one in _owed(scene):
        if (one.paper, one.about) == (paper, about):
            return {"paper": str(paper), "about": about, "text": draft(paper, one.occasion)}
    raise EdgeError(ErrorCode.NOT_FOUND, paper=paper, about=about[:64])


def _planned(scene: Scene, entry: str, planned: Planned) -> Occasion:
    for number in planned.items:
        scene.inventory.item(number)
    when = kyiv(times.parse_ns(planned.begin)) if planned.begin else ""
    return works_occasion(scene.inventory, entry, planned.grounds, planned.items, when)


def _owed(scene: Scene) -> tuple[Owed, ...]:
    names = {person.id: person.name for person in scene.persons.values()}
    return owed(scene.station, scene.inventory, scene.schedule, names, scene.margins, scene.now_ns)


def works_view(scene: Scene) -> Rows:
    return [
        {
            "works": one.id,
            "entry": one.entry,
            "began": one.began,
            "ended": one.ended,
            "items": list(one.items),
            "persons": list(one.persons),
            "grounds": one.grounds,
            "result": one.result,
        }
        for one in scene.shift.works.values()
    ] + [
        {
            "outage": one.id,
            "entry": "outage",
            "began": one.since,
            "ended": one.until,
            "grounds": one.cause,
            "result": one.acts,
        }
        for one in scene.shift.outages.values()
    ]


def repairs_view(scene: Scene) -> Rows:
    """What is damaged or away, and what came back of late."""
    return [
        {
            "item": one.item,
            "since": one.since,
            "condition": "back" if one.finished else str(one.condition),
            "description": one.description,
            "tag": one.tag,
            "place": one.place,
            "statement": one.statement,
            "receiver": one.receiver,
            "returned": one.returned,
            "result": one.result,
        }
        for one in (*scene.shift.repaired.values(), *scene.shift.repairs.values())
    ]


def memos_view(scene: Scene) -> Rows:
    """Reserve cameras in use, and by which memo."""
    return [
        {
            "camera": one.camera,
            "number": one.document.number,
            "date": one.document.date,
            "head": one.head,
            "incident": one.incident,
            "entered": one.entered,
        }
        for one in scene.shift.memos.values()
    ]


def rights_rows(line: Line) -> Rows:
    """A line about rights as rows, one a change."""
    head = {"seq": line.seq, "time": line.time, "actor": line.actor}
    match line.fact:
        case RightsChanged(version=version, changes=changes):
            return [
                head | {"person": c.person, "change": c.change, "what": c.what, "by": f"roster {version}"}
                for c in changes
            ]
        case OfficerAdded(person=person, appointment=appointment, valid_until=until):
            what = f"officer, {appointment}, until {until}"
            return [head | {"person": person, "change": "role-given", "what": what, "by": "entered here"}]
        case OfficerRevoked(person=person, reason=reason):
            return [
                head | {"person": person, "change": "person-revoked", "what": reason, "by": "entered here"}
            ]
        case _:
            return []


def exports_view(scene: Scene) -> Rows:
    """Copies for third parties: asked for, made, dropped."""
    return [
        {
            "export": one.id,
            "recording": one.recording,
            "number": one.request.number,
            "date": one.request.date,
            "law": one.law,
            "receiver": one.receiver,
            "asked": one.asked,
            "asked_by": one.asked_by,
            "made": one.made,
            "made_by": one.made_by,
            "folder": one.folder,
            "dropped": one.dropped,
        }
        for one in scene.shift.exports.values()
    ]


def sheets_view(scene: Scene) -> Rows:
    """Sheets as they were made; then, for each of the three journals, how much the next one would tell."""
    return [*_sheets(scene), *_untold(scene)]


def _untold(scene: Scene) -> Rows:
    waiting = ((journal, sum(len(entry.rows) for entry in untold(scene, journal))) for journal in ANNEX)
    return [
        {
            "sheet": "",
            "journal": str(journal),
            "volume": scene.shift.volumes[journal].number,
            "made": "",
            "rows": rows,
            "sha256": "",
            "signed": "",
            "registered": "",
        }
        for journal, rows in waiting
        if rows
    ]


def _sheets(scene: Scene) -> Rows:
    return [
        {
            "sheet": one.made.sheet,
            "journal": one.made.journal,
            "volume": one.made.volume,
            "made": one.at,
            "rows": len(one.made.rows),
            "sha256": one.made.sha256,
            "signed": f"{len(one.signatures)} of {len(one.made.signatories)}",
            "signatures": signatures_view(one),
            "registered": one.registered.number if one.registered is not None else "",
        }
        for one in scene.shift.sheets.values()
    ]


def signatures_view(sheet: SheetRecord) -> Rows:
    """Who has to sign, whose signature lies there since when, and what it is worth; in the order of the lines."""
    return [
        {
            "place": place,
            "person": who.person,
            "name": who.name,
            "signer": found.signer if found is not None else "",
            "signed": found.at if found is not None else "",
            "algorithm": found.algorithm if found is not None else "",
            "verdict": found.verdict if found is not None else "",
            "sha256": found.sha256 if found is not None else "",
        }
        for place, who in enumerate(sheet.made.signatories)
        for found in (sheet.signatures.get(place),)
    ]
