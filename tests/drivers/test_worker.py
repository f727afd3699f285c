"""The worker's conversation with a simulated camera, without processes and without wires."""

import hashlib
from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from drivers.fat import ClearResult, Volume
from drivers.worker import messages as m
from drivers.worker.serve import WorkerServer
from edged.errors import CameraError, CameraLostError, EdgeError, ErrorCode
from simulators.faults import UsbFaults
from simulators.usb.gat947 import GatCamera
from simulators.usb.spec import CameraChanges, CameraSpec
from tests.drivers.usb_world import CLUSTER, PORT, SECTOR, World, card, lba_of

CLIP_1 = b"ONE!" + bytes(range(256)) * 10_000  # 2.4 MiB: three blocks of a copy
CLIP_2 = b"TWO!" * 700
FILES = {"CLIP0001.MP4": CLIP_1, "CLIP0002.MP4": CLIP_2, "EMPTY.MP4": b""}
MSC = CameraSpec(name="cam", kind="msc", usb_serial="USB0001", model="BODYCAM")
GAT = CameraSpec(name="cam", serial="K000001", usb_serial="USB0001")


def answer(server: WorkerServer, request: object, kind: type) -> object:
    got = server.handle(request)  # type: ignore[arg-type]  # whatever the test asks
    assert isinstance(got, kind), got
    return got


def gather(run: Iterable[bytes], into: bytearray) -> None:
    for block in run:
        into += block


def failed(server: WorkerServer, request: object) -> ErrorCode:
    got = answer(server, request, m.Failed)
    assert isinstance(got, m.Failed)
    return next(code for code in ErrorCode if code.number == got.code)


def listed(server: WorkerServer) -> dict[str, m.Clip]:
    got = answer(server, m.ListClips(), m.ClipsListed)
    assert isinstance(got, m.ClipsListed)
    assert got.complete, got.problems
    return {clip.path: clip for clip in got.clips}


def in_disk_mode(world: World, spec: CameraSpec = MSC, image: bytearray | None = None) -> WorkerServer:
    world.dock(spec, card(FILES) if image is None else image)
    server = world.worker()
    answer(server, m.Identify(), m.Identified)
    return server


def test_a_plain_camera_is_identified_listed_and_copied_byte_for_byte() -> None:
    server = in_disk_mode(World())
    clips = listed(server)
    assert set(clips) == {"/DCIM/CLIP0001.MP4", "/DCIM/CLIP0002.MP4", "/DCIM/EMPTY.MP4"}
    for path, content in zip(clips, FILES.values(), strict=True):
        run = server.copy(m.Copy(clip=clips[path]))
        assert b"".join(run) == content
        assert run.ended() == m.CopyEnded(sent=len(content))


def test_a_copy_resumes_where_it_is_told_to() -> None:
    server = in_disk_mode(World())
    clip = listed(server)["/DCIM/CLIP0001.MP4"]
    run = server.copy(m.Copy(clip=clip, offset=1_234_567))
    assert b"".join(run) == CLIP_1[1_234_567:]


def test_a_command_mode_camera_goes_through_its_whole_cycle() -> None:
    world = World()
    world.dock(replace(GAT, clock_offset_s=-95.0, battery=81.0, form=94), card(FILES))
    camera = world.bus.camera("cam")
    server = world.worker()
    told = answer(server, m.Identify(), m.Identified)
    assert isinstance(told, m.Identified)
    assert (told.driver, told.mode, told.serial, told.usb_serial) == (
        "gat947",
        "command",
        "K000001",
        "USB0001",
    )
    assert told.interfaces == ("08/06/50",)
    assert told.capabilities.disk_mode_switch
    assert answer(server, m.ReadBattery(), m.BatteryRead) == m.BatteryRead(percent=81)
    reading = answer(server, m.ReadClock(), m.ClockRead)
    assert reading == m.ClockRead(local="2026-11-22T11:58:25.000", resolution_ms=1000)
    answer(server, m.SetClock(local="2026-11-22T12:00:00"), m.Done)
    assert camera.clock_error_s == 0
    answer(server, m.Assign(user_no="104223"), m.Done)
    assert (camera.user_no, camera.serial) == ("104223", "K000001")
    answer(server, m.EnterDisk(), m.Done)
    assert failed(server, m.ListClips()) is ErrorCode.CAMERA_LOST
    world.time.happen()  # it comes back as a disk
    told = answer(server, m.Identify(), m.Identified)
    assert isinstance(told, m.Identified)
    assert (told.driver, told.mode, told.usb_serial) == ("gat947", "disk", "USB0001")
    assert len(listed(server)) == 3


