"""What the line and the centre do to the courier, in virtual time. One test a row of the fault catalogue."""

import asyncio
import errno
import json
from collections.abc import Callable

import msgspec
import pytest

from edged.formats.facts import GapFact
from edged.formats.receipt import require_receipt
from sync.outbox import unverified_manifest
from sync.queue import Item, Queue, Rank, State
from sync.store import (
    Assurance,
    CentreAuthError,
    CentreBusyError,
    CentreFullError,
    CentreGoneError,
    CentreKeyChangedError,
    CentreRefusedError,
)
from sync.transfer import CHUNK
from tests.sync.test_courier import drive
from tests.sync.virtual import run
from tests.sync.world import World

DAY = 86_400.0


def delivered(world: World, count: int = 1) -> bool:
    return world.queue.count()[State.DELIVERED] >= count


def status(world: World) -> dict[str, object]:
    found: dict[str, object] = json.loads(world.fs.read("/inbox/status.json"))
    return found


def item(world: World, recording: str) -> Item:
    found = world.queue.get(recording)
    assert found is not None
    return found


def is_held(world: World, recording: str) -> bool:
    found = world.queue.get(recording)
    return found is not None and found.state is State.HELD


def alerts(world: World) -> list[str]:
    return [entry["alert"] for entry in status(world)["alerts"]]  # type: ignore[attr-defined]  # JSON


@pytest.mark.fault("N01", "after 30 days without a line everything goes out, ledger first, then the oldest")
def test_thirty_days_without_a_line() -> None:
    world = World(retry_max_s=3600.0, scan_s=3600.0)
    wanted = [world.seal(f"clip {n}".encode()) for n in range(5)]
    world.ledger.close()
    world.centre.fail("connect", CentreGoneError(), times=10**9)

    def after_a_month() -> bool:
        long = asyncio.get_running_loop().time() > 30 * DAY
        if long:
            world.centre.faults.clear()
        return long

    drive(world, after_a_month, lambda: delivered(world, 5), limit=40 * DAY)
    finals = [path for path in world.centre.paths("rename") if path.startswith(("ledger", "recordings"))]
    assert [path.split("/")[0] for path in finals[:2]] == ["ledger", "ledger"]
    assert [path.split("/")[4] for path in finals if path.endswith("content.mp4")] == wanted


@pytest.mark.fault("N03", "a trickle is given up by the minimum rate and resumed, not waited for")
@pytest.mark.fault("V10", "a centre that answers a byte now and then is given up by the minimum rate")
def test_a_trickle_is_given_up_and_resumed() -> None:
    world = World(min_rate=4096)
    content = b"z" * 4 * CHUNK
    recording = world.seal(content)
    world.centre.slow["write_at"] = 130.0  # for 256 KiB: 2 KiB/s, and never so long that nothing moved
    drive(world, lambda: bool(world.logged("EDG-3109")))
    given_up = world.logged("EDG-3109")[0]
    assert (given_up["name"], given_up["code"]) == (recording, "E3008")
    assert int(given_up["sent"]) < len(content)
    world.centre.slow.clear()
    drive(world, lambda: delivered(world))
    assert world.there(recording) == content


def test_a_write_that_never_returns_is_given_up_by_the_idle_clock() -> None:
    world = World()
    world.seal(b"z" * 900_000)
    world.centre.slow["write_at"] = 1e9
    drive(world, lambda: bool(world.logged("EDG-3109")))
    assert "E3008" in str(world.logged("EDG-3109")[0]["code"])
    assert world.centre.closed >= 1


@pytest.mark.fault(
    "N08",
    "on a slow line the ledger overtakes a running recording, and flagged ones go before plain",
)
@pytest.mark.clause(
    "gov-scale", "on a line of 64 kbit/s the ledger and what is flagged do not wait for the rest"
)
def test_the_ledger_overtakes_a_running_recording() -> None:
    world = World()
    plain = world.seal(b"1" * 3_000_000)
    flagged = world.seal(b"2" * 10, gaps=[GapFact(offset=0, size=1)])
    world.centre.slow["write_at"] = 30.0  # 8 KiB/s: a line of 64 kbit/s
    grown: list[str] = []
    world.centre.on("write_at", lambda: grown.append(world.ledger.close()), path=plain)
    drive(world, lambda: delivered(world, 2), limit=DAY)
    order = [path for path in world.centre.paths("rename") if path.startswith(("ledger", "recordings"))]
    assert order.index(f"recordings/2026/11/22/{flagged}/content.mp4") < order.index(f"ledger/{grown[0]}")
    assert order.index(f"ledger/{grown[0]}") < order.index(f"recordings/2026/11/22/{plain}/content.mp4")


