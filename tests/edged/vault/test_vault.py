import errno
import hashlib
import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.errors import DiskError, EdgeError, ErrorCode
from edged.ports import Space
from edged.vault import layout
from edged.vault.layout import Place
from edged.vault.space import GIB, Refusal, SpacePolicy, judge
from edged.vault.vault import Vault, create_vault, open_vault, write_durably
from tests.edged.vault.rig import RECORDING, ROOT, STATION, Counting, Rig, clip, make_rig, reopen
from tests.fakes.memory_fs import MemoryFS

OTHER = "f" * 32


@pytest.fixture
def fs() -> MemoryFS:
    return MemoryFS()


@pytest.fixture
def rig(fs: MemoryFS) -> Rig:
    return make_rig(fs)


def unfit(fs: MemoryFS, **wanted: str) -> str:
    with pytest.raises(DiskError) as refused:
        open_vault(fs, ROOT, **{"station": STATION, **wanted})  # type: ignore[arg-type]  # texts only
    assert refused.value.code is ErrorCode.VAULT_UNFIT
    return str(refused.value.detail["found"])


# --- the right disk ---


@pytest.mark.fault("K11", "an empty mount point without the marker is refused, and nothing is written there")
@pytest.mark.parametrize("there", [True, False], ids=["empty-folder", "no-folder"])
def test_an_empty_mount_point_is_not_taken_for_the_vault(fs: MemoryFS, there: bool) -> None:
    if there:
        fs.make_dirs(ROOT)
    before = fs.steps

    assert unfit(fs) == "no marker"
    assert fs.steps == before


@pytest.mark.fault("K12", "another vault of the station, and another station's, are refused")
def test_the_wrong_disk_is_refused(rig: Rig, fs: MemoryFS) -> None:
    assert open_vault(fs, ROOT, station=STATION, vault_id=rig.vault.vault_id).vault_id == rig.vault.vault_id
    assert "vault" in unfit(fs, vault_id="0" * 32)
    assert STATION in unfit(fs, station="ua-100-08")


@pytest.mark.parametrize(
    "marker",
    [
        b"",
        b"{",
        b"[]",
        b"[" * 3000,
        b'{"type":"other"}',
        b'{"type":"edged/vault/v1","vault":7}',
        b"\xff",
        b"x" * 9999,
    ],
)
def test_a_damaged_marker_is_refused(rig: Rig, fs: MemoryFS, marker: bytes) -> None:
    fs.put(f"{ROOT}/vault.json", marker)
    unfit(fs)


def test_a_memory_file_system_is_refused_unless_configured(rig: Rig, fs: MemoryFS) -> None:
    fs.memory_folders.add(ROOT)
    assert unfit(fs) == "a memory file system"
    open_vault(fs, ROOT, station=STATION, memory_allowed=True)


def test_a_vault_is_created_once(rig: Rig, fs: MemoryFS) -> None:
    with pytest.raises(DiskError):
        create_vault(fs, ROOT, station=STATION, random=Counting())
    assert json.loads(fs.read(f"{ROOT}/vault.json"))["station"] == STATION


# --- names ---


@given(st.text(max_size=300))
def test_no_name_of_a_camera_becomes_a_part_of_a_path(claimed: str) -> None:
    place = Vault(MemoryFS(), ROOT, vault_id="v").place(RECORDING, date(2026, 1, 2), claimed)
    assert place.home == f"{ROOT}/recordings/2026/01/02/{RECORDING}"
    assert place.file.removeprefix("content.") in layout.EXTENSIONS | {"bin"}


@pytest.mark.parametrize(
    ("claimed", "file"), [("/A/B.MP4", "content.mp4"), ("../x.exe", "content.bin"), ("", "content.bin")]
)
def test_the_extension_is_of_a_fixed_list(claimed: str, file: str) -> None:
    assert f"content.{layout.extension(claimed)}" == file


