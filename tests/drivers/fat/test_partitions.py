"""Which part of a device is looked at, and what is said about the rest."""

import struct
import zlib
from pathlib import Path

import pytest

from drivers.fat import open_volume
from edged.errors import CameraError, ErrorCode
from simulators.cards import Card, Filesystem
from tests.drivers.fat.devices import MemoryDevice
from tests.drivers.fat.surgery import NOON, image_with

VOLUME = bytes(image_with("fat16", ("A.MP4", b"a" * 700)))
SECTORS = len(VOLUME) // 512
START = 2048
Row = tuple[int, int, int]  # kind, first sector, sectors
MINE = (0x06, START, SECTORS)
BASIC = bytes.fromhex("a2a0d0ebe5b9334487c068b6b72699c7")
EFI = bytes.fromhex("28732ac11ff8d211ba4b00a0c93ec93b")
LINUX = bytes.fromhex("af3dc60f838472478e793d69d8477de4")


def mbr(*rows: Row, volume: bytes = VOLUME) -> bytearray:
    image = bytearray(START * 512) + volume + bytes(512 * 100)
    for number, (kind, first, sectors) in enumerate(rows):
        struct.pack_into("<BxxxBxxxII", image, 446 + number * 16, 0, kind, first, sectors)
    image[510:512] = b"\x55\xaa"
    return image


def gpt(*rows: tuple[bytes, int, int]) -> bytearray:
    image = mbr((0xEE, 1, 0xFFFFFFFF))
    entries = b"".join(
        kind + bytes(16) + struct.pack("<QQ", first, first + sectors - 1) + bytes(80)
        for kind, first, sectors in rows
    ).ljust(128 * 128, b"\0")
    image[1024 : 1024 + len(entries)] = entries
    header = struct.pack(
        "<8sIIIIQQQQ16sQIII",
        b"EFI PART",
        1 << 16,
        92,
        0,
        0,
        1,
        0,
        34,
        0,
        bytes(16),
        2,
        128,
        128,
        zlib.crc32(entries),
    )
    image[512:604] = header[:16] + zlib.crc32(header).to_bytes(4, "little") + header[20:]
    return image


@pytest.mark.parametrize("kind", ["fat12", "fat16", "fat32", "exfat"])
def test_a_card_as_it_is_sold_is_found(kind: Filesystem, tmp_path: Path) -> None:
    card = Card.format(tmp_path / "card.img", kind, 40 << 20, partitioned=True)
    card.add("DCIM/A.MP4", b"a" * 9000, NOON)
    device = MemoryDevice(bytearray(card.path.read_bytes()))
    volume = open_volume(device)
    listing = volume.listing()
    assert (listing.complete, listing.problems) == (True, ())
    assert b"".join(volume.read(listing.clips[0])) == b"a" * 9000
    assert volume.clear(listing.clips).cleared == ("/DCIM/A.MP4",)
    card.path.write_bytes(device.image)
    assert card.files() == []


def test_the_partition_of_a_guid_table_is_found() -> None:
    volume = open_volume(MemoryDevice(gpt((EFI, 40, 10), (BASIC, START, SECTORS))))
    listing = volume.listing()
    assert (listing.complete, listing.problems) == (True, ())
    assert [clip.path for clip in listing.clips] == ["/A.MP4"]


@pytest.mark.parametrize(
    "image",
    [
        mbr(MINE, (0x83, START + SECTORS, 50)),
        mbr((0x05, START + SECTORS, 50), MINE),
        mbr(MINE, (0x06, START + SECTORS, 1 << 31)),
        mbr(MINE, (0x06, 0, 10)),
        gpt((BASIC, START, SECTORS), (LINUX, START + SECTORS, 50)),
        gpt(*[(BASIC, START, SECTORS)], *[(LINUX, START + SECTORS + n, 1) for n in range(90)]),
        gpt((BASIC, START, SECTORS), (LINUX, 1 << 62, 1 << 62)),
    ],
    ids=["other", "extended", "beyond-end", "at-zero", "gpt-other", "gpt-90", "gpt-edge"],
)
@pytest.mark.fault("M09", "one volume is used; every other partition is reported, and nothing is cleared")
def test_other_partitions_are_reported_and_nothing_is_cleared(image: bytearray) -> None:
    device = MemoryDevice(image)
    volume = open_volume(device)
    listing = volume.listing()
    assert [clip.path for clip in listing.clips] == ["/A.MP4"]
    assert "is not looked at" in listing.problems[0]
    assert not listing.complete
    with pytest.raises(CameraError):
        volume.clear(listing.clips)
    assert device.written == []