@pytest.mark.clause("459-IV.3-online", "a recording that the server asks for goes before the others")
@pytest.mark.clause("gov-online", "a recording that the server asks for goes before the others")
def test_a_recording_that_the_centre_asks_for_goes_first() -> None:
    world = World()
    first, second = world.seal(b"a"), world.seal(b"b")
    world.far.put(f"/home/inbox/requests/{second}", b"")
    world.centre.fail("make_dirs", CentreRefusedError(), path="recordings", times=2)
    drive(world, lambda: delivered(world, 2))
    assert item(world, second).rank is Rank.REQUESTED
    contents = [path.split("/")[4] for path in world.centre.paths("rename") if path.endswith("content.mp4")]
    assert contents == [second, first]


def test_a_request_about_a_case_is_fetched_once_and_a_forged_one_here_does_not_stay() -> None:
    world = World()
    recording = world.seal(b"a")
    name = f"{recording}.reference.note"
    world.far.put(f"/home/inbox/requests/{name}", b"signed by the centre")
    here = f"/inbox/receipts/{name}"
    drive(world, lambda: world.fs.files("/inbox").get(here) == b"signed by the centre")
    asked = world.centre.paths("read").count(f"inbox/requests/{name}")
    world.fs.put(here, b"put there by somebody")

    async def scene() -> None:
        task = asyncio.create_task(world.courier().run())
        await asyncio.sleep(120)
        assert world.centre.paths("read").count(f"inbox/requests/{name}") == asked
        await asyncio.sleep(3600)
        assert world.fs.files("/inbox")[here] == b"signed by the centre"
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(scene())


@pytest.mark.fault("N10", "after a changed host key nothing connects any more, and a person is told")
def test_a_changed_host_key_stops_everything() -> None:
    world = World()
    world.seal()
    world.centre.fail("connect", CentreKeyChangedError(), times=10**9)

    async def scene() -> None:
        task = asyncio.create_task(world.courier().run())
        await asyncio.sleep(3 * 3600)
        assert len(world.centre.paths("connect")) == 1
        assert (status(world)["stopped"], alerts(world)) == (True, ["centre-key-changed"])
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(scene())


@pytest.mark.fault("N12", "a refused login is tried at most once in ten minutes, with an alert")
def test_a_refused_login_is_not_hammered() -> None:
    world = World()
    world.seal()
    world.random.share = 0.0
    world.centre.fail("connect", CentreAuthError(), times=10**9)

    async def scene() -> None:
        task = asyncio.create_task(world.courier().run())
        await asyncio.sleep(6 * 3600)
        assert len(world.centre.paths("connect")) <= 6 * 6 + 1
        assert alerts(world) == ["centre-login-refused"]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(scene())


@pytest.mark.fault("N14", "two couriers of one station never write into the same file, and both end well")
def test_two_sessions_of_one_station_do_not_meet() -> None:
    world = World()
    recordings = [world.seal(bytes([n]) * 700_000) for n in range(3)]
    other = World()
    other.fs, other.far, other.centre, other.random = world.fs, world.far, world.centre, world.random
    world.centre.slow["write_at"] = 1.0

    async def scene() -> None:
        tasks = [asyncio.create_task(w.courier().run()) for w in (world, other)]
        async with asyncio.timeout(DAY):
            while not (delivered(world, 3) and delivered(other, 3)):  # noqa: ASYNC110  # virtual time
                await asyncio.sleep(1)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    run(scene())
    parts = [path for path in world.centre.paths("create") if path.endswith(".part")]
    assert len(parts) == len(set(parts)) > 3
    for n, recording in enumerate(recordings):
        assert world.there(recording) == bytes([n]) * 700_000


