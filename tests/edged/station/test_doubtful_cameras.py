"""Cameras that are pulled, swapped, twins, strangers, worn out or wrong about the time."""

import asyncio
import hashlib

import pytest

from edged.formats import facts as f
from edged.ports import ClockClass
from edged.readiness import NotReady
from edged.slots.state import State
from edged.station_state import Life
from tests.world.loop import story
from tests.world.persons import OLENA
from tests.world.world import FOLDER, VAULT, World

pytestmark = pytest.mark.slow  # many steps each; the fast part keeps the main stories

FILM = b"".join(n.to_bytes(8, "big") for n in range(200_000))  # 1.6 MB, no two sectors alike
OTHER = FILM[::-1]
NOTE = b"a short one"


def vaulted(world: World) -> set[str]:
    """Hashes of what lies in the vault under a final name."""
    files = world.fs.files(f"{VAULT}/recordings")
    return {hashlib.sha256(data).hexdigest() for path, data in files.items() if path.endswith(".mp4")}


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# --- who it is ----------------------------------------------------------------------------------------


@pytest.mark.fault(
    "U06",
    "two cameras with one serial number are both emptied into the vault and neither is cleared or issued",
)
@story
async def test_two_cameras_that_show_the_same_serial_number() -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.add("copy", {"CLIP0001.MP4": OTHER}, serial="K000001", usb_serial="USB-other")
        world.insert("K000001", 1)
        await world.until(lambda: world.state(1) in {State.HOLDING, State.READY, State.OFFLOADING})
        world.insert("copy", 2)
        await world.until(lambda: {sha(FILM), sha(OTHER)} <= vaulted(world))
        await world.passes(120)
        assert "camera-twin:K000001" in world.alerts()
        assert world.aboard("copy") == ["CLIP0001.MP4"]
        assert world.state(1) is State.QUARANTINE
        assert world.station.recorder.state.cameras["K000001"].quarantine
        world.tap(OLENA.badge)
        await world.passes(20)
        assert not world.facts(f.CameraIssued)
        assert not world.open_lock(1)
        assert not world.open_lock(2)


@pytest.mark.fault("U07", "a camera without a usable serial number is copied and never cleared or issued")
@pytest.mark.parametrize("serial", ["", "0000000"])
@story
async def test_a_camera_without_a_serial_number(serial: str) -> None:
    async with World.open() as world:
        world.add("blank", {"CLIP0001.MP4": FILM}, serial=serial)
        world.insert("blank", 1)
        await world.until(lambda: sha(FILM) in vaulted(world))
        await world.passes(60)
        world.tap(OLENA.badge)
        await world.passes(30)
        assert world.state(1) is State.UNKNOWN
        assert world.aboard("blank") == ["CLIP0001.MP4"]
        assert not world.facts(f.ClearStarted)
        assert not world.facts(f.CameraIssued)
        assert not world.open_lock(1)


@story
async def test_an_unknown_camera_is_copied_and_neither_issued_nor_cleared() -> None:
    async with World.open() as world:
        world.add("X999999", {"CLIP0001.MP4": FILM})
        world.change("X999999", clock_offset_s=90.0)
        world.insert("X999999", 1)
        await world.until(lambda: sha(FILM) in vaulted(world))
        await world.until_slot(1, State.UNKNOWN)
        assert "camera-unknown:X999999" in world.alerts()
        await world.until(lambda: world.facts(f.RecordingConfirmed))
        await world.passes(60)
        world.tap(OLENA.badge)
        await world.passes(30)
        assert world.aboard("X999999") == ["CLIP0001.MP4"]
        assert not world.facts(f.CameraIssued)
        assert not world.facts(f.ClockCorrected)  # a camera that is not ours keeps its clock
        world.check_live()


# --- pulled, dropped, swapped ---------------------------------------------------------------------------


@pytest.mark.fault(
    "U01", "a camera torn out in mid-file: the clip stays its own, and the next docking seals it whole, once"
)
@story
async def test_a_camera_torn_out_in_mid_file_and_put_back() -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.fault("K000001", pull_after_bytes=1_400_000)
        world.insert("K000001", 1)
        await world.until(lambda: world.facts(f.SlotForcedOpen), 60)
        (cut,) = world.facts(f.OffloadInterrupted)
        assert world.recordings()[0].life is Life.MADE
        assert not vaulted(world)
        await world.passes(600)
        world.insert("K000001", 2)
        await world.until_cleared("K000001")
        (sealed,) = world.facts(f.RecordingSealed)
        assert sealed.sha256 == sha(FILM)
        assert sealed.recording == cut.recording
        assert sealed.second_read or not sealed.resumed_from
        world.check_live()


