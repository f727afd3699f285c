"""The centre's reference end: what it takes, what it refuses, and what it never does."""

import errno
import hashlib
import json
import random
from contextlib import suppress

import msgspec
import pytest

from edged.formats.checkpoint import Checkpoint, open_checkpoint, origin_of, sign_checkpoint
from edged.formats.facts import StationStarted
from edged.formats.line import FIRST_PREV
from edged.formats.merkle import Tree
from edged.formats.note import Signer
from edged.formats.receipt import open_receipt, open_refusal, require_receipt
from edged.formats.times import parse_ns
from sync.centre.intake import Intake
from sync.outbox import unverified_manifest
from tests.fakes.clock import StillClock
from tests.fakes.memory_fs import MemoryFS, PowerCut
from tests.sync.world import STATION, Ledger, World


class Centre:
    """A world whose courier is perfect: what the station has simply lies in its home."""

    def __init__(self) -> None:
        self.world = World()
        self.clock = StillClock()

    @property
    def far(self) -> MemoryFS:
        return self.world.far

    def intake(self) -> Intake:
        return self.world.intake(self.clock)

    def deliver(self) -> None:
        for path, data in self.world.fs.files().items():
            if path.startswith("/vault/"):
                self.far.put(path.replace("/vault/", "/home/"), data)
            elif path.startswith("/state/ledger/"):
                self.far.put(path.replace("/state/", "/home/"), data)

    def alert(self, name: str) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.far.read(f"/store/{STATION}/alerts/{name}.json"))
        return found

    def alerts(self) -> list[str]:
        found = self.far.files(f"/store/{STATION}/alerts")
        return sorted(path.rpartition("/")[2].removesuffix(".json") for path in found)

    def note(self, size: int) -> bytes | None:
        return self.far.files("/home").get(f"/home/receipts/checkpoints/{size:012d}.note")

    def refusal(self, recording: str) -> str:
        data = self.far.read(f"/home/receipts/{recording}.refused.note")
        return open_refusal(data, self.world.centre_key.verifier).reason


@pytest.fixture
def centre() -> Centre:
    return Centre()


def test_a_recording_is_stored_and_receipted_and_the_drop_box_emptied(centre: Centre) -> None:
    recording = centre.world.seal(b"evidence")
    centre.deliver()
    assert centre.intake().scan().placed == [recording]
    assert centre.world.stored(recording) == b"evidence"
    manifest = unverified_manifest(centre.world.stored(recording, "manifest.note") or b"")
    note = centre.far.read(f"/home/receipts/{recording}.note")
    receipt = require_receipt(note, centre.world.centre_key.verifier, manifest)
    assert (receipt.server, receipt.server_level) == ("server-1", "local")
    assert centre.world.stored(recording, "receipt.note") == note
    assert not centre.far.files("/home/recordings")


def test_retention_is_ninety_whole_days_after_the_day_of_placement_in_kyiv(centre: Centre) -> None:
    recording = centre.world.seal()
    centre.deliver()
    centre.clock.wall_ns = parse_ns("2026-01-09T22:30:00.000Z")  # 00:30 on 10 January in Kyiv
    centre.intake().scan()
    receipt = open_receipt(
        centre.far.read(f"/home/receipts/{recording}.note"), centre.world.centre_key.verifier
    )
    assert receipt.placed_at == "2026-01-09T22:30:00.000Z"
    assert receipt.retain_until == "2026-04-10T21:00:00.000Z"  # 00:00 on 11 April in Kyiv, summer time


def test_a_receipt_is_signed_once_and_keeps_its_time(centre: Centre) -> None:
    recording = centre.world.seal()
    centre.deliver()
    centre.intake().scan()
    first = centre.far.read(f"/home/receipts/{recording}.note")
    centre.deliver()  # the station's queue was lost, it delivers again
    centre.far.remove(f"/home/receipts/{recording}.note")
    centre.clock.advance(86_400)
    assert centre.intake().scan().placed == []
    assert centre.far.read(f"/home/receipts/{recording}.note") == first


def test_content_without_its_manifest_is_not_looked_at(centre: Centre) -> None:
    recording = centre.world.seal(manifest=False)
    centre.deliver()
    assert centre.intake().scan().placed == []
    assert centre.world.there(recording) == b"content"


