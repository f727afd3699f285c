"""Data phases of a GA/T 947 camera: identity record, clock, numbers, password (PROTOCOL.md 3)."""

import struct
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import IntEnum

from firmware_protocol.errors import FieldOutOfRangeError, TrailingBytesError, TruncatedMessageError
from firmware_protocol.usb.checks import exactly

ENCODING = "gbk"
"""GBK has no І і Ї ї Є є Ґ ґ ʼ: Ukrainian names cannot be written into a camera, badge numbers can."""

ID_CODE_SIZE = 6
PASSWORD_SIZE = 16
_WIDTHS = {"serial": 7, "user_no": 6, "user_name": 32, "unit_no": 12, "unit_name": 32}
_TIME = struct.Struct("<HBBBBB")
_CLOCK = struct.Struct("<HBBBBBHH")


class Form(IntEnum):
    """The record's two wire forms; the value is the size. Which one a camera has is found by asking."""

    PLAIN = 89
    TERMINATED = 94  # one NUL more after each field


@dataclass(frozen=True, slots=True, kw_only=True)
class ZfyInfo:
    """Who the camera is and whom it is given to. Bytes that are no GBK stand as ``\\xNN``."""

    serial: str  # 7 bytes; must not be empty
    user_no: str  # 6 bytes; must not be empty
    user_name: str = ""  # 32 bytes
    unit_no: str = ""  # 12 bytes
    unit_name: str = ""  # 32 bytes

    def encode(self, form: Form) -> bytes:
        """Raises FieldOutOfRangeError: a text that is too long, empty where it must not be, or not GBK."""
        return b"".join(self._field(name, form) for name in _WIDTHS)

    def _field(self, name: str, form: Form) -> bytes:
        text: str = getattr(self, name)
        if not text and name in ("serial", "user_no"):
            raise FieldOutOfRangeError(f"{name} is empty")
        try:
            raw = text.encode(ENCODING)
        except UnicodeEncodeError as exc:
            raise FieldOutOfRangeError(f"{name}: {text!r} cannot be written in GBK") from exc
        if len(raw) > _WIDTHS[name] or 0 in raw:
            raise FieldOutOfRangeError(f"{name}: {len(raw)} bytes do not fit into {_WIDTHS[name]}")
        return raw.ljust(_WIDTHS[name] + (form is Form.TERMINATED), b"\0")


def decode_info(raw: bytes) -> ZfyInfo:
    """Return the record; its form follows from its size. A field ends at its first NUL.

    Empty fields and foreign bytes are allowed here: what a camera says is kept, and judged elsewhere.
    Raises TruncatedMessageError, TrailingBytesError: neither 89 nor 94 bytes.
    """
    if len(raw) not in (Form.PLAIN, Form.TERMINATED):
        error = TruncatedMessageError if len(raw) < Form.TERMINATED else TrailingBytesError
        raise error(f"identity record of {len(raw)} bytes; 89 or 94 are known")
    extra = int(len(raw) == Form.TERMINATED)
    values, at = {}, 0
    for field in fields(ZfyInfo):
        text = raw[at : at + _WIDTHS[field.name]].partition(b"\0")[0]
        values[field.name] = text.decode(ENCODING, "backslashreplace")
        at += _WIDTHS[field.name] + extra
    return ZfyInfo(**values)


def encode_time(local: datetime) -> bytes:
    """7 bytes of SYNC_DEV_TIME: local time without zone, whole seconds (a fraction is cut off)."""
    _naive(local)
    return _TIME.pack(local.year, local.month, local.day, local.hour, local.minute, local.second)


def decode_time(raw: bytes) -> datetime:
    """Raises TruncatedMessageError, TrailingBytesError, FieldOutOfRangeError (no such date)."""
    exactly("time", raw, _TIME.size)
    return _moment(*_TIME.unpack(raw))


@dataclass(frozen=True, slots=True)
class ClockReading:
    """Answer to READ_DEV_TIME, our extension."""

    local: datetime  # camera's local time without zone, whole milliseconds
    resolution_ms: int  # 1..60000: the true reading lies in [local, local + resolution)

    def encode(self) -> bytes:
        """11 bytes. Raises FieldOutOfRangeError."""
        _naive(self.local)
        _resolution(self.resolution_ms)
        t = self.local
        return _CLOCK.pack(
            t.year,
            t.month,
            t.day,
            t.hour,
            t.minute,
            t.second,
            t.microsecond // 1000,
            self.resolution_ms,
        )


def decode_clock(raw: bytes) -> ClockReading:
    """Raises TruncatedMessageError, TrailingBytesError, FieldOutOfRangeError (no such time)."""
    exactly("clock", raw, _CLOCK.size)
    *parts, millisecond, resolution = _CLOCK.unpack(raw)
    if millisecond > 999:
        raise FieldOutOfRangeError(f"{millisecond} ms in a second")
    _resolution(resolution)
    return ClockReading(_moment(*parts) + timedelta(milliseconds=millisecond), resolution)


def encode_number(value: int) -> bytes:
    """4 bytes, signed, little-endian: battery, card and return status. Raises FieldOutOfRangeError."""
    try:
        return struct.pack("<i", value)
    except struct.error as exc:
        raise FieldOutOfRangeError(f"{value} does not fit into 32 bits") from exc


def decode_number(raw: bytes) -> int:
    """Battery is a percentage where it lies in 0..100 and unknown elsewhere; that is the caller's to say.

    Raises TruncatedMessageError, TrailingBytesError.
    """
    exactly("number", raw, 4)
    return int.from_bytes(raw, "little", signed=True)


def encode_resolution(width: int, height: int) -> bytes:
    return encode_number(width) + encode_number(height)


def decode_resolution(raw: bytes) -> tuple[int, int]:
    """Width and height. Raises TruncatedMessageError, TrailingBytesError."""
    exactly("resolution", raw, 8)
    return decode_number(raw[:4]), decode_number(raw[4:])


def encode_text(text: str, size: int) -> bytes:
    """ASCII, filled with NULs: ID code (6 or 32), password (16). Raises FieldOutOfRangeError."""
    try:
        raw = text.encode("ascii")
    except UnicodeEncodeError as exc:
        raise FieldOutOfRangeError(f"a text of {len(text)} characters is not ASCII") from exc
    if len(raw) > size or 0 in raw:
        raise FieldOutOfRangeError(f"{len(raw)} bytes do not fit into {size}")
    return raw.ljust(size, b"\0")


def decode_text(raw: bytes) -> str:
    """Up to the first NUL; bytes that are no ASCII as ``\\xNN``."""
    return raw.partition(b"\0")[0].decode("ascii", "backslashreplace")


def _moment(year: int, month: int, day: int, hour: int, minute: int, second: int) -> datetime:
    try:
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001  the camera has no zone
    except ValueError as exc:
        raise FieldOutOfRangeError(f"{year}-{month}-{day} {hour}:{minute}:{second}: {exc}") from exc


def _naive(local: datetime) -> None:
    if local.tzinfo is not None:
        raise ValueError("a camera's local time has no zone")


def _resolution(value: int) -> None:
    if not 1 <= value <= 60_000:
        raise FieldOutOfRangeError(f"resolution of {value} ms")
