"""One slot's trouble is that slot's: faults, silence, strangers; what is told and when it is over."""

import asyncio
import errno
import random

import pytest

from edged.control.calls import Call
from edged.control.verbs import HANDLERS, ReasonParams, SlotParams
from edged.errors import EdgeError, ErrorCode
from edged.formats import facts as f
from edged.slots.state import State
from edged.verbs import authorise
from firmware_protocol.dock.messages import Fault, Pattern
from tests.world.loop import story
from tests.world.persons import OLENA, TARAS, Someone
from tests.world.world import World

pytestmark = pytest.mark.slow  # many steps each; the fast part keeps the main stories

FILM = b"".join(n.to_bytes(8, "big") for n in range(100_000))


async def ask(world: World, verb: str, someone: Someone, params: object) -> object:
    lists = world.station.lists
    actor = authorise(lists.access, verb, someone.account, lists.judged_ns())
    return await HANDLERS[verb].run(Call(world.station, actor, params))


@story
async def test_a_silent_camera_holds_up_no_other() -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.fault("K000001", silent_after_commands=3, repeat=True)
        world.insert("K000001", 1)
        world.add("K000002", {"CLIP0001.MP4": FILM})
        world.insert("K000002", 2)
        await world.until_cleared("K000002", within_s=120)
        world.tap(OLENA.badge)
        await world.take(2)
        await world.passes(600)
        assert world.state(1) is not State.READY
        world.fault("K000001")
        await world.until_cleared("K000001", within_s=2000)


@story
async def test_a_plain_disk_that_falls_silent_at_work_loses_its_power_for_a_moment() -> None:
    """It has no mode to return from, and answers again only after that; until then it is not ready."""
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM}, kind="msc", usb_serial="K000001")
        world.fault("K000001", bytes_per_s=100_000)
        world.insert("K000001", 1)
        await world.until_slot(1, State.CLEARING)
        world.fault("K000001", bytes_per_s=100_000, silent_after_commands=3)
        await world.until(lambda: not world.dock.slots[1].powered)
        await world.until_cleared("K000001", within_s=300)
        await world.until_slot(1, State.READY)


@pytest.mark.clause("scan-II.7", "no camera is issued out of a slot that is at fault")
@story
async def test_a_faulty_slot_is_out_of_use_until_a_technician_clears_it() -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.insert("K000001", 1)
        await world.until_cleared("K000001")
        world.dock.break_down(1, Fault.OVERTEMP)
        await world.until_slot(1, State.FAULT)
        assert "slot-fault:1" in world.alerts()
        world.tap(OLENA.badge)
        await world.passes(5)
        assert not world.open_lock(1)
        await ask(world, "slots clear-fault", TARAS, SlotParams(slot=1))
        await world.until_slot(1, State.READY)
        assert "slot-fault:1" not in world.alerts()
        with pytest.raises(EdgeError) as caught:
            await ask(world, "slots clear-fault", TARAS, SlotParams(slot=1))
        assert caught.value.code is ErrorCode.CONFLICT


@story
async def test_a_strangers_alert_ends_when_it_is_taken_out() -> None:
    async with World.open() as world:
        world.add("X999999", {"CLIP0001.MP4": FILM})
        world.insert("X999999", 1)
        await world.until_slot(1, State.UNKNOWN)
        assert "camera-unknown:X999999" in world.alerts()
        await ask(world, "slots open", TARAS, SlotParams(slot=1))
        await world.take(1)
        await world.until(lambda: not world.alerts(), 30)
        assert world.facts(f.CameraUndocked)[0].camera == "X999999"


@story
async def test_a_camera_in_works_is_not_issued_and_comes_back_into_use() -> None:
    async with World.open() as world:
        world.add("K000001")
        world.insert("K000001", 1)
        await world.until_slot(1, State.READY)
        await ask(world, "camera works", TARAS, ReasonParams(camera="K000001", reason="заміна скла"))
        await world.until_slot(1, State.WORKS)
        world.tap(OLENA.badge)
        await world.passes(5)
        assert not world.facts(f.CameraGranted)
        await ask(world, "camera works", TARAS, ReasonParams(camera="K000001", reason="готово", end=True))
        await world.until_slot(1, State.READY)


