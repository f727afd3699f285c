"""The POSIX file system on a real disk."""

import ctypes
import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers import disk as module
from drivers.disk import ALIGNMENT, BULK, PosixDisk, link_and_unlink
from drivers.random import SystemRandom
from edged.ports import FileSystem, Medium, Random
from tests.real_disk import scratch

disk = PosixDisk()
MIB = 1024 * 1024


@pytest.fixture
def folder() -> Iterator[Path]:
    with scratch() as made:
        yield made


def write(path: Path, data: bytes) -> None:
    with closing(disk.create(str(path))) as file:
        file.write_at(0, data)
        file.sync()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def fails(number: int) -> "pytest.RaisesExc[OSError]":
    return pytest.raises(OSError, check=lambda error: error.errno == number)


def test_the_adapters_are_what_the_ports_ask_for() -> None:
    fs: FileSystem = PosixDisk()
    random: Random = SystemRandom()
    assert fs.space("/").total > 0
    assert len(random.token(16)) == 16
    assert 1 <= random.uniform(1, 2) <= 2


# --- files ---


def test_a_file_is_created_once_with_its_mode(folder: Path) -> None:
    path = str(folder / "x")
    before = os.umask(0)
    try:
        disk.create(path).close()
    finally:
        os.umask(before)
    assert mode(Path(path)) == 0o640
    with fails(errno.EEXIST):
        disk.create(path)


@given(st.lists(st.tuples(st.integers(0, 3 * BULK), st.integers(1, 2 * BULK)), max_size=6))
@settings(max_examples=20, deadline=None)
def test_positional_writes_give_the_same_bytes_as_in_memory(writes: list[tuple[int, int]]) -> None:
    with scratch() as folder:
        expected = bytearray()
        with closing(disk.create(str(folder / "x"))) as file:
            for number, (offset, size) in enumerate(writes):
                data = bytes([number + 1]) * size
                expected.extend(bytes(max(0, offset + size - len(expected))))
                expected[offset : offset + size] = data
                file.write_at(offset, memoryview(data))
            assert file.size() == len(expected)
            assert file.read_at(0, len(expected) + 10) == expected
            assert file.read_at(len(expected), 10) == b""


def test_allocate_reserves_without_changing_the_size(folder: Path) -> None:
    with closing(disk.create(str(folder / "x"))) as file:
        file.allocate(0)
        file.allocate(MIB)
        assert file.size() == 0
        assert os.fstat(file.fileno()).st_blocks * 512 >= MIB


def test_a_closed_file_answers_no_more_and_closes_once(folder: Path) -> None:
    file = disk.create(str(folder / "x"))
    number = file.fileno()
    file.close()
    other = os.open(str(folder), os.O_RDONLY)  # takes the same number
    assert other == number
    file.close()
    os.fstat(other)
    os.close(other)
    with fails(errno.EBADF):
        file.fileno()
    with fails(errno.EBADF):
        file.write_at(0, b"x")


def test_descriptors_are_not_inherited(folder: Path) -> None:
    with closing(disk.create(str(folder / "x"))) as file:
        assert not os.get_inheritable(file.fileno())


def test_cut_and_syncs(folder: Path) -> None:
    path = folder / "x"
    with closing(disk.create(str(path))) as file:
        file.write_at(0, b"0123456789")
        file.cut(4)
        file.sync_data()
    assert disk.read(str(path)) == b"0123"


def test_read_has_a_limit(folder: Path) -> None:
    write(folder / "x", b"12345")
    assert disk.read(str(folder / "x"), limit=5) == b"12345"
    with fails(errno.EFBIG):
        disk.read(str(folder / "x"), limit=4)
    with fails(errno.ENOENT):
        disk.read(str(folder / "y"))


def test_links_are_not_followed(folder: Path) -> None:
    write(folder / "x", b"1")
    (folder / "link").symlink_to(folder / "x")
    (folder / "dangling").symlink_to(folder / "nowhere")
    for call in (lambda: disk.open(str(folder / "link")), lambda: disk.read(str(folder / "link"))):
        with fails(errno.ELOOP):
            call()
    with fails(errno.EEXIST):
        disk.create(str(folder / "dangling"))


# --- names ---


