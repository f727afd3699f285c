"""Another version of the daemon, or another configuration, takes the place of the one that is at work."""

import hashlib

import pytest

from edged.formats import facts as f
from edged.slots.state import State
from tests.world.loop import story
from tests.world.persons import OLENA
from tests.world.world import World

FILM = b"".join(n.to_bytes(8, "big") for n in range(600_000))


async def in_mid_copy(world: World) -> None:
    world.add("K000001", {"CLIP0001.MP4": FILM})
    world.fault("K000001", bytes_per_s=1_000_000)
    world.insert("K000001", 1)
    await world.until_slot(1, State.OFFLOADING)
    await world.passes(3)
    assert not world.facts(f.RecordingSealed)


@pytest.mark.fault(
    "F06", "an update in mid-offload: the old version stops in order, the new one goes on where it was"
)
@story
async def test_an_update_in_mid_offload(monkeypatch: pytest.MonkeyPatch) -> None:
    async with World.open() as world:
        await in_mid_copy(world)
        await world.stop()
        monkeypatch.setattr("edged.station.station.VERSION", "0.2.0")
        await world.boot()
        await world.until_cleared("K000001")
        first, second = world.facts(f.StationStarted)
        assert (first.version, second.version, second.clean) == ("0.1.0", "0.2.0", True)
        (interrupted,) = world.facts(f.OffloadInterrupted)
        (sealed,) = world.facts(f.RecordingSealed)
        assert 0 < sealed.resumed_from <= interrupted.held
        assert sealed.sha256 == hashlib.sha256(FILM).hexdigest()
        world.tap(OLENA.badge)
        await world.take(1)
        world.check_live()
