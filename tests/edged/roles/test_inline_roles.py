"""Without processes: a copy can be cut at any of its pauses."""

import asyncio
import hashlib

import pytest

from drivers.worker.serve import WorkerServer
from edged.roles.base import SealOrder
from edged.roles.inline_roles import InlineRoles, Server
from tests.edged.roles.conftest import QUICK
from tests.edged.roles.scripted import CLIP, DATA, SIZE, ScriptedServer
from tests.edged.vault.rig import Rig, make_rig, reopen
from tests.fakes.memory_fs import MemoryFS

SHA256 = hashlib.sha256(DATA).hexdigest()


def test_the_workers_own_server_fits() -> None:
    """The types are checked by mypy; here it is looked at once."""
    served: type[Server] = WorkerServer
    assert {"handle", "copy", "failed", "close"} <= set(dir(served))


async def transfer(rig: Rig, fs: MemoryFS) -> tuple[int, str]:
    roles = InlineRoles(fs, ScriptedServer)
    worker = await roles.start_worker("good")
    part = rig.vault.begin(rig.place, SIZE)
    try:
        order = SealOrder(part=part, limits=QUICK)
        sealed = await roles.transfer(worker, CLIP, part.held, order, lambda _: None)
    finally:
        part.close()
        await worker.close()
    return sealed.resumed_from, sealed.sha256


async def pauses_of_a_whole_copy() -> int:
    fs = MemoryFS()
    copy = asyncio.create_task(transfer(make_rig(fs), fs))
    count = 0
    while not copy.done():
        await asyncio.sleep(0)
        count += 1
    return count


@pytest.mark.fault("X06", "a copy stopped at any pause leaves a beginning from which the same file is made")
async def test_a_copy_can_be_stopped_at_every_pause() -> None:
    for stop in range(1, await pauses_of_a_whole_copy()):
        fs = MemoryFS()
        rig = make_rig(fs)
        copy = asyncio.create_task(transfer(rig, fs))
        for _ in range(stop):
            await asyncio.sleep(0)
        copy.cancel()
        await asyncio.wait([copy])
        assert copy.cancelled()
        assert rig.place.content not in fs.files()

        fs.power_cut()
        rig = reopen(fs)
        resumed, sha256 = await transfer(rig, fs)
        rig.vault.publish(rig.place)
        assert sha256 == SHA256
        assert fs.files()[rig.place.content] == DATA
        assert resumed <= SIZE


async def test_stopping_keeps_whole_blocks() -> None:
    fs = MemoryFS()
    rig = make_rig(fs)
    copy = asyncio.create_task(transfer(rig, fs))
    for _ in range(12):
        await asyncio.sleep(0)
    copy.cancel()
    await asyncio.wait([copy])
    fs.power_cut()

    resumed, _ = await transfer(reopen(fs), fs)
    assert resumed >= 2 * 1024 * 1024
