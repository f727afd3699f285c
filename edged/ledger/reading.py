"""Reading a ledger's lines by number, out of closed pieces and the open one, in bounded memory."""

import errno
from collections.abc import Iterator

from edged.errors import EdgeError, ErrorCode
from edged.formats.line import FIRST_PREV, Line, decode_line
from edged.ledger.pen import Pen, disk_error
from edged.ledger.pieces import Piece, split_lines


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
