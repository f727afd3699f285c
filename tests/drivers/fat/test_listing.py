"""What lies on a card, as mtools, exfatprogs and an independent writer see it too."""

import hashlib
import os
import random
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from drivers.fat import open_volume
from simulators.cards import Card, Filesystem
from tests.drivers.fat.devices import MemoryDevice
from tests.drivers.fat.surgery import NOON, SIZES, Fat, image_with

ALL: list[Filesystem] = ["fat12", "fat16", "fat32", "exfat"]


def mtools(image: Path, *arguments: str) -> str:
    environment = {**os.environ, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    done = subprocess.run(
        [arguments[0], "-i", str(image), *arguments[1:]],
        env=environment,
        capture_output=True,
        check=True,
        timeout=20,
    )
    return done.stdout.decode()


@pytest.mark.parametrize("kind", ["fat12", "fat16", "fat32"])
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.fault("Z09", "names and contents of a random tree are what mtools put there")
def test_a_random_tree_is_read_as_mtools_wrote_it(kind: Filesystem, seed: int, tmp_path: Path) -> None:
    choice = random.Random(seed)
    card = Card.format(tmp_path / "card.img", kind, SIZES[kind][0], cluster_bytes=512)
    folders, wanted = [""], {}
    letters = "abcXYZ019 _-ґєїЖщ+,;=(漢字."
    for number in range(18):
        name = "".join(choice.choice(letters) for _ in range(choice.randint(1, 60))).strip(" .") + f"{number}"
        path = f"{choice.choice(folders)}/{name}"
        if choice.random() < 0.3 and path.count("/") < 6:
            mtools(card.path, "mmd", f"::{path}")
            folders.append(path)
            continue
        content = choice.randbytes(choice.choice([0, 1, 511, 512, 513, 9000]))
        (tmp_path / "source").write_bytes(content)
        mtools(card.path, "mcopy", "-m", str(tmp_path / "source"), f"::{path}")
        wanted[path] = content

    volume = open_volume(MemoryDevice(bytearray(card.path.read_bytes())))
    listing = volume.listing()

    assert listing.complete
    assert listing.problems == ()
    assert {clip.path: b"".join(volume.read(clip)) for clip in listing.clips} == wanted
    free = mtools(card.path, "mdir", "::").splitlines()[-2].replace(" ", "").removesuffix("bytesfree")
    assert volume.free_bytes == int(free)


@pytest.mark.parametrize("kind", ALL)
def test_the_driver_and_the_simulated_card_agree(kind: Filesystem, tmp_path: Path) -> None:
    choice = random.Random(5)
    card = Card.format(tmp_path / "card.img", kind, 40 << 20, volume_id=0xBEEF0001)
    for number in range(60):
        name = f"DCIM/{100 + number // 25}MEDIA/Запис № {number} {'дуже ' * (number % 9)}довгий.mp4"
        card.add(
            name,
            choice.randbytes(choice.randrange(60_000)),
            NOON + timedelta(seconds=number),
            scatter=number % 3 == 0,
        )
    card.add("LOG.TXT", b"", NOON)

    volume = open_volume(MemoryDevice(bytearray(card.path.read_bytes())))
    listing = volume.listing()

    assert (listing.complete, listing.problems) == (True, ())
    assert (volume.filesystem, volume.volume_id) == (kind, "BEEF0001")
    assert volume.free_bytes == card.free_bytes()
    assert volume.lost_clusters() == 0
    seen = {
        (c.path, c.size, c.mtime, hashlib.sha256(b"".join(volume.read(c))).hexdigest()) for c in listing.clips
    }
    assert seen == {(f.path, f.size, f.mtime.isoformat(), f.sha256) for f in card.files()}


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.fault("U20", "a file without bytes is listed and read as what it is")
def test_an_empty_file_is_listed_and_read_as_nothing(kind: Filesystem) -> None:
    volume = open_volume(MemoryDevice(image_with(kind, ("EMPTY.MP4", b""))))
    (clip,) = volume.listing().clips
    assert (clip.size, clip.first_cluster) == (0, 0)
    assert list(volume.read(clip)) == []


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.fault("M08", "listing and reading a card that was not closed properly write nothing to it")
def test_a_dirty_card_is_read_and_not_written(kind: Filesystem) -> None:
    image = image_with(kind, ("DCIM/A.MP4", b"a" * 5000))
    if kind == "exfat":
        image[106] |= 2
    else:
        fat = Fat(image)
        fat.link(1, {12: 0x7FF, 16: 0x7FFF, 32: 0x07FFFFFF}[fat.bits])
    before = hashlib.sha256(image).digest()
    device = MemoryDevice(image)
    volume = open_volume(device)
    listing = volume.listing()
    assert listing.complete
    assert b"".join(volume.read(listing.clips[0])) == b"a" * 5000
    assert hashlib.sha256(device.image).digest() == before
    assert device.phases == [[]]


@pytest.mark.parametrize("kind", ["fat12", "fat16"])
def test_a_card_of_large_sectors_is_read(kind: Filesystem, tmp_path: Path) -> None:
    path = tmp_path / "card.img"
    path.write_bytes(b"")
    os.truncate(path, (40 if kind == "fat16" else 8) << 20)
    subprocess.run(
        ["/usr/sbin/mkfs.vfat", "-F", kind[3:], "-S", "4096", "-s", "1", str(path)],
        check=True,
        capture_output=True,
    )
    (tmp_path / "source").write_bytes(b"s" * 10_000)
    mtools(path, "mcopy", str(tmp_path / "source"), "::Довга назва.mp4")
    device = MemoryDevice(bytearray(path.read_bytes()), sector_size=4096)
    volume = open_volume(device)
    (clip,) = volume.listing().clips
    assert b"".join(volume.read(clip)) == b"s" * 10_000
    assert volume.clear([clip]).cleared == ("/Довга назва.mp4",)
    assert volume.free_bytes == volume.total_bytes


class ManyFiles:
    """A FAT32 card of 20 directories with 65,000 empty files each, made up as it is read."""

    sector_size = 512
    sectors = 1 << 22
    cluster = 64  # sectors
    table_sectors = 512
    folders, each = 20, 65_000

    def read(self, lba: int, count: int) -> bytes:
        return b"".join(self._sector(lba + n) for n in range(count))

    def write(self, lba: int, data: bytes) -> None:
        raise AssertionError("nothing may be written")

    def sync(self) -> None:
        raise AssertionError("nothing may be written")

    def _sector(self, lba: int) -> bytes:
        if lba == 0:
            boot = bytearray(512)
            boot[:3] = b"\xeb\x58\x90"
            boot[11:36] = (
                b"\x00\x02"
                + bytes([self.cluster])
                + b"\x20\x00\x01\x00\x00\x00\x00\xf8"
                + bytes(10)
                + (self.sectors).to_bytes(4, "little")
            )
            boot[36:48] = self.table_sectors.to_bytes(4, "little") + bytes(4) + (2).to_bytes(4, "little")
            boot[510:] = b"\x55\xaa"
            return bytes(boot)
        if lba < 32:
            return bytes(512)
        if lba < 32 + self.table_sectors:
            first = (lba - 32) * 128
            return b"".join(self._link(n).to_bytes(4, "little") for n in range(first, first + 128))
        cluster, sector = divmod(lba - 32 - self.table_sectors, self.cluster)
        first = sector * 16
        if cluster == 0:
            here = range(first, min(first + 16, self.folders))
            return b"".join(self._record(f"DIR{n:05}", 0x10, 3 + 64 * n) for n in here).ljust(512, b"\0")
        first += (cluster - 1) % 64 * self.cluster * 16
        here = range(first, min(first + 16, self.each))
        return b"".join(self._record(f"{n:08}", 0x20, 0) for n in here).ljust(512, b"\0")

    def _link(self, cluster: int) -> int:
        if cluster < 3:
            return 0x0FFFFFFF
        if cluster >= 3 + 64 * self.folders:
            return 0
        return 0x0FFFFFFF if (cluster - 3) % 64 == 63 else cluster + 1

    def _record(self, name: str, attributes: int, cluster: int) -> bytes:
        return (
            name.encode()
            + b"   "
            + bytes([attributes])
            + bytes(14)
            + cluster.to_bytes(2, "little")
            + bytes(4)
        )


@pytest.mark.slow
@pytest.mark.fault(
    "M06", "of a million files the first 65,536 entries are listed, in bounded memory, and it is said"
)
def test_a_million_files_are_listed_up_to_the_bound() -> None:
    volume = open_volume(ManyFiles())
    listing = volume.listing()
    assert not listing.complete
    assert "more than 65536 entries" in listing.problems[0]
    assert 65_000 < len(listing.clips) <= 65_536
    assert len({clip.path for clip in listing.clips}) == len(listing.clips)
