"""Where to listen for the officer's name and for the notice of the end."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.coverage import Film, Rules
from edged.identification import Place, points

NOON = datetime(2026, 11, 27, 10, tzinfo=UTC)


def film(name: str, began_min: float, ended_min: float) -> Film:
    return Film(name, f"{name}.MP4", NOON + timedelta(minutes=began_min), NOON + timedelta(minutes=ended_min))


def places(*films: Film) -> list[tuple[str, str, float]]:
    return [(point.place, point.recording, point.second) for point in points(films, Rules())]


def test_nothing_filmed_is_nothing_to_listen_to() -> None:
    assert places() == []


def test_one_recording_has_a_start_and_an_end() -> None:
    assert places(film("a", 0, 10)) == [(Place.START, "a", 0.0), (Place.END, "a", 585.0)]


def test_files_that_follow_each_other_are_one_stretch() -> None:
    found = places(film("b", 10, 20), film("a", 0, 10), film("c", 20.5, 30))
    assert found == [(Place.START, "a", 0.0), (Place.END, "c", 555.0)]


@pytest.mark.clause(
    "459-IV.6-end", "the end of every stretch of filming is pointed to, for the notice of the end"
)
def test_a_pause_asks_for_both_again() -> None:
    assert places(film("a", 0, 10), film("b", 15, 20)) == [
        (Place.START, "a", 0.0),
        (Place.BEFORE_PAUSE, "a", 585.0),
        (Place.AFTER_PAUSE, "b", 0.0),
        (Place.END, "b", 285.0),
    ]


def test_a_recording_within_another_ends_no_stretch() -> None:
    assert places(film("a", 0, 30), film("b", 5, 10), film("c", 30, 40)) == [
        (Place.START, "a", 0.0),
        (Place.END, "c", 585.0),
    ]


@pytest.mark.parametrize("length_s", [0, 5, 15])
def test_a_recording_that_is_shorter_than_what_one_listens_to_is_heard_from_its_beginning(
    length_s: int,
) -> None:
    assert places(film("a", 0, length_s / 60))[1] == (Place.END, "a", 0.0)


@given(st.lists(st.tuples(st.integers(0, 600), st.integers(0, 60)), max_size=12))
def test_points_come_in_pairs_and_lie_within_their_recordings(spans: list[tuple[int, int]]) -> None:
    films = [film(str(number), began, began + length) for number, (began, length) in enumerate(spans)]
    found = points(films, Rules())
    by_name = {one.recording: one for one in films}
    assert len(found) % 2 == 0
    assert bool(found) is bool(films)
    for point in found:
        own = by_name[point.recording]
        assert own.began <= point.at <= own.ended
        assert point.at == own.began + timedelta(seconds=point.second)
    ends, starts = found[1::2], found[2::2]
    assert all(after.at - before.at > Rules().pause_from for before, after in zip(ends, starts, strict=False))
    assert all(one.at <= other.at for one, other in pairwise(found[::2]))
