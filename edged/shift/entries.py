"""What each journal has to tell: entry by entry, since its volume began. Pure."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from edged.journals.forms import Kind as Journal
from edged.journals.papers import Paper
from edged.shift.records import Stage, repeats
from edged.shift.round_acts import inspections
from edged.shift.rows import Entries, incident_row, repair_row, repeated_rows, works_row
from edged.shift.scene import Scene


def _handovers(scene: Scene) -> Entries:
    """Of older volumes, since this one began. A sheet that repeats others is none: it is not repeated again."""
    volume = scene.shift.volumes[Journal.HANDOVER]
    for sheet in scene.shift.sheets.values():
        older = sheet.made.journal == Journal.HANDOVER and sheet.made.volume < volume.number
        if older and sheet.at >= volume.since and not repeats(sheet.made):
            yield sheet.made.sheet, repeated_rows(sheet)


def _incidents(scene: Scene) -> Entries:
    since = scene.shift.volumes[Journal.INCIDENT].since
    names = {person.id: person.name for person in scene.persons.values()}
    for incident in scene.shift.incidents.values():
        if incident.stage in {Stage.OPEN, Stage.CLOSED} and incident.happened >= since:
            yield incident.id, (incident_row(incident, scene.station.issues, scene.inventory, names),)


def _maintenance(scene: Scene) -> Entries:
    since = scene.shift.volumes[Journal.MAINTENANCE].since
    for works in scene.shift.works.values():
        if works.finished and works.ended >= since:
            letter = scene.shift.papers.get((works.id, Paper.WORKS))
            yield works.id, (works_row(works, scene.inventory, letter),)
    for repair in (*scene.shift.repaired.values(), *scene.shift.repairs.values()):
        if not repair.finished or repair.returned >= since:
            yield repair.id, (repair_row(repair, scene.inventory),)


ENTRIES: Mapping[Journal, Callable[[Scene], Entries]] = MappingProxyType(
    {
        Journal.HANDOVER: _handovers,
        Journal.INCIDENT: _incidents,
        Journal.MAINTENANCE: _maintenance,
        Journal.ROUND: inspections,
    }
)
