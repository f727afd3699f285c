"""A moment as people type it."""

from datetime import UTC, datetime, timedelta

from edged.errors import EdgeError, ErrorCode
from edged.formats import times

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def moment(text: str, *, ahead: bool = False) -> str:
    """A time in RFC 3339, or a span such as ``8h``: so long ago, or ``ahead``, so long from now.

    Raises:
        EdgeError: BAD_REQUEST.
    """
    if not text:
        return ""
    try:
        if text[:-1].isdecimal() and text[-1] in _UNITS:
            span = timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
            at = datetime.now(UTC) + (span if ahead else -span)
        else:
            at = datetime.fromisoformat(text)
            at = at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        expected = f"2026-11-22T07:00:00Z or {'30d' if ahead else '8h'}"
        raise EdgeError(ErrorCode.BAD_REQUEST, time=text[:40], expected=expected) from exc
    return times.format_ns(int(at.timestamp() * 1000) * 1_000_000)
