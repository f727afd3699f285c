"""When a film was made, by what was sealed of it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.coverage import Unknown, Untimed
from edged.films import film_facts, film_of, is_film, own_film_of, untimed_of
from edged.formats.facts import RecordingSealed
from edged.formats.movie import MovieTimes
from tests.edged.formats.samples import SEALED

BEGAN = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
LENGTH = timedelta(minutes=10)
KYIV = timedelta(hours=2)


@dataclass(frozen=True)
class Clock:
    """Of a camera: so far ahead of true time, showing local time."""

    ahead: timedelta = timedelta(seconds=0)

    def sealed(self, said: datetime | None, closed_after: timedelta = timedelta(0)) -> RecordingSealed:
        ended = BEGAN + LENGTH + closed_after
        return msgspec.structs.replace(
            SEALED,
            mtime=(ended + self.ahead + KYIV).replace(tzinfo=None).isoformat(timespec="seconds"),
            true_time=f"{ended:%Y-%m-%dT%H:%M:%S}.000Z",
            uncertainty_ms=1500,
            film_began=(said + self.ahead).replace(tzinfo=None).isoformat(timespec="seconds") if said else "",
            film_ms=600_000,
        )


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(seconds=41), timedelta(days=-3)])
@pytest.mark.parametrize("shift", [KYIV, timedelta(0)], ids=["local", "UTC"])
def test_what_a_film_says_of_its_beginning_counts_in_whichever_zone(
    ahead: timedelta, shift: timedelta
) -> None:
    film = film_of(Clock(ahead).sealed(BEGAN + shift, closed_after=timedelta(seconds=4)))
    assert film is not None
    assert (film.began, film.ended) == (BEGAN, BEGAN + LENGTH)
    assert film.uncertainty == timedelta(milliseconds=1500)


@pytest.mark.parametrize("said", [None, BEGAN - timedelta(days=400), BEGAN + timedelta(minutes=7)])
def test_a_beginning_that_does_not_fit_the_file_is_not_believed(said: datetime | None) -> None:
    film = film_of(Clock().sealed(said))
    assert film is not None
    assert (film.began, film.ended) == (BEGAN, BEGAN + LENGTH)


@pytest.mark.parametrize(
    ("unknown", "why"),
    [
        ({"true_time": ""}, Unknown.DATE),
        ({"true_time": "", "uncertainty_ms": -1}, Unknown.CLOCK),
        ({"uncertainty_ms": -1}, Unknown.CLOCK),
        ({"film_ms": -1}, Unknown.LENGTH),
        ({"true_time": "gestern"}, Unknown.DATE),
    ],
)
def test_without_length_date_or_clock_a_film_has_no_time(unknown: dict[str, Any], why: Unknown) -> None:
    sealed = msgspec.structs.replace(Clock().sealed(BEGAN), **unknown)
    assert film_of(sealed) is None
    assert is_film(sealed)
    assert untimed_of(sealed) == Untimed(sealed.recording, sealed.path, why)


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(days=-3)])
@pytest.mark.parametrize("said", [None, BEGAN])
def test_without_a_measured_clock_a_film_has_its_camera_s_own_time(
    ahead: timedelta, said: datetime | None
) -> None:
    sealed = msgspec.structs.replace(Clock(ahead).sealed(said), true_time="", uncertainty_ms=-1)
    film = own_film_of(sealed)
    assert film is not None
    assert (film.began, film.ended) == (BEGAN + ahead + KYIV, BEGAN + ahead + KYIV + LENGTH)


@pytest.mark.parametrize(
    "known", [{}, {"uncertainty_ms": -1, "film_ms": -1}, {"uncertainty_ms": -1, "mtime": ""}]
)
def test_a_film_has_its_camera_s_own_time_only_where_there_is_no_other_but_length_and_date(
    known: dict[str, Any],
) -> None:
    assert own_film_of(msgspec.structs.replace(Clock().sealed(BEGAN), **known)) is None


def test_a_picture_is_no_film() -> None:
    assert not is_film(msgspec.structs.replace(SEALED, path="A.JPG", file="content.jpg"))


@given(st.text(max_size=30), st.text(max_size=30), st.integers(-1, 2**62))
def test_whatever_the_ledger_holds_is_a_film_or_none(began: str, mtime: str, length: int) -> None:
    sealed = msgspec.structs.replace(Clock().sealed(None), film_began=began, mtime=mtime, film_ms=length)
    film_of(sealed)
    own_film_of(msgspec.structs.replace(sealed, uncertainty_ms=-1))


def test_what_is_kept_of_a_movie() -> None:
    assert film_facts(None) == ("", -1)
    assert film_facts(MovieTimes(None, Fraction(3, 2))) == ("", 1500)
    assert film_facts(MovieTimes(datetime(2026, 11, 22, 9, 0, 1), Fraction(60))) == (  # noqa: DTZ001  # as a camera says it
        "2026-11-22T09:00:01",
        60_000,
    )
    assert film_facts(MovieTimes(None, Fraction(2**60))) == ("", -1)
    assert film_facts(MovieTimes(None, Fraction(0))) == ("", -1)
