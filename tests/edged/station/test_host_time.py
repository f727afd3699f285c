"""What the host's clocks do to a running station: steps, sleep, an hour that comes twice, weeks without the time."""

from typing import Any

import pytest

from edged.errors import ErrorCode
from edged.formats import facts as f
from edged.formats import times
from edged.ports import ClockClass
from edged.slots.state import Event, State
from tests.world.loop import story
from tests.world.persons import OLENA, roster
from tests.world.world import AUTHORITY, LISTED, World

pytestmark = pytest.mark.slow  # many steps each; the fast part keeps the main stories

FILM = b"".join(n.to_bytes(8, "big") for n in range(200_000))
HOUR_S = 3600.0


@pytest.mark.fault("C03", "a step back in mid-transfer interrupts no copy and delays no retry")
@story
async def test_a_step_back_in_mid_transfer() -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.change("K000001", recording=True)  # it does not stop: a retry will be due
        world.insert("K000001", 1)
        await world.until_slot(1, State.HOLDING)
        world.add("K000002", {"CLIP0001.MP4": FILM})
        world.fault("K000002", bytes_per_s=200_000)
        world.insert("K000002", 2)
        await world.until_slot(2, State.OFFLOADING)
        await world.passes(5)
        world.clock.off_s = -HOUR_S
        world.change("K000001", recording=False)
        await world.until(lambda: any(r.camera == "K000001" for r in world.facts(f.RecordingSealed)), 120)
        await world.until_cleared("K000002")
        assert not world.facts(f.OffloadInterrupted)
        assert world.alerts() == {"centre-clock"}  # and the centre contradicts such a clock


@pytest.mark.fault(
    "C05", "after eight hours of sleep what was due is done once, not once for every time missed"
)
@story
async def test_a_host_that_slept_does_once_what_was_due() -> None:
    async with World.open() as world:
        world.add("K000001")
        world.insert("K000001", 1)
        await world.until_slot(1, State.READY)
        world.add("K000002", {"CLIP0001.MP4": FILM})
        world.change("K000002", recording=True)
        world.insert("K000002", 2)
        await world.until_slot(2, State.HOLDING)
        await world.passes(700)
        fed: list[tuple[int, Event]] = []
        for slot in (1, 2):
            _overhear(world, slot, fed)
        world.time.sleeps(8 * HOUR_S)
        await world.passes(120)
        assert fed.count((1, Event.CHECK_DUE)) == 1
        assert fed.count((2, Event.OFFLOAD_DUE)) == 1
        assert world.state(1) is State.READY
        assert not world.alerts()


def _overhear(world: World, slot: int, fed: list[tuple[int, Event]]) -> None:
    keeper = world.unit(slot).keeper
    feed = keeper.feed

    def both(event: Event, **more: Any) -> None:
        fed.append((slot, event))
        feed(event, **more)

    keeper.feed = both  # type: ignore[method-assign]  # overheard


@pytest.mark.fault(
    "C05", "after eight hours of sleep every line and every camera is met again, and the copy goes on"
)
@story
async def test_a_host_that_slept_meets_everything_again() -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.fault("K000001", bytes_per_s=200_000)
        world.insert("K000001", 1)
        await world.until_slot(1, State.OFFLOADING)
        await world.passes(3)
        world.time.sleeps(8 * HOUR_S)
        for line in world.lines.values():  # what sleeps loses its bus, and finds everything on it anew
            assert line.link is not None
            line.link.die("suspended")
        world.bus.power("1-1.1", False)
        await world.passes(1)
        world.bus.power("1-1.1", True)
        await world.until_cleared("K000001")
        assert len(world.facts(f.RecordingSealed)) == 1
        assert not world.facts(f.SlotForcedOpen)
        assert [line.opened for line in world.lines.values()] == [2, 2]
        await world.until(lambda: not world.alerts(), 30)
        world.tap(OLENA.badge)
        await world.take(1)


