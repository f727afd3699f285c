"""Times in documents: UTC, RFC 3339, milliseconds, ``Z``. And the one legal period the station computes."""

import re
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from edged.errors import FormatError

KYIV = ZoneInfo("Europe/Kyiv")
RETENTION_DAYS = 90  # Order 459, V.2: at least 90 calendar days from placement on the server
PATTERN = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z"

_FORM = re.compile(PATTERN, re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def format_ns(wall_ns: int) -> str:
    """Return nanoseconds since 1970 as text; what is below a millisecond is dropped.

    Raises:
        FormatError: before the year 1 or after 9999.
    """
    return _text(moment(wall_ns))


def moment(wall_ns: int) -> datetime:
    """Return nanoseconds since 1970 as a moment in UTC; what is below a millisecond is dropped. Raises FormatError."""
    try:
        return _EPOCH + timedelta(milliseconds=wall_ns // 1_000_000)
    except OverflowError as exc:
        raise FormatError(reason="time out of range", wall_ns=wall_ns) from exc


def parse_ns(text: str) -> int:
    """Return nanoseconds since 1970. Raises FormatError for any other form, and for 31 February."""
    since = _moment(text) - _EPOCH
    return (since // timedelta(milliseconds=1)) * 1_000_000


def retain_until(placed_at: str) -> str:
    """Return the first moment at which what was placed on the server at ``placed_at`` may go.

    The day of placement (in Kyiv) is not counted: 00:00 Kyiv of that date + 91 days. Placed on
    10 January: not before 11 April. A minimum, never an order to delete. Raises FormatError.
    """
    placed = _moment(placed_at)
    try:
        last = placed.astimezone(KYIV).date() + timedelta(days=RETENTION_DAYS + 1)
    except OverflowError as exc:
        raise FormatError(reason="time out of range", time=placed_at) from exc
    return _text(datetime.combine(last, time(0), KYIV).astimezone(UTC))


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z".zfill(24)


def _moment(text: str) -> datetime:
    if not _FORM.fullmatch(text):
        raise FormatError(reason="not a UTC time with milliseconds", time=text[:40])
    try:
        return datetime.fromisoformat(text)
    except ValueError as exc:
        raise FormatError(reason="no such time", time=text) from exc
