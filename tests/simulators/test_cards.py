"""Simulated cards are what the reference tools call a sound card, with what was put on it."""

import hashlib
import os
import random
import subprocess
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from drivers.fat import open_volume
from simulators.cards import Card, Filesystem
from tests.drivers.fat.devices import MemoryDevice, fsck
from tests.drivers.fat.surgery import NOON

pytestmark = pytest.mark.slow  # many steps each; the fast part keeps the main stories

ALL: list[Filesystem] = ["fat12", "fat16", "fat32", "exfat"]
NAMES = [
    "LOG.TXT",
    "DCIM/100MEDIA/CLIP0001.MP4",
    "DCIM/100MEDIA/clip0001.mp4.idx",
    "DCIM/100MEDIA/Запис зі зміни, митний пост «Краковець» № 1.mp4",
    "DCIM/100MEDIA/Запис зі зміни, митний пост «Краковець» № 2.mp4",
    "DCIM/Ґанок/глибше/ще глибше/x",
    "DCIM/" + "д" * 255,
    "two.dots.in.name",
    ".hidden",
    "noextension",
]


# As small as the tools accept them without a word.
SMALL: dict[Filesystem, tuple[int, int]] = {
    "fat12": (4 << 20, 2048),
    "fat16": (8 << 20, 1024),
    "fat32": (36 << 20, 512),
    "exfat": (8 << 20, 2048),
}


def filled(
    path: Path, kind: Filesystem, names: Sequence[str] = NAMES, *, partitioned: bool = False
) -> tuple[Card, dict[str, bytes]]:
    choice = random.Random(3)
    card = Card.format(
        path, kind, 40 << 20, label="ТЕСТ" if kind == "exfat" else "TEST", partitioned=partitioned
    )
    contents = {}
    for number, name in enumerate(names):
        contents[f"/{name}"] = choice.randbytes(choice.choice([0, 1, 40_000, 300_000]))
        card.add(name, contents[f"/{name}"], NOON + timedelta(seconds=number * 7), scatter=number % 2 == 1)
    return card, contents


@pytest.mark.parametrize("kind", ALL)
def test_the_reference_checker_finds_nothing(kind: Filesystem, tmp_path: Path) -> None:
    card, _ = filled(tmp_path / "card.img", kind)
    assert fsck(card.path.read_bytes(), kind, tmp_path) == []


@pytest.mark.parametrize("partitioned", [False, True])
@pytest.mark.parametrize("kind", ALL)
def test_files_are_listed_as_they_were_put(kind: Filesystem, partitioned: bool, tmp_path: Path) -> None:
    card, contents = filled(tmp_path / "card.img", kind, partitioned=partitioned)
    files = Card.open(card.path).files()
    assert {file.path: (file.size, file.sha256) for file in files} == {
        path: (len(content), hashlib.sha256(content).hexdigest()) for path, content in contents.items()
    }
    step = timedelta(seconds=2)  # of FAT; exFAT is exact
    for file in files:
        put = NOON + timedelta(seconds=NAMES.index(file.path[1:]) * 7)
        assert file.mtime == put if kind == "exfat" else put - step < file.mtime <= put