@pytest.mark.fault("V04", "nothing stored is replaced: another recording under a known id is refused")
def test_a_stored_recording_is_never_replaced(centre: Centre) -> None:
    recording = centre.world.seal(b"first")
    centre.deliver()
    centre.intake().scan()
    manifest = unverified_manifest(centre.world.stored(recording, "manifest.note") or b"")
    digest = hashlib.sha256(b"other").hexdigest()
    centre.world.sign(msgspec.structs.replace(manifest, sha256=digest, size=5))
    centre.world.fs.put(f"{centre.world.folder(recording)}/content.mp4", b"other")
    centre.deliver()
    assert centre.intake().scan().refused == [recording]
    assert centre.world.stored(recording) == b"first"
    assert centre.refusal(recording) == "another recording is stored under this id"
    assert centre.world.there(recording) == b"other"  # a person may want to see it


@pytest.mark.clause("gov-scale", "what one station delivers is never taken for another's")
def test_two_stations_never_share_a_folder(centre: Centre) -> None:
    other = Centre()
    other.world.station = Signer.from_seed(origin_of("post-8"), bytes(32))
    recording = centre.world.seal(b"ours")
    centre.deliver()
    centre.intake().scan()
    for path, data in centre.world.fs.files("/vault").items():
        centre.far.put(path.replace("/vault/", "/home8/"), data)
    desk = Intake(
        centre.far,
        centre.clock,
        centre.world.log,
        home="/home8",
        store="/store",
        station=other.world.station.verifier,
        centre=centre.world.centre_key,
        server="server-1",
        level="local",
    )
    assert desk.scan().refused == [recording]  # signed by a station that this desk does not know
    assert centre.world.stored(recording) == b"ours"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"station": "post-8"}, "manifest of another station"),
        ({"recording": "f" * 32}, "manifest of another recording or day"),
        ({"folder": "2026/11/23"}, "manifest of another recording or day"),
    ],
)
def test_a_manifest_of_something_else_is_refused_once(
    centre: Centre, change: dict[str, str], reason: str
) -> None:
    recording = centre.world.seal()
    path = f"{centre.world.folder(recording)}/manifest.note"
    manifest = unverified_manifest(centre.world.fs.read(path))
    centre.world.sign(msgspec.structs.replace(manifest, **change))
    made = f"{centre.world.folder(change.get('recording', recording))}/manifest.note"
    centre.world.fs.put(path, centre.world.fs.read(made))
    centre.deliver()
    assert recording in centre.intake().scan().refused
    assert centre.refusal(recording) == reason
    first = centre.far.read(f"/home/receipts/{recording}.refused.note")
    centre.clock.advance(60)
    assert recording not in centre.intake().scan().refused
    assert centre.far.read(f"/home/receipts/{recording}.refused.note") == first


def test_a_manifest_that_nobody_signed_is_refused(centre: Centre) -> None:
    recording = centre.world.seal()
    centre.world.fs.put(f"{centre.world.folder(recording)}/manifest.note", b"{}\n\n\xff\n")
    centre.deliver()
    assert centre.intake().scan().refused == [recording]


def test_content_that_never_fits_is_set_aside_and_refused_in_the_end(centre: Centre) -> None:
    recording = centre.world.seal(b"sound")
    for _ in range(3):
        centre.deliver()
        centre.far.put(f"/home/recordings/2026/11/22/{recording}/content.mp4", b"s0und")
        centre.intake().scan()
    assert "3 times" in centre.refusal(recording)
    assert centre.world.there(recording, "content.mp4.differs.1") == b"s0und"
    assert centre.world.stored(recording) is None


def test_a_disk_that_shows_other_bytes_after_the_copy_gives_no_receipt(centre: Centre) -> None:
    recording = centre.world.seal(b"m" * 5000)
    centre.deliver()
    real = centre.far.open_uncached

    def flipped(path: str):  # type: ignore[no-untyped-def]
        file = real(path)
        read = file.read_at
        file.read_at = lambda offset, size: bytes(byte ^ 1 for byte in read(offset, size))  # type: ignore[method-assign]  # a bad disk
        return file

    centre.far.open_uncached = flipped  # type: ignore[method-assign]  # a bad disk
    assert centre.intake().scan().placed == []
    assert centre.alerts() == ["store-differs"]
    assert f"/home/receipts/{recording}.note" not in centre.far.files("/home")


