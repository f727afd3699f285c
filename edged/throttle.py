"""How often a refusal is heard out. Pure: time comes in as CLOCK_BOOTTIME, in nanoseconds.

Rule 1: an admitted badge is never refused here, and never waits longer than HOLD_S.
Rule 2: refusals cost a token of the badge and one of the reader; tokens come back with time.
Rule 3: a badge or reader without tokens gets no ledger line of its own: the next line says how many it
        stands for. So a night of tapping fills no ledger, and nothing goes uncounted.
Rule 4: at a reader without tokens every answer is held back HOLD_S: guessing becomes slow, an officer waits.
Rule 5: bounded: at most BADGES badges are remembered; the longest unused is forgotten.
"""

from collections import OrderedDict
from dataclasses import dataclass

HOLD_S = 1.5
"""How long an answer is held back at a reader under attack; with the decision well under 2 s."""
BADGES = 1000
_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Bucket:
    """Tokens at a moment. ``size`` at most; one comes back every ``refill_s``."""

    size: int
    refill_s: float
    tokens: float
    at_ns: int

    def at(self, now_ns: int) -> "Bucket":
        gained = max(0, now_ns - self.at_ns) / _SECOND / self.refill_s
        return Bucket(self.size, self.refill_s, min(self.size, self.tokens + gained), max(self.at_ns, now_ns))

    def take(self) -> "Bucket | None":
        """Return the bucket with one token less, or None if there is none to take."""
        if self.tokens < 1:
            return None
        return Bucket(self.size, self.refill_s, self.tokens - 1, self.at_ns)


@dataclass(frozen=True, slots=True)
class Heard:
    """What to do about a refusal: write a line that stands for ``count`` refusals, or none."""

    report: bool
    count: int
    alarm: bool  # the reader has just run out of tokens


class Throttle:
    """The buckets of all readers and of the badges refused last."""

    def __init__(self, *, badge: tuple[int, float], reader: tuple[int, float]) -> None:
        """Each: tokens, and seconds that give one back."""
        self._limits = {"badge": badge, "reader": reader}
        self._badges: OrderedDict[str, Bucket] = OrderedDict()
        self._readers: dict[str, Bucket] = {}
        self._unreported: dict[str, int] = {}
        self._alarmed: set[str] = set()

    def hold_s(self, reader: str, now_ns: int) -> float:
        """Return how long this reader's next answer is held back: 0, or HOLD_S under attack."""
        return HOLD_S if self._reader(reader, now_ns).tokens < 1 else 0.0

    def refused(self, badge: str, reader: str, now_ns: int) -> Heard:
        """Count a refusal of ``badge`` (its digest) at ``reader``."""
        bucket = self._reader(reader, now_ns)
        at_reader = bucket.take()
        of_badge = self._badge(badge, now_ns).take()
        if of_badge is not None:
            self._badges[badge] = of_badge
        self._readers[reader] = at_reader or bucket
        count = self._unreported.get(reader, 0) + 1
        if at_reader is None or of_badge is None:
            self._unreported[reader] = count
            alarm = at_reader is None and reader not in self._alarmed
            if alarm:
                self._alarmed.add(reader)
            return Heard(False, count, alarm)
        self._unreported.pop(reader, None)
        return Heard(True, count, False)

    def calmed(self, now_ns: int) -> tuple[str, ...]:
        """Return readers that gave an alarm and have half their tokens back, each once: withdraw it."""
        buckets = {reader: self._reader(reader, now_ns) for reader in sorted(self._alarmed)}
        calm = tuple(reader for reader, bucket in buckets.items() if bucket.tokens >= bucket.size / 2)
        self._alarmed.difference_update(calm)
        return calm

    def unreported(self) -> dict[str, int]:
        """Return and forget what no line stands for yet, by reader; for a line a minute and at the end."""
        rest, self._unreported = self._unreported, {}
        return rest

    def _reader(self, reader: str, now_ns: int) -> Bucket:
        size, refill_s = self._limits["reader"]
        return self._readers.get(reader, Bucket(size, refill_s, size, now_ns)).at(now_ns)

    def _badge(self, badge: str, now_ns: int) -> Bucket:
        size, refill_s = self._limits["badge"]
        bucket = self._badges.pop(badge, Bucket(size, refill_s, size, now_ns)).at(now_ns)
        self._badges[badge] = bucket
        while len(self._badges) > BADGES:
            self._badges.popitem(last=False)
        return bucket
