"""The delete gate: whether one recording may leave its camera. Pure.

Rule 1: the gate is closed until every rule of the policy holds. A fact that nobody knows is a fact that
    does not hold: every default of `ClearFacts` closes.
Rule 2: a policy whose grounds are missing counts as ON_RECEIPT.
Rule 3: a recording with unreadable stretches (DAMAGED), one that the centre refuses (HELD), one found
    altered in the vault (CORRUPT) and one of a camera that is not surely identified is never cleared,
    under any policy.
"""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from drivers.worker.messages import Clip
from edged.ports import Medium


class GateRule(StrEnum):
    """Rules of the gate; the values stand in facts and reports."""

    G1 = "G1"  # what the camera held stands in a sound ledger, under a sure identity
    G2 = "G2"  # the copy in the vault is whole and durable
    G3 = "G3"  # it was read back from the medium and is equal
    G4 = "G4"  # a second read of the source was equal, where asked for; nothing was unreadable
    G5 = "G5"  # a checkpoint that covers the seal is countersigned by the centre
    G6 = "G6"  # the centre's receipt over id, size and hash is here, durable
    G7 = "G7"  # the source is unchanged, seen just now
    G8 = "G8"  # not because of age
    G9 = "G9"  # no more than was listed, and clearing does not fail too often


class Policy(StrEnum):
    ON_RECEIPT = "on-receipt"
    ON_SEAL_WHEN_NEEDED = "on-seal-when-needed"
    FORCED = "forced"


class Cause(StrEnum):
    """Why somebody wants a recording cleared."""

    RECEIPT = "receipt"
    MEMORY_NEEDED = "memory-needed"  # the camera lacks memory for the next shift
    PERSON = "person"
    AGE = "age"  # never a reason (G8): named, so that a retention rule that asks is refused


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a policy other than ON_RECEIPT rests on."""

    decision: str = ""  # number of the written decision
    decision_date: str = ""  # "2026-11-22"
    persons: tuple[str, ...] = ()  # who ask for a forced clear
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """What a seal or a receipt says of a recording."""

    recording: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearFacts:
    """All that decides about one recording. Every default closes the gate."""

    cause: Cause = Cause.AGE
    # G1
    ledger_sound: bool = False  # no damage, no rollback
    listed: Clip | None = None  # as `camera.listed` in the ledger has it
    camera_identified: bool = False  # usable serial, no twin, not in quarantine
    # G2, G3
    sealed: Content | None = None  # as `recording.sealed` in the ledger has it
    medium: Medium = Medium.UNPROVEN
    unproven_allowed: bool = False  # configuration: this vault's disk cannot prove a read-back
    corrupt: bool = True  # a later reading of the vault's copy was different
    reread_due: bool = True  # sealed shortly before a power cut, and not read since
    # G4
    second_read_due: bool = True
    second_read: str = ""  # SHA-256 of the second read of the source; "": not done
    damaged: bool = True
    # G5
    seal_line: int = 0  # number of the seal's line in the ledger
    countersigned: int = 0  # size of the newest checkpoint with the centre's valid signature
    # G6
    receipt: Content | None = None  # verified and durable here
    held: bool = True  # refused by the centre
    # G7
    seen: Clip | None = None  # as the camera lists it now
    fingerprint_sealed: str = ""
    fingerprint_seen: str = ""
    # G9
    asked: int = 0  # recordings to be cleared from this camera in this turn
    listed_count: int = 0  # recordings listed on it in the ledger and not cleared yet
    stopped: bool = True  # `ClearRate.stopped`


@dataclass(frozen=True, slots=True)
class Gate:
    policy: Policy  # the one that counted
    failing: tuple[GateRule, ...]

    @property
    def open(self) -> bool:
        return not self.failing


_R = GateRule
REQUIRED: dict[Policy, frozenset[GateRule]] = {
    Policy.ON_RECEIPT: frozenset(GateRule),
    Policy.ON_SEAL_WHEN_NEEDED: frozenset(GateRule) - {_R.G5, _R.G6},
    Policy.FORCED: frozenset(GateRule) - {_R.G8, _R.G9},
}


def decide(facts: ClearFacts, policy: Policy = Policy.ON_RECEIPT, grounds: Grounds | None = None) -> Gate:
    """Return whether the recording may be cleared, and which rules say no."""
    counted = policy if _founded(policy, facts, grounds or Grounds()) else Policy.ON_RECEIPT
    due = REQUIRED[counted]
    failing = [rule for rule in GateRule if rule in due and not _holds(rule, facts)]
    if facts.held and _R.G6 not in failing:
        failing.append(_R.G6)
    return Gate(counted, tuple(sorted(failing)))


def _founded(policy: Policy, facts: ClearFacts, grounds: Grounds) -> bool:
    match policy:
        case Policy.ON_RECEIPT:
            return True
        case Policy.ON_SEAL_WHEN_NEEDED:
            decided = bool(grounds.decision.strip() and grounds.decision_date.strip())
            return decided and facts.cause is Cause.MEMORY_NEEDED
        case Policy.FORCED:
            two = len({p for p in grounds.persons if p}) >= 2
            return two and bool(grounds.reason.strip()) and facts.cause is Cause.PERSON


def _holds(rule: GateRule, facts: ClearFacts) -> bool:
    sealed = facts.sealed
    match rule:
        case GateRule.G1:
            return facts.ledger_sound and facts.listed is not None and facts.camera_identified
        case GateRule.G2:
            return sealed is not None and facts.listed is not None and sealed.size == facts.listed.size
        case GateRule.G3:
            proved = facts.medium is not Medium.UNPROVEN or facts.unproven_allowed
            return proved and not facts.corrupt and not facts.reread_due
        case GateRule.G4:
            return not facts.damaged and _second_read_holds(facts)
        case GateRule.G5:
            return facts.countersigned > facts.seal_line  # a checkpoint of size n covers lines 0 to n-1
        case GateRule.G6:
            return not facts.held and sealed is not None and facts.receipt == sealed
        case GateRule.G7:
            same = facts.seen is not None and facts.seen == facts.listed
            return same and facts.fingerprint_seen == facts.fingerprint_sealed != ""
        case GateRule.G8:
            return facts.cause is not Cause.AGE
        case GateRule.G9:
            return 0 < facts.asked <= facts.listed_count and not facts.stopped


def _second_read_holds(facts: ClearFacts) -> bool:
    """Not needed where it is not due; where it was made, it must be equal."""
    if not facts.second_read:
        return not facts.second_read_due
    return facts.sealed is not None and facts.second_read == facts.sealed.sha256


class ClearRate:
    """Stops all clearing when it fails too often: something is wrong that no single recording shows.

    The limit is one failure in a thousand within 24 h, and at least MIN_FAILURES: one or two are a bad
    card. Times are seconds of BOOTTIME.
    """

    WINDOW_S = 24 * 3600.0
    SHARE = 0.001
    MIN_FAILURES = 3
    BOUND = 100_000  # outcomes kept; more than a station clears in a week

    def __init__(self) -> None:
        self._outcomes: deque[tuple[float, bool]] = deque(maxlen=self.BOUND)

    def note(self, at_s: float, *, ok: bool) -> None:
        """Enter the outcome of one attempt to clear a recording, or of one receipt."""
        self._outcomes.append((at_s, ok))

    def stopped(self, at_s: float) -> bool:
        while self._outcomes and at_s - self._outcomes[0][0] > self.WINDOW_S:
            self._outcomes.popleft()
        failures = sum(not ok for _, ok in self._outcomes)
        return failures >= self.MIN_FAILURES and failures > self.SHARE * len(self._outcomes)
