"""The host loses power after each line of the ledger of one whole cycle; the next start plays on."""

import asyncio
from contextlib import suppress

import pytest

from edged.formats import facts as f
from edged.formats.line import Line
from edged.slots.state import State
from edged.station_state import Life
from tests.world.loop import story
from tests.world.persons import OLENA
from tests.world.world import HostOff, World

pytestmark = pytest.mark.slow  # many steps each; the fast part keeps the main stories

CLIPS = {"CLIP0001.MP4": bytes(range(256)) * 3000, "CLIP0002.MP4": b"a short one"}
LINES = 26  # a few more than the cycle has; the last ones are cut nowhere


async def cycle(world: World) -> None:
    """Whatever has happened already of: docked, emptied, taken by an officer."""
    state = world.station.recorder.state
    if 1 in world.inside:
        await world.until_cleared("K000001", within_s=900)
        await world.passes(30)
        if not world.facts(f.CameraIssued):
            world.tap(OLENA.badge)
            await world.take(1, within_s=30)
    await world.until(lambda: world.facts(f.CameraIssued), 60)
    assert all(r.life is Life.CLEARED for r in state.recordings.values())


def once(world: World) -> None:
    """Sealed, confirmed, cleared, issued: each exactly once."""
    for kind in (f.RecordingSealed, f.RecordingConfirmed):
        names = [fact.recording for fact in world.facts(kind)]
        assert len(names) == len(set(names)) == len(CLIPS), kind
    cleared = [name for fact in world.facts(f.CameraCleared) for name in fact.recordings]
    assert len(cleared) == len(set(cleared)) == len(CLIPS)
    assert len(world.facts(f.CameraIssued)) == 1
    grants = {g.grant for g in world.facts(f.CameraGranted)}
    ended = [x.grant for kind in (f.CameraIssued, f.GrantVoided) for x in world.facts(kind)]
    assert sorted(ended) == sorted(grants), "each grant has one outcome"
    begun, ended_well = len(world.facts(f.OffloadStarted)), len(world.facts(f.RecordingSealed))
    assert begun <= ended_well + len(world.facts(f.OffloadInterrupted)), "each copy begun has an outcome"


async def cut_after(world: World, line: int, *, effects: bool) -> bool:
    """Play until that line is durable, then cut; False if there are not so many."""

    def hear(durable: object) -> None:
        if world.station.book.size > line:
            world.halt(effects=effects)

    world.station.book.subscribe(hear)
    world.insert("K000001", 1)
    with suppress(HostOff):
        await cycle(world)
    if not world.off:
        return False
    await world.crash(effects=effects)
    return True


@story
async def test_the_cycle_is_shorter_than_the_lines_that_are_tried() -> None:
    async with World.open() as world:
        world.add("K000001", CLIPS)
        world.insert("K000001", 1)
        await cycle(world)
        assert LINES - 8 < world.station.book.size < LINES


@pytest.mark.fault(
    "X02", "a cut after any line of a whole cycle is made good by the next start, and only once"
)
@pytest.mark.parametrize("effects", [False, True], ids=["dead-at-once", "hands-still-move"])
@pytest.mark.parametrize("line", range(2, LINES))
@story
async def test_power_lost_after_any_line_of_a_cycle(line: int, effects: bool) -> None:
    async with World.open() as world:
        world.add("K000001", CLIPS)
        await cut_after(world, line, effects=effects)
        if world.running is None:
            await world.passes(20)
            await world.boot()
        await world.passes(10)
        await cycle(world)
        assert 1 not in world.inside
        assert world.state(1) is State.EMPTY
        once(world)
        world.check_live()


async def cut_before_the_fact(world: World) -> None:
    """Play until the first copy has its final name, then cut; and start anew."""
    world.insert("K000001", 1)
    protect = world.fs.protect

    def cut(path: str) -> None:
        world.halt()
        protect(path)

    world.fs.protect = cut  # type: ignore[method-assign]  # the last step of publishing
    with suppress(HostOff):
        await cycle(world)
    await world.crash()
    world.fs.protect = protect  # type: ignore[method-assign]  # as above


@story
async def test_power_lost_between_the_name_of_a_copy_and_its_fact() -> None:
    async with World.open() as world:
        world.add("K000001", CLIPS)
        await cut_before_the_fact(world)
        await world.boot()
        await cycle(world)
        once(world)
        first = world.facts(f.RecordingSealed)[0]
        assert first.second_read  # the source was asked again before it was entered


@story
async def test_a_copy_with_its_name_and_no_fact_that_the_source_does_not_bear_out_is_made_anew() -> None:
    async with World.open() as world:
        world.add("K000001", CLIPS)
        card = world.cards["K000001"].image
        wrong = card.index(CLIPS["CLIP0001.MP4"][:512])
        card[wrong] ^= 1  # as the card reads the first time
        await cut_before_the_fact(world)
        card[wrong] ^= 1
        await world.boot()
        await cycle(world)
        sealed = {fact.sha256 for fact in world.facts(f.RecordingSealed)}
        assert sealed == {made.sha256 for made in world.made}


@story
async def test_a_camera_that_leaves_while_its_seal_is_written_is_sealed_and_not_interrupted() -> None:
    async with World.open() as world:
        book = world.station.book
        append = book.append

        async def held_up(fact: f.Fact, actor: str = "station") -> Line:
            if not isinstance(fact, f.RecordingSealed):
                return await append(fact, actor)
            async with book.exclusive():
                stating = asyncio.ensure_future(append(fact, actor))
                await asyncio.sleep(0)
                world.bus.leave("1-1.1", back_s=5.0)
                await asyncio.sleep(1.0)
            return await stating

        book.append = held_up  # type: ignore[method-assign]  # a disk that takes a second
        world.add("K000001", {"CLIP0001.MP4": CLIPS["CLIP0001.MP4"]})
        world.insert("K000001", 1)
        await world.until_cleared("K000001", within_s=600)
        assert len(world.facts(f.RecordingSealed)) == 1
        assert not world.facts(f.OffloadInterrupted)
