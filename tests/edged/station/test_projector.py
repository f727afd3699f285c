"""The search store keeps step with the ledger, however slow it is."""

import asyncio
from collections.abc import Sequence

import pytest

from edged.projections.memory import MemoryStore
from edged.projections.store import Entry, LogQuery
from edged.station import recorder as recorders
from edged.station.projector import Projector
from edged.station.recorder import Recorder
from edged.station_state import StationState
from tests.edged.ledger.station import Station, note

EVERY = LogQuery(limit=100)


def reads(station: Station) -> int:
    return sum(call == "open" and path.endswith("current.jsonl") for call, path in station.fs.calls)


class SlowStore(MemoryStore):
    """Adds nothing before ``free`` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.free, self.asked = asyncio.Event(), asyncio.Event()

    async def add(self, entries: Sequence[Entry]) -> None:
        self.asked.set()
        await self.free.wait()
        await super().add(entries)


async def test_what_was_told_is_not_read_from_the_files_again() -> None:
    station = Station()
    book = await station.create()
    recorder = Recorder(book, StationState())
    projector = Projector(MemoryStore(), book, recorder)
    running = asyncio.create_task(projector.run())
    assert len(await projector.search(EVERY)) == book.size
    before = reads(station)

    for number in range(5):
        await recorder.record(note(f"line {number}"))

    assert len(await projector.search(EVERY)) == book.size
    assert reads(station) == before
    running.cancel()


async def test_a_store_that_lags_too_far_behind_catches_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorders, "LISTENER_LINES", 3)
    station = Station()
    book = await station.create()
    recorder = Recorder(book, StationState())
    store = SlowStore()
    projector = Projector(store, book, recorder)
    running = asyncio.create_task(projector.run())
    await store.asked.wait()
    for number in range(10):
        await recorder.record(note(f"line {number}"))
    store.free.set()

    assert len(await projector.search(EVERY)) == book.size
    await recorder.record(note("one more"))
    assert len(await projector.search(EVERY)) == book.size
    running.cancel()


async def test_it_is_made_again_from_the_files_while_lines_come_in() -> None:
    station = Station()
    book = await station.create()
    recorder = Recorder(book, StationState())
    projector = Projector(MemoryStore(), book, recorder)
    running = asyncio.create_task(projector.run())
    await recorder.record(note("before"))

    rebuilding = asyncio.create_task(projector.rebuild())
    await recorder.record(note("meanwhile"))

    assert await rebuilding >= 2
    found = await projector.search(EVERY)
    assert len(found) == len(set(found)) == book.size
    running.cancel()
