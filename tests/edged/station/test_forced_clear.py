"""A clearing that two persons want although the station has stopped: one round, and nothing without a receipt."""

import pytest

from edged.errors import EdgeError, ErrorCode
from edged.formats import facts as f
from edged.formats import shift_facts as sf
from edged.slots.state import State
from tests.world.loop import story
from tests.world.world import World

pytestmark = pytest.mark.slow

CAMERA, CLIP = "K000001", b"a film " * 3000


async def stopped_with_a_clip(world: World) -> None:
    """The station clears nothing for a day: it has failed too often."""
    for _ in range(3):
        world.station.rate.note(world.clock.now().boottime_ns / 1e9, ok=False)
    world.add(CAMERA, {"CLIP0001.MP4": CLIP})
    world.insert(CAMERA, 1)
    await world.until_slot(1, State.READY)


async def refused(world: World, account: str, verb: str, **params: str) -> ErrorCode:
    with pytest.raises(EdgeError) as caught:
        await world.ask(account, verb, camera=CAMERA, **params)
    return caught.value.code


async def wanted(world: World) -> None:
    await world.ask("taras", "clear ask", camera=CAMERA, reason="the bad cable was exchanged")
    await world.ask("iryna", "clear agree", camera=CAMERA)


@story
async def test_two_persons_have_cleared_what_the_server_has_confirmed() -> None:
    async with World.open() as world:
        await stopped_with_a_clip(world)
        await world.until(lambda: world.facts(f.RecordingConfirmed))
        await world.passes(300)
        assert not world.facts(f.ClearStarted)
        await wanted(world)
        await world.until(lambda: world.facts(sf.ClearEnded))
        assert [fact.policy for fact in world.facts(f.ClearStarted)] == ["forced"]
        assert [fact.cleared for fact in world.facts(sf.ClearEnded)] == [1]
        assert not world.cards[CAMERA].names()
        await world.until_slot(1, State.READY)
        await world.passes(300)
        assert len(world.facts(f.ClearStarted)) == len(world.facts(sf.ClearEnded)) == 1


@story
async def test_nothing_is_cleared_without_the_receipt_of_the_server() -> None:
    async with World.open() as world:
        world.centre.open = False
        await stopped_with_a_clip(world)
        await wanted(world)
        await world.until(lambda: world.facts(sf.ClearEnded))
        assert [fact.cleared for fact in world.facts(sf.ClearEnded)] == [0]
        assert not world.facts(f.ClearStarted)
        assert world.cards[CAMERA].names()
        world.centre.open = True
        await world.until(lambda: world.facts(f.RecordingConfirmed))
        await world.passes(300)
        assert not world.facts(f.ClearStarted)  # the wish has ended with its round


@story
async def test_it_takes_two_persons_and_a_camera_in_its_slot() -> None:
    async with World.open() as world:
        assert await refused(world, "taras", "clear ask", reason="r") is ErrorCode.CONFLICT
        await stopped_with_a_clip(world)
        assert await refused(world, "iryna", "clear agree") is ErrorCode.NOT_FOUND
        assert await refused(world, "iryna", "clear ask", reason="r") is ErrorCode.NOT_ALLOWED
        await world.ask("taras", "clear ask", camera=CAMERA, reason="r")
        assert await refused(world, "taras", "clear agree") is ErrorCode.NOT_ALLOWED
        await world.until(lambda: world.facts(f.RecordingConfirmed))
        await world.passes(60)
        assert not world.facts(f.ClearStarted)


@story
async def test_what_was_asked_ends_when_the_camera_is_taken_out() -> None:
    async with World.open() as world:
        world.centre.open = False
        await stopped_with_a_clip(world)
        await world.ask("taras", "clear ask", camera=CAMERA, reason="r")
        world.tear_out(1)
        await world.until(lambda: CAMERA not in world.station.recorder.state.shift.clears)
        assert await refused(world, "iryna", "clear agree") is ErrorCode.NOT_FOUND