def test_a_camera_that_vanishes_before_it_confirms_disk_mode_has_entered_it() -> None:
    world = World()
    world.dock(replace(GAT, faults=UsbFaults(vanish_before_status=True)), card(FILES))
    server = world.worker()
    answer(server, m.Identify(), m.Identified)
    answer(server, m.EnterDisk(), m.Done)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (CameraChanges(password="111111"), ErrorCode.CAMERA_PASSWORD),
        (CameraChanges(recording=True), ErrorCode.CAMERA_REFUSED),
    ],
)
def test_disk_mode_is_refused_with_the_reason(changes: CameraChanges, expected: ErrorCode) -> None:
    world = World()
    world.dock(GAT, card(FILES))
    world.bus.camera("cam").change(changes)
    server = world.worker()
    answer(server, m.Identify(), m.Identified)
    assert failed(server, m.EnterDisk()) is expected
    camera = world.bus.camera("cam")
    assert isinstance(camera, GatCamera)
    assert not camera.disk_mode


def test_disk_mode_without_a_card_is_refused() -> None:
    world = World()
    world.dock(GAT)
    server = world.worker()
    answer(server, m.Identify(), m.Identified)
    assert failed(server, m.EnterDisk()) is ErrorCode.CAMERA_NO_CARD


@pytest.mark.parametrize(
    ("claim", "told"), [(0, 0), (9, 9), (100, 100), (101, None), (255, None), (-1, None)]
)
def test_charge_is_a_percentage_or_unknown(claim: int, told: int | None) -> None:
    world = World()
    world.dock(GAT)
    world.bus.camera("cam").change(CameraChanges(battery_claim=claim))
    server = world.worker()
    answer(server, m.Identify(), m.Identified)
    assert answer(server, m.ReadBattery(), m.BatteryRead) == m.BatteryRead(percent=told)


@pytest.mark.parametrize("number", ["", "1234567", "Шевче", "12\n4", "дві"])
def test_a_number_that_a_camera_cannot_hold_is_refused_and_nothing_written(number: str) -> None:
    world = World()
    world.dock(GAT)
    server = world.worker()
    answer(server, m.Identify(), m.Identified)
    assert failed(server, m.Assign(user_no=number)) is ErrorCode.BAD_REQUEST
    assert world.bus.camera("cam").user_no == "000000"


def test_a_camera_without_the_clock_extension_says_so() -> None:
    world = World()
    world.dock(replace(GAT, reads_clock=False))
    server = world.worker()
    told = answer(server, m.Identify(), m.Identified)
    assert isinstance(told, m.Identified)
    assert not told.capabilities.clock_read
    assert told.capabilities.clock_set
    assert failed(server, m.ReadClock()) is ErrorCode.CONFLICT


@pytest.mark.parametrize("local", ["", "noon", "2026-11-22T07:00:02+02:00", "2026-13-01T00:00:00"])
def test_a_time_that_is_none_never_reaches_the_camera(local: str) -> None:
    world = World()
    world.dock(replace(GAT, clock_offset_s=5.0))
    server = world.worker()
    answer(server, m.Identify(), m.Identified)
    assert failed(server, m.SetClock(local=local)) is ErrorCode.BAD_REQUEST
    assert world.bus.camera("cam").clock_error_s == 5.0


def test_nothing_is_answered_before_identify() -> None:
    world = World()
    world.dock(MSC, card(FILES))
    assert failed(world.worker(), m.ListClips()) is ErrorCode.CONFLICT


def test_a_copy_is_not_answered_in_one_piece() -> None:
    server = in_disk_mode(World())
    clip = listed(server)["/DCIM/CLIP0001.MP4"]
    with pytest.raises(TypeError, match="Copy goes through"):
        server.handle(m.Copy(clip=clip))
    for offset in (-1, clip.size + 1):
        with pytest.raises(EdgeError) as caught:
            server.copy(m.Copy(clip=clip, offset=offset))
        assert caught.value.code is ErrorCode.BAD_REQUEST


def test_an_empty_port_is_a_lost_camera() -> None:
    assert failed(World().worker(), m.Identify()) is ErrorCode.CAMERA_LOST


# --- faults ---


@pytest.mark.fault("U01", "A camera pulled in mid-file fails the copy with CAMERA_LOST; a resumed copy after "
                   "docking again gives exactly the missing bytes.")  # fmt: skip
