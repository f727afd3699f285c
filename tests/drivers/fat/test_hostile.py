"""Cards that lie: each gives an error with a code or a problem in the listing, and ends soon."""

import json
import random
import struct
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.fat import open_volume
from drivers.fat.names import unescape
from drivers.worker.messages import Clip
from edged.errors import CameraError, ErrorCode
from simulators.cards import Filesystem
from tests.drivers.fat.devices import MemoryDevice
from tests.drivers.fat.surgery import Exfat, Fat, image_with
from tests.patience import calls

TWO = (("A.MP4", b"a" * 3000), ("B.MP4", b"b" * 3000))
A, B = b"A       MP4", b"B       MP4"
END = 0x0FFFFFFF
FATS: list[Filesystem] = ["fat12", "fat16", "fat32"]
ALL: list[Filesystem] = [*FATS, "exfat"]


def look(image: bytearray) -> tuple[dict[str, Clip], str, bool]:
    """List a card; nothing may be written and little may be read for so small a one."""
    device = MemoryDevice(image)
    listing = open_volume(device).listing()
    assert device.written == []
    assert device.reads < 300
    return {clip.path: clip for clip in listing.clips}, " | ".join(listing.problems), listing.complete


def code_of(work: Callable[[], object]) -> ErrorCode | None:
    """The code that ``work`` failed with; any exception but a CameraError comes through."""
    try:
        work()
    except CameraError as error:
        return error.code
    return None


def damaged_fat(kind: Filesystem, damage: Callable[[Fat], None]) -> bytearray:
    image = image_with(kind, *TWO)
    damage(Fat(image))
    return image


@pytest.mark.parametrize("kind", FATS)
@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda fat: fat.link(fat.first(A) + 2, fat.first(A)), "circle"),
        (lambda fat: fat.link(fat.first(A) + 2, fat.first(A) + 2), "circle"),
        (lambda fat: fat.link(fat.first(A) + 2, fat.first(B) + 1), "belongs to another file"),
        (lambda fat: fat.link(fat.first(A) + 2, 0), "leads to a free cluster"),
        (lambda fat: fat.link(fat.first(A) + 2, 1), "does not exist"),
        (lambda fat: fat.link(fat.first(A) + 2, fat.clusters + 2), "does not exist"),
        (lambda fat: fat.link(fat.first(A) + 2, 0x0FFFFFF7), "marked bad"),
        (lambda fat: fat.link(fat.first(A) + 2, END), "its chain has 3 of 6 clusters"),
        (lambda fat: fat.set_first(A, 0), "leads to a free cluster"),
        (lambda fat: fat.set_first(A, fat.first(B)), "belongs to another file"),
        (lambda fat: fat.set_size(A, 0xFFFFFFFF), "more than the card has"),
    ],
)
@pytest.mark.fault("M02", "a looping, crossing or broken chain is a problem, the card is never cleared")
@pytest.mark.fault("Z02", "a size beyond the card or the chain is reported, not believed")
def test_a_broken_chain_is_a_problem_of_its_file(
    kind: Filesystem, damage: Callable[[Fat], None], sentence: str
) -> None:
    image = damaged_fat(kind, damage)
    clips, problems, complete = look(image)
    assert clips.keys() == {"/A.MP4", "/B.MP4"}
    assert sentence in problems
    assert not complete
    volume = open_volume(MemoryDevice(image))
    with pytest.raises(CameraError) as raised:
        volume.clear([clips["/B.MP4"]])
    assert raised.value.code is ErrorCode.CAMERA_FILESYSTEM
    assert volume.reclaim() == 0


@pytest.mark.parametrize("kind", FATS)
@pytest.mark.fault(
    "M02", "a file with a circle gives its readable part, then zeros marked as a gap, and ends"
)
def test_a_file_in_a_circle_is_read_once_and_the_rest_is_a_gap(kind: Filesystem) -> None:
    image = damaged_fat(kind, lambda fat: fat.link(fat.first(A) + 2, fat.first(A)))
    volume = open_volume(MemoryDevice(image))
    clip = volume.listing().clips[0]
    reading = volume.read(clip)
    content = b"".join(reading)
    assert content == b"a" * 1536 + bytes(3000 - 1536)
    assert [(gap.offset, gap.size) for gap in reading.gaps] == [(1536, 3000 - 1536)]


@pytest.mark.parametrize("kind", FATS)
@pytest.mark.fault("M02", "of two files that share clusters both are named")
def test_both_files_of_a_cross_link_are_named(kind: Filesystem) -> None:
    image = damaged_fat(kind, lambda fat: fat.link(fat.first(B) + 2, fat.first(A) + 1))
    _, problems, _ = look(image)
    assert "/A.MP4: cluster" in problems
    assert "also part of /B.MP4" in problems


