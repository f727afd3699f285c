"""What stands in the rows of the three journals: Ukrainian texts of what the ledger holds. Pure.

A row has a text for every column of its form but the number (`edged.journals.forms.Sheet`).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from edged.formats import times
from edged.formats.shift_facts import Document
from edged.journals.forms import kyiv
from edged.shift.dues import described, equipment, person_of, sentence
from edged.shift.inventory import SORTS_UK, Inventory, Item, Sort
from edged.shift.manual import name_uk
from edged.shift.records import Incident, Memo, Repair, SheetRecord, Works
from edged.station_state import Issue, StationState

NONE = "—"
Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """What a journal has to tell of one thing."""

    id: str
    rows: tuple[Row, ...]
    changed: int  # the ledger's last line that these rows are made of
    whole: bool = True  # False: its result is still to come


Entries = Iterator[Entry]


# --- Annex 1: handover ---------------------------------------------------------------------------------


class Place(StrEnum):
    """Where a camera of the inventory is, as far as the station knows."""

    SLOT = "slot"
    ISSUED = "issued"
    SAFE = "safe"  # a reserve camera that is in no slot: counted by the persons
    REPAIR = "repair"
    WORKS = "works"
    ABSENT = "absent"


def place_of(item: Item, station: StationState) -> Place:
    camera = station.cameras.get(item.serial)
    if item.number in station.shift.repairs:
        return Place.REPAIR
    if camera is not None and camera.slot:
        return Place.SLOT
    if camera is not None and camera.issue:
        return Place.ISSUED
    if camera is not None and camera.works:
        return Place.WORKS
    if item.reserve and not (camera is not None and camera.missing):
        return Place.SAFE
    return Place.ABSENT


PLACES_UK: Mapping[Place, str] = {
    Place.SLOT: "індивідуальні портативні відеокамери у слотах док-станції",
    Place.ISSUED: "індивідуальні портативні відеокамери, видані уповноваженим особам",
    Place.SAFE: "резервні індивідуальні портативні відеокамери у сейфі",
    Place.REPAIR: "індивідуальні портативні відеокамери, пошкоджені або в ремонті",
    Place.WORKS: "індивідуальні портативні відеокамери на регламентних роботах",
    Place.ABSENT: "індивідуальні портативні відеокамери, яких немає на місці зберігання",
}


@dataclass(frozen=True, slots=True)
class Counted:
    """What the persons counted of that which the station cannot see."""

    safe: int = 0  # reserve cameras
    others: Mapping[Sort, int] = field(default_factory=dict)
    discrepancies: str = ""
    note: str = ""


def to_count(inventory: Inventory) -> tuple[Sort, ...]:
    """Return what persons have to count, in the journal's order: all but cameras, as far as there are any."""
    return tuple(sort for sort in Sort if sort is not Sort.CAMERA and inventory.of(sort))


def handover_rows(
    station: StationState,
    inventory: Inventory,
    names: Mapping[str, str],
    counted: Counted,
    late: Collection[str],
    now_ns: int,
) -> tuple[Row, ...]:
    """Return the rows of a handover: cameras by place, then the rest, then what the persons said.

    ``late``: issues that should have ended.
    """
    when = kyiv(now_ns)
    cameras: dict[Place, list[Item]] = {place: [] for place in Place}
    for item in inventory.of(Sort.CAMERA):
        cameras[place_of(item, station)].append(item)
    rows = []
    for place, items in cameras.items():
        amount = {Place.SAFE: counted.safe, Place.ABSENT: 0}.get(place, len(items))
        if items or amount:  # what was counted and is expected nowhere is a discrepancy too
            findings = "; ".join(_camera_findings(place, items, amount, station, late))
            rows.append(
                (
                    _listed(PLACES_UK[place], items),
                    str(amount),
                    when,
                    findings or NONE,
                    _holders(items, station, names),
                )
            )
    for sort in to_count(inventory):
        items = list(inventory.of(sort))
        amount = counted.others.get(sort, 0)
        rows.append(
            (_listed(SORTS_UK[sort], items), str(amount), when, _difference(items, amount) or NONE, NONE)
        )
    if strangers := _strangers(station, inventory):
        rows.append(
            (
                "Відеокамери у слотах, яких немає в переліку",
                str(len(strangers)),
                when,
                "; ".join(strangers),
                NONE,
            )
        )
    if counted.discrepancies or counted.note:
        rows.append(
            ("За результатами огляду", NONE, when, counted.discrepancies or NONE, counted.note or NONE)
        )
    return tuple(rows)


def _listed(what: str, items: list[Item]) -> str:
    numbers = f"інв. № {', '.join(sorted(item.number for item in items))}" if items else "за переліком немає"
    return f"{sentence(what)}: {numbers}"


def _difference(items: list[Item], amount: int) -> str:
    return f"за переліком {len(items)}, фактично {amount}" if amount != len(items) else ""