def test_a_full_store_is_an_alert_and_nothing_is_lost(centre: Centre) -> None:
    recording = centre.world.seal(b"n" * 1000)
    centre.deliver()
    centre.far.capacity = centre.far.used() + 1000
    assert centre.intake().scan().placed == []
    assert centre.alert("store-failed")["detail"]["reason"] == "the store is full"  # type: ignore[index]  # JSON
    centre.far.capacity = 1 << 40
    assert centre.intake().scan().placed == [recording]


def test_what_is_not_ours_in_the_home_is_passed_over(centre: Centre) -> None:
    for path in (
        "recordings/x",
        "recordings/2026/11/22/short/manifest.note",
        "ledger/evil.jsonl",
        "status/\x1b",
    ):
        centre.far.put(f"/home/{path}", b"?")
    summary = centre.intake().scan()
    assert (summary.placed, summary.refused, summary.pieces, summary.alerts) == ([], [], [], [])


# --- ledger ------------------------------------------------------------------------------------------


def test_pieces_are_copied_in_order_and_the_checkpoint_comes_back_countersigned(centre: Centre) -> None:
    names = [centre.world.ledger.grow(3) for _ in range(3)]
    centre.deliver()
    summary = centre.intake().scan()
    assert (summary.pieces, summary.countersigned) == (names, 9)
    found = open_checkpoint(
        centre.note(9) or b"", centre.world.station.verifier, centre.world.centre_key.verifier
    )
    assert (found.size, found.root) == (9, centre.world.ledger.tree.root())
    for name in names:
        copied = centre.far.read(f"/store/{STATION}/ledger/{name}")
        assert copied == centre.world.fs.read(f"/state/ledger/{name}")


def test_a_piece_waits_for_the_one_before_and_for_its_checkpoint(centre: Centre) -> None:
    first, second = centre.world.ledger.grow(), centre.world.ledger.grow()
    centre.deliver()
    kept = {}
    for path in (f"/home/ledger/{first}", "/home/ledger/checkpoints/000000000006.note"):
        kept[path] = centre.far.read(path)
        centre.far.remove(path)
    assert centre.intake().scan().pieces == []
    centre.far.put(f"/home/ledger/{first}", kept[f"/home/ledger/{first}"])
    assert centre.intake().scan().pieces == [first]
    assert centre.note(6) is None
    centre.far.put(*list(kept.items())[1])
    assert centre.intake().scan().pieces == [second]
    assert centre.note(6) is not None


def test_a_checkpoint_inside_a_longer_piece_agrees_with_it(centre: Centre) -> None:
    centre.world.ledger.add()
    centre.world.ledger.checkpoint()  # signed, then the power went before the piece was closed
    centre.world.ledger.grow(2)
    centre.deliver()
    assert centre.intake().scan().countersigned == 3
    assert centre.alerts() == []
    assert not centre.far.files("/home/ledger/checkpoints")


def test_what_is_delivered_again_is_dropped_in_silence(centre: Centre) -> None:
    for _ in range(3):
        centre.world.ledger.grow()
    centre.deliver()
    centre.intake().scan()
    centre.deliver()
    assert centre.intake().scan().alerts == []
    assert not centre.far.files("/home/ledger")


def test_a_piece_that_was_closed_once_more_and_later_goes_on_where_the_copy_ends(centre: Centre) -> None:
    """The power went while it was closed; the shorter one had been delivered by then."""
    ledger = centre.world.ledger
    first, second = ledger.grow(3), ledger.grow(2)
    centre.deliver()
    longer = centre.far.read(f"/home/ledger/{first}") + centre.far.read(f"/home/ledger/{second}")
    centre.far.remove(f"/home/ledger/{second}")
    note = centre.far.read("/home/ledger/checkpoints/000000000005.note")
    centre.far.remove("/home/ledger/checkpoints/000000000005.note")
    assert centre.intake().scan().countersigned == 3

    centre.far.put("/home/ledger/000000000000-000000000004.jsonl", longer)
    centre.far.put("/home/ledger/checkpoints/000000000005.note", note)
    summary = centre.intake().scan()

    assert (summary.countersigned, summary.alerts) == (5, [])
    assert centre.far.read(f"/store/{STATION}/ledger/{second}") in longer
    assert not centre.far.files("/home/ledger")
    ledger.grow(1)
    centre.deliver()
    assert centre.intake().scan().countersigned == 6


