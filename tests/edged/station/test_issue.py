"""A badge, a camera, a shift, and back: grants and what may become of them."""

import pytest

from edged.formats import facts as f
from edged.formats.line import Line
from edged.slots.state import State
from edged.station_state import OpenGrant
from firmware_protocol.dock.messages import EventKind
from firmware_protocol.reader.messages import Show
from tests.world.loop import story
from tests.world.persons import IRYNA, OLENA, PETRO
from tests.world.world import World

FILM = b"".join(n.to_bytes(8, "big") for n in range(50_000))


async def docked(world: World, *slots: int) -> None:
    """A ready, empty camera in each slot."""
    for slot in slots:
        world.add(f"K00000{slot}")
        world.insert(f"K00000{slot}", slot)
    for slot in slots:
        await world.until_slot(slot, State.READY)


@story
async def test_an_officer_gets_a_camera_within_two_seconds_and_brings_it_back() -> None:
    async with World.open() as world:
        await docked(world, 1)
        tapped = world.loop.time()
        world.tap(OLENA.badge)
        await world.until(lambda: world.open_lock(1), 5)
        assert world.loop.time() - tapped < 2
        assert world.reader.sounded[-1:] == [Show.ACCEPTED]
        assert [g.officer for g in world.facts(f.CameraGranted)] == [
            "olena"
        ]  # durable before the lock opened
        await world.take(1)
        await world.until(lambda: world.facts(f.CameraIssued))
        (issued,) = world.facts(f.CameraIssued)
        assert (issued.officer, issued.camera, issued.slot) == ("olena", "K000001", 1)
        assert world.state(1) is State.EMPTY

        await world.passes(3600)
        world.record("K000001", "CLIP0001.MP4", FILM)
        world.insert("K000001", 2)  # back, into another slot
        await world.until_slot(2, State.READY)
        docking = world.facts(f.CameraDocked)[-1]
        assert (docking.issue, docking.officer, docking.slot) == (issued.issue, "olena", 2)
        sealed = world.facts(f.RecordingSealed)[-1]
        assert (sealed.issue, sealed.officer) == (issued.issue, "olena")

        world.tap(IRYNA.badge)  # the responsible person checks and confirms the return
        await world.until(lambda: world.facts(f.ReturnConfirmed))
        (confirmed,) = world.facts(f.ReturnConfirmed)
        assert (confirmed.issues, confirmed.responsible) == ((issued.issue,), "iryna")
        assert world.reader.sounded[-1:] == [Show.CONFIRM]
        world.check_live()


@story
async def test_a_camera_that_nobody_takes_stays_in_and_the_officer_may_try_again() -> None:
    async with World.open(access="grant_open_s = 5") as world:
        await docked(world, 1)
        world.tap(OLENA.badge)
        await world.until(lambda: world.open_lock(1), 5)
        await world.until(lambda: world.facts(f.GrantVoided), 10)
        assert not world.open_lock(1)
        assert [v.reason for v in world.facts(f.GrantVoided)] == ["not-taken"]
        await world.until_slot(1, State.READY)
        await world.passes(1)
        world.tap(OLENA.badge)
        await world.take(1)
        await world.until(lambda: world.facts(f.CameraIssued))
        assert len(world.facts(f.CameraGranted)) == 2
        assert len(world.facts(f.CameraIssued)) == 1


@story
async def test_a_grant_of_an_earlier_life_that_nobody_has_ended_keeps_nobody_from_another_camera() -> None:
    async with World.open() as world:
        await docked(world, 1)
        # At a dock that has not answered since the start.
        silent = OpenGrant(grant="f" * 32, slot=9, camera="K000009", officer="olena", reader="B")
        world.station.recorder.state.grants[silent.grant] = silent
        world.tap(OLENA.badge)
        await world.until(lambda: world.open_lock(1), 5)


@story
async def test_two_officers_one_after_the_other_get_different_cameras() -> None:
    async with World.open() as world:
        await docked(world, 1, 2)
        world.tap(OLENA.badge)
        await world.until(lambda: world.open_lock(1) or world.open_lock(2), 5)
        first = 1 if world.open_lock(1) else 2
        await world.take(first)
        await world.until(lambda: len(world.facts(f.CameraIssued)) == 1)
        world.tap(PETRO.badge)
        await world.take(3 - first)
        await world.until(lambda: len(world.facts(f.CameraIssued)) == 2)
        assert {i.officer for i in world.facts(f.CameraIssued)} == {"olena", "petro"}
        assert {i.camera for i in world.facts(f.CameraIssued)} == {"K000001", "K000002"}


@pytest.mark.fault(
    "B08", "a reader that goes away takes its open grant with it: the lock closes and nothing is issued"
)
@story
async def test_a_reader_that_is_unplugged_while_its_grant_is_open() -> None:
    async with World.open(access="grant_open_s = 60") as world:
        await docked(world, 1)
        world.tap(OLENA.badge)
        await world.until(lambda: world.open_lock(1), 5)
        world.lines["/dev/reader"].unplug()
        await world.until(lambda: not world.open_lock(1), 5)
        await world.until(lambda: world.facts(f.GrantVoided), 5)
        await world.until(lambda: "reader-silent:A" in world.alerts(), 5)
        assert not world.facts(f.CameraIssued)
        world.lines["/dev/reader"].plug()
        await world.until(lambda: "reader-silent:A" not in world.alerts(), 60)
        await world.until_slot(1, State.READY)
        await world.passes(1)
        world.tap(OLENA.badge)
        await world.take(1)


