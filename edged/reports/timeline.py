"""When which camera was issued and when it recorded, as bars over a period. Pure: positions from 0 to 1."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from edged.coverage import BREAKS
from edged.formats import times
from edged.formats.times import KYIV
from edged.reports.data import IssueRow, Report

HOUR_NS = 3_600_000_000_000
TICK_HOURS = (1, 2, 3, 6, 12, 24, 48, 120, 240)
TICKS = 13  # at most


class Bar(StrEnum):
    """Drawn in this order: what comes later lies on top."""

    ISSUED = "issued"
    RECORDED = "recorded"
    GAP = "gap"
    PERHAPS = "perhaps"  # a gap, unless a film without a time lies there
    OUTAGE = "outage"


@dataclass(frozen=True, slots=True)
class Piece:
    kind: Bar
    left: float
    right: float


@dataclass(frozen=True, slots=True)
class Row:
    label: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str  # by a clock in Kyiv


@dataclass(frozen=True, slots=True)
class Timeline:
    rows: tuple[Row, ...]
    ticks: tuple[Tick, ...]


def timeline(report: Report) -> Timeline:
    """Return one row for every camera that was issued, by inventory number."""
    scale = _Scale(times.parse_ns(report.began), times.parse_ns(report.ended))
    until = min(report.ended, report.made)
    by_camera: dict[str, list[IssueRow]] = {}
    for issue in report.issues:
        by_camera.setdefault(issue.number or issue.camera, []).append(issue)
    outages = [
        piece
        for row in report.works
        if row.kind == "outage"
        for piece in scale.pieces(Bar.OUTAGE, row.began, row.ended or until)
    ]
    rows = []
    for label, issues in sorted(by_camera.items()):
        pieces = [piece for issue in issues for piece in _pieces(issue, scale, until)]
        pieces.sort(key=lambda piece: list(Bar).index(piece.kind))
        rows.append(Row(label, (*pieces, *outages)))
    return Timeline(tuple(rows), tuple(scale.ticks()))


def _pieces(issue: IssueRow, scale: "_Scale", until: str) -> Iterator[Piece]:
    yield from scale.pieces(Bar.ISSUED, issue.taken, issue.returned or until)
    for stretch in issue.filmed:
        yield from scale.pieces(Bar.RECORDED, stretch.began, stretch.ended)
    for found in issue.findings:
        if found.kind in BREAKS:
            kind = Bar.PERHAPS if found.perhaps else Bar.GAP
            yield from scale.pieces(kind, found.began, found.ended)


@dataclass(frozen=True, slots=True)
class _Scale:
    began_ns: int
    ended_ns: int

    def pieces(self, kind: Bar, began: str, ended: str) -> Iterable[Piece]:
        """What of it lies in the period: one piece or none."""
        left, right = self._at(times.parse_ns(began)), self._at(times.parse_ns(ended))
        return (Piece(kind, left, right),) if right > left else ()

    def _at(self, moment_ns: int) -> float:
        length = max(1, self.ended_ns - self.began_ns)
        return min(1.0, max(0.0, (moment_ns - self.began_ns) / length))

    def ticks(self) -> Iterator[Tick]:
        """At whole hours in Kyiv, not more than TICKS; the day where it begins."""
        hours = (self.ended_ns - self.began_ns) / HOUR_NS
        step = next((one for one in TICK_HOURS if hours / one < TICKS), TICK_HOURS[-1])
        moment = self.began_ns - self.began_ns % HOUR_NS
        while moment <= self.ended_ns:
            local = times.moment(moment).astimezone(KYIV)
            whole = local.hour % step == 0 if step < 24 else local.hour == 0
            if moment >= self.began_ns and whole and (step < 48 or local.toordinal() % (step // 24) == 0):
                label = f"{local:%d.%m}" if local.hour == 0 else f"{local:%H:%M}"
                yield Tick(self._at(moment), label)
            moment += HOUR_NS
