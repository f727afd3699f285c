"""Which camera an officer gets. Pure.

Ready cameras only; the one assigned to the officer first, else the highest charge, then the least used, then
the lowest slot. A camera assigned to somebody else is given only when there is no other.
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


def choose(candidates: Iterable[Candidate], officer: str) -> Chosen | NothingToIssue:
    """Return the one camera to give ``officer``, whatever the order of ``candidates``."""
    docked = [c for c in candidates if c.serial]
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
    kinship = 0 if c.assigned_to == officer else 1 if not c.assigned_to else 2
    charge = c.charge_percent if c.charge_percent is not None else -1
    return kinship, -charge, c.issues, c.slot