def _camera_findings(
    place: Place, items: list[Item], amount: int, station: StationState, late: Collection[str]
) -> Iterable[str]:
    if place in {Place.SAFE, Place.ABSENT} and (difference := _difference(items, amount)):
        yield difference
    for item in items:
        camera = station.cameras.get(item.serial)
        if camera is not None and place is Place.SLOT and camera.quarantine:
            yield f"інв. № {item.number}: у карантині ({camera.quarantine})"
        if camera is not None and place is Place.ISSUED and camera.issue in late:
            yield f"інв. № {item.number}: не повернуто до кінця зміни"
        if camera is not None and place is Place.ABSENT and camera.missing:
            yield f"інв. № {item.number}: вийнято без авторизації"


def _holders(items: list[Item], station: StationState, names: Mapping[str, str]) -> str:
    held = []
    for item in items:
        camera = station.cameras.get(item.serial)
        issue = station.issues.get(camera.issue) if camera is not None and camera.issue else None
        if issue is not None:
            taken = kyiv(times.parse_ns(issue.taken))
            held.append(f"інв. № {item.number}: {names.get(issue.officer, issue.officer)}, видано {taken}")
    return "; ".join(held) or NONE


def _strangers(station: StationState, inventory: Inventory) -> list[str]:
    found = (camera for camera in station.cameras.values() if camera.slot)
    return [f"слот {c.slot}: № {c.serial}" for c in found if not inventory.number_of(c.serial)]


def repeated_rows(sheet: SheetRecord) -> tuple[Row, ...]:
    """Return the rows of a handover as they were, each with the sheet and the persons that it was of."""
    made = sheet.made
    giving, taking = (f"{one.position} {one.name}" for one in made.signatories)
    words = f"повторює аркуш {made.sheet} тому {made.volume}: передає {giving}, приймає {taking}"
    if not sheet.signed:  # with one signature it is none (459-III.3-sign): that is repeated too
        words += f", підписів {len(sheet.signatures)} з {len(made.signatories)}"
    return tuple((*row[:-1], _joined(text for text in (row[-1], words) if text != NONE)) for row in made.rows)


# --- Annex 2: incidents --------------------------------------------------------------------------------


def incident_row(
    incident: Incident, issues: Mapping[str, Issue], inventory: Inventory, names: Mapping[str, str]
) -> Row:
    """Return the row of an incident: when, with whom, what; measures, a reserve camera first; result; note."""
    name = names.get(person_of(incident, issues), "")
    happened = kyiv(times.parse_ns(incident.happened))
    text = f"{happened}. {described(incident, name)}. Обладнання: {equipment(incident, inventory)}"
    measures = (*(_reserve(memo, inventory) for memo in incident.reserves), *incident.measures)
    return text, *(_joined(texts) for texts in (measures, incident.result, incident.notes))


def _reserve(memo: Memo, inventory: Inventory) -> str:
    """A reserve camera is entered in the journal with the memo that it is issued by (459-III.12-reserve)."""
    camera = inventory.describe_uk(inventory.number_of(memo.camera))
    return (
        f"резервна {camera}: службова записка № {memo.document.number} від {memo.document.date}, {memo.head}"
    )


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(texts) or NONE


# --- Annex 3: works and repairs ------------------------------------------------------------------------


def works_row(works: Works, inventory: Inventory, letter: Document | None) -> Row:
    """Return the row of works: when, who, what, on which grounds (the form has no column of their own)."""
    until = f" – {kyiv(times.parse_ns(works.ended))}" if works.ended else ""
    items = "; ".join(inventory.describe_uk(number) for number in works.items)
    text = (
        f"{kyiv(times.parse_ns(works.began))}{until}. {sentence(name_uk(works.entry))}. Підстава: {works.grounds}. "
        f"Проводить: {', '.join(works.persons)}. Обладнання: {items}"
    )
    notes = [works.note] if works.note else []
    if letter is not None:
        notes.append(f"лист № {letter.number} від {letter.date}")
    if any(works.versions):
        notes.append(f"версія {works.versions[0] or NONE} → {works.versions[1] or NONE}")
    return text, works.measures or NONE, works.result or NONE, _joined(notes)


def repair_row(repair: Repair, inventory: Inventory) -> Row:
    """Return the row of a repair, which the technical administrator enters too (459-II.3-maintenance)."""
    text = (
        f"{kyiv(times.parse_ns(repair.since))}. Ремонт: {repair.description}. "
        f"Обладнання: {inventory.describe_uk(repair.item)}"
    )
    steps = [f"бирка № {repair.tag}, місце зберігання: {repair.place}"] if repair.tag else []
    if repair.receiver:
        contract = repair.contract
        under = f" (договір № {contract.number} від {contract.date})" if contract is not None else ""
        steps.append(f"передано: {repair.receiver}{under}")
    back = f"повернуто {kyiv(times.parse_ns(repair.returned))}" if repair.returned else ""
    note = f"вивантаження неможливе: {repair.statement}" if repair.statement else NONE
    return text, _joined(steps), _joined(part for part in (repair.result, back) if part), note
