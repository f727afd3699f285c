"""Times that come twice: the hour at the end of summer time, the second that a leap second repeats."""

import pytest

from edged.formats import facts as f
from edged.formats import times
from edged.slots.state import State
from tests.world.loop import story
from tests.world.persons import OLENA
from tests.world.world import World

pytestmark = pytest.mark.slow  # many steps each; the fast part keeps the main stories

S = 1_000_000_000
HOUR_S = 3600.0
AUTUMN = times.parse_ns("2026-10-25T00:20:00.000Z")  # 03:20 in Kyiv; at 04:00 the clocks go back to 03:00
NEW_YEAR = times.parse_ns("2026-12-31T23:59:30.000Z")


def begin(monkeypatch: pytest.MonkeyPatch, moment_ns: int) -> None:
    """Let worlds begin at this moment, their rosters with them."""
    monkeypatch.setattr("tests.world.loop.START_NS", moment_ns)
    monkeypatch.setattr("tests.world.persons.START_NS", moment_ns)


def off_ns(sealed: f.RecordingSealed, made_ns: int) -> int:
    """How far what the fact says of a recording's end is from the truth."""
    return abs(times.parse_ns(sealed.true_time) - made_ns)


@pytest.mark.fault(
    "C04", "in the hour that comes twice one name, size and time are two recordings, with true times in UTC"
)
@story
async def test_the_same_clip_an_hour_apart_at_the_end_of_summer_time(monkeypatch: pytest.MonkeyPatch) -> None:
    begin(monkeypatch, AUTUMN)
    async with World.open() as world:
        world.add("K000001")
        made: list[int] = []
        for content in (b"a" * 5000, b"b" * 5000):
            # The same minute by a clock on the wall, and half a second beside what a card rounds to.
            await world.passes(60.5 + len(made) * HOUR_S - world.loop.time())
            made.append(world.time.wall_ns())
            world.record("K000001", "CLIP0001.MP4", content)
            world.insert("K000001", 1)
            await world.until_cleared("K000001")
            world.tap(OLENA.badge)
            await world.take(1)
        first, second = world.facts(f.RecordingSealed)
        assert first.mtime == second.mtime == "2026-10-25T03:21:00"
        assert first.recording != second.recording
        for sealed, at in zip((first, second), made, strict=True):
            assert off_ns(sealed, at) < 3 * S
        assert first.uncertainty_ms < 5_000
        assert second.uncertainty_ms > 3_600_000  # it may be of the first of the two hours as well
        assert all(abs(m.offset_ms) < 2000 for m in world.facts(f.ClockMeasured))
        assert not world.facts(f.ClockCorrected)
        written = [line.time for line in world.station.book.lines()]
        assert written == sorted(written)


@pytest.mark.fault(
    "C04", "a second that comes twice in mid-offload costs no recording its own name and order"
)
@story
async def test_a_second_that_comes_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    begin(monkeypatch, NEW_YEAR)
    async with World.open() as world:
        world.add("K000001", {f"CLIP{n:04}.MP4": bytes([n]) * 60_000 for n in range(20)})
        world.fault("K000001", bytes_per_s=20_000)
        world.insert("K000001", 1)
        await world.until(lambda: world.time.wall_ns() >= NEW_YEAR + 30 * S)
        assert world.state(1) is State.OFFLOADING
        world.clock.off_s -= 1.0
        await world.until_cleared("K000001")
        sealed = world.facts(f.RecordingSealed)
        assert len({s.recording for s in sealed}) == 20
        assert {s.folder for s in sealed} == {
            "2026/12/31",
            "2027/01/01",
        }  # by UTC; in Kyiv it is two hours later
        assert not world.facts(f.OffloadInterrupted)
