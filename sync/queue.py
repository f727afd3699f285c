"""What is to be delivered and how far it is. SQLite, owned by the courier alone.

Nothing here is the only copy of anything: a queue that is lost or damaged is made anew from the vault,
the ledger, the inbox and what lies at the centre. So it is never repaired, only replaced.

Times are nanoseconds of CLOCK_BOOTTIME and mean nothing after a reboot: opening makes all due.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Any

from edged.errors import DiskError

SCHEMA = 1
_TABLE = """
CREATE TABLE item (
    key       TEXT PRIMARY KEY,
    kind      TEXT NOT NULL,
    folder    TEXT NOT NULL,
    rank      INTEGER NOT NULL,
    age       TEXT NOT NULL,
    size      INTEGER NOT NULL,
    sha256    TEXT NOT NULL,
    line      INTEGER NOT NULL,
    state     TEXT NOT NULL,
    attempts  INTEGER NOT NULL DEFAULT 0,
    next_try  INTEGER NOT NULL DEFAULT 0,
    part      TEXT NOT NULL DEFAULT '',
    synced    INTEGER NOT NULL DEFAULT 0,
    delivered INTEGER NOT NULL DEFAULT 0,
    answer    TEXT NOT NULL DEFAULT '',
    reason    TEXT NOT NULL DEFAULT '',
    again     INTEGER NOT NULL DEFAULT 0
) STRICT
"""
_ITEMS = (
    "SELECT key, kind, folder, rank, age, size, sha256, line, state, attempts, next_try, part, synced,"
    " delivered, answer, reason FROM item WHERE "
)
_INDEX = "CREATE INDEX work ON item (state, rank, age, key)"
_MARK = "CREATE TABLE mark (line INTEGER NOT NULL) STRICT"


class State(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    DELIVERED = "delivered"  # lies at the centre under its final name, as far as SFTP can tell
    RECEIPTED = "receipted"  # edged has verified the centre's receipt
    HELD = "held"  # the centre or the vault does not let it go; kept, and others go on


class Kind(StrEnum):
    RECORDING = "recording"
    PIECE = "piece"
    CHECKPOINT = "checkpoint"


class Rank(IntEnum):
    """Order of delivery; within a rank the oldest first."""

    LEDGER = 0
    REQUESTED = 1
    FLAGGED = 2
    NORMAL = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Something found in vault or ledger."""

    key: str  # the recording's id, or the file's name in the ledger
    kind: Kind
    folder: str  # local folder it lies in
    rank: Rank
    age: str  # sorts as text: time of sealing, or first line
    size: int  # of the content
    sha256: str = ""  # of the content, as the manifest has it
    line: int = -1  # of a piece: its last line; of a checkpoint: the last that it covers


@dataclass(frozen=True, slots=True, kw_only=True)
class Item(Offer):
    """An offer and what became of it."""

    state: State
    attempts: int
    next_try: int
    part: str  # name of the file begun at the centre, "" none
    synced: int  # so many bytes of it were synced there
    delivered: int  # when
    answer: str  # SHA-256 of the receipt or refusal that was fetched, "" none
    reason: str


