"""What each journal has to tell, entry by entry, and what of it the next sheet takes. Pure.

Rule 1: an entry is told by a sheet that was made of every line of the ledger about it. What is entered later makes it
untold again: the next sheet repeats its row, completed.
Rule 2: a sheet tells nothing if it was made after the moment from which its volume was lost or seized: the volume after
it repeats what stands there. What no sheet tells is offered whenever it happened, also in a new volume.
Rule 3: works and repairs wait for their result (Annex 3 has a column for it), unless somebody names them.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from edged.journals.forms import Kind as Journal
from edged.journals.papers import Paper
from edged.shift.records import Stage, repeats
from edged.shift.round_acts import inspections
from edged.shift.rows import Entries, Entry, incident_row, repair_row, repeated_rows, works_row
from edged.shift.scene import Scene
from edged.shift.state import ShiftState


def untold(scene: Scene, journal: Journal) -> Entries:
    """Yield what the next sheet of this journal tells if nobody names entries."""
    for entry in ENTRIES[journal](scene):
        told = scene.shift.put_down.get((journal, entry.id))
        stands = told is not None and told.last >= entry.changed
        lost = told is not None and _is_lost(scene.shift, journal, told.volume, told.at)
        if entry.whole and (lost or not stands):
            yield entry


def _is_lost(shift: ShiftState, journal: Journal, volume: int, at: str) -> bool:
    """Whether what was put down in this volume at this moment has to be repeated in the one after it."""
    ended = shift.ended.get((journal, volume))
    return ended is not None and at >= ended


def _handovers(scene: Scene) -> Entries:
    """That have to be repeated. A sheet that repeats others is none: it is not repeated again."""
    shift = scene.shift
    for sheet in shift.sheets.values():
        made = sheet.made
        if made.journal != Journal.HANDOVER or repeats(made):
            continue
        if _is_lost(shift, Journal.HANDOVER, made.volume, sheet.at):
            yield Entry(made.sheet, repeated_rows(sheet), sheet.changed)


def _incidents(scene: Scene) -> Entries:
    names = {person.id: person.name for person in scene.persons.values()}
    for incident in scene.shift.incidents.values():
        if incident.stage in {Stage.OPEN, Stage.CLOSED}:
            row = incident_row(incident, scene.station.issues, scene.inventory, names)
            yield Entry(incident.id, (row,), incident.changed)


def _maintenance(scene: Scene) -> Entries:
    for works in scene.shift.works.values():
        letter = scene.shift.papers.get((works.id, Paper.WORKS))
        row = works_row(works, scene.inventory, letter)
        yield Entry(works.id, (row,), works.changed, works.finished)
    for repair in (*scene.shift.repaired.values(), *scene.shift.repairs.values()):
        yield Entry(repair.id, (repair_row(repair, scene.inventory),), repair.changed, repair.finished)


ENTRIES: Mapping[Journal, Callable[[Scene], Entries]] = MappingProxyType(
    {
        Journal.HANDOVER: _handovers,
        Journal.INCIDENT: _incidents,
        Journal.MAINTENANCE: _maintenance,
        Journal.ROUND: inspections,
    }
)