@pytest.mark.fault(
    "U02", "torn out after the last byte and before the seal: not stored until it is read again"
)
@story
async def test_a_camera_torn_out_between_the_last_byte_and_the_seal() -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM * 6})
        world.fault("K000001", bytes_per_s=2_000_000)
        world.insert("K000001", 1)
        await world.until(lambda: world.facts(f.OffloadStarted))
        await world.soon(lambda: any(call == "open_uncached" for call, _ in world.fs.calls))
        world.tear_out(1)
        await world.passes(30)
        assert not vaulted(world)
        assert all(r.life is Life.MADE for r in world.recordings())
        world.insert("K000001", 1)
        await world.until_cleared("K000001")
        assert len(world.facts(f.RecordingSealed)) == 1


@pytest.mark.fault("U04", "a contact that chatters is one docking and one session; no task is left over")
@story
async def test_a_plug_that_bounces_twenty_times_in_two_seconds() -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.fault("K000001", bytes_per_s=2_000_000)
        world.insert("K000001", 1)
        await world.until_slot(1, State.OFFLOADING)
        for _ in range(20):
            world.bus.leave("1-1.1", back_s=0.05)
            world.dock.touch(1, contact=False)
            await world.passes(0.03)
            world.dock.touch(1, contact=True)
            await world.passes(0.07)
        await world.until_cleared("K000001")
        assert len({fact.recording for fact in world.facts(f.RecordingSealed)}) == 1
        assert len(world.facts(f.RecordingSealed)) == 1
        assert not world.facts(f.SlotForcedOpen)
        assert len(world.recordings()) == 1
        await world.passes(30)
        names = [task.get_name() for task in asyncio.all_tasks() if "slot-1" in task.get_name()]
        assert sorted(names) == ["slot-1"] or sorted(names) == ["slot-1", "slot-1-job"]


@story
async def test_a_camera_that_drops_off_the_bus_goes_on_where_it_was() -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.fault("K000001", drop_after_bytes=1_200_000, back_s=2.0)
        world.insert("K000001", 1)
        await world.until_cleared("K000001")
        (sealed,) = world.facts(f.RecordingSealed)
        assert sealed.sha256 == sha(FILM)
        assert len(world.facts(f.OffloadInterrupted)) == 1
        assert not world.facts(f.SlotForcedOpen)


@pytest.mark.fault(
    "U05", "another camera in the same slot within a moment: its recordings stand under its own serial number"
)
@story
async def test_a_camera_swapped_for_another_within_a_tenth_of_a_second() -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.add("K000002", {"CLIP0001.MP4": OTHER[: len(FILM)]})
        world.fault("K000001", bytes_per_s=2_000_000)
        world.insert("K000001", 1)
        await world.until_slot(1, State.OFFLOADING)
        await world.until(lambda: world.facts(f.OffloadStarted))
        await world.swap(1, "K000002", away_s=0.05)
        await world.until_cleared("K000002")
        sealed = {(r.camera, r.sha256) for r in world.facts(f.RecordingSealed)}
        assert ("K000002", sha(OTHER)) in sealed
        assert all(camera == "K000002" or content == sha(FILM) for camera, content in sealed)
        assert world.aboard("K000001") == ["CLIP0001.MP4"]
        world.check_live()


@pytest.mark.fault(
    "U10",
    "a camera that comes back from the switch as another is no longer trusted: nothing of it is cleared",
)
@story
async def test_a_camera_that_comes_back_as_something_else() -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.fault("K000001", usb_serial_as_disk="USB-evil", repeat=True)
        world.insert("K000001", 1)
        await world.passes(300)
        world.tap(OLENA.badge)
        await world.passes(20)
        assert world.aboard("K000001") == ["CLIP0001.MP4"]
        assert not world.facts(f.CameraIssued)
        assert not world.facts(f.ClearStarted)
        assert world.state(1) is not State.READY


@pytest.mark.fault(
    "U10", "a camera that shows a keyboard once it is a disk is refused, recorded and without power"
)
@story
async def test_a_camera_that_grows_a_keyboard() -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.fault("K000001", extra_as_disk=("keyboard",), repeat=True)
        world.insert("K000001", 1)
        await world.until_slot(1, State.REFUSED)
        refused = world.facts(f.DeviceRefused)[0]
        assert (refused.slot, refused.interfaces) == (1, ("08/06/50", "03/01/01"))
        assert refused.descriptors.startswith("1201")
        assert "device-refused:1" in world.alerts()
        assert not world.dock.slots[1].powered


# --- clearing -------------------------------------------------------------------------------------------


