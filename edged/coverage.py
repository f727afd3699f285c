"""Recorded against issued time of one issue of a camera, and what does not fit (459-IV.1-continuous). Pure.

Rule 1: a finding states times and numbers and accuses nobody; the order lets an officer switch off for private needs,
so each gap may be a private break. Rule 2: what lies inside the uncertainty of the clocks is no finding. Rule 3: time
in which the complex was out of order (459-III.15-outage) is neither asked for nor a gap.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

_NUMBERED = re.compile(r"(?P<before>.*?)(?P<number>[0-9]{3,6})(?P<after>\.[^./]*)", re.DOTALL)
FILE_TIMES = timedelta(seconds=2)  # FAT dates a file no finer
MISSING_LIMIT = 1000  # numbers that are named; a camera that jumps further has begun to count anew
ZERO = timedelta(0)


class Kind(StrEnum):
    """What may be found."""

    LATE = "late"  # the first recording begins later after the issue than configuration allows
    GAP = "gap"
    OVERLAP = "overlap"  # two recordings of one camera at the same time
    MISSING = "missing-number"
    ORDER = "clock-jump"  # a later number that begins earlier
    OUTSIDE = "outside-issue"  # before it was taken or after it was brought back


@dataclass(frozen=True, slots=True)
class Film:
    """One recording, in true time: the camera's clock less its measured offset."""

    recording: str
    path: str
    began: datetime
    ended: datetime
    uncertainty: timedelta = ZERO


@dataclass(frozen=True, slots=True)
class Stretch:
    """Time without a break in which something was so."""

    began: datetime
    ended: datetime

    @property
    def length(self) -> timedelta:
        return self.ended - self.began


@dataclass(frozen=True, slots=True)
class Finding:
    kind: Kind
    stretch: Stretch | None = None  # None: it has no time
    recordings: tuple[str, ...] = ()
    numbers: str = ""  # "17" or "17-19"
    uncertainty: timedelta = ZERO


@dataclass(frozen=True, slots=True)
class Rules:
    """Ours; the order gives no numbers."""

    first_within: timedelta = timedelta(minutes=5)  # of the issue
    pause_from: timedelta = timedelta(seconds=60)  # shorter ones are the changing of files


@dataclass(frozen=True, slots=True)
class Coverage:
    issued: Stretch
    asked: timedelta  # issued time less outages
    recorded: timedelta  # within the asked time, overlaps counted once
    filmed: tuple[Stretch, ...]  # what the films cover, merged across pauses that are none
    findings: tuple[Finding, ...]


def cover(
    issued: Stretch,
    films: Sequence[Film],
    outages: Iterable[Stretch],
    rules: Rules,
    before: Film | None = None,
) -> Coverage:
    """Compare an issue (its end: the return, or now) with its recordings.

    ``before``: the camera's last film before this issue; a number that is missing between the two is missing here.
    """
    films = sorted(films, key=lambda film: (film.began, film.ended, film.recording))
    dead = _merged(_clipped(outages, issued))
    filmed = _merged(Stretch(film.began, film.ended) for film in films)
    joined = _merged(filmed, rules.pause_from)
    within = [part for stretch in filmed for part in _less(_clip(stretch, issued), dead)]
    findings = [
        *_gaps(issued, joined, dead, films, rules),
        *_overlaps(films),
        *_outside(issued, films),
        *_numbers(films, before),
    ]
    return Coverage(
        issued=issued,
        asked=sum((part.length for part in _less(issued, dead)), ZERO),
        recorded=sum((part.length for part in within), ZERO),
        filmed=tuple(joined),
        findings=tuple(findings),
    )


def _gaps(
    issued: Stretch, filmed: Sequence[Stretch], dead: Sequence[Stretch], films: Sequence[Film], rules: Rules
) -> Iterator[Finding]:
    doubt = max((film.uncertainty for film in films), default=ZERO)
    inside = [stretch for stretch in (_clip(one, issued) for one in filmed) if stretch.length > ZERO]
    edges = [issued.began, *(edge for one in inside for edge in (one.began, one.ended)), issued.ended]
    for began, ended in zip(edges[::2], edges[1::2], strict=True):
        first = began == issued.began
        for part in _less(Stretch(began, ended), dead):
            allowed = rules.first_within if first and part.began == issued.began else rules.pause_from
            if part.length > allowed + doubt:
                yield Finding(Kind.LATE if first else Kind.GAP, part, uncertainty=doubt)


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


def _numbers(films: Sequence[Film], before: Film | None) -> Iterator[Finding]:
    """Of cameras that count their files: what is between the first and the last number, and in which order."""
    series: dict[tuple[str, str, int], dict[int, Film]] = {}
    for film in films:
        if (found := _number(film)) is not None:
            series.setdefault(found[0], {})[found[1]] = film
    if before is not None and (found := _number(before)) is not None:
        here = series.get(found[0], {})
        if here and found[1] < min(here):  # else it has begun to count anew
            here[found[1]] = before
    for (_, _, width), numbered in sorted(series.items()):
        for (number, film), (later, next_film) in pairwise(sorted(numbered.items())):
            if 1 < later - number <= MISSING_LIMIT:
                between = Stretch(film.ended, next_film.began)
                yield Finding(
                    Kind.MISSING,
                    between if between.length >= ZERO else None,
                    (film.recording, next_film.recording),
                    _range(number + 1, later - 1, width),
                )
            if next_film.began < film.began:
                yield Finding(
                    Kind.ORDER, Stretch(next_film.began, film.began), (film.recording, next_film.recording)
                )


def _number(film: Film) -> tuple[tuple[str, str, int], int] | None:
    """What is around a file's number, and the number; None: the camera does not count."""
    if (found := _NUMBERED.fullmatch(film.path)) is None:
        return None
    return (found["before"], found["after"], len(found["number"])), int(found["number"])


def _range(first: int, last: int, width: int) -> str:
    return f"{first:0{width}}" if first == last else f"{first:0{width}}-{last:0{width}}"


def _clip(stretch: Stretch, to: Stretch) -> Stretch:
    """The part of it within the other; of no length if there is none."""
    began = min(max(stretch.began, to.began), to.ended)
    return Stretch(began, max(began, min(stretch.ended, to.ended)))


def _clipped(stretches: Iterable[Stretch], to: Stretch) -> Iterator[Stretch]:
    return (part for part in (_clip(one, to) for one in stretches) if part.length > ZERO)


def _merged(stretches: Iterable[Stretch], apart: timedelta = ZERO) -> list[Stretch]:
    """Sorted, those that touch, overlap or are no further apart made one."""
    merged: list[Stretch] = []
    for one in sorted(stretches, key=lambda stretch: (stretch.began, stretch.ended)):
        if merged and one.began - merged[-1].ended <= apart:
            merged[-1] = Stretch(merged[-1].began, max(merged[-1].ended, one.ended))
        else:
            merged.append(one)
    return merged


def _less(stretch: Stretch, dead: Sequence[Stretch]) -> Iterator[Stretch]:
    """What is left of it without the (merged) dead ones."""
    began = stretch.began
    for gap in dead:
        if gap.ended <= began or gap.began >= stretch.ended:
            continue
        if gap.began > began:
            yield Stretch(began, gap.began)
        began = gap.ended
    if began < stretch.ended:
        yield Stretch(began, stretch.ended)
