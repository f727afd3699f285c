import errno
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.fingerprint import fingerprint
from edged.errors import DiskError, ErrorCode
from edged.ports import Medium
from edged.vault import sealing as module
from edged.vault.sealing import BLOCK, Sealing, rehashing, run
from tests.edged.vault.rig import Rig, clip, make_rig
from tests.fakes.memory_fs import MemoryFS


@pytest.fixture
def fs() -> MemoryFS:
    return MemoryFS()


@pytest.fixture
def rig(fs: MemoryFS) -> Rig:
    return make_rig(fs)


@pytest.fixture
def marks_each_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mark after each MiB, so that a few MiB show what otherwise takes gigabytes."""
    monkeypatch.setattr(module, "MARK_EVERY", BLOCK)


@pytest.mark.parametrize("size", [0, 1, 4096, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 5])
def test_a_clip_is_sealed_with_its_size_hash_and_fingerprint(rig: Rig, fs: MemoryFS, size: int) -> None:
    data = clip(size)

    sealed = rig.seal(data)

    assert (sealed.size, sealed.sha256) == (size, hashlib.sha256(data).hexdigest())
    assert sealed.fingerprint == fingerprint(data[:BLOCK], data[-BLOCK:])
    assert (sealed.medium, sealed.received, sealed.resumed_from) == (Medium.DIRECT, size, 0)
    assert fs.files()[rig.place.content] == data


@given(st.lists(st.integers(1, 300_000), max_size=12))
@settings(max_examples=25, deadline=None)
def test_pieces_of_any_size_give_the_same_file(sizes: list[int]) -> None:
    fs = MemoryFS()
    rig = make_rig(fs)
    data = clip(sum(sizes))
    part = rig.vault.begin(rig.place, len(data))
    sealing = rig.sealing(part)
    sealing.prove()
    offset = 0
    for size in sizes:
        sealing.write(data[offset : offset + size])
        offset += size

    assert sealing.finish().sha256 == hashlib.sha256(data).hexdigest()
    assert fs.files()[rig.place.part] == data


def test_no_write_is_longer_than_a_turn_of_the_scheduler(rig: Rig) -> None:
    part = rig.vault.begin(rig.place, 3 * BLOCK)
    lengths: list[int] = []
    write_at = part.file.write_at

    def spy(offset: int, data: bytes | memoryview) -> None:
        lengths.append(len(data))
        write_at(offset, data)

    part.file.write_at = spy  # type: ignore[method-assign]  # the same, but counted
    sealing = rig.sealing(part)
    sealing.prove()

    sealing.write(clip(3 * BLOCK))

    assert lengths == [BLOCK] * 3


def test_a_second_read_of_the_source_is_hashed_and_nothing_is_stored(fs: MemoryFS) -> None:
    sealing = Sealing(None, size=100)
    assert sealing.prove() == 0
    sealing.write(clip(100))

    assert sealing.finish().sha256 == hashlib.sha256(clip(100)).hexdigest()
    assert fs.steps == 0


def test_more_bytes_than_listed_are_never_written(rig: Rig, fs: MemoryFS) -> None:
    sealing = rig.sealing(rig.vault.begin(rig.place, 10))
    sealing.prove()

    with pytest.raises(ValueError, match="more bytes"):
        sealing.write(bytes(11))

    assert fs.files()[rig.place.part] == b""


def test_a_copy_with_missing_bytes_is_not_sealed(rig: Rig) -> None:
    sealing = rig.sealing(rig.vault.begin(rig.place, 10))
    sealing.prove()
    sealing.write(b"123456789")

    with pytest.raises(ValueError, match="9 of 10"):
        sealing.finish()


# --- the disk ---


@pytest.mark.fault("K05", "an fsync that failed is not repeated, and the copy is given up")
def test_fsync_is_never_called_again_after_it_failed(rig: Rig, fs: MemoryFS) -> None:
    sealing = rig.sealing(rig.vault.begin(rig.place, 10))
    sealing.prove()
    sealing.write(clip(10))
    fs.fail("sync", errno.EIO, path=".part")

    with pytest.raises(DiskError) as failed:
        sealing.finish()
    assert failed.value.code is ErrorCode.DISK_FAULT
    assert failed.value.detail["errno"] == errno.EIO

    with pytest.raises(RuntimeError, match="given up"):
        sealing.finish()
    assert sealing.mark() == 0
    assert [call for call, path in fs.calls if path == rig.place.part and "sync" in call] == ["sync"]


@pytest.mark.fault("K04", "a write error ends the copy with DISK_FAULT, the source stays untouched")
@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.EIO, ErrorCode.DISK_FAULT),
        (errno.ENOSPC, ErrorCode.DISK_FULL),
        (errno.EDQUOT, ErrorCode.DISK_FULL),
        (errno.EROFS, ErrorCode.DISK_READ_ONLY),
    ],
)
def test_a_failed_write_gives_the_copy_up(rig: Rig, fs: MemoryFS, number: int, code: ErrorCode) -> None:
    sealing = rig.sealing(rig.vault.begin(rig.place, BLOCK))
    sealing.prove()
    fs.fail("write_at", number, path=".part")

    with pytest.raises(DiskError) as failed:
        sealing.write(clip(BLOCK))

    assert failed.value.code is code
    with pytest.raises(RuntimeError):
        sealing.finish()


@pytest.mark.fault("K08", "what the medium gives back is compared before a copy gets its name")
def test_a_bit_that_flipped_on_the_way_to_the_medium_is_found(rig: Rig, fs: MemoryFS) -> None:
    data = clip(3 * BLOCK)
    sealing = rig.sealing(rig.vault.begin(rig.place, len(data)))
    sealing.prove()
    sealing.write(data)
    flipped = bytearray(data)
    flipped[2 * BLOCK + 7] ^= 0x10
    node = fs._node(rig.place.part)
    node.live[:] = flipped

    with pytest.raises(DiskError) as failed:
        sealing.finish()

    assert failed.value.code is ErrorCode.READ_BACK_DIFFERS
    assert failed.value.detail["read"] == hashlib.sha256(flipped).hexdigest()


def test_a_file_that_grew_under_us_is_found(rig: Rig, fs: MemoryFS) -> None:
    sealing = rig.sealing(rig.vault.begin(rig.place, BLOCK))
    sealing.prove()
    sealing.write(clip(BLOCK))
    fs._node(rig.place.part).live += b"x"

    with pytest.raises(DiskError) as failed:
        sealing.finish()

    assert failed.value.code is ErrorCode.READ_BACK_DIFFERS


# --- resuming ---


def begun(rig: Rig, data: bytes, upto: int) -> None:
    """Copy as far as ``upto`` and stop as if the camera had been pulled."""
    part = rig.vault.begin(rig.place, len(data))
    sealing = rig.sealing(part)
    for start in range(sealing.prove(), upto, BLOCK):
        sealing.write(data[start : min(start + BLOCK, upto)])
    sealing.mark()
    part.close()


@pytest.mark.fault("U01", "a copy cut off in the middle resumes at the last whole MiB and is the same file")
@pytest.mark.parametrize("upto", [0, 5, BLOCK, BLOCK + 5, 3 * BLOCK - 1])
def test_a_copy_cut_off_in_the_middle_resumes_at_the_last_whole_block(
    rig: Rig, fs: MemoryFS, upto: int
) -> None:
    data = clip(3 * BLOCK)
    begun(rig, data, upto)

    part = rig.vault.begin(rig.place, len(data))
    assert part.held == upto - upto % BLOCK
    sealed = rig.seal(data)

    assert sealed.resumed_from == part.held
    assert sealed.received == len(data) - part.held
    assert sealed.sha256 == hashlib.sha256(data).hexdigest()
    assert sealed.fingerprint == fingerprint(data[:BLOCK], data[-BLOCK:])
    assert fs.files()[rig.place.content] == data


@pytest.mark.fault("X01", "bytes that only seem to be there after a power cut are not resumed from")
@pytest.mark.usefixtures("marks_each_block")
def test_a_beginning_is_resumed_as_far_as_the_medium_gives_the_marked_hash(rig: Rig, fs: MemoryFS) -> None:
    data = clip(4 * BLOCK)
    begun(rig, data, 3 * BLOCK)
    held = bytearray(fs.files()[rig.place.part])
    held[BLOCK + 1000 : BLOCK + 2000] = bytes(1000)  # a page that never reached the disk
    fs.put(rig.place.part, bytes(held))

    sealed = rig.seal(data)

    assert sealed.resumed_from == BLOCK
    assert fs.files()[rig.place.content] == data


def test_a_beginning_without_marks_counts_for_nothing(rig: Rig, fs: MemoryFS) -> None:
    data = clip(2 * BLOCK)
    begun(rig, data, 2 * BLOCK)
    fs.put(rig.place.marks, b"")

    assert rig.seal(data).resumed_from == 0


@pytest.mark.parametrize("damage", [b"garbage", b"1048576 zz\n", b"-1 " + b"0" * 64 + b"\n", b"\x00" * 100])
def test_damaged_marks_count_for_nothing(rig: Rig, fs: MemoryFS, damage: bytes) -> None:
    data = clip(2 * BLOCK)
    begun(rig, data, BLOCK)
    fs.put(rig.place.marks, damage)

    assert rig.seal(data).resumed_from == 0
    assert fs.files()[rig.place.content] == data


@pytest.mark.usefixtures("marks_each_block")
def test_a_mark_that_was_disproved_does_not_come_back_for_the_new_bytes(rig: Rig, fs: MemoryFS) -> None:
    first, second = clip(3 * BLOCK, seed=1), clip(3 * BLOCK, seed=2)
    begun(rig, first, 2 * BLOCK)
    fs.put(rig.place.part, second[: 2 * BLOCK])

    assert rig.seal(second).resumed_from == 0
    assert fs.files()[rig.place.content] == second


def test_a_medium_that_cannot_be_told_from_the_cache_proves_no_beginning(rig: Rig) -> None:
    data = clip(2 * BLOCK)
    begun(rig, data, BLOCK)
    open_uncached = rig.fs.open_uncached

    def unproven(path: str):  # type: ignore[no-untyped-def]  # a fake of the port's answer
        medium = open_uncached(path)
        medium.medium = Medium.UNPROVEN  # type: ignore[misc]
        return medium

    rig.fs.open_uncached = unproven  # type: ignore[method-assign]

    sealed = rig.seal(data)

    assert (sealed.resumed_from, sealed.medium) == (0, Medium.UNPROVEN)


@pytest.mark.fault("U14", "a gap arrives as zeros: what is resumed ends before the first run of zeros")
@pytest.mark.usefixtures("marks_each_block")
def test_no_gap_is_resumed_whose_report_was_lost(rig: Rig) -> None:
    data = bytearray(clip(4 * BLOCK))
    data[2 * BLOCK + 512 : 2 * BLOCK + 1024] = bytes(512)  # an unreadable sector
    begun(rig, bytes(data), 4 * BLOCK - 1)

    assert rig.vault.begin(rig.place, len(data)).held == 2 * BLOCK


def test_the_caller_may_ask_for_less_to_be_taken_over(rig: Rig) -> None:
    data = clip(2 * BLOCK)
    begun(rig, data, BLOCK)

    assert rig.sealing(rig.vault.begin(rig.place, len(data)), resume=False).prove() == 0


# --- reading again ---


def test_rehash_finds_a_flipped_bit_and_a_changed_length(rig: Rig, fs: MemoryFS) -> None:
    data = clip(2 * BLOCK + 100)
    sealed = rig.seal(data)
    path = rig.place.content

    assert run(rehashing(lambda: fs.open_uncached(path), len(data))).sha256 == sealed.sha256
    fs.put(path, data[:-1])
    assert run(rehashing(lambda: fs.open_uncached(path), len(data))).size == len(data) - 1
    fs.put(path, data[:-1] + b"!")
    assert run(rehashing(lambda: fs.open_uncached(path), len(data))).sha256 != sealed.sha256