def test_a_piece_that_was_cut_at_the_end_of_a_line_is_put_aside_and_comes_again(centre: Centre) -> None:
    name = centre.world.ledger.grow(4)
    centre.deliver()
    lines = centre.far.read(f"/home/ledger/{name}").splitlines(keepends=True)
    centre.far.put(f"/home/ledger/{name}", b"".join(lines[:2]))
    assert centre.intake().scan().countersigned == 0
    assert centre.alerts() == ["ledger-torn"]
    assert not [path for path in centre.far.files("/home/ledger") if path.endswith(name)]
    centre.deliver()
    assert centre.intake().scan().countersigned == 4


@pytest.mark.parametrize("what", ["piece", "checkpoint", "manifest"])
def test_what_is_torn_by_one_power_cut_after_another_comes_again_each_time(centre: Centre, what: str) -> None:
    recording = centre.world.seal(b"sound")
    piece = centre.world.ledger.grow(4)
    path = {
        "piece": f"/home/ledger/{piece}",
        "checkpoint": f"/home/ledger/checkpoints/{int(piece[13:25]) + 1:012d}.note",
        "manifest": f"/home/recordings/2026/11/22/{recording}/manifest.note",
    }[what]
    for _ in range(8):
        centre.deliver()
        centre.far.put(path, b"")
        centre.intake().scan()
        assert path not in centre.far.files("/home")
    centre.deliver()
    centre.intake().scan()
    assert centre.note(int(piece[13:25]) + 1) is not None
    assert centre.world.stored(recording) is not None


@pytest.mark.parametrize("damage", ["flip", "drop", "swap", "tail"])
def test_a_damaged_piece_is_refused_and_countersigned_only_when_it_comes_whole(
    centre: Centre, damage: str
) -> None:
    name = centre.world.ledger.grow(4)
    good = centre.world.fs.read(f"/state/ledger/{name}")
    lines = good.splitlines(keepends=True)
    bad = {
        "flip": good.replace(b'"clean":true', b'"clean":false', 1),
        "drop": b"".join(lines[:2] + lines[3:]),
        "swap": b"".join([lines[1], lines[0], *lines[2:]]),
        "tail": good[:-1],
    }[damage]
    centre.deliver()
    centre.far.put(f"/home/ledger/{name}", bad)
    assert centre.intake().scan().countersigned == 0
    assert centre.alerts() == ["ledger-torn" if damage == "tail" else "ledger-refused"]
    assert centre.note(4) is None
    centre.far.put(f"/home/ledger/{name}", good)
    assert centre.intake().scan().countersigned == 4


def fork(centre: Centre, lines: int, common: int = 0) -> Ledger:
    """Another history of the same station, signed with its key."""
    folder = MemoryFS()
    other = Ledger(folder, "/state/ledger", centre.world.station)
    for _ in range(common):
        other.add()
    for n in range(lines):
        other.add(StationStarted(version="forked", config_sha256=f"{n:064x}", clean=False))
    other.close()
    for path, data in folder.files().items():
        centre.far.put(path.replace("/state/", "/home/"), data)
    return other


@pytest.mark.fault("L05", "a second history is kept beside the first, and nothing is countersigned any more")
@pytest.mark.parametrize(("known", "common", "lines"), [(4, 0, 4), (4, 0, 2), (4, 2, 2), (4, 2, 9)])
def test_a_fork_is_found_and_stops_countersigning(
    centre: Centre, known: int, common: int, lines: int
) -> None:
    centre.world.ledger.grow(known)
    centre.deliver()
    centre.intake().scan()
    fork(centre, lines, common)
    centre.intake().scan()
    assert "ledger-forked" in centre.alerts()
    assert centre.far.files(f"/store/{STATION}/forks")
    centre.world.ledger.grow()
    centre.deliver()
    assert centre.intake().scan().countersigned == known
    assert centre.note(known + 3) is None
    assert centre.note(common + lines) is None or common + lines == known


def test_after_a_person_has_taken_the_fork_away_countersigning_goes_on(centre: Centre) -> None:
    centre.world.ledger.grow(4)
    centre.deliver()
    centre.intake().scan()
    fork(centre, 4)
    centre.intake().scan()
    for path in list(centre.far.files(f"/store/{STATION}/forks")):
        centre.far.remove(path)
    centre.world.ledger.grow()
    centre.deliver()
    assert centre.intake().scan().countersigned == 7


