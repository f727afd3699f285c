"""Where in an issue's recordings the officer has to name himself and the end of filming. Pure.

The order asks for it at the start of filming (459-III.9-two-steps: face to the lens, date, time, checkpoint, position,
name) and at its end (459-IV.6-end). The station points to the places; whether it was said is for a person to hear.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from edged.coverage import Film, Rules

BEFORE_END = timedelta(seconds=15)  # ours: where one begins to listen for the notice of the end


class Place(StrEnum):
    START = "start"  # of filming
    AFTER_PAUSE = "after-pause"
    BEFORE_PAUSE = "before-pause"
    END = "end"


@dataclass(frozen=True, slots=True)
class Point:
    """A place to listen to: so far into this recording."""

    place: Place
    recording: str
    path: str
    second: float
    at: datetime  # true time


def points(films: Iterable[Film], rules: Rules) -> tuple[Point, ...]:
    """Return two points for every stretch of filming, in their order. Empty: nothing was filmed."""
    stretches = list(_stretches(sorted(films, key=lambda film: (film.began, film.ended)), rules.pause_from))
    found: list[Point] = []
    for number, stretch in enumerate(stretches):
        first, last = stretch[0], max(stretch, key=lambda film: film.ended)
        begins = Place.START if number == 0 else Place.AFTER_PAUSE
        ends = Place.END if number == len(stretches) - 1 else Place.BEFORE_PAUSE
        length = last.ended - last.began
        listen = max(timedelta(0), length - BEFORE_END)
        found.append(Point(begins, first.recording, first.path, 0.0, first.began))
        found.append(Point(ends, last.recording, last.path, listen.total_seconds(), last.began + listen))
    return tuple(found)


def _stretches(films: Sequence[Film], pause: timedelta) -> Iterator[list[Film]]:
    """Films that follow each other without a pause, or overlap."""
    stretch: list[Film] = []
    ended: datetime | None = None
    for film in films:
        if ended is not None and film.began - ended > pause:
            yield stretch
            stretch = []
        stretch.append(film)
        ended = max(ended, film.ended) if len(stretch) > 1 and ended is not None else film.ended
    if stretch:
        yield stretch
