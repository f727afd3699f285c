"""Another version of the daemon, or another configuration, takes the place of the one that is at work."""

import hashlib
from typing import Any

import pytest

from edged.errors import ErrorCode
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


UPDATE = {
    "entry": "update-station",
    "grounds": "лист № 9",
    "items": ["10145K000001"],
    "persons": ["Дарія Лис"],
}


async def updated(world: World, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    await world.stop()
    monkeypatch.setattr("edged.station.station.VERSION", version)
    await world.boot()
    await world.passes(70)


@pytest.mark.clause(
    "459-II.2-update", "an update that no works announce is an alert until the works are entered"
)
@story
async def test_an_update_that_no_works_announce_is_an_alert(monkeypatch: pytest.MonkeyPatch) -> None:
    async with World.open() as world:
        await updated(world, monkeypatch, "0.2.0")
        alert = world.station.recorder.state.alerts["update-unannounced:station"]
        assert alert.code == ErrorCode.UPDATE_UNANNOUNCED.number
        assert alert.detail == {
            "part": "station",
            "entry": "update-station",
            "before": "0.1.0",
            "now": "0.2.0",
        }
        begun = await world.ask("daria", "works start", **UPDATE, version="0.1.0")
        await world.until(lambda: "update-unannounced:station" not in world.alerts(), 70)
        await finished(world, begun)
        world.check_live()


@story
async def test_an_update_under_works_is_no_alert(monkeypatch: pytest.MonkeyPatch) -> None:
    async with World.open() as world:
        begun = await world.ask("daria", "works start", **UPDATE, version="0.1.0")
        await updated(world, monkeypatch, "0.2.0")
        assert "update-unannounced:station" not in world.alerts()
        await finished(world, begun)
        await updated(world, monkeypatch, "0.3.0")
        assert "update-unannounced:station" in world.alerts()


async def finished(world: World, begun: dict[str, Any]) -> None:
    done = {"measures": "встановлено", "result": "працює", "version": "0.2.0"}
    await world.ask("daria", "works end", works=begun["works"], **done)


CAMERA, ON_CAMERAS = "update-unannounced:K000001", UPDATE | {"entry": "update-camera"}


async def returned(world: World) -> None:
    world.insert("K000001", 1)
    await world.until_slot(1, State.READY)
    await world.passes(70)


async def taken(world: World) -> None:
    world.tap(OLENA.badge)
    await world.take(1)
    await world.until_slot(1, State.EMPTY)


@pytest.mark.clause(
    "459-II.2-update", "a camera that came back with other firmware is an alert until the works are entered"
)
@story
async def test_a_camera_that_came_back_updated_is_an_alert() -> None:
    async with World.open() as world:
        world.add("K000001")
        await returned(world)
        await taken(world)
        world.change("K000001", release=0x0110)
        await returned(world)
        first, second = (docked.descriptor_sha256[:16] for docked in world.facts(f.CameraDocked))
        alert = world.station.recorder.state.alerts[CAMERA]
        assert alert.code == ErrorCode.CAMERA_ANOTHER.number
        assert alert.detail == {
            "part": "K000001",
            "entry": "update-camera",
            "before": first,
            "now": second,
        }
        assert first != second
        begun = await world.ask("daria", "works start", **ON_CAMERAS, version="1.0")
        await world.until(lambda: CAMERA not in world.alerts(), 70)
        await finished(world, begun)
        await world.until_slot(1, State.READY)
        world.check_live()


@story
async def test_a_camera_that_comes_back_as_it_was_is_no_alert() -> None:
    async with World.open() as world:
        world.add("K000001")
        await returned(world)
        await taken(world)
        await returned(world)
        assert len(world.facts(f.CameraDocked)) == 2
        assert CAMERA not in world.alerts()
