"""The main job with workers that the core does not start: they come when something is plugged in, as under systemd."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from simulators.faults import NO_FAULTS, UsbFaults
from tests.e2e import places, units
from tests.e2e.places import MIB, OFFICER, QuickSite, clip
from tests.e2e.test_main_job import LONG, MARK, copied, nothing_lost_nothing_twice, patrol
from tests.real_disk import scratch
from tests.scripted_ports import ScriptedPorts

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@asynccontextmanager
async def station() -> AsyncIterator[tuple[QuickSite, units.Units]]:
    with scratch() as folder:
        async with (
            places.commissioned(settings=units.settings(folder)) as site,
            units.Units.of(site.world, folder) as workers,
            ScriptedPorts.at(folder / "ports.sock"),
        ):
            await site.start()
            await places.vouch(site)
            yield site, workers


async def test_a_camera_that_becomes_a_disk_is_continued_by_the_next_worker() -> None:
    """Identified as a camera by one, copied and cleared as a disk by another: one docking, one session."""
    async with station() as (site, workers):
        await patrol(site, clip(1), clip(2, 3_000_000))
        docked = len(await site.facts("camera.docked"))
        before = workers.started
        await site.world.insert("cam-1", 1)
        await places.counted(site, "cleared", 2)
        await nothing_lost_nothing_twice(site)
        assert workers.started - before >= 2
        assert len(await site.facts("camera.docked")) == docked + 1
        sealed = [x["data"] for x in await site.facts("recording.sealed")]
        assert {x["officer"] for x in sealed} == {OFFICER.id}
        assert not site.world.trouble


async def test_a_worker_killed_in_mid_copy_is_replaced_and_the_copy_goes_on() -> None:
    async with station() as (site, workers):
        await patrol(site, clip(1, LONG))
        await places.add_msc(site)
        await site.world.record("cam-2", clip(3))
        await site.world.change("cam-1", faults=UsbFaults(bytes_per_s=8_000_000))
        await site.world.insert("cam-1", 1)
        await site.world.insert("cam-2", 2)
        await site.until("a copy is past its first mark", lambda: copied(site, MARK + MIB))
        other = workers.running["1-1.2"].pid
        workers.running["1-1.1"].kill()
        await asyncio.sleep(1.0)
        await site.world.change("cam-1", faults=NO_FAULTS)
        await places.counted(site, "cleared", 2)
        await nothing_lost_nothing_twice(site)
        offsets = [x["data"]["offset"] for x in await site.facts("offload.started")]
        assert max(offsets) >= MARK  # it went on where it was
        assert workers.running["1-1.2"].pid == other
        assert not await site.facts("slot.forced_open")
