"""Who is on duty, and by when something has to be done."""

from collections.abc import Mapping
from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.duty import (
    Flag,
    Margins,
    duty_of,
    is_responsible,
    is_working_day,
    notice_due_ns,
    report_due_ns,
    shift_of,
    shifts_at,
    shifts_of,
    standing,
)
from edged.errors import FormatError
from edged.formats import times
from edged.formats.schedule import Schedule, Shift, open_schedule, sign_schedule
from tests.edged.formats.samples import AUTHORITY, schedule, shift

NO_MARGINS = Margins(timedelta(0), timedelta(0))
DAY = shift("d", "2026-11-27T06:00:00.000Z", "2026-11-27T18:00:00.000Z", officers=("olena", "petro"))
NIGHT = shift("n", "2026-11-27T18:00:00.000Z", "2026-11-28T06:00:00.000Z", ("daria",), ("ivan", "petro"))
SCHEDULE = schedule(DAY, NIGHT)


def ns(text: str) -> int:
    return times.parse_ns(f"{text}:00.000Z")


@pytest.mark.parametrize(
    ("person", "at", "expected"),
    [
        ("olena", "2026-11-27T12:00", ("d", Flag.NONE)),
        ("olena", "2026-11-27T05:30", ("d", Flag.NONE)),
        ("olena", "2026-11-27T05:29", (None, Flag.NOT_LISTED)),
        ("olena", "2026-11-27T18:59", ("d", Flag.NONE)),
        ("olena", "2026-11-27T19:00", (None, Flag.NOT_LISTED)),
        ("petro", "2026-11-27T17:59", ("d", Flag.NONE)),
        ("petro", "2026-11-27T18:00", ("n", Flag.NONE)),  # both by their margins: the one that has begun
        ("ivan", "2026-11-27T12:00", (None, Flag.NOT_LISTED)),
        ("iryna", "2026-11-27T12:00", (None, Flag.NOT_LISTED)),  # is responsible, and takes no camera by that
        ("olena", "2026-10-31T12:00", (None, Flag.SCHEDULE_EXPIRED)),
        ("olena", "2026-12-01T00:00", (None, Flag.SCHEDULE_EXPIRED)),
    ],
)
def test_an_officer_takes_a_camera_in_a_shift_that_lists_him(
    person: str, at: str, expected: tuple[str | None, Flag]
) -> None:
    found, flag = duty_of(SCHEDULE, person, ns(at), Margins())
    assert (found.id if found else None, flag) == expected


def test_without_a_schedule_an_issue_is_flagged() -> None:
    assert duty_of(None, "olena", ns("2026-11-27T12:00"), Margins()) == (None, Flag.NO_SCHEDULE)


@pytest.mark.parametrize(
    ("name", "at", "found"),
    [("d", "2026-11-27T18:59", DAY), ("d", "2026-11-27T19:00", None), ("x", "2026-11-27T12:00", None)],
)
def test_a_shift_is_known_by_its_name_at_its_time(name: str, at: str, found: Shift | None) -> None:
    assert shift_of(SCHEDULE, name, ns(at), Margins()) is found
    assert shift_of(None, name, ns(at), Margins()) is None


OVER: Schedule = msgspec.structs.replace(SCHEDULE, valid_until="2026-11-27T07:00:00.000Z")


@pytest.mark.parametrize(
    ("listed", "person", "at", "flags", "responsible"),
    [
        (SCHEDULE, "olena", "2026-11-27T12:00", (), False),
        (SCHEDULE, "ivan", "2026-11-27T12:00", (Flag.NOT_LISTED,), False),
        (SCHEDULE, "iryna", "2026-11-27T12:00", (Flag.NOT_LISTED,), True),
        (SCHEDULE, "daria", "2026-11-27T12:00", (Flag.NOT_LISTED,), False),
        (SCHEDULE, "olena", None, (Flag.UNKNOWN,), True),
        (SCHEDULE, "ivan", None, (Flag.UNKNOWN,), True),
        (SCHEDULE, "daria", None, (Flag.UNKNOWN,), True),
        (OVER, "ivan", "2026-11-27T12:00", (Flag.SCHEDULE_EXPIRED,), False),
        (OVER, "ivan", None, (Flag.UNKNOWN,), True),
        (None, "ivan", "2026-11-27T12:00", (Flag.NO_SCHEDULE,), True),
        (None, "ivan", None, (Flag.NO_SCHEDULE,), True),
    ],
)
def test_who_is_on_duty_by_schedule_and_clock(
    listed: Schedule | None, person: str, at: str | None, flags: tuple[Flag, ...], responsible: bool
) -> None:
    """Nobody is told to be off duty by a schedule, or by a clock, that does not tell. ``at`` None: it does not."""
    at_ns = ns(at) if at is not None else None
    found = standing(listed, person, at_ns, NO_MARGINS, first_use=False)
    assert (found.flags, found.shift) == (flags, "" if flags else "d")
    first = standing(listed, person, at_ns, NO_MARGINS, first_use=True)
    assert first.flags == (*flags, Flag.NOT_BRIEFED)
    assert is_responsible(listed, person, at_ns, NO_MARGINS) is responsible


