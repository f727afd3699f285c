"""A station's disk is copied and runs in two docks: two histories under one key meet at the centre."""

import asyncio
import json

import pytest

from edged.formats.facts import StationStarted
from edged.formats.merkle import Tree
from sync.directory_store import DirectoryDialler
from tests.sync.faults import FaultyCentre
from tests.sync.virtual import run
from tests.sync.world import STATION, World

FORKS = f"/store/{STATION}/forks"
ALERT = f"/store/{STATION}/alerts/ledger-forked.json"


def clone_of(world: World) -> World:
    """Another machine with a copy of the disk, its keys included; both deliver to one account of one centre."""
    clone = World()
    for path, data in world.fs.files().items():
        clone.fs.put(path, data)
    clone.far, clone.centre = world.far, FaultyCentre(DirectoryDialler(world.far, "/home"))
    ours = world.ledger
    clone.ledger.prev, clone.ledger.tree = ours.prev, Tree.resume(ours.tree.size, list(ours.tree.peaks()))
    return clone


def works(world: World, shift: str) -> None:
    """A shift of one of the two: lines that the other does not have."""
    world.ledger.add(StationStarted(version=shift, config_sha256="0" * 64, clean=True))
    world.ledger.close()


async def deliver(*worlds: World) -> None:
    """A morning of couriers and of the centre's intake: what found its name taken is tried again after an hour."""
    couriers = [asyncio.create_task(world.courier().run()) for world in worlds]
    for _ in range(40):
        await asyncio.sleep(300)
        worlds[0].intake().scan()
    for courier in couriers:
        courier.cancel()
    await asyncio.gather(*couriers, return_exceptions=True)


@pytest.mark.fault(
    "O08", "a dock that was cloned shows at the centre as two histories of one key, and neither is signed"
)
@pytest.mark.fault("T17", "two docks with one key show at the centre as two heads of one ledger")
@pytest.mark.parametrize("lines", [1, 3], ids=["as long", "longer"])
def test_a_cloned_dock_shows_as_two_histories(lines: int) -> None:
    dock = World()
    dock.ledger.grow()
    run(deliver(dock))
    assert not dock.far.files(FORKS)
    clone = clone_of(dock)
    works(dock, "the dock's own")
    for n in range(lines):
        works(clone, f"the clone's {n}")
    run(deliver(dock, clone))
    alert = json.loads(dock.far.read(ALERT))
    assert alert["alert"] == "ledger-forked"
    assert dock.far.files(FORKS)
    signed = dock.far.files("/home/receipts/checkpoints")
    for world in (dock, clone):
        works(world, "the next day")
    run(deliver(dock, clone))
    assert (
        dock.far.files("/home/receipts/checkpoints") == signed
    )  # so that neither of the two clears a camera