@pytest.mark.parametrize("kind", ["fat12", "fat16", "fat32"])
def test_mtools_reads_back_what_was_put(kind: Filesystem, tmp_path: Path) -> None:
    # No name longer than this machine's own file system takes.
    card, contents = filled(tmp_path / "card.img", kind, [name for name in NAMES if len(name) < 200])
    environment = {**os.environ, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    out = tmp_path / "out"
    out.mkdir()
    command = ["mcopy", "-s", "-n", "-i", str(card.path), "::", str(out)]
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=20)
    got = {f"/{path.relative_to(out)}": path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert got == contents


@pytest.mark.parametrize("kind", ALL)
def test_free_space_goes_down_by_whole_clusters(kind: Filesystem, tmp_path: Path) -> None:
    card = Card.format(
        tmp_path / "card.img", kind, (100 if kind == "fat16" else 40) << 20, cluster_bytes=16_384
    )
    card.add("A", b"", NOON)
    before = card.free_bytes()
    card.add("B", b"b" * 16_385, NOON)
    assert before - card.free_bytes() == 2 * 16_384


@pytest.mark.parametrize("kind", ALL)
def test_a_card_cleared_by_the_driver_meanwhile_takes_new_files(kind: Filesystem, tmp_path: Path) -> None:
    card, contents = filled(tmp_path / "card.img", kind)
    for turn in range(3):
        device = MemoryDevice(bytearray(card.path.read_bytes()))
        volume = open_volume(device)
        gone = volume.clear(volume.listing().clips[turn % 2 :: 2]).cleared
        card.path.write_bytes(device.image)
        contents = {path: content for path, content in contents.items() if path not in gone}
        for number in range(6):
            name = f"DCIM/100MEDIA/Нова зміна {turn}, запис {number}.mp4"
            contents[f"/{name}"] = random.Random(number).randbytes(60_000)
            card.add(name, contents[f"/{name}"], NOON, scatter=number % 2 == 1)
        assert {f.path: f.sha256 for f in card.files()} == {
            path: hashlib.sha256(content).hexdigest() for path, content in contents.items()
        }
        assert fsck(card.path.read_bytes(), kind, tmp_path) == []


@pytest.mark.parametrize("kind", ALL)
def test_directories_grow(kind: Filesystem, tmp_path: Path) -> None:
    size, cluster = SMALL[kind]
    card = Card.format(tmp_path / "card.img", kind, size, cluster_bytes=cluster)
    names = [f"DCIM/100MEDIA/Кліп із довгою назвою номер {number:03}.mp4" for number in range(45)]
    for name in names:
        card.add(name, name.encode(), NOON)
    assert [file.path for file in card.files()] == [f"/{name}" for name in sorted(names)]
    assert fsck(card.path.read_bytes(), kind, tmp_path) == []


@pytest.mark.parametrize("kind", ALL)
def test_names_are_taken_once_and_full_is_full(kind: Filesystem, tmp_path: Path) -> None:
    size, cluster = SMALL[kind]
    card = Card.format(tmp_path / "card.img", kind, size, cluster_bytes=cluster)
    card.add("A.MP4", b"a", NOON)
    before = card.path.read_bytes()
    with pytest.raises(FileExistsError):
        card.add("a.mp4", b"b", NOON)
    with pytest.raises(OSError, match="full"):
        card.add("B.MP4", bytes(size), NOON)
    assert card.path.read_bytes() == before
    assert fsck(before, kind, tmp_path) == []


@pytest.mark.parametrize("kind", ["fat32", "exfat"])
def test_a_large_file_is_copied_from_its_file(kind: Filesystem, tmp_path: Path) -> None:
    source = tmp_path / "clip.mp4"
    content = random.Random(1).randbytes(1 << 20) * 20 + b"end"
    source.write_bytes(content)
    card = Card.format(tmp_path / "card.img", kind, 64 << 20)
    card.add("DCIM/BIG.MP4", source, datetime(2026, 11, 22, 23, 59, 59))  # noqa: DTZ001 - cards have no zone
    (file,) = card.files()
    assert (file.size, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert fsck(card.path.read_bytes(), kind, tmp_path) == []


def test_something_else_is_no_card(tmp_path: Path) -> None:
    path = tmp_path / "card.img"
    path.write_bytes(bytes(1 << 20))
    with pytest.raises(ValueError, match="boot sector"):
        Card.open(path)


def test_the_volume_id_is_the_one_asked_for(tmp_path: Path) -> None:
    for kind in ALL:
        card = Card.format(tmp_path / f"{kind}.img", kind, 40 << 20, volume_id=0x12AB34CD)
        assert open_volume(MemoryDevice(bytearray(card.path.read_bytes()))).volume_id == "12AB34CD"
