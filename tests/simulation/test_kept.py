"""Histories that broke a promise once keep every promise now."""

import pytest

from tests.simulation.generate import generate
from tests.simulation.history import play
from tests.simulation.kept import decode, encode, kept

KEPT = kept()


@pytest.mark.slow
@pytest.mark.parametrize("name", list(KEPT))
def test_what_once_broke_holds(name: str) -> None:
    assert play(KEPT[name]).violation is None


def test_there_are_some() -> None:
    assert KEPT


def test_a_plan_survives_being_kept() -> None:
    for plan in map(generate, range(60)):
        assert decode(encode(plan)) == plan