def test_an_officer_s_shifts_are_those_that_list_him() -> None:
    assert list(shifts_of(SCHEDULE, "petro")) == [DAY, NIGHT]
    assert list(shifts_of(SCHEDULE, "iryna")) == list(shifts_of(None, "petro")) == []


def test_a_responsible_person_acts_in_the_own_shift() -> None:
    assert is_responsible(SCHEDULE, "iryna", ns("2026-11-27T12:00"), NO_MARGINS)
    assert not is_responsible(SCHEDULE, "daria", ns("2026-11-27T12:00"), NO_MARGINS)
    assert is_responsible(SCHEDULE, "iryna", ns("2026-11-27T18:30"), Margins())  # hands over
    assert is_responsible(SCHEDULE, "daria", ns("2026-11-27T18:30"), Margins())
    assert is_responsible(None, "daria", ns("2026-11-27T12:00"), NO_MARGINS)
    assert is_responsible(
        SCHEDULE, "daria", ns("2026-11-29T12:00"), NO_MARGINS
    )  # the schedule has no shift then


@pytest.mark.parametrize(
    ("day", "working"),
    [
        ("2026-11-27", True),
        ("2026-11-28", False),
        ("2026-11-29", True),
        ("2026-11-30", False),
        ("2026-12-01", True),
    ],
)
def test_days_off_are_those_of_the_week_and_of_the_schedule(day: str, working: bool) -> None:
    moved = schedule(days_off=("2026-11-30",), working_days=("2026-11-29",))
    assert is_working_day(moved, date.fromisoformat(day)) is working


@pytest.mark.clause(
    "459-III.12-report", "the report memo is due the same day, for a day off on the next working day"
)
@pytest.mark.parametrize(
    ("at", "due"),
    [
        ("2026-11-27T12:00", "2026-11-27T22:00"),  # a Friday, until midnight in Kyiv
        ("2026-11-27T22:30", "2026-11-30T22:00"),  # half past midnight on Saturday there
        ("2026-11-29T12:00", "2026-11-30T22:00"),
        ("2026-10-24T12:00", "2026-10-26T22:00"),  # the clocks were put back in between
    ],
)
def test_a_report_is_due_the_same_day_or_after_a_day_off_the_next_working_day(at: str, due: str) -> None:
    assert report_due_ns(SCHEDULE, ns(at)) == ns(due)
    assert report_due_ns(None, ns(at)) == ns(due)


def test_a_written_notice_is_due_by_the_end_of_the_own_shift() -> None:
    assert notice_due_ns(NIGHT) == ns("2026-11-28T06:00")


@given(st.integers(ns("2026-11-01T00:00"), ns("2026-11-30T00:00")))
def test_whoever_is_listed_now_is_on_duty_with_any_margin(at_ns: int) -> None:
    for one in shifts_at(SCHEDULE, at_ns, NO_MARGINS):
        for person in one.officers:
            assert duty_of(SCHEDULE, person, at_ns, Margins())[0] == one


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"valid_until": "2026-11-01T00:00:00.000Z"}, "it ends before it begins"),
        ({"shifts": (DAY, DAY)}, "one shift twice"),
        (
            {"shifts": (msgspec.structs.replace(DAY, ends="2026-11-30T06:00:00.000Z"),)},
            "a shift that is too long",
        ),
        ({"shifts": (msgspec.structs.replace(DAY, officers=("iryna",)),)}, "one person of shift d twice"),
        ({"days_off": ("2026-02-31",)}, "no such day"),
        ({"days_off": ("2026-11-30",), "working_days": ("2026-11-30",)}, "one day twice"),
    ],
)
def test_a_schedule_that_contradicts_itself_is_refused(changes: Mapping[str, object], reason: str) -> None:
    broken: Schedule = msgspec.structs.replace(SCHEDULE, **changes)
    with pytest.raises(FormatError) as refused:
        sign_schedule(broken, AUTHORITY)
    assert refused.value.detail["reason"] == reason


def test_a_schedule_is_read_as_it_was_signed() -> None:
    assert open_schedule(sign_schedule(SCHEDULE, AUTHORITY), AUTHORITY.verifier) == SCHEDULE
    assert isinstance(SCHEDULE.shifts[0], Shift)
