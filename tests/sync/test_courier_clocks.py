"""What the host's clocks do to a running transfer: steps change no deadline, a machine that slept goes on."""

import asyncio

import pytest

from tests.sync.test_courier import drive
from tests.sync.test_courier_faults import alerts, delivered
from tests.sync.world import World

HOUR = 3600
NS = 1_000_000_000
FILM = b"z" * 3_000_000


@pytest.mark.fault("C03", "a step in mid-transfer, back or forward, gives no transfer up")
@pytest.mark.parametrize("step_s", [-HOUR, HOUR])
def test_a_step_of_the_wall_clock_gives_no_transfer_up(step_s: int) -> None:
    world = World()
    recording = world.seal(FILM)
    world.centre.slow["write_at"] = 20.0

    def step() -> None:
        world.clock.wall_ns += step_s * NS

    world.centre.on("write_at", step, path=recording)
    drive(world, lambda: delivered(world))
    assert not world.logged("EDG-3109")
    assert world.there(recording) == FILM


@pytest.mark.fault("C03", "after a step a transfer that stalls is given up as soon as without one")
@pytest.mark.parametrize("step_s", [-HOUR, 0, HOUR])
def test_a_step_of_the_wall_clock_moves_no_deadline(step_s: int) -> None:
    world = World()
    recording = world.seal(FILM)
    stepped_at: list[float] = []

    def step() -> None:
        world.clock.wall_ns += step_s * NS
        world.centre.slow["write_at"] = 300.0  # 256 KiB in 300 s: less than the least rate
        stepped_at.append(asyncio.get_running_loop().time())

    def given_up() -> bool:
        return bool(world.logged("EDG-3109")) and waited() > 0

    def waited() -> float:
        return asyncio.get_running_loop().time() - stepped_at[0]

    def at_its_time() -> bool:
        assert waited() < 700  # two blocks and what looking costs
        world.centre.slow.clear()
        return True

    world.centre.on("write_at", step, path=recording)
    drive(world, given_up, at_its_time, lambda: delivered(world), limit=4 * HOUR)
    assert world.there(recording) == FILM


@pytest.mark.fault(
    "C05",
    "a courier that slept eight hours in mid-transfer gives that conversation up once and resumes in another",
)
def test_a_courier_that_slept_in_mid_transfer_goes_on_in_a_new_conversation() -> None:
    world = World()
    recording = world.seal(FILM)
    world.centre.on("write_at", lambda: world.clock.advance(8 * HOUR), path=recording)
    drive(world, lambda: delivered(world))
    assert world.centre.connections == 2
    assert len(world.logged("EDG-3109")) == 1
    assert [row["name"] for row in world.logged("EDG-3110")] == [recording]  # resumed, not begun anew
    finals = [path for path in world.centre.paths("rename") if path.endswith("content.mp4")]
    assert len(finals) == 1
    assert alerts(world) == []
    assert world.there(recording) == FILM
