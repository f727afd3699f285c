"""What a verification says: findings by kind, figures, and one verdict."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

FINDINGS_LIMIT = 1000  # kept in full; more are counted


class Kind(StrEnum):
    """What was found. Stable: programs and manuals go by it."""

    NO_LEDGER = "no-ledger"
    LINE_BAD = "line-bad"  # edited so that it is no line any more
    LINE_NEWER = "line-newer"  # of a newer version, or edited to look so
    CHAIN_BROKEN = "chain-broken"  # does not follow from the line before
    GAP = "gap"  # numbers are missing, repeated or out of order
    UNENDED = "unended"  # a line has no newline: a torn tail, or a cut
    PIECE_WRONG = "piece-wrong"  # a piece's name and lines disagree, or it cannot be read
    BEGINNING_WRONG = "beginning-wrong"  # line 0 is not this station's
    KEY_UNPROVED = "key-unproved"  # a key follows another, and both have not signed that
    COMMISSIONED_AGAIN = "commissioned-again"  # a second beginning inside the chain
    CHECKPOINT_BAD = "checkpoint-bad"  # not a checkpoint, or not signed by the keys given
    CHECKPOINT_DIFFERS = "checkpoint-differs"  # the lines are not those that were signed
    BEHIND_CHECKPOINT = "behind-checkpoint"  # fewer lines than were signed
    RECORDING_MISSING = "recording-missing"
    RECORDING_DIFFERS = "recording-differs"  # size or hash is not the sealed one
    MANIFEST_BAD = "manifest-bad"


@dataclass(frozen=True, slots=True)
class Finding:
    kind: Kind
    where: str  # a file, or a recording
    seq: int  # number of the line concerned; -1: none
    detail: str


@dataclass(slots=True)
class Report:
    """``good`` is the verdict. All else is there to be read."""

    station: str = ""
    lines: int = 0
    checkpoints: int = 0  # genuine ones
    signed: int = 0  # lines under the newest checkpoint that fits
    countersigned: int = 0  # lines under the newest countersigned one that fits
    recordings: int = 0  # sealed recordings whose files were compared
    manifests_due: int = 0  # of recordings just sealed: the station writes them at its next start
    types: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    found: int = 0  # number of findings, those not kept included

    @property
    def good(self) -> bool:
        return self.found == 0

    @property
    def unsigned(self) -> int:
        """Lines at the end that no checkpoint covers: chained, but whoever holds the disk could write them."""
        return max(0, self.lines - self.signed)

    def add(self, kind: Kind, where: str, detail: str, seq: int = -1) -> None:
        self.found += 1
        if len(self.findings) < FINDINGS_LIMIT:
            self.findings.append(Finding(kind, where, seq, detail))