@pytest.mark.clause("scan-II.7", "no camera is issued that is in quarantine")
@story
async def test_a_quarantined_camera_is_neither_cleared_nor_issued_until_it_is_released() -> None:
    async with World.open() as world:
        world.centre.open = False
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.insert("K000001", 1)
        await world.until_slot(1, State.READY)
        await ask(world, "camera quarantine", TARAS, ReasonParams(camera="K000001", reason="сумнів"))
        await world.until_slot(1, State.QUARANTINE)
        world.centre.open = True
        world.tap(OLENA.badge)
        await world.passes(300)
        assert not world.facts(f.CameraGranted)
        assert world.aboard("K000001") == ["CLIP0001.MP4"]
        await ask(world, "camera release", TARAS, ReasonParams(camera="K000001", reason="перевірено"))
        await world.until_cleared("K000001")


@pytest.mark.parametrize("state", [State.SWITCHING_TO_CLEAR, State.CLEARING])
@story
async def test_a_camera_that_is_quarantined_as_its_clearing_begins_is_cleared_after_its_release(
    state: State,
) -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM, "CLIP0002.MP4": FILM[::-1]})
        world.fault("K000001", bytes_per_s=500_000)
        world.insert("K000001", 1)
        await world.until_slot(1, state)
        await ask(world, "camera quarantine", TARAS, ReasonParams(camera="K000001", reason="сумнів"))
        await world.passes(300)
        assert world.state(1) is State.QUARANTINE
        assert not world.facts(f.ClearStarted)
        await ask(world, "camera release", TARAS, ReasonParams(camera="K000001", reason="перевірено"))
        await world.until_cleared("K000001")


@pytest.mark.fault(
    "O03", "a daemon that was stopped for an hour: locks stay shut, the gap stands in the ledger"
)
@story
async def test_the_daemon_is_stopped_for_an_hour() -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.insert("K000001", 1)
        await world.until_cleared("K000001")
        await world.stop()
        world.tap(OLENA.badge)
        await world.passes(3600)
        assert not world.open_lock(1)
        await world.boot()
        await world.until_slot(1, State.READY)
        assert not world.facts(f.CameraIssued)
        kinds = [line.type for line in world.station.book.lines()]
        assert "station.stopped" in kinds
        assert [s.clean for s in world.facts(f.StationStarted)] == [False, True]


@story
async def test_a_camera_torn_out_while_the_daemon_is_away_is_found_missing() -> None:
    async with World.open() as world:
        world.add("K000001")
        world.insert("K000001", 1)
        await world.until_slot(1, State.READY)
        await world.crash()
        world.tear_out(1)
        await world.passes(600)
        await world.boot()
        await world.until(lambda: world.facts(f.SlotForcedOpen), 30)
        assert world.facts(f.SlotForcedOpen)[0].camera == "K000001"
        assert len(world.facts(f.IncidentDrafted)) == 1


@story
async def test_what_a_doubt_kept_aboard_is_read_again_once_a_technician_has_ended_it() -> None:
    """The sector could not be read when the clip was due to go; somebody has cleaned the contact since."""
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.insert("K000001", 1)
        await world.until(lambda: world.facts(f.RecordingSealed))
        sector = world.cards["K000001"].sector_of(FILM[600_064:600_576])
        world.fault("K000001", bad_sectors=((sector, 1),))
        await world.until(lambda: "camera-reads-differ:K000001" in world.alerts(), 300)
        world.fault("K000001")
        await world.passes(60)
        assert world.aboard("K000001") == ["CLIP0001.MP4"]

        await ask(world, "camera release", TARAS, ReasonParams(camera="K000001", reason="перевірено"))

        await world.until_cleared("K000001", within_s=300)
        assert "camera-reads-differ:K000001" not in world.alerts()


