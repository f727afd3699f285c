"""One issue: its recordings in true time, what its coverage shows, and where to listen for the two steps. Pure."""

from collections.abc import Iterable, Iterator

from edged.errors import EdgeError, ErrorCode
from edged.films import film_of
from edged.formats import times
from edged.formats.facts import RecordingSealed
from edged.formats.line import Line
from edged.identification import points
from edged.reports import data as d
from edged.reports.issue_row import issue_row
from edged.reports.moments import text
from edged.reports.period import Period
from edged.reports.source import Source


def shown(issue: str, lines: Iterable[Line], source: Source, left: Iterable[Line] = ()) -> d.IssueShown:
    """Return what the ledger's lines about it say; ``left``: those of its camera for `Period.recall`.

    Raises EdgeError: NOT_FOUND, they tell of no such issue.
    """
    lines = list(lines)
    period = Period("", times.format_ns(source.now_ns))
    period.recall(left)
    for line in lines:
        period.take(line)
    issued = period.issues.get(issue)
    if issued is None:
        raise EdgeError(ErrorCode.NOT_FOUND, issue=issue[:64])
    films = period.films.get(issue, [])
    return d.IssueShown(
        issue=issue_row(issued, period, source),
        films=tuple(_films(lines, issue)),
        points=tuple(
            d.PointRow(
                place=one.place,
                recording=one.recording,
                path=one.path,
                second=one.second,
                at=text(one.at),
            )
            for one in points(films, source.rules)
        ),
    )


def _films(lines: Iterable[Line], issue: str) -> Iterator[d.FilmRow]:
    for line in lines:
        if isinstance(line.fact, RecordingSealed) and line.fact.issue == issue:
            sealed, film = line.fact, film_of(line.fact)
            yield d.FilmRow(
                recording=sealed.recording,
                path=sealed.path,
                began=text(film.began) if film is not None else "",
                ended=text(film.ended) if film is not None else "",
                sha256=sealed.sha256,
            )
