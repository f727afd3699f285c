"""Two checks that every codec here makes."""

from firmware_protocol.errors import FieldOutOfRangeError, TrailingBytesError, TruncatedMessageError


def in_range(name: str, value: int, low: int, high: int) -> None:
    """Raises FieldOutOfRangeError."""
    if not low <= value <= high:
        raise FieldOutOfRangeError(f"{name}={value} is outside {low}..{high}")


def exactly(what: str, data: bytes, size: int) -> None:
    """Raises TruncatedMessageError, TrailingBytesError."""
    if len(data) < size:
        raise TruncatedMessageError(f"{what}: {len(data)} of {size} bytes")
    if len(data) > size:
        raise TrailingBytesError(f"{what}: {len(data) - size} bytes too many")