@pytest.mark.fault(
    "L04", "a station whose newest checkpoint is older than what was countersigned raises an alert"
)
def test_a_station_that_was_rolled_back_is_noticed_by_its_status(centre: Centre) -> None:
    centre.far.put("/home/status/2026-11-22T070000000Z.json", b'{"newest_checkpoint":0}')
    centre.world.ledger.grow(8)
    centre.deliver()
    centre.intake().scan()
    assert centre.alerts() == []  # that status was written before
    centre.far.put("/home/status/2026-11-22T080000000Z.json", b'{"newest_checkpoint":5}')
    centre.intake().scan()
    assert centre.alerts() == ["station-behind"]


def test_a_checkpoint_of_another_root_at_a_known_size_is_a_fork(centre: Centre) -> None:
    centre.world.ledger.grow(3)
    centre.deliver()
    centre.intake().scan()
    lie = sign_checkpoint(Checkpoint(centre.world.station.name, 2, Tree().root()[::-1]), centre.world.station)
    centre.far.put("/home/ledger/checkpoints/000000000002.note", lie)
    centre.intake().scan()
    assert centre.alerts() == ["ledger-forked"]


def test_a_damaged_state_of_ours_is_no_new_beginning(centre: Centre) -> None:
    centre.world.ledger.grow(3)
    centre.deliver()
    centre.intake().scan()
    recording = centre.world.seal(b"still taken")
    centre.deliver()
    centre.far.put(f"/store/{STATION}/intake.json", b"{")
    summary = centre.intake().scan()
    assert summary.alerts == ["intake-stopped"]
    assert summary.placed == [recording]
    assert FIRST_PREV not in centre.far.read(f"/store/{STATION}/intake.json").decode()


@pytest.mark.parametrize("call", ["sync", "sync_dir", "rename", "replace", "write_at", "mkdir"])
def test_one_error_of_the_stores_disk_is_never_signed_over(call: str) -> None:
    """What the next pass finds under its final name need not be durable: the pass before may have failed to sync it."""
    skip = 0
    while True:
        centre = Centre()
        recording = centre.world.seal(b"o" * 3000)
        centre.world.ledger.grow(2)
        centre.deliver()
        centre.far.fail(call, errno.EIO, skip=skip)
        for _ in range(3):
            with suppress(OSError):
                centre.intake().scan()
            centre.clock.advance(60)
        met = not centre.far._faults
        signed, receipt = centre.note(3), centre.far.files("/home").get(f"/home/receipts/{recording}.note")
        assert signed is not None
        assert receipt is not None
        centre.far.power_cut()
        assert json.loads(centre.far.read(f"/store/{STATION}/intake.json"))["size"] == 3, skip
        assert centre.world.stored(recording, "receipt.note") == receipt, skip
        assert centre.world.stored(recording) == b"o" * 3000, skip
        kept = centre.far.files(f"/store/{STATION}/ledger")
        assert any(path.endswith("-000000000002.jsonl") for path in kept), skip
        if not met:
            return
        skip += 1


@pytest.mark.fault(
    "X01", "a power cut at every step of the intake loses nothing and is made good by the next pass"
)
@pytest.mark.parametrize("torn", [False, True])
def test_a_cut_at_every_step_is_made_good_by_the_next_pass(torn: bool) -> None:
    step = 0
    while True:
        centre = Centre()
        recording = centre.world.seal(b"o" * 3000)
        centre.world.ledger.grow(2)
        centre.deliver()
        rng = random.Random(step) if torn else None
        centre.far.cut_after = step
        try:
            centre.intake().scan()
        except PowerCut:
            pass
        else:
            break
        # What the station could have fetched before the cut must still hold after it.
        signed, receipt = centre.note(3), centre.far.files("/home").get(f"/home/receipts/{recording}.note")
        centre.far.power_cut(rng)
        if signed is not None:
            assert json.loads(centre.far.read(f"/store/{STATION}/intake.json"))["size"] == 3
        if receipt is not None:
            assert centre.world.stored(recording, "receipt.note") == receipt
            assert centre.world.stored(recording) == b"o" * 3000
        centre.clock.advance(60)
        centre.intake().scan()
        assert centre.world.stored(recording) == b"o" * 3000
        assert centre.note(3) is not None
        found = centre.far.read(f"/home/receipts/{recording}.note")
        assert found == centre.world.stored(recording, "receipt.note")
        assert receipt is None or found == receipt
        assert centre.alerts() == []
        step += 1
    assert step > 40