class Queue:
    """See the module. One thread at a time."""

    def __init__(self, path: str, now: int = 0) -> None:
        """Open or make the queue; ``:memory:`` for one that dies with its object.

        A file that is damaged, half made or of another version is put aside and a new one made.

        Raises:
            DiskError: the file cannot be opened or made.
        """
        self._path = path
        try:
            self._db = _open(path)
        except sqlite3.Error:
            try:
                _discard(path)
                self._db = _open(path)
            except (sqlite3.Error, OSError) as exc:
                raise DiskError(path=path, reason=str(exc)[:200]) from exc
        self._run("UPDATE item SET state = 'queued' WHERE state = 'sending'")
        self._run("UPDATE item SET next_try = 0 WHERE next_try > 0")
        self._run("UPDATE item SET delivered = min(delivered, ?)", max(now, 1))

    def close(self) -> None:
        self._db.close()

    def known(self) -> dict[str, State]:
        return {key: State(state) for key, state in self._rows("SELECT key, state FROM item")}

    def offer(self, offer: Offer, state: State = State.QUEUED) -> None:
        """Enter something that is not known yet. What is known stays as it is."""
        self._run(
            "INSERT INTO item (key, kind, folder, rank, age, size, sha256, line, state)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
            *(offer.key, offer.kind, offer.folder, offer.rank, offer.age, offer.size),
            *(offer.sha256, offer.line, state),
        )

    def forget(self, key: str) -> None:
        self._run("DELETE FROM item WHERE key = ?", key)

    def next(self, now: int, *, urgent: bool = False) -> Item | None:
        """Return what is to be sent now, or None. ``urgent``: ledger only."""
        found = self._items(
            "state IN ('queued', 'sending', 'held') AND next_try <= ? AND next_try >= 0 AND rank <= ?"
            " ORDER BY rank, age, key LIMIT 1",
            *(now, Rank.LEDGER if urgent else Rank.NORMAL),
        )
        return found[0] if found else None

    def next_due(self) -> int | None:
        """Return when the next item is due, or None if nothing waits."""
        query = (
            "SELECT min(next_try) FROM item WHERE state IN ('queued', 'sending', 'held') AND next_try >= 0"
        )
        due: int | None = self._rows(query)[0][0]
        return due

    def get(self, key: str) -> Item | None:
        found = self._items("key = ?", key)
        return found[0] if found else None

    def unanswered(self, limit: int = 10_000) -> list[Item]:
        """Return recordings that were delivered and have no verified receipt, those never answered first."""
        return self._items(
            "kind = 'recording' AND (state = 'delivered' OR state = 'held' AND answer != '')"
            " ORDER BY answer != '', age, key LIMIT ?",
            limit,
        )

    def awaiting(self, limit: int) -> list[str]:
        """Return the recordings that lie at the centre and wait for a receipt, the newest first."""
        query = (
            "SELECT key FROM item WHERE kind = 'recording' AND state = 'delivered'"
            " ORDER BY age DESC, key DESC LIMIT ?"
        )
        return [key for (key,) in self._rows(query, limit)]

    def unsigned(self, lines: int) -> list[Item]:
        """Return pieces and checkpoints that were delivered and lie beyond the ``lines`` that are countersigned."""
        return self._items(
            "kind != 'recording' AND state = 'delivered' AND line >= ? ORDER BY age, key", lines
        )

    def held(self, limit: int = 100) -> list[Item]:
        return self._items("state = 'held' ORDER BY age, key LIMIT ?", limit)

    def request(self, key: str) -> None:
        """The centre wants this recording before others."""
        self._run("UPDATE item SET rank = ? WHERE key = ? AND rank > ?", Rank.REQUESTED, key, Rank.REQUESTED)

    def begin(self, key: str, part: str) -> None:
        """A new file of this name was begun at the centre."""
        self._run("UPDATE item SET state = 'sending', part = ?, synced = 0 WHERE key = ?", part, key)

    def mark(self, key: str, part: str, synced: int) -> None:
        """So many bytes of ``part`` are synced at the centre."""
        self._run("UPDATE item SET synced = ? WHERE key = ? AND part = ?", synced, key, part)

    def delivered(self, key: str, now: int) -> None:
        self._run(
            "UPDATE item SET state = 'delivered', delivered = ?, attempts = 0, next_try = 0, reason = ''"
            " WHERE key = ?",
            *(max(now, 1), key),
        )

    def receipted(self, key: str) -> None:
        """edged has verified a receipt. One from before the centre lost the recording does not count."""
        self._run("UPDATE item SET state = 'receipted', reason = '' WHERE key = ? AND again = 0", key)

    def answered(self, key: str, sha256: str) -> None:
        """A receipt was fetched; whether it is genuine the station decides."""
        self._run(
            "UPDATE item SET answer = ?, state = 'delivered', reason = '', again = 0 WHERE key = ?",
            sha256,
            key,
        )

    def retry(self, key: str, at: int, reason: str) -> None:
        """It failed this time; it stays in the queue."""
        self._run(
            "UPDATE item SET state = 'queued', attempts = attempts + 1, next_try = ?, reason = ? WHERE key = ?",
            *(at, reason, key),
        )

    def hold(self, key: str, reason: str, *, again_at: int = -1, answer: str = "") -> None:
        """It is not accepted. ``again_at`` -1: not before a person did something."""
        self._run(
            "UPDATE item SET state = 'held', attempts = attempts + 1, next_try = ?, reason = ?, answer = ?"
            " WHERE key = ?",
            *(again_at, reason, answer, key),
        )

    def offer_again(self, key: str) -> None:
        """Queue anew what was delivered and is not there any more."""
        self._run("UPDATE item SET state = 'queued', next_try = 0, answer = '', again = 1 WHERE key = ?", key)

    def offer_all_again(self, from_line: int) -> None:
        """The centre lost what it had: queue every recording, and the ledger from this line on."""
        self._run(
            "UPDATE item SET state = 'queued', next_try = 0, answer = '', again = 1"
            " WHERE state IN ('delivered', 'receipted') AND kind = 'recording'"
        )
        self._run("DELETE FROM item WHERE kind != 'recording' AND line >= ?", from_line)
        self._run("UPDATE mark SET line = min(line, ?)", from_line)

    def ledger_done(self) -> int:
        """Return how many lines of the ledger the centre has countersigned; what they fill needs no sending."""
        return int(self._rows("SELECT line FROM mark")[0][0])

    def settle_ledger(self, lines: int) -> None:
        """The centre has countersigned so many lines: forget the pieces and checkpoints they fill.

        Not those that found other bytes under their name: they are the other history of a dock that was cloned,
        and the centre has to see both.
        """
        self._run("UPDATE mark SET line = max(line, ?)", lines)
        self._run("DELETE FROM item WHERE kind != 'recording' AND line < ? AND state != 'held'", lines)

    def count(self) -> dict[State, int]:
        """Return how many recordings are in each state."""
        query = "SELECT state, count(*) FROM item WHERE kind = 'recording' GROUP BY state"
        found = {State(state): count for state, count in self._rows(query)}
        return {state: found.get(state, 0) for state in State}

    def waiting_bytes(self) -> int:
        query = "SELECT coalesce(sum(size), 0) FROM item WHERE state IN ('queued', 'sending')"
        return int(self._rows(query)[0][0])

    def oldest_unanswered(self) -> int:
        """Return when the oldest unanswered recording was delivered; 0: none."""
        query = (
            "SELECT coalesce(min(delivered), 0) FROM item WHERE kind = 'recording' AND state = 'delivered'"
        )
        return int(self._rows(query)[0][0])

    def _items(self, where: str, *values: object) -> list[Item]:
        query = _ITEMS + where
        return [
            Item(
                key=row[0],
                kind=Kind(row[1]),
                folder=row[2],
                rank=Rank(row[3]),
                age=row[4],
                size=row[5],
                sha256=row[6],
                line=row[7],
                state=State(row[8]),
                attempts=row[9],
                next_try=row[10],
                part=row[11],
                synced=row[12],
                delivered=row[13],
                answer=row[14],
                reason=row[15],
            )
            for row in self._rows(query, *values)
        ]

    def _rows(self, query: str, *values: object) -> list[Any]:
        with _translated(self._path):
            return self._db.execute(query, values).fetchall()

    def _run(self, query: str, *values: object) -> None:
        with _translated(self._path):
            self._db.execute(query, values)


