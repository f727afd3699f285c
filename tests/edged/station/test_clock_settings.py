"""How far the host's clock is relied on is the station's own decision."""

from pathlib import Path

import pytest

from edged.app import real_clock
from edged.config import load
from edged.formats import facts as f
from edged.slots.state import State
from tests.edged.samples import CONFIG
from tests.world.loop import story
from tests.world.world import World


@pytest.mark.parametrize(("bound_s", "corrected"), [("59", False), ("61", True)])
def test_a_camera_is_corrected_under_the_configured_bound_only(bound_s: str, corrected: bool) -> None:
    @story
    async def told() -> None:
        async with World.open(clock=f"correct_bound_s = {bound_s}") as world:
            world.clock.confirm()  # good to a minute
            world.add("K000001", clock_offset_s=-900.0)
            world.insert("K000001", 1)
            await world.until(lambda: world.facts(f.ReadinessChanged), 200)
            assert world.facts(f.ClockMeasured)
            assert bool(world.facts(f.ClockCorrected)) is corrected

    told()


def test_drift_in_holdover_is_the_configured_one(tmp_path: Path) -> None:
    text = CONFIG.replace("[station]", f'[station]\nstate = "{tmp_path}"') + "\n[clock]\nholdover_ppm = 250\n"
    assert real_clock(load(text.encode(), "test.toml"))._ppm == 250


@story
async def test_a_camera_in_its_slot_follows_when_the_hosts_clock_is_put_right() -> None:
    async with World.open(readiness="memory_min_h = 0\nbattery_every_min = 0.1") as world:
        world.add("K000001")
        world.clock.off_s = 7200.0
        world.insert("K000001", 1)
        await world.until_slot(1, State.READY)
        assert abs(world.bus.camera("K000001").clock_error_s - 7200) < 2
        world.clock.off_s = 0.0
        await world.until(lambda: abs(world.bus.camera("K000001").clock_error_s) < 2, 60)
        await world.until_slot(1, State.READY)
