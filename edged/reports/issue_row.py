"""An issue with its coverage, and with all else that was found of it. Pure."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from enum import StrEnum

import msgspec

from edged import coverage
from edged.clock_drift import Reading, how_off
from edged.coverage import Coverage, after_shift, cover, unknown_times
from edged.duty import shift_of, shifts_of
from edged.formats import times
from edged.formats.schedule import Shift
from edged.reports import data as d
from edged.reports.moments import moment, text
from edged.reports.period import Issued, Period
from edged.reports.source import Source
from edged.stretches import ZERO, Stretch

MILLISECOND = timedelta(milliseconds=1)


class Other(StrEnum):
    """What may be found beside `edged.coverage.Kind`."""

    MEDIUM = "medium-changed"
    CLOCK = "clock-off"


def issue_row(issued: Issued, period: Period, source: Source) -> d.IssueRow:
    """Return an issue with its coverage, as far as that is known."""
    row = _covered(issued, period, source)
    return msgspec.structs.replace(row, findings=(*row.findings, *_others(issued, period, source)))


def _covered(issued: Issued, period: Period, source: Source) -> d.IssueRow:
    row = d.IssueRow(
        issue=issued.issue,
        camera=issued.camera,
        number=source.inventory.number_of(issued.camera),
        officer=source.names.get(issued.officer, issued.officer),
        taken=issued.taken,
        returned=issued.returned,
        confirmed=issued.confirmed,
        flags=issued.flags,
    )
    shift = shift_of(source.schedule, issued.shift, times.parse_ns(issued.taken), source.margins)
    if shift is not None:
        row = msgspec.structs.replace(row, shift_ends=shift.ends)
    until = issued.returned or min(period.ended, times.format_ns(source.now_ns))
    films, untimed = period.films.get(issued.issue, ()), period.untimed.get(issued.issue, ())
    if untimed and not films:
        return msgspec.structs.replace(row, findings=_findings(unknown_times(untimed)))
    if until <= issued.taken or not (films or issued.returned):
        return row  # nothing aboard is known before it is back
    out = Stretch(moment(issued.taken), moment(until))
    covered = cover(
        out,
        films,
        _outages(source),
        source.rules,
        period.before.get(issued.issue),
        untimed,
    )
    row = _with_coverage(row, covered, at_least=bool(untimed))
    if shift is None:
        return row
    duty = (_stretch(one) for one in shifts_of(source.schedule, issued.officer))
    late = after_shift(out, films, moment(shift.ends), duty, source.rules)
    return msgspec.structs.replace(row, findings=(*row.findings, *_findings(late)))


def _stretch(shift: Shift) -> Stretch:
    return Stretch(moment(shift.begins), moment(shift.ends))


def _outages(source: Source) -> Iterator[Stretch]:
    for one in source.station.shift.outages.values():
        yield Stretch(moment(one.since), moment(one.until) if one.until else times.moment(source.now_ns))


def _with_coverage(row: d.IssueRow, covered: Coverage, *, at_least: bool) -> d.IssueRow:
    return msgspec.structs.replace(
        row,
        asked_s=round(covered.asked.total_seconds()),
        recorded_s=round(covered.recorded.total_seconds()),
        at_least=at_least,
        filmed=tuple(d.Stretch(began=text(one.began), ended=text(one.ended)) for one in covered.filmed),
        findings=_findings(covered.findings),
    )


def _findings(found: Iterable[coverage.Finding]) -> tuple[d.Finding, ...]:
    return tuple(_finding(one) for one in found)


def _finding(found: coverage.Finding) -> d.Finding:
    return d.Finding(
        kind=found.kind,
        began=text(found.stretch.began) if found.stretch else "",
        ended=text(found.stretch.ended) if found.stretch else "",
        recordings=found.recordings,
        numbers=found.numbers,
        uncertainty_ms=found.uncertainty // MILLISECOND,
        why=found.why,
        perhaps=found.perhaps,
    )


def _others(issued: Issued, period: Period, source: Source) -> Iterator[d.Finding]:
    if issued.issue in period.media:
        yield d.Finding(kind=Other.MEDIUM)
    before, after = issued.clock_before, issued.clock_after
    off = how_off(before, after, moment(issued.taken), source.rules.clock_error)
    if off is not None:
        bounds = [one.bound for one in (before, after) if one is not None and one.bound is not None]
        yield d.Finding(
            kind=Other.CLOCK,
            why=off,
            before_ms=_offset_ms(before),
            after_ms=_offset_ms(after),
            uncertainty_ms=max(bounds, default=ZERO) // MILLISECOND,
        )


def _offset_ms(reading: Reading | None) -> int | None:
    return None if reading is None else reading.offset // MILLISECOND
