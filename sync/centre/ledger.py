"""Takes a station's ledger piece by piece and countersigns what continues the one history that is known.

1. A piece counts when its first line continues our copy (number and hash) and a checkpoint signed by the
   station has exactly the root of the tree that it gives.
2. What we then know is durable before our signature leaves: nobody can make us forget what we signed.
3. Whatever contradicts our copy (an old line with other bytes, another root at a size that we know) is a
   fork or a rollback. It is kept, nothing more is countersigned, a person has to look.
"""

import hashlib
from collections.abc import Collection, Iterator

import msgspec

from edged.errors import EdgeError, FormatError
from edged.formats.checkpoint import CHECKPOINT_LIMIT, Checkpoint, countersign, open_checkpoint
from edged.formats.facts import KeyChanged
from edged.formats.line import decode_envelope, decode_line, line_hash
from edged.formats.merkle import Tree, leaf_hash
from edged.formats.station_keys import StationKeys
from sync.centre.desk import TORN_LIMIT, Desk
from sync.centre.known import Known, KnownKey, known_keys, load_known
from sync.files import exists, is_cut_note, is_torn, names, read_or_none, replace_file
from sync.outbox import CHECKPOINT, PIECE

PIECE_LIMIT = 256 * 1024 * 1024
STATUS = "status"
KEEP_STATUS = 50
KEEP_NOTES = 8