@pytest.mark.fault(
    "C06", "a clock that somebody shifts slowly raises an alarm once it contradicts the centre's receipts"
)
@pytest.mark.parametrize("shift_s", [150.0, -150.0], ids=["ahead", "back"])
@story
async def test_a_clock_that_is_shifted_slowly(shift_s: float) -> None:
    async with World.open() as world:
        world.add("K000001")
        for shift in range(1, 7):
            world.clock.off_s = shift * shift_s  # and the kernel goes on saying that it is synchronised
            world.record("K000001", "CLIP0001.MP4", FILM[shift:10_000])
            world.insert("K000001", 1)
            await world.until_cleared("K000001")
            confirmed = times.parse_ns(world.facts(f.RecordingConfirmed)[-1].placed_at)
            assert (
                abs(confirmed - world.time.wall_ns()) < 120 * 10**9
            )  # whatever the host says, this bounds it
            assert ("centre-clock" in world.alerts()) == (abs(world.clock.off_s) > 601)
            world.tap(OLENA.badge)
            await world.take(1)
            await world.passes(60)
        assert world.clock.now().clock is ClockClass.SYNCHRONISED


def _begin_in_1970(world: World) -> None:
    """The battery of its clock is dead: each start is in 1970, and nobody says otherwise."""
    world.clock.off_s = -world.time.wall_ns() / 1e9
    world.clock.unknown()


@pytest.mark.fault("C08", "weeks without time or network keep their order; receipts say later how late it is")
@story
async def test_weeks_without_the_time() -> None:
    async with World.open(boot=False, slots=3) as world:
        world.publish(roster(AUTHORITY, 1, hours=(-24.0, 24.0 * 15)))
        world.centre.open = False
        for slot, camera in enumerate(LISTED, 1):
            if world.running is not None:
                await world.crash()
                world.time.sleeps(10 * 24 * HOUR_S)
            _begin_in_1970(world)
            await world.boot()
            world.add(camera, {"CLIP0001.MP4": FILM[slot:10_000]})
            world.insert(camera, slot)
            await world.until_slot(slot, State.READY)
        lines = list(world.station.book.lines())[1:]
        assert {(line.stamp.clock, line.stamp.max_error_ns) for line in lines} == {("unknown", None)}
        moments = [(line.boot_id, line.stamp.boottime_ns) for line in lines]
        assert moments == sorted(moments)  # the world numbers its boots
        assert len({boot for boot, _ in moments}) == 3
        assert [sealed.camera for sealed in world.facts(f.RecordingSealed)] == list(LISTED)
        assert all(sealed.true_time == "" for sealed in world.facts(f.RecordingSealed))
        assert "roster-expired" not in world.alerts()  # as far as anybody here can know
        world.centre.open = True
        await world.until(lambda: len(world.facts(f.RecordingConfirmed)) == 3)
        await world.until(lambda: "roster-expired" in world.alerts(), 30)


@pytest.mark.fault(
    "C10", "a receipt from the host's future counts, and the contradiction is told with its size"
)
@story
async def test_a_receipt_from_the_future() -> None:
    async with World.open() as world:
        world.clock.off_s = -24 * HOUR_S
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.insert("K000001", 1)
        await world.until_cleared("K000001")
        (confirmed,) = world.facts(f.RecordingConfirmed)
        assert times.parse_ns(confirmed.placed_at) > world.clock.now().wall_ns
        alert = world.station.recorder.state.alerts["centre-clock"]
        assert alert.code == ErrorCode.CENTRE_CLOCK.number
        assert int(alert.detail["off_s"]) == pytest.approx(24 * HOUR_S, abs=600)
        assert "roster-expired" not in world.alerts()


@pytest.mark.fault(
    "C10", "where the host does not know the time, a receipt's is the least that it can be, at once"
)
@story
async def test_a_receipt_is_a_bound_where_nothing_else_is() -> None:
    async with World.open(boot=False) as world:
        _begin_in_1970(world)
        await world.boot()
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.insert("K000001", 1)
        await world.until(lambda: not world.aboard("K000001"))
        (confirmed,) = world.facts(f.RecordingConfirmed)
        assert world.station.lists.judged_ns() >= times.parse_ns(confirmed.placed_at)
        await world.crash()
        _begin_in_1970(world)
        await world.boot()
        assert world.station.lists.judged_ns() >= times.parse_ns(confirmed.placed_at)
