"""The courier against a centre in memory, in virtual time."""

import asyncio
import json
from collections.abc import Callable

import pytest

from sync.queue import State
from sync.store import CentreGoneError
from tests.sync.virtual import run
from tests.sync.world import World


async def until(condition: Callable[[], bool], limit: float = 3600.0) -> None:
    """Let virtual time pass until ``condition`` holds."""
    step = 0.5
    async with asyncio.timeout(limit):
        while not condition():  # time is virtual, and nobody signals
            await asyncio.sleep(step)
            step = min(step * 1.2, limit / 200)


def drive(world: World, *conditions: Callable[[], bool], limit: float = 3600.0) -> None:
    """Run a courier until each condition has come true in turn, then stop it."""

    async def scene() -> None:
        task = asyncio.create_task(world.courier().run())
        try:
            for condition in conditions:
                waiting = asyncio.create_task(until(condition, limit))
                await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
                if task.done():
                    task.result()
                await waiting
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    run(scene())


@pytest.mark.clause("459-V.1-452", "the signed record of where a file comes from goes to the server with it")
def test_a_sealed_recording_reaches_the_centre_content_first_manifest_last() -> None:
    world = World()
    recording = world.seal(b"x" * 1_000_000)
    drive(world, lambda: world.queue.count()[State.DELIVERED] == 1)
    assert world.there(recording) == b"x" * 1_000_000
    assert world.there(recording, "manifest.note") == world.fs.read(
        f"{world.folder(recording)}/manifest.note"
    )
    finals = [path for path in world.centre.paths("rename") if "recordings" in path]
    assert [path.rpartition("/")[2] for path in finals] == ["content.mp4", "manifest.note"]


def test_what_has_no_manifest_yet_is_not_sealed_and_stays() -> None:
    world = World()
    recording = world.seal(manifest=False)
    done = world.seal()
    drive(world, lambda: world.queue.count()[State.DELIVERED] == 1)
    assert world.there(recording) is None
    assert world.there(done) is not None


def test_the_whole_way_to_the_receipt_and_back() -> None:
    world = World()
    recording = world.seal(b"evidence")
    piece = world.ledger.close()
    receipt = f"/inbox/receipts/{recording}.note"

    awaited: list[list[str]] = []

    def delivered() -> bool:
        if world.queue.count()[State.DELIVERED]:
            awaited.append(json.loads(world.fs.read("/inbox/status.json"))["awaiting_items"])
            world.intake().scan()
        return receipt in world.fs.files("/inbox")

    def confirmed() -> bool:
        world.confirm(recording)
        return world.queue.count()[State.RECEIPTED] == 1

    drive(world, delivered, confirmed)
    assert world.stored(recording) == b"evidence"
    assert f"/store/post-7/ledger/{piece}" in world.far.files("/store")
    status = json.loads(world.fs.read("/inbox/status.json"))
    assert (status["receipted"], status["countersigned"], status["newest_checkpoint"]) == (1, 1, 1)
    assert (awaited[-1], status["awaiting_items"]) == ([recording], [])
    assert status["type"] == "edged-sync/status/v1"
    assert not status["connected"]


@pytest.mark.parametrize(
    "operation", ["connect", "stat", "make_dirs", "create", "write_at", "sync", "close", "rename"]
)
@pytest.mark.parametrize("after", [False, True])
def test_a_line_that_breaks_anywhere_costs_only_time(operation: str, after: bool) -> None:
    world = World()
    recording = world.seal(b"y" * 600_000)
    for skip in range(4):
        world.centre.fail(operation, CentreGoneError(), after=after, skip=skip)
    drive(world, lambda: world.queue.count()[State.DELIVERED] == 1)
    assert world.there(recording) == b"y" * 600_000