@pytest.mark.parametrize(
    "image",
    [
        mbr(),
        mbr((0x06, START + 1, SECTORS)),
        mbr((0x06, START, 1 << 31)),
        mbr((0x06, START, SECTORS - 1)),
        mbr(MINE, (0x83, START + 10, 50)),
        mbr(MINE, MINE),
        gpt(),
        gpt((BASIC, START, SECTORS), (LINUX, 40, START)),
        gpt((BASIC, 5, 0)),
        bytearray(b"".join([gpt((BASIC, START, SECTORS))[:600], b"X", gpt((BASIC, START, SECTORS))[601:]])),
        bytearray(b"".join([gpt((BASIC, START, SECTORS))[:1040], b"X", gpt((BASIC, START, SECTORS))[1041:]])),
    ],
    ids=[
        "none",
        "off-by-one",
        "beyond",
        "too-short",
        "overlap",
        "twice",
        "gpt-none",
        "gpt-overlap",
        "gpt-empty",
        "gpt-crc",
        "gpt-entries-crc",
    ],
)
@pytest.mark.fault("M09", "overlapping, missing or damaged partitions are refused with CAMERA_FILESYSTEM")
def test_partition_tables_that_cannot_be_are_refused(image: bytearray) -> None:
    device = MemoryDevice(image)
    with pytest.raises(CameraError) as raised:
        open_volume(device).listing()
    assert raised.value.code is ErrorCode.CAMERA_FILESYSTEM
    assert device.reads < 200


def foreign(offset: int, magic: bytes) -> bytearray:
    image = bytearray(1 << 20)
    image[offset : offset + len(magic)] = magic
    return image


@pytest.mark.parametrize("partitioned", [False, True])
@pytest.mark.parametrize(
    ("offset", "magic"),
    [
        (0x438, b"\x53\xef"),
        (0x10040, b"_BHRfS_M"),
        (0, b"XFSB"),
        (0, b"LUKS\xba\xbe\x00\x02"),
        (0x20000 - 0x400, b"\x0c\xb1\xba\x00"),
        (0, b"\xeb\x52\x90NTFS    \x00\x02\x08" + bytes(496) + b"\x55\xaa"),
        (0x400, b"H+\x00\x04"),
        (0x8001, b"CD001"),
        (0, b""),
    ],
    ids=["ext4", "btrfs", "xfs", "luks", "zfs", "ntfs", "hfs", "iso", "zeros"],
)
@pytest.mark.fault("M01", "an unknown file system gives CAMERA_FILESYSTEM and is not written")
def test_an_unknown_file_system_is_refused(offset: int, magic: bytes, partitioned: bool) -> None:
    image = foreign(offset, magic)
    if partitioned:
        image = mbr((0x83, START, len(image) // 512), volume=bytes(image))
    device = MemoryDevice(image)
    with pytest.raises(CameraError) as raised:
        open_volume(device)
    assert raised.value.code is ErrorCode.CAMERA_FILESYSTEM
    assert device.phases == [[]]


@pytest.mark.parametrize("sectors", [0, 1, 5])
def test_a_device_too_small_for_anything_is_refused(sectors: int) -> None:
    with pytest.raises(CameraError) as raised:
        open_volume(MemoryDevice(bytearray(VOLUME[: sectors * 512])))
    assert raised.value.code is ErrorCode.CAMERA_FILESYSTEM