@pytest.mark.fault(
    "U03", "torn out in mid-clear: at the next docking card and ledger are compared and it is finished, once"
)
@pytest.mark.parametrize("writes", [0, 1, 2, 3, 5, 8])
@story
async def test_a_camera_that_dies_while_it_is_cleared(writes: int) -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM, "CLIP0002.MP4": NOTE})
        world.fault("K000001", cut_after_writes=writes)
        world.insert("K000001", 1)
        await world.until(lambda: world.facts(f.ClearStarted), 120)
        await world.passes(5)
        if 1 in world.inside:
            world.tear_out(1)
        await world.passes(60)
        world.fault("K000001")
        world.insert("K000001", 2)
        await world.until_cleared("K000001", within_s=1200)
        await world.until(lambda: all(r.life is Life.CLEARED for r in world.recordings()), 300)
        assert len(world.facts(f.RecordingSealed)) == 2
        intents, outcomes = len(world.facts(f.ClearStarted)), world.facts(f.CameraCleared)
        assert intents == len(outcomes) + len(world.facts(f.ClearFailed))
        gone = [name for fact in outcomes for name in fact.recordings]
        assert sorted(gone) == sorted({r.id for r in world.recordings()})


@pytest.mark.fault(
    "M12", "a file that is back after it was cleared is cleared again, at most twice, then a person is told"
)
@story
async def test_a_card_that_forgets_what_was_cleared() -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.fault("K000001", writes_vanish=True, repeat=True)
        world.insert("K000001", 1)
        for docking in range(5):
            cleared = min(docking, 2)
            await world.until(lambda least=cleared: len(world.facts(f.CameraCleared)) > least, 120)  # type: ignore[misc]  # mypy cannot infer a default's type
            await world.until_slot(1, State.READY, State.HOLDING)
            await world.passes(60)
            world.tear_out(1)
            await world.passes(10)
            world.insert("K000001", 1)
        await world.passes(600)
        assert world.aboard("K000001") == ["CLIP0001.MP4"]
        assert len(world.facts(f.RecordingSealed)) == 1  # never taken for a new one
        assert len(world.recordings()) == 1
        assert len(world.facts(f.CameraCleared)) == 3
        assert "clear-undone:K000001" in world.alerts()


@pytest.mark.fault(
    "U19", "a camera that uses its file names again after clearing: a new file is a new recording"
)
@pytest.mark.fault("L10", "two recordings of one name, size and time are two entries with their own content")
@story
async def test_file_names_are_used_again_after_clearing() -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.insert("K000001", 1)
        await world.until_cleared("K000001")
        for content in (OTHER, FILM):  # the second has content, name and size of the first
            world.tear_out(1)
            await world.passes(700)
            world.record("K000001", "CLIP0001.MP4", content)
            world.insert("K000001", 1)
            await world.until_cleared("K000001", within_s=1200)
        assert len({r.id for r in world.recordings()}) == 3
        assert sorted(r.sha256 for r in world.recordings()) == sorted([sha(FILM), sha(OTHER), sha(FILM)])


@pytest.mark.fault("U17", "a source that reads differently the second time is never cleared")
@story
async def test_a_card_that_reads_differently_each_time() -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM, "CLIP0002.MP4": NOTE})
        worn = world.cards["K000001"].sector_of(FILM[600_064:600_576])
        world.fault("K000001", unstable_sectors=((worn, 1),), repeat=True)
        world.insert("K000001", 1)
        await world.passes(1800)
        assert "camera-reads-differ:K000001" in world.alerts()
        assert not world.facts(f.ClearStarted)
        assert len(world.facts(f.RecordingSealed)) == 2  # not one more for each reading
        assert world.state(1) is State.HOLDING
        world.tap(OLENA.badge)
        await world.passes(20)
        assert not world.facts(f.CameraIssued)


@pytest.mark.fault(
    "U14", "an unreadable sector: the rest is sealed as DAMAGED with its map, told to a person, never cleared"
)
@story
async def test_a_card_with_a_bad_sector() -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM, "CLIP0002.MP4": NOTE})
        sector = world.cards["K000001"].sector_of(FILM[800_256:800_768])
        world.fault("K000001", bad_sectors=((sector, 1),))
        world.insert("K000001", 1)
        await world.until(lambda: any(r.damaged for r in world.recordings()), 300)
        await world.until(lambda: world.aboard("K000001") == ["CLIP0001.MP4"], 600)
        await world.passes(600)
        (damaged,) = [r for r in world.recordings() if r.damaged]
        (sealed,) = [s for s in world.facts(f.RecordingSealed) if s.recording == damaged.id]
        assert [g.size for g in sealed.gaps] == [512]
        assert any(alert.startswith("recording-damaged") for alert in world.alerts())
        assert [i.kind for i in world.facts(f.IncidentDrafted)] == ["damaged-recording"]
        assert world.aboard("K000001") == ["CLIP0001.MP4"]
        assert world.state(1) is State.HOLDING
        assert not world.facts(f.CameraIssued)


