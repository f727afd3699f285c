"""The watched folder for images of scanners: permitted, accounted for, never touched, sealed and delivered."""

import errno
import hashlib

import pytest

from edged.errors import ErrorCode
from edged.formats import facts as f
from edged.formats import shift_facts as sf
from edged.slots.state import State
from tests.world.loop import story
from tests.world.world import World

pytestmark = pytest.mark.slow

PERMITTED = 'permission = { number = "12", date = 2026-11-01 }\nfolder = "/scans"\nevery_s = 10.0'
IMAGE = b"\x89PNG" + bytes(range(256)) * 40


def accounted(world: World) -> tuple[int, int, int, int]:
    assert world.station.scanning is not None
    account = world.station.scanning.account
    return account.found, account.sealed, account.waiting, account.failed


@pytest.mark.clause(
    "scan-images", "an image of the watched folder is sealed, delivered and confirmed as a recording is"
)
@story
async def test_an_image_is_sealed_and_delivered_and_stays_where_it_lies() -> None:
    async with World.open(boot=False, scans=PERMITTED) as world:
        world.fs.put("/scans/Контейнер 7.png", IMAGE)
        before = world.fs.stat("/scans/Контейнер 7.png")
        await world.boot()
        await world.until(lambda: world.facts(f.RecordingConfirmed))
        (sealed,) = world.facts(f.RecordingSealed)
        (accepted,) = world.facts(sf.ScanAccepted)
        assert (sealed.camera, sealed.path, sealed.size) == ("scanner", "scans/Контейнер 7.png", len(IMAGE))
        assert sealed.sha256 == hashlib.sha256(IMAGE).hexdigest()
        assert (accepted.recording, accepted.permission.number) == (sealed.recording, "12")
        await world.passes(60)
        assert len(world.facts(f.RecordingSealed)) == 1
        assert accounted(world) == (1, 1, 0, 0)
        assert (world.fs.read("/scans/Контейнер 7.png"), world.fs.stat("/scans/Контейнер 7.png")) == (
            IMAGE,
            before,
        )
        world.add("K000001")
        world.insert("K000001", 1)  # cameras are no worse for it
        await world.until_slot(1, State.READY)
        report = await world.ask("iryna", "report", span="day")
        assert report["reconciliation"]["confirmed"] == 1
        assert "scanner" not in {row["camera"] for row in report["cameras"]}


@pytest.mark.clause(
    "scan-VI.1-no-copy", "without number and date of a permission nothing is copied out of the folder"
)
@story
async def test_without_a_permission_the_folder_is_left_alone() -> None:
    async with World.open(boot=False, scans='folder = "/scans"') as world:
        world.fs.put("/scans/a.png", IMAGE)
        await world.boot()
        await world.passes(120)
        assert world.station.scanning is None
        assert not world.recordings()


@story
async def test_a_file_that_still_grows_waits_and_one_that_changes_is_another_image() -> None:
    async with World.open(boot=False, scans=PERMITTED) as world:
        world.fs.make_dirs("/scans")
        await world.boot()
        for size in (100, 200, 300):
            world.fs.put("/scans/a.png", IMAGE[:size])
            await world.passes(10)
            assert not world.facts(f.RecordingSealed)
        await world.until(lambda: world.facts(f.RecordingSealed))
        world.fs.put("/scans/a.png", IMAGE[:400])
        await world.until(lambda: len(world.facts(f.RecordingSealed)) == 2)
        assert [fact.size for fact in world.facts(f.RecordingSealed)] == [300, 400]
        assert len({fact.recording for fact in world.facts(f.RecordingSealed)}) == 2


