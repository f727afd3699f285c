"""Which camera an officer gets, and why none."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.access import Refusal
from edged.allocation import Candidate, Chosen, NothingToIssue, choose
from edged.readiness import NotReady, Readiness
from edged.slots.state import State

READY = Readiness(True)
KEPT = Readiness(False, (NotReady.CHARGE_LOW,))


def slot(
    number: int, *, charge: int | None = 90, issues: int = 0, to: str = "", state: State = State.READY
) -> Candidate:
    return Candidate(
        slot=number,
        state=state,
        serial=f"CAM{number}",
        readiness=READY if state is State.READY else KEPT,
        assigned_to=to,
        charge_percent=charge,
        issues=issues,
    )


@pytest.mark.parametrize(
    ("candidates", "chosen", "why"),
    [
        ([slot(1, charge=100), slot(2, charge=81, to="olena")], 2, "the officer's own camera first"),
        ([slot(1, charge=85), slot(2, charge=95)], 2, "then the highest charge"),
        ([slot(1, issues=9), slot(2, issues=3)], 2, "then the least used"),
        ([slot(2), slot(1)], 1, "then the lowest slot"),
        ([slot(1, charge=None), slot(2, charge=1)], 2, "an unknown charge last"),
        ([slot(1, charge=100, to="petro"), slot(2, charge=80)], 2, "another's camera only in need"),
        ([slot(1, to="petro")], 1, "but in need"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_the_best_camera_is_chosen(candidates: list[Candidate], chosen: int, why: str) -> None:
    assert choose(candidates, "olena") == Chosen(chosen, f"CAM{chosen}"), why


def test_what_policy_let_pass_goes_into_the_record() -> None:
    flagged = replace(slot(1), readiness=Readiness(True, (), (NotReady.CLOCK_UNKNOWN,)))
    assert choose([flagged], "olena") == Chosen(1, "CAM1", (NotReady.CLOCK_UNKNOWN,))


def test_an_empty_dock_has_its_own_name() -> None:
    empty = Candidate(slot=1, state=State.EMPTY, serial="", readiness=KEPT)
    assert choose([empty], "olena") == NothingToIssue(Refusal.NO_CAMERA_DOCKED, {})
    assert choose([], "olena") == NothingToIssue(Refusal.NO_CAMERA_DOCKED, {})


def test_when_none_is_ready_each_slot_says_why() -> None:
    found = choose([slot(1, state=State.HOLDING), replace(slot(2), state=State.OFFLOADING)], "olena")
    assert found == NothingToIssue(Refusal.NO_CAMERA_READY, {1: ("charge-low",), 2: ("offloading",)})


def test_the_last_camera_granted_to_another_is_told_apart() -> None:
    found = choose([replace(slot(1), state=State.GRANTED), slot(2, state=State.HOLDING)], "olena")
    assert isinstance(found, NothingToIssue)
    assert found.reason is Refusal.ALL_GRANTED


@given(
    st.lists(
        st.builds(
            slot,
            st.integers(1, 40),
            charge=st.none() | st.integers(0, 100),
            issues=st.integers(0, 3),
            to=st.sampled_from(["", "olena", "petro"]),
            state=st.sampled_from(State),
        ),
        max_size=12,
        unique_by=lambda c: c.slot,
    ),
    st.randoms(use_true_random=False),
)
def test_only_a_ready_camera_is_ever_chosen_and_the_order_asked_in_does_not_matter(
    candidates: list[Candidate], shuffle: Random
) -> None:
    found = choose(candidates, "olena")
    mixed = list(candidates)
    shuffle.shuffle(mixed)
    assert choose(mixed, "olena") == found
    if isinstance(found, Chosen):
        (one,) = [c for c in candidates if c.slot == found.slot]
        assert one.state is State.READY
        assert one.readiness.ready
    else:
        assert not [c for c in candidates if c.state is State.READY and c.readiness.ready]
