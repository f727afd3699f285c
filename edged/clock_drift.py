"""Whether a camera's clock has kept time while it was out, by what was measured before and after. Pure.

Rule 1: what a quartz's drift and the uncertainties of both measurements explain is no finding. Rule 2: where the host's
own clock has no bound nothing is said, for it may be the one that is off; but a clock that shows a year before 2026 is
wrong whatever the host's may be. Rule 3: it says what was measured, not what moved the clock: a flat battery may have.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)  # as for the host's clock: no honest one shows an earlier time
DRIFT_PPM = 100  # of a camera's quartz, cold and warm; ours, and the same as for the host's


class Off(StrEnum):
    """What is found; a jump before a clock that is merely off."""

    RESET = "reset"  # it began anew, in 1970, 2000 or the year it was made
    JUMPED = "jumped"  # between the two measurements
    OFF = "off"  # further than allowed when it was given out, and drift since


@dataclass(frozen=True, slots=True)
class Reading:
    """One measurement."""

    at: datetime  # by the host's clock
    offset: timedelta  # positive: the camera is ahead
    bound: timedelta | None  # of the measurement; None: unknown, because the host's is


def how_off(before: Reading | None, after: Reading | None, taken: datetime, allowed: timedelta) -> Off | None:
    """Return what the two say, or None: nothing.

    Args:
        before: the last measurement before the camera was taken, at ``taken``; None: not known.
        after: the first one after it was brought back.
        allowed: largest error of a camera that is given out.
    """
    if any(one is not None and one.offset < EARLIEST - one.at for one in (before, after)):
        return Off.RESET
    if before is not None and after is not None and _jumped(before, after):
        return Off.JUMPED
    if before is not None and _beyond(before, allowed):
        return Off.OFF
    if after is not None and _beyond(after, allowed + _drift(after.at - taken)):
        return Off.OFF
    return None


def _jumped(before: Reading, after: Reading) -> bool:
    if before.bound is None or after.bound is None:
        return False
    explained = before.bound + after.bound + _drift(after.at - before.at)
    return abs(after.offset - before.offset) > explained


def _beyond(one: Reading, allowed: timedelta) -> bool:
    return one.bound is not None and abs(one.offset) > allowed + one.bound


def _drift(lasted: timedelta) -> timedelta:
    return abs(lasted) * DRIFT_PPM / 1_000_000
