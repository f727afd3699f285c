"""What is proved of a beginning: a small file beside it, one line a mark, appended and synced.

A mark ``<length> <sha256>`` says: the first ``length`` bytes were durable when it was written, and this is
their hash. A size proves nothing (a power cut leaves blocks of zeros); a mark whose hash the medium
still gives does. The last line of a verified copy is ``<size> <sha256> sealed``.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from edged.ports import File

LIMIT = 1024 * 1024  # bytes read of a marks file: a line each 16 MiB makes this enough for 180 GB
_LINE = re.compile(rb"(0|[1-9][0-9]{0,18}) ([0-9a-f]{64})( sealed)?\n")


@dataclass(frozen=True, slots=True)
class Mark:
    length: int
    sha256: str
    sealed: bool = False

    def line(self) -> bytes:
        return f"{self.length} {self.sha256}{' sealed' if self.sealed else ''}\n".encode("ascii")


def parse(data: bytes) -> tuple[Mark, ...]:
    """Return the marks up to the first line that is torn, malformed or not longer than the one before."""
    marks: list[Mark] = []
    position = 0
    while (line := _LINE.match(data, position)) is not None:
        mark = Mark(int(line[1]), line[2].decode("ascii"), sealed=line[3] is not None)
        if marks and not _follows(marks[-1], mark):
            break
        marks.append(mark)
        position = line.end()
    return tuple(marks)


def _follows(before: Mark, mark: Mark) -> bool:
    longer = mark.length > before.length or (mark.sealed and mark.length == before.length)
    return longer and not before.sealed


class Marks:
    """The marks file of one beginning; ``file`` stays the caller's. Raises OSError."""

    def __init__(self, file: File) -> None:
        self._file = file
        self._end = 0
        self.known = parse(file.read_at(0, LIMIT))

    def keep(self, marks: Iterable[Mark]) -> None:
        """Forget all others: what they spoke of is not on the medium, or is written anew."""
        self.known = tuple(marks)
        self._end = sum(len(mark.line()) for mark in self.known)
        if self._file.size() != self._end:
            self._file.cut(self._end)
            self._file.sync_data()

    def add(self, mark: Mark) -> None:
        """Append durably. ``keep`` came first."""
        line = mark.line()
        self._file.write_at(self._end, line)
        self._file.sync_data()
        self._end += len(line)
        self.known = (*self.known, mark)