@pytest.mark.clause(
    "scan-III.4-archive", "every file of the watched folder is in the vault, waiting, or under an alert"
)
@story
async def test_what_cannot_be_taken_is_under_an_alert_until_it_can() -> None:
    async with World.open(boot=False, scans=PERMITTED) as world:
        world.fs.put("/scans/a.png", IMAGE)
        world.fs.put("/scans/a\nb.png", IMAGE)
        await world.boot()
        await world.until(lambda: "scans-unread" in world.alerts())
        assert world.station.recorder.state.alerts["scans-unread"].code == ErrorCode.SCANS_UNREAD.number
        await world.until(lambda: accounted(world) == (2, 1, 0, 1))
        world.fs.remove("/scans/a\nb.png")
        await world.until(lambda: "scans-unread" not in world.alerts(), within_s=400)
        world.fs.put("/scans/recovered.mp4", b"\0\0\0\x18ftypmp42" + IMAGE)
        await world.until(lambda: "scans-unread" in world.alerts())
        assert not [r for r in world.recordings() if r.path.endswith(".mp4")]
        world.fs.remove("/scans/recovered.mp4")
        await world.until(lambda: "scans-unread" not in world.alerts(), within_s=400)
        assert accounted(world) == (1, 1, 0, 0)
        world.fs.put("/scans/older/b.png", IMAGE)
        await world.until(lambda: "scans-unread" in world.alerts())
        assert accounted(world) == (2, 1, 0, 1)


@story
async def test_an_image_that_was_cut_off_is_brought_in_after_the_next_start() -> None:
    async with World.open(boot=False, scans=PERMITTED) as world:
        world.fs.put("/scans/a.png", IMAGE)
        await world.boot()
        world.station.book.subscribe(
            lambda line: world.halt() if isinstance(line.fact, f.OffloadStarted) else None
        )
        await world.passes(30)
        await world.crash()
        await world.boot()
        await world.until(lambda: world.facts(f.RecordingConfirmed))
        assert len(world.facts(f.CameraListed)) == 1
        assert len(world.facts(sf.ScanAccepted)) == 1
        await world.passes(30)
        assert "scans-unread" not in world.alerts()


@story
async def test_an_image_whose_copy_was_whole_and_never_entered_is_copied_anew() -> None:
    async with World.open(boot=False, scans=PERMITTED) as world:
        world.fs.put("/scans/a.png", IMAGE)
        await world.boot()
        world.fs.fail("protect", errno.EIO, path="/content.")  # behind the rename that makes it whole
        await world.until(lambda: world.facts(f.OffloadInterrupted))
        await world.until(lambda: world.facts(f.RecordingConfirmed))
        assert len(world.facts(f.CameraListed)) == 1
        await world.until(lambda: "scans-unread" not in world.alerts(), within_s=60)


@story
async def test_an_image_begun_before_midnight_goes_on_in_its_own_day() -> None:
    async with World.open(boot=False, scans=PERMITTED) as world:
        world.fs.put("/scans/a.png", IMAGE)
        await world.boot()
        world.fs.fail("protect", errno.EIO, path="/content.")
        await world.until(lambda: world.facts(f.OffloadInterrupted))
        world.time.sleeps(17 * 3600.0)
        await world.until(lambda: world.facts(f.RecordingConfirmed))
        (begun, again), (sealed,) = world.facts(f.OffloadStarted), world.facts(f.RecordingSealed)
        assert begun.folder == again.folder == sealed.folder


@story
async def test_images_leave_cameras_their_room() -> None:
    async with World.open(boot=False, scans=PERMITTED) as world:
        world.fs.put("/scans/a.png", IMAGE)
        world.fs.capacity = world.fs.used() + 1_000_000
        await world.boot()
        await world.until(lambda: "scans-unread" in world.alerts())
        assert not world.facts(f.OffloadStarted)


@story
async def test_an_image_that_was_begun_too_early_is_what_it_has_become() -> None:
    async with World.open(boot=False, scans=PERMITTED) as world:
        world.fs.put("/scans/a.png", IMAGE[:500])
        await world.boot()
        world.fs.fail("create", errno.EIO, path="/content.")
        await world.until(lambda: world.facts(sf.ScanAccepted))
        world.fs.put("/scans/a.png", IMAGE)
        await world.until(lambda: world.facts(f.RecordingConfirmed))
        await world.until(lambda: "scans-unread" not in world.alerts(), within_s=400)
        (sealed,) = world.facts(f.RecordingSealed)
        assert sealed.size == len(IMAGE)


@story
async def test_an_image_that_vanished_after_it_was_begun_is_missed() -> None:
    async with World.open(boot=False, scans=PERMITTED) as world:
        world.fs.put("/scans/a.png", IMAGE)
        await world.boot()
        world.fs.fail("create", errno.EIO, path="/content.")
        await world.until(lambda: world.facts(sf.ScanAccepted))
        world.fs.remove("/scans/a.png")
        await world.passes(60)
        assert "scans-unread" in world.alerts()
