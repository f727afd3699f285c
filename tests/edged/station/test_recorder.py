"""What is stated while the ledger takes nothing."""

import asyncio
import errno

import pytest

from edged.errors import DiskError
from edged.station.recorder import Recorder
from edged.station_state import StationState
from tests.edged.ledger.station import Station, note, texts


def full(station: Station, times: int) -> None:
    station.fs.fail("write_at", errno.ENOSPC, path="current.jsonl", times=times)


async def test_what_has_happened_comes_first_as_soon_as_there_is_room() -> None:
    station = Station()
    book = await station.create()
    recorder = Recorder(book, StationState())
    full(station, 2)
    with pytest.raises(DiskError):
        await recorder.happened(note("gone"))
    with pytest.raises(DiskError):
        await recorder.record(note("wish"))  # refused, and not owed

    await recorder.record(note("next"))

    assert texts(book) == ["gone", "next"]
    await recorder.settle()
    assert texts(book) == ["gone", "next"]


async def test_a_cancelled_caller_leaves_one_line_and_not_two() -> None:
    station = Station()
    book = await station.create()
    recorder = Recorder(book, StationState())
    stating = asyncio.create_task(recorder.happened(note("gone")))
    await asyncio.sleep(0)
    stating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stating

    await recorder.record(note("next"))

    assert texts(book) == ["gone", "next"]


async def test_many_at_once_keep_their_order() -> None:
    station = Station()
    book = await station.create()
    recorder = Recorder(book, StationState())
    full(station, 5)
    stated = await asyncio.gather(
        *(recorder.happened(note(str(n))) for n in range(5)), return_exceptions=True
    )
    assert all(isinstance(result, DiskError) for result in stated)

    await recorder.settle()

    assert texts(book) == [*"01234"]


async def test_what_a_cancelled_caller_stated_is_seen_by_whoever_catches_up() -> None:
    station = Station()
    book = await station.create()
    state = StationState()
    recorder = Recorder(book, state)
    stating = [asyncio.create_task(recorder.record(note(str(n)))) for n in range(3)]
    await asyncio.sleep(0)
    for task in stating:
        task.cancel()
    await asyncio.gather(*stating, return_exceptions=True)

    await recorder.caught_up()

    assert texts(book) == [*"012"]
