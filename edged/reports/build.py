"""A report from the ledger's lines of its period and from what the station knows now. Pure."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import partial

from edged.formats import times
from edged.reports import data as d
from edged.reports.issue_row import issue_row
from edged.reports.period import Made, Period
from edged.reports.source import Account, Source
from edged.reports.strays import strays
from edged.reports.texts import Lang, of
from edged.reports.things import equipment_text, in_each, incident_text, owed_text, repair_text
from edged.shift.dues import owed
from edged.shift.inventory import Sort
from edged.shift.rows import Place, place_of

DIFFERENCES = 200  # shown of a reconciliation


class Why(StrEnum):
    """How far a recording came that has no receipt yet, or what is wrong with one that has."""

    ON_CAMERA = "on-camera"  # listed, and not sealed yet
    SEALED = "sealed"  # sealed; whether it was delivered the courier's account does not say
    WAITING = "waiting"  # sealed, not delivered
    DELIVERED = "delivered"  # the server has it and has not confirmed it
    HELD = "held"  # the server refuses it
    DAMAGED = "damaged"  # parts of it cannot be read
    CORRUPT = "corrupt"  # the copy is not what was sealed


class Read(StrEnum):
    """How much of the courier's account there is; without all of it, what is delivered is the least."""

    WHOLE = "whole"
    PART = "part"  # more wait for their receipt than it names
    NONE = "none"


def build(period: Period, source: Source) -> d.Report:
    """Return the report."""
    stray, left_out = strays(period, source.inventory)
    commissioned = source.station.station
    return d.Report(
        station=commissioned.station if commissioned else "",
        post=commissioned.post if commissioned else "",
        began=period.began,
        ended=period.ended,
        made=times.format_ns(source.now_ns),
        first=period.first,
        last=period.last,
        root=source.root,
        issues=tuple(issue_row(issued, period, source) for issued in period.own_issues()),
        strays=stray,
        strays_left_out=left_out,
        equipment=tuple(_equipment(source)),
        cameras=tuple(_cameras(source)),
        incidents=tuple(_incidents(period, source)),
        papers=tuple(_papers(source)),
        alerts=tuple(
            d.AlertRow(alert=name, code=alert.code, since=alert.since)
            for name, alert in sorted(source.station.alerts.items())
        ),
        works=tuple(sorted(_works(period, source), key=lambda row: row.began)),
        refusals=dict(sorted(period.refusals.items())),
        reconciliation=_reconciled(period.made.values(), source.account),
    )


# --- equipment -----------------------------------------------------------------------------------------


def _equipment(source: Source) -> Iterator[d.EquipmentRow]:
    placed: dict[Place, list[str]] = {place: [] for place in Place}
    for item in source.inventory.of(Sort.CAMERA):
        placed[place_of(item, source.station)].append(item.number)
    for place, numbers in placed.items():
        if numbers:
            yield d.EquipmentRow(sort=Sort.CAMERA, place=place, numbers=tuple(sorted(numbers)))
    for sort in Sort:
        if sort is not Sort.CAMERA and (items := source.inventory.of(sort)):
            yield d.EquipmentRow(sort=sort, place="", numbers=tuple(sorted(item.number for item in items)))


def _cameras(source: Source) -> Iterator[d.CameraRow]:
    numbers = {serial: source.inventory.number_of(serial) for serial in source.station.cameras}
    for serial, number in sorted(numbers.items(), key=lambda one: (not one[1], one[1], one[0])):
        camera = source.station.cameras[serial]
        yield d.CameraRow(
            camera=serial,
            number=number,
            slot=camera.slot,
            ready=camera.ready,
            reasons=camera.reasons,
            charge_percent=camera.charge_percent,
            free_bytes=camera.free_bytes,
            offset_ms=camera.offset_ms,
            uncertainty_ms=camera.uncertainty_ms,
        )


# --- incidents, papers, works --------------------------------------------------------------------------


def _incidents(period: Period, source: Source) -> Iterator[d.IncidentRow]:
    for incident in source.station.shift.incidents.values():
        if period.began <= incident.happened < period.ended:
            yield d.IncidentRow(
                incident=incident.id,
                happened=incident.happened,
                stage=incident.stage,
                text=in_each(partial(incident_text, incident, source)),
                equipment=in_each(partial(equipment_text, incident, source.inventory)),
            )


def _papers(source: Source) -> Iterator[d.PaperRow]:
    parts = (source.station, source.inventory, source.schedule, source.names)
    for one in owed(*parts, source.margins, source.now_ns):
        yield d.PaperRow(
            paper=one.paper,
            about=one.about,
            what=in_each(partial(owed_text, one, source)),
            since=times.format_ns(one.since_ns),
            due=times.format_ns(one.due_ns),
            overdue=one.overdue(source.now_ns),
        )


def _works(period: Period, source: Source) -> Iterator[d.WorksRow]:
    shift, inventory = source.station.shift, source.inventory
    repairs = (*shift.repairs.values(), *shift.repaired.values())
    rows = [
        *(("works", w.began, w.ended, in_each(partial(of, "entry", w.entry))) for w in shift.works.values()),
        *(
            ("outage", o.since, o.until, dict.fromkeys(map(str, Lang), o.cause))
            for o in shift.outages.values()
        ),
        *(("repair", r.since, r.returned, in_each(partial(repair_text, r, inventory))) for r in repairs),
    ]
    for kind, began, ended, text in rows:
        if began < period.ended and (not ended or ended >= period.began):
            yield d.WorksRow(kind=kind, began=began, ended=ended, text=text)


# --- reconciliation ------------------------------------------------------------------------------------


def _reconciled(made: Iterable[Made], account: Account | None) -> d.Reconciliation:
    made = list(made)
    behind = [(one, why) for one in made if (why := why_behind(one, account)) is not None]
    shown = behind[:DIFFERENCES]
    named = account.delivered if account is not None else frozenset()
    return d.Reconciliation(
        made=len(made),
        sealed=sum(one.sealed for one in made),
        delivered=sum(one.confirmed or one.recording in named for one in made),
        confirmed=sum(one.confirmed for one in made),
        account=_read(account),
        account_time=account.time if account is not None else "",
        differences=tuple(
            d.Difference(recording=one.recording, camera=one.camera, path=one.path, why=why)
            for one, why in shown
        ),
        left_out=len(behind) - len(shown),
    )


def _read(account: Account | None) -> Read:
    if account is None:
        return Read.NONE
    return Read.WHOLE if account.whole else Read.PART


def why_behind(one: Made, account: Account | None) -> Why | None:
    """Return why a recording is not through; None: the server has confirmed it, and it is whole."""
    if one.corrupt:
        return Why.CORRUPT
    if one.damaged:
        return Why.DAMAGED
    if one.confirmed:
        return None
    if not one.sealed:
        return Why.ON_CAMERA
    if one.held:
        return Why.HELD
    if account is not None and one.recording in account.delivered:
        return Why.DELIVERED
    return Why.WAITING if account is not None and account.whole else Why.SEALED