def test_a_pull_in_mid_file_ends_the_copy_and_the_next_docking_resumes_it() -> None:
    world = World()
    server = in_disk_mode(world, replace(MSC, faults=UsbFaults(pull_after_bytes=2_000_000)))
    clip = listed(server)["/DCIM/CLIP0001.MP4"]
    got = bytearray()
    run = server.copy(m.Copy(clip=clip))
    with pytest.raises(CameraLostError) as lost:
        gather(run, got)
    assert server.failed(lost.value).code == ErrorCode.CAMERA_LOST.number
    assert 0 < len(got) < len(CLIP_1)
    assert got == CLIP_1[: len(got)]
    world.bus.plug(PORT, "cam")
    answer(server, m.Identify(), m.Identified)
    assert listed(server)["/DCIM/CLIP0001.MP4"] == clip
    got += b"".join(server.copy(m.Copy(clip=clip, offset=len(got))))
    assert got == CLIP_1


@pytest.mark.fault("U02", "A camera pulled between the last byte and the second read answers CAMERA_LOST to it, "
                   "and the re-docked one is read again from the card.")  # fmt: skip
def test_a_pull_before_the_second_read_is_noticed() -> None:
    world = World()
    server = in_disk_mode(world)
    clip = listed(server)["/DCIM/CLIP0002.MP4"]
    assert b"".join(server.copy(m.Copy(clip=clip))) == CLIP_2
    world.bus.unplug(PORT)
    assert failed(server, m.Fingerprint(clip=clip)) is ErrorCode.CAMERA_LOST
    world.bus.plug(PORT, "cam")
    assert failed(server, m.Fingerprint(clip=clip)) is ErrorCode.CAMERA_LOST  # not before it is identified
    answer(server, m.Identify(), m.Identified)
    told = answer(server, m.Fingerprint(clip=clip), m.FingerprintRead)
    assert told == m.FingerprintRead(sha256=hashlib.sha256(CLIP_2 + CLIP_2).hexdigest())


@pytest.mark.fault("U05", "A camera swapped behind the worker's back is never taken for the one before: "
                   "everything fails until it is identified, then its own serial is told.")  # fmt: skip
def test_a_swapped_camera_is_a_new_conversation() -> None:
    world = World()
    server = in_disk_mode(world)
    clip = listed(server)["/DCIM/CLIP0001.MP4"]
    world.bus.add(replace(MSC, name="twin", usb_serial="USB0002"), card({"CLIP0001.MP4": b"other" * 900}))
    world.bus.unplug(PORT)
    world.bus.plug(PORT, "twin")
    with pytest.raises(CameraLostError) as lost:
        server.copy(m.Copy(clip=clip))
    server.failed(lost.value)
    for request in (m.ListClips(), m.Clear(clips=(clip,)), m.Fingerprint(clip=clip)):
        assert failed(server, request) is ErrorCode.CAMERA_LOST
    told = answer(server, m.Identify(), m.Identified)
    assert isinstance(told, m.Identified)
    assert told.usb_serial == "USB0002"
    listed(server)
    with pytest.raises(CameraError) as changed:
        server.copy(m.Copy(clip=clip))
    assert changed.value.code is ErrorCode.CAMERA_CHANGED


@pytest.mark.fault("U10", "A device whose descriptors are others than those that were judged is refused at the "
                   "next request, and the conversation ends.")  # fmt: skip
def test_descriptors_that_change_in_mid_conversation_end_it() -> None:
    world = World()
    server = in_disk_mode(world)
    what = world.bus.on_bus(PORT)
    assert what is not None
    own = what.device.identity
    object.__setattr__(own, "device", own.device[:4] + b"\x03" + own.device[5:])
    assert failed(server, m.ListClips()) is ErrorCode.CAMERA_FORBIDDEN_INTERFACE
    assert failed(server, m.ListClips()) is ErrorCode.CAMERA_LOST


@pytest.mark.fault(
    "U10", "A camera that comes back from SetMSDC with one interface more is refused as a whole."
)
def test_a_camera_that_shows_a_keyboard_as_a_disk_is_refused() -> None:
    world = World()
    world.dock(replace(GAT, faults=UsbFaults(extra_as_disk=("keyboard",))), card(FILES))
    server = world.worker()
    answer(server, m.Identify(), m.Identified)
    answer(server, m.EnterDisk(), m.Done)
    world.time.happen()
    assert failed(server, m.Identify()) is ErrorCode.CAMERA_FORBIDDEN_INTERFACE