@pytest.mark.parametrize("kind", FATS)
@pytest.mark.fault("M02", "a directory that contains itself is entered once")
def test_a_directory_within_itself_is_entered_once(kind: Filesystem) -> None:
    image = image_with(kind, ("DCIM/A.MP4", b"a" * 100))
    fat = Fat(image)
    inside = fat.place(fat.first(b"DCIM       "))
    image[inside + 96 : inside + 128] = struct.pack(
        "<11sB14xHI", b"LOOP       ", 0x10, fat.first(b"DCIM       "), 0
    )
    clips, problems, complete = look(image)
    assert clips.keys() == {"/DCIM/A.MP4"}
    assert "/DCIM/LOOP: cluster" in problems
    assert not complete


@pytest.mark.parametrize("kind", FATS)
def test_clusters_behind_the_end_are_reported_and_that_file_alone_is_not_removed(kind: Filesystem) -> None:
    image = damaged_fat(kind, lambda fat: fat.set_size(A, 600))
    clips, problems, complete = look(image)
    assert complete
    assert "4 clusters are chained behind its end" in problems
    result = open_volume(MemoryDevice(image)).clear(list(clips.values()))
    assert result.cleared == ("/B.MP4",)
    assert result.refused == ("/A.MP4",)


@pytest.mark.parametrize(
    ("size", "valid", "sentence"),
    [
        (1 << 31, 1 << 31, "more than the card has"),
        (1 << 32, 1 << 32, "more than the card has"),
        (1 << 63, 1 << 63, "more than the card has"),
        ((1 << 64) - 1, (1 << 64) - 1, "more than the card has"),
        (3000, 3001, "contradict"),
        (3000, (1 << 64) - 1, "contradict"),
    ],
)
@pytest.mark.fault("U13", "a size beyond the card is refused before a byte of it is produced")
@pytest.mark.fault("Z04", "sizes of 2^31, 2^32, 2^63 and 2^64-1 are reported and never read")
def test_sizes_that_cannot_be_are_reported(size: int, valid: int, sentence: str) -> None:
    image = image_with("exfat", *TWO)
    Exfat(image).patch("A.MP4", 40, "<Q", valid)
    Exfat(image).patch("A.MP4", 56, "<Q", size)
    clips, problems, complete = look(image)
    assert sentence in problems
    assert not complete
    assert clips["/A.MP4"].size == size
    if size > len(image):
        volume = open_volume(MemoryDevice(image))
        with pytest.raises(CameraError) as raised:
            volume.read(clips["/A.MP4"])
        assert raised.value.code is ErrorCode.CAMERA_FILESYSTEM


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda card: card.patch("A.MP4", 52, "<I", card.clusters), "leaves the volume"),
        (lambda card: card.patch("A.MP4", 52, "<I", 0), "leaves the volume"),
        (lambda card: card.patch("A.MP4", 52, "<I", card.first("B.MP4")), "belongs to another file"),
        (lambda card: card.patch("A.MP4", 33, "<B", 2), "contradict"),
        (lambda card: card.patch("A.MP4", 33, "<B", 1), "free cluster"),  # a chain where there is none
        (lambda card: card.image.__setitem__(card.entry("A.MP4") + 2, 0), "checksum"),
        (lambda card: card.patch("A.MP4", 35, "<B", 200), "without stream or name"),
        (lambda card: card.patch("A.MP4", 35, "<B", 0), "without stream or name"),
        (lambda card: card.image.__setitem__(card.entry("A.MP4") + 1, 9), "breaks off"),
        (lambda card: card.image.__setitem__(card.entry("A.MP4") + 32, 0x41), "breaks off"),
        (lambda card: card.image.__setitem__(card.entry("A.MP4"), 0x8F), "unknown kind 0x8f"),
        (lambda card: card.image.__setitem__(card.bitmap() + 3, 0), "marked free in the allocation bitmap"),
    ],
)
@pytest.mark.fault("M02", "an exFAT entry set that lies is a problem, and nothing is cleared")
def test_a_broken_entry_set_is_a_problem(damage: Callable[[Exfat], None], sentence: str) -> None:
    image = image_with("exfat", *TWO)
    damage(Exfat(image))
    clips, problems, complete = look(image)
    assert sentence in problems
    assert not complete
    assert "/B.MP4" in clips


