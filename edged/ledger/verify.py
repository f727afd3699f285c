"""Checks any copy of a ledger offline, with nothing but public keys.

1. Only bytes that are authenticated count: lines by the chain and the tree, checkpoints by their
   signature. File names only say where to look, and a name that lies is a finding.
2. Every finding is reported, not only the first; after one, checking goes on with what is there.
3. Wall clocks prove nothing: no finding depends on the order of times.
4. What no checkpoint covers is chained but not signed. The report says how much that is; it is a
   finding only where a checkpoint kept elsewhere (``against``, countersigned) covers more.
5. A line of a newer version is a finding like any other. Whoever changed a line to look newer would
   otherwise end the verification before it came to the checkpoints.
6. The key that is given may be any that the station ever signed with. Which came before and after it, the ledger says,
   and every change is proved by the checkpoint at its line, which both keys have signed.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from edged.errors import EdgeError, ErrorCode, FormatError, SignatureError
from edged.formats.checkpoint import CHECKPOINT_LIMIT, ORIGIN_PREFIX, Checkpoint, open_checkpoint, origin_of
from edged.formats.facts import KeyChanged, StationCommissioned
from edged.formats.line import FIRST_PREV, Line, decode_line, line_hash
from edged.formats.merkle import Tree, leaf_hash
from edged.formats.note import Verifier
from edged.formats.station_keys import StationKeys, keys_with
from edged.ledger.pen import disk_error
from edged.ledger.pieces import (
    CHECKPOINTS,
    CURRENT,
    Piece,
    RawLine,
    closed_pieces,
    note_name,
    note_sizes,
    read_lines,
)
from edged.ledger.recordings import RecordingCheck
from edged.ledger.report import Kind, Report
from edged.ports import FileSystem

_CHANGES, _BEGINS = f'"type":"{KeyChanged.TYPE}"'.encode(), b'{"v":1,"seq":0,'


def verify_ledger(
    fs: FileSystem,
    ledger: str,
    *,
    station: Verifier,
    centre: Verifier | None = None,
    countersigned: str = "",
    against: bytes | None = None,
    vault: str = "",
) -> Report:
    """Check a copy of a ledger. Blocking; reads every line twice, in bounded memory.

    Args:
        station: a key of the station, from somewhere else than the copy.
        ledger: folder of pieces and, in it, ``checkpoints``.
        countersigned: folder of countersigned checkpoints (needs ``centre``).
        against: a checkpoint note kept somewhere else; the ledger must reach it and equal it.
        vault: folder with ``recordings`` in it: files and manifests are compared with the ledger.

    Raises:
        DiskError: ``ledger`` cannot be listed.
    """
    keys = named_keys(fs, ledger, station)
    check = _Check(fs, ledger, keys)
    check.take_notes(f"{ledger}/{CHECKPOINTS}", None)
    if countersigned and centre is not None:
        check.take_notes(countersigned, centre)
    if against is not None:
        check.take_note("against", against, centre=None, size=None)
    check.recordings = RecordingCheck(fs, vault, keys, check.report) if vault else None
    check.lines()
    check.finish()
    return check.report


def named_keys(fs: FileSystem, ledger: str, given: Verifier) -> StationKeys:
    """Return the station's keys as its ledger names them, if ``given`` is one of them; else ``given`` alone.

    Nothing is authenticated here: whoever uses them looks for the hand-over of each.

    Raises:
        DiskError: ``ledger`` cannot be listed.
    """
    found: StationKeys | None = None
    for raw in _raw_lines(fs, ledger):
        if _CHANGES in raw or raw.startswith(_BEGINS):
            with suppress(EdgeError):
                found = keys_with(found, decode_line(raw))
    return found if found is not None and given in found else StationKeys(given)


def _raw_lines(fs: FileSystem, ledger: str) -> Iterator[bytes]:
    """What cannot be read is passed over: the verification proper tells of it."""
    try:
        names = fs.list_dir(ledger)
    except OSError as exc:
        raise disk_error(exc) from exc
    for name in (*(piece.name for piece in closed_pieces(names)), *([CURRENT] if CURRENT in names else ())):
        with suppress(OSError):
            yield from (raw.data for raw in read_lines(fs, f"{ledger}/{name}"))


@dataclass(frozen=True, slots=True)
class _Noted:
    """A genuine checkpoint, to be compared when that many lines have been read."""

    where: str
    checkpoint: Checkpoint
    countersigned: bool


class _Check:
    def __init__(self, fs: FileSystem, ledger: str, keys: StationKeys) -> None:
        self._fs, self._ledger, self._keys = fs, ledger, keys
        self._trusted = True  # until a key follows without a hand-over
        self.report = Report()
        self.recordings: RecordingCheck | None = None
        self._noted: dict[int, list[_Noted]] = defaultdict(list)
        self._tree = Tree()
        self._due, self._prev = 0, FIRST_PREV

    # --- checkpoints -----------------------------------------------------------------------------

    def take_notes(self, folder: str, centre: Verifier | None) -> None:
        try:
            sizes = note_sizes(self._fs.list_dir(folder))
        except FileNotFoundError:
            return
        except OSError as exc:
            self.report.add(Kind.CHECKPOINT_BAD, folder, f"cannot be listed (errno {exc.errno})")
            return
        for size in sizes:
            path = f"{folder}/{note_name(size)}"
            try:
                data = self._fs.read(path, CHECKPOINT_LIMIT)
            except OSError as exc:
                self.report.add(Kind.CHECKPOINT_BAD, path, f"cannot be read (errno {exc.errno})")
                continue
            self.take_note(path, data, centre=centre, size=size)

    def take_note(self, where: str, data: bytes, *, centre: Verifier | None, size: int | None) -> None:
        try:
            found = open_checkpoint(data, self._keys, centre)
        except (FormatError, SignatureError) as exc:
            self.report.add(Kind.CHECKPOINT_BAD, where, str(exc.detail.get("reason", exc)))
            return
        if size is not None and found.size != size:
            self.report.add(Kind.CHECKPOINT_BAD, where, f"speaks of {found.size} lines")
        self.report.checkpoints += 1
        self._noted[found.size].append(_Noted(where, found, centre is not None))

    def _compare(self) -> None:
        noted_here = self._noted.pop(self._tree.size, ())
        self._handed_over(noted_here)
        for noted in noted_here:
            if noted.checkpoint.root != self._tree.root():
                detail = "these lines are not those that were signed"
                self.report.add(Kind.CHECKPOINT_DIFFERS, noted.where, detail, noted.checkpoint.size - 1)
                continue
            if not self._trusted:
                continue
            self.report.signed = max(self.report.signed, noted.checkpoint.size)
            if noted.countersigned:
                self.report.countersigned = max(self.report.countersigned, noted.checkpoint.size)

    def _handed_over(self, noted_here: Sequence[_Noted]) -> None:
        """Behind a line that names a key: a checkpoint of just this size that is genuine bears both signatures."""
        seq = self._tree.size - 1
        if any(successor.line == seq for successor in self._keys.later):
            proved = any(noted.checkpoint.root == self._tree.root() for noted in noted_here)
            if not proved:
                self._trusted = False
                detail = "no checkpoint of this size bears the signatures of both keys"
                self.report.add(Kind.KEY_UNPROVED, self._ledger, detail, seq)

    # --- lines -----------------------------------------------------------------------------------

    def lines(self) -> None:
        try:
            names = self._fs.list_dir(self._ledger)
        except OSError as exc:
            raise disk_error(exc) from exc
        self._compare()
        for piece in closed_pieces(names):
            self._piece(piece)
        if CURRENT in names:
            self._file(CURRENT)

    def _piece(self, piece: Piece) -> None:
        if piece.first != self._tree.size or piece.last < piece.first:
            detail = f"line {self._tree.size} is due"
            self.report.add(Kind.PIECE_WRONG, piece.name, detail, self._tree.size)
        before = self._tree.size
        self._file(piece.name)
        if self._tree.size - before != piece.last - piece.first + 1:
            detail = f"has {self._tree.size - before} lines"
            self.report.add(Kind.PIECE_WRONG, piece.name, detail, self._tree.size)

    def _file(self, name: str) -> None:
        try:
            for raw in read_lines(self._fs, f"{self._ledger}/{name}"):
                self._line(name, raw)
        except OSError as exc:
            self.report.add(Kind.PIECE_WRONG, name, f"cannot be read (errno {exc.errno})", self._tree.size)

    def _line(self, name: str, raw: RawLine) -> None:
        line = self._decode(name, raw)
        if line is not None:
            self._chain(name, line)
            self._content(name, line)
        else:
            self._due += 1
        self._prev = line_hash(raw.data)
        self._tree.append(leaf_hash(raw.data))
        self.report.lines += 1
        self._compare()

    def _decode(self, name: str, raw: RawLine) -> Line | None:
        if not raw.ended:
            self.report.add(Kind.UNENDED, name, f"{raw.size} bytes without a newline", self._due)
        try:
            return decode_line(raw.data)
        except EdgeError as exc:
            kind = Kind.LINE_NEWER if exc.code is ErrorCode.LEDGER_NEWER else Kind.LINE_BAD
            self.report.add(kind, name, str(exc.detail.get("reason", exc)), self._due)
            return None

    def _chain(self, name: str, line: Line) -> None:
        if line.seq != self._due:
            self.report.add(Kind.GAP, name, f"line {line.seq} where {self._due} is due", self._due)
        elif line.prev != self._prev:
            self.report.add(Kind.CHAIN_BROKEN, name, "does not follow from the line before", line.seq)
        self._due = line.seq + 1

    def _content(self, name: str, line: Line) -> None:
        self.report.types[line.type] += 1
        fact = line.fact
        if isinstance(fact, StationCommissioned):
            self._beginning(name, line, fact)
        elif line.seq == 0:
            self.report.add(Kind.BEGINNING_WRONG, name, f"line 0 is {line.type}", 0)
        if self.recordings is not None:
            self.recordings.take(line)

    def _beginning(self, name: str, line: Line, fact: StationCommissioned) -> None:
        if line.seq != 0:
            self.report.add(Kind.COMMISSIONED_AGAIN, name, f"as {fact.station[:80]}", line.seq)
            return
        self.report.station = fact.station
        if (fact.station_key, origin_of(fact.station)) != (str(self._keys.first), self._keys.name):
            self.report.add(Kind.BEGINNING_WRONG, name, "line 0 names another station or another key", 0)

    # --- end -------------------------------------------------------------------------------------

    def finish(self) -> None:
        if not self.report.lines:
            self.report.add(Kind.NO_LEDGER, self._ledger, "there is no line")
        for size, noted in sorted(self._noted.items()):
            for each in noted:
                detail = f"{size} lines were signed, {self.report.lines} are there"
                self.report.add(Kind.BEHIND_CHECKPOINT, each.where, detail, self.report.lines)
        if self.recordings is not None:
            self.recordings.finish(self._keys.name.removeprefix(ORIGIN_PREFIX))
