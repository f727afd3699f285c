"""Writes facts: into the ledger first, then into the station's state, then to whoever listens."""

import asyncio

from edged.formats.facts import Fact
from edged.formats.line import Line
from edged.ledger.book import Book
from edged.station_state import StationState

LISTENER_LINES = 4096  # lines that a slow listener may lag behind before it is dropped


class Recorder:
    """The one way to state a fact. ``state`` holds exactly what is durable."""

    def __init__(self, book: Book, state: StationState) -> None:
        self._book = book
        self.state = state
        self._listeners: set[asyncio.Queue[Line | None]] = set()
        book.subscribe(self._take)

    async def record(self, fact: Fact, actor: str = "station") -> Line:
        """Return once the fact is durable and part of ``state``.

        Raises:
            EdgeError: the ledger cannot take it (LEDGER_CORRUPT, DISK_FULL, …); nothing was announced.
        """
        return await self._book.append(fact, actor)

    def listen(self) -> "Subscription":
        """Every line from now on; a listener that lags too far behind is ended, never waited for."""
        queue: asyncio.Queue[Line | None] = asyncio.Queue()
        self._listeners.add(queue)
        return Subscription(queue, self._listeners)

    def _take(self, line: Line) -> None:
        self.state.apply(line)
        for queue in tuple(self._listeners):
            if queue.qsize() >= LISTENER_LINES:
                self._listeners.discard(queue)
                queue.put_nowait(None)
            else:
                queue.put_nowait(line)


class Subscription:
    """``async for line in subscription``; ends when the listener lagged too far behind."""

    def __init__(self, queue: asyncio.Queue[Line | None], registry: set[asyncio.Queue[Line | None]]) -> None:
        self._queue = queue
        self._registry = registry

    def __aiter__(self) -> "Subscription":
        return self

    async def __anext__(self) -> Line:
        line = await self._queue.get()
        if line is None:
            raise StopAsyncIteration
        return line

    def waiting(self) -> list[Line]:
        """What is there already, without waiting."""
        lines: list[Line] = []
        while not self._queue.empty():
            line = self._queue.get_nowait()
            if line is not None:
                lines.append(line)
        return lines

    def close(self) -> None:
        self._registry.discard(self._queue)