@pytest.mark.fault(
    "D05", "a controller that restarts while a lock is open closes it; the grant is void, not lost"
)
@story
async def test_a_controller_that_restarts_in_mid_grant() -> None:
    async with World.open(access="grant_open_s = 60") as world:
        await docked(world, 1)
        world.tap(OLENA.badge)
        await world.until(lambda: world.open_lock(1), 5)
        world.dock.restart()
        assert not world.open_lock(1)
        await world.until(lambda: world.facts(f.GrantVoided), 70)
        await world.until_slot(1, State.READY)
        assert not world.facts(f.CameraIssued)
        await world.passes(1)
        world.tap(OLENA.badge)
        await world.take(1)
        await world.until(lambda: world.facts(f.CameraIssued))


@story
async def test_without_a_controller_nothing_unlocks_and_offload_goes_on() -> None:
    async with World.open() as world:
        await docked(world, 1)
        world.add("K000002", {"CLIP0001.MP4": FILM * 10})
        world.fault("K000002", bytes_per_s=2_000_000)
        world.insert("K000002", 2)
        await world.until_slot(2, State.OFFLOADING)
        world.dock.mute = True  # its firmware hangs
        await world.until(lambda: "dock-silent:A" in world.alerts(), 60)
        world.tap(OLENA.badge)
        await world.passes(20)
        assert not world.open_lock(1)
        assert not world.facts(f.CameraIssued)
        await world.until(lambda: any(r.sealed_seq >= 0 for r in world.recordings("K000002")), 120)
        world.dock.mute = False
        await world.until(lambda: "dock-silent:A" not in world.alerts(), 60)
        await world.until_slot(1, State.READY)
        await world.passes(1)
        world.tap(OLENA.badge)
        await world.take(1)


@pytest.mark.clause(
    "459-III.8-no-removal",
    "a camera that is torn out of a locked slot is an alarm and the draft of an incident",
)
@pytest.mark.fault("O04", "a camera torn out of its slot is an incident with a witness, and never an issue")
@story
async def test_a_camera_torn_out_of_a_locked_slot() -> None:
    async with World.open() as world:
        await docked(world, 1)
        world.tear_out(1)
        await world.until(lambda: world.facts(f.SlotForcedOpen), 10)
        await world.until_slot(1, State.FORCED)
        (forced,) = world.facts(f.SlotForcedOpen)
        assert (forced.camera, forced.witness) == ("K000001", "dock")
        (incident,) = world.facts(f.IncidentDrafted)
        assert (incident.kind, incident.camera, incident.slot) == ("forced-removal", "K000001", 1)
        assert "slot-forced:1" in world.alerts()
        assert not world.facts(f.CameraIssued)
        assert world.station.recorder.state.cameras["K000001"].missing
        world.insert("K000001", 1)  # it is found
        await world.until_slot(1, State.READY)
        assert "slot-forced:1" not in world.alerts()
        assert not world.station.recorder.state.cameras["K000001"].missing


@story
async def test_a_camera_torn_out_in_the_moment_of_a_grant_is_nobodys_issue() -> None:
    """The contact breaks before the lock opens, and the dock says so only after the contact: by then the camera was
    written down as taken by the officer whose badge it was."""

    def tears_out(line: Line) -> None:
        if line.type == "camera.granted" and not world.facts(f.SlotForcedOpen):
            world.tear_out(1)

    async with World.open() as world:
        await docked(world, 1)
        world.station.book.subscribe(tears_out)
        world.tap(OLENA.badge)
        await world.until_slot(1, State.FORCED)
        (issued,), (forced,) = world.facts(f.CameraIssued), world.facts(f.SlotForcedOpen)
        assert (forced.camera, forced.issue) == ("K000001", issued.issue)
        (incident,) = world.facts(f.IncidentDrafted)
        assert (incident.camera, incident.issue) == ("K000001", issued.issue)
        state = world.station.recorder.state
        assert state.cameras["K000001"].missing
        assert state.open_issue_of(OLENA.id) is None
        world.insert("K000001", 1)  # it is found: that is no return of hers
        await world.until_slot(1, State.READY)
        assert not state.returns_to_confirm()
        await world.passes(20)
        world.tap(OLENA.badge)
        await world.take(1)


@story
async def test_the_latch_of_a_slot_that_is_moved_long_after_an_issue_says_nothing_of_it() -> None:
    async with World.open() as world:
        await docked(world, 1)
        world.tap(OLENA.badge)
        await world.take(1)
        await world.until(lambda: world.facts(f.CameraIssued), 10)
        await world.passes(300)
        world.dock._event(EventKind.FORCED_OPEN, 1)
        world.dock.changed()
        await world.until_slot(1, State.FORCED)
        (forced,) = world.facts(f.SlotForcedOpen)
        assert (forced.camera, forced.issue) == ("", "")
        assert world.station.recorder.state.open_issue_of(OLENA.id) is not None


@story
async def test_a_slot_that_tells_again_of_another_camera_torn_out_takes_no_issue_back() -> None:
    """The power fails before the dock has heard that its event was understood: it says it again at the next start."""
    async with World.open() as world:
        await docked(world, 1)
        world.add("K000002")
        world.tap(OLENA.badge)
        await world.take(1)
        await world.until(lambda: world.facts(f.CameraIssued), 10)
        world.insert("K000002", 1)
        await world.until(lambda: len(world.facts(f.CameraDocked)) == 2, 10)
        world.tear_out(1)
        await world.until_slot(1, State.FORCED)
        await world.crash()
        await world.boot()
        await world.until_slot(1, State.EMPTY)
        world.dock._event(EventKind.FORCED_OPEN, 1)
        world.dock.changed()
        await world.until_slot(1, State.FORCED)
        assert [forced.issue for forced in world.facts(f.SlotForcedOpen)] == ["", ""]
        assert world.station.recorder.state.open_issue_of(OLENA.id) is not None
