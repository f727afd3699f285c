"""What is removed, what is refused, and what a card that does not obey gives."""

import hashlib
import random
import struct
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from drivers.fat import open_volume
from edged.errors import CameraError, ErrorCode
from simulators.cards import Card, Filesystem
from tests.drivers.fat.devices import MemoryDevice, fsck
from tests.drivers.fat.surgery import NOON, SIZES, Exfat, Fat, image_with

pytestmark = pytest.mark.slow  # many steps each; the fast part keeps the main stories

ALL: list[Filesystem] = ["fat12", "fat16", "fat32", "exfat"]
TWO = (("DCIM/A.MP4", b"a" * 3000), ("DCIM/B.MP4", b"b" * 3000))


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("seed", [1, 2])
def test_cleared_cards_are_clean_and_the_rest_is_untouched(
    kind: Filesystem, seed: int, tmp_path: Path
) -> None:
    choice = random.Random(seed)
    card = Card.format(tmp_path / "card.img", kind, 40 << 20)
    for number in range(40):
        name = f"DCIM/{100 + number // 15}MEDIA/Запис № {number} {'дуже ' * (number % 7)}довгий.mp4"
        content = choice.randbytes(choice.randrange(90_000))
        card.add(name, content, NOON + timedelta(seconds=number), scatter=number % 2 == 0)
    before = {file.path: file.sha256 for file in card.files()}
    device = MemoryDevice(bytearray(card.path.read_bytes()))
    volume = open_volume(device)
    clips = [clip for clip in volume.listing().clips if choice.random() < 0.6]

    result = volume.clear(clips)

    assert set(result.cleared) == {clip.path for clip in clips}
    assert result.refused == ()
    used = sum(-(-clip.size // volume.cluster_size) for clip in clips) * volume.cluster_size
    assert result.free_after == result.free_expected == result.free_before + used == volume.free_bytes
    assert fsck(bytes(device.image), kind, tmp_path) == []
    card.path.write_bytes(device.image)
    assert {file.path: file.sha256 for file in card.files()} == {
        path: digest for path, digest in before.items() if path not in result.cleared
    }
    assert volume.lost_clusters() == 0
    assert volume.reclaim() == 0


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize(
    "change",
    [
        {"size": 2999},
        {"mtime": "2026-11-22T12:00:02"},
        {"mtime": ""},
        {"first_cluster": 1},
        {"path": "/DCIM/a.mp4"},
        {"path": "/DCIM"},
        {"path": "/DCIM/../DCIM/A.MP4"},
        {"recording": True},
    ],
    ids=str,
)
@pytest.mark.fault("U18", "a file that is not exactly as described, or is being written, is not removed")
def test_a_clip_that_is_not_as_described_is_refused(kind: Filesystem, change: dict[str, object]) -> None:
    device = MemoryDevice(image_with(kind, *TWO))
    volume = open_volume(device)
    clip = volume.listing().clips[0]
    result = volume.clear([msgspec.structs.replace(clip, **change)])
    assert result.cleared == ()
    assert len(result.refused) == 1
    assert result.free_before == result.free_after == result.free_expected
    assert device.written == []


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.fault("U19", "a new file under the name of one cleared before is another file, and stays")
def test_a_reused_name_is_another_file(kind: Filesystem, tmp_path: Path) -> None:
    card = Card.format(tmp_path / "card.img", kind, SIZES[kind][0], cluster_bytes=512)
    card.add("DCIM/CLIP0001.MP4", b"first shift", NOON)
    device = MemoryDevice(bytearray(card.path.read_bytes()))
    (old,) = open_volume(device).listing().clips
    open_volume(device).clear([old])
    card.path.write_bytes(device.image)
    card.add("DCIM/CLIP0001.MP4", b"other shift", NOON + timedelta(hours=12))

    device = MemoryDevice(bytearray(card.path.read_bytes()))
    volume = open_volume(device)
    (new,) = volume.listing().clips

    assert new != old
    assert volume.clear([old]).refused == (old.path,)
    assert b"".join(volume.read(new)) == b"other shift"


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize(
    "refusal", [ErrorCode.CAMERA_REFUSED, ErrorCode.CAMERA_MEDIA, ErrorCode.CAMERA_PROTOCOL]
)
@pytest.mark.fault("M11", "a card that refuses the write gives CLEAR_FAILED after one try, and is as it was")
def test_a_card_that_refuses_writes_fails_once(kind: Filesystem, refusal: ErrorCode) -> None:
    image = image_with(kind, *TWO)
    before = hashlib.sha256(image).digest()
    device = MemoryDevice(image)
    volume = open_volume(device)
    clips = volume.listing().clips
    device.refuses = refusal
    with pytest.raises(CameraError) as raised:
        volume.clear(clips)
    assert raised.value.code is ErrorCode.CLEAR_FAILED
    assert raised.value.detail["cause"] == refusal.number
    assert hashlib.sha256(device.image).digest() == before
    assert device.attempts == 1


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.fault("M11", "a card that takes the write and forgets it is found out by looking again")
def test_a_card_that_only_says_it_wrote_is_found_out(kind: Filesystem) -> None:
    device = MemoryDevice(image_with(kind, *TWO), forgetful=True)
    volume = open_volume(device)
    with pytest.raises(CameraError) as raised:
        volume.clear(volume.listing().clips)
    assert raised.value.code is ErrorCode.CLEAR_FAILED
    assert len(open_volume(device).listing().clips) == 2


@pytest.mark.parametrize("code", [ErrorCode.CAMERA_LOST, ErrorCode.CAMERA_SILENT])
def test_a_camera_that_leaves_keeps_its_own_error(code: ErrorCode) -> None:
    device = MemoryDevice(image_with("fat16", *TWO))
    volume = open_volume(device)
    clips = volume.listing().clips
    device.refuses = code
    with pytest.raises(CameraError) as raised:
        volume.clear(clips)
    assert raised.value.code is code


@pytest.mark.parametrize("kind", ALL)
def test_a_clip_named_twice_is_removed_once(kind: Filesystem) -> None:
    device = MemoryDevice(image_with(kind, *TWO))
    volume = open_volume(device)
    clip = volume.listing().clips[0]
    result = volume.clear([clip, clip])
    assert result.cleared == (clip.path,)
    assert result.free_after == result.free_expected


@pytest.mark.parametrize("kind", ALL)
def test_clearing_nothing_writes_nothing(kind: Filesystem) -> None:
    device = MemoryDevice(image_with(kind, *TWO))
    assert open_volume(device).clear([]).cleared == ()
    assert device.phases == [[]]


@pytest.mark.parametrize("kind", ALL)
def test_a_sound_card_gives_reclaiming_nothing_to_write(kind: Filesystem) -> None:
    device = MemoryDevice(image_with(kind, *TWO))
    assert open_volume(device).reclaim() == 0
    assert device.phases == [[]]


@pytest.mark.parametrize("kind", ["fat12", "fat16", "fat32"])
def test_the_upper_bits_and_all_other_entries_of_the_table_stay(kind: Filesystem) -> None:
    image = image_with(kind, *TWO)
    fat = Fat(image)
    free = fat.clusters - 10
    bad = {12: 0xFF7, 16: 0xFFF7, 32: 0x0FFFFFF7}[fat.bits]
    fat.link(free, bad)
    first = fat.first(b"A       MP4")
    if fat.bits == 32:
        at = fat.reserved * 512 + first * 4
        for copy in (0, fat.sectors * 512):
            image[at + copy + 3] |= 0xA0
    device = MemoryDevice(image)
    volume = open_volume(device)
    result = volume.clear([clip for clip in volume.listing().clips if clip.path.endswith("A.MP4")])
    assert result.cleared == ("/DCIM/A.MP4",)
    assert result.free_after == result.free_expected
    assert volume.reclaim() == 0
    if fat.bits == 32:
        at = fat.reserved * 512
        assert struct.unpack_from("<I", device.image, at + first * 4)[0] == 0xA0000000
        assert struct.unpack_from("<I", device.image, at + free * 4)[0] == bad


def test_the_summary_of_free_clusters_is_put_right(tmp_path: Path) -> None:
    image = image_with("fat32", *TWO)
    info = struct.unpack_from("<H", image, 48)[0] * 512
    device = MemoryDevice(image)
    volume = open_volume(device)
    volume.clear(volume.listing().clips)
    assert struct.unpack_from("<I", device.image, info + 488)[0] * 512 == volume.free_bytes


def test_the_percentage_of_exfat_is_put_right_and_unknown_stays_unknown() -> None:
    for before, after in ((50, 0), (0xFF, 0xFF)):
        image = image_with("exfat", ("A", bytes(1 << 20)))
        image[112] = before
        device = MemoryDevice(image)
        volume = open_volume(device)
        volume.clear(volume.listing().clips)
        assert device.image[112] == after


def test_an_entry_set_with_unknown_parts_is_kept() -> None:
    image = image_with("exfat", ("A", b"a"), ("B", b"b"))
    card = Exfat(image)
    at, other = card.entry("A"), card.entry("B")
    tail = bytes(image[other : other + 96])
    image[at + 96 : at + 128] = b"\xe0\x00" + b"vendor".ljust(30, b"\0")  # a vendor's extension
    image[at + 128 : at + 224] = tail
    image[at + 1] = 3
    card.sum_up(at)
    device = MemoryDevice(image)
    volume = open_volume(device)
    listing = volume.listing()
    assert listing.complete
    assert "parts of unknown kind" in listing.problems[0]
    result = volume.clear(listing.clips)
    assert (result.cleared, result.refused) == (("/B",), ("/A",))


@pytest.mark.parametrize("kind", ["fat16", "fat32"])
def test_reclaiming_makes_the_tables_equal(kind: Filesystem, tmp_path: Path) -> None:
    image = image_with(kind, *TWO)
    fat = Fat(image)
    second = (fat.reserved + fat.sectors) * 512
    sound = bytes(image)
    image[second + 100 : second + 140] = bytes(40) if any(image[second + 100 : second + 140]) else b"\1" * 40
    assert fsck(bytes(image), kind, tmp_path) != []
    device = MemoryDevice(image)
    assert open_volume(device).reclaim() == 0
    assert device.image == sound