@pytest.mark.fault("N15", "a drop after RENAME was sent is decided by what lies there, not by sending again")
@pytest.mark.parametrize("name", ["content.mp4", "manifest.note"])
def test_a_drop_after_the_rename_sends_nothing_again(name: str) -> None:
    world = World()
    recording = world.seal(b"c" * 500_000)
    world.centre.fail("rename", CentreGoneError(), path=name, after=True)
    drive(world, lambda: delivered(world))
    created = [path for path in world.centre.paths("create") if name in path]
    assert len(created) == 1
    assert world.there(recording) == b"c" * 500_000


@pytest.mark.fault("N16", "a drop between receipt and its reading costs one more question")
def test_a_drop_before_the_receipt_was_read() -> None:
    world = World()
    recording = world.seal()
    world.centre.fail("read", CentreGoneError(), path=f"receipts/{recording}.note")

    def receipted() -> bool:
        if delivered(world):
            world.intake().scan()
        return f"/inbox/receipts/{recording}.note" in world.fs.files("/inbox")

    drive(world, receipted)
    assert world.centre.connections == 2


@pytest.mark.fault(
    "N17", "a centre that cannot sync is used with an alert, and its files count as proved only when read"
)
def test_a_centre_without_sync_is_of_lower_assurance() -> None:
    world = World()
    recording = world.seal(b"d" * 20_000_000)
    world.centre.assurance = Assurance.WRITTEN
    world.centre.fail("write_at", CentreGoneError(), skip=60)
    drive(world, lambda: delivered(world))
    assert alerts(world) == ["centre-cannot-sync"]
    assert status(world)["assurance"] == "written"
    assert item(world, recording).synced == 0
    assert len(world.centre.paths("read_at")) > 50  # so the prefix was read back as a whole
    assert world.there(recording) == b"d" * 20_000_000


@pytest.mark.fault("N17", "a failed sync fails the upload, and nothing of that file is gone on with")
def test_a_failed_sync_gives_the_file_up() -> None:
    world = World()
    recording = world.seal(b"e" * 400_000)
    world.centre.fail("sync", CentreRefusedError(), path="content")
    drive(world, lambda: delivered(world))
    created = [path for path in world.centre.paths("create") if "content" in path]
    assert len(set(created)) == 2
    assert not [path for path in world.centre.paths("reopen") if "content" in path]
    assert world.there(recording) == b"e" * 400_000


@pytest.mark.fault(
    "N18",
    "full jitter up to a bound that doubles, a spread first connection, a long wait when busy",
)
def test_stations_do_not_come_back_together() -> None:
    world = World(start_jitter_s=10.0, retry_s=2.0, retry_max_s=300.0)
    world.centre.fail("connect", CentreGoneError(), times=10)
    world.centre.fail("connect", CentreBusyError())
    world.seal()
    drive(world, lambda: delivered(world), limit=DAY)
    bounds = [min(300.0, 2.0 * 2**n) for n in range(10)]
    assert world.random.asked[:12] == [(0, 10.0), *((0, bound) for bound in bounds), (150.0, 300.0)]


@pytest.mark.fault(
    "V01", "a full centre is left alone for minutes, with an alert, while answers are still fetched"
)
def test_a_full_centre_is_not_hammered() -> None:
    world = World()
    done = world.seal(b"before")
    drive(world, lambda: delivered(world))
    run(scan(world))
    waiting = world.seal(b"f" * 10)
    world.centre.fail("create", CentreFullError(), path=waiting, times=3)
    took = 0.0

    def both() -> bool:
        nonlocal took
        took = asyncio.get_running_loop().time()
        return delivered(world, 2)

    drive(world, both, limit=DAY)
    assert took > 3 * 150
    assert (
        len([path for path in world.centre.paths("create") if waiting in path]) == 5
    )  # 3 refused, content, manifest
    assert f"/inbox/receipts/{done}.note" in world.fs.files("/inbox")
    pauses = [asked for asked in world.random.asked if asked == (150.0, 300.0)]
    assert len(pauses) == 3
    assert [fields["alert"] for fields in world.logged("EDG-5101")] == ["centre-full"]
    assert [fields["alert"] for fields in world.logged("EDG-5102")] == ["centre-full"]


