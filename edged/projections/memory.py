"""The store without a file, for tests and the simulated world."""

from collections.abc import Sequence

from edged.projections.store import Entry, LogQuery


class MemoryStore:
    """See ``ProjectionStore``."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._origin = ""

    async def open(self, origin: str) -> int:
        if origin != self._origin:
            self._entries.clear()
            self._origin = origin
        return len(self._entries)

    async def add(self, entries: Sequence[Entry]) -> None:
        self._entries += entries

    async def search(self, query: LogQuery) -> Sequence[str]:
        return [e.line for e in self._entries if matches(e, query)][-query.limit :]

    async def drop(self) -> None:
        self._entries.clear()

    async def close(self) -> None:
        pass


def matches(entry: Entry, query: LogQuery) -> bool:
    """Whether the query wants this entry: the meaning that every store must have."""
    return (
        (not query.since or entry.time >= query.since)
        and (not query.until or entry.time < query.until)
        and set(query.wanted()) <= set(entry.keys)
        and (not query.type or entry.type == query.type or entry.type.startswith(query.type + "."))
    )