@pytest.mark.fault("U13", "A device that claims 2 TiB more than it has costs no more than it has: the listing "
                   "says what was claimed, and a clip comes complete.")  # fmt: skip
def test_a_claimed_giant_disk_is_listed_with_a_remark() -> None:
    world = World()
    server = in_disk_mode(world, replace(MSC, faults=UsbFaults(claimed_sectors=1 << 40)))
    got = answer(server, m.ListClips(), m.ClipsListed)
    assert isinstance(got, m.ClipsListed)
    assert "claims" in got.problems[0]
    assert got.total_bytes < 16 << 20
    assert b"".join(server.copy(m.Copy(clip=got.clips[0]))) == CLIP_1


@pytest.mark.fault("U14", "An unreadable sector becomes a gap of its own size, zeros in its place; every other "
                   "byte of the clip is there.")  # fmt: skip
def test_an_unreadable_sector_is_a_gap_and_nothing_around_it() -> None:
    image = card(FILES)
    first = lba_of(image, CLIP_1[:64])
    world = World()
    server = in_disk_mode(
        world, replace(MSC, faults=UsbFaults(bad_sectors=((first + 100, 1), (first + 3000, 2)))), image
    )
    clip = listed(server)["/DCIM/CLIP0001.MP4"]
    run = server.copy(m.Copy(clip=clip))
    got = b"".join(run)
    gaps = (m.Gap(offset=100 * SECTOR, size=SECTOR), m.Gap(offset=3000 * SECTOR, size=2 * SECTOR))
    assert run.ended() == m.CopyEnded(sent=len(CLIP_1), gaps=gaps)
    expected = bytearray(CLIP_1)
    for gap in gaps:
        expected[gap.offset : gap.offset + gap.size] = bytes(gap.size)
    assert got == expected


@pytest.mark.fault(
    "U15", "A camera that stops answering gives CAMERA_SILENT after a bounded number of tries."
)
def test_a_camera_that_hangs_is_reported_silent() -> None:
    world = World()
    server = in_disk_mode(world, replace(MSC, faults=UsbFaults(silent_after_commands=6)))
    assert failed(server, m.ListClips()) is ErrorCode.CAMERA_SILENT


@pytest.mark.fault(
    "U17", "A second read that differs is delivered as read: the worker neither caches nor repairs."
)
def test_a_second_read_comes_from_the_card() -> None:
    image = card(FILES)
    bad = lba_of(image, CLIP_1[:64]) + 50
    world = World()
    server = in_disk_mode(world, replace(MSC, faults=UsbFaults(unstable_sectors=((bad, 1),))), image)
    clip = listed(server)["/DCIM/CLIP0001.MP4"]
    assert b"".join(server.copy(m.Copy(clip=clip))) == CLIP_1
    assert b"".join(server.copy(m.Copy(clip=clip))) != CLIP_1


@pytest.mark.fault("U18", "A file that grew between two listings is marked as still being recorded.")
def test_a_growing_file_is_marked() -> None:
    image = card(FILES)
    world = World()
    server = in_disk_mode(world, MSC, image)
    assert not any(clip.recording for clip in listed(server).values())
    at = image.index(b"CLIP0002MP4") + 28
    image[at : at + 4] = (len(CLIP_2) + 10).to_bytes(4, "little")
    clips = listed(server)
    assert [path for path, clip in clips.items() if clip.recording] == ["/DCIM/CLIP0002.MP4"]
    assert not any(clip.recording for clip in listed(server).values())


# --- clearing ---


