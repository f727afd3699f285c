"""The slot's tables: complete, without traps, and the paths that matter most."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.config import Config
from edged.slots.state import (
    DEADLINES,
    IGNORED,
    LOCKED_IN,
    OCCUPIED,
    OPERATOR,
    PHYSICAL,
    RELEASABLE,
    RESTING,
    RESULTS,
    START,
    TRANSITIONS,
    WORKING,
    Do,
    Event,
    State,
    UnexpectedEventError,
    accepts,
    step,
)

E, S = Event, State

IN_AND_SEALED = (
    E.CONTACT_MADE,
    E.USB_ARRIVED,
    E.IDENTIFIED_KNOWN,
    E.USB_LEFT,
    E.USB_ARRIVED,
    E.DISK_READY,
    E.ALL_SEALED,
    E.USB_LEFT,
    E.USB_ARRIVED,
    E.CYCLED,
)


def walk(*events: Event, start: State = START) -> tuple[State, list[Do]]:
    """Feed events to a slot; return where it ends and all it did."""
    state, done = start, list[Do]()
    for event in events:
        state, actions = step(state, event)
        done += actions
    return state, done


def reachable_from(start: State) -> set[State]:
    seen, todo = {start}, [start]
    while todo:
        here = todo.pop()
        for (state, _), following in TRANSITIONS.items():
            if state is here and following.state not in seen:
                seen.add(following.state)
                todo.append(following.state)
    return seen


# --- the tables as tables ---------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "event"), list(product(State, sorted(PHYSICAL | OPERATOR))))
def test_what_the_world_and_people_do_is_decided_in_every_state(state: State, event: Event) -> None:
    step(state, event)


def test_tables_do_not_contradict_each_other() -> None:
    assert not IGNORED & TRANSITIONS.keys()


def test_nothing_is_ignored_that_only_a_defect_could_cause() -> None:
    assert not {event for _, event in IGNORED} & RESULTS


@pytest.mark.parametrize("event", list(Event))
def test_every_event_does_something_somewhere(event: Event) -> None:
    assert any(accepts(state, event) for state in State)


@pytest.mark.parametrize("action", list(Do))
def test_every_action_is_asked_for_somewhere(action: Do) -> None:
    assert any(action in following.actions for following in TRANSITIONS.values())


@pytest.mark.parametrize("state", list(State))
def test_no_state_is_unreachable_or_a_trap(state: State) -> None:
    assert state in reachable_from(START)
    assert START in reachable_from(state)


@pytest.mark.parametrize(
    "state", [S.IDENTIFYING, S.SWITCHING, S.SWITCHING_TO_CLEAR, S.CYCLING, S.LOST, S.MISSING]
)
def test_waiting_for_a_device_always_ends(state: State) -> None:
    assert state in DEADLINES
    assert accepts(state, E.TIME_OVER)


@pytest.mark.parametrize("state", list(State))
def test_a_deadline_is_armed_exactly_where_its_end_is_decided(state: State) -> None:
    assert (state in DEADLINES) == accepts(state, E.TIME_OVER)


@pytest.mark.parametrize("setting", sorted(set(DEADLINES.values())))
def test_every_deadline_is_a_setting(setting: str) -> None:
    section, field = setting.split(".")
    kind = Config.__annotations__[section]
    assert field in kind.__struct_fields__


def test_every_state_is_in_exactly_one_group() -> None:
    assert not WORKING & RESTING
    assert LOCKED_IN | {S.GRANTED, S.RELEASED, S.FAULT} == OCCUPIED
    assert frozenset(State) - OCCUPIED == {S.EMPTY, S.MISSING, S.FAULT_EMPTY, S.FORCED}


def test_an_event_that_no_table_names_is_a_defect() -> None:
    with pytest.raises(UnexpectedEventError, match="all_sealed in empty"):
        step(S.EMPTY, E.ALL_SEALED)


# --- promises ---------------------------------------------------------------------------------------


def test_the_lock_opens_only_behind_a_durable_record() -> None:
    """Promise I3."""
    for (state, event), following in TRANSITIONS.items():
        if Do.UNLOCK in following.actions:
            assert event in {E.GRANT, E.RELEASE}
            record = Do.RECORD_GRANT if event is E.GRANT else Do.RECORD_RELEASE
            assert following.actions.index(record) < following.actions.index(Do.UNLOCK), (state, event)


def test_only_a_ready_camera_is_granted() -> None:
    """Promise I4."""
    assert [state for state in State if accepts(state, E.GRANT)] == [S.READY]


def test_ready_is_reached_through_the_verdict_of_a_check_only() -> None:
    into = {event for (state, event), n in TRANSITIONS.items() if n.state is S.READY and state is not S.READY}
    back = {
        event for (state, event) in TRANSITIONS if state is S.GRANTED and step(state, event).state is S.READY
    }
    assert into - back == {E.FOUND_READY}
    assert all(Do.CHECK in step(S.GRANTED, event).actions for event in back)


def test_an_issue_is_a_camera_taken_through_an_open_grant_and_nothing_else() -> None:
    pairs = [pair for pair, following in TRANSITIONS.items() if Do.ISSUE in following.actions]
    assert pairs == [(S.GRANTED, E.CONTACT_BROKEN)]


def test_a_grant_ends_in_an_issue_or_is_voided_and_locked() -> None:
    for (state, event), following in TRANSITIONS.items():
        if state is S.GRANTED:
            assert (Do.ISSUE in following.actions) != (Do.VOID_GRANT in following.actions), event
            assert Do.LOCK in following.actions, event


@pytest.mark.parametrize("state", sorted(LOCKED_IN))
def test_a_camera_that_leaves_a_closed_lock_is_a_forced_removal(state: State) -> None:
    """Promise I3: whatever the slot is doing."""
    waiting, done = walk(E.CONTACT_BROKEN, start=state)
    assert waiting is S.MISSING
    assert Do.STOP_WORK in done
    for witness in (E.TIME_OVER, E.FORCED_OPEN):
        end, done = walk(witness, start=waiting)
        assert end is S.FORCED
        assert {Do.NOTE_FORCED, Do.DRAFT_INCIDENT, Do.ALARM} <= set(done)


@pytest.mark.parametrize("state", sorted(LOCKED_IN | {S.FAULT}))
def test_the_locks_own_sensor_is_believed_at_once(state: State) -> None:
    end, done = walk(E.FORCED_OPEN, start=state)
    assert end is S.FORCED
    assert Do.ALARM in done


def test_the_alarm_ends_with_a_person_or_with_the_camera_back() -> None:
    silent = {pair for pair, following in TRANSITIONS.items() if Do.SILENCE in following.actions}
    assert silent == {(S.FORCED, E.ACKNOWLEDGED), (S.FORCED, E.CONTACT_MADE)}
    for state, event in TRANSITIONS:
        if state is S.FORCED:
            assert (state, event) in silent


def test_begun_work_is_never_forgotten() -> None:
    done_by_itself = {E.ALL_SEALED, E.CLEAR_DONE}
    for (state, event), following in TRANSITIONS.items():
        if state in {S.OFFLOADING, S.CLEARING} and event not in done_by_itself:
            assert Do.STOP_WORK in following.actions, (state, event)
            assert Do.NOTE_UNFINISHED in following.actions, (state, event)


def test_a_camera_with_a_mark_is_offloaded_but_never_issued_or_cleared() -> None:
    for state in (S.UNKNOWN, S.WORKS, S.QUARANTINE, S.REFUSED, S.SILENT):
        assert not accepts(state, E.GRANT)
        assert not accepts(state, E.CLEAR_DUE)
    for state in (S.UNKNOWN, S.WORKS, S.QUARANTINE):
        assert step(state, E.OFFLOAD_DUE).state is S.SWITCHING


def test_clearing_begins_only_at_rest_and_only_after_the_offload() -> None:
    into = {
        state
        for (state, _), n in TRANSITIONS.items()
        if n.state is S.SWITCHING_TO_CLEAR and state is not n.state
    }
    assert into == {S.HOLDING, S.READY}


def test_the_clock_of_a_foreign_camera_is_not_touched() -> None:
    assert Do.MEASURE in step(S.IDENTIFYING, E.IDENTIFIED_KNOWN).actions
    assert Do.MEASURE not in step(S.IDENTIFYING, E.IDENTIFIED_UNKNOWN).actions


@pytest.mark.parametrize("state", sorted(OCCUPIED - {S.FAULT}))
def test_a_fault_switches_the_slot_off_and_closes_an_open_lock(state: State) -> None:
    end, done = walk(E.FAULT_SEEN, start=state)
    assert end is S.FAULT
    assert Do.POWER_OFF in done
    if state in {S.GRANTED, S.RELEASED}:
        assert Do.LOCK in done
        assert done.index(Do.LOCK) < done.index(Do.POWER_OFF)


@pytest.mark.parametrize("state", [S.FAULT, S.FAULT_EMPTY])
def test_only_a_person_puts_a_faulty_slot_back_in_use(state: State) -> None:
    ways_out = {
        event for (s, event), n in TRANSITIONS.items() if s is state and n.state not in {state, S.FORCED}
    }
    assert ways_out <= {E.FAULT_CLEARED, E.RELEASE}
    assert step(state, E.FAULT_CLEARED) == (S.EMPTY, (Do.NOTE_CLEARED, Do.POWER_ON, Do.LOOK))


@pytest.mark.parametrize("state", [S.MISSING, S.FORCED, S.FAULT, S.FAULT_EMPTY, S.REFUSED])
def test_whatever_leaves_a_slot_without_power_switches_it_on_again(state: State) -> None:
    for (here, _), following in TRANSITIONS.items():
        if here is state and following.state in {S.EMPTY, S.IDENTIFYING}:
            assert Do.POWER_ON in following.actions


@pytest.mark.parametrize("state", sorted(RELEASABLE))
def test_a_technician_can_take_out_what_is_not_in_service(state: State) -> None:
    opened, done = walk(E.RELEASE, start=state)
    assert opened is S.RELEASED
    assert Do.UNLOCK in done
    end, done = walk(E.CONTACT_BROKEN, start=opened)
    assert end is S.EMPTY
    assert Do.NOTE_UNDOCKED in done
    assert Do.ALARM not in done


def test_a_technician_cannot_take_a_camera_that_is_in_service_or_at_work() -> None:
    assert not RELEASABLE & (WORKING | {S.READY, S.HOLDING, S.GRANTED, S.IDENTIFYING, S.LOST})


# --- a shift, told as events ------------------------------------------------------------------------


def test_a_camera_comes_in_and_goes_out_ready() -> None:
    state, done = walk(*IN_AND_SEALED, E.FOUND_READY)
    assert state is S.READY
    work = (Do.NOTE_DOCKED, Do.MEASURE, Do.ENTER_DISK, Do.OFFLOAD, Do.POWER_CYCLE, Do.CHECK)
    assert [action for action in done if action in work] == list(work)
    state, done = walk(E.GRANT, E.USB_LEFT, E.CONTACT_BROKEN, start=state)
    assert state is S.EMPTY
    assert done == [Do.RECORD_GRANT, Do.ASSIGN, Do.UNLOCK, Do.ISSUE, Do.LOCK]


@pytest.mark.parametrize("end", [E.RELOCKED, E.TIME_OVER, E.UNLOCK_FAILED, E.GRANT_STOPPED, E.MARKS_CHANGED])
def test_a_camera_that_is_not_taken_stays_and_is_checked_again(end: Event) -> None:
    state, done = walk(E.GRANT, end, start=S.READY)
    assert state is S.READY
    assert done[-3:] == [Do.LOCK, Do.VOID_GRANT, Do.CHECK]


def test_receipts_clear_a_camera_and_it_is_ready_again() -> None:
    state, done = walk(
        E.CLEAR_DUE,
        E.USB_LEFT,
        E.USB_ARRIVED,
        E.DISK_READY,
        E.CLEAR_DONE,
        E.CYCLED,
        E.FOUND_READY,
        start=S.READY,
    )
    assert state is S.READY
    assert done == [Do.ENTER_DISK, Do.IDENTIFY, Do.CLEAR, Do.POWER_CYCLE, Do.CHECK]


def test_a_failed_offload_waits_at_rest_for_its_retry() -> None:
    state, done = walk(E.WORK_FAILED, E.CYCLED, E.NOT_READY, start=S.OFFLOADING)
    assert state is S.HOLDING
    assert Do.NOTE_UNFINISHED in done
    assert step(state, E.OFFLOAD_DUE).state is S.SWITCHING


def test_a_camera_that_drops_off_the_bus_for_a_moment_goes_on() -> None:
    again = (E.USB_LEFT, E.USB_ARRIVED, E.IDENTIFIED_KNOWN, E.DISK_READY)
    state, done = walk(*again, start=S.OFFLOADING)
    assert state is S.OFFLOADING
    assert done.count(Do.OFFLOAD) == 1
    assert done[0] is Do.STOP_WORK
    assert Do.ALARM not in done


def test_a_camera_pulled_and_put_back_within_the_grace_is_no_removal() -> None:
    state, done = walk(E.USB_LEFT, E.CONTACT_BROKEN, E.CONTACT_MADE, start=S.OFFLOADING)
    assert state is S.IDENTIFYING
    assert Do.NOTE_FORCED not in done


@pytest.mark.fault(
    "U22", "A camera that never shows on the bus ends in SILENT, charged and power-cycled, not forgotten."
)
def test_a_dead_battery_is_charged_and_tried_again() -> None:
    state, done = walk(E.CONTACT_MADE, E.TIME_OVER, E.TIME_OVER, E.TIME_OVER)
    assert state is S.SILENT
    assert done.count(Do.CHARGE) == 1
    assert done.count(Do.POWER_CYCLE) == 3
    assert Do.POWER_OFF not in done
    assert walk(E.USB_ARRIVED, start=state)[0] is S.IDENTIFYING


@pytest.mark.fault(
    "U04", "Twenty attach/detach in a row leave one identification running and no work behind."
)
@pytest.mark.parametrize(
    "bounce", [(E.USB_ARRIVED, E.USB_LEFT), (E.USB_ARRIVED,)], ids=["told", "departures-lost"]
)
def test_a_bouncing_plug_leaves_one_conversation(bounce: tuple[Event, ...]) -> None:
    state, done = walk(E.CONTACT_MADE, *bounce * 20, E.USB_ARRIVED)
    assert state is S.IDENTIFYING
    running = 0
    for action in done:
        running = running + 1 if action is Do.IDENTIFY else 0 if action is Do.STOP_WORK else running
        assert running <= 1
    assert running == 1
    assert Do.NOTE_DOCKED not in done


def test_a_conversation_ends_with_its_device() -> None:
    assert step(S.IDENTIFYING, E.USB_LEFT) == (S.IDENTIFYING, (Do.STOP_WORK,))


@pytest.mark.fault(
    "D13", "A contact that chatters past the dock's own debounce gives no removal and one session."
)
def test_a_chattering_contact_is_no_removal() -> None:
    state, done = walk(*(E.CONTACT_BROKEN, E.CONTACT_MADE) * 50, start=S.READY)
    assert state is S.IDENTIFYING
    assert Do.NOTE_FORCED not in done
    assert Do.DRAFT_INCIDENT not in done


@pytest.mark.fault(
    "U05", "A second device on the bus without a farewell of the first ends the first's session whole."
)
@pytest.mark.parametrize("state", sorted(RESTING | {S.OFFLOADING, S.CLEARING, S.LOST}))
def test_a_swapped_camera_takes_nothing_over(state: State) -> None:
    end, done = walk(E.USB_ARRIVED, start=state)
    assert end is S.IDENTIFYING
    assert done == [Do.STOP_WORK, Do.NOTE_UNFINISHED, Do.IDENTIFY]


@pytest.mark.parametrize("state", [S.SWITCHING, S.SWITCHING_TO_CLEAR, S.CYCLING])
def test_what_comes_back_is_identified_before_work_goes_on(state: State) -> None:
    assert step(state, E.USB_ARRIVED) == (state, (Do.IDENTIFY,))
    assert step(state, E.SWAPPED).state is S.IDENTIFYING
    end, done = walk(E.DEVICE_REFUSED, start=state)
    assert end is S.REFUSED
    assert Do.POWER_OFF in done


@pytest.mark.fault(
    "B12", "A lock that was open is reconciled by the contact: taken is issued, still in is voided."
)
def test_the_contact_tells_what_became_of_an_open_lock() -> None:
    assert walk(E.CONTACT_BROKEN, start=S.GRANTED)[1] == [Do.ISSUE, Do.LOCK]
    assert Do.VOID_GRANT in walk(E.RELOCKED, start=S.GRANTED)[1]


@pytest.mark.fault("B08", "When the reader is gone its open grant is locked and void.")
def test_a_lost_reader_locks_what_it_opened() -> None:
    state, done = walk(E.GRANT_STOPPED, start=S.GRANTED)
    assert state is S.READY
    assert done[:2] == [Do.LOCK, Do.VOID_GRANT]


@given(
    st.lists(
        st.sampled_from(sorted(PHYSICAL | OPERATOR | {E.TIME_OVER, E.FOUND_READY, E.IDENTIFIED_KNOWN})),
        max_size=60,
    )
)
def test_no_order_of_events_opens_a_lock_without_a_grant_or_a_release(events: list[Event]) -> None:
    state = START
    for event in events:
        try:
            following = step(state, event)
        except UnexpectedEventError:
            assert event in RESULTS
            continue
        if Do.UNLOCK in following.actions:
            assert (state, event) == (S.READY, E.GRANT) or (state in RELEASABLE and event is E.RELEASE)
        if Do.ISSUE in following.actions:
            assert state is S.GRANTED
        state = following.state
