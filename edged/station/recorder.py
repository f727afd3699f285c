"""Writes facts: into the ledger first, then into the station's state, then to whoever listens."""

import asyncio
from collections import deque

from edged.errors import FormatError
from edged.formats.facts import Fact
from edged.formats.line import Line
from edged.ledger.book import Book
from edged.station_state import StationState

LISTENER_LINES = 4096  # lines that a slow listener may lag behind before it is dropped
OWED_LIMIT = 100  # where a contact flaps for as long as the ledger takes nothing, the newest are kept


class Recorder:
    """The one way to state a fact. ``state`` holds exactly what is durable.

    What has happened in the world cannot be refused for want of space: it is owed, and comes before all else as soon
    as the ledger takes it. Without that the ledger would leave a camera with one officer while the next has it.
    """

    def __init__(self, book: Book, state: StationState) -> None:
        self._book = book
        self.state = state
        self._listeners: set[asyncio.Queue[Line | None]] = set()
        self._owed: deque[Fact] = deque(maxlen=OWED_LIMIT)
        self._settling = asyncio.Lock()
        book.subscribe(self._take)

    async def record(self, fact: Fact, actor: str = "station") -> Line:
        """Return once the fact is durable and part of ``state``.

        Raises:
            EdgeError: the ledger cannot take it (LEDGER_CORRUPT, DISK_FULL, …); nothing was announced.
        """
        await self.settle()
        return await self._book.append(fact, actor)

    async def happened(self, fact: Fact) -> None:
        """As `record`, for what is so whether it can be written now or not: it is owed until it is.

        Raises:
            EdgeError: the ledger cannot take it now.
        """
        self._owed.append(fact)
        await self.settle()

    async def settle(self) -> None:
        """Record what is owed. Raises as `record`."""
        if not self._owed:
            return
        async with self._settling:
            while self._owed:
                await self._settle(self._owed[0])

    async def caught_up(self) -> None:
        """Return once ``state`` holds all that was stated before, also by work that was stopped meanwhile. Raises as
        `record`: something is still owed."""
        await self._book.drained()
        await self.settle()

    async def _settle(self, fact: Fact) -> None:
        try:
            await self._book.append(fact)
        except (FormatError, asyncio.CancelledError):
            self._done(fact)  # a defect, and no reason to wait for ever; or the line is written all the same
            raise
        self._done(fact)

    def _done(self, fact: Fact) -> None:
        if self._owed and self._owed[0] is fact:  # not where newer ones have pushed it out
            self._owed.popleft()

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
            if line is None:
                self._queue.put_nowait(None)  # for whoever asks next: nothing more will come
                break
            lines.append(line)
        return lines

    def close(self) -> None:
        self._registry.discard(self._queue)
