"""A drive that calls durable what is in its cache only: what was sealed shortly before a power cut is read again."""

import errno
from collections.abc import Callable

import pytest

from edged.formats import facts as f
from edged.slots.state import State
from edged.station_state import Life, Recording
from tests.edged.station.test_by_decision import BY_DECISION, FILM, LACKS_ONE
from tests.world.loop import story
from tests.world.world import VAULT, World

pytestmark = pytest.mark.slow  # many steps each; the fast part keeps the main stories

LONG_AGO_S = 600.0


async def sealed_without_a_receipt(world: World) -> Recording:
    """Three films in the vault, no word from the centre; the oldest of them."""
    world.centre.open = False
    world.add("K000001")
    for number in range(3):
        world.record("K000001", f"CLIP000{number}.MP4", FILM + bytes([number]))
        await world.passes(4)  # FAT tells times apart by two seconds
    world.insert("K000001", 1)
    await world.until(lambda: len(world.facts(f.RecordingSealed)) == 3)
    return world.recordings()[0]


def home(recording: Recording) -> str:
    return f"{VAULT}/recordings/{recording.folder}/{recording.id}"


def forget_a_page(world: World, recording: Recording) -> None:
    path = f"{home(recording)}/{recording.file}"
    data = world.fs.files()[path]
    world.fs.put(path, data[:4096] + bytes(4096) + data[8192:])


def forget_the_name(world: World, recording: Recording) -> None:
    world.fs.remove(f"{home(recording)}/{recording.file}")
    world.fs.sync_dir(home(recording))


def cleared(world: World) -> set[str]:
    return {name for intent in world.facts(f.ClearStarted) for name in intent.recordings}


def reread(world: World) -> list[str]:
    return sorted(fact.recording for fact in world.facts(f.RecordingReread))


@pytest.mark.fault("K07", "what a lying drive lost with the power is found before its source may be cleared")
@pytest.mark.parametrize("drive_forgets", [forget_a_page, forget_the_name])
@story
async def test_no_source_is_cleared_on_a_copy_that_the_drive_lost(
    drive_forgets: Callable[[World, Recording], None],
) -> None:
    async with World.open(readiness=LACKS_ONE, clear=BY_DECISION) as world:
        world.defects_expected = True  # the verifier finds the lost copy as well
        lost = await sealed_without_a_receipt(world)
        await world.crash()
        drive_forgets(world, lost)
        await world.boot()
        await world.until(lambda: world.facts(f.RecordingCorrupted))
        assert f"recording-damaged:{lost.id[:8]}" in world.alerts()
        assert world.logged("EDG-6006") == [{"recording": lost.id}]
        await world.until(lambda: world.facts(f.IncidentDrafted), 70)
        (draft,) = world.facts(f.IncidentDrafted)
        assert (draft.kind, draft.recording, draft.camera) == ("damaged-recording", lost.id, lost.camera)
        # The clip is still aboard, so it is copied again; that copy may stand for it.
        await world.until(lambda: world.facts(f.CameraCleared), 600)
        again = world.recordings()[-1]
        assert (again.path, again.size) == (lost.path, lost.size)
        assert cleared(world) == {again.id}
        assert not world.alerts()


@pytest.mark.fault("K07", "until it was read again, the source of a copy stays aboard, over another cut too")
@story
async def test_a_copy_that_cannot_be_read_again_yet_clears_nothing() -> None:
    async with World.open(readiness=LACKS_ONE, clear=BY_DECISION) as world:
        oldest = await sealed_without_a_receipt(world)
        await world.crash()
        world.fs.fail("open_uncached", errno.EIO, path=oldest.id, times=1000)
        await world.boot()
        await world.until(lambda: "vault-unreadable" in world.alerts())
        await world.passes(LONG_AGO_S)
        await world.crash()
        await world.boot()
        await world.passes(LONG_AGO_S)
        assert oldest.id not in cleared(world)
        assert [i.kind for i in world.facts(f.IncidentDrafted)] == ["disk"]  # once, over the restart too
        world.fs._faults.clear()  # the disk works again
        await world.until(lambda: oldest.id in reread(world), 100)
        await world.passes(120)
        assert "vault-unreadable" not in world.alerts()


@story
async def test_what_is_whole_is_read_again_once_and_counts() -> None:
    async with World.open(readiness=LACKS_ONE, clear=BY_DECISION) as world:
        oldest = await sealed_without_a_receipt(world)
        await world.crash()
        await world.boot()
        await world.until(lambda: world.facts(f.CameraCleared), 600)
        assert cleared(world) == {oldest.id}
        await world.passes(LONG_AGO_S)
        await world.crash()
        await world.boot()
        await world.passes(120)
        assert reread(world) == sorted(r.id for r in world.recordings())
        assert not world.facts(f.RecordingCorrupted)
        world.check_live()


@story
async def test_what_was_sealed_long_before_the_cut_or_in_this_boot_is_not_read_again() -> None:
    async with World.open() as world:
        await sealed_without_a_receipt(world)
        await world.stop()
        await world.boot()  # the daemon alone: no drive has lost its power
        await world.passes(120)
        assert not reread(world)
        await world.until_slot(1, State.READY)
        await world.passes(LONG_AGO_S)
        world.add("K000002")
        world.insert("K000002", 2)
        await world.until_slot(2, State.READY)
        await world.crash()
        await world.boot()
        await world.passes(120)
        assert not reread(world)
        assert {r.life for r in world.recordings()} == {Life.SEALED}