@pytest.mark.parametrize("rename", [disk.rename, link_and_unlink], ids=["renameat2", "link-and-unlink"])
def test_rename_never_replaces(folder: Path, rename: Callable[[str, str], None]) -> None:
    write(folder / "a", b"a")
    write(folder / "b", b"b")
    with fails(errno.EEXIST):
        rename(str(folder / "a"), str(folder / "b"))
    assert disk.list_dir(str(folder)) == ["a", "b"]
    assert disk.read(str(folder / "b")) == b"b"

    rename(str(folder / "a"), str(folder / "c"))
    assert disk.list_dir(str(folder)) == ["b", "c"]
    with fails(errno.ENOENT):
        rename(str(folder / "a"), str(folder / "d"))


def test_a_file_system_without_exclusive_rename_gets_a_link(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder / "a", b"a")
    write(folder / "b", b"b")

    def refused(function: object, *arguments: object) -> None:
        raise OSError(errno.EINVAL, "no such flag")

    monkeypatch.setattr(module, "_call", refused)
    with fails(errno.EEXIST):
        disk.rename(str(folder / "a"), str(folder / "b"))
    disk.rename(str(folder / "a"), str(folder / "c"))
    assert disk.list_dir(str(folder)) == ["b", "c"]


def test_replace_remove_protect_and_stat(folder: Path) -> None:
    write(folder / "a", b"a")
    write(folder / "b", b"bb")
    disk.replace(str(folder / "a"), str(folder / "b"))
    disk.protect(str(folder / "b"))

    found = disk.stat(str(folder / "b"))
    assert (found.size, found.is_dir) == (1, False)
    assert found.mtime_ns > 0
    assert mode(folder / "b") == 0o440
    assert disk.stat(str(folder)).is_dir
    disk.remove(str(folder / "b"))
    with fails(errno.ENOENT):
        disk.stat(str(folder / "b"))


def test_each_new_folder_is_made_durable_in_its_parent(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    monkeypatch.setattr(PosixDisk, "sync_dir", lambda self, path: synced.append(path))

    disk.make_dirs(str(folder / "a" / "b" / "c"))
    assert synced == [str(folder), str(folder / "a"), str(folder / "a" / "b")]
    assert mode(folder / "a") & 0o007 == 0

    disk.make_dirs(str(folder / "a" / "b" / "c"))
    assert len(synced) == 3


def test_a_file_in_the_way_of_a_folder_is_an_error(folder: Path) -> None:
    write(folder / "x", b"")
    with pytest.raises(OSError, match="x"):
        disk.make_dirs(str(folder / "x" / "y"))


def test_sync_dir_wants_a_folder(folder: Path) -> None:
    disk.sync_dir(str(folder))
    write(folder / "x", b"")
    with fails(errno.ENOTDIR):
        disk.sync_dir(str(folder / "x"))


# --- reading back ---


@pytest.mark.parametrize("size", [0, 1, ALIGNMENT, 3 * ALIGNMENT + 5, 2 * MIB + 77])
def test_a_direct_read_gives_the_whole_file(folder: Path, size: int) -> None:
    data = hashlib.shake_128(b"x").digest(size)
    write(folder / "x", data)

    with closing(disk.open_uncached(str(folder / "x"))) as medium:
        assert medium.medium is Medium.DIRECT
        got = b"".join(medium.read_at(offset, MIB) for offset in range(0, size + MIB, MIB))
        assert got == data
        assert medium.read_at(0, 4 * MIB) == data[: 4 * MIB]


def test_a_direct_read_must_be_aligned(folder: Path) -> None:
    write(folder / "x", b"1")
    with closing(disk.open_uncached(str(folder / "x"))) as medium:
        for offset, size in ((1, ALIGNMENT), (0, 5)):
            with pytest.raises(ValueError, match="multiples"):
                medium.read_at(offset, size)


def test_an_inherited_descriptor_can_be_read_from_the_medium(folder: Path) -> None:
    with closing(disk.create(str(folder / "x"))) as file:
        file.write_at(0, b"12345")
        file.sync()
        with closing(disk.open_uncached(f"/proc/self/fd/{file.fileno()}")) as medium:
            assert (medium.medium, medium.read_at(0, ALIGNMENT)) == (Medium.DIRECT, b"12345")


def test_without_direct_reads_an_empty_cache_is_the_proof(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder / "x", b"1" * MIB)
    monkeypatch.setattr(module, "_open_direct", lambda path: None)
    with closing(disk.open_uncached(str(folder / "x"))) as medium:
        proved = medium.medium
        assert medium.read_at(0, 4096) == b"1" * 4096
    # Kernels before 6.5 have no cachestat: then nothing is claimed.
    assert proved is (Medium.CACHE_EMPTY if has_cachestat() else Medium.UNPROVEN)


def has_cachestat() -> bool:
    return tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2]) >= (6, 5)


