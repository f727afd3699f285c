"""Whether the times that the centre signs can be, by the station's own clock. Pure."""

from edged.formats import times
from edged.formats.line import Stamp

TOLERANCE_NS = 600 * 1_000_000_000  # clocks that are minutes apart harm nobody; this is about days and years


def contradiction_s(placed_at: str, sealed_at: str, filed: Stamp) -> int:
    """By how many seconds a receipt lies outside of what can be: not before the seal, not after ``filed``.

    Positive: the centre is ahead. 0: no contradiction, or the station does not know the time itself.
    """
    if filed.max_error_ns is None:
        return 0
    placed, slack = times.parse_ns(placed_at), filed.max_error_ns + TOLERANCE_NS
    ahead = placed - times.parse_ns(filed.time)
    behind = placed - times.parse_ns(sealed_at)
    off = ahead if ahead > slack else behind if behind < -slack else 0
    return off // 1_000_000_000


def credible(placed_at: str, filed: Stamp) -> str:
    """The time of a receipt, but not later than the station's own clock allows, where it has a bound."""
    if filed.max_error_ns is None:
        return placed_at
    return min(placed_at, times.format_ns(times.parse_ns(filed.time) + filed.max_error_ns))
