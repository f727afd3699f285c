"""Recorded against issued time."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.coverage import (
    MISSING_LIMIT,
    Coverage,
    Film,
    Finding,
    Kind,
    Rules,
    Unknown,
    Untimed,
    after_shift,
    cover,
)
from edged.stretches import Stretch

EIGHT = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)
RULES = Rules()
STRICT = Rules(first_within=timedelta(0), pause_from=timedelta(0))


def at(minutes: float) -> datetime:
    return EIGHT + timedelta(minutes=minutes)


def stretch(began: float, ended: float) -> Stretch:
    return Stretch(at(began), at(ended))


def film(number: int, began: float, ended: float, doubt_s: float = 0.0, path: str = "") -> Film:
    path = path or f"/DCIM/CLIP{number:04d}.MP4"
    return Film(f"r{number}", path, at(began), at(ended), timedelta(seconds=doubt_s))


SHIFT = stretch(0, 60)


def covered(*films: Film, outages: Sequence[Stretch] = (), rules: Rules = RULES) -> Coverage:
    return cover(SHIFT, films, outages, rules)


def test_a_shift_that_is_recorded_from_end_to_end_has_no_finding() -> None:
    found = covered(film(1, 1, 30), film(2, 30.01, 59.5))
    assert found.findings == ()
    assert found.filmed == (stretch(1, 59.5),)
    assert found.recorded == timedelta(minutes=29 + 29.49)
    assert found.asked == timedelta(hours=1)


def test_a_pause_is_a_gap_with_its_times_and_nothing_more() -> None:
    assert covered(film(1, 0, 20), film(2, 30, 60)).findings == (Finding(Kind.GAP, stretch(20, 30)),)


def test_a_first_recording_that_begins_late_is_told_apart_from_a_gap() -> None:
    assert covered(film(1, 4.9, 60)).findings == ()
    assert covered(film(1, 5.1, 60)).findings == (Finding(Kind.LATE, stretch(0, 5.1)),)
    assert covered().findings == (Finding(Kind.LATE, stretch(0, 60)),)


def test_what_lies_inside_the_uncertainty_of_the_clocks_is_no_finding() -> None:
    assert covered(film(1, 0, 20), film(2, 23, 60, doubt_s=121)).findings == ()
    (gap,) = covered(film(1, 0, 20), film(2, 23, 60, doubt_s=119)).findings
    assert (gap.kind, gap.uncertainty) == (Kind.GAP, timedelta(seconds=119))


@pytest.mark.clause("459-III.15-outage", "time of a recorded outage is neither asked for nor a gap")
def test_time_of_an_outage_is_neither_asked_for_nor_a_gap() -> None:
    found = covered(film(1, 0, 20), film(2, 40, 60), outages=[stretch(19, 30), stretch(25, 41)])
    assert found.findings == ()
    assert found.asked == found.recorded == timedelta(minutes=38)
    part = covered(film(1, 0, 20), film(2, 40, 60), outages=[stretch(25, 30)])
    assert [one.stretch for one in part.findings] == [stretch(20, 25), stretch(30, 40)]


def test_two_recordings_at_the_same_time_are_an_overlap_and_counted_once() -> None:
    found = covered(film(1, 0, 40), film(2, 30, 35), film(3, 34, 60))
    assert found.recorded == timedelta(hours=1)
    overlaps = [one for one in found.findings if one.kind is Kind.OVERLAP]
    assert [(one.stretch, one.recordings) for one in overlaps] == [
        (stretch(30, 35), ("r1", "r2")),
        (stretch(34, 40), ("r1", "r3")),
    ]


def test_what_was_recorded_before_the_issue_or_after_the_return_is_said() -> None:
    found = covered(film(1, -5, 30), film(2, 30, 63))
    assert [(one.kind, one.stretch) for one in found.findings] == [
        (Kind.OUTSIDE, stretch(-5, 0)),
        (Kind.OUTSIDE, stretch(60, 63)),
    ]
    assert found.recorded == timedelta(hours=1)


@pytest.mark.parametrize(
    ("numbers", "missing"),
    [
        ((1, 2, 3), []),
        ((1, 3), ["0002"]),
        ((1, 5, 9), ["0002-0004", "0006-0008"]),
        ((1, 2 + MISSING_LIMIT), []),
        ((9999, 1), []),  # the camera has begun to count anew
    ],
)
def test_numbers_that_are_not_there_are_named(numbers: tuple[int, ...], missing: list[str]) -> None:
    step = 60 / len(numbers)
    found = covered(*(film(number, i * step, (i + 1) * step) for i, number in enumerate(sorted(numbers))))
    assert [one.numbers for one in found.findings if one.kind is Kind.MISSING] == missing


def test_a_later_number_that_begins_earlier_is_a_jump_of_the_clock() -> None:
    found = covered(film(1, 30, 60), film(2, 0, 30))
    assert [(one.kind, one.recordings) for one in found.findings] == [(Kind.ORDER, ("r1", "r2"))]


@pytest.mark.clause(
    "459-IV.1-continuous", "a file that is missing between one issue and the next is named with the next"
)
@pytest.mark.parametrize(
    ("last", "missing"),
    [(4, []), (3, ["0004"]), (1, ["0002-0004"]), (5, []), (9, [])],
    ids=["goes on", "one", "several", "the same", "counts anew"],
)
def test_a_number_between_the_last_issue_and_this_one_is_missing_here(last: int, missing: list[str]) -> None:
    films = [film(5, 0, 30), film(6, 30, 60)]
    found = cover(SHIFT, films, (), STRICT, before=film(last, -60, -30))
    assert [one.numbers for one in found.findings if one.kind is Kind.MISSING] == missing
    assert not [one for one in found.findings if one.kind is Kind.ORDER]


def test_names_without_numbers_say_nothing() -> None:
    assert covered(film(1, 0, 30, path="/a.mp4"), film(9, 30, 60, path="/b.mp4")).findings == ()
    apart = (film(1, 0, 30, path="/a/001.mp4"), film(9, 30, 60, path="/b/009.mp4"))
    assert covered(*apart).findings == ()


# --- films without a time -------------------------------------------------------------------------------


def untimed(number: int, why: Unknown = Unknown.LENGTH) -> Untimed:
    return Untimed(f"u{number}", f"/DCIM/CLIP{number:04d}.MP4", why)


@pytest.mark.clause(
    "459-IV.1-continuous",
    "a film without a time is named, and keeps no other from being compared: a gap is then said to be one perhaps",
)
def test_a_film_without_a_time_is_named_and_a_gap_beside_it_is_one_perhaps() -> None:
    found = cover(SHIFT, [film(1, 0, 20), film(3, 30, 60)], (), RULES, untimed=[untimed(2)])
    assert found.findings == (
        Finding(Kind.UNTIMED, recordings=("u2",), why="no-length"),
        Finding(Kind.GAP, stretch(20, 30), perhaps=True),
    )
    assert found.recorded == timedelta(minutes=50)


def test_films_without_a_time_are_named_by_why_it_is_not_known() -> None:
    without = [untimed(4), untimed(2, Unknown.CLOCK), untimed(3)]
    found = cover(SHIFT, [film(1, 0, 60)], (), RULES, untimed=without).findings
    assert [(one.why, one.recordings) for one in found] == [
        ("no-length", ("u4", "u3")),
        ("no-clock", ("u2",)),
    ]


def test_a_film_without_a_time_has_a_number_all_the_same() -> None:
    films = [film(1, 0, 30), film(5, 30, 60)]
    found = cover(SHIFT, films, (), RULES, untimed=[untimed(2), untimed(7)]).findings
    missing = [(one.numbers, one.stretch) for one in found if one.kind is Kind.MISSING]
    assert missing == [("0003-0004", None), ("0006", None)]


def test_a_film_without_a_time_hides_no_jump_of_the_clock() -> None:
    films = [film(1, 30, 60), film(3, 0, 30)]
    found = cover(SHIFT, films, (), RULES, untimed=[untimed(2)]).findings
    assert [one.recordings for one in found if one.kind is Kind.ORDER] == [("r1", "r3")]


# --- after the shift ------------------------------------------------------------------------------------


@pytest.mark.clause(
    "459-IV.7-off-duty", "filming after the shift's end within an issue is named, with its time"
)
@pytest.mark.parametrize(
    ("films", "duty", "late"),
    [
        ([film(1, 0, 45)], [(-60, 45)], []),
        ([film(1, 0, 45.9)], [(-60, 45)], []),  # shorter than what counts as a pause
        ([film(1, 0, 46.1, doubt_s=90)], [(-60, 45)], []),
        ([film(1, 0, 50), film(2, 50.5, 55), film(3, 58, 63)], [(-60, 45)], [(45, 55), (58, 60)]),
        ([film(1, 0, 60)], [(-60, 45), (45, 200)], []),  # his next shift
        ([film(1, 0, 60)], [(-60, 45), (50, 200)], [(45, 50)]),
        ([film(1, 0, 60)], [(-60, 45), (-90, 55)], [(55, 60)]),
    ],
)
def test_what_was_filmed_after_the_shift(
    films: list[Film], duty: list[tuple[float, float]], late: list[tuple[float, float]]
) -> None:
    found = list(after_shift(SHIFT, films, at(45), [stretch(*one) for one in duty], RULES))
    assert [one.stretch for one in found] == [stretch(*one) for one in late]
    assert {one.kind for one in found} <= {Kind.AFTER_SHIFT}


def test_the_recordings_of_a_late_stretch_are_named() -> None:
    films = [film(1, 0, 44), film(2, 44, 50), film(3, 50.5, 55, doubt_s=7)]
    (late,) = after_shift(SHIFT, films, at(45), (), RULES)
    assert (late.recordings, late.uncertainty) == (("r2", "r3"), timedelta(seconds=7))


def test_a_shift_that_ends_after_the_return_leaves_nothing_late() -> None:
    assert list(after_shift(SHIFT, [film(1, 0, 90)], at(80), (), RULES)) == []


def test_a_camera_that_was_taken_after_the_shift_is_late_from_the_issue_on() -> None:
    (late,) = after_shift(SHIFT, [film(1, -5, 10)], at(-20), (), RULES)
    assert late.stretch == stretch(0, 10)


spans = st.tuples(st.integers(-600, 4200), st.integers(0, 1200)).map(
    lambda pair: Stretch(EIGHT + timedelta(seconds=pair[0]), EIGHT + timedelta(seconds=sum(pair)))
)


@given(st.lists(spans, max_size=8), st.lists(spans, max_size=4))
def test_what_is_asked_for_is_recorded_or_in_a_gap(filmed: list[Stretch], outages: list[Stretch]) -> None:
    films = [Film(f"r{i}", f"/{i}", one.began, one.ended) for i, one in enumerate(filmed)]
    found = cover(SHIFT, films, outages, STRICT)
    lacking = [one.stretch for one in found.findings if one.kind in (Kind.GAP, Kind.LATE)]
    lost = sum((one.length for one in lacking if one is not None), timedelta(0))
    assert found.recorded + lost == found.asked
    assert found == cover(SHIFT, films[::-1], outages[::-1], STRICT)