def test_clearing_removes_exactly_the_named_clips() -> None:
    server = in_disk_mode(World())
    clips = listed(server)
    done = answer(server, m.Clear(clips=(clips["/DCIM/CLIP0001.MP4"],)), m.Cleared)
    assert isinstance(done, m.Cleared)
    assert (done.cleared, done.refused) == (("/DCIM/CLIP0001.MP4",), ())
    assert done.free_bytes_after == done.free_bytes_expected
    assert done.free_bytes_after - done.free_bytes_before == -(-len(CLIP_1) // CLUSTER) * CLUSTER
    left = listed(server)
    assert set(left) == set(clips) - {"/DCIM/CLIP0001.MP4"}
    assert b"".join(server.copy(m.Copy(clip=left["/DCIM/CLIP0002.MP4"]))) == CLIP_2


@pytest.mark.parametrize("change", [{"size": 1}, {"mtime": "2026-11-22T00:00:00"}, {"first_cluster": 9}])
def test_a_clip_that_is_not_exactly_as_described_stays(change: dict[str, object]) -> None:
    server = in_disk_mode(World())
    clip = listed(server)["/DCIM/CLIP0002.MP4"]
    done = answer(server, m.Clear(clips=(replace(clip, **change),)), m.Cleared)
    assert isinstance(done, m.Cleared)
    assert (done.cleared, done.refused) == ((), ("/DCIM/CLIP0002.MP4",))
    assert listed(server)["/DCIM/CLIP0002.MP4"] == clip


@pytest.mark.fault(
    "U03",
    "Pulled at any write of a clearing: at the next docking each clip is there whole or gone, and the same "
    "request finishes. Clusters are freed only if they are surely the cleared clips' own.",
)
@pytest.mark.parametrize("writes", range(8))
def test_a_clearing_cut_off_is_finished_at_the_next_docking(writes: int) -> None:
    world, image = World(), card(FILES)
    server = in_disk_mode(world, replace(MSC, faults=UsbFaults(cut_after_writes=writes)), image)
    clips = tuple(clip for path, clip in listed(server).items() if "CLIP" in path)
    free = world_free(server)
    assert failed(server, m.Clear(clips=clips)) is ErrorCode.CAMERA_LOST
    world.bus.plug(PORT, "cam")
    answer(server, m.Identify(), m.Identified)
    for clip in listed(server).values():
        assert b"".join(server.copy(m.Copy(clip=clip))) == FILES[clip.path.removeprefix("/DCIM/")]
    done = answer(server, m.Clear(clips=clips), m.Cleared)
    assert isinstance(done, m.Cleared)
    assert set(done.cleared) | set(done.refused) == {clip.path for clip in clips}
    assert set(listed(server)) == {"/DCIM/EMPTY.MP4"}
    assert world_free(server) == free + sum(-(-clip.size // CLUSTER) * CLUSTER for clip in clips)
    tables = [bytes(image[start * SECTOR : (start + 24) * SECTOR]) for start in (1, 25)]
    assert tables[0] == tables[1]


def world_free(server: WorkerServer) -> int:
    got = answer(server, m.ListClips(), m.ClipsListed)
    assert isinstance(got, m.ClipsListed)
    return got.free_bytes


def test_clusters_that_the_camera_itself_lost_are_never_freed() -> None:
    """They may be a recording whose entry the camera did not get to write."""
    image = card(FILES)
    orphan = 5000
    for table in (SECTOR, 25 * SECTOR):  # both FATs: three clusters that no entry owns
        for cluster, link in ((orphan, orphan + 1), (orphan + 1, orphan + 2), (orphan + 2, 0xFFFF)):
            image[table + 2 * cluster : table + 2 * cluster + 2] = link.to_bytes(2, "little")
    server = in_disk_mode(World(), MSC, image)
    clips = listed(server)
    free = world_free(server)
    gone = replace(clips["/DCIM/CLIP0002.MP4"], path="/DCIM/GONE.MP4")
    for _ in range(2):
        done = answer(server, m.Clear(clips=(clips["/DCIM/CLIP0002.MP4"], gone)), m.Cleared)
        assert isinstance(done, m.Cleared)
    assert world_free(server) == free + 2 * CLUSTER
    assert int.from_bytes(image[SECTOR + 2 * orphan : SECTOR + 2 * orphan + 2], "little") == orphan + 1


def test_a_clearing_that_changed_nothing_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    server = in_disk_mode(World())
    clip = listed(server)["/DCIM/CLIP0002.MP4"]
    claimed = ClearResult(cleared=(clip.path,), refused=(), free_before=0, free_after=0, free_expected=0)
    monkeypatch.setattr(Volume, "clear", lambda *_: claimed)
    assert failed(server, m.Clear(clips=(clip,))) is ErrorCode.CLEAR_FAILED


@pytest.mark.fault("M11", "A write-protected card makes clearing fail once, with nothing changed.")
def test_a_protected_card_is_not_cleared() -> None:
    world = World()
    server = in_disk_mode(world, replace(MSC, faults=UsbFaults(write_protected=True)))
    clips = listed(server)
    assert failed(server, m.Clear(clips=tuple(clips.values()))) is ErrorCode.CLEAR_FAILED
    assert listed(server) == clips
