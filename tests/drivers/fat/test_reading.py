"""Streams: blocks, resuming, unreadable sectors, files beyond 4 GiB, data never written."""

import os
import struct
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.fat import exfat_layout, fat_layout, open_volume, reading, region
from edged.errors import CameraError, ErrorCode
from simulators.cards import Card, Filesystem
from tests.drivers.fat.devices import MemoryDevice
from tests.drivers.fat.surgery import NOON, Exfat, Fat, image_with

MIB = 1 << 20
CONTENT = os.urandom(3 * MIB + 777)


class SparseDevice:
    """A large image file; what was never written costs nothing."""

    sector_size = 512

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sectors = path.stat().st_size // 512
        self.calls = 0

    def read(self, lba: int, count: int) -> bytes:
        self.calls += 1
        with self.path.open("rb", buffering=0) as file:
            return os.pread(file.fileno(), count * 512, lba * 512)

    def write(self, lba: int, data: bytes) -> None:
        raise AssertionError("nothing may be written")

    def sync(self) -> None:
        raise AssertionError("nothing may be written")


def card_image(folder: Path, kind: Filesystem, *, scatter: bool) -> bytearray:
    card = Card.format(folder / "card.img", kind, 40 << 20)
    card.add("DCIM/A.MP4", CONTENT, NOON, scatter=scatter)
    return bytearray(card.path.read_bytes())


@pytest.mark.parametrize("kind", ["fat16", "fat32", "exfat"])
@pytest.mark.parametrize("scatter", [False, True])
def test_a_stream_comes_in_blocks_of_a_mebibyte(kind: Filesystem, scatter: bool, tmp_path: Path) -> None:
    device = MemoryDevice(card_image(tmp_path, kind, scatter=scatter))
    volume = open_volume(device)
    (clip,) = volume.listing().clips
    stream = volume.read(clip)
    blocks = list(stream)
    assert b"".join(blocks) == CONTENT
    assert [len(block) for block in blocks] == [MIB, MIB, MIB, 777]
    assert stream.gaps == []
    assert device.longest <= 2048
    assert device.written == []


@pytest.mark.parametrize("kind", ["fat16", "exfat"])
def test_consecutive_clusters_are_read_in_one_call(kind: Filesystem, tmp_path: Path) -> None:
    device = MemoryDevice(card_image(tmp_path, kind, scatter=False))
    volume = open_volume(device)
    (clip,) = volume.listing().clips
    before = device.reads
    list(volume.read(clip))
    assert device.reads - before == 4
    assert device.longest == 2048


