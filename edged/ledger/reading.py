"""Reading a ledger's lines by number, out of closed pieces and the open one, in bounded memory."""

import contextlib
import errno
from collections.abc import Iterator

from edged.errors import EdgeError, ErrorCode, FormatError
from edged.formats.line import FIRST_PREV, Envelope, Line, decode_envelope, decode_line
from edged.ledger.pen import Pen, disk_error
from edged.ledger.pieces import Piece, RawLine, split_lines


def lines_of(pen: Pen, first: int, stop: int, *, strict: bool) -> Iterator[Line]:
    """Yield the lines from ``first`` to before ``stop``; see `edged.ledger.book.Book.lines`."""
    due, prev = first, FIRST_PREV if first == 0 else ""
    while due < stop:
        piece = _piece_from(pen, due)
        if piece is not None and not strict:
            due = max(due, piece.first)  # what comes before is not there
        before, end = due, min(stop, piece.last + 1) if piece else stop
        for line in _file_from(pen, due, end, strict=strict):
            if strict and (line.seq != due or (prev and line.prev != prev)):
                raise EdgeError(ErrorCode.LEDGER_CORRUPT, seq=due, reason="does not follow")
            if line.seq >= due:  # an old line may stand there again
                due, prev = line.seq + 1, line.hash
                yield line
        if due == before and strict:
            raise EdgeError(ErrorCode.LEDGER_CORRUPT, seq=due, reason="not there")
        if not strict:
            due = end


def selected(pen: Pen, since: str, size: int, types: frozenset[str]) -> Iterator[Line | Envelope]:
    """Yield the first ``size`` lines without those of pieces that ended before ``since``; of other types than these the
    envelope only. What cannot be read is passed over: this is for a view, not for a proof.

    Raises DiskError: a file cannot be read; EdgeError: LEDGER_NEWER.
    """
    due = _since(pen, since)
    while due < size:
        piece = _piece_from(pen, due)
        stop = min(size, piece.last + 1) if piece else size
        for raw in _raw_from(pen, due):
            head = _envelope(raw.data)
            if head is not None and due <= head.seq < stop:
                yield head if head.type not in types else decode_line(raw.data)
        due = stop


def _since(pen: Pen, since: str) -> int:
    """The first line of the newest piece that begins before ``since``."""
    for piece in reversed(pen.pieces):
        first = next((head for raw in _raw_from(pen, piece.first) if (head := _envelope(raw.data))), None)
        if first is not None and first.stamp.time < since:
            return piece.first
    return 0


def _raw_from(pen: Pen, due: int) -> Iterator[RawLine]:
    try:
        _, file, end = pen.open_file(due)
        with contextlib.closing(file):
            yield from split_lines(file, end)
    except OSError as exc:
        raise disk_error(exc) from exc


def _envelope(data: bytes) -> Envelope | None:
    try:
        return decode_envelope(data)
    except FormatError:
        return None


def _piece_from(pen: Pen, due: int) -> Piece | None:
    """The closed piece that holds ``due``, or the next one after it; None: it lies in the open piece."""
    return next((piece for piece in pen.pieces if due <= piece.last), None)


def _file_from(pen: Pen, due: int, stop: int, *, strict: bool) -> Iterator[Line]:
    try:
        name, file, end = pen.open_file(due)
    except OSError as exc:
        if exc.errno == errno.ENOENT and not strict:
            return
        raise disk_error(exc) from exc
    try:
        for raw in split_lines(file, end):
            line = _decode(raw.data, name, raw.offset, strict=strict)
            if line is not None and due <= line.seq < stop:
                yield line
    except OSError as exc:
        raise disk_error(exc) from exc
    finally:
        file.close()


def _decode(data: bytes, name: str, offset: int, *, strict: bool) -> Line | None:
    try:
        return decode_line(data)
    except EdgeError as exc:
        if exc.code is not ErrorCode.FORMAT_BAD:
            raise
        if strict:
            raise EdgeError(ErrorCode.LEDGER_CORRUPT, file=name, offset=offset) from exc
        return None