async def scan(world: World) -> None:
    world.intake().scan()


@pytest.mark.fault(
    "V02", "what a lying centre took is never receipted, is offered again, and raises an alert by age"
)
def test_a_centre_that_keeps_nothing_is_found_out() -> None:
    world = World(overdue_s=3000.0)
    recording = world.seal(b"g" * 10)
    drive(world, lambda: delivered(world))
    for path in list(world.far.files("/home/recordings")):
        world.far.remove(path)
    drive(world, lambda: bool(world.logged("EDG-3114")), lambda: delivered(world), limit=DAY)
    assert world.there(recording) == b"g" * 10
    drive(world, lambda: "receipt-overdue" in alerts(world), limit=DAY)
    assert world.queue.count()[State.RECEIPTED] == 0


@pytest.mark.fault("V03", "a truncated file gets no receipt, an alert, and is delivered once more")
def test_content_cut_short_at_the_centre_is_sent_again() -> None:
    world = World()
    recording = world.seal(b"h" * 1000)
    drive(world, lambda: delivered(world))
    world.far.put(f"/home/recordings/2026/11/22/{recording}/content.mp4", b"h" * 999)

    def receipted() -> bool:
        world.intake().scan()
        return f"/inbox/receipts/{recording}.note" in world.fs.files("/inbox")

    drive(world, receipted, limit=DAY)
    assert world.stored(recording) == b"h" * 1000
    alert = json.loads(world.far.read("/store/post-7/alerts/content-differs.json"))
    assert alert["detail"]["recording"] == recording


@pytest.mark.fault("V05", "a forged receipt in the inbox does not keep the true one out")
def test_a_receipt_is_asked_for_until_edged_has_accepted_one() -> None:
    world = World()
    recording = world.seal(b"i")
    drive(world, lambda: delivered(world))
    world.far.put(f"/home/receipts/{recording}.note", b"forged\n")
    inbox = f"/inbox/receipts/{recording}.note"
    drive(world, lambda: world.fs.files("/inbox").get(inbox) == b"forged\n")
    manifest = unverified_manifest(world.fs.read(f"{world.folder(recording)}/manifest.note"))

    def true_one() -> bool:
        world.intake().scan()
        return world.fs.files("/inbox").get(inbox) != b"forged\n"

    drive(world, true_one, limit=DAY)
    require_receipt(world.fs.read(inbox), world.centre_key.verifier, manifest)
    world.confirm(recording)
    drive(world, lambda: world.queue.count()[State.RECEIPTED] == 1)


def test_what_somebody_puts_over_a_fetched_receipt_is_replaced_by_it() -> None:
    world = World()
    recording = world.seal(b"i")
    inbox = f"/inbox/receipts/{recording}.note"

    def fetched() -> bool:
        world.intake().scan()
        return inbox in world.fs.files("/inbox")

    drive(world, fetched)
    genuine = world.fs.read(inbox)
    world.fs.put(inbox, b"forged\n")
    drive(world, lambda: world.fs.read(inbox) == genuine, limit=DAY)


@pytest.mark.parametrize("what", ["piece", "checkpoint", "manifest"])
@pytest.mark.parametrize(
    "torn",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:40] + bytes(60) + data[100:],
        lambda data: data[: data.rstrip(b"\n").rfind(b"\n") + 1],
    ],
    ids=["cut", "zeros", "cut at the end of a line"],
)
def test_what_a_power_cut_at_the_centre_has_torn_is_sent_again(
    what: str, torn: Callable[[bytes], bytes]
) -> None:
    world = World()
    recording = world.seal(b"film")
    piece = world.ledger.close()
    path = {
        "piece": f"/home/ledger/{piece}",
        "checkpoint": "/home/ledger/checkpoints/000000000001.note",
        "manifest": f"/home/recordings/2026/11/22/{recording}/manifest.note",
    }[what]
    drive(
        world,
        lambda: (
            len(world.far.files("/home/ledger")) == 2 and world.there(recording, "manifest.note") is not None
        ),
    )
    world.far.put(path, torn(world.far.read(path)))

    def all_answered() -> bool:
        world.intake().scan()
        inbox = world.fs.files("/inbox")
        return {f"/inbox/receipts/{recording}.note", "/inbox/receipts/checkpoints/000000000001.note"} <= set(
            inbox
        )

    drive(world, all_answered, limit=DAY)
    alert = "manifest-torn" if what == "manifest" else "ledger-torn"
    assert f"/store/post-7/alerts/{alert}.json" in world.far.files("/store")


