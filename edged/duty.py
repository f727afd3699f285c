"""Who is on duty, and by when something has to be done: what follows from a duty schedule. Pure.

Rule 1: a schedule that is missing, or has run out, keeps nobody from a camera: the issue is flagged.
Rule 2: days are days in Kyiv; Monday to Friday are working days unless the schedule says otherwise.
Rule 3: while nobody knows what time it is, nobody can be told to be off duty either: ``None`` for the moment. An issue
is flagged, a responsible person acts; the ledger's lines say themselves that the clock was unknown.
Rule 4: a deadline is the last moment at which the order is still kept; the act itself is due at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from edged.formats import times
from edged.formats.schedule import Schedule, Shift
from edged.formats.times import KYIV

MORNING = time(9)  # ours: when whoever owes a paper by the end of this day is at work
DAYS_AHEAD = 400  # within which a schedule has a working day


class Flag(StrEnum):
    """Why an issue is flagged. Values stand in the ledger: never rename one."""

    NONE = ""
    NO_SCHEDULE = "no-schedule"
    SCHEDULE_EXPIRED = "schedule-expired"  # or not in force yet
    UNKNOWN = "duty-unknown"  # nobody vouches for the host's clock, so which shift is now cannot be told
    NOT_LISTED = "not-on-duty"  # of no shift that is now (459-IV.7-off-duty)
    NOT_BRIEFED = "not-briefed"  # the first use, and no briefing before it (459-II.1-briefing)


@dataclass(frozen=True, slots=True)
class Margins:
    """Ours: the order gives no numbers. For the handover, for who comes early or leaves late, and for papers."""

    before: timedelta = timedelta(minutes=30)
    after: timedelta = timedelta(minutes=60)
    at_once: timedelta = timedelta(minutes=60)  # within which somebody does what is to be done at once
    remind: timedelta = timedelta(minutes=60)  # before the end of a shift


def shifts_at(schedule: Schedule, at_ns: int, margins: Margins) -> Iterator[Shift]:
    """Yield the shifts that are going on, margins included, in the schedule's order."""
    return (shift for shift in schedule.shifts if _goes_on(shift, at_ns, margins))


def shift_of(schedule: Schedule | None, shift: str, at_ns: int, margins: Margins) -> Shift | None:
    """Return the shift of that name for which a camera was taken then; None: the schedule has it no longer, or has
    given its name to another."""
    named = (one for one in schedule.shifts if one.id == shift) if schedule is not None else ()
    return next((one for one in named if _goes_on(one, at_ns, margins)), None)


def shifts_of(schedule: Schedule | None, person: str) -> Iterator[Shift]:
    """Yield the shifts in which an officer is on duty."""
    return (
        (shift for shift in schedule.shifts if person in shift.officers) if schedule is not None else iter(())
    )


def duty_of(
    schedule: Schedule | None, person: str, at_ns: int | None, margins: Margins
) -> tuple[Shift | None, Flag]:
    """Return the shift in which an officer takes a camera now, and why his issue is to be flagged."""
    if schedule is None:
        return None, Flag.NO_SCHEDULE
    if at_ns is None:
        return None, Flag.UNKNOWN
    if not times.parse_ns(schedule.valid_from) <= at_ns < times.parse_ns(schedule.valid_until):
        return None, Flag.SCHEDULE_EXPIRED
    listed = [shift for shift in shifts_at(schedule, at_ns, margins) if person in shift.officers]
    # Where two overlap by their margins: the one that has begun, else the one that begins first.
    listed.sort(key=lambda shift: (not _now(shift, at_ns), shift.begins))
    return (listed[0], Flag.NONE) if listed else (None, Flag.NOT_LISTED)


@dataclass(frozen=True, slots=True)
class Standing:
    """Of an officer who takes a camera: the shift for which, and what the issue is flagged with."""

    shift: str  # "": of none that is known
    flags: tuple[Flag, ...]


def standing(
    schedule: Schedule | None, person: str, at_ns: int | None, margins: Margins, *, first_use: bool
) -> Standing:
    """``first_use``: he has neither taken a camera of this station before nor been briefed."""
    shift, flag = duty_of(schedule, person, at_ns, margins)
    unbriefed = Flag.NOT_BRIEFED if first_use else Flag.NONE
    return Standing(shift.id if shift is not None else "", tuple(one for one in (flag, unbriefed) if one))


def is_responsible(schedule: Schedule | None, person: str, at_ns: int | None, margins: Margins) -> bool:
    """Whether this person's own shift is now (459-II.1-own-shift). Without a schedule, or the time, nobody can be kept
    from it."""
    if schedule is None or at_ns is None:
        return True
    now = tuple(shifts_at(schedule, at_ns, margins))
    return not now or any(person in shift.responsible for shift in now)


def is_working_day(schedule: Schedule | None, day: date) -> bool:
    text = day.isoformat()
    if schedule is not None and text in schedule.days_off:
        return False
    if schedule is not None and text in schedule.working_days:
        return True
    return day.weekday() < 5


def notice_due_ns(shift: Shift) -> int:
    """An officer's written notice: at the latest by the end of the own shift (459-III.12-notice)."""
    return times.parse_ns(shift.ends)


def report_due_ns(schedule: Schedule | None, at_ns: int) -> int:
    """The end of the day by which a report memo (459-III.12-report) or a letter on works (459-III.14-notice) is due:
    of the same day, or, where that is a day off, of the next working day; of the same one where the schedule has none
    within DAYS_AHEAD.
    """
    first = times.moment(at_ns).astimezone(KYIV).date()
    days = (first + timedelta(days=ahead) for ahead in range(DAYS_AHEAD))
    day = next((day for day in days if is_working_day(schedule, day)), first)
    end = datetime.combine(day + timedelta(days=1), time(0), KYIV)
    return int(end.timestamp()) * 1_000_000_000


def morning_of_ns(end_ns: int) -> int:
    """Return the morning of the day, in Kyiv, that ends then."""
    day = times.moment(end_ns - 1).astimezone(KYIV).date()
    return int(datetime.combine(day, MORNING, KYIV).timestamp()) * 1_000_000_000


def _goes_on(shift: Shift, at_ns: int, margins: Margins) -> bool:
    before, after = ns(margins.before), ns(margins.after)
    return times.parse_ns(shift.begins) - before <= at_ns < times.parse_ns(shift.ends) + after


def _now(shift: Shift, at_ns: int) -> bool:
    return times.parse_ns(shift.begins) <= at_ns < times.parse_ns(shift.ends)


def ns(length: timedelta) -> int:
    return length // timedelta(microseconds=1) * 1000
