"""A disk that fills up: a quota of the fake everywhere, and a small ext4 where root allows a loop device."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress

import pytest

from drivers.disk import PosixDisk
from edged.errors import DiskError, ErrorCode
from edged.ports import FileSystem
from edged.vault.space import Refusal, SpacePolicy
from tests.edged.vault.rig import clip, make_rig
from tests.fakes.memory_fs import MemoryFS
from tests.real_disk import scratch

MIB = 1024 * 1024
CAPACITY = 48 * MIB
POLICY = SpacePolicy(reserve=2 * MIB, low=8 * MIB, high=16 * MIB, inodes=10)


def fill(fs: FileSystem, path: str) -> None:
    """Write until nothing more fits."""
    with closing(fs.create(path)) as file, suppress(OSError):
        for block in range(CAPACITY // MIB):
            file.write_at(block * MIB, bytes(MIB))
    assert fs.space(path.rpartition("/")[0]).free < MIB


Store = Callable[[], AbstractContextManager[tuple[FileSystem, str]]]


@contextmanager
def quota() -> Iterator[tuple[FileSystem, str]]:
    yield MemoryFS(capacity=CAPACITY), "/vault"


@contextmanager
def small_ext4() -> Iterator[tuple[FileSystem, str]]:
    with scratch() as folder:
        image, mounted = folder / "image", folder / "mounted"
        mounted.mkdir()
        with image.open("wb") as file:
            file.truncate(CAPACITY)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True, timeout=20)
        subprocess.run(["mount", "-o", "loop", str(image), str(mounted)], check=True, timeout=20)
        try:
            yield PosixDisk(), str(mounted / "vault")
        finally:
            # Lazily: a test that failed may have left a file open.
            subprocess.run(["umount", "--lazy", str(mounted)], check=True, timeout=20)


def loop_devices_work() -> bool:
    """Whether this machine lets us mount an image: root alone is not enough in a container."""
    if os.geteuid() != 0:
        return False
    try:
        with small_ext4():
            return True
    except (OSError, subprocess.SubprocessError):
        return False


STORES: list[Store] = [quota, *([small_ext4] if loop_devices_work() else [])]


@pytest.fixture(params=STORES, ids=lambda store: store.__name__)
def store(request: pytest.FixtureRequest) -> Iterator[tuple[FileSystem, str]]:
    with request.param() as made:
        yield made


@pytest.mark.fault("K01", "a disk that is full refuses the copy with DISK_FULL and keeps what is sealed")
@pytest.mark.fault("K15", "nothing stored is removed to make room")
def test_a_disk_that_fills_up_refuses_and_loses_nothing(store: tuple[FileSystem, str]) -> None:
    fs, root = store
    rig = make_rig(fs, root, policy=POLICY)
    data = clip(20 * MIB)
    rig.seal(data)
    rig.vault.settle(rig.place)
    second = rig.vault.at("1" * 32, "2026/11/22", "content.mp4")

    assert rig.vault.may_offload(30 * MIB).refusal is Refusal.SPACE
    with pytest.raises(DiskError) as full:
        rig.vault.begin(second, 30 * MIB)

    assert full.value.code is ErrorCode.DISK_FULL
    rig.vault.reclaim(wanted=())
    assert fs.read(rig.place.content, 64 * MIB) == data
    rig.vault.begin(second, 2 * MIB).close()


@pytest.mark.fault("K01", "space that others take during a copy cannot be taken from it: it is reserved")
def test_a_copy_that_began_has_its_space(store: tuple[FileSystem, str]) -> None:
    fs, root = store
    rig = make_rig(fs, root, policy=POLICY)
    data = clip(20 * MIB)
    part = rig.vault.begin(rig.place, len(data))
    sealing = rig.sealing(part)
    sealing.prove()
    fill(fs, f"{root}/other")

    sealing.write(data)
    part.file.sync()
    part.close()

    assert fs.read(rig.place.part, 64 * MIB) == data