@pytest.mark.parametrize("kind", FATS)
@pytest.mark.fault("M07", "ten thousand directories, each in the one before: flagged at depth 32")
@pytest.mark.fault("Z03", "nesting has a limit and no recursion")
def test_deep_nesting_is_flagged(kind: Filesystem) -> None:
    image = image_with(kind, ("DCIM/A.MP4", b""))
    fat = Fat(image)
    deepest = min(10_000, fat.clusters - 4)
    cluster = fat.first(b"DCIM       ")
    for depth in range(deepest):
        inner = struct.pack("<11sB8xH4xHI", b"D          ", 0x10, 0, cluster + depth + 1, 0)
        at = fat.place(cluster + depth)
        image[at : at + 32] = inner
        image[at + 32] = 0
        fat.link(cluster + depth, END)
    clips, problems, complete = look(image)
    assert clips == {}
    assert "deeper than 32" in problems
    assert not complete


@pytest.mark.parametrize("kind", FATS)
@pytest.mark.fault("M03", "two entries of one name are two clips, and neither is removed")
def test_two_entries_of_one_name_are_both_listed_and_kept(kind: Filesystem) -> None:
    image = image_with(kind, *TWO)
    at = Fat(image).record(B)
    image[at : at + 11] = A
    volume = open_volume(MemoryDevice(image))
    clips = volume.listing().clips
    assert [clip.path for clip in clips] == ["/A.MP4", "/A.MP4"]
    assert {b"".join(volume.read(clip)) for clip in clips} == {b"a" * 3000, b"b" * 3000}
    for asked in (clips, clips[:1], clips[1:]):
        result = volume.clear(asked)
        assert result.cleared == ()
        assert result.refused == ("/A.MP4",)


