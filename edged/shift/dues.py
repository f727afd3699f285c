"""What persons still owe: papers by their deadlines, and works that go on for too long. Pure.

Rule 1: a paper is owed until its number and date are entered. A rejected draft owes nothing.
Rule 2: a deadline that has passed is shown as passed; nothing is ever given in somebody's name.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from edged.duty import Margins, duty_of, ns
from edged.formats import times
from edged.formats.schedule import Schedule
from edged.journals.forms import Kind as Journal
from edged.journals.forms import kyiv
from edged.journals.papers import HOURS_24_NS, LINE, Occasion, Paper, due_ns, late_ns, remind_ns
from edged.shift import forecasts
from edged.shift.incident_acts import OF_INCIDENTS
from edged.shift.inventory import Inventory
from edged.shift.kinds import KINDS_UK
from edged.shift.manual import name_uk
from edged.shift.records import Incident, SheetRecord, Stage, Works, repeats
from edged.shift.state import ShiftState
from edged.station_state import Issue, StationState

WARN_BEFORE = timedelta(hours=2)  # ours: of the 24 hours that works may take


@dataclass(frozen=True, slots=True)
class Owed:
    """A paper that nobody has entered yet."""

    paper: Paper
    about: str
    since_ns: int
    due_ns: int
    occasion: Occasion
    late_ns: int
    remind_ns: int

    def overdue(self, now_ns: int) -> bool:
        return now_ns >= self.late_ns


@dataclass(frozen=True, slots=True)
class Reminded:
    """Papers to be reminded of, by what they are about. No paper stands in both."""

    late: Mapping[str, tuple[Owed, ...]]
    soon: Mapping[str, tuple[Owed, ...]]


def owed(
    station: StationState,
    inventory: Inventory,
    schedule: Schedule | None,
    names: Mapping[str, str],
    margins: Margins,
    now_ns: int,
) -> tuple[Owed, ...]:
    """Return what is owed now, the most urgent first."""
    found = [
        *_of_incidents(station, inventory, schedule, names, margins),
        *_of_works(station.shift, inventory, schedule, margins, now_ns),
        *_of_forecasts(station.shift, margins),
        *_of_copies(station.shift, margins),
    ]
    return tuple(sorted(found, key=lambda one: (one.due_ns, one.about, one.paper)))


def _of_incidents(
    station: StationState,
    inventory: Inventory,
    schedule: Schedule | None,
    names: Mapping[str, str],
    margins: Margins,
) -> Iterator[Owed]:
    for incident in station.shift.incidents.values():
        if incident.stage is Stage.REJECTED:
            continue
        officer = person_of(incident, station.issues)
        happened = times.parse_ns(incident.happened)
        occasion = Occasion(
            described(incident, names.get(officer, "")), kyiv(happened), equipment(incident, inventory)
        )
        own = duty_of(schedule, officer, happened, margins)[0] if officer else None
        # The notice is written to the responsible person: nobody writes it to himself.
        notified = bool(officer) and incident.confirmed_by != f"person:{officer}"
        for paper in sorted(OF_INCIDENTS):
            if station.shift.given(incident.id, paper) or (paper is Paper.NOTICE and not notified):
                continue
            due = due_ns(paper, happened, schedule, own)
            yield _owe(paper, incident.id, happened, due, occasion, margins)


def _of_works(
    shift: ShiftState, inventory: Inventory, schedule: Schedule | None, margins: Margins, now_ns: int
) -> Iterator[Owed]:
    for works in shift.works.values():
        began = times.parse_ns(works.began)
        occasion = works_occasion(inventory, works.entry, works.grounds, works.items, kyiv(began))
        papers = (Paper.WORKS, Paper.OVERRUN) if lasted_ns(works, now_ns) > HOURS_24_NS else (Paper.WORKS,)
        for paper in papers:
            if not shift.given(works.id, paper):
                due = due_ns(paper, began, schedule, None)
                yield _owe(paper, works.id, began, due, occasion, margins)


def works_occasion(
    inventory: Inventory, entry: str, grounds: str, items: Sequence[str], when: str
) -> Occasion:
    """Of works that go on, or are only planned. What nobody has said of these is a line to fill in."""
    what = f"{name_uk(entry)}. Підстава: {grounds.rstrip('. ') or LINE}"
    return Occasion(what, when or LINE, "; ".join(map(inventory.describe_uk, items)) or LINE)


def _of_forecasts(shift: ShiftState, margins: Margins) -> Iterator[Owed]:
    """One an alert, since the first of its raisings that owes a warning."""
    for raisings in shift.forecasts.values():
        first = next((one for one in raisings if one.owes(ns(margins.at_once))), None)
        if first is not None:
            since = times.parse_ns(first.since)
            what, of = forecasts.described(first.alert)
            yield _owe(Paper.WARNING, first.id, since, since, Occasion(what, kyiv(since), of), margins)


def _of_copies(shift: ShiftState, margins: Margins) -> Iterator[Owed]:
    for export in shift.exports.values():
        if export.made and not shift.given(export.id, Paper.COPY):
            made = times.parse_ns(export.made)
            what = (
                f"відеозапис {export.recording}, запит № {export.request.number} від {export.request.date}, "
                f"підстава: {export.law}, одержувач: {export.receiver}"
            )
            occasion = Occasion(what, kyiv(made), "док-станція")
            yield _owe(Paper.COPY, export.id, made, made, occasion, margins)


def _owe(paper: Paper, about: str, since: int, due: int, occasion: Occasion, margins: Margins) -> Owed:
    late, remind = late_ns(since, due, margins), remind_ns(paper, since, due, margins)
    return Owed(paper, about, since, due, occasion, late, remind)


def reminded(
    station: StationState, inventory: Inventory, schedule: Schedule | None, margins: Margins, now_ns: int
) -> Reminded:
    """Return the papers that are late, and those whose deadline is near.

    Works that have begun without their letter are late with it at once, whenever it is due (459-III.14-notice).
    """
    late: dict[str, tuple[Owed, ...]] = {}
    soon: dict[str, tuple[Owed, ...]] = {}
    for one in owed(station, inventory, schedule, {}, margins, now_ns):
        if one.paper is Paper.WORKS or one.overdue(now_ns):
            late[one.about] = (*late.get(one.about, ()), one)
        elif now_ns >= one.remind_ns:
            soon[one.about] = (*soon.get(one.about, ()), one)
    return Reminded(late, soon)


def unsigned_handovers(shift: ShiftState, now_ns: int, within_ns: int) -> tuple[SheetRecord, ...]:
    """Return the handovers that not all have signed who have to, after so long a time."""
    return tuple(
        sheet
        for sheet in shift.sheets.values()
        if sheet.made.journal == Journal.HANDOVER
        and not repeats(sheet.made)
        and not sheet.signed
        and now_ns >= times.parse_ns(sheet.at) + within_ns
    )


def unconfirmed_returns(station: StationState, now_ns: int, within_ns: int) -> dict[str, Issue]:
    """Return, by camera, its oldest return that nobody has confirmed after so long (459-III.11-return)."""
    late: dict[str, Issue] = {}
    for issue in (station.issues[one] for one in station.returns_to_confirm()):
        if now_ns >= times.parse_ns(issue.returned) + within_ns:
            late.setdefault(issue.camera, issue)
    return late


def not_returned(
    station: StationState, schedule: Schedule | None, margins: Margins, longest_h: float, now_ns: int
) -> tuple[Issue, ...]:
    """Return the issues that go on after the end of their shift, or for longer than any shift where it is not known."""
    shifts = {shift.id: shift for shift in schedule.shifts} if schedule is not None else {}
    out = (station.issues.get(camera.issue) for camera in station.cameras.values() if camera.issue)
    late = []
    for issue in out:
        if issue is None or not issue.timed:
            continue
        shift = shifts.get(issue.shift)
        if shift is not None:
            due_ns = times.parse_ns(shift.ends) + ns(margins.after)
        else:
            due_ns = times.parse_ns(issue.taken) + round(longest_h * 3_600_000_000_000)
        if now_ns >= due_ns:
            late.append(issue)
    return tuple(late)


def lasted_ns(works: Works, now_ns: int) -> int:
    """Return how long works have taken, or have been going on."""
    end = times.parse_ns(works.ended) if works.ended else now_ns
    return end - times.parse_ns(works.began)


def too_long(shift: ShiftState, now_ns: int) -> tuple[tuple[Works, bool], ...]:
    """Return the works that go on and near the 24 hours of 459-III.15-24h; True: they are over."""
    near = HOURS_24_NS - ns(WARN_BEFORE)
    going_on = ((works, lasted_ns(works, now_ns)) for works in shift.works.values() if not works.finished)
    return tuple((works, lasted > HOURS_24_NS) for works, lasted in going_on if lasted >= near)


# --- how papers and journals name things ---------------------------------------------------------------


def person_of(incident: Incident, issues: Mapping[str, Issue]) -> str:
    """Return with whom it happened, as far as anybody said or the issue tells."""
    issue = issues.get(incident.issue)
    return incident.person or (issue.officer if issue is not None else "")


def reserved_for(station: StationState, camera: str) -> str:
    """Return the officer whose incident the memo of this reserve camera is about; "": of none that goes on."""
    memo = station.shift.memos.get(camera)
    incident = station.shift.incidents.get(memo.incident) if memo is not None else None
    if incident is None or incident.finished:
        return ""
    return person_of(incident, station.issues)


def described(incident: Incident, name: str) -> str:
    """Return an incident in one sentence: its kind, what was said of it, with whom it happened."""
    parts = (KINDS_UK.get(incident.kind, incident.kind), incident.description, name)
    return ". ".join(sentence(part.rstrip(". ")) for part in parts if part)


def sentence(words: str) -> str:
    """Return them with a capital letter in front; the rest as it is."""
    return words[:1].upper() + words[1:]


def equipment(incident: Incident, inventory: Inventory) -> str:
    number = incident.item or inventory.number_of(incident.camera)
    if number:
        return inventory.describe_uk(number)
    return f"відеокамера {incident.camera}" if incident.camera else "—"