@story
async def test_a_clip_found_altered_when_it_was_due_to_go_is_stored_as_another_recording() -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.insert("K000001", 1)
        await world.until(lambda: world.facts(f.RecordingSealed))
        card = world.cards["K000001"]
        at = card.sector_of(FILM[64:576]) * 512
        card.image[at] ^= 1
        await world.until(lambda: len(world.facts(f.RecordingSealed)) == 2, 300)
        await world.passes(60)
        assert "camera-reads-differ:K000001" in world.alerts()
        assert world.aboard("K000001") == ["CLIP0001.MP4"]

        await ask(world, "camera release", TARAS, ReasonParams(camera="K000001", reason="перевірено"))

        await world.until_cleared("K000001", within_s=300)
        first, second = world.facts(f.RecordingSealed)
        assert first.sha256 != second.sha256
        (cleared,) = world.facts(f.CameraCleared)
        assert cleared.recordings == (second.recording,)


@story
async def test_a_clip_that_differs_in_its_middle_is_stored_as_another_recording_too() -> None:
    """The copy was wrong there, or the card is now: the ends, which are looked at first, are the same."""
    async with World.open() as world:
        film = random.Random(7).randbytes(3 << 20)
        world.add("K000001", {"CLIP0001.MP4": film})
        world.insert("K000001", 1)
        await world.until(lambda: world.facts(f.RecordingSealed))
        card = world.cards["K000001"]
        at = card.sector_of(film[(3 << 19) : (3 << 19) + 512]) * 512
        card.image[at] ^= 1
        await world.until(lambda: len(world.facts(f.RecordingSealed)) == 2, 300)
        await world.passes(60)
        assert "camera-reads-differ:K000001" in world.alerts()

        await ask(world, "camera release", TARAS, ReasonParams(camera="K000001", reason="перевірено"))

        await world.until_cleared("K000001", within_s=300)
        assert len(world.facts(f.RecordingSealed)) == 2
        assert world.facts(f.CameraCleared)[0].recordings == (world.facts(f.RecordingSealed)[1].recording,)


@story
async def test_a_clearing_whose_end_the_ledger_did_not_take_ends_before_the_next_begins() -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.fault("K000001", bytes_per_s=100_000)
        world.insert("K000001", 1)
        await world.until_slot(1, State.CLEARING)
        while not world.facts(f.ClearStarted):
            await world.passes(0.001)
        world.fs.fail("write_at", errno.ENOSPC, path="current.jsonl", times=2)
        await world.until_cleared("K000001")
        await world.until(lambda: world.facts(f.CameraCleared), 30)
        assert len(world.facts(f.ClearStarted)) == len(world.facts(f.CameraCleared)) == 1


@story
async def test_a_slot_blinks_to_be_found_and_then_shows_what_it_showed() -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.insert("K000001", 1)
        await world.until_cleared("K000001")
        slot = world.dock.slots[1]
        before = (slot.colour, slot.pattern)
        blinking = asyncio.create_task(ask(world, "slots blink", TARAS, SlotParams(slot=1)))
        await world.until(lambda: slot.pattern is Pattern.ALTERNATING)
        assert world.state(1) is State.READY
        await blinking
        assert (slot.colour, slot.pattern) == before


@story
async def test_without_its_dock_a_hung_camera_is_switched_by_the_hub() -> None:
    async with World.open() as world:
        asked: list[str] = []
        can = False

        async def cycle(port: str) -> bool:
            asked.append(port)
            return can

        world.station.outside.roles.cycle = cycle  # type: ignore[method-assign]  # a hub that switches its ports
        work = world.station.units[1].work
        await world.until(lambda: work.dock.hello is not None)
        await work._off_and_on()
        assert not asked
        work.dock._forget()
        with pytest.raises(EdgeError) as caught:
            await work._off_and_on()
        assert caught.value.code is ErrorCode.DOCK_SILENT
        can = True
        await work._off_and_on()
        assert asked == [work.port] * 2
