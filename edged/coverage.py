"""Recorded against issued time of one issue of a camera, and what does not fit (459-IV.1-continuous). Pure.

Rule 1: a finding states times and numbers and accuses nobody; the order lets an officer switch off for private needs,
so each gap may be a private break. Rule 2: what lies inside the uncertainty of the clocks is no finding. Rule 3: time
in which the complex was out of order (459-III.15-outage) is neither asked for nor a gap. Rule 4: a film without a time
may lie in any gap, so beside one of them a gap is only one perhaps, and what is recorded is the least.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from edged.stretches import ZERO, Stretch, clip, clipped, less, merged

_NUMBERED = re.compile(r"(?P<before>.*?)(?P<number>[0-9]{3,6})(?P<after>\.[^./]*)", re.DOTALL)
FILE_TIMES = timedelta(seconds=2)  # FAT dates a file no finer
MISSING_LIMIT = 1000  # numbers that are named; a camera that jumps further has begun to count anew


class Kind(StrEnum):
    """What may be found."""

    LATE = "late"  # the first recording begins later after the issue than configuration allows
    GAP = "gap"
    OVERLAP = "overlap"  # two recordings of one camera at the same time
    MISSING = "missing-number"
    ORDER = "clock-jump"  # a later number that begins earlier
    OUTSIDE = "outside-issue"  # before it was taken or after it was brought back
    AFTER_SHIFT = "after-shift"  # in the issue, but after the officer's shift (459-IV.7-off-duty)
    UNTIMED = "untimed"  # nobody knows when it was made


BREAKS = frozenset({Kind.LATE, Kind.GAP})
"""Time without a film: each may be a private break, and is never named without saying so."""


class Unknown(StrEnum):
    """Why nobody knows when a film was made."""

    LENGTH = "no-length"  # it does not tell how long it is
    CLOCK = "no-clock"  # the camera's clock was not measured, or not against a clock with a bound
    DATE = "no-date"  # the file has none


@dataclass(frozen=True, slots=True)
class Film:
    """One recording, in true time: the camera's clock less its measured offset."""

    recording: str
    path: str
    began: datetime
    ended: datetime
    uncertainty: timedelta = ZERO


@dataclass(frozen=True, slots=True)
class Untimed:
    """A recording of which nobody knows when it was made."""

    recording: str
    path: str
    why: Unknown


@dataclass(frozen=True, slots=True)
class Finding:
    kind: Kind
    stretch: Stretch | None = None  # None: it has no time
    recordings: tuple[str, ...] = ()
    numbers: str = ""  # "17" or "17-19"
    uncertainty: timedelta = ZERO
    why: str = ""  # Unknown
    perhaps: bool = False  # a film without a time may lie there


@dataclass(frozen=True, slots=True)
class Rules:
    """Ours; the order gives no numbers."""

    first_within: timedelta = timedelta(minutes=5)  # of the issue
    pause_from: timedelta = timedelta(seconds=60)  # shorter ones are the changing of files
    clock_error: timedelta = timedelta(seconds=2)  # of a camera that is given out


@dataclass(frozen=True, slots=True)
class Coverage:
    issued: Stretch
    asked: timedelta  # issued time less outages
    recorded: timedelta  # within the asked time, overlaps counted once; beside untimed films the least
    filmed: tuple[Stretch, ...]  # what the films cover, merged across pauses that are none
    findings: tuple[Finding, ...]


def cover(
    issued: Stretch,
    films: Sequence[Film],
    outages: Iterable[Stretch],
    rules: Rules,
    before: Film | None = None,
    untimed: Sequence[Untimed] = (),
) -> Coverage:
    """Compare an issue (its end: the return, or now) with its recordings.

    ``before``: the camera's last film before this issue; a number that is missing between the two is missing here.
    """
    films = sorted(films, key=lambda film: (film.began, film.ended, film.recording))
    dead = merged(clipped(outages, issued))
    filmed = merged(Stretch(film.began, film.ended) for film in films)
    joined = merged(filmed, rules.pause_from)
    within = [part for stretch in filmed for part in less(clip(stretch, issued), dead)]
    findings = [
        *unknown_times(untimed),
        *_gaps(issued, joined, dead, films, rules, perhaps=bool(untimed)),
        *_overlaps(films),
        *_outside(issued, films),
        *_numbers(films, untimed, before),
    ]
    return Coverage(
        issued=issued,
        asked=sum((part.length for part in less(issued, dead)), ZERO),
        recorded=sum((part.length for part in within), ZERO),
        filmed=tuple(joined),
        findings=tuple(findings),
    )


def unknown_times(untimed: Sequence[Untimed]) -> Iterator[Finding]:
    """Yield a finding for each reason why films have no time."""
    for why in Unknown:
        if named := tuple(one.recording for one in untimed if one.why is why):
            yield Finding(Kind.UNTIMED, recordings=named, why=why)


