"""The host has no descriptor, process or memory left: no new work, no open lock, and it goes on by itself."""

import errno
from typing import NoReturn

import pytest

from edged.errors import CameraError, ErrorCode
from edged.slots.state import State
from edged.station_state import Life
from tests.world.loop import story
from tests.world.persons import OLENA
from tests.world.world import World

pytestmark = pytest.mark.slow  # many steps each; the fast part keeps the main stories

FILM = b"".join(n.to_bytes(8, "big") for n in range(50_000))
OPENING = ("create", "open", "open_uncached", "read", "list_dir", "sync_dir")  # calls that need a descriptor


@pytest.mark.fault("X08", "without descriptors no copy begins and no lock opens; with them it goes on")
@story
async def test_out_of_descriptors() -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM})
        for call in OPENING:
            world.fs.fail(call, errno.EMFILE, times=10**9)
        world.insert("K000001", 1)
        await world.until(lambda: "vault-trouble" in world.alerts())
        await nothing_new_and_nothing_open(world)
        world.fs._faults.clear()
        await world.until_cleared("K000001", within_s=1800)
        await world.until(lambda: not world.alerts())


@pytest.mark.fault("X08", "without processes no camera is spoken to and no lock opens; with them it goes on")
@story
async def test_out_of_processes() -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM})
        roles = world.station.outside.roles
        start_worker = roles.start_worker
        roles.start_worker = no_more_processes  # type: ignore[method-assign]  # what the kernel does
        world.insert("K000001", 1)
        await world.until_slot(1, State.SILENT)
        await nothing_new_and_nothing_open(world)
        roles.start_worker = start_worker  # type: ignore[method-assign]  # as above
        await world.until_cleared("K000001", within_s=1800)
        await world.until(lambda: not world.alerts())


async def no_more_processes(port: str) -> NoReturn:
    raise CameraError(
        ErrorCode.PROCESS_DIED, process=f"worker {port}", error="Resource temporarily unavailable"
    )


async def nothing_new_and_nothing_open(world: World) -> None:
    await world.passes(900)
    assert all(r.life is Life.MADE for r in world.recordings())
    assert world.state(1) is not State.READY
    world.tap(OLENA.badge)
    await world.passes(10)
    assert not world.open_lock(1)
