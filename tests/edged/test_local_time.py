"""What a camera's clock shows, and which moments that can be."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from edged.local_time import Ended, ended, moments, nearest

KYIV = ZoneInfo("Europe/Kyiv")
TWICE = "2026-10-25T03:30:00"  # at 04:00 the clocks go back to 03:00, which is 01:00 UTC
MS = timedelta(milliseconds=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("shown", "stands_for"),
    [
        ("2026-07-01T12:00:00", ["2026-07-01T09:00:00"]),
        ("2026-12-01T12:00:00", ["2026-12-01T10:00:00"]),
        (TWICE, ["2026-10-25T00:30:00", "2026-10-25T01:30:00"]),
        ("2026-03-29T03:30:00", ["2026-03-29T00:30:00", "2026-03-29T01:30:00"]),  # there was no such time
    ],
)
def test_what_a_clock_shows_stands_for_one_moment_or_two(shown: str, stands_for: list[str]) -> None:
    assert moments(datetime.fromisoformat(shown), KYIV) == tuple(map(utc, stands_for))


@pytest.mark.parametrize("true", ["2026-10-25T00:30:03", "2026-10-25T01:30:03"])
def test_a_clock_is_taken_to_be_right_and_not_an_hour_off(true: str) -> None:
    assert utc(true) - nearest(datetime.fromisoformat(TWICE), KYIV, utc(true)) == timedelta(seconds=3)


def test_the_end_of_a_file_is_the_cameras_time_less_its_offset() -> None:
    found = ended("2026-07-01T12:00:00", 90_000, 1500, KYIV, by=utc("2026-07-01T18:00:00"))
    assert found == Ended("2026-07-01T08:58:30.000Z", 1500)


def test_in_the_hour_that_comes_twice_the_end_of_a_file_lies_not_after_its_copy() -> None:
    found = ended(TWICE, 0, 1500, KYIV, by=utc("2026-10-25T00:45:00"))
    assert found == Ended("2026-10-25T00:30:00.000Z", 1500)


def test_where_both_moments_are_possible_both_lie_within_the_uncertainty() -> None:
    found = ended(TWICE, 0, 1500, KYIV, by=utc("2026-10-25T06:00:00"))
    assert found == Ended("2026-10-25T01:30:00.000Z", 3_601_500)
    for moment in moments(datetime.fromisoformat(TWICE), KYIV):
        assert abs(utc("2026-10-25T01:30:00") - moment) <= found.uncertainty_ms * MS


@pytest.mark.parametrize(
    ("mtime", "offset_ms", "uncertainty_ms"),
    [
        ("", 0, 10),
        (TWICE, None, 10),
        (TWICE, 0, -1),
        ("no time", 0, 10),
        ("9999-12-31T23:59:58", -(10**9), 10),
    ],
)
def test_what_is_not_known_is_not_said(mtime: str, offset_ms: int | None, uncertainty_ms: int) -> None:
    found = ended(mtime, offset_ms, uncertainty_ms, KYIV, by=utc("2026-10-25T06:00:00"))
    assert found == Ended("", uncertainty_ms)
