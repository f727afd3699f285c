"""Films that belong to no issue of the report, so that none is passed over in silence. Pure.

A film is no less evidence for being made while the camera was in nobody's name: works, a trial, a clock that was off.
"""

from collections.abc import Iterator
from enum import StrEnum

from edged.coverage import Film
from edged.reports import data as d
from edged.reports.moments import moment, text
from edged.reports.period import Filmed, Period
from edged.shift.inventory import Inventory

SHOWN = 200


class Why(StrEnum):
    NO_ISSUE = "no-issue"  # found aboard while the camera was in nobody's name
    OUTSIDE = "outside"  # listed with an issue, and made in none
    ELSEWHERE = "elsewhere"  # of an issue that is too old for this report


def strays(period: Period, inventory: Inventory) -> tuple[tuple[d.StrayRow, ...], int]:
    """Return those that were sealed in the period, the first SHOWN, and how many more there are."""
    found = [(one, why) for one in period.filmed if (why := _why(one, period)) is not None]
    rows = (_row(one, why, inventory) for one, why in found[:SHOWN])
    return tuple(rows), max(0, len(found) - SHOWN)


def _why(one: Filmed, period: Period) -> Why | None:
    if not one.issue:
        return Why.NO_ISSUE
    if one.issue not in period.issues:
        return Why.ELSEWHERE
    if one.film is not None and not any(_meets(one.film, *out) for out in _issues(one.camera, period)):
        return Why.OUTSIDE
    return None


def _issues(camera: str, period: Period) -> Iterator[tuple[str, str]]:
    return ((issue.taken, issue.returned) for issue in period.issues.values() if issue.camera == camera)


def _meets(film: Film, taken: str, returned: str) -> bool:
    """Whether some of it may have been made then."""
    begins_in_time = not returned or film.began - film.uncertainty < moment(returned)
    return begins_in_time and film.ended + film.uncertainty > moment(taken)


def _row(one: Filmed, why: Why, inventory: Inventory) -> d.StrayRow:
    return d.StrayRow(
        recording=one.recording,
        camera=one.camera,
        number=inventory.number_of(one.camera),
        path=one.path,
        began=text(one.film.began) if one.film is not None else "",
        ended=text(one.film.ended) if one.film is not None else "",
        why=why,
    )