def test_a_piece_that_the_centre_lost_is_sent_again() -> None:
    world = World()
    piece = world.ledger.grow()
    drive(world, lambda: f"/home/ledger/{piece}" in world.far.files("/home/ledger"))
    world.far.remove(f"/home/ledger/{piece}")

    def countersigned() -> bool:
        world.intake().scan()
        return "/inbox/receipts/checkpoints/000000000003.note" in world.fs.files("/inbox")

    drive(world, countersigned, limit=DAY)
    assert world.logged("EDG-3114") == [{"recording": piece}]


@pytest.mark.fault(
    "V07", "a centre restored from an older copy is noticed, and gets again what is still here"
)
def test_a_restored_centre_gets_everything_again() -> None:
    world = World()
    world.ledger.grow()
    early = world.seal(b"early")
    world.ledger.close()

    def all_answered(size: int, *recordings: str) -> bool:
        world.intake().scan()
        inbox = world.fs.files("/inbox")
        notes = [f"/inbox/receipts/{recording}.note" for recording in recordings]
        return all(note in inbox for note in (*notes, f"/inbox/receipts/checkpoints/{size:012d}.note"))

    drive(world, lambda: all_answered(4, early))
    backup = dict(world.far.files("/store"))
    late = world.seal(b"late")
    world.ledger.close()
    drive(world, lambda: all_answered(5, early, late))
    for recording in (early, late):
        world.confirm(recording)

    for path in list(world.far.files("/store")):
        world.far.remove(path)
    for path, data in backup.items():
        world.far.put(path, data)
    world.far.remove(f"/home/receipts/{late}.note")
    drive(world, lambda: all_answered(5) and world.stored(late) == b"late", limit=DAY)
    drive(world, lambda: world.queue.count()[State.RECEIPTED] == 2)
    assert world.logged("EDG-3113")[0] == {"before": 5, "now": 4}
    stored = world.far.files("/store")
    assert "/store/post-7/alerts/store-behind.json" in stored
    assert "/store/post-7/ledger/checkpoints/000000000005.note" in stored


@pytest.mark.fault("V09", "a recording that is refused for good is held with the reason, and others go on")
def test_a_refused_recording_is_held_and_others_go_on() -> None:
    world = World()
    bad, good = world.seal(b"bad"), world.seal(b"good")
    manifest = unverified_manifest(world.fs.read(f"{world.folder(bad)}/manifest.note"))
    world.sign(msgspec.structs.replace(manifest, station="post-8"))

    def decided() -> bool:
        world.intake().scan()
        return is_held(world, bad) and f"/inbox/receipts/{good}.note" in world.fs.files("/inbox")

    drive(world, decided)
    assert item(world, bad).reason == "manifest of another station"
    assert status(world)["held_items"] == [{"recording": bad, "reason": "manifest of another station"}]
    assert f"/inbox/receipts/{bad}.refused.note" in world.fs.files("/inbox")


def test_a_refusal_by_permission_holds_one_path_and_not_the_others() -> None:
    world = World()
    bad, good = world.seal(b"bad"), world.seal(b"good")
    world.centre.fail("create", CentreRefusedError(text="Permission denied"), path=bad, times=10**9)
    drive(world, lambda: is_held(world, bad))
    assert world.there(good) == b"good"
    world.centre.faults.clear()
    drive(world, lambda: delivered(world, 2), limit=DAY)


