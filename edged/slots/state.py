"""The slot state machine: what a slot is doing and what may happen next.

Rule 1: every state change of a slot stands in TRANSITIONS, and nowhere else.
Rule 2: this file does no I/O, reads no clock, writes no log. A deadline is an event like any other.
Rule 3: two witnesses tell of a camera. The dock's contact (debounced by the dock) decides whether one
    is there; the bus decides only whether it can be talked to. Off the bus is LOST, never removed.
Rule 4: a contact that breaks is a removal. It is authorised in GRANTED (a badge) and RELEASED (a
    technician) only; anywhere else the slot waits a moment (MISSING) and then calls it forced.
    The dock's own lock sensor (FORCED_OPEN) is believed at once.
Rule 5: the world's events (PHYSICAL) may come at any time and people's (OPERATOR) too, so every state
    decides each of them; a RESULT that a state does not name is a defect.
Rule 6: a RESULT belongs to the state in which its action was begun. The shell drops it, and every
    TIME_OVER, if the state was left or other work begun since: it numbers both.
Rule 7: a camera's marks (not listed, works, quarantine) do not stop its offload; CHECK sees them when
    the work is over. A camera that stays in a fault, in works or refused keeps its recordings aboard.

``docs/slot_states.md`` is generated from these tables.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple


class State(StrEnum):
    EMPTY = "empty"  # no contact
    IDENTIFYING = "identifying"  # something is in the slot, we do not know yet what
    SILENT = "silent"  # in the slot, not to be talked to: charged, power-cycled now and then
    SWITCHING = "switching"  # told to become a disk; it may leave the bus and come back
    OFFLOADING = "offloading"  # listing, copying, reading back, sealing
    CYCLING = "cycling"  # power-cycled, out of disk mode, back to command mode
    HOLDING = "holding"  # work is over; not ready: charge, memory, clock, something not sealed
    READY = "ready"  # may be issued
    GRANTED = "granted"  # the lock may be open; one officer may take it
    SWITCHING_TO_CLEAR = "switching_to_clear"  # as switching, for what may be removed
    CLEARING = "clearing"  # removing what is past the delete gate
    LOST = "lost"  # off the bus, contact kept: it may come back by itself
    MISSING = "missing"  # contact broken without authority: it may be put back at once
    UNKNOWN = "unknown"  # not in the station's list; sealed all the same, never issued or cleared
    WORKS = "works"  # maintenance: sealed all the same, never issued or cleared
    QUARANTINE = "quarantine"  # in doubt: sealed all the same, never issued or cleared
    REFUSED = "refused"  # a device that must not be in a dock port; off the bus
    RELEASED = "released"  # the lock may be open for a technician
    FAULT = "fault"  # out of use with a camera in it, power off
    FAULT_EMPTY = "fault_empty"  # out of use; what is put in is not touched
    FORCED = "forced"  # torn out; alarm until acknowledged or a camera is put back


class Event(StrEnum):
    # The world's.
    CONTACT_MADE = "contact_made"  # a camera touches the slot
    CONTACT_BROKEN = "contact_broken"  # in GRANTED the bus may stand in for a dock that is silent
    USB_ARRIVED = "usb_arrived"  # a device at the slot's port, allowed or not
    USB_LEFT = "usb_left"  # no device at the slot's port
    FORCED_OPEN = "forced_open"  # the lock's own sensor; or, at start, a camera gone since the last run
    FAULT_SEEN = "fault_seen"  # dock fault bits, a dead port, a defect in the slot's own work
    WITNESSES_DIFFER = "witnesses_differ"  # contact and bus contradict each other past the deadline
    # People's, and policy's.
    GRANT = "grant"  # access and allocation chose this camera for an officer
    GRANT_STOPPED = "grant_stopped"  # its reader is gone: nothing may stay open in its name
    RELEASE = "release"  # a technician opens the slot
    MARKS_CHANGED = "marks_changed"  # list of cameras, works, quarantine or policy changed
    FAULT_CLEARED = "fault_cleared"  # a technician says that the cause is gone
    ACKNOWLEDGED = "acknowledged"  # a person has seen the alarm
    OFFLOAD_DUE = "offload_due"  # a retry, a second read, or a camera that was still recording
    CLEAR_DUE = "clear_due"  # recordings aboard are past the delete gate
    CHECK_DUE = "check_due"  # charge and clock are looked at every few minutes
    # Deadlines and results of actions.
    TIME_OVER = "time_over"  # the deadline of DEADLINES[state]
    IDENTIFIED_KNOWN = "identified_known"  # a camera of the station's list
    IDENTIFIED_UNKNOWN = "identified_unknown"  # also: no usable serial number
    DEVICE_REFUSED = "device_refused"  # interfaces outside the allow-list, a hub, changed descriptors
    SWAPPED = "swapped"  # what came back is not what left
    DISK_READY = "disk_ready"  # it is a disk now (at once, if it always was one)
    ALL_SEALED = "all_sealed"  # every clip aboard has a verified copy
    CYCLED = "cycled"  # it is back in command mode (at once, if it never left it)
    CLEAR_DONE = "clear_done"  # seen gone in a new listing
    WORK_FAILED = "work_failed"  # the job of this state gave up; facts and alerts are written
    FOUND_READY = "found_ready"  # the first of CHECK's five verdicts
    NOT_READY = "not_ready"  # with reasons (edged.readiness)
    NOT_LISTED = "not_listed"  # not in the station's list
    IN_WORKS = "in_works"  # marked by a technician
    IN_QUARANTINE = "in_quarantine"  # marked by a technician, or a twin
    UNLOCK_FAILED = "unlock_failed"  # the dock refused, and says that the lock is closed
    RELOCKED = "relocked"  # the dock says: closed again, contact still made


PHYSICAL = frozenset(
    {
        Event.CONTACT_MADE,
        Event.CONTACT_BROKEN,
        Event.USB_ARRIVED,
        Event.USB_LEFT,
        Event.FORCED_OPEN,
        Event.FAULT_SEEN,
    }
)
OPERATOR = frozenset(
    {
        Event.GRANT,
        Event.GRANT_STOPPED,
        Event.RELEASE,
        Event.MARKS_CHANGED,
        Event.FAULT_CLEARED,
        Event.ACKNOWLEDGED,
        Event.OFFLOAD_DUE,
        Event.CLEAR_DUE,
        Event.CHECK_DUE,
    }
)
RESULTS = frozenset(Event) - PHYSICAL - OPERATOR


class Do(StrEnum):
    """What the slot's shell carries out, in the order given. Each is safe to do twice."""

    LOOK = "look"  # read contact, fault bits and bus anew and feed what they say as events
    IDENTIFY = "identify"  # talk to the device on the bus; feeds the result that the state waits for
    NOTE_DOCKED = "note_docked"  # camera.docked, ending the open issue; the return now waits for a person
    MEASURE = "measure"  # clock against host: record, correct; battery. Failing is a mark, not an event
    ENTER_DISK = "enter_disk"  # feeds DISK_READY at once for a camera that always is a disk
    OFFLOAD = "offload"  # list, copy what is not sealed, seal; feeds ALL_SEALED or WORK_FAILED
    POWER_CYCLE = "power_cycle"  # through the dock; feeds CYCLED at once if the camera needs none
    CHECK = "check"  # bus, battery, clock, marks → readiness; feeds one of its five verdicts, or USB_LEFT
    CLEAR = "clear"  # G1-G9 again, then remove; feeds CLEAR_DONE or WORK_FAILED
    STOP_WORK = "stop_work"  # end the slot's job and its processes; waits for their end, with a deadline
    NOTE_UNFINISHED = "note_unfinished"  # the outcome of every intent of this slot that has none
    RECORD_GRANT = "record_grant"  # camera.granted, durable; on failure feed UNLOCK_FAILED, go no further
    RECORD_RELEASE = "record_release"  # who opens it and why, durable; on failure feed UNLOCK_FAILED
    ASSIGN = "assign"  # officer's number into the camera, within a short deadline; failing is only noted
    UNLOCK = "unlock"  # once, the dock relocks by itself; feeds UNLOCK_FAILED or, later, RELOCKED
    LOCK = "lock"  # close the lock now, if it is open
    VOID_GRANT = "void_grant"  # grant.voided; the reader is free for the next tap
    ISSUE = "issue"  # camera.issued: the officer holds it; the reader is free for the next tap
    NOTE_UNDOCKED = "note_undocked"  # camera.undocked
    NOTE_FORCED = "note_forced"  # slot.forced_open with the witness
    TAKE_BACK = "take_back"  # as NOTE_FORCED; the issue just written down, if there is one, was none
    DRAFT_INCIDENT = "draft_incident"  # incident.drafted; a responsible person completes it
    NOTE_REFUSED = "note_refused"  # device.refused with its descriptors
    NOTE_FAULT = "note_fault"  # slot.faulted
    NOTE_CLEARED = "note_cleared"  # slot.cleared
    ALARM = "alarm"  # buzzer and alert, until SILENCE
    SILENCE = "silence"  # ends ALARM
    CHARGE = "charge"  # allow charging, to the slot's limit
    POWER_OFF = "power_off"  # the slot's supply, and with it its device on the bus
    POWER_ON = "power_on"  # the bus then announces what is there
    ARM_TIMER = "arm_timer"  # start this state's deadline anew; entering a state does it unasked


