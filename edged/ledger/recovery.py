"""What lies in the ledger's folder after a start: read only, nothing is repaired here.

1. Every line of every piece is read; number, hash of the line before and form must fit.
2. A tail is *torn* when it was never acknowledged: it lies at the end of the open piece, begins with
   bytes that are no line or with a line that has a hole, is no longer than one batch, and all lines in
   it that can be read carry one and the same clock reading. (A batch is stamped once and written at
   once, and no batch begins before the one before it was synced: two stamps behind a damaged place mean
   that it had been acknowledged. And a disk that loses blocks does not turn a line into another line.)
3. Anything else that does not fit is damage. It is noted and read past, never left out silently:
   counting goes on from the last line that could be read. It never goes back, nor beyond what a closed
   piece's name says: an old line that stands there again counts as one that cannot be read.
4. A line of a newer version stops everything (LEDGER_NEWER): that ledger is not ours to touch.
"""

from contextlib import suppress
from dataclasses import dataclass, field

from edged.errors import EdgeError, ErrorCode, FormatError
from edged.formats.facts import KeyChanged, StationCommissioned
from edged.formats.line import FIRST_PREV, Envelope, decode_envelope, decode_line, line_hash
from edged.formats.merkle import Tree, leaf_hash
from edged.formats.station_keys import StationKeys, keys_with
from edged.ledger.pieces import CURRENT, Piece, RawLine, closed_pieces, read_end, read_lines
from edged.ports import FileSystem

BATCH_LIMIT = 256 * 1024  # bytes that are written and synced at once, at most
DAMAGE_LIMIT = 100  # places that are listed; more are counted
_OF_KEYS = frozenset({StationCommissioned.TYPE, KeyChanged.TYPE})


@dataclass(frozen=True, slots=True)
class Damage:
    """One place that is not as it must be. ``seq`` is the number that was due there."""

    name: str
    offset: int
    seq: int
    reason: str


@dataclass(slots=True)
class Survey:
    """The ledger as found.

    Attributes:
        size: number of the next line.
        tip: hash of the last line, for the next line's ``prev``.
        roots: Merkle roots at the sizes asked for.
        keys: with which the station has signed, as lines without a problem say.
        open_first: number of the open piece's first line; ``open_end``: its good bytes.
        torn: bytes of the tail that was never acknowledged.
        damaged: number of places; the first ones are in ``damage``.
    """

    size: int = 0
    tip: str = FIRST_PREV
    tree: Tree = field(default_factory=Tree)
    roots: dict[int, bytes] = field(default_factory=dict)
    pieces: list[Piece] = field(default_factory=list)
    commissioned: StationCommissioned | None = None
    keys: StationKeys | None = None
    has_open: bool = False
    open_first: int = 0
    open_end: int = 0
    torn: bytes = b""
    damage: list[Damage] = field(default_factory=list)
    damaged: int = 0


def survey(fs: FileSystem, folder: str, sizes: set[int]) -> Survey:
    """Read the whole ledger, and the Merkle roots at ``sizes``.

    Raises:
        EdgeError: LEDGER_NEWER.
        OSError: the folder or the open piece cannot be read.
    """
    return _Surveyor(fs, folder, sizes).run()


