"""One line of the ledger: fixed members in a fixed order, hashed as the bytes that lie on disk.

    {"v":1,"seq":7,"prev":"<64 hex>","time":"2026-11-22T07:00:00.000Z","boottime_ns":1,"boot_id":"…",
     "clock":{"class":"synchronised","max_error_ns":1000000},"type":"camera.docked","actor":"station","data":{…}}

1. All but ``data`` matches one regular expression; ``data`` is strict JSON (`edged.formats.document`).
   So one value has one form, and two readers never see different values (no repeated names, no
   escapes that are not needed, no other order).
2. ``prev`` is the SHA-256 of the line before, without its newline; 64 zeros in line 0.
3. A version, a type or a field of ``data`` that is not known here was written by a newer edged: that
   is LEDGER_NEWER and never FORMAT_BAD.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from edged.errors import EdgeError, ErrorCode, FormatError
from edged.formats import document, facts, times
from edged.formats.facts import Fact
from edged.formats.shift_facts import SHIFT_FACTS

VERSION = 1
FACTS: Mapping[str, type[Fact]] = MappingProxyType({**facts.FACTS, **SHIFT_FACTS})
"""Everything that a line can be of."""
LINE_LIMIT = 64 * 1024  # bytes, newline not counted
DATA_LIMIT = LINE_LIMIT - 1024  # the other members need at most about 700 bytes
FIRST_PREV = "0" * 64

_SEQ = r"0|[1-9][0-9]{0,17}"
_ACTOR = r'station|(?:reader|person|account):[^\x00-\x20\x7f"\\]{1,100}'
_ENVELOPE = re.compile(
    r'\{"v":1'
    rf',"seq":({_SEQ})'
    r',"prev":"([0-9a-f]{64})"'
    rf',"time":"({times.PATTERN})"'
    r',"boottime_ns":(0|-?[1-9][0-9]{0,18})'
    r',"boot_id":"([0-9a-f]{32})"'
    r',"clock":\{"class":"(synchronised|holdover|unknown)"'
    rf',"max_error_ns":(null|{_SEQ})\}}'
    r',"type":"([a-z0-9_.]{1,64})"'
    rf',"actor":"({_ACTOR})"'
    r',"data":(?=\{)',
    re.ASCII,
)
_VERSION_SEEN = re.compile(rb'\{"v":([1-9][0-9]{0,8}),')


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """When a line was written, by the host's clocks (`edged.ports.HostTime` in plain types)."""

    time: str
    boottime_ns: int
    boot_id: str  # 32 hex digits
    clock: str  # edged.ports.ClockClass
    max_error_ns: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line, decoded. ``raw`` are its bytes without the newline; all hashes are over them."""

    seq: int
    prev: str
    stamp: Stamp
    actor: str
    fact: Fact
    raw: bytes

    @property
    def type(self) -> str:
        return self.fact.TYPE

    @property
    def time(self) -> str:
        return self.stamp.time

    @property
    def boot_id(self) -> str:
        return self.stamp.boot_id

    @property
    def hash(self) -> str:
        """What the next line's ``prev`` has to be."""
        return line_hash(self.raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A line whose ``data`` was not looked at: enough to check the chain, ten times as fast."""

    seq: int
    prev: str
    stamp: Stamp
    type: str
    actor: str
    data: str


def line_hash(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def encode_data(fact: Fact) -> bytes:
    """Return a fact as the ``data`` of a line, after reading it back as any reader would.

    Raises:
        FormatError: too long, or not a value that the fact's type allows (a NaN, a lone surrogate).
    """
    data = document.encode(fact)
    if len(data) > DATA_LIMIT:
        raise FormatError(reason="fact too long", type=fact.TYPE, size=len(data), limit=DATA_LIMIT)
    document.decode(data, type(fact), DATA_LIMIT)
    return data


def encode_line(seq: int, prev: str, stamp: Stamp, actor: str, fact: Fact, data: bytes) -> Line:
    """Return the line; ``data`` is `encode_data` of ``fact``. Raises FormatError for an unfit actor."""
    head = (
        f'{{"v":{VERSION},"seq":{seq},"prev":"{prev}","time":"{stamp.time}","boottime_ns":{stamp.boottime_ns}'
        f',"boot_id":"{stamp.boot_id}","clock":{{"class":"{stamp.clock}","max_error_ns":'
        f"{'null' if stamp.max_error_ns is None else stamp.max_error_ns}}}"
        f',"type":"{fact.TYPE}","actor":"{actor}","data":'
    )
    raw = head.encode() + data + b"}"
    if not _ENVELOPE.match(raw.decode()) or len(raw) > LINE_LIMIT:
        raise FormatError(reason="not a ledger line", type=fact.TYPE, actor=actor[:80], size=len(raw))
    return Line(seq=seq, prev=prev, stamp=stamp, actor=actor, fact=fact, raw=raw)


def require_actor(actor: str) -> None:
    """Raises FormatError unless ``actor`` may stand in a line."""
    if not re.fullmatch(_ACTOR, actor):
        raise FormatError(reason="not an actor", actor=actor[:80])


def decode_envelope(raw: bytes) -> Envelope:
    """Read a line without its newline, ``data`` left as text.

    Raises:
        FormatError: not a ledger line.
        EdgeError: LEDGER_NEWER, written by a newer version.
    """
    if len(raw) > LINE_LIMIT:
        raise FormatError(reason="line too long", size=len(raw), limit=LINE_LIMIT)
    try:
        text = raw.decode()
    except UnicodeDecodeError as exc:
        raise FormatError(reason="a line is UTF-8") from exc
    found = _ENVELOPE.match(text)
    if found is None or not text.endswith("}}"):
        _require_known_version(raw)
        raise FormatError(reason="not a ledger line")
    seq, prev, time, boottime, boot_id, clock, error, kind, actor = found.groups()
    stamp = Stamp(
        time=time,
        boottime_ns=int(boottime),
        boot_id=boot_id,
        clock=clock,
        max_error_ns=None if error == "null" else int(error),
    )
    if kind not in FACTS:
        raise EdgeError(ErrorCode.LEDGER_NEWER, seq=int(seq), type=kind)
    return Envelope(seq=int(seq), prev=prev, stamp=stamp, type=kind, actor=actor, data=text[found.end() : -1])


def decode_line(raw: bytes) -> Line:
    """Read a line without its newline, its fact included. Raises as `decode_envelope`."""
    head = decode_envelope(raw)
    times.parse_ns(head.stamp.time)
    kind = FACTS[head.type]
    values = document.parse(head.data.encode(), LINE_LIMIT)
    _require_known_fields(head, kind, values)
    fact = document.convert(values, kind)
    return Line(seq=head.seq, prev=head.prev, stamp=head.stamp, actor=head.actor, fact=fact, raw=raw)


def _require_known_version(raw: bytes) -> None:
    seen = _VERSION_SEEN.match(raw)
    if seen and int(seen[1]) > VERSION:
        raise EdgeError(ErrorCode.LEDGER_NEWER, version=int(seen[1]), known=VERSION)


def _require_known_fields(head: Envelope, kind: type[Fact], values: object) -> None:
    if isinstance(values, dict):
        unknown = values.keys() - set(kind.__struct_encode_fields__)
        if unknown:
            raise EdgeError(ErrorCode.LEDGER_NEWER, seq=head.seq, type=head.type, field=min(unknown)[:80])
