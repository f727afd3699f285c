"""A part that is stuck stops the watchdog; one that is idle does not."""

import asyncio

import pytest

from drivers.dock_controller import DockEvent
from edged.formats import facts as f
from edged.slots.state import Do
from edged.station.station import STUCK_S
from tests.world.loop import story
from tests.world.world import World


def silent(world: World) -> str:
    found = world.station.outside.progress.stale()
    return found[0] if found else ""


@story
async def test_idle_parts_keep_nobody_from_feeding() -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": b"film"})
        world.insert("K000001", 1)
        await world.until_cleared("K000001")
        for _ in range(5):
            await asyncio.sleep(STUCK_S)
            assert silent(world) == ""


@pytest.mark.fault("X07", "a write that takes a minute keeps the watchdog fed; one that never ends does not")
@story
async def test_a_ledger_that_cannot_write_is_seen() -> None:
    async with World.open() as world:
        async with world.station.book.exclusive():
            waiting = asyncio.create_task(world.station.recorder.record(f.AlertWithdrawn(alert="none")))
            await asyncio.sleep(STUCK_S - 5)
            assert silent(world) == ""
            await asyncio.sleep(10)
            assert silent(world) == "ledger"
        await waiting
        assert silent(world) == ""


@story
async def test_a_slot_that_does_not_get_through_its_event_is_seen() -> None:
    async with World.open() as world:
        world.add("K000001", {})
        go_on = asyncio.Event()
        work = world.unit(1).work
        noting = work.note_docked

        async def stuck() -> None:
            await go_on.wait()
            await noting()

        world.unit(1).keeper._inline = {**world.unit(1).keeper._inline, Do.NOTE_DOCKED: stuck}
        world.insert("K000001", 1)
        await asyncio.sleep(STUCK_S + 10)
        assert silent(world) in {"slot-1", "dock-A-slot-1"}
        go_on.set()
        await asyncio.sleep(60)
        assert silent(world) == ""


@story
async def test_a_slots_hang_in_the_dock_is_seen() -> None:
    async with World.open() as world:
        go_on = asyncio.Event()
        dock = world.station.docks[0]
        taking = dock._take

        async def stuck(event: DockEvent) -> None:
            await go_on.wait()
            await taking(event)

        dock._take = stuck  # type: ignore[method-assign]  # the one place where an event can hang
        world.add("K000001", {})
        world.insert("K000001", 1)
        await asyncio.sleep(STUCK_S + 10)
        assert silent(world).startswith("dock-A-slot-")
        go_on.set()
        await asyncio.sleep(60)
        assert silent(world) == ""
