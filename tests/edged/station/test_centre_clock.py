"""A centre whose clock is years off: its receipts count, its times move nothing here, and a person is told."""

import msgspec
import pytest

from edged.errors import ErrorCode
from edged.formats import facts as f
from edged.formats import times
from edged.formats.receipt import Receipt, sign_receipt
from edged.ports import ClockClass
from tests.edged.station.test_centre_answers import FILM, left, sealed
from tests.world.loop import story
from tests.world.persons import OLENA
from tests.world.world import CENTRE, World

pytestmark = pytest.mark.slow  # many steps each; the fast part keeps the main stories

YEAR_NS = 365 * 24 * 3600 * 1_000_000_000


def placed(receipt: Receipt, years: float) -> bytes:
    """The same receipt by a clock that is off by so much."""
    moment = times.format_ns(times.parse_ns(receipt.placed_at) + int(years * YEAR_NS))
    wrong = msgspec.structs.replace(receipt, placed_at=moment, retain_until=times.retain_until(moment))
    return sign_receipt(wrong, CENTRE)


@pytest.mark.fault("V12", "a receipt from another year counts, raises an alert, and ends or revives no list")
@pytest.mark.parametrize("years", [10, -10])
@story
async def test_a_centre_in_another_year(years: int) -> None:
    async with World.open() as world:
        one = await sealed(world)
        left(world, f"{one.id}.note", placed(one.receipt, years))
        await world.until(lambda: world.facts(f.RecordingConfirmed))
        await world.until(lambda: "centre-clock" in world.alerts(), 5)
        alert = world.station.recorder.state.alerts["centre-clock"]
        assert alert.code == ErrorCode.CENTRE_CLOCK.number
        assert abs(int(alert.detail["off_s"]) - years * YEAR_NS // 10**9) < 600
        world.centre.open = True  # its clock was set right
        await world.until_cleared("K000001")
        await world.crash()
        await world.boot()
        world.add("K000002", {"CLIP0001.MP4": FILM})
        world.insert("K000002", 2)
        await world.until_cleared("K000001")
        assert "roster-expired" not in world.alerts()
        world.tap(OLENA.badge)
        await world.take(1)
        await world.until_cleared("K000002")
        assert "centre-clock" not in world.alerts()


@story
async def test_a_station_that_does_not_know_the_time_judges_nobodys_clock() -> None:
    async with World.open() as world:
        one = await sealed(world)
        world.clock.unknown()
        left(world, f"{one.id}.note", placed(one.receipt, 0.5))
        await world.until(lambda: world.facts(f.RecordingConfirmed))
        await world.passes(10)
        assert "centre-clock" not in world.alerts()
        assert world.station.recorder.state.trusted_time == world.facts(f.RecordingConfirmed)[0].placed_at
        assert world.clock.now().clock is ClockClass.UNKNOWN
