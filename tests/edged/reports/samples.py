"""A shift with everything in it that a report tells."""

import random
from collections.abc import Mapping
from datetime import timedelta

from edged.coverage import Film
from edged.formats import facts as f
from edged.formats import times
from edged.reports.build import build
from edged.reports.data import Report
from edged.reports.period import Period
from edged.reports.source import Source
from edged.shift.inventory import Inventory, Item, Sort
from tests.edged.shift.office import ITEMS, NAMES, Office

BEGAN, ENDED = "2026-11-27T06:00:00.000Z", "2026-11-27T18:00:00.000Z"


def cameras(count: int) -> Inventory:
    own = [Item(f"1{number:02}", Sort.CAMERA, f"GAT-{number}") for number in range(1, count + 1)]
    others = (item for item in ITEMS if item.sort is not Sort.CAMERA or item.reserve)
    return Inventory([*own, *(item for item in others if item.number not in {one.number for one in own})])


def moment(text: str) -> int:
    return times.parse_ns(f"2026-11-27T{text}:00.000Z")


def film(recording: str, began: str, ended: str) -> Film:
    return Film(
        recording,
        f"CLIP{int(recording[-4:], 16):04}.MP4",
        times.moment(moment(began)),
        times.moment(moment(ended)),
        timedelta(seconds=1),
    )


def report_of(office: Office, films: Mapping[str, tuple[Film, ...]], **more: object) -> Report:
    period = Period(BEGAN, ENDED)
    period.films = {issue: list(of_issue) for issue, of_issue in films.items()}
    for line in office.lines:
        period.take(line)
    source = Source(
        station=office.station,
        inventory=office.inventory,
        schedule=office.schedule,
        names=NAMES,
        now_ns=times.parse_ns(office.now),
        root="a" * 64,
        **more,  # type: ignore[arg-type]
    )
    return build(period, source)


def busy(count: int = 24, seed: int = 1) -> Report:
    """A day shift of that many cameras."""
    chance = random.Random(seed)
    office = Office(now="2026-11-27T05:00:00.000Z", inventory=cameras(count))
    office.record(
        f.StationCommissioned(
            station="yahodyn-1",
            customs_body="Волинська митниця",
            post="Ягодин",
            station_key="",
            authority_key="",
            centre_key="",
            version="1",
        )
    )
    films: dict[str, tuple[Film, ...]] = {}
    for number in range(1, count):  # the last one is nowhere
        office.dock(f"GAT-{number}", number)
        office.record(
            f.ReadinessChanged(
                camera=f"GAT-{number}",
                slot=number,
                ready=True,
                charge_percent=90 + number % 10,
                free_bytes=10**10,
            ),
            f.ClockMeasured(
                camera=f"GAT-{number}",
                slot=number,
                offset_ms=137 * number,
                uncertainty_ms=510,
                host_class="synchronised",
            ),
        )
    office.now = "2026-11-27T06:10:00.000Z"
    taken = range(1, count, 2)
    for number in taken:
        office.record(
            f.CameraIssued(
                grant="g",
                issue=f"issue-{number}",
                slot=number,
                camera=f"GAT-{number}",
                officer=chance.choice(["olena", "petro"]),
                shift="day",
            )
        )
    for number in taken:
        films[f"issue-{number}"] = tuple(_films(chance, number))
    office.now = "2026-11-27T11:00:00.000Z"
    office.act("iryna", "outage start", cause="немає живлення", since="2026-11-27T10:30:00.000Z")
    office.act(
        "iryna", "outage end", outage=next(iter(office.shift.outages)), acts="відновлено", at=office.now
    )
    office.record(f.BadgeRefused(reader="A", reason="unknown-badge", credential="0" * 16, count=3))
    office.act(
        "iryna",
        "incident open",
        cause="damage",
        happened=office.now,
        description="Розбито скло",
        item="101",
        person="olena",
    )
    office.now = "2026-11-27T17:40:00.000Z"
    for number in taken:
        if number != 5:
            office.dock(f"GAT-{number}", number)
            office.film(f"GAT-{number}", f"{number:032x}")
    office.record(
        f.ReturnConfirmed(
            issues=tuple(f"issue-{n}" for n in taken if n not in {5, 9}), responsible="iryna", reader="A"
        )
    )
    for number in taken:
        if number not in {5, 7}:
            office.confirm(f"{number:032x}")
    office.draft(camera="GAT-2", slot=2)
    office.record(f.AlertRaised(alert="vault-nearly-full", code=6003))
    office.now = "2026-11-27T18:05:00.000Z"
    return report_of(office, films)


def _films(chance: random.Random, number: int) -> list[Film]:
    made: list[Film] = []
    at = moment("06:12")
    while at < moment("17:30"):
        end = min(at + chance.randint(20, 60) * 60 * 10**9, moment("17:35"))
        name = f"{number * 100 + len(made):032x}"
        span = (times.format_ns(at)[11:16], times.format_ns(end)[11:16])
        made.append(film(name, *span))
        at = end + (chance.choice([0, 0, 0, 12]) * 60 * 10**9)
    return made
