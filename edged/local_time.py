"""Local times without a zone, as cameras show them, and the moments that they stand for. Pure.

Where clocks are put back an hour comes twice: what a camera shows then stands for two moments. Where they are put
forward an hour is left out: a camera that shows it all the same has not followed, or has followed too early.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from edged.formats import times


def moments(local: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Return what ``local`` stands for, in UTC: one moment, or the two that it can be, the earlier first.

    Raises OverflowError at the ends of the calendar.
    """
    return tuple(sorted({local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}))


def nearest(local: datetime, zone: ZoneInfo, to: datetime) -> datetime:
    """Return that moment of ``local`` which lies nearer ``to``: a clock is taken to be right, not an hour off."""
    return min(moments(local, zone), key=lambda moment: abs(moment - to))


@dataclass(frozen=True, slots=True)
class Ended:
    """When a file was written last."""

    time: str = ""  # UTC; "" unknown
    uncertainty_ms: int = -1


def ended(mtime: str, offset_ms: int | None, uncertainty_ms: int, zone: ZoneInfo, *, by: datetime) -> Ended:
    """When the file was written last, by the camera's clock less its measured offset, and not after ``by``.

    Of the two moments of an hour that comes twice the later, with the other one inside the uncertainty.
    """
    if not mtime or offset_ms is None or uncertainty_ms < 0:
        return Ended(uncertainty_ms=uncertainty_ms)
    try:
        local, offset = datetime.fromisoformat(mtime), timedelta(milliseconds=offset_ms)
        found = [moment - offset for moment in moments(local, zone)]
    except (ValueError, OverflowError):  # a clock in the year 9999 leads to before the year 1
        return Ended(uncertainty_ms=uncertainty_ms)
    first, *later = found
    last = next((moment for moment in later if moment <= by), first)
    spread_ms = round((last - first) / timedelta(milliseconds=1))
    time = times.format_ns(int(last.timestamp() * 1000) * 1_000_000)
    return Ended(time, uncertainty_ms + spread_ms)