@story
async def test_a_camera_that_records_while_it_is_docked() -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.fault("K000001", bytes_per_s=2_000_000)
        world.insert("K000001", 1)
        await world.until_slot(1, State.OFFLOADING)
        world.record("K000001", "CLIP0002.MP4", NOTE)
        await world.until_cleared("K000001", within_s=1200)
        assert {r.sha256 for r in world.recordings()} == {sha(FILM), sha(NOTE)}


@pytest.mark.fault("U20", "an empty file is evidence like any other")
@pytest.mark.fault("M04", "odd names are kept as claims and are never paths of ours")
@story
async def test_empty_files_and_odd_names() -> None:
    names = ["..MP4", "-rf.MP4", "ЗАПИС 1.MP4", "CON", "a'b;c.MP4", "x" * 200 + ".MP4", "EMPTY.MP4"]
    async with World.open() as world:
        world.add("K000001")
        for number, name in enumerate(names):
            world.record("K000001", name, b"" if name == "EMPTY.MP4" else bytes([number]) * 600)
        world.insert("K000001", 1)
        await world.until_cleared("K000001", within_s=300)
        assert {r.path for r in world.recordings()} == {f"{FOLDER}/{name}" for name in names}
        assert 0 in {r.size for r in world.recordings()}
        for path in world.fs.files(f"{VAULT}/recordings"):
            assert path.rpartition("/")[2] in {"content.mp4", "content.bin", "manifest.note", "receipt.note"}


# --- the time -------------------------------------------------------------------------------------------


@pytest.mark.fault(
    "U21",
    "a camera clock years off is measured before it is set right; what it said stays beside the true time",
)
@story
async def test_a_camera_clock_that_is_years_off() -> None:
    year_s = 365 * 86_400.0
    async with World.open() as world:
        world.add("K000001", clock_offset_s=-5 * year_s)
        world.record("K000001", "CLIP0001.MP4", FILM)
        world.insert("K000001", 1)
        await world.until_cleared("K000001")
        before, after = world.facts(f.ClockMeasured)[:2]
        assert abs(before.offset_ms + 5 * year_s * 1000) < 2000
        assert not before.after_correction
        assert after.after_correction
        assert abs(after.offset_ms) < 2000
        order = [line.type for line in world.station.book.lines()]
        assert order.index("clock.measured") < order.index("clock.corrected")
        (sealed,) = world.facts(f.RecordingSealed)
        assert sealed.mtime.startswith("2021-")
        assert sealed.true_time.startswith("2026-11-22")
        assert abs(world.bus.camera("K000001").clock_error_s) < 2


@pytest.mark.clause("459-II.1-clock", "a host that does not know the time itself corrects no camera")
@pytest.mark.fault("C01", "a host that does not know the time measures and says so, and corrects no camera")
@story
async def test_a_host_without_the_time_corrects_no_camera() -> None:
    async with World.open() as world:
        world.clock.unknown()
        world.add("K000001", {"CLIP0001.MP4": FILM}, clock_offset_s=-90.0)
        world.insert("K000001", 1)
        await world.until(lambda: not world.aboard("K000001"), 200)
        (measured,) = world.facts(f.ClockMeasured)[:1]
        assert (measured.host_class, measured.uncertainty_ms) == (ClockClass.UNKNOWN, -1)
        assert not world.facts(f.ClockCorrected)
        assert world.bus.camera("K000001").clock_error_s == pytest.approx(-90, abs=1)
        assert world.facts(f.RecordingSealed)[0].true_time == ""
        await world.until(lambda: "clock-unknown" in world.alerts(), 30)
        assert world.unit(1).work.readiness.flags == (NotReady.CLOCK_UNKNOWN,)


@story
async def test_a_camera_left_as_a_disk_is_known_again_once_the_dock_is_there_to_cycle_it() -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM}, kind="gat947")
        world.fault("K000001", bytes_per_s=20_000)
        world.insert("K000001", 1)
        await world.until_slot(1, State.OFFLOADING)
        world.lines["/dev/dock"].unplug()
        world.bus.leave("1-1.1", 0.5)
        await world.passes(60)
        world.fault("K000001")
        world.lines["/dev/dock"].plug()
        await world.until_cleared("K000001", within_s=1200)