NAMES = [
    "..",
    ".",
    "a/b",
    "x\\y",
    "line\nfeed",
    "\x00nul",
    "rtl\u202etxt",
    "\U0001f4f9" * 64,
    "CON",
    "-rf",
    "\ud83d",
    " ",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.fault("M04", "any name is listed under a text that is unambiguous, printable and reversible")
def test_any_name_survives_as_text(name: str) -> None:
    image = image_with("exfat", ("N", b"n" * 10))
    card = Exfat(image)
    units = name.encode("utf-16-le", "surrogatepass")
    at = card.entry("N")
    parts = [units[each : each + 30].ljust(30, b"\0") for each in range(0, len(units), 30)]
    image[at + 64 : at + 64 + 32 * len(parts)] = b"".join(b"\xc1\0" + part for part in parts)
    image[at + 1], image[at + 35] = 1 + len(parts), len(units) // 2
    card.sum_up(at)
    clips, problems, complete = look(image)
    assert complete, problems
    (path,) = clips
    assert path.count("/") == 1
    assert not any(unit in path for unit in "\n\0")
    assert unescape(path[1:]) == name
    assert path[1:] not in {".", ".."}
    assert json.loads(msgspec.json.encode(clips[path]))["path"] == path
    assert open_volume(MemoryDevice(image)).clear([clips[path]]).cleared == (path,)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.fault(
    "M13", "times at the edges of the calendar are told as they are; impossible ones are empty"
)
@pytest.mark.parametrize(
    ("date", "time_word", "told"),
    [
        (0x0021, 0x0000, "1980-01-01T00:00:00"),
        (0xFF9F, 0xBF7D, "2107-12-31T23:59:58"),
        (0x5D7D, 0x1801, "2026-11-29T03:00:02"),  # an hour that daylight saving never had is no matter
        (0x0000, 0x0000, ""),
        (0x5DFF, 0x0000, ""),
        (0x5D7D, 0xFFFF, ""),
    ],
)
def test_times_are_told_as_they_are(kind: Filesystem, date: int, time_word: int, told: str) -> None:
    image = image_with(kind, *TWO)
    if kind == "exfat":
        Exfat(image).patch("A.MP4", 12, "<HH", time_word, date)
    else:
        struct.pack_into("<HH", image, Fat(image).record(A) + 22, time_word, date)
    clips, _, complete = look(image)
    assert complete
    assert clips["/A.MP4"].mtime == told


def test_labels_and_attributes_do_not_hide_files() -> None:
    image = image_with("fat16", *TWO)
    image[Fat(image).record(A) + 11] = 0x27  # read-only, hidden, system, archive
    clips, problems, _ = look(image)
    assert clips.keys() == {"/A.MP4", "/B.MP4"}
    assert problems == ""


def test_a_label_that_owns_data_is_a_problem() -> None:
    image = image_with("fat16", *TWO)
    image[Fat(image).record(A) + 11] = 0x08
    _, problems, complete = look(image)
    assert "label that owns data" in problems
    assert not complete


def test_a_short_name_of_an_unknown_code_page_keeps_its_bytes() -> None:
    image = image_with("fat16", *TWO)
    at = Fat(image).record(A)
    image[at : at + 3] = b"\x05\x80\xff"
    clips, _, _ = look(image)
    assert "/\\udce5\\udc80\\udcff.MP4" in clips


def test_a_damaged_long_name_gives_the_short_one_and_is_reported() -> None:
    image = image_with("fat16", ("Довге ім я запису.mp4", b"x"))
    fat = Fat(image)
    at = image.index(b"CLIP~1  MP4", fat.root)
    image[at - 32 + 13] ^= 1
    clips, problems, complete = look(image)
    assert clips.keys() == {"/CLIP~1.MP4"}
    assert "long name is damaged" in problems
    assert complete


@pytest.mark.fault("Z01", "a card of random bytes is refused with a code")
@given(seed=st.integers(0, 1 << 32), signed=st.booleans())
@settings(max_examples=60, deadline=None)
def test_random_bytes_are_refused(seed: int, signed: bool) -> None:
    image = bytearray(random.Random(seed).randbytes(16_384))
    if signed:
        image[510:512] = b"\x55\xaa"
    device = MemoryDevice(image)
    with pytest.raises(CameraError) as raised:
        open_volume(device)
    assert raised.value.code is ErrorCode.CAMERA_FILESYSTEM
    assert device.reads < 50


@pytest.mark.slow
@pytest.mark.fault("Z01", "any damage to a card's structures gives a value or a coded error, and ends")
@pytest.mark.parametrize("kind", ["fat12", "fat16", "exfat"])
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_any_damage_gives_a_listing_or_a_coded_error(kind: Filesystem, data: st.DataObject) -> None:
    files = (("DCIM/100MEDIA/Запис довгий 1.mp4", b"1" * 2000), ("DCIM/B.MP4", b"2" * 700), ("C", b""))
    image = image_with(kind, *files)
    zones = _zones(kind, image)
    for _ in range(data.draw(st.integers(1, 6))):
        start, end = data.draw(st.sampled_from(zones))
        at = data.draw(st.integers(start, end - 1))
        image[at] = data.draw(
            st.one_of(st.integers(0, 255), st.sampled_from([0, 0xFF, 0x0F, 0x10, 0xE5, 0x85]))
        )
    device = MemoryDevice(image)
    code, effort = calls(lambda: code_of(lambda: _work(device)))
    assert code in {
        None,
        ErrorCode.CAMERA_FILESYSTEM,
        ErrorCode.CLEAR_FAILED,
        ErrorCode.CAMERA_CHANGED,
    }
    assert device.reads < 20_000
    assert effort < 200_000  # ten times what the worst of hundreds took; a walk in circles has no end


def _work(device: MemoryDevice) -> None:
    """All that a driver does with a card."""
    volume = open_volume(device)
    listing = volume.listing()
    for clip in listing.clips:
        if clip.size <= volume.total_bytes:
            assert sum(map(len, volume.read(clip))) == clip.size
    volume.clear(listing.clips[:1])
    volume.reclaim()


def _zones(kind: Filesystem, image: bytearray) -> list[tuple[int, int]]:
    if kind == "exfat":
        card = Exfat(image)
        return [(64, 120), (card.table, card.table + 256), (card.heap, card.heap + 24 * card.cluster)]
    fat = Fat(image)
    return [
        (11, 64),
        (fat.reserved * 512, fat.reserved * 512 + 64),
        (fat.root, fat.root + 256),
        (fat.heap, fat.heap + 2048),
    ]


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("value", [0x00, 0xFF])
@pytest.mark.fault("Z02", "every length of the boot sector as zero or its maximum: refused or unharmed")
def test_lying_numbers_in_the_boot_sector_end_well(kind: Filesystem, value: int) -> None:
    image = image_with(kind, *TWO)
    places = range(64, 113) if kind == "exfat" else range(11, 64)
    for at in places:
        for width in (1, 2, 4):
            sound = bytes(image[at : at + width])
            image[at : at + width] = bytes([value]) * width
            device = MemoryDevice(image)
            code = code_of(lambda: open_volume(device).listing())  # noqa: B023 - called at once
            assert code in {None, ErrorCode.CAMERA_FILESYSTEM}, (at, width)
            assert device.reads < 3000
            assert device.written == []
            image[at : at + width] = sound
