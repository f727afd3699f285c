"""The store on SQLite, through aiosqlite.

One process owns the file; only ``Projector`` writes. A cancelled task would leave aiosqlite's shared connection
inside its transaction, so transactions run shielded and to their end.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import aiosqlite

from edged.errors import DiskError, ErrorCode
from edged.projections.store import Entry, LogQuery

SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE entry (
    seq INTEGER PRIMARY KEY, time TEXT NOT NULL, type TEXT NOT NULL, actor TEXT NOT NULL, person TEXT NOT NULL,
    camera TEXT NOT NULL, slot INTEGER NOT NULL, recording TEXT NOT NULL, line TEXT NOT NULL
) STRICT;
CREATE INDEX entry_person ON entry (person, seq) WHERE person <> '';
CREATE INDEX entry_camera ON entry (camera, seq) WHERE camera <> '';
CREATE INDEX entry_recording ON entry (recording, seq) WHERE recording <> '';
CREATE INDEX entry_time ON entry (time);
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
"""
_COLUMNS = "seq, time, type, actor, person, camera, slot, recording, line"
_WHERE = (
    ("since", "time >= ?"),
    ("until", "time < ?"),
    ("person", "person = ?"),
    ("camera", "camera = ?"),
    ("slot", "slot = ?"),
    ("recording", "recording = ?"),
)


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
        await asyncio.shield(self._add(entries))

    async def search(self, query: LogQuery) -> Sequence[Entry]:
        clauses = [(clause, value) for name, clause in _WHERE if (value := getattr(query, name))]
        if query.type:
            clauses.append(("(type = ? OR type LIKE ?)", query.type))
        where = " AND ".join(clause for clause, _ in clauses) or "1"
        values = [value for _, value in clauses]
        if query.type:
            values.append(query.type + ".%")
        # Only fixed words of _WHERE reach the statement's text; every value is bound.
        sql = f"SELECT {_COLUMNS} FROM entry WHERE {where} ORDER BY seq DESC LIMIT ?"  # noqa: S608
        async with self._lock, self._connection().execute(sql, (*values, query.limit)) as cursor:
            rows = await cursor.fetchall()
        return [Entry(*row) for row in reversed(list(rows))]

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
                    "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    [
                        (e.seq, e.time, e.type, e.actor, e.person, e.camera, e.slot, e.recording, e.line)
                        for e in entries
                    ],
                )
            except BaseException:
                await db.execute("ROLLBACK")
                raise
            await db.execute("COMMIT")