class LedgerIntake:
    """Blocking. Every method may raise OSError; then nothing was countersigned that is not durable."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._fs = desk.fs
        self._home = f"{desk.home}/ledger"
        self._notes = f"{desk.home}/receipts/checkpoints"
        self._copy = f"{desk.folder}/ledger"
        self._known = load_known(desk)
        self._keys = known_keys(desk, self._known)

    def take(self) -> None:
        """Take all that continues the copy; countersign; look at what does not continue it."""
        self._look_for_lost_store()
        for name in self._pieces():
            self._piece(name)
        self._publish()
        self._stray_checkpoints()
        self._look_at_status()
        self._desk.summary.countersigned = self._known.size if self._known.checkpoint else 0

    # --- pieces ------------------------------------------------------------------------------------

    def _piece(self, name: str) -> None:
        first, last = (int(part) for part in PIECE.fullmatch(name).groups())  # type: ignore[union-attr]  # `_pieces` matched it
        if first > self._known.size:
            return  # what comes between is not here yet
        data = self._fs.read(f"{self._home}/{name}", PIECE_LIMIT)
        if first < self._known.size:
            if not self._set_torn_aside({name: data}):
                self._old_piece(name, first, last, data)
            return
        self._next_piece(name, last, data)

    def _next_piece(self, name: str, last: int, data: bytes) -> None:
        """Take ``data``, the lines from the first that we do not have up to ``last``; it came in the file ``name``."""
        first = self._known.size
        note = read_or_none(self._fs, f"{self._home}/checkpoints/{last + 1:012d}.note", CHECKPOINT_LIMIT)
        if note is None or self._is_stopped():
            return
        cut = [name] if _ends_early(data, first, last) else []
        cut += [f"checkpoints/{last + 1:012d}.note"] if is_cut_note(note) else []
        if self._set_torn_aside({name: data, f"checkpoints/{last + 1:012d}.note": note}, cut):
            return
        try:
            known = self._verify(data, first, last, note)
        except EdgeError as exc:
            self._desk.alert("ledger-refused", piece=name, code=exc.code.number, reason=str(exc)[:300])
            self._refused(last + 1, str(exc))
            return
        self._store(name, f"{first:012d}-{last:012d}.jsonl", data, known)

    def _set_torn_aside(self, files: dict[str, bytes], cut: Collection[str] = ()) -> bool:
        """What a power cut here has torn, or ``cut`` at the end of a line, is moved out of the way: the station sends
        it again."""
        torn = [name for name, data in files.items() if name in cut or is_torn(data)]
        moved = [name for name in torn if self._desk.set_aside(f"{self._home}/{name}", TORN_LIMIT)]
        if moved:
            self._desk.alert("ledger-torn", names=" ".join(moved))
        return bool(moved)

    def _verify(self, data: bytes, first: int, last: int, note: bytes) -> Known:
        """Return what is known with this piece. Raises FormatError, SignatureError, EdgeError."""
        tree, keys = self._tree(), self._keys
        prev, seq = self._known.last, first
        for raw in _lines(data):
            envelope = decode_envelope(raw)
            if envelope.seq != seq or envelope.prev != prev:
                raise FormatError(reason="does not continue the chain", seq=seq)
            if envelope.type == KeyChanged.TYPE:
                keys = self._next_key(keys, raw, last)
            prev, seq = line_hash(raw), seq + 1
            tree.append(leaf_hash(raw))
        checkpoint = open_checkpoint(note, keys)
        if seq != last + 1 or checkpoint.size != seq:
            raise FormatError(reason="another number of lines than its name says", lines=seq - first)
        if checkpoint.root != tree.root():
            raise FormatError(reason="the checkpoint has another root", size=seq)
        self._compare_with_lost(checkpoint, keys)
        peaks = tuple(peak.hex() for peak in tree.peaks())
        status = max(names(self._fs, f"{self._desk.home}/{STATUS}"), default="")
        return Known(
            size=seq,
            last=prev,
            peaks=peaks,
            checkpoint=note.decode(),
            status=status,
            first_key=str(keys.first),
            keys=tuple(KnownKey(line=k.line, key=str(k.key)) for k in keys.later),
        )

    @staticmethod
    def _next_key(keys: StationKeys, raw: bytes, last: int) -> StationKeys:
        """A change of keys ends its piece: the piece's checkpoint is the hand-over, which both keys sign."""
        line = decode_line(raw)
        if line.seq != last or not isinstance(line.fact, KeyChanged):
            raise FormatError(reason="a key changes within a piece", seq=line.seq)
        return keys.after(line.seq, line.fact.key)

    def _store(self, came: str, name: str, data: bytes, known: Known) -> None:
        """Piece, then state, then signature; each durable before the next. ``came``: the file that is done with."""
        if (stored := read_or_none(self._fs, f"{self._copy}/{name}", PIECE_LIMIT)) is None:
            replace_file(self._fs, self._copy, name, data)
        elif stored != data:  # kept by a pass that was cut off before it was counted
            self._fork(f"{self._home}/{came}", name, "a piece of other content", known.size)
            return
        self._desk.make_durable(self._copy)
        replace_file(self._fs, self._desk.folder, "intake.json", msgspec.json.encode(known) + b"\n")
        self._known, self._keys = known, known_keys(self._desk, known)
        self._desk.summary.pieces.append(name)
        self._publish()
        self._fs.remove(f"{self._home}/{came}")
        self._fs.remove(f"{self._home}/checkpoints/{known.size:012d}.note")

    def _old_piece(self, name: str, first: int, last: int, data: bytes) -> None:
        """Lines that we have: the same bytes sent again, perhaps with more behind them (a power cut took the closing of
        the shorter piece back, and the station closed it later), or another history."""
        stored = read_or_none(self._fs, f"{self._copy}/{name}", PIECE_LIMIT) or self._stored_from(
            first, len(data)
        )
        if stored[: len(data)] == data:
            self._fs.remove(f"{self._home}/{name}")
        elif stored and data.startswith(stored):
            self._next_piece(name, last, data[len(stored) :])
        else:
            self._fork(f"{self._home}/{name}", name, "a piece of other content", first)

    # --- signatures --------------------------------------------------------------------------------

    def _publish(self) -> None:
        """Leave our signature where the station finds it, also if a crash came in between last time."""
        if not self._known.checkpoint or self._is_stopped():
            return
        name = f"{self._known.size:012d}.note"
        note = read_or_none(self._fs, f"{self._copy}/checkpoints/{name}", CHECKPOINT_LIMIT)
        if note is None:
            self._desk.make_durable(self._desk.folder)  # intake.json, which says what we know
            note = countersign(self._known.checkpoint.encode(), self._keys, self._desk.centre)
            replace_file(self._fs, f"{self._copy}/checkpoints", name, note)
        if not exists(self._fs, f"{self._notes}/{name}"):
            self._desk.make_durable(f"{self._copy}/checkpoints")
            replace_file(self._fs, self._notes, name, note)
            self._desk.log("EDG-3203", size=self._known.size, station=self._desk.station_id)
            for old in self._own_notes()[:-KEEP_NOTES]:
                self._fs.remove(f"{self._notes}/{old:012d}.note")

    def _stray_checkpoints(self) -> None:
        """Checkpoints of sizes that we know have to agree with our copy."""
        found = {}
        for name in names(self._fs, f"{self._home}/checkpoints"):
            match = CHECKPOINT.fullmatch(name)
            if match and int(match[1]) <= self._known.size and (opened := self._opened(name)) is not None:
                found[name] = opened
        roots = self._roots({checkpoint.size for checkpoint in found.values()})
        for name, checkpoint in found.items():
            path = f"{self._home}/checkpoints/{name}"
            if roots.get(checkpoint.size) == checkpoint.root:
                self._fs.remove(path)
            elif checkpoint.size <= self._known.size:
                self._fork(path, name, "a checkpoint with another root", checkpoint.size)

    def _opened(self, name: str) -> Checkpoint | None:
        try:
            data = self._fs.read(f"{self._home}/checkpoints/{name}", CHECKPOINT_LIMIT)
            return open_checkpoint(data, self._keys)
        except EdgeError as exc:
            self._desk.alert("checkpoint-refused", checkpoint=name, code=exc.code.number)
            return None

    def _fork(self, path: str, name: str, what: str, size: int) -> None:
        """Keep the other history beside ours. From now on nothing is countersigned."""
        folder = f"{self._desk.folder}/forks"
        self._fs.make_dirs(folder)
        data = self._fs.read(path, PIECE_LIMIT)
        kept = f"{hashlib.sha256(data).hexdigest()[:16]}.{name}"
        replace_file(self._fs, folder, kept, data)
        self._desk.alert("ledger-forked", what=what, name=name, size=size, known=self._known.size)
        self._refused(size, what)
        self._fs.remove(path)

    def _refused(self, size: int, reason: str) -> None:
        self._desk.log("EDG-3204", size=size, station=self._desk.station_id, reason=reason[:300])

    def _is_stopped(self) -> bool:
        return bool(names(self._fs, f"{self._desk.folder}/forks"))

    # --- rollbacks, theirs and ours ----------------------------------------------------------------

    def _look_at_status(self) -> None:
        """A station whose newest checkpoint is older than what we countersigned was rolled back."""
        folder = f"{self._desk.home}/{STATUS}"
        found = names(self._fs, folder)
        for old in found[:-KEEP_STATUS]:
            self._fs.remove(f"{folder}/{old}")
        newest = max(found, default="")
        if newest <= self._known.status:
            return  # written before the station sent what we know
        size = _claimed_size(read_or_none(self._fs, f"{folder}/{newest}", 1024 * 1024) or b"")
        if 0 <= size < self._known.size:
            self._desk.alert("station-behind", claimed=size, known=self._known.size)

    def _look_for_lost_store(self) -> None:
        """Our own signature over more than we know: the store was restored from an older copy."""
        for size in self._own_notes():
            if size > self._known.size:
                name = f"{size:012d}.note"
                note = self._fs.read(f"{self._notes}/{name}", CHECKPOINT_LIMIT)
                replace_file(self._fs, f"{self._desk.folder}/lost", name, note)
                # The station sees the newest number fall and offers everything again.
                self._fs.remove(f"{self._notes}/{name}")
                self._desk.alert("store-behind", known=self._known.size, signed=size)

    def _compare_with_lost(self, checkpoint: Checkpoint, keys: StationKeys) -> None:
        name = f"{self._desk.folder}/lost/{checkpoint.size:012d}.note"
        note = read_or_none(self._fs, name, CHECKPOINT_LIMIT)
        if note is None:
            return
        before = open_checkpoint(note, keys, self._desk.centre.verifier)
        if before.root != checkpoint.root:
            raise FormatError(reason="not the history that was countersigned before", size=checkpoint.size)

    # --- our copy ----------------------------------------------------------------------------------

    def _pieces(self) -> list[str]:
        return [name for name in names(self._fs, self._home) if PIECE.fullmatch(name)]

    def _own_notes(self) -> list[int]:
        found = map(CHECKPOINT.fullmatch, names(self._fs, self._notes))
        return sorted(int(match[1]) for match in found if match)

    def _stored_pieces(self) -> Iterator[tuple[int, bytes]]:
        for name in names(self._fs, self._copy):
            if (match := PIECE.fullmatch(name)) and int(match[2]) < self._known.size:
                yield int(match[1]), self._fs.read(f"{self._copy}/{name}", PIECE_LIMIT)

    def _stored_from(self, first: int, size: int) -> bytes:
        """Return at least ``size`` bytes of our copy from line ``first`` on, if there are as many."""
        out = b""
        for begin, data in self._stored_pieces():
            lines = data.splitlines(keepends=True)
            if begin + len(lines) <= first or len(out) >= size:
                continue
            out += b"".join(lines[max(0, first - begin) :])
        return out

    def _roots(self, sizes: set[int]) -> dict[int, bytes]:
        """Return the root of our copy at each of ``sizes``, in one pass over it."""
        tree = Tree()
        found = {0: tree.root()} if 0 in sizes else {}
        if not sizes - {0, self._known.size}:
            return found | {self._known.size: self._tree().root()}
        for _, data in self._stored_pieces():
            for raw in _lines(data):
                tree.append(leaf_hash(raw))
                if tree.size in sizes:
                    found[tree.size] = tree.root()
        return found

    def _tree(self) -> Tree:
        try:
            return Tree.resume(self._known.size, [bytes.fromhex(peak) for peak in self._known.peaks])
        except ValueError as exc:
            raise FormatError(what="intake.json", station=self._desk.station_id) from exc


def _lines(data: bytes) -> Iterator[bytes]:
    if not data.endswith(b"\n"):
        raise FormatError(reason="the last line has no end")
    yield from data[:-1].split(b"\n")


def _ends_early(data: bytes, first: int, last: int) -> bool:
    """Whether these are the lines from ``first`` on without the last ones; not where one in between is missing."""
    lines = data.splitlines()
    if not lines or len(lines) > last - first:
        return False
    try:
        return decode_envelope(lines[-1]).seq == first + len(lines) - 1
    except EdgeError:
        return False


def _claimed_size(data: bytes) -> int:
    try:
        claimed = msgspec.json.decode(data, type=dict[str, object]).get("newest_checkpoint")
    except (ValueError, RecursionError):  # what msgspec raises
        return -1
    return claimed if isinstance(claimed, int) else -1