class _Surveyor:
    def __init__(self, fs: FileSystem, folder: str, sizes: set[int]) -> None:
        self._fs, self._folder, self._sizes = fs, folder, sizes
        self._found = Survey()
        self._unreadable = 0  # lines since the last one that could be read

    def run(self) -> Survey:
        found, names = self._found, self._fs.list_dir(self._folder)
        found.pieces = closed_pieces(names)
        for piece in found.pieces:
            self._piece(piece)
        found.open_first = found.size
        if CURRENT in names:
            found.has_open = True
            self._open_piece()
        return found

    def _piece(self, piece: Piece) -> None:
        if piece.first != self._found.size + self._unreadable:
            self._note(piece.name, 0, f"the piece begins with line {piece.first}")
        try:
            for raw in read_lines(self._fs, f"{self._folder}/{piece.name}"):
                head, problem = self._look(raw)
                self._line(piece.name, raw, head if head and head.seq <= piece.last else None, problem)
        except OSError as exc:
            self._note(piece.name, 0, f"cannot be read (errno {exc.errno})")
        if self._found.size + self._unreadable != piece.last + 1:
            self._note(piece.name, 0, f"the piece should end with line {piece.last}")

    def _open_piece(self) -> None:
        found, path = self._found, f"{self._folder}/{CURRENT}"
        batch = self._last_batch(path)
        for raw in read_lines(self._fs, path):
            head, problem = self._look(raw)
            if raw.offset >= batch and (head is None or (head.seq and not _is_whole(raw))):
                found.torn = read_end(self._fs, path, raw.offset)
                return
            self._line(CURRENT, raw, head, problem)
            found.open_end = raw.offset + raw.size + raw.ended

    def _last_batch(self, path: str) -> int:
        """Where the end begins that can be one write which was never acknowledged (rule 2)."""
        start = max(0, self._fs.stat(path).size - BATCH_LIMIT)
        return start + one_batch(read_end(self._fs, path, start))

    def _look(self, raw: RawLine) -> tuple[Envelope | None, str]:
        """The line as far as it can be read, and why it cannot be the next one ("": it can)."""
        try:
            head = decode_envelope(raw.data)
        except FormatError as exc:
            return None, str(exc.detail.get("reason", exc))
        if not raw.ended:
            return None, "no newline at the end"
        if head.seq != self._found.size:
            return head, f"line {head.seq} where {self._found.size} is due"
        if head.prev != self._found.tip:
            return head, "does not follow from the line before"
        return head, ""

    def _line(self, name: str, raw: RawLine, head: Envelope | None, problem: str) -> None:
        found = self._found
        if problem:
            self._note(name, raw.offset, problem)
        found.tree.append(leaf_hash(raw.data))
        if head is None or head.seq < found.size:
            self._unreadable += 1
            return
        if head.seq == 0 and not problem:
            found.commissioned = _commissioned(raw)
        if head.type in _OF_KEYS and not problem:
            self._key(name, raw)
        found.size, found.tip, self._unreadable = head.seq + 1, line_hash(raw.data), 0
        if found.size in self._sizes and found.tree.size == found.size:
            found.roots[found.size] = found.tree.root()

    def _key(self, name: str, raw: RawLine) -> None:
        try:
            self._found.keys = keys_with(self._found.keys, decode_line(raw.data))
        except FormatError as exc:
            self._note(name, raw.offset, str(exc.detail.get("reason", exc)))

    def _note(self, name: str, offset: int, reason: str) -> None:
        self._found.damaged += 1
        if len(self._found.damage) < DAMAGE_LIMIT:
            self._found.damage.append(Damage(name, offset, self._found.size, reason))


def one_batch(tail: bytes) -> int:
    """Rule 2: from where on all lines of ``tail`` that can be read carry one clock reading.

    Looked through once, from its end: each of many damaged lines may ask whether it begins a torn tail.
    What stands before the first newline may be a part of a line, and nothing torn begins with a good one.
    """
    end, stamp = tail.rfind(b"\n"), None
    while (begin := tail.rfind(b"\n", 0, max(0, end)) + 1) > 0:
        with suppress(FormatError):
            found = decode_envelope(tail[begin:end]).stamp
            reading = (found.boot_id, found.boottime_ns)
            if stamp not in (None, reading):
                return end + 1
            stamp = reading
        end = begin - 1
    return 0


def _is_whole(raw: RawLine) -> bool:
    """Whether the fact can be read, too: a write that was cut off may have left both ends of a line, and a hole in it.
    (Further back such a hole is damage, which the hash in the next line shows.)"""
    try:
        decode_line(raw.data)
    except FormatError:
        return False
    return True


def _commissioned(raw: RawLine) -> StationCommissioned:
    try:
        fact = decode_line(raw.data).fact
    except FormatError as exc:
        raise EdgeError(ErrorCode.LEDGER_CORRUPT, reason="line 0 cannot be read") from exc
    if not isinstance(fact, StationCommissioned):
        raise EdgeError(ErrorCode.LEDGER_CORRUPT, reason="line 0 is not station.commissioned")
    return fact
