"""Keeps the search store in step with the ledger; the only writer of that store."""

import asyncio
from collections.abc import Iterable
from itertools import islice

from edged.formats.line import Line
from edged.ledger.book import Book
from edged.projections.store import Entry, LogQuery, ProjectionStore, entry_of
from edged.station.recorder import Recorder

BATCH = 500  # lines a transaction


class Projector:
    """``run`` is its task. The store is a view: when it fails it is dropped and made again."""

    def __init__(self, store: ProjectionStore, book: Book, recorder: Recorder) -> None:
        self._store, self._book, self._recorder = store, book, recorder
        self._done = 0
        self._caught_up = asyncio.Condition()
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        try:
            self._done = await self._store.open(self._book.commissioned.station_key)
            while True:
                await self._listen()
        finally:
            await self._store.close()

    async def _listen(self) -> None:
        """Enter what is there and then what is told, until the store has lagged too far behind to be told."""
        lines = self._recorder.listen()
        try:
            await self._catch_up()
            async for line in lines:
                await self._enter([line, *lines.waiting()])
        finally:
            lines.close()

    async def search(self, query: LogQuery) -> list[str]:
        """As the store's, with every line that is durable now."""
        await self._wait(self._book.size)
        return list(await self._store.search(query))

    async def rebuild(self) -> int:
        """Drop the view and make it again from the ledger; return the number of lines."""
        async with self._turn:
            await self._store.drop()
            self._done = 0
        await self._catch_up()
        return self._done

    async def _enter(self, told: Iterable[Line]) -> None:
        """What was told need not be read from the files, if it follows what the store has."""
        async with self._turn:
            new = [line for line in told if line.seq >= self._done]
            follows = bool(new) and new[0].seq == self._done
            if follows:
                await self._add([entry_of(line) for line in new])
        if new and not follows:
            await self._catch_up()

    async def _catch_up(self) -> None:
        async with self._turn:
            while self._done < self._book.size and (entries := await asyncio.to_thread(self._next)):
                await self._add(entries)
            await self._tell()

    async def _add(self, entries: list[Entry]) -> None:
        await self._store.add(entries)
        self._done = entries[-1].seq + 1
        await self._tell()

    async def _tell(self) -> None:
        async with self._caught_up:
            self._caught_up.notify_all()

    def _next(self) -> list[Entry]:
        lines = self._book.lines(self._done, strict=self._book.trouble is None)
        return [entry_of(line) for line in islice(lines, BATCH)]

    async def _wait(self, size: int) -> None:
        try:
            async with asyncio.timeout(10), self._caught_up:
                await self._caught_up.wait_for(lambda: self._done >= size)
        except TimeoutError:
            return  # the answer says how far it reaches