@given(offset=st.integers(0, len(CONTENT)), scatter=st.booleans())
@settings(max_examples=30, deadline=None)
def test_a_stream_resumes_at_any_byte(
    offset: int, scatter: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    image = _cached(tmp_path_factory, scatter)
    volume = open_volume(MemoryDevice(image))
    (clip,) = volume.listing().clips
    assert b"".join(volume.read(clip, offset)) == CONTENT[offset:]


_images: dict[bool, bytearray] = {}


def _cached(factory: pytest.TempPathFactory, scatter: bool) -> bytearray:
    if scatter not in _images:
        _images[scatter] = card_image(factory.mktemp("card"), "fat32", scatter=scatter)
    return _images[scatter]


def test_an_offset_beyond_the_end_is_a_mistake_of_the_caller() -> None:
    volume = open_volume(MemoryDevice(image_with("fat16", ("A", b"a"))))
    (clip,) = volume.listing().clips
    with pytest.raises(ValueError, match="offset"):
        volume.read(clip, 2)


@pytest.mark.fault("U19", "a file is found by path, size, time and place together, never by name alone")
@pytest.mark.parametrize(
    "change", [{"size": 2}, {"mtime": "2026-01-01T00:00:00"}, {"first_cluster": 9}, {"path": "/B"}]
)
def test_a_clip_that_is_not_as_described_is_not_read(change: dict[str, object]) -> None:
    volume = open_volume(MemoryDevice(image_with("fat16", ("A", b"a"))))
    (clip,) = volume.listing().clips
    other = msgspec.structs.replace(clip, **change)
    with pytest.raises(CameraError) as raised:
        volume.read(other)
    assert raised.value.code is ErrorCode.CAMERA_CHANGED


@pytest.mark.fault("U14", "unreadable sectors become zeros and a map, every other byte is right")
@pytest.mark.parametrize("kind", ["fat16", "exfat"])
@pytest.mark.parametrize("bad", [{0}, {5, 6, 7}, {0, 2047, 2048, 4095}, {6145}])
def test_unreadable_sectors_are_gaps_and_nothing_else_is(
    kind: Filesystem, bad: set[int], tmp_path: Path
) -> None:
    image = card_image(tmp_path, kind, scatter=False)
    start = image.index(CONTENT[:64]) // 512
    volume = open_volume(MemoryDevice(image, unreadable=frozenset(start + sector for sector in bad)))
    (clip,) = volume.listing().clips
    stream = volume.read(clip)
    got = b"".join(stream)
    wanted = bytearray(CONTENT)
    for sector in bad:
        low, high = sector * 512, min(len(CONTENT), sector * 512 + 512)
        wanted[low:high] = bytes(high - low)
    assert got == wanted
    lost = {at // 512 for gap in stream.gaps for at in range(gap.offset, gap.offset + gap.size, 512)}
    assert lost == bad
    assert sum(gap.size for gap in stream.gaps) == sum(
        min(512, len(CONTENT) - sector * 512) for sector in bad
    )
    assert all(a.offset + a.size < b.offset for a, b in zip(stream.gaps, stream.gaps[1:], strict=False))


@pytest.mark.fault("U14", "a dead card costs a bounded number of reads")
def test_a_dead_card_is_given_up_in_bounded_steps(tmp_path: Path) -> None:
    image = card_image(tmp_path, "fat16", scatter=False)
    start = image.index(CONTENT[:64]) // 512
    device = MemoryDevice(image)
    volume = open_volume(device)
    (clip,) = volume.listing().clips
    device.unreadable = frozenset(range(start, start + 7000))
    before = device.reads
    stream = volume.read(clip)
    assert b"".join(stream) == bytes(len(CONTENT))
    assert [(gap.offset, gap.size) for gap in stream.gaps] == [(0, len(CONTENT))]
    assert device.reads - before < 2 * reading.MAX_NARROWINGS + 20


def test_a_camera_that_leaves_ends_the_stream_with_its_own_error(tmp_path: Path) -> None:
    device = MemoryDevice(card_image(tmp_path, "fat16", scatter=False))
    volume = open_volume(device)
    (clip,) = volume.listing().clips
    stream = iter(volume.read(clip))
    next(stream)
    device.gone = True
    with pytest.raises(CameraError) as raised:
        next(stream)
    assert raised.value.code is ErrorCode.CAMERA_LOST


@pytest.mark.parametrize("kind", ["fat12", "fat16", "exfat"])
def test_an_unreadable_part_of_the_table_or_directory_leaves_the_rest_listed(kind: Filesystem) -> None:
    image = image_with(kind, *((f"{n:02}.MP4", bytes([n]) * 600) for n in range(40)))
    start = Exfat(image).entry("30.MP4") if kind == "exfat" else Fat(image).record(b"30      MP4")
    device = MemoryDevice(image, unreadable=frozenset({start // 512}))
    volume = open_volume(device)
    listing = volume.listing()
    assert not listing.complete
    assert "cannot be read" in " ".join(listing.problems)
    assert 20 <= len(listing.clips) < 40


@pytest.mark.parametrize("kind", ["fat12", "fat16", "fat32"])
def test_an_unreadable_table_is_read_from_its_copy_and_the_card_is_not_written(kind: Filesystem) -> None:
    image = image_with(kind, ("A.MP4", b"a" * 5000))
    device = MemoryDevice(image, unreadable=frozenset({Fat(image).reserved}))
    volume = open_volume(device)
    listing = volume.listing()
    assert b"".join(volume.read(listing.clips[0])) == b"a" * 5000
    assert not listing.complete
    with pytest.raises(CameraError):
        volume.clear(listing.clips)
    assert device.written == []


@pytest.mark.parametrize("kind", ["fat16", "exfat"])
@pytest.mark.fault("U14", "a card whose directories and tables do not read costs a bounded number of tries")
def test_a_card_that_reads_nowhere_but_at_its_beginning_is_given_up_soon(
    kind: Filesystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (region, fat_layout, exfat_layout):
        monkeypatch.setattr(module, "PATIENCE", 8)  # fewer than a directory has sectors
    image = image_with(kind, *((f"{n:03}.MP4", bytes([n]) * 600) for n in range(200)))
    device = MemoryDevice(image)
    volume = open_volume(device)
    tables = Exfat(image).table if kind == "exfat" else Fat(image).reserved * 512
    device.unreadable = frozenset(range(tables // 512, device.sectors))
    before = device.reads
    listing = volume.listing()
    assert not listing.complete
    assert listing.problems
    assert volume.free_bytes == 0
    assert device.reads - before < 2 * 8


def test_bytes_behind_the_valid_length_are_zeros_and_no_gap() -> None:
    image = image_with("exfat", ("A.MP4", b"a" * 5000))
    Exfat(image).patch("A.MP4", 40, "<Q", 1300)
    volume = open_volume(MemoryDevice(image))
    listing = volume.listing()
    stream = volume.read(listing.clips[0])
    assert listing.complete
    assert b"".join(stream) == b"a" * 1300 + bytes(3700)
    assert stream.gaps == []


@pytest.mark.slow
@pytest.mark.fault("U20", "a file of 4 GiB less a byte is listed and read to its last byte")
def test_the_largest_file_of_fat32_is_read_to_its_end(tmp_path: Path) -> None:
    card = Card.format(tmp_path / "card.img", "fat32", 5 << 30, cluster_bytes=32_768)
    size = (1 << 32) - 1
    _grow_fat32(card, size)
    volume = open_volume(SparseDevice(card.path))
    listing = volume.listing()
    assert (listing.complete, listing.problems) == (True, ())
    assert listing.clips[0].size == size
    tail = b"".join(volume.read(listing.clips[0], size - 2 * MIB - 3))
    assert tail == bytes(2 * MIB) + b"end"


def _grow_fat32(card: Card, size: int) -> None:
    """Turn a small file into a large one by its chain alone; its last bytes say "end"."""
    card.add("BIG.MP4", b"x", NOON)
    with card.path.open("r+b") as file:
        boot = file.read(512)
        reserved, table = struct.unpack_from("<H", boot, 14)[0], struct.unpack_from("<I", boot, 36)[0]
        heap = (reserved + 2 * table) * 512
        count = -(-size // 32_768)
        chain = struct.pack(f"<{count}I", *range(4, count + 3), 0x0FFFFFFF)
        for copy in (0, 1):
            file.seek((reserved + copy * table) * 512 + 3 * 4)
            file.write(chain)
        file.seek(heap)
        root = file.read(32_768)
        file.seek(heap + root.index(b"BIG     MP4") + 26)
        file.write(struct.pack("<HI", 3, size))
        file.seek(heap + 32_768 + size - 3)
        file.write(b"end")


@pytest.mark.slow
def test_a_file_beyond_4_gib_is_read_from_exfat(tmp_path: Path) -> None:
    source = tmp_path / "source"
    with source.open("wb") as file:
        file.truncate(16)
    card = Card.format(tmp_path / "card.img", "exfat", 6 << 30, cluster_bytes=131_072)
    card.add("BIG.MP4", source, NOON)
    size = (5 << 30) + 3
    count = -(-size // 131_072)
    with card.path.open("r+b") as file:
        image = bytearray(file.read(8 << 20))
        exfat = Exfat(image)
        first = exfat.first("BIG.MP4")
        exfat.patch("BIG.MP4", 40, "<Q", size)
        exfat.patch("BIG.MP4", 56, "<Q", size)
        for cluster in range(first - 2, first - 2 + count):
            image[exfat.bitmap() + cluster // 8] |= 1 << cluster % 8
        file.seek(0)
        file.write(image)
        file.seek(exfat.heap + (first - 2) * 131_072 + size - 3)
        file.write(b"end")
    device = SparseDevice(card.path)
    volume = open_volume(device)
    listing = volume.listing()
    assert (listing.complete, listing.problems) == (True, ())
    assert listing.clips[0].size == size
    assert b"".join(volume.read(listing.clips[0], size - MIB)) == bytes(MIB - 3) + b"end"
