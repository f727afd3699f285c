"""A disk that is full, broken or gone: what counts as sealed, what opens, what a person is told."""

import errno
import hashlib

import pytest

from edged.errors import ErrorCode
from edged.formats import facts as f
from edged.slots.state import State
from edged.station_state import Life
from firmware_protocol.reader.messages import Show
from tests.world.loop import story
from tests.world.persons import OLENA
from tests.world.world import VAULT, World

pytestmark = pytest.mark.slow  # many steps each; the fast part keeps the main stories

FILM = b"".join(n.to_bytes(8, "big") for n in range(200_000))


async def what_is_sealed_survives_a_power_cut(world: World) -> None:
    sealed = {fact.recording: fact.sha256 for fact in world.facts(f.RecordingSealed)}
    await world.crash()
    for path, data in world.fs.files(f"{VAULT}/recordings").items():
        if "/content." in path and path.endswith((".mp4", ".bin")):
            name = path.split("/")[-2]
            if name in sealed:
                assert hashlib.sha256(data).hexdigest() == sealed.pop(name)
    assert not sealed, "sealed and not durable"


@pytest.mark.fault(
    "K04", "an error in writing: the copy is given up and made anew; what is sealed is durable"
)
@pytest.mark.fault(
    "K05", "an error in syncing is never tried again on the same file; what is sealed is durable"
)
@pytest.mark.fault("K06", "an error in naming: it does not count as sealed before the name is durable")
@pytest.mark.parametrize(
    ("call", "where"),
    [
        ("create", ".part"),
        ("allocate", ".part"),
        ("write_at", ".part"),
        ("sync", ".part"),
        ("sync_data", ".part"),
        ("open_uncached", ".part"),
        ("rename", "content.mp4"),
        ("sync_dir", VAULT),
        ("protect", "content.mp4"),
        ("create", "manifest.note"),
        ("sync", "manifest.note"),
        ("replace", "manifest.note"),
    ],
)
@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC], ids=["EIO", "ENOSPC"])
@story
async def test_one_error_of_the_disk_costs_time_and_nothing_else(call: str, where: str, number: int) -> None:
    async with World.open() as world:
        world.centre.open = False
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.fs.fail(call, number, path=where)
        world.insert("K000001", 1)
        await world.until(lambda: world.facts(f.RecordingSealed), 600)
        await world.until_slot(1, State.READY)
        assert len(world.facts(f.RecordingSealed)) == 1
        await world.until(lambda: not world.alerts(), 120, "every alert ends with its cause")
        await what_is_sealed_survives_a_power_cut(world)
        world.centre.open = True
        await world.boot()
        await world.until_cleared("K000001", within_s=600)


@pytest.mark.fault(
    "K01",
    "a full disk takes no new recording, a person is told, and it goes on by itself",
)
@story
async def test_a_full_vault_and_room_again() -> None:
    async with World.open(vault="reserve_bytes = 1000000") as world:
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.fs.capacity = world.fs.used() + 2_000_000  # room for the clip, not for the reserve as well
        world.insert("K000001", 1)
        await world.until(lambda: "vault-trouble" in world.alerts(), 60)
        assert world.station.recorder.state.alerts["vault-trouble"].code == ErrorCode.DISK_FULL.number
        await world.passes(900)
        assert not world.facts(f.RecordingSealed)
        assert world.recordings()[0].life is Life.MADE
        assert world.state(1) is not State.READY
        world.fs.capacity = 1 << 40
        await world.until_cleared("K000001", within_s=1500)
        assert "vault-trouble" not in world.alerts()
        assert "vault-nearly-full" not in world.alerts()


@story
async def test_a_receipt_that_cannot_be_read_for_a_while_keeps_nothing_aboard_for_good() -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.insert("K000001", 1)
        await world.until(lambda: world.facts(f.RecordingConfirmed))
        world.fs.fail("read", errno.EIO, path="receipt.note", times=2)
        await world.until_cleared("K000001", within_s=900)


