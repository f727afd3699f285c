"""Reading a ledger's lines by number, out of closed pieces and the open one, in bounded memory."""

import errno
from collections.abc import Iterator

from edged.errors import EdgeError, ErrorCode
from edged.formats.line import FIRST_PREV, Line, decode_line
from edged.ledger.pen import Pen, disk_error
from edged.ledger.pieces import split_lines


def lines_of(pen: Pen, first: int, stop: int, *, strict: bool) -> Iterator[Line]:
    """Yield the lines from ``first`` to before ``stop``; see `edged.ledger.book.Book.lines`."""
    due, prev = first, FIRST_PREV if first == 0 else ""
    while due < stop:
        before = due
        for line in _file_from(pen, due, stop, strict=strict):
            if strict and (line.seq != due or (prev and line.prev != prev)):
                raise EdgeError(ErrorCode.LEDGER_CORRUPT, seq=due, reason="does not follow")
            due, prev = line.seq + 1, line.hash
            yield line
        if due == before:
            if strict:
                raise EdgeError(ErrorCode.LEDGER_CORRUPT, seq=due, reason="not there")
            due = _pass_over(pen, due)


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


def _pass_over(pen: Pen, due: int) -> int:
    """Where to go on when ``due`` lies in no file that can be read."""
    later = [piece.first for piece in pen.pieces if piece.first > due]
    return later[0] if later else max(due + 1, pen.first)


def _decode(data: bytes, name: str, offset: int, *, strict: bool) -> Line | None:
    try:
        return decode_line(data)
    except EdgeError as exc:
        if exc.code is not ErrorCode.FORMAT_BAD:
            raise
        if strict:
            raise EdgeError(ErrorCode.LEDGER_CORRUPT, file=name, offset=offset) from exc
        return None
