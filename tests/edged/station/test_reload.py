"""`edgectl reload`: what is refused goes to whoever asked, what is good takes force all the same."""

import asyncio
from typing import Any

import pytest

from edged.control.calls import Call
from edged.control.reloading import CHANGED, IN_FORCE
from edged.control.verbs import HANDLERS
from edged.errors import EdgeError, ErrorCode
from edged.formats import facts as f
from edged.formats import shift_facts as sf
from edged.verbs import Actor
from tests.world.loop import story
from tests.world.persons import roster, schedule
from tests.world.world import AUTHORITY, ROSTER, World

SCHEDULE = "/etc/edged/schedule.note"
FILE = "/etc/edged/edged.toml"
LISTED = f'schedule = "{SCHEDULE}"'


async def reloaded(world: World) -> Any:
    return await HANDLERS["reload"].run(Call(world.station, Actor("account:root"), None))


async def refusal(world: World) -> EdgeError:
    with pytest.raises(EdgeError) as caught:
        await reloaded(world)
    return caught.value


@story
async def test_what_is_in_order_is_in_force_at_once() -> None:
    async with World.open(access=LISTED, boot=False) as world:
        world.publish(schedule(AUTHORITY, 1), SCHEDULE)
        await world.boot()
        world.publish(roster(AUTHORITY, 2))
        world.publish(schedule(AUTHORITY, 3), SCHEDULE)
        assert await reloaded(world) == {
            "roster_version": 2,
            "schedule_version": 3,
            "configuration": IN_FORCE,
        }


@story
async def test_each_refusal_is_told_as_often_as_somebody_asks_and_is_a_fact_once() -> None:
    async with World.open(access=LISTED, boot=False) as world:
        world.publish(schedule(AUTHORITY, 1), SCHEDULE)
        await world.boot()
        world.publish(b"no roster\n")
        world.publish(b"no schedule\n", SCHEDULE)
        for _ in range(2):
            told = await refusal(world)
            assert told.code is ErrorCode.ROSTER_INVALID
            assert ErrorCode.SCHEDULE_INVALID.label in str(told.detail["also"])
        assert len(world.facts(f.RosterRefused)) == len(world.facts(sf.ScheduleRefused)) == 1
        world.publish(roster(AUTHORITY, 2))  # what is good is taken beside what is not
        assert (await refusal(world)).code is ErrorCode.SCHEDULE_INVALID
        assert world.station.lists.roster_version == 2
        world.publish(schedule(AUTHORITY, 1), SCHEDULE)  # the one in force is put back
        assert (await reloaded(world))["schedule_version"] == 1


@story
async def test_who_asks_while_the_station_looks_by_itself_hears_the_same() -> None:
    async with World.open() as world:
        world.publish(b"no roster\n")
        looking = asyncio.create_task(world.station.lists.refresh())
        await asyncio.sleep(0)
        assert (await refusal(world)).code is ErrorCode.ROSTER_INVALID
        await looking


@story
async def test_a_list_that_cannot_be_read_is_a_refusal() -> None:
    async with World.open() as world:
        world.fs.remove(ROSTER)
        told = await refusal(world)
        assert (told.code, told.detail["file"]) == (ErrorCode.ROSTER_INVALID, ROSTER)
        world.publish(roster(AUTHORITY, 1))
        assert (await reloaded(world))["roster_version"] == 1


@story
async def test_the_configuration_is_looked_at_and_stays_as_it_was_at_the_start() -> None:
    async with World.open(boot=False) as world:
        world.config_file = FILE
        world.publish(world.text, FILE)
        await world.boot()
        assert (await reloaded(world))["configuration"] == IN_FORCE
        world.publish(world.text + b"# another\n", FILE)
        assert (await reloaded(world))["configuration"] == CHANGED
        world.publish(b"no roster\n")
        assert (await refusal(world)).detail["configuration"] == CHANGED
        world.publish(roster(AUTHORITY, 2))
        world.publish(world.text + b"\n[nonsense]\nx = 1\n", FILE)
        told = await refusal(world)
        assert (told.code, told.detail["key"]) == (ErrorCode.CONFIG_INVALID, "nonsense")
        assert world.station.lists.roster_version == 2
        world.fs.remove(FILE)
        assert (await refusal(world)).code is ErrorCode.CONFIG_MISSING
        assert not world.facts(f.ConfigChanged)