@pytest.mark.parametrize(
    ("folder", "recording", "file"),
    [
        ("2026/11/22", "../../etc", "content.mp4"),
        ("2026/11/../..", RECORDING, "content.mp4"),
        ("2026/11/22", RECORDING, "content.mp4/../x"),
        ("2026/11/22", RECORDING.upper(), "content.mp4"),
        ("2026/11/22\n", RECORDING, "content.mp4"),
    ],
)
def test_a_place_that_is_not_of_our_making_is_refused(folder: str, recording: str, file: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        Place(ROOT, folder, recording, file)


# --- publishing ---


def test_a_sealed_file_is_read_only_and_has_its_place(rig: Rig, fs: MemoryFS) -> None:
    rig.seal(clip(100))

    path = f"{ROOT}/recordings/2026/11/22/{RECORDING}/content.mp4"
    assert fs.files()[path] == clip(100)
    with pytest.raises(OSError, match="sealed"):
        fs.open(path, write=True)


def test_what_is_sealed_is_never_begun_or_replaced(rig: Rig, fs: MemoryFS) -> None:
    rig.seal(clip(100))

    with pytest.raises(EdgeError) as refused:
        rig.vault.begin(rig.place, 100)
    assert refused.value.code is ErrorCode.CONFLICT

    fs.put(rig.place.part, b"another")
    with pytest.raises(EdgeError) as refused:
        rig.vault.publish(rig.place)
    assert refused.value.code is ErrorCode.CONFLICT
    assert fs.files()[rig.place.content] == clip(100)
    assert fs.files()[rig.place.part] == b"another"


@pytest.mark.fault("K06", "after a failed rename or folder sync the recording is not sealed; again it is")
@pytest.mark.parametrize("call", ["rename", "sync_dir", "protect"])
def test_publishing_that_failed_can_be_repeated(rig: Rig, fs: MemoryFS, call: str) -> None:
    part = rig.vault.begin(rig.place, 100)
    sealing = rig.sealing(part)
    sealing.prove()
    sealing.write(clip(100))
    sealed = sealing.finish()
    fs.fail(call, errno.EIO)

    with pytest.raises(DiskError):
        rig.vault.publish(rig.place)
    rig.vault.publish(rig.place)

    fs.power_cut()
    assert fs.files()[rig.place.content] == clip(100)
    mark = reopen(fs).vault.finished(rig.place)
    assert mark is not None
    assert (mark.length, mark.sha256) == (100, sealed.sha256)


def test_a_file_whose_event_was_lost_in_a_crash_is_known_by_its_seal_mark(rig: Rig, fs: MemoryFS) -> None:
    sealed = rig.seal(clip(100))
    fs.power_cut()

    vault = reopen(fs).vault
    mark = vault.finished(rig.place)
    assert mark is not None
    assert mark.sha256 == sealed.sha256
    assert vault.reclaim(wanted=()) == 0  # it awaits its event

    vault.settle(rig.place)
    vault.settle(rig.place)
    assert vault.finished(rig.place) is None
    assert sorted(fs.files(rig.place.home)) == [rig.place.content]


def test_nothing_was_finished_where_nothing_was_begun(rig: Rig) -> None:
    assert rig.vault.finished(rig.place) is None
    rig.vault.begin(rig.place, 10).close()
    assert rig.vault.finished(rig.place) is None


# --- notes ---


def test_notes_are_durable_and_replaced_as_a_whole(rig: Rig, fs: MemoryFS) -> None:
    rig.seal(clip(10))
    rig.vault.store_manifest(rig.place, b"manifest")
    rig.vault.store_receipt(rig.place, b"receipt")
    rig.vault.store_receipt(rig.place, b"receipt")
    fs.power_cut()

    assert rig.vault.read_note(rig.place.manifest) == b"manifest"
    assert rig.vault.read_note(rig.place.receipt) == b"receipt"
    assert rig.vault.read_note(rig.place.home + "/nothing.note") is None


def test_a_note_is_whole_or_the_one_before_at_every_cut(fs: MemoryFS) -> None:
    for cut in range(20):
        fs = MemoryFS()
        fs.make_dirs("/d")
        write_durably(fs, "/d/x.note", b"old")
        fs.cut_after = fs.steps + cut
        try:
            write_durably(fs, "/d/x.note", b"new")
        except BaseException:  # noqa: BLE001  # the fake's power cut
            fs.power_cut()
            assert fs.read("/d/x.note") in {b"old", b"new"}
        else:
            break
    fs.power_cut()
    assert fs.read("/d/x.note") == b"new"


# --- space ---

POLICY = SpacePolicy(reserve=2, low=8, high=16, inodes=4)


@pytest.mark.fault(
    "K01", "new offloads stop above the ledger's reserve and begin again at the high mark only"
)
@pytest.mark.parametrize(
    ("free", "size", "closed", "ok"),
    [
        (100, 50, False, True),
        (8, 1, False, True),
        (7, 1, False, False),  # under the low mark
        (10, 9, False, False),  # it would eat the reserve
        (10, 8, False, True),  # it would just not
        (15, 1, True, False),  # closed stays closed
        (16, 1, True, True),
    ],
)
def test_offloads_stop_before_the_reserve(free: int, size: int, closed: bool, ok: bool) -> None:
    verdict = judge(POLICY, Space(total=1000, free=free, free_inodes=10), size, closed=closed)
    assert verdict.ok is ok
    assert verdict.refusal is (None if ok else Refusal.SPACE)
    assert verdict.nearly_full is (free < 16)


@pytest.mark.fault("K02", "a file system without inodes refuses offloads and says that it is the inodes")
def test_inode_exhaustion_has_its_own_name(rig: Rig, fs: MemoryFS) -> None:
    fs.free_inodes = 99
    assert rig.vault.may_offload(1).refusal is Refusal.INODES


@pytest.mark.fault("K15", "a full disk refuses new offloads and nothing stored is removed")
def test_a_full_disk_takes_nothing_new_and_loses_nothing(fs: MemoryFS) -> None:
    fs.capacity = 20 << 20
    rig = make_rig(fs)
    rig.seal(clip(17 << 20))
    rig.vault.settle(rig.place)
    before = fs.files()

    verdict = rig.vault.may_offload(1 << 20)
    rig.vault.reclaim(wanted=())

    assert verdict.refusal is Refusal.SPACE
    assert verdict.nearly_full
    assert fs.files() == before


@pytest.mark.fault("K01", "a disk that fills up during a copy gives DISK_FULL and keeps what was begun")
def test_a_disk_that_is_full_at_the_reservation_says_so(fs: MemoryFS) -> None:
    fs.capacity = 1 << 20
    rig = make_rig(fs)

    with pytest.raises(DiskError) as failed:
        rig.vault.begin(rig.place, 2 << 20)

    assert failed.value.code is ErrorCode.DISK_FULL
    fs.capacity = 8 << 20
    assert rig.seal(clip(2 << 20)).size == 2 << 20


@pytest.mark.fault("K11", "a folder on another file system than the configuration names is no vault")
def test_a_vault_on_another_file_system_is_refused(fs: MemoryFS) -> None:
    make_rig(fs)
    assert open_vault(fs, ROOT, station=STATION, filesystem="5ea1-ed07").root == ROOT
    assert unfit(fs, filesystem="0000-0000") == "file system 5EA1-ED07"
    fs.uuid = ""
    assert unfit(fs, filesystem="5EA1-ED07") == "a file system without a UUID"


@pytest.mark.fault("K03", "a read-only disk gives DISK_READ_ONLY from every call that writes")
@pytest.mark.parametrize("call", ["make_dirs", "create", "allocate", "sync_dir"])
def test_a_read_only_disk_is_named(rig: Rig, fs: MemoryFS, call: str) -> None:
    fs.fail(call, errno.EROFS)
    with pytest.raises(DiskError) as failed:
        rig.vault.begin(rig.place, 10)
    assert failed.value.code is ErrorCode.DISK_READ_ONLY
    rig.seal(clip(10))


def test_a_file_system_that_cannot_reserve_is_no_vault(rig: Rig, fs: MemoryFS) -> None:
    fs.fail("allocate", errno.EOPNOTSUPP)
    with pytest.raises(DiskError) as failed:
        rig.vault.begin(rig.place, 10)
    assert failed.value.code is ErrorCode.VAULT_UNFIT


def test_the_defaults_leave_the_ledger_room_for_years() -> None:
    policy = SpacePolicy()
    assert policy.reserve >= GIB
    assert policy.reserve < policy.low < policy.high


# --- litter ---


@pytest.mark.fault(
    "K13", "litter of a thousand crashes is reclaimed; wanted beginnings and sealed files stay"
)
def test_litter_is_reclaimed_and_nothing_else(rig: Rig, fs: MemoryFS) -> None:
    rig.seal(clip(100))
    rig.vault.store_manifest(rig.place, b"manifest")
    rig.vault.settle(rig.place)
    wanted = rig.vault.at(OTHER, "2026/11/22", "content.mov")
    rig.vault.begin(wanted, 50).close()
    for number in range(1000):
        crashed = rig.vault.at(f"{number:032x}", "2026/11/21", "content.mp4")
        fs.put(crashed.part, b"x" * 10)
        fs.put(crashed.marks, b"")
    fs.put(f"{rig.place.home}/receipt.note.new", b"half")

    freed = rig.vault.reclaim(wanted={OTHER})

    assert freed == 10_000 + 4
    assert sorted(fs.files(f"{ROOT}/recordings")) == sorted(
        [rig.place.content, rig.place.manifest, wanted.part, wanted.marks]
    )
    assert [b.place.recording for b in rig.vault.beginnings()] == [OTHER]


def test_a_beginning_that_was_given_up_is_kept_aside_and_the_next_starts_anew(rig: Rig, fs: MemoryFS) -> None:
    data = clip(3 << 20)
    for _ in range(2):
        part = rig.vault.begin(rig.place, len(data))
        sealing = rig.sealing(part)
        assert sealing.prove() == 0
        sealing.write(data[: 2 << 20])
        sealing.mark()
        part.close()
        rig.vault.give_up(rig.place)

    rig.seal(data)

    aside = [name for name in fs.files(rig.place.home) if name.endswith(".bad")]
    assert len(aside) == 4
    assert sum(b.stored for b in rig.vault.beginnings()) == 2 * (2 << 20)
    rig.vault.settle(rig.place)
    rig.vault.reclaim(wanted=())
    assert sorted(fs.files(rig.place.home)) == [rig.place.content]
    assert hashlib.sha256(fs.files()[rig.place.content]).digest() == hashlib.sha256(data).digest()


@pytest.mark.fault(
    "K06", "a folder sync that fails behind the rename leaves a copy that the next docking takes up"
)
def test_a_copy_whose_name_may_not_be_durable_is_made_so_before_it_counts(rig: Rig, fs: MemoryFS) -> None:
    part = rig.vault.begin(rig.place, 100)
    sealing = rig.sealing(part)
    sealing.prove()
    sealing.write(clip(100))
    sealed = sealing.finish()
    fs.fail("sync_dir", errno.EIO)
    with pytest.raises(DiskError):
        rig.vault.publish(rig.place)

    rig.vault.give_up(rig.place)  # what the core does after any error of the disk
    mark = rig.vault.finished(rig.place)
    assert mark is not None
    assert mark.sha256 == sealed.sha256

    fs.power_cut()
    assert fs.files()[rig.place.content] == clip(100)


def test_the_new_parents_of_a_published_file_are_synced_too(rig: Rig, fs: MemoryFS) -> None:
    fs.calls.clear()
    rig.seal(clip(10))
    synced = [path for call, path in fs.calls if call == "sync_dir"]
    assert synced[-6:] == [
        rig.place.home,
        f"{ROOT}/recordings/2026/11/22",
        f"{ROOT}/recordings/2026/11",
        f"{ROOT}/recordings/2026",
        f"{ROOT}/recordings",
        ROOT,
    ]


def test_an_unsettled_copy_that_reads_otherwise_is_set_aside_and_made_anew(rig: Rig, fs: MemoryFS) -> None:
    rig.seal(clip(100))
    rig.vault.set_aside(rig.place)
    assert rig.vault.finished(rig.place) is None

    rig.seal(clip(100))
    rig.vault.settle(rig.place)
    rig.vault.set_aside(rig.place)
    assert fs.files()[rig.place.content] == clip(100)  # settled: not touched
    assert sum(name.endswith(".bad") for name in fs.files(rig.place.home)) == 2


def test_giving_up_what_was_never_begun_is_no_error(rig: Rig, fs: MemoryFS) -> None:
    fs.make_dirs(rig.place.home)
    rig.vault.give_up(rig.place)


def test_foreign_files_in_the_vault_are_left_alone(rig: Rig, fs: MemoryFS) -> None:
    fs.put(f"{ROOT}/recordings/lost+found/x.part", b"1")
    fs.put(f"{ROOT}/recordings/2026/11/22/not-ours/content.mp4.part", b"2")
    assert rig.vault.reclaim(wanted=()) == 0
    assert list(rig.vault.beginnings()) == []
