"""Whether a camera may be issued, and if not, why. Pure: facts and policy in, verdict out.

Every reason has a name that the ledger keeps. What a camera cannot tell is unknown, never zero: policy says
for charge, clock and memory each whether the unknown keeps it in the slot or is only flagged.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from edged.config import Readiness as Policy


class NotReady(StrEnum):
    """Why not; or, as a flag, what was let pass. Values stand in the ledger: never rename one.

    In the order of what a person should hear first.
    """

    NOT_LISTED = "not-listed"  # not a camera of this station
    NO_IDENTITY = "no-identity"  # no usable serial number
    TWIN = "twin"  # another camera shows the same serial number
    QUARANTINE = "quarantine"
    IN_WORKS = "in-works"
    RESERVE = "reserve"  # a reserve camera without the memo of the head of the post
    NO_CARD = "no-card"
    DEFECT = "defect"  # media, file system or protocol errors since it was docked
    NOT_SEALED = "not-sealed"  # something aboard has no verified copy yet
    CHARGE_LOW = "charge-low"
    CHARGE_UNKNOWN = "charge-unknown"
    MEMORY_LOW = "memory-low"
    MEMORY_UNKNOWN = "memory-unknown"
    CLOCK_OFF = "clock-off"
    CLOCK_UNKNOWN = "clock-unknown"
    DOCK_SILENT = "dock-silent"  # its lock could not be opened


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraFacts:
    """What is known of a camera in a slot. The defaults are those of a camera that tells nothing."""

    listed: bool = True
    identity: bool = True
    twin: bool = False
    quarantine: bool = False
    works: bool = False
    reserve: bool = False
    card: bool = True
    defect: bool = False
    all_sealed: bool = False
    charge_percent: int | None = None  # 0..100
    charging_ended: bool | None = None  # from the slot's current, where the camera cannot tell
    free_bytes: int | None = None
    bitrate_mbit: float | None = None
    clock_error_s: float | None = None  # after correction, without sign
    clock_uncertainty_s: float | None = None  # half round trip + resolution + host bound; None: no bound
    dock_answers: bool = True


@dataclass(frozen=True, slots=True)
class Readiness:
    """``ready`` exactly when there is no reason. Flags were let pass by policy and go into the record."""

    ready: bool
    reasons: tuple[NotReady, ...] = ()
    flags: tuple[NotReady, ...] = ()


def judge(facts: CameraFacts, policy: Policy) -> Readiness:
    """Return the verdict; reasons and flags in the order of `NotReady`."""
    found = dict(_marks(facts))
    for reason, unknown in (
        (_charge(facts, policy), policy.unknown_charge),
        (_memory(facts, policy), policy.unknown_memory),
        (_clock(facts, policy), policy.unknown_clock),
    ):
        if reason is not None:
            found[reason] = unknown if reason in _UNKNOWNS else "refuse"
    reasons = tuple(r for r in NotReady if found.get(r) == "refuse")
    return Readiness(not reasons, reasons, tuple(r for r in NotReady if found.get(r) == "flag"))


_UNKNOWNS = frozenset({NotReady.CHARGE_UNKNOWN, NotReady.MEMORY_UNKNOWN, NotReady.CLOCK_UNKNOWN})


def _marks(facts: CameraFacts) -> list[tuple[NotReady, Literal["refuse", "flag"]]]:
    marks = {
        NotReady.NOT_LISTED: not facts.listed,
        NotReady.NO_IDENTITY: not facts.identity,
        NotReady.TWIN: facts.twin,
        NotReady.QUARANTINE: facts.quarantine,
        NotReady.IN_WORKS: facts.works,
        NotReady.RESERVE: facts.reserve,
        NotReady.NO_CARD: not facts.card,
        NotReady.DEFECT: facts.defect,
        NotReady.NOT_SEALED: not facts.all_sealed,
        NotReady.DOCK_SILENT: not facts.dock_answers,
    }
    return [(reason, "refuse") for reason, holds in marks.items() if holds]


def _charge(facts: CameraFacts, policy: Policy) -> NotReady | None:
    if facts.charge_percent is not None and 0 <= facts.charge_percent <= 100:
        return NotReady.CHARGE_LOW if facts.charge_percent < policy.charge_min_percent else None
    if facts.charging_ended is not None:
        return None if facts.charging_ended else NotReady.CHARGE_LOW
    return NotReady.CHARGE_UNKNOWN


def needed_bytes(facts: CameraFacts, policy: Policy) -> int:
    """Return the free memory that the next shift needs."""
    rate = facts.bitrate_mbit or policy.bitrate_mbit
    return round(policy.memory_min_h * 3600 * rate * 1_000_000 / 8)


def _memory(facts: CameraFacts, policy: Policy) -> NotReady | None:
    if facts.free_bytes is None or facts.free_bytes < 0:
        return NotReady.MEMORY_UNKNOWN
    return NotReady.MEMORY_LOW if facts.free_bytes < needed_bytes(facts, policy) else None


def _clock(facts: CameraFacts, policy: Policy) -> NotReady | None:
    """A clock seen too far off is off, however wide the bound. Without a bound the host's own clock may be the one
    that is off, by years: then it is unknown, and the shift goes on (docs/clock.md)."""
    if facts.clock_error_s is None or facts.clock_uncertainty_s is None:
        return NotReady.CLOCK_UNKNOWN
    if facts.clock_error_s > policy.clock_max_error_s:
        return NotReady.CLOCK_OFF
    worst = facts.clock_error_s + facts.clock_uncertainty_s
    return NotReady.CLOCK_UNKNOWN if worst > policy.clock_max_error_s else None
