"""A camera that breaks every worker costs its own slot only, and never its recordings."""

from collections.abc import Callable

import pytest

from drivers.worker.messages import Clip
from edged.control.verbs import SlotParams
from edged.errors import CameraError, ErrorCode
from edged.formats import facts as f
from edged.roles.base import OnProgress, Roles, SealOrder, Worker
from edged.roles.inline_roles import InlineWorker
from edged.slots.state import State
from edged.vault.sealing import Sealed
from tests.edged.station.test_slots import ask
from tests.world.loop import story
from tests.world.persons import TARAS
from tests.world.world import World

FILM = b"".join(n.to_bytes(8, "big") for n in range(50_000))


def crashing(roles: Roles, crashes: Callable[[Clip], bool]) -> list[str]:
    """Let the worker die in the middle of some clips; return whose copies were tried."""
    tried: list[str] = []
    transfer = roles.transfer

    async def dies(
        worker: Worker, clip: Clip, offset: int, order: SealOrder, on_progress: OnProgress
    ) -> Sealed:
        tried.append(clip.path)
        if not crashes(clip):
            return await transfer(worker, clip, offset, order, on_progress)
        assert isinstance(worker, InlineWorker)
        worker.spent = True
        raise CameraError(ErrorCode.PROCESS_DIED, process="worker", held=0)

    roles.transfer = dies  # type: ignore[method-assign]  # a worker that crashes
    return tried


@pytest.mark.fault(
    "U15", "after three workers that died of one camera its slot is out of use, the others go on"
)
@story
async def test_a_third_dead_worker_puts_the_slot_out_of_use_and_only_that() -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.add("K000002", {"CLIP0001.MP4": FILM[::-1]})
        poison = {"K000001"}
        tried = crashing(world.station.outside.roles, lambda _: bool(poison))
        world.insert("K000001", 1)
        await world.until_slot(1, State.FAULT, within_s=3600)
        assert len(tried) == 3
        (fault,) = world.facts(f.SlotFaulted)
        assert (fault.slot, fault.code) == (1, ErrorCode.PROCESS_DIED.number)
        assert "workers=3" in fault.detail["reason"]
        assert "slot-fault:1" in world.alerts()
        poison.clear()
        world.insert("K000002", 2)
        await world.until_cleared("K000002", within_s=1800)
        assert world.state(1) is State.FAULT
        assert world.aboard("K000001")
        await ask(world, "slots clear-fault", TARAS, SlotParams(slot=1))
        await world.until_cleared("K000001", within_s=1800)
        assert not world.alerts()


@story
async def test_workers_that_die_now_and_then_are_chance() -> None:
    async with World.open() as world:
        world.add("K000001", {f"CLIP000{n}.MP4": FILM[n:] for n in range(6)})
        met: set[str] = set()

        def first_time(clip: Clip) -> bool:
            new = clip.path not in met
            met.add(clip.path)
            return new

        tried = crashing(world.station.outside.roles, first_time)
        world.insert("K000001", 1)
        await world.until_cleared("K000001", within_s=7200)
        assert len(met) == 6
        assert len(tried) > len(met)
        assert not world.facts(f.SlotFaulted)
