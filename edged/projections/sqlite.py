"""The store on SQLite, through aiosqlite.

One process owns the file; only ``Projector`` writes. A cancelled task would leave aiosqlite's shared connection
inside its transaction, so transactions run shielded and to their end.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain, repeat
from pathlib import Path

import aiosqlite

from edged.errors import DiskError, ErrorCode
from edged.projections.store import Entry, LogQuery
from edged.stopping import carried_on

SCHEMA_VERSION = 2
_SCHEMA = """
CREATE TABLE entry (
    seq INTEGER PRIMARY KEY, time TEXT NOT NULL, type TEXT NOT NULL, line TEXT NOT NULL
) STRICT;
CREATE INDEX entry_time ON entry (time);
CREATE TABLE key (
    kind TEXT NOT NULL, value TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (kind, value, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
"""
_KEY = "key.kind = ? AND key.value = ?"
_ANOTHER_KEY = "entry.seq IN (SELECT seq FROM key WHERE kind = ? AND value = ?)"


class SqliteStore:
    """See ``ProjectionStore``."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._db: aiosqlite.Connection | None = None
        self._lock = asyncio.Lock()
        self._origin = ""

    async def open(self, origin: str) -> int:
        self._origin = origin
        try:
            return await self._open_existing()
        except (sqlite3.Error, ValueError):
            await self._forget_file()
        try:
            return await self._begin()
        except sqlite3.Error as exc:
            raise DiskError(ErrorCode.DISK_FAULT, path=self._path, reason=str(exc)) from exc

    async def add(self, entries: Sequence[Entry]) -> None:
        # Shielded: half a transaction must not wait in the connection for the next writer.
        await asyncio.shield(carried_on(self._add(entries)))

    async def search(self, query: LogQuery) -> Sequence[str]:
        clauses, values = _where(query)
        # From the newest line of one key backwards: what lies before the last one wanted costs nothing.
        tables = "key CROSS JOIN entry ON entry.seq = key.seq" if query.wanted() else "entry"
        first = "key" if query.wanted() else "entry"
        # Only the fixed words of here and of _where reach the statement's text; every value is bound.
        sql = f"SELECT line FROM {tables} WHERE {clauses} ORDER BY {first}.seq DESC LIMIT ?"  # noqa: S608
        async with self._lock, self._connection().execute(sql, (*values, query.limit)) as cursor:
            rows = await cursor.fetchall()
        return [str(row[0]) for row in reversed(list(rows))]

    async def drop(self) -> None:
        async with self._lock:
            await self._forget_file()
            await self._begin()

    async def close(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            await db.close()

    def _connection(self) -> aiosqlite.Connection:
        if self._db is None:
            raise RuntimeError("the store is not open")
        return self._db

    async def _connect(self) -> aiosqlite.Connection:
        self._db = await aiosqlite.connect(self._path, isolation_level=None)
        # Rebuildable, so speed before durability: a damaged file is dropped at the next start.
        await self._db.execute("PRAGMA journal_mode=TRUNCATE")
        await self._db.execute("PRAGMA synchronous=NORMAL")
        return self._db

    async def _open_existing(self) -> int:
        if not Path(self._path).exists():  # noqa: ASYNC240  # one stat at start, before anything runs
            raise ValueError("no file")
        db = await self._connect()
        async with db.execute("PRAGMA quick_check(1)") as cursor:
            if await cursor.fetchone() != ("ok",):
                raise ValueError("damaged")
        async with db.execute("SELECT key, value FROM about") as cursor:
            about = {str(row[0]): row[1] for row in await cursor.fetchall()}
        if about != {"schema": str(SCHEMA_VERSION), "origin": self._origin}:
            raise ValueError("another schema or another ledger")
        async with db.execute("SELECT count(*), coalesce(max(seq) + 1, 0) FROM entry") as cursor:
            row = await cursor.fetchone()
        if row is None or row[0] != row[1]:
            raise ValueError("a gap")
        return int(row[0])

    async def _begin(self) -> int:
        db = await self._connect()
        await db.executescript(_SCHEMA)
        await db.executemany(
            "INSERT INTO about VALUES (?, ?)", [("schema", str(SCHEMA_VERSION)), ("origin", self._origin)]
        )
        return 0

    async def _forget_file(self) -> None:
        await self.close()
        for suffix in ("", "-journal", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                Path(self._path + suffix).unlink()  # noqa: ASYNC240  # as above; a view, never evidence

    async def _add(self, entries: Sequence[Entry]) -> None:
        async with self._lock:
            db = self._connection()
            await db.execute("BEGIN IMMEDIATE")
            try:
                await db.executemany(
                    "INSERT INTO entry VALUES (?, ?, ?, ?)",
                    [(e.seq, e.time, e.type, e.line) for e in entries],
                )
                await db.executemany(
                    "INSERT INTO key VALUES (?, ?, ?)", [(*key, e.seq) for e in entries for key in e.keys]
                )
            except BaseException:
                await db.execute("ROLLBACK")
                raise
            await db.execute("COMMIT")


def _where(query: LogQuery) -> tuple[str, list[str]]:
    """The condition and the values for its places. The meaning is that of `edged.projections.memory.matches`."""
    clauses_of_keys = chain([_KEY], repeat(_ANOTHER_KEY))
    asked: list[tuple[str, tuple[str, ...]]] = list(zip(clauses_of_keys, query.wanted(), strict=False))
    if query.since:
        asked.append(("time >= ?", (query.since,)))
    if query.until:
        asked.append(("time < ?", (query.until,)))
    if query.type:
        asked.append(("(type = ? OR instr(type, ? || '.') = 1)", (query.type, query.type)))
    clauses = " AND ".join(clause for clause, _ in asked) or "1"
    return clauses, [value for _, values in asked for value in values]
