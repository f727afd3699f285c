"""The driver against a simulated badge reader, in virtual time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from drivers.reader import FRESH_S, QUEUE, REPEATED, VOID, Reader, Tap
from edged.errors import EdgeError, ErrorCode, LinkGoneError
from firmware_protocol.reader import messages as m
from firmware_protocol.session import Refusal
from simulators.faulty_link import CABLES, Cable, Faults, Line
from tests.drivers.serial_world import KEY, OTHER_KEY, SeededRandom, reader_line, virtual

A, B = bytes.fromhex("04a1b2c3"), bytes.fromhex("0402030405060708")


@asynccontextmanager
async def talk(line: Line, *, seed: int = 1) -> AsyncIterator[Reader]:
    async with Reader.open(await line.open(), key=KEY, random=SeededRandom(seed)) as it:
        yield it


async def taps(reader: Reader, for_s: float = 3.0) -> list[Tap]:
    got: list[Tap] = []
    with suppress(TimeoutError):
        async with asyncio.timeout(for_s):
            while True:
                got.append(await reader.next_tap())
    return got


@virtual
async def test_a_badge_arrives_with_kind_number_and_count() -> None:
    sim, line = reader_line(serial="R-5")
    async with talk(line) as it:
        sim.present(A, m.CardKind.DESFIRE_ID)
        tap = await it.next_tap()
    assert tap == Tap(kind="desfire-id", uid=A, presentation=1)
    assert (it.hello.serial, it.hello.presentations) == ("R-5", 0)


def test_the_number_of_a_badge_stands_in_no_log() -> None:
    assert "04a1" not in repr(Tap(kind="em4100", uid=A, presentation=1)).lower()
    assert str(A) not in repr(Tap(kind="em4100", uid=A, presentation=1))


@pytest.mark.fault("B09", "two badges in 50 ms are two taps one after the other, never a mixture")
@virtual
async def test_two_badges_at_once_are_serialised() -> None:
    sim, line = reader_line()
    async with talk(line) as it:
        sim.present(A)
        await asyncio.sleep(0.05)
        sim.present(B)
        await asyncio.sleep(0.05)  # both wait to be fetched
        got = await taps(it)
    assert [(t.uid, t.presentation) for t in got] == [(A, 1), (B, 2)]


@pytest.mark.fault("B09", "two badges in the field at the same moment: the second is not read at all")
@virtual
async def test_a_collision_is_a_notice_and_no_badge() -> None:
    sim, line = reader_line()
    async with talk(line) as it:
        sim.lay(A)
        sim.lay(B)
        assert await it.next_notice() is m.NoticeKind.COLLISION
        assert [t.uid for t in await taps(it)] == [A]


@pytest.mark.fault("B10", "a badge that lies on the reader is one tap")
@virtual
async def test_a_badge_that_stays_is_one_tap() -> None:
    sim, line = reader_line()
    async with talk(line) as it:
        for _ in range(200):
            sim.lay(A)
            await asyncio.sleep(0.05)
        first = await taps(it)
        sim.take_away()
        sim.lay(A)  # a moment out of the field is no new presentation
        assert await taps(it) == []
        sim.take_away()
        await asyncio.sleep(0.5)
        sim.lay(A)
        second = await taps(it)
    assert len(first) == 0  # it was not fetched in time …
    assert [t.presentation for t in second] == [2]  # … and counts again only when presented again


@pytest.mark.fault("B10", "a reader that repeats a tap until it is seen still gives one tap")
@pytest.mark.parametrize("cable", CABLES, ids=lambda c: c.name)
@virtual
async def test_one_presentation_is_at_most_one_tap_over_every_cable(cable: Cable) -> None:
    sim, line = reader_line()
    async with talk(line) as it:
        assert line.link is not None
        line.link._up, line.link._down = Faults(cable), Faults(cable)  # it goes bad in mid-session
        got = []
        for n in range(20):
            sim.present(bytes([n, 0, 0, 0]))
            got += await taps(it, 1.5)
    numbers = [t.presentation for t in got]
    assert numbers == sorted(set(numbers))
    assert all(t.uid[0] == t.presentation - 1 for t in got)
    assert len(numbers) >= 15  # a lost tap costs another presentation, rarely


@pytest.mark.fault("B04", "a replayed reader frame is dropped and counted as old")
@virtual
async def test_a_replayed_tap_is_no_tap() -> None:
    sim, line = reader_line()
    async with talk(line) as it:
        assert line.link is not None
        sim.present(A)
        await it.next_tap()
        for frame in list(line.link.arrived):
            line.link.push(frame)
        assert await taps(it) == []
        assert it.rejected[Refusal.OLD] >= 1
        recorded = list(line.link.arrived)
    async with talk(line, seed=2) as it:
        assert line.link is not None
        for frame in recorded:
            line.link.push(frame)
        assert await taps(it) == []
        assert it.rejected[Refusal.FOREIGN] >= 1


@pytest.mark.fault("B08", "an unplugged reader ends the wait for a tap at once")
@virtual
async def test_an_unplugged_reader_ends_the_wait_at_once() -> None:
    _, line = reader_line()
    async with talk(line) as it:
        waiting = asyncio.create_task(it.next_tap())
        await asyncio.sleep(60)
        line.unplug()
        with pytest.raises(LinkGoneError):
            await waiting
        with pytest.raises(LinkGoneError):
            await it.signal(m.Show.IDLE)


@pytest.mark.fault("B08", "a reader that was swapped for one without the key is unmasked")
@virtual
async def test_a_swapped_reader_is_foreign() -> None:
    _, line = reader_line(key=OTHER_KEY)
    with pytest.raises(EdgeError) as caught:
        async with talk(line):
            pass
    assert caught.value.code is ErrorCode.READER_FOREIGN


@virtual
async def test_a_reader_that_stops_its_heartbeat_is_silent() -> None:
    sim, line = reader_line()
    async with talk(line) as it:
        assert await taps(it, 60) == []
        sim.mute = True
        with pytest.raises(EdgeError) as caught:
            await it.next_tap()
    assert caught.value.code is ErrorCode.READER_SILENT


@virtual
async def test_a_reader_of_another_version_is_refused_with_both_versions() -> None:
    _, line = reader_line(versions=range(3, 4))
    with pytest.raises(EdgeError) as caught:
        async with talk(line):
            pass
    assert caught.value.code is ErrorCode.READER_VERSION
    assert caught.value.detail == {"station": "1..1", "reader": 3}


@virtual
async def test_the_reader_shows_and_sounds_once_what_it_is_told() -> None:
    sim, line = reader_line()
    async with talk(line) as it:
        sim.swallow = 1  # the answer is lost, the sound is not repeated
        await it.signal(m.Show.REFUSED)
        await it.signal(m.Show.IDLE)
    assert sim.sounded == [m.Show.IDLE, m.Show.REFUSED, m.Show.IDLE]


@pytest.mark.fault("Z08", "a tap that nobody fetched in time counts for nothing")
@virtual
async def test_a_stale_tap_counts_for_nothing() -> None:
    sim, line = reader_line()
    async with talk(line) as it:
        sim.present(A)
        await asyncio.sleep(FRESH_S + 0.1)
        sim.present(B)
        assert (await it.next_tap()).uid == B
        assert it.rejected[VOID] == 1


@virtual
async def test_a_tap_from_before_the_session_counts_for_nothing() -> None:
    sim, line = reader_line()
    sim.present(A)
    async with talk(line) as it:
        sim.mute = True
        sim.present(B)
    sim.mute = False
    async with talk(line, seed=2) as it:
        assert await taps(it) == []
        assert it.hello.presentations == 2


@virtual
async def test_a_flood_of_taps_is_bounded() -> None:
    sim, line = reader_line()
    async with talk(line) as it:
        for n in range(1000):
            sim.present(n.to_bytes(4, "big"))
            sim.notice(m.NoticeKind.TAMPER)
            await asyncio.sleep(0)
        await asyncio.sleep(1)
        assert len(it._taps) <= QUEUE
        assert len(it._notices) <= QUEUE
        assert [t.presentation for t in await taps(it, 1)][-1] == 1999
        assert it.rejected[REPEATED] == 0


@pytest.mark.fault("B04", "frames of a reader do not pass on a dock's line and the other way round")
@virtual
async def test_a_reader_is_no_dock() -> None:
    from drivers.dock_controller import DockController

    _, line = reader_line()
    with pytest.raises(EdgeError) as caught:
        async with DockController.open(await line.open(), key=KEY, random=SeededRandom()):
            pass
    assert caught.value.code is ErrorCode.DOCK_SILENT
