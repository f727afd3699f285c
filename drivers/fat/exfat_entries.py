"""Directory entry sets of exFAT (Microsoft's exFAT specification, chapters 6 and 7)."""

import struct
from collections.abc import Iterator

from drivers.fat.entries import Entry, Flaw, Found, Record, Stray
from drivers.fat.names import from_utf16, local_time

IN_USE = 0x80
BITMAP, UPCASE, LABEL, FILE, GUID = 0x81, 0x82, 0x83, 0x85, 0xA0
STREAM, NAME = 0xC0, 0xC1
DIRECTORY = 0x10
_ROOT_ONLY = frozenset({BITMAP, UPCASE, LABEL, GUID})
_FILE = struct.Struct("<BBHHHIIIBBBBB7x")
_STREAM = struct.Struct("<BBBBHHQIIQ")
MOST_SECONDARIES = 18 + 32  # stream, 17 names, and room for a vendor's own


def parse(records: Iterator[Record], *, root: bool) -> Iterator[Found]:
    """Yield entries, stray secondaries and flaws; the root's bitmap, up-case table and label are passed."""
    pending: list[Record] = []
    missing = 0
    for record in records:
        kind = record[1][0]
        if missing and kind & 0xC0 == 0xC0:
            pending.append(record)
            missing -= 1
            if not missing:
                yield from _set(pending)
            continue
        if missing:
            yield Flaw("an entry set breaks off")
            missing = 0
        if kind == 0:
            return
        if kind & 0xC0 == 0xC0:
            yield Stray((record[0],))
        elif kind & IN_USE and not (root and kind in _ROOT_ONLY):
            pending, missing = [record], min(record[1][1], MOST_SECONDARIES)
            if not missing:
                yield from _set(pending)
    if missing:
        yield Flaw("an entry set breaks off")


def _set(records: list[Record]) -> Iterator[Found]:
    """A primary with its secondaries."""
    kind = records[0][1][0]
    if kind != FILE:
        # A benign primary may be passed over by who does not know it; a critical one may not.
        benign = bool(kind & 0x20)
        yield Flaw(f"an entry of unknown kind {kind:#04x}", lost=not benign)
        return
    stream = records[1][1] if len(records) > 1 else bytes(32)
    names = b"".join(raw[2:] for _, raw in records[2:] if raw[0] == NAME)
    length = stream[3]
    if stream[0] != STREAM or not 0 < length <= len(names) // 2:
        yield Flaw("a file entry without stream or name")
        return
    yield _file(records, from_utf16(names[: length * 2]))


def _file(records: list[Record], name: str) -> Entry:
    _, _, checksum, attributes, _, _, modified, _, _, tens_of_ms, _, _, _ = _FILE.unpack(records[0][1])
    _, flags, _, length, _, _, valid, _, first, size = _STREAM.unpack(records[1][1])
    needed = 2 + -(-length // 15)
    known = len(records) == needed and all(raw[0] == NAME for _, raw in records[2:])
    flaw = ""
    if checksum != set_checksum(b"".join(raw for _, raw in records)):
        flaw = "the checksum of its entry set is wrong"
    elif valid > size or (size and not flags & 1):
        flaw = "its lengths contradict each other"
    return Entry(
        name=name,
        directory=bool(attributes & DIRECTORY),
        size=size,
        valid=min(valid, size),
        mtime=local_time(modified >> 16, modified & 0xFFFF, tens_of_ms),
        first_cluster=first,
        contiguous=bool(flags & 2),
        records=tuple(offset for offset, _ in records),
        commit=records[0][0],
        flaw=flaw,
        oddity="" if known else "its entry set has parts of unknown kind",
    )


def set_checksum(raw: bytes) -> int:
    """Over all bytes of the set but the checksum itself (exFAT specification 6.3.3)."""
    total = 0
    for byte in raw[:2] + raw[4:]:
        total = ((total >> 1 | total << 15) + byte) & 0xFFFF
    return total