class Next(NamedTuple):
    state: State
    actions: tuple[Do, ...] = ()


S, E = State, Event

START = S.EMPTY
"""Of every slot when the daemon starts; the shell then does LOOK."""

DEADLINES: Mapping[State, str] = MappingProxyType(
    {
        S.IDENTIFYING: "timing.identify_s",
        S.SILENT: "timing.silent_retry_s",  # with jitter
        S.SWITCHING: "timing.reenumerate_s",
        S.SWITCHING_TO_CLEAR: "timing.reenumerate_s",
        S.CYCLING: "timing.reenumerate_s",
        S.LOST: "timing.lost_s",
        S.MISSING: "timing.grace_s",
        S.GRANTED: "access.grant_open_s",  # plus timing.relock_margin_s; the dock's word normally comes first
        S.RELEASED: "access.grant_open_s",
    }
)
"""States with a deadline, and the setting that says how long. Leaving the state ends it. Those in which a camera is
waited for double with each time in a row that the slot gave it up (`edged.station.patience`)."""

RESTING = frozenset({S.HOLDING, S.READY, S.UNKNOWN, S.WORKS, S.QUARANTINE})
WORKING = frozenset({S.SWITCHING, S.OFFLOADING, S.CYCLING, S.SWITCHING_TO_CLEAR, S.CLEARING})
LOCKED_IN = RESTING | WORKING | {S.IDENTIFYING, S.SILENT, S.LOST, S.REFUSED}
"""A camera is behind a closed lock, and the slot is in use."""
RELEASABLE = frozenset({S.SILENT, S.UNKNOWN, S.WORKS, S.QUARANTINE, S.REFUSED, S.FAULT})
OCCUPIED = LOCKED_IN | {S.GRANTED, S.RELEASED, S.FAULT}

