"""One issue: its recordings in true time, what its coverage shows, and where to listen for the two steps. Pure.

Films whose camera's clock was not measured are told in that clock's own time, and are marked so: nobody knows by how
much it is off. Where to listen in them is known all the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from edged.coverage import Film
from edged.errors import EdgeError, ErrorCode
from edged.films import film_of, own_film_of
from edged.formats import times
from edged.formats.facts import RecordingSealed
from edged.formats.line import Line
from edged.identification import points
from edged.reports import data as d
from edged.reports.issue_row import issue_row
from edged.reports.moments import text
from edged.reports.period import Period
from edged.reports.source import Source


class Clock(StrEnum):
    """By which clock a time is told."""

    MEASURED = "measured"  # true time
    CAMERA = "camera"  # the camera's own, which was not measured: its uncertainty is not known


def shown(issue: str, lines: Iterable[Line], source: Source, left: Iterable[Line] = ()) -> d.IssueShown:
    """Return what the ledger's lines about it say; ``left``: those of its camera for `Period.recall`.

    Raises EdgeError: NOT_FOUND, they tell of no such issue.
    """
    period = Period("", times.format_ns(source.now_ns))
    period.recall(left)
    own: list[RecordingSealed] = []
    for line in lines:
        period.take(line)
        if isinstance(line.fact, RecordingSealed) and line.fact.issue == issue:
            own.append(line.fact)
    issued = period.issues.get(issue)
    if issued is None:
        raise EdgeError(ErrorCode.NOT_FOUND, issue=issue[:64])
    films = {Clock.MEASURED: _named(map(film_of, own)), Clock.CAMERA: _named(map(own_film_of, own))}
    return d.IssueShown(
        issue=issue_row(issued, period, source),
        films=tuple(_film(one, films) for one in own),
        points=tuple(_points(films, source)),
    )


def _named(films: Iterable[Film | None]) -> dict[str, Film]:
    return {film.recording: film for film in films if film is not None}


def _film(sealed: RecordingSealed, films: Mapping[Clock, Mapping[str, Film]]) -> d.FilmRow:
    known = [(clock, film) for clock in Clock if (film := films[clock].get(sealed.recording)) is not None]
    clock, film = known[0] if known else (Clock.MEASURED, None)
    return d.FilmRow(
        recording=sealed.recording,
        path=sealed.path,
        began=_told(film.began, clock) if film is not None else "",
        ended=_told(film.ended, clock) if film is not None else "",
        sha256=sealed.sha256,
        clock=clock,
    )


def _points(films: Mapping[Clock, Mapping[str, Film]], source: Source) -> Sequence[d.PointRow]:
    """Of each clock by itself: what lies between times of two clocks nobody knows."""
    return [
        d.PointRow(
            place=one.place,
            recording=one.recording,
            path=one.path,
            second=one.second,
            at=_told(one.at, clock),
            clock=clock,
        )
        for clock in Clock
        for one in points(films[clock].values(), source.rules)
    ]


def _told(at: datetime, clock: Clock) -> str:
    """True time is UTC; the camera's own is in no zone that anybody knows."""
    return text(at) if clock is Clock.MEASURED else text(at).removesuffix("Z")
