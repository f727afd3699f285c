"""Moments as they stand in a report: UTC, milliseconds. Pure."""

from datetime import datetime

from edged.formats import times
from edged.journals.forms import kyiv

NONE = "—"


def moment(text: str) -> datetime:
    """Raises FormatError."""
    return times.moment(times.parse_ns(text))


def text(moment: datetime) -> str:
    return times.format_ns(round(moment.timestamp() * 1000) * 1_000_000)


def when(time: str) -> str:
    """By a clock in Kyiv, to the minute."""
    return kyiv(times.parse_ns(time)) if time else NONE
