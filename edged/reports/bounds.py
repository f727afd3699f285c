"""From when to when a report is: a shift of the duty schedule, a day or a month in Kyiv. Pure."""

from datetime import datetime, time, timedelta
from enum import StrEnum

from edged.errors import EdgeError, ErrorCode
from edged.formats import times
from edged.formats.schedule import Schedule
from edged.formats.times import KYIV


class Span(StrEnum):
    SHIFT = "shift"
    DAY = "day"
    MONTH = "month"


def bounds(span: Span, at_ns: int, schedule: Schedule | None) -> tuple[str, str]:
    """Return the beginning and the end (not in it) of what ``at_ns`` lies in.

    Raises:
        EdgeError: NOT_FOUND, no shift of the schedule is then.
    """
    if span is Span.SHIFT:
        return _shift(at_ns, schedule)
    day = datetime.combine(times.moment(at_ns).astimezone(KYIV).date(), time(0), KYIV)
    if span is Span.DAY:
        return _text(day), _text(datetime.combine(day.date() + timedelta(days=1), time(0), KYIV))
    first = day.replace(day=1)
    return _text(first), _text((first + timedelta(days=32)).replace(day=1))


def _shift(at_ns: int, schedule: Schedule | None) -> tuple[str, str]:
    at = times.format_ns(at_ns)
    for shift in schedule.shifts if schedule is not None else ():
        if shift.begins <= at < shift.ends:
            return shift.begins, shift.ends
    raise EdgeError(ErrorCode.NOT_FOUND, shift_at=at, expected="a shift of the duty schedule, or a day")


def _text(moment: datetime) -> str:
    return times.format_ns(int(moment.timestamp()) * 1_000_000_000)
