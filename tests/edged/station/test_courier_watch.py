"""What the station makes its own of the courier's word: a line that is gone for long, a full centre, silence."""

import msgspec
import pytest

from edged.station.courier import FILE, SILENT
from tests.fuzz.samples import STATUS
from tests.world.loop import story
from tests.world.world import INBOX, World

pytestmark = pytest.mark.slow

SYNC = """
[sync]
host = "centre"
user = "post-7"
key_file = "/keys/courier"
host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA"
"""


def says(world: World, minute: int, *alerts: str) -> None:
    """The courier's word of this minute."""
    said = msgspec.to_builtins(STATUS) | {"time": f"2026-11-22T07:{minute % 60:02}:{minute // 60:02}.000Z"}
    said["alerts"] = [{"alert": name, "code": 9999, "since": "", "detail": {}} for name in alerts]
    world.fs.put(f"{INBOX}/{FILE}", msgspec.json.encode(said))


async def goes_on(world: World, first: int, minutes: int, *alerts: str) -> int:
    for minute in range(first, first + minutes):
        says(world, minute, *alerts)
        await world.passes(60)
    return first + minutes


def standing(world: World) -> set[str]:
    return {one for one in world.alerts() if one.startswith(("centre-", "courier-", "ups-"))}


@pytest.mark.clause(
    "459-II.3-warn", "a line to the centre that is gone for an hour, and a full centre, owe the warning"
)
@story
async def test_what_lasts_stands_in_the_ledger_and_owes_a_warning() -> None:
    async with World.open(more=SYNC) as world:
        minute = await goes_on(world, 0, 30, "centre-unreachable", "receipt-overdue", "anything")
        minute = await goes_on(world, minute, 2)
        minute = await goes_on(world, minute, 50, "centre-unreachable")
        assert not standing(world)  # it came back in between
        minute = await goes_on(world, minute, 15, "centre-unreachable", "centre-full")
        assert standing(world) == {"centre-unreachable", "centre-full"}
        owed = await world.ask("taras", "paper list")
        assert {one["about"].partition("@")[0] for one in owed if one["paper"] == "warning"} >= standing(
            world
        )
        rows = await world.ask("taras", "alerts")
        assert {row["code"] for row in rows if row["alert"] == "centre-unreachable"} == {"E3001"}
        await goes_on(world, minute, 3)
        assert not standing(world)


@story
async def test_a_courier_that_says_nothing_for_an_hour() -> None:
    async with World.open(more=SYNC) as world:
        minute = await goes_on(world, 0, 62, "centre-unreachable")
        assert standing(world) == {"centre-unreachable"}
        await world.passes(58 * 60)
        assert SILENT not in world.alerts()
        await world.passes(5 * 60)
        assert standing(world) == {SILENT, "centre-unreachable"}  # what stood goes on to stand
        world.fs.put(f"{INBOX}/{FILE}", b"{")
        await world.passes(120)
        assert SILENT in world.alerts()
        await goes_on(world, minute, 3)
        assert not standing(world)


@story
async def test_a_station_without_a_courier_misses_none() -> None:
    async with World.open() as world:
        await world.passes(2 * 3600)
        assert not standing(world)