def after_shift(
    issued: Stretch, films: Sequence[Film], ended: datetime, duty: Iterable[Stretch], rules: Rules
) -> Iterator[Finding]:
    """Yield what was filmed in an issue after the shift for which the camera was taken had ended.

    ``duty``: the officer's shifts, for another of his may have begun.
    """
    late = clip(Stretch(ended, max(ended, issued.ended)), issued)
    filmed = merged(clipped((Stretch(film.began, film.ended) for film in films), late), rules.pause_from)
    own = merged(duty) if filmed else ()
    for part in (piece for one in filmed for piece in less(one, own)):
        there = [film for film in films if film.began < part.ended and part.began < film.ended]
        doubt = max(film.uncertainty for film in there)
        if part.length > max(rules.pause_from, doubt):
            named = tuple(film.recording for film in there)
            yield Finding(Kind.AFTER_SHIFT, part, named, uncertainty=doubt)


def _gaps(
    issued: Stretch,
    filmed: Sequence[Stretch],
    dead: Sequence[Stretch],
    films: Sequence[Film],
    rules: Rules,
    *,
    perhaps: bool,
) -> Iterator[Finding]:
    doubt = max((film.uncertainty for film in films), default=ZERO)
    inside = [stretch for stretch in (clip(one, issued) for one in filmed) if stretch.length > ZERO]
    edges = [issued.began, *(edge for one in inside for edge in (one.began, one.ended)), issued.ended]
    for began, ended in zip(edges[::2], edges[1::2], strict=True):
        first = began == issued.began
        for part in less(Stretch(began, ended), dead):
            allowed = rules.first_within if first and part.began == issued.began else rules.pause_from
            if part.length > allowed + doubt:
                kind = Kind.LATE if first else Kind.GAP
                yield Finding(kind, part, uncertainty=doubt, perhaps=perhaps)


def _overlaps(films: Sequence[Film]) -> Iterator[Finding]:
    if not films:
        return
    longest = films[0]
    for film in films[1:]:
        shared = Stretch(film.began, min(longest.ended, film.ended))
        if shared.length > FILE_TIMES:  # one clock has dated both, so its offset is in neither's way
            yield Finding(
                Kind.OVERLAP, shared, (longest.recording, film.recording), uncertainty=film.uncertainty
            )
        longest = max(longest, film, key=lambda one: one.ended)


def _outside(issued: Stretch, films: Sequence[Film]) -> Iterator[Finding]:
    for film in films:
        for part in (
            Stretch(film.began, min(film.ended, issued.began)),
            Stretch(max(film.began, issued.ended), film.ended),
        ):
            if part.length > film.uncertainty and part.length > ZERO:
                yield Finding(Kind.OUTSIDE, part, (film.recording,), uncertainty=film.uncertainty)


_Series = tuple[str, str, int]  # what is around a file's number, and how many digits it has
_Numbered = dict[int, Film | Untimed]


def _numbers(films: Sequence[Film], untimed: Sequence[Untimed], before: Film | None) -> Iterator[Finding]:
    """Of cameras that count their files: what is between the first and the last number, and in which order."""
    series: dict[_Series, _Numbered] = {}
    every: list[Film | Untimed] = [*films, *untimed]
    for film in every:
        if (found := _number(film.path)) is not None:
            series.setdefault(found[0], {})[found[1]] = film
    if before is not None and (found := _number(before.path)) is not None:
        here = series.get(found[0], {})
        if here and found[1] < min(here):  # else it has begun to count anew
            here[found[1]] = before
    for (_, _, width), numbered in sorted(series.items()):
        yield from _missing(numbered, width)
        yield from _order(numbered)


def _missing(numbered: _Numbered, width: int) -> Iterator[Finding]:
    for (number, film), (later, next_film) in pairwise(sorted(numbered.items())):
        if 1 < later - number <= MISSING_LIMIT:
            named = (film.recording, next_film.recording)
            yield Finding(
                Kind.MISSING, _between(film, next_film), named, _range(number + 1, later - 1, width)
            )


def _between(film: Film | Untimed, next_film: Film | Untimed) -> Stretch | None:
    if isinstance(film, Untimed) or isinstance(next_film, Untimed) or next_film.began < film.ended:
        return None
    return Stretch(film.ended, next_film.began)


def _order(numbered: _Numbered) -> Iterator[Finding]:
    timed = [film for _, film in sorted(numbered.items()) if isinstance(film, Film)]
    for film, next_film in pairwise(timed):
        if next_film.began < film.began:
            earlier = Stretch(next_film.began, film.began)
            yield Finding(Kind.ORDER, earlier, (film.recording, next_film.recording))


def _number(path: str) -> tuple[_Series, int] | None:
    """What is around a file's number, and the number; None: the camera does not count."""
    if (found := _NUMBERED.fullmatch(path)) is None:
        return None
    return (found["before"], found["after"], len(found["number"])), int(found["number"])


def _range(first: int, last: int, width: int) -> str:
    return f"{first:0{width}}" if first == last else f"{first:0{width}}-{last:0{width}}"
