"""Names of the ledger's files, and reading lines out of them, for the book, the verifier and the prover."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from edged.formats.line import LINE_LIMIT
from edged.ports import File, FileSystem

LEDGER = "ledger"  # folder below the state folder
CURRENT = "current.jsonl"  # the open piece
NEXT = "next.jsonl"  # empty, with reserved blocks: becomes current.jsonl when a piece is closed
CHECKPOINTS = "checkpoints"
TORN = "torn"  # bytes of torn tails, kept aside before they were cut

_CHUNK = 1024 * 1024
_PIECE = re.compile(r"([0-9]{12})-([0-9]{12})\.jsonl")
_NOTE = re.compile(r"([0-9]{12})\.note")


@dataclass(frozen=True, slots=True)
class Piece:
    """A closed piece by its name: numbers of its first and last line."""

    first: int
    last: int
    name: str


@dataclass(frozen=True, slots=True)
class RawLine:
    """Bytes up to a newline (not included) or the end of the file. ``data`` is capped, ``size`` is not."""

    offset: int
    size: int
    data: bytes
    ended: bool  # there was a newline


def piece_name(first: int, last: int) -> str:
    return f"{first:012d}-{last:012d}.jsonl"


def note_name(size: int) -> str:
    return f"{size:012d}.note"


def closed_pieces(names: Iterable[str]) -> list[Piece]:
    """Return the closed pieces among ``names``, by first line; anything else is passed over."""
    found = [(m, name) for name in names if (m := _PIECE.fullmatch(name))]
    return sorted((Piece(int(m[1]), int(m[2]), name) for m, name in found), key=lambda p: (p.first, p.last))


def note_sizes(names: Iterable[str]) -> list[int]:
    """Return the sizes that the checkpoint notes among ``names`` speak of, ascending."""
    return sorted(int(m[1]) for name in names if (m := _NOTE.fullmatch(name)))


def read_lines(fs: FileSystem, path: str) -> Iterator[RawLine]:
    """Yield the lines of a file, in bounded memory. May raise OSError."""
    file = fs.open(path)
    try:
        yield from split_lines(file)
    finally:
        file.close()


def split_lines(file: File, end: int | None = None) -> Iterator[RawLine]:
    """Yield the lines of an open file up to ``end``. May raise OSError."""
    offset = position = size = 0
    held = bytearray()
    while chunk := file.read_at(position, _CHUNK if end is None else min(_CHUNK, end - position)):
        position += len(chunk)
        *whole, rest = chunk.split(b"\n")
        for part in whole:
            held += part[: max(0, LINE_LIMIT + 1 - len(held))]
            yield RawLine(offset, size + len(part), bytes(held), ended=True)
            offset += size + len(part) + 1
            held, size = bytearray(), 0
        held += rest[: max(0, LINE_LIMIT + 1 - len(held))]
        size += len(rest)
    if size:
        yield RawLine(offset, size, bytes(held), ended=False)


def read_end(fs: FileSystem, path: str, offset: int) -> bytes:
    """Return a file's bytes from ``offset`` on; the caller has bounded them. May raise OSError."""
    file = fs.open(path)
    try:
        return file.read_at(offset, file.size() - offset)
    finally:
        file.close()
