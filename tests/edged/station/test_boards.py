"""A controller's board that is not the one that was met before, although it says so."""

import pytest

from edged.errors import ErrorCode
from edged.formats import facts as f
from edged.slots.state import State
from simulators.dock import Memory
from tests.world.loop import story
from tests.world.persons import OLENA
from tests.world.world import World


@pytest.mark.fault("D14", "a board that was exchanged while the station was off is named when it is met")
@story
async def test_a_board_that_was_exchanged_while_the_station_was_off() -> None:
    async with World.open() as world:
        world.add("K000001")
        world.insert("K000001", 1)
        await world.until_slot(1, State.READY)
        world.tap(OLENA.badge)
        await world.take(1)
        await world.until(lambda: world.facts(f.CameraIssued))
        await world.crash()
        await world.boot()
        await world.passes(5)
        assert "dock-counters-back:A" not in world.alerts()  # the same board, one unlocking later
        await world.stop()
        world.dock.memory = Memory(
            boots=1
        )  # its serial number and its key were copied, its counters were not
        await world.boot()
        await world.until(lambda: "dock-counters-back:A" in world.alerts(), 10)
        alert = world.station.recorder.state.alerts["dock-counters-back:A"]
        assert alert.code == ErrorCode.DOCK_COUNTERS_BACK.number
        assert (alert.detail["counter"], alert.detail["was"], alert.detail["now"]) == ("unlocks", 1, 0)