_STOP = (Do.STOP_WORK, Do.NOTE_UNFINISHED)
_REVOKE = (Do.LOCK, Do.VOID_GRANT)
_TORN = (Do.NOTE_FORCED, Do.DRAFT_INCIDENT, Do.ALARM)
_AGAIN = Next(S.IDENTIFYING, (*_STOP, Do.IDENTIFY))
_OFF_BUS = Next(S.LOST, _STOP)
_MUTE = Next(S.SILENT, (*_STOP, Do.POWER_CYCLE))
_NOT_TAKEN = Next(S.READY, (*_REVOKE, Do.CHECK))
_BACK_IN = Next(S.IDENTIFYING, (Do.LOCK, Do.POWER_ON, Do.CHARGE, Do.LOOK))
_REFUSE = Next(S.REFUSED, (*_STOP, Do.NOTE_REFUSED, Do.POWER_OFF))


def _each(states: Iterable[State], event: Event, to: Next) -> dict[tuple[State, Event], Next]:
    return {(state, event): to for state in states}


TRANSITIONS: Mapping[tuple[State, Event], Next] = MappingProxyType(
    {
        # In. What the bus said before the contact was made is looked up again.
        (S.EMPTY, E.CONTACT_MADE): Next(S.IDENTIFYING, (Do.CHARGE, Do.LOOK)),
        (S.IDENTIFYING, E.USB_ARRIVED): Next(S.IDENTIFYING, (Do.STOP_WORK, Do.IDENTIFY, Do.ARM_TIMER)),
        (S.IDENTIFYING, E.USB_LEFT): Next(S.IDENTIFYING, (Do.STOP_WORK,)),
        (S.IDENTIFYING, E.IDENTIFIED_KNOWN): Next(S.SWITCHING, (Do.NOTE_DOCKED, Do.MEASURE, Do.ENTER_DISK)),
        # The clock of a camera that is not ours is not touched.
        (S.IDENTIFYING, E.IDENTIFIED_UNKNOWN): Next(S.SWITCHING, (Do.NOTE_DOCKED, Do.ENTER_DISK)),
        (S.IDENTIFYING, E.WORK_FAILED): _MUTE,
        (S.IDENTIFYING, E.TIME_OVER): _MUTE,
        (S.SILENT, E.USB_ARRIVED): _AGAIN,
        (S.SILENT, E.TIME_OVER): Next(S.SILENT, (Do.POWER_CYCLE, Do.LOOK, Do.ARM_TIMER)),
        # Offload. Leaving the bus is expected in SWITCHING and CYCLING: the deadline watches over it.
        (S.SWITCHING, E.USB_ARRIVED): Next(S.SWITCHING, (Do.IDENTIFY,)),
        (S.SWITCHING, E.DISK_READY): Next(S.OFFLOADING, (Do.OFFLOAD,)),
        (S.OFFLOADING, E.ALL_SEALED): Next(S.CYCLING, (Do.POWER_CYCLE,)),
        **_each((S.SWITCHING, S.OFFLOADING), E.WORK_FAILED, Next(S.CYCLING, (*_STOP, Do.POWER_CYCLE))),
        **_each((S.SWITCHING, S.SWITCHING_TO_CLEAR, S.CYCLING), E.TIME_OVER, _MUTE),
        **_each((S.SWITCHING, S.SWITCHING_TO_CLEAR, S.CYCLING), E.SWAPPED, _AGAIN),
        (S.CYCLING, E.USB_ARRIVED): Next(S.CYCLING, (Do.IDENTIFY,)),
        (S.CYCLING, E.CYCLED): Next(S.HOLDING, (Do.CHECK,)),
        (S.CYCLING, E.WORK_FAILED): _MUTE,
        **_each((S.IDENTIFYING, S.SWITCHING, S.SWITCHING_TO_CLEAR, S.CYCLING), E.DEVICE_REFUSED, _REFUSE),
        **_each(RESTING, E.OFFLOAD_DUE, Next(S.SWITCHING, (Do.ENTER_DISK,))),
        # At rest: the verdict of CHECK says where.
        **_each((S.HOLDING, S.READY), E.FOUND_READY, Next(S.READY)),
        **_each((S.HOLDING, S.READY), E.NOT_READY, Next(S.HOLDING)),
        **_each((S.HOLDING, S.READY), E.NOT_LISTED, Next(S.UNKNOWN)),
        **_each((S.HOLDING, S.READY), E.IN_WORKS, Next(S.WORKS)),
        **_each((S.HOLDING, S.READY), E.IN_QUARANTINE, Next(S.QUARANTINE)),
        **_each(RESTING, E.MARKS_CHANGED, Next(S.HOLDING, (Do.CHECK,))),
        (S.HOLDING, E.CHECK_DUE): Next(S.HOLDING, (Do.CHECK,)),
        (S.READY, E.CHECK_DUE): Next(S.READY, (Do.CHECK,)),
        # Clear: only a camera that is in the list and carries no mark.
        **_each((S.HOLDING, S.READY), E.CLEAR_DUE, Next(S.SWITCHING_TO_CLEAR, (Do.ENTER_DISK,))),
        (S.SWITCHING_TO_CLEAR, E.USB_ARRIVED): Next(S.SWITCHING_TO_CLEAR, (Do.IDENTIFY,)),
        (S.SWITCHING_TO_CLEAR, E.DISK_READY): Next(S.CLEARING, (Do.CLEAR,)),
        (S.SWITCHING_TO_CLEAR, E.WORK_FAILED): Next(S.CYCLING, (*_STOP, Do.POWER_CYCLE)),
        (S.CLEARING, E.CLEAR_DONE): Next(S.CYCLING, (Do.POWER_CYCLE,)),
        (S.CLEARING, E.WORK_FAILED): Next(S.CYCLING, (*_STOP, Do.POWER_CYCLE)),
        # Issue. The grant is durable before the lock opens.
        (S.READY, E.GRANT): Next(S.GRANTED, (Do.RECORD_GRANT, Do.ASSIGN, Do.UNLOCK)),
        (S.GRANTED, E.CONTACT_BROKEN): Next(S.EMPTY, (Do.ISSUE, Do.LOCK)),
        (S.GRANTED, E.RELOCKED): _NOT_TAKEN,
        (S.GRANTED, E.TIME_OVER): _NOT_TAKEN,
        (S.GRANTED, E.UNLOCK_FAILED): _NOT_TAKEN,
        (S.GRANTED, E.GRANT_STOPPED): _NOT_TAKEN,
        (S.GRANTED, E.MARKS_CHANGED): _NOT_TAKEN,
        # A technician's opening.
        **_each(RELEASABLE, E.RELEASE, Next(S.RELEASED, (*_STOP, Do.RECORD_RELEASE, Do.UNLOCK))),
        (S.RELEASED, E.CONTACT_BROKEN): Next(S.EMPTY, (Do.NOTE_UNDOCKED, Do.LOCK, Do.POWER_ON, Do.LOOK)),
        **_each((S.RELEASED,), E.RELOCKED, _BACK_IN),
        **_each((S.RELEASED,), E.TIME_OVER, _BACK_IN),
        **_each((S.RELEASED,), E.UNLOCK_FAILED, _BACK_IN),
        # Off the bus, or a new device where one was: the leaving was lost in a burst of events.
        # It may be another camera by now, so nothing is taken over from the one before.
        **_each(RESTING | {S.OFFLOADING, S.CLEARING}, E.USB_LEFT, _OFF_BUS),
        **_each(RESTING | {S.OFFLOADING, S.CLEARING, S.LOST}, E.USB_ARRIVED, _AGAIN),
        (S.LOST, E.TIME_OVER): _MUTE,
        # Out without authority.
        **_each(LOCKED_IN, E.CONTACT_BROKEN, Next(S.MISSING, _STOP)),
        (S.MISSING, E.CONTACT_MADE): Next(S.IDENTIFYING, (Do.POWER_ON, Do.CHARGE, Do.LOOK)),
        (S.MISSING, E.TIME_OVER): Next(S.FORCED, _TORN),
        (S.MISSING, E.FORCED_OPEN): Next(S.FORCED, _TORN),
        (S.MISSING, E.WITNESSES_DIFFER): Next(S.FAULT, (Do.NOTE_FAULT, Do.POWER_OFF)),
        **_each(LOCKED_IN, E.FORCED_OPEN, Next(S.FORCED, (*_STOP, *_TORN))),
        (S.FAULT, E.FORCED_OPEN): Next(S.FORCED, _TORN),
        # Nothing has come since the camera left, so the dock says how it left.
        **_each((S.EMPTY, S.FAULT_EMPTY), E.FORCED_OPEN, Next(S.FORCED, (Do.TAKE_BACK, *_TORN[1:]))),
        (S.FAULT, E.CONTACT_BROKEN): Next(S.FORCED, _TORN),
        (S.FORCED, E.CONTACT_MADE): Next(S.IDENTIFYING, (Do.SILENCE, Do.POWER_ON, Do.CHARGE, Do.LOOK)),
        (S.FORCED, E.ACKNOWLEDGED): Next(S.EMPTY, (Do.SILENCE, Do.POWER_ON, Do.LOOK)),
        # Fault. It is fed again by LOOK as long as it holds.
        **_each(LOCKED_IN, E.FAULT_SEEN, Next(S.FAULT, (*_STOP, Do.NOTE_FAULT, Do.POWER_OFF))),
        (S.GRANTED, E.FAULT_SEEN): Next(S.FAULT, (*_REVOKE, Do.NOTE_FAULT, Do.POWER_OFF)),
        (S.RELEASED, E.FAULT_SEEN): Next(S.FAULT, (Do.LOCK, Do.NOTE_FAULT, Do.POWER_OFF)),
        (S.EMPTY, E.FAULT_SEEN): Next(S.FAULT_EMPTY, (Do.NOTE_FAULT, Do.POWER_OFF)),
        (S.EMPTY, E.WITNESSES_DIFFER): Next(S.FAULT_EMPTY, (Do.NOTE_FAULT, Do.POWER_OFF)),
        **_each(
            (S.FAULT, S.FAULT_EMPTY), E.FAULT_CLEARED, Next(S.EMPTY, (Do.NOTE_CLEARED, Do.POWER_ON, Do.LOOK))
        ),
    }
)


