"""The whole simulated dock, as a demo and a person use it."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from firmware_protocol.dock import messages as m
from simulators.usb.bus import BusError
from simulators.usb.spec import CameraSpec
from simulators.world import World, WorldError
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.slow
CAM = CameraSpec(name="cam-1", serial="K000001", usb_serial="BWC00001", battery=50.0, clock_offset_s=-420.0)
SMALL = 4 << 20


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World.open(tmp_path, slots=4) as world:
        yield world
        assert world.trouble == []


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - the world is watched as a person watches it
            await asyncio.sleep(0.005)


async def test_a_recording_lies_on_the_card_dated_by_the_cameras_clock(world: World) -> None:
    await world.add(CAM, size_bytes=SMALL, filesystem="fat12")
    first = await world.record("cam-1", b"one" * 1000)
    second = await world.record("cam-1", b"two" * 1000)
    assert [(made.path, made.size) for made in world.truth()] == [
        ("/DCIM/100MEDIA/CLIP0001.MP4", 3000),
        ("/DCIM/100MEDIA/CLIP0002.MP4", 3000),
    ]
    assert {(f.path, f.sha256) for f in world.card("cam-1").files()} == {
        (first.path, first.sha256),
        (second.path, second.sha256),
    }
    assert -422 < (first.mtime - first.true_time).total_seconds() < -419


async def test_a_docked_camera_is_locked_in_and_comes_out_by_force_only(world: World) -> None:
    await world.add(CAM, size_bytes=SMALL, filesystem="fat12")
    await world.insert("cam-1", 3)
    assert world.slot_of("cam-1") == 3
    with pytest.raises(WorldError, match="locked"):
        await world.pull(3)
    with pytest.raises(WorldError, match="one writer"):
        await world.record("cam-1", b"x")
    assert await world.pull(3, force=True) == "cam-1"
    assert (await world.status()).cameras[0].mode == "off"


async def test_hands_cannot_do_the_impossible(world: World) -> None:
    await world.add(CAM, size_bytes=SMALL, filesystem="fat12")
    await world.add(CameraSpec(name="cam-2", kind="keyboard"))
    await world.insert("cam-1", 3)
    for attempt, sentence in (
        (world.insert("cam-2", 3), "slot 3 holds cam-1"),
        (world.insert("cam-1", 2), "sits in slot 3"),
        (world.insert("cam-2", 9), "no slot 9"),
        (world.insert("cam-9", 1), "no camera 'cam-9'"),
        (world.pull(1), "slot 1 is empty"),
    ):
        with pytest.raises(WorldError, match=sentence):
            await attempt
    with pytest.raises(BusError, match="no card image"):
        await world.add(CameraSpec(name="cam-3", card="/nowhere.img"))
    with pytest.raises(BusError, match="already"):
        await world.add(CAM, size_bytes=SMALL, filesystem="fat12")


async def test_power_of_a_slot_is_power_of_its_port(world: World) -> None:
    await world.add(CAM, size_bytes=SMALL, filesystem="fat12")
    await world.insert("cam-1", 2)
    before = (await world.status()).ports[1].devnum
    world.dock.on_power(2, False)
    world.dock.on_power(2, True)
    await world.settled()
    after = (await world.status()).ports[1].devnum
    assert before is not None
    assert after is not None
    assert after != before


async def test_current_follows_the_charge_and_charging_follows_the_controller(world: World) -> None:
    await world.add(CAM, size_bytes=SMALL, filesystem="fat12")
    await world.insert("cam-1", 1)
    await until(lambda: world.dock.status(1).current > 500)
    await world.change("cam-1", battery=100.0)
    await until(lambda: world.dock.status(1).current < 50)
    await world.change("cam-1", battery=40.0, charge_per_s=1000.0)
    world.dock.slots[1].charging = False
    await until(lambda: world._charging[1] is False)
    assert not (await world.status()).cameras[0].charging


async def test_a_plug_that_a_fault_pulled_is_out_of_the_slot_as_well(world: World) -> None:
    await world.add(CAM, size_bytes=SMALL, filesystem="fat12")
    await world.insert("cam-1", 4)
    await world.bus.unplug("1-1.4")
    await until(lambda: world.slot_of("cam-1") is None)
    assert not world.dock.slots[4].contact


async def test_out_and_in_again_at_once_is_not_taken_for_a_pull(world: World) -> None:
    await world.add(CAM, size_bytes=SMALL, filesystem="fat12")
    for _ in range(20):
        await world.insert("cam-1", 1)
        await world.pull(1, force=True)
    await world.insert("cam-1", 1)
    await world.status()
    assert world.slot_of("cam-1") == 1
    assert world.dock.slots[1].contact


async def test_a_port_without_power_is_no_removal(world: World) -> None:
    await world.add(CAM, size_bytes=SMALL, filesystem="fat12")
    await world.insert("cam-1", 4)
    world.dock.on_power(4, False)
    await world.settled()
    assert world.slot_of("cam-1") == 4
    assert world.dock.slots[4].contact


async def test_an_officer_takes_what_unlocks(world: World) -> None:
    await world.add(CAM, size_bytes=SMALL, filesystem="fat12")
    await world.insert("cam-1", 2)
    taking = asyncio.create_task(world.take(within_s=5))
    await asyncio.sleep(0)
    slot = world.dock.slots[2]
    slot.latch, slot.closes_at = m.Latch.OPEN, math.inf  # else the board's next look closes it again
    assert await taking == (2, "cam-1")
    assert world.slot_of("cam-1") is None
    with pytest.raises(TimeoutError):
        await world.take(2, within_s=0.05)


async def test_a_tap_without_a_host_is_lost(world: World) -> None:
    assert world.tap("04a1b2c3") is False


async def test_an_earlier_worlds_keys_stay(tmp_path: Path) -> None:
    keys = []
    for _ in range(2):
        async with World.open(tmp_path, slots=1) as world:
            keys.append((world.paths.controller_key.read_bytes(), world.paths.reader_key.read_bytes()))
            assert world.paths.controller_key.stat().st_mode & 0o777 == 0o600
    assert keys[0] == keys[1]
    assert len(keys[0][0]) == 32


async def test_a_board_keeps_its_counters_for_the_next_world_in_its_folder(tmp_path: Path) -> None:
    async with World.open(tmp_path, slots=4) as world:
        world.dock.insert(3)
        await until(lambda: world.dock.memory.insertions == 1)
        await until(lambda: world.paths.counters.exists() and " 1 " in world.paths.counters.read_text())
    async with World.open(tmp_path, slots=4) as world:
        assert (world.dock.memory.insertions, world.dock.memory.boots) == (1, 2)
