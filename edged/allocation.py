"""Which camera an officer gets. Pure.

Ready cameras only; the one assigned to the officer, or in reserve for him, first, else the highest charge, then the
least used, then the lowest slot. A camera assigned to somebody else is given only when there is no other.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edged.access import Refusal
from edged.readiness import NotReady, Readiness
from edged.slots.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One slot, as the choice sees it."""

    slot: int
    state: State
    serial: str
    readiness: Readiness
    assigned_to: str = ""
    reserved_for: str = ""  # of a reserve camera: whose incident its memo is about
    charge_percent: int | None = None  # None: unknown, and taken as least
    issues: int = 0  # how often it was issued


@dataclass(frozen=True, slots=True)
class Chosen:
    slot: int
    serial: str
    flags: tuple[NotReady, ...] = ()  # what policy let pass, for the record


@dataclass(frozen=True, slots=True)
class NothingToIssue:
    """Why there is no camera, and for each slot with one what keeps it."""

    reason: Refusal
    kept: Mapping[int, tuple[str, ...]]


def choose(candidates: Iterable[Candidate], officer: str, *, second: bool = False) -> Chosen | NothingToIssue:
    """Return the one camera to give ``officer``, whatever the order of ``candidates``.

    ``second``: the officer holds one already, and gets none but a reserve camera under an incident of his own.
    """
    docked = [c for c in candidates if c.serial and (c.reserved_for == officer or not second)]
    free = [c for c in docked if c.state is State.READY and c.readiness.ready]
    if free:
        best = min(free, key=lambda c: _rank(c, officer))
        return Chosen(best.slot, best.serial, best.readiness.flags)
    kept = {c.slot: tuple(map(str, c.readiness.reasons)) or (str(c.state),) for c in docked}
    if not docked:
        return NothingToIssue(Refusal.NO_CAMERA_DOCKED, kept)
    if any(c.state is State.GRANTED for c in docked):
        return NothingToIssue(Refusal.ALL_GRANTED, kept)
    return NothingToIssue(Refusal.NO_CAMERA_READY, kept)


def _rank(c: Candidate, officer: str) -> tuple[int, int, int, int]:
    whose = c.reserved_for or c.assigned_to
    kinship = 0 if whose == officer else 1 if not whose else 2
    charge = c.charge_percent if c.charge_percent is not None else -1
    return kinship, -charge, c.issues, c.slot
