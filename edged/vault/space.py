"""When a disk takes new offloads. Pure.

Rule 1: below the reserve nothing but the ledger grows: new offloads end before it is touched (K01).
Rule 2: two water marks, so that a station at the brink does not open and close at every clip.
Rule 3: fullness is never a reason to delete anything (K15).
"""

from dataclasses import dataclass
from enum import StrEnum

from edged.ports import Space

GIB = 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class SpacePolicy:
    """Bytes and inodes of the vault's disk that stay free."""

    # Ledger, manifests and receipts of a year at 1,000 events a day take under 1 GiB.
    reserve: int = 2 * GIB  # never given to recordings
    low: int = 8 * GIB  # free bytes under which no new offload begins
    high: int = 16 * GIB  # free bytes from which offloads begin again; under it: "nearly full"
    inodes: int = 10_000  # four files a recording: room for the ledger and 2,000 recordings


class Refusal(StrEnum):
    """Why no new offload begins. The values are seen in alerts and logs."""

    SPACE = "space"
    INODES = "inodes"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an offload may begin; ``refusal`` says why not."""

    refusal: Refusal | None
    nearly_full: bool  # an alert is due although offloads go on
    free: int
    free_inodes: int

    @property
    def ok(self) -> bool:
        return self.refusal is None


def judge(policy: SpacePolicy, space: Space, size: int, *, closed: bool) -> Verdict:
    """Decide about an offload of ``size`` bytes; ``closed``: the verdict before was a refusal."""
    left = space.free - size
    floor = policy.high if closed else policy.low
    refusal: Refusal | None = None
    if space.free_inodes < policy.inodes:
        refusal = Refusal.INODES
    elif space.free < floor or left < policy.reserve:
        refusal = Refusal.SPACE
    return Verdict(refusal, space.free < policy.high, space.free, space.free_inodes)