def test_other_bytes_under_a_final_name_are_left_alone() -> None:
    world = World()
    recording = world.seal(b"mine")
    world.far.put(f"/home/recordings/2026/11/22/{recording}/content.mp4", b"else")
    drive(world, lambda: is_held(world, recording))
    assert world.there(recording) == b"else"


def test_content_that_was_spoilt_at_the_centre_before_its_manifest_came_is_sent_again() -> None:
    world = World()
    recording = world.seal(b"a film")
    place = f"/home/recordings/2026/11/22/{recording}"
    world.far.put(f"{place}/content.mp4", b"a fi")

    def receipted() -> bool:
        world.intake().scan()
        return f"/inbox/receipts/{recording}.note" in world.fs.files("/inbox")

    drive(world, receipted, limit=DAY)
    assert world.stored(recording) == b"a film"
    assert "/store/post-7/alerts/content-differs.json" in world.far.files("/store")


@pytest.mark.fault("K08", "what no longer has the hash of its manifest is not delivered under it")
def test_a_recording_that_rotted_in_the_vault_is_held() -> None:
    world = World()
    recording = world.seal(b"sound")
    world.fs.put(f"{world.folder(recording)}/content.mp4", b"s0und")
    drive(world, lambda: is_held(world, recording))
    assert world.there(recording) is None
    assert "E5005" in item(world, recording).reason


def test_a_disk_that_fails_costs_an_alert_and_no_recording() -> None:
    world = World()
    recording = world.seal(b"j" * 10)
    world.fs.fail("read_at", errno.EIO, path="content.mp4", times=2)
    drive(world, lambda: delivered(world))
    assert world.there(recording) == b"j" * 10
    assert world.logged("EDG-3115")


def test_a_courier_starts_on_an_inbox_that_cannot_be_read_at_that_moment() -> None:
    world = World()
    recording = world.seal()
    world.fs.make_dirs("/inbox/receipts/checkpoints")
    world.fs.fail("list_dir", errno.EIO, path="checkpoints")
    drive(world, lambda: delivered(world))
    assert world.there(recording) == b"content"


def test_a_lost_queue_is_made_anew_and_sends_nothing_twice() -> None:
    world = World()
    done, receipted = world.seal(b"k" * 100), world.seal(b"l" * 100)
    drive(world, lambda: delivered(world, 2))
    run(scan(world))
    receipt = world.far.read(f"/home/receipts/{receipted}.note")
    world.far.remove(f"/home/receipts/{done}.note")
    world.fs.put(f"{world.folder(receipted)}/receipt.note", receipt)
    created = len(world.centre.paths("create"))
    world.far.put(f"/home/recordings/2026/11/22/{done}/content.mp4", b"k" * 100)
    note = world.fs.read(f"{world.folder(done)}/manifest.note")
    world.far.put(f"/home/recordings/2026/11/22/{done}/manifest.note", note)
    world.queue = Queue(":memory:")
    drive(world, lambda: delivered(world) and world.queue.count()[State.RECEIPTED] == 1)
    again = [path for path in world.centre.paths("create")[created:] if path.startswith("recordings")]
    assert again == []


def test_a_hint_makes_it_look_at_once() -> None:
    world = World(scan_s=3600.0, poll_s=3600.0)

    async def scene() -> float:
        courier = world.courier()
        task = asyncio.create_task(courier.run())
        await asyncio.sleep(10)
        world.seal()
        courier.hint()
        began = asyncio.get_running_loop().time()
        while not delivered(world):  # noqa: ASYNC110  # virtual time
            await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return asyncio.get_running_loop().time() - began

    assert run(scene()) < 1


def test_what_has_left_the_vault_after_its_receipt_is_forgotten() -> None:
    world = World()
    recording = world.seal()
    drive(world, lambda: delivered(world))
    world.fs.put(f"{world.folder(recording)}/receipt.note", b"verified")
    drive(world, lambda: world.queue.count()[State.RECEIPTED] == 1)
    for name in ("content.mp4", "manifest.note", "receipt.note"):
        world.fs.remove(f"{world.folder(recording)}/{name}")
    run(look(world))
    assert world.queue.get(recording) is None


async def look(world: World) -> None:
    task = asyncio.create_task(world.courier().run())
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
