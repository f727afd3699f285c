"""Directory records of FAT12/16/32 with long names (FAT specification 1.03, "FAT Directory Structure")."""

import struct
from collections.abc import Iterator

from drivers.fat.entries import Entry, Flaw, Found, Record, Stray
from drivers.fat.names import from_utf16, local_time, short_name

END, DELETED = 0x00, 0xE5
LONG_NAME, LABEL, DIRECTORY = 0x0F, 0x08, 0x10
LAST_LONG = 0x40  # marks the first record on disk, which holds the name's end
MOST_LONG = 20
_SHORT = struct.Struct("<11sBBBHHHHHHHI")


def parse(records: Iterator[Record], *, fat32: bool) -> Iterator[Found]:
    """Yield entries, stray long-name records and flaws. "." and ".." are passed over."""
    pending: list[Record] = []
    for record in records:
        first, attributes = record[1][0], record[1][11]
        if first == END:
            break
        if first == DELETED:
            yield from _stray(pending)
            pending = []
        elif attributes & 0x3F == LONG_NAME:
            if first & LAST_LONG or len(pending) >= MOST_LONG:
                yield from _stray(pending)
                pending = []
            pending.append(record)
        else:
            yield from _entry(record, pending, fat32=fat32)
            pending = []
    yield from _stray(pending)


def _stray(pending: list[Record]) -> Iterator[Stray]:
    if pending:
        yield Stray(tuple(offset for offset, _ in pending))


def _entry(record: Record, pending: list[Record], *, fat32: bool) -> Iterator[Found]:
    offset, raw = record
    name, attributes, _, _, _, _, _, high, time, date, low, size = _SHORT.unpack(raw)
    first = low | high << 16 if fat32 else low  # FAT12/16 have other uses for the upper word
    if name in (b".          ", b"..         ") and attributes & DIRECTORY:
        return
    if attributes & LABEL:
        if first or size:
            yield Flaw("a volume label that owns data")
        return
    long = _long_name(pending, _checksum(name)) if pending else None
    directory = bool(attributes & DIRECTORY)
    yield Entry(
        name=short_name(raw) if long is None else long,
        directory=directory,
        size=0 if directory else size,
        valid=0 if directory else size,
        mtime=local_time(date, time),
        first_cluster=first,
        contiguous=False,
        records=(*(at for at, _ in pending), offset),
        commit=offset,
        oddity="its long name is damaged" if pending and long is None else "",
    )


def _long_name(pending: list[Record], checksum: int) -> str | None:
    """Join the parts; None unless they are all there, in order, and belong to this short name."""
    count = len(pending)
    wanted = [count | LAST_LONG, *range(count - 1, 0, -1)]
    if [raw[0] for _, raw in pending] != wanted or any(raw[13] != checksum for _, raw in pending):
        return None
    units = b"".join(raw[1:11] + raw[14:26] + raw[28:32] for _, raw in reversed(pending))
    for at in range(0, len(units), 2):
        if units[at : at + 2] == b"\0\0":
            units = units[:at]
            break
    return from_utf16(units) if 0 < len(units) <= 510 else None


def _checksum(name: bytes) -> int:
    total = 0
    for byte in name:
        total = ((total >> 1 | total << 7) + byte) & 0xFF
    return total
