"""Reports of a shift, a day or a month: the ledger's lines are read in a thread, while the station goes on."""

import asyncio
from datetime import timedelta

from edged.config import Config
from edged.coverage import Rules
from edged.formats import times
from edged.formats.facts import CameraIssued, CameraListed, RecordingSealed
from edged.formats.line import Line, decode_line
from edged.ledger.book import Book
from edged.projections.store import LogQuery
from edged.reports.bounds import Span, bounds
from edged.reports.build import build
from edged.reports.data import IssueShown, Report
from edged.reports.issue import shown
from edged.reports.period import BEFORE, TYPES, Period
from edged.reports.source import Account, Source
from edged.shift.inventory import Sort
from edged.shift.scene import Scene
from edged.station.projector import Projector

LINES = 100_000  # that are looked at to show one issue
_LEFT = ((CameraListed.TYPE, 8), (RecordingSealed.TYPE, 64))
"""What tells how a camera was left, and how many lines: a listing of its card may stand among some of what was brought
by hand; of its last issue there may be many films."""


async def report(book: Book, projector: Projector, source: Source, span: Span, at_ns: int) -> Report:
    """Return the report of what ``at_ns`` lies in.

    Raises:
        EdgeError: NOT_FOUND, no shift is then; the ledger cannot be read.
    """
    began, ended = bounds(span, at_ns, source.schedule)
    period, cameras = Period(began, ended), source.inventory.of(Sort.CAMERA)
    for left in await asyncio.gather(*(_left(projector, one.serial, _before(began)) for one in cameras)):
        period.recall(left)
    return await asyncio.to_thread(_read, book, period, source)


async def issue_shown(projector: Projector, source: Source, issue: str) -> IssueShown:
    """Return one issue as `edged.reports.issue.shown`, with what its camera's clock and card were before.

    Raises EdgeError: NOT_FOUND, there is no such issue.
    """
    lines = await _found(projector, LogQuery(issue=issue, limit=LINES))
    left: list[Line] = []
    for taken, camera in [(one.time, one.fact.camera) for one in lines if isinstance(one.fact, CameraIssued)]:
        clocks = LogQuery(camera=camera, type="clock", since=_before(taken), limit=LINES)
        lines += await _found(projector, clocks)
        left += await _left(projector, camera, taken)
    return shown(issue, sorted(lines, key=lambda line: line.seq), source, left)


async def _left(projector: Projector, camera: str, until: str) -> list[Line]:
    """Return the lines that tell how a camera was left then, long before as it may have been."""
    asked = (LogQuery(camera=camera, type=one, until=until, limit=limit) for one, limit in _LEFT)
    return [line for query in asked for line in await _found(projector, query)]


async def _found(projector: Projector, query: LogQuery) -> list[Line]:
    return [decode_line(line.encode()) for line in await projector.search(query)]


def source_of(scene: Scene, rules: Rules, account: Account | None = None) -> Source:
    """``account``: what the courier says; None: it says nothing, or nobody asks."""
    return Source(
        station=scene.station.snapshot(),
        inventory=scene.inventory,
        schedule=scene.schedule,
        names={person.id: person.name for person in scene.persons.values()},
        now_ns=scene.now_ns,
        root=scene.root,
        margins=scene.margins,
        account=account,
        rules=rules,
    )


def _read(book: Book, period: Period, source: Source) -> Report:
    for line in book.selected(_before(period.began), TYPES):
        period.take(line)
    return build(period, source)


def _before(time: str) -> str:
    return times.format_ns(times.parse_ns(time) - BEFORE.days * 86_400 * 1_000_000_000)


def rules_of(config: Config) -> Rules:
    return Rules(
        first_within=timedelta(minutes=config.shift.first_within_min),
        pause_from=timedelta(seconds=config.shift.pause_s),
        clock_error=timedelta(seconds=config.readiness.clock_max_error_s),
    )