def _ignored() -> frozenset[tuple[State, Event]]:
    everywhere = {
        # The contact says again what is known, or what does not matter while the slot is off.
        E.CONTACT_MADE: OCCUPIED | {S.FAULT_EMPTY},
        E.CONTACT_BROKEN: {S.EMPTY, S.MISSING, S.FORCED, S.FAULT_EMPTY},
        # Without a contact the bus alone is no camera (WITNESSES_DIFFER after a while); a device that
        # is to be off has nothing to say; a camera leaves the bus when it is cycled, switched or taken.
        # In GRANTED a plug wobbles as the camera is pulled: as long as the contact holds it is the same one,
        # and the check after a grant that was not taken asks who it is.
        E.USB_ARRIVED: {
            S.EMPTY,
            S.MISSING,
            S.REFUSED,
            S.RELEASED,
            S.FAULT,
            S.FAULT_EMPTY,
            S.FORCED,
            S.GRANTED,
        },
        E.USB_LEFT: frozenset(State) - RESTING - {S.IDENTIFYING, S.OFFLOADING, S.CLEARING},
        # The lock is open by our own order; the contact will tell. Or it is known already.
        E.FORCED_OPEN: {S.GRANTED, S.RELEASED, S.FORCED},
        # The question who holds the camera comes first; LOOK finds the fault afterwards.
        E.FAULT_SEEN: {S.MISSING, S.FORCED, S.FAULT, S.FAULT_EMPTY},
        # An operator's order that does not fit is answered with CONFLICT (``accepts``), or waits:
        # the check at the end of the work sees marks, and the next look finds what is due.
        E.GRANT: frozenset(State) - {S.READY},
        E.GRANT_STOPPED: frozenset(State) - {S.GRANTED},
        E.RELEASE: frozenset(State) - RELEASABLE,
        E.MARKS_CHANGED: frozenset(State) - RESTING - {S.GRANTED},
        E.FAULT_CLEARED: frozenset(State) - {S.FAULT, S.FAULT_EMPTY},
        E.ACKNOWLEDGED: frozenset(State) - {S.FORCED},
        E.OFFLOAD_DUE: frozenset(State) - RESTING,
        E.CLEAR_DUE: frozenset(State) - {S.HOLDING, S.READY},
        E.CHECK_DUE: frozenset(State) - {S.HOLDING, S.READY},
    }
    return frozenset((state, event) for event, states in everywhere.items() for state in states)


IGNORED: frozenset[tuple[State, Event]] = _ignored()


class UnexpectedEventError(RuntimeError):
    """The machine was fed an event its tables do not know in this state. A defect."""


def step(state: State, event: Event) -> Next:
    """Return the next state and the actions due. Pure.

    Raises:
        UnexpectedEventError: the pair is in neither table.
    """
    if (found := TRANSITIONS.get((state, event))) is not None:
        return found
    if (state, event) in IGNORED:
        return Next(state)
    raise UnexpectedEventError(f"{event} in {state}")


def accepts(state: State, event: Event) -> bool:
    """Whether ``event`` does something here; what a person asks for in vain is answered with CONFLICT."""
    return (state, event) in TRANSITIONS