def _open(path: str) -> sqlite3.Connection:
    """Open the file as ours. sqlite3.Error for whatever is not."""
    # In-process only and no threads: the courier is one task. Each statement is a transaction.
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1.0)
    try:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA journal_mode = TRUNCATE")
        db.execute("PRAGMA synchronous = NORMAL")
        if db.execute("PRAGMA quick_check").fetchall() != [("ok",)]:
            raise sqlite3.DatabaseError("damaged")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            db.execute(_TABLE)
            db.execute(_INDEX)
            db.execute(_MARK)
            db.execute("INSERT INTO mark VALUES (0)")
            db.execute(f"PRAGMA user_version = {SCHEMA}")
        elif version != SCHEMA:
            raise sqlite3.DatabaseError("another version")
    except sqlite3.Error:
        db.close()
        raise
    return db


def _discard(path: str) -> None:
    """Put a queue that cannot be used aside, for whoever wants to know why; the one before goes."""
    for suffix in ("-journal", "-wal", "-shm"):
        Path(path + suffix).unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError):
        Path(path).replace(path + ".damaged")


@contextlib.contextmanager
def _translated(path: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as exc:
        raise QueueError(path=path, reason=str(exc)[:200]) from exc


class QueueError(DiskError):
    """The queue's file failed; open a new one."""
