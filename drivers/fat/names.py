"""Names and times of directory entries, as text that says exactly what was there.

A name is printed with every troublesome unit as a backslash, ``u`` and four hex digits: halves of
surrogate pairs, controls, the slash, the backslash itself. So the text has one meaning, survives JSON,
and ``unescape`` gives the units back. Nobody ever uses such a name as a path of ours.
"""

import re
from datetime import datetime

_TROUBLE = re.compile("[\x00-\x1f\x7f-\x9f/\\\\\u2028\u2029\ud800-\udfff]")
_ESCAPED = re.compile(r"\\u([0-9a-f]{4})")
_OEM = 0xDC00
"""Bytes of a short name outside ASCII stand as U+DC80…U+DCFF (surrogateescape): the code page that the
camera's maker had in mind stands nowhere on the card."""


def escape(name: str) -> str:
    """Make ``name`` printable and unambiguous as one component of a path."""
    if name in {".", ".."}:
        return "".join(f"\\u{ord(unit):04x}" for unit in name)
    return _TROUBLE.sub(lambda unit: f"\\u{ord(unit[0]):04x}", name)


def unescape(text: str) -> str:
    """The inverse of ``escape``; lone surrogates come back as such."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def from_utf16(units: bytes) -> str:
    """Decode and escape little-endian UTF-16; any even number of bytes gives a name."""
    return escape(units.decode("utf-16-le", "surrogatepass"))


def short_name(record: bytes) -> str:
    """The 8.3 name of a FAT record (FAT specification 1.03, "Short Directory Entries").

    Byte 12 bits 3 and 4 are Windows NT's marks for a lower-case base and extension; first byte 0x05
    stands for 0xE5.
    """
    raw = record[:11]
    if raw[0] == 0x05:
        raw = b"\xe5" + raw[1:]
    base, extension = _oem(raw[:8]), _oem(raw[8:11])
    if record[12] & 0x08:
        base = base.lower()
    if record[12] & 0x10:
        extension = extension.lower()
    return escape(f"{base}.{extension}" if extension else base)


def _oem(raw: bytes) -> str:
    return "".join(chr(byte if byte < 0x80 else _OEM + byte) for byte in raw.rstrip(b" "))


def local_time(date: int, time: int, tens_of_ms: int = 0) -> str:
    """``2026-11-22T07:00:02`` of a DOS date and time; "" if there is none or it is no date.

    The two words have a step of 2 s; ``tens_of_ms`` (0-199) is exFAT's refinement.
    """
    if tens_of_ms > 199:
        return ""
    try:
        moment = datetime(  # noqa: DTZ001 - the camera's local time, without a zone on purpose
            1980 + (date >> 9),
            date >> 5 & 15,
            date & 31,
            time >> 11,
            time >> 5 & 63,
            (time & 31) * 2 + tens_of_ms // 100,
        )
    except ValueError:
        return ""
    return moment.isoformat()
