"""Reports of a shift, a day or a month: the ledger's lines are read in a thread, while the station goes on."""

import asyncio
from datetime import timedelta

from edged.config import Shift
from edged.coverage import Rules
from edged.formats import times
from edged.ledger.book import Book
from edged.reports.bounds import Span, bounds
from edged.reports.build import build
from edged.reports.data import Report
from edged.reports.period import BEFORE, TYPES, Period
from edged.reports.source import Source
from edged.shift.scene import Scene


async def report(book: Book, scene: Scene, rules: Rules, span: Span, at_ns: int) -> Report:
    """Return the report of what ``at_ns`` lies in.

    Raises:
        EdgeError: NOT_FOUND, no shift is then; the ledger cannot be read.
    """
    began, ended = bounds(span, at_ns, scene.schedule)
    return await asyncio.to_thread(_read, book, Period(began, ended), source_of(scene, rules))


def source_of(scene: Scene, rules: Rules) -> Source:
    return Source(
        station=scene.station.snapshot(),
        inventory=scene.inventory,
        schedule=scene.schedule,
        names={person.id: person.name for person in scene.persons.values()},
        now_ns=scene.now_ns,
        root=scene.root,
        rules=rules,
    )


def _read(book: Book, period: Period, source: Source) -> Report:
    before_ns = BEFORE.days * 86_400 * 1_000_000_000
    since = times.format_ns(times.parse_ns(period.began) - before_ns)
    for line in book.selected(since, TYPES):
        period.take(line)
    return build(period, source)


def rules_of(settings: Shift) -> Rules:
    return Rules(
        first_within=timedelta(minutes=settings.first_within_min),
        pause_from=timedelta(seconds=settings.pause_s),
    )
