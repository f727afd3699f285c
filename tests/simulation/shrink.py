"""The shortest history that still breaks the same promise: acts are left out as long as it does."""

from collections.abc import Callable

from tests.simulation.history import Outcome, play
from tests.simulation.plan import Plan

PLAYS = 400  # at most; a shorter history is worth minutes, not hours


def shrink(plan: Plan, check: str, tell: Callable[[str], None] = lambda _: None) -> tuple[Plan, Outcome]:
    """Return the shortest plan found that breaks ``check``, and what it came to."""
    best, outcome, plays = plan, play(plan), 1
    size = max(1, len(plan.acts) // 2)
    while plays < PLAYS:
        at = shorter = 0
        while at < len(best.acts) and plays < PLAYS:
            tried = best.without(at, size)
            found = play(tried)
            plays += 1
            if found.violation is not None and found.violation.check == check:
                best, outcome, shorter = tried, found, 1
                tell(f"{len(best.acts)} acts")
            else:
                at += size
        if size == 1 and not shorter:
            break
        size = max(1, size // 2)
    return best, outcome
