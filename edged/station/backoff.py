"""Full-jitter back-off for everything that is tried again."""

from edged.ports import Random


class Backoff:
    """``next()`` gives the seconds to wait: uniform between 0 and a bound that doubles up to a cap."""

    def __init__(self, random: Random, *, first_s: float = 0.5, cap_s: float = 30.0) -> None:
        self._random, self._first_s, self._cap_s = random, first_s, cap_s
        self.attempts = 0

    def next(self) -> float:
        bound = min(self._cap_s, self._first_s * 2.0 ** min(self.attempts, 32))
        self.attempts += 1
        return self._random.uniform(0.0, bound)

    def reset(self) -> None:
        self.attempts = 0
