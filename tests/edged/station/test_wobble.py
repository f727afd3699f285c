"""A plug that wobbles behind an open lock: the contact decides whose the camera is, not the bus."""

import pytest

from edged.slots.state import Do, Event, State, accepts, step


@pytest.mark.fault(
    "U04", "a plug that bounces while the officer pulls the camera neither voids nor loses the issue"
)
def test_the_issue_survives_a_wobbling_plug() -> None:
    state, done = State.READY, list[Do]()
    for event in (Event.GRANT, Event.USB_LEFT, Event.USB_ARRIVED, Event.USB_LEFT, Event.CONTACT_BROKEN):
        state, actions = step(state, event)
        done += actions
    assert state is State.EMPTY
    assert Do.ISSUE in done
    assert Do.VOID_GRANT not in done


def test_a_camera_that_was_not_taken_is_asked_again_who_it_is() -> None:
    state, _ = step(State.GRANTED, Event.USB_ARRIVED)
    state, actions = step(state, Event.RELOCKED)
    assert (state, Do.CHECK in actions) == (State.READY, True)
    assert accepts(state, Event.CHECK_DUE)
