"""Where a UPS is asked: as NUT writes it. Pure; the configuration is judged by it."""

import re
from dataclasses import dataclass

from edged.errors import FormatError

PORT = 3493  # of NUT, as registered
_PLACE = re.compile(r"(?:\[(?P<six>[^\]]+)\]|(?P<host>[^:\[\]]+))(?::(?P<port>[0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class UpsAddress:
    """``name@host`` or ``name@host:port``, as NUT writes it; an IPv6 address in brackets."""

    name: str
    host: str
    port: int = PORT


def parse_address(text: str) -> UpsAddress:
    """Raises FormatError: not of that form."""
    name, _, rest = text.partition("@")
    found = _PLACE.fullmatch(rest)
    if not name or found is None or not 0 < int(found["port"] or PORT) < 65536:
        raise FormatError(reason="not name@host:port", ups=text[:100])
    return UpsAddress(name, found["six"] or found["host"], int(found["port"] or PORT))