def test_a_page_left_in_the_cache_is_no_proof(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(disk.create(str(folder / "x"))) as file:
        file.write_at(0, b"1" * 8192)  # in the cache only: nobody synced it
        monkeypatch.setattr(module, "_open_direct", lambda path: None)
        monkeypatch.setattr(os, "posix_fadvise", lambda *arguments: None)
        with closing(disk.open_uncached(str(folder / "x"))) as medium:
            assert medium.medium is Medium.UNPROVEN


def test_a_file_system_with_a_cache_of_its_own_proves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder / "x", b"1")
    monkeypatch.setattr(module, "HONEST", frozenset())
    with closing(disk.open_uncached(str(folder / "x"))) as medium:
        assert medium.medium is Medium.UNPROVEN


def test_a_missing_file_cannot_be_read_back(folder: Path) -> None:
    with fails(errno.ENOENT):
        disk.open_uncached(str(folder / "x"))


# --- the file system ---


def test_memory_file_systems_are_known(folder: Path) -> None:
    assert disk.in_memory("/dev/shm")
    assert not disk.in_memory(str(folder))


def test_a_file_system_is_known_by_what_udev_lists(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device node with the folder's own number stands in for the disk: only root may make one."""
    links = folder / "by-uuid"
    monkeypatch.setattr("drivers.disk.BY_UUID", str(links))
    assert disk.filesystem_id(str(folder)) == ""
    links.mkdir()
    (links / "0000-0001").symlink_to("/dev/null")
    (links / "0000-0002").symlink_to("/dev/gone")
    assert disk.filesystem_id(str(folder)) == ""
    if os.geteuid() != 0:
        pytest.skip("not shown: only root can make the node of a disk")
    os.mknod(folder / "disk", stat.S_IFBLK | 0o600, folder.stat().st_dev)
    (links / "5ea1-ed07").symlink_to(folder / "disk")
    assert disk.filesystem_id(str(folder)) == "5ea1-ed07"


def test_space_is_told_as_an_ordinary_process_may_use_it(folder: Path) -> None:
    space = disk.space(str(folder))
    found = os.statvfs(folder)
    assert space.total == found.f_blocks * found.f_frsize
    assert abs(space.free - found.f_bavail * found.f_frsize) < 1024 * MIB  # others write meanwhile
    assert space.free_inodes > 0


def test_a_bulk_write_is_pushed_to_the_disk_and_the_one_before_waited_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed: list[tuple[int, ...]] = []

    def spy(function: object, *arguments: int) -> None:
        pushed.append(arguments[1:])

    monkeypatch.setattr(module, "_call", spy)
    with closing(disk.create(str(folder / "x"))) as file:
        file.write_at(0, bytes(100))  # a ledger line: none of this
        for block in range(3):
            file.write_at(block * MIB, bytes(MIB))
    assert pushed == [(0, MIB, 2), (MIB, MIB, 2), (0, MIB, 7), (2 * MIB, MIB, 2), (MIB, MIB, 7)]


@pytest.mark.fault("K05", "an error that the wait for a bulk write takes over from fsync ends the file, too")
def test_an_error_of_write_back_is_not_swallowed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: int) -> int:
        ctypes.set_errno(errno.EIO)
        return -1

    monkeypatch.setattr(module._libc, "sync_file_range", broken)
    with closing(disk.create(str(folder / "x"))) as file, fails(errno.EIO):
        file.write_at(0, bytes(MIB))


def test_a_call_goes_on_after_a_signal() -> None:
    answers = iter([(-1, errno.EINTR), (-1, errno.EINTR), (0, 0)])

    def interrupted() -> int:
        result, number = next(answers)
        ctypes.set_errno(number)
        return result

    module._call(interrupted)
    assert next(answers, None) is None
