"""Clearing before the receipt: only by a written decision, oldest first, and only as much as is lacking."""

import pytest

from edged.formats import facts as f
from edged.slots.state import State
from edged.station_state import Life
from tests.world.loop import story
from tests.world.world import World

FILM = b"".join(n.to_bytes(8, "big") for n in range(100_000))
FREE = 12_285_952 - 3 * 802_816  # bytes of the 12 MB card with three such films in clusters of 2 KiB
LACKS_ONE = f"memory_min_h = {(FREE + len(FILM) // 2) / (3600 * 6_000_000 / 8):.9f}"
BY_DECISION = """policy = "on-seal-when-needed"
decision = { number = "17-A", date = 2026-11-01 }"""


async def three_films_and_no_centre(world: World) -> None:
    assert world._post is not None
    world._post.cancel()  # nothing is carried to the centre, no receipt ever comes
    world.add("K000001")
    for number in (1, 2, 3):
        world.record("K000001", f"CLIP000{number}.MP4", FILM + bytes([number]))
        await world.passes(4)  # FAT tells times apart by two seconds
    world.insert("K000001", 1)
    await world.passes(180)


@story
async def test_by_decision_the_oldest_goes_and_no_more_than_is_lacking() -> None:
    async with World.open(readiness=LACKS_ONE, clear=BY_DECISION) as world:
        await three_films_and_no_centre(world)
        assert [r.life for r in world.recordings("K000001")] == [Life.CLEARED, Life.SEALED, Life.SEALED]
        (intent,) = world.facts(f.ClearStarted)
        assert (intent.policy, intent.decision, intent.decision_date) == (
            "on-seal-when-needed",
            "17-A",
            "2026-11-01",
        )
        world.deliver()
        world.deliver()
        await world.passes(30)
        assert [bool(r.confirmed_receipt) for r in world.recordings("K000001")] == [True, True, True]


@story
async def test_a_receipt_that_comes_while_the_source_is_read_keeps_nothing_aboard_for_good() -> None:
    """Then it is no matter of the decision any more, and the countersignature is not here yet."""
    async with World.open(
        readiness=LACKS_ONE, clear=BY_DECISION, ledger="checkpoint_s = 200\ncheckpoint_lines = 500"
    ) as world:
        assert world._post is not None
        world._post.cancel()  # what is carried is carried by hand
        world.add("K000001")
        for number in (1, 2, 3):
            world.record("K000001", f"CLIP000{number}.MP4", FILM + bytes([number]))
            await world.passes(4)
        world.fault("K000001", bytes_per_s=200_000)
        world.insert("K000001", 1)
        await world.until_slot(1, State.CLEARING)
        world.deliver()
        await world.until(lambda: world.logged("EDG-2304"), 60, "the gate is closed to one of them")
        await world.passes(200)
        world.deliver()
        await world.until_cleared("K000001", within_s=900)


@pytest.mark.parametrize("writes", [1, 2, 3])
@story
async def test_what_a_decision_began_is_finished_in_its_name(writes: int) -> None:
    """Torn out when the file is off the card and the station does not know it yet."""
    async with World.open(readiness=LACKS_ONE, clear=BY_DECISION) as world:
        assert world._post is not None
        world._post.cancel()
        world.add("K000001")
        for number in (1, 2, 3):
            world.record("K000001", f"CLIP000{number}.MP4", FILM + bytes([number]))
            await world.passes(4)
        world.fault("K000001", cut_after_writes=writes)
        world.insert("K000001", 1)
        await world.until(lambda: world.facts(f.ClearStarted), 120)
        await world.passes(5)
        if 1 in world.inside:
            world.tear_out(1)
        world.fault("K000001")
        await world.passes(60)
        world.insert("K000001", 2)
        await world.passes(180)
        assert {(i.policy, i.decision) for i in world.facts(f.ClearStarted)} == {
            ("on-seal-when-needed", "17-A")
        }


@pytest.mark.fault("K15", "without a decision a camera that lacks memory keeps what no receipt covers")
@story
async def test_without_a_decision_nothing_goes_before_its_receipt() -> None:
    async with World.open(readiness=LACKS_ONE) as world:
        await three_films_and_no_centre(world)
        assert [r.life for r in world.recordings("K000001")] == [Life.SEALED] * 3
        assert not world.facts(f.ClearStarted)
