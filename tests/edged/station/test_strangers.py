"""Somebody else speaks on a serial line: nothing opens, and somebody is told."""

import pytest

from edged.errors import ErrorCode
from edged.formats import facts as f
from edged.slots.state import State
from firmware_protocol.framing import pack
from simulators.faulty_link import FaultyLink
from tests.drivers.serial_world import SeededRandom
from tests.world.loop import story
from tests.world.persons import OLENA
from tests.world.world import World


def on(world: World, line: str) -> FaultyLink:
    link = world.lines[line].link
    assert link is not None
    return link


async def one_ready(world: World) -> None:
    world.add("K000001")
    world.insert("K000001", 1)
    await world.until_slot(1, State.READY)
    await world.passes(10)


@pytest.mark.fault(
    "B04", "what is played back on a reader's line opens nothing, and an alarm tells of it while it lasts"
)
@story
async def test_taps_that_are_played_back() -> None:
    async with World.open() as world:
        await one_ready(world)
        world.tap(OLENA.badge)
        await world.take(1)
        await world.until(lambda: world.facts(f.CameraIssued))
        world.insert("K000001", 1)
        await world.until_slot(1, State.READY)
        heard = list(on(world, "/dev/reader").arrived)
        for frame in heard:
            on(world, "/dev/reader").push(frame)
        await world.until(lambda: "reader-line:A" in world.alerts(), 40)
        alert = world.station.recorder.state.alerts["reader-line:A"]
        assert alert.code == ErrorCode.READER_FOREIGN.number
        assert len(world.facts(f.CameraGranted)) == 1
        assert not world.open_lock(1)
        await world.passes(300)
        assert "reader-line:A" in world.alerts()
        await world.until(lambda: not world.alerts(), 600)


@pytest.mark.fault(
    "D11", "frames of somebody without the key do nothing on a controller's line, and an alarm tells of them"
)
@story
async def test_frames_without_the_key() -> None:
    async with World.open() as world:
        await one_ready(world)
        words = SeededRandom(5)
        for _ in range(5):
            on(world, "/dev/dock").push(pack(b"\4" + words.token(30)))
        await world.until(lambda: "dock-line:A" in world.alerts(), 40)
        assert world.station.recorder.state.alerts["dock-line:A"].code == ErrorCode.DOCK_FOREIGN.number
        assert world.state(1) is State.READY
        await world.until(lambda: not world.alerts(), 900)


@story
async def test_lines_that_come_and_go_and_noise_are_no_strangers() -> None:
    async with World.open() as world:
        await one_ready(world)
        noise = SeededRandom(6)
        for _ in range(5):
            for line in world.lines.values():
                if line.link is not None:
                    line.link.push(noise.token(2000))
                    line.link.die("pulled")
            await world.passes(120)
        assert not [alert for alert in world.alerts() if "line" in alert]
