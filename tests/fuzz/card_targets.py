"""The memory card of a camera: any bytes as FAT12, FAT16, FAT32 or exFAT, alone or behind a partition table."""

import msgspec

from drivers.fat import (
    Volume,
    clearing,
    exfat_entries,
    fat_entries,
    fat_layout,
    names,
    open_volume,
    partitions,
    tree,
)
from drivers.fat.reading import BLOCK
from drivers.worker.messages import Clip
from edged.errors import CameraError, ErrorCode
from tests.fuzz.cards import READS, SparseDevice, card, cards, gpt, sum_exfat, sum_gpt
from tests.fuzz.contract import KIB, Target, must, require

CODES = frozenset({ErrorCode.CAMERA_FILESYSTEM, ErrorCode.CAMERA_CHANGED, ErrorCode.CLEAR_FAILED})
LOOKED_AT = 8  # clips whose bytes are compared
SMALL = 64 * KIB  # bytes of a clip that is read whole
_CONTRACT = (
    "Any card is listed or refused with a code; looking writes nothing, clearing changes no other clip."
)


def _use(device: SparseDevice) -> None:
    """All that a driver does with a card."""
    try:
        _look_and_clear(device)
    except CameraError as error:
        require(error.code in CODES, f"{error.code.label} for damage on a card")
        raise
    finally:
        require(device.reads < READS, f"{device.reads} reads for one card")


def _look_and_clear(device: SparseDevice) -> None:
    volume = open_volume(device)
    listing = volume.listing()
    with must("a listing that cannot be told to the core"):
        msgspec.json.encode(listing.clips)
    for clip in listing.clips:
        name = clip.path.rpartition("/")[2]
        require(names.escape(names.unescape(name)) == name, f"{name!r} has two meanings")
    before = _contents(volume, listing.clips)
    require(not device.written, "looking at a card wrote to it")
    _clear(device, volume, listing.clips[:1], complete=listing.complete)
    left = [clip for clip in listing.clips if clip not in listing.clips[:1]]
    _unchanged(volume, before, left)
    volume.reclaim()
    _unchanged(volume, before, left)


def _contents(volume: Volume, clips: tuple[Clip, ...]) -> dict[Clip, bytes]:
    """The bytes of some clips, whole where they are small."""
    found = {}
    for clip in clips[:LOOKED_AT]:
        if clip.size > volume.total_bytes:
            continue  # it claims more than the card has
        blocks = iter(volume.read(clip))
        if clip.size <= SMALL:
            found[clip] = b"".join(blocks)
            require(len(found[clip]) == clip.size, "another number of bytes than listed")
        else:
            require(0 < len(next(blocks)) <= BLOCK, "a block of another size than said")
    return found


def _clear(device: SparseDevice, volume: Volume, clips: tuple[Clip, ...], *, complete: bool) -> None:
    try:
        result = volume.clear(clips)
    except CameraError:
        require(complete or not device.written, "a card that cannot be listed whole was written to")
        raise
    require(complete, "a card that cannot be listed whole was cleared")
    require(set(result.cleared) <= {clip.path for clip in clips}, "cleared what nobody named")


def _unchanged(volume: Volume, before: dict[Clip, bytes], left: list[Clip]) -> None:
    """What was not to be cleared is there as it was."""
    with must("after clearing another clip the rest cannot be listed"):
        there = set(volume.listing().clips)
    for clip in left:
        require(clip in there, f"{clip.path!r} went with another clip")
        if clip in before:
            require(b"".join(volume.read(clip)) == before[clip], f"{clip.path!r} has other bytes than before")


def _plain(data: bytes) -> None:
    _use(SparseDevice(data))


def _summed(data: bytes) -> None:
    device = SparseDevice(data)
    sum_exfat(device)
    _use(device)


def _parted(data: bytes) -> None:
    device = SparseDevice(data)
    sum_gpt(device)
    _use(device)


TARGETS = (
    Target(
        name="card-fat",
        contract=_CONTRACT,
        body=_plain,
        refusals=(CameraError,),
        seeds=lambda: cards("fat12", "fat16", "fat32"),
        limit=32 * KIB,
        share=5,
        covers=(
            open_volume,
            fat_layout.parse_boot,
            fat_entries.parse,
            tree.walk,
            clearing.clear,
            clearing.reclaim,
        ),
        steps=1_500_000,
        memory=24 * 1024 * KIB,
    ),
    Target(
        name="card-exfat",
        contract=_CONTRACT,
        body=_summed,
        refusals=(CameraError,),
        seeds=lambda: cards("exfat"),
        limit=32 * KIB,
        share=5,
        covers=(open_volume, exfat_entries.parse),
        steps=1_500_000,
        memory=24 * 1024 * KIB,
    ),
    Target(
        name="card-partitions",
        contract=_CONTRACT,
        body=_parted,
        refusals=(CameraError,),
        seeds=lambda: [card("fat12", partitioned=True), gpt(card("fat12"))],
        limit=32 * KIB,
        share=5,
        covers=(partitions.find_volume,),
        steps=1_500_000,
        memory=24 * 1024 * KIB,
    ),
)