@story
async def test_a_ledger_that_cannot_be_written_opens_no_lock() -> None:
    async with World.open() as world:
        world.add("K000001")
        world.insert("K000001", 1)
        await world.until_slot(1, State.READY)
        world.fs.fail("write_at", errno.ENOSPC, path="current.jsonl", times=3)
        world.tap(OLENA.badge)
        await world.passes(10)
        assert not world.open_lock(1)
        assert not world.facts(f.CameraGranted)
        assert world.reader.sounded[-1] is not Show.ACCEPTED
        await world.until_slot(1, State.READY, within_s=60)
        world.tap(OLENA.badge)  # there is room again
        await world.take(1)
        await world.until(lambda: world.facts(f.CameraIssued))
        assert "reader-out-of-service:A" not in world.alerts()


@story
async def test_a_return_that_the_ledger_did_not_take_is_told_later_and_before_the_next_issue() -> None:
    async with World.open() as world:
        world.add("K000001")
        world.insert("K000001", 1)
        await world.until_slot(1, State.READY)
        world.tap(OLENA.badge)
        await world.take(1)
        await world.until(lambda: world.facts(f.CameraIssued))
        world.fs.fail("write_at", errno.ENOSPC, path="current.jsonl", times=3)
        world.insert("K000001", 1)
        await world.until_slot(1, State.READY, within_s=300)
        returned = world.facts(f.CameraDocked)[-1]
        assert (returned.camera, returned.officer) == ("K000001", world.facts(f.CameraIssued)[0].officer)
        assert len(world.facts(f.CameraDocked)) == 2


async def until_the_lock_is_open(world: World) -> None:
    world.add("K000001")
    world.insert("K000001", 1)
    await world.until_slot(1, State.READY)
    world.tap(OLENA.badge)
    await world.until(lambda: world.open_lock(1), 10)


@story
async def test_an_issue_that_the_ledger_did_not_take_is_told_before_the_return() -> None:
    async with World.open() as world:
        await until_the_lock_is_open(world)
        world.fs.fail("write_at", errno.ENOSPC, path="current.jsonl", times=1)
        await world.take(1)
        await world.passes(0.1)
        world.insert("K000001", 2)
        await world.until_slot(2, State.READY, within_s=300)
        (issued,) = world.facts(f.CameraIssued)
        assert (issued.camera, issued.officer) == ("K000001", OLENA.id)
        assert world.facts(f.CameraDocked)[-1].issue == issued.issue
        assert not world.facts(f.GrantVoided)


@story
async def test_an_issue_that_the_ledger_did_not_take_is_told_as_soon_as_it_can_be() -> None:
    async with World.open() as world:
        await until_the_lock_is_open(world)
        world.fs.fail("write_at", errno.ENOSPC, path="current.jsonl", times=3)
        await world.take(1)
        await world.until(lambda: world.facts(f.CameraIssued), 30)
        assert world.station.recorder.state.cameras["K000001"].issue


@story
async def test_who_took_a_camera_gets_no_second_one_while_the_issue_is_not_told_yet() -> None:
    async with World.open() as world:
        world.add("K000002")
        world.insert("K000002", 2)
        await world.until_slot(2, State.READY)
        await until_the_lock_is_open(world)
        taken = next(slot for slot in (1, 2) if world.open_lock(slot))
        world.fs.fail("write_at", errno.ENOSPC, path="/ledger/", times=5)
        await world.take(taken)
        await world.passes(4)  # a reader takes no notice of the badge that it has just read
        assert not world.facts(f.CameraIssued)
        world.tap(OLENA.badge)
        await world.passes(30)
        assert not any(map(world.open_lock, (1, 2)))
        assert len(world.facts(f.CameraGranted)) == len(world.facts(f.CameraIssued)) == 1
        assert world.reader.sounded[-1] is Show.REFUSED


@story
async def test_a_ledger_that_is_broken_opens_no_lock_and_seals_nothing() -> None:
    async with World.open() as world:
        world.add("K000001")
        world.insert("K000001", 1)
        await world.until_slot(1, State.READY)
        world.add("K000002", {"CLIP0001.MP4": FILM})
        world.fs.fail("sync_data", errno.EIO, path="current.jsonl")
        world.insert("K000002", 2)
        await world.passes(300)
        world.tap(OLENA.badge)
        await world.passes(10)
        assert not world.open_lock(1)
        assert not world.facts(f.RecordingSealed)
        await world.crash()  # what a technician does
        await world.boot()
        await world.until_slot(1, State.READY)
        await world.until_cleared("K000002", within_s=600)
        await world.passes(1)
        world.tap(OLENA.badge)
        await world.take(1)
