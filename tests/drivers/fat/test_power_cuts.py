"""A power cut at any write of a clearing damages nothing, and the next docking mends what it left."""

import hashlib
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from drivers.fat import Volume, open_volume
from drivers.worker.messages import Clip
from simulators.cards import Card, Filesystem
from tests.drivers.fat.devices import MemoryDevice, Write, fsck, replay
from tests.drivers.fat.surgery import NOON

pytestmark = pytest.mark.slow  # many steps each; the fast part keeps the main stories

# Long names in Cyrillic take four records or more, so that many sets lie across two sectors.
CARDS: list[tuple[Filesystem, int, int]] = [
    ("fat12", 2 << 20, 512),
    ("fat16", 8 << 20, 1024),
    ("fat32", 4 << 20, 512),
    ("exfat", 4 << 20, 4096),
]
HARMLESS = {
    # Clusters without owner; tables of which one copy is ahead; a summary that is behind; and, where a
    # name lies across two sectors, its part that no reader takes for a file.
    "fat": re.compile(
        r"Reclaimed \d+ unused clusters|Leaving filesystem unchanged|FATs differ but appear to be intact"
        r"|Using first FAT|Free cluster summary wrong|Auto-correcting|Orphaned long file name part|Auto-deleting"
    ),
    "exfat": re.compile(r"ERROR: .*: unknown entry type 0xc[01] at "),
}


class Cut:
    """A card, a clearing of every other clip, and all that a cut can leave of its writes."""

    def __init__(
        self, folder: Path, filesystem: Filesystem, size: int, cluster: int, *, scatter: bool = True
    ) -> None:
        self.folder = folder
        self.filesystem = filesystem
        random_bytes = random.Random(7)
        card = Card.format(folder / "card.img", filesystem, size, cluster_bytes=cluster)
        for number in range(10):
            name = f"DCIM/100MEDIA/Кліп із довгою назвою, номер {number:04}.mp4"
            content = random_bytes.randbytes(20_000 + 9_000 * number)
            card.add(name, content, NOON, scatter=scatter and number % 2 == 0)
        self.base = card.path.read_bytes()
        self.hashes = {file.path: file.sha256 for file in card.files()}
        device = MemoryDevice(bytearray(self.base))
        volume = open_volume(device)
        self.removed = volume.listing().clips[::2]
        self.result = volume.clear(self.removed)
        self.phases = device.phases
        self.after = bytes(device.image)
        self.free = {0: self.result.free_before, len(self.removed): self.result.free_after}

    def states(self) -> Iterator[bytearray]:
        """After every write in order; and with any part of a phase that was not synced, lost."""
        choice = random.Random(11)
        done: list[Write] = []
        for phase in self.phases:
            for count in range(len(phase) + 1):
                yield replay(self.base, done + phase[:count])
                some = [write for write in phase if choice.random() < 0.5]
                choice.shuffle(some)
                yield replay(self.base, done + some)
            done += phase

    def damage(self, image: bytearray) -> list[str]:
        family = "exfat" if self.filesystem == "exfat" else "fat"
        said = fsck(bytes(image), self.filesystem, self.folder)
        return [line for line in said if not HARMLESS[family].match(line)]


@pytest.fixture(params=CARDS, ids=lambda card: str(card[0]))
def cut(request: pytest.FixtureRequest, tmp_path: Path) -> Cut:
    return Cut(tmp_path, *request.param)


def digest(device: MemoryDevice, clip: Clip) -> str:
    return hashlib.sha256(b"".join(open_volume(device).read(clip))).hexdigest()


@pytest.mark.slow
@pytest.mark.fault("U03", "a clearing cut at any write leaves each clip whole or gone, and no damage")
def test_a_cut_at_any_write_leaves_every_file_whole_or_gone(cut: Cut) -> None:
    may_be_gone = {clip.path for clip in cut.removed}
    states = 0
    for image in cut.states():
        states += 1
        assert cut.damage(image) == []
        device = MemoryDevice(image)
        listing = open_volume(device).listing()
        assert listing.complete
        assert listing.problems == ()
        assert {clip.path for clip in listing.clips} >= cut.hashes.keys() - may_be_gone
        assert {clip.path: digest(device, clip) for clip in listing.clips}.items() <= cut.hashes.items()
    assert states > 20


@pytest.mark.slow
@pytest.mark.fault("U03", "the next docking gives back what a cut clearing leaked, to the last cluster")
def test_reclaiming_after_a_cut_at_any_write_leaves_a_clean_card(cut: Cut) -> None:
    for image in cut.states():
        device = MemoryDevice(image)
        volume = open_volume(device)
        left = {clip.path for clip in volume.listing().clips}
        lost = volume.lost_clusters()

        assert volume.reclaim() == lost

        assert fsck(bytes(device.image), cut.filesystem, cut.folder) == []
        owned = sum(-(-clip.size // volume.cluster_size) for clip in cut.removed if clip.path not in left)
        assert volume.free_bytes == cut.result.free_before + owned * volume.cluster_size
        assert {clip.path for clip in volume.listing().clips} == left
        assert volume.reclaim() == 0


@pytest.mark.slow
@pytest.mark.fault(
    "U03", "only what surely belonged to the clips that are gone is given back, and the tables agree"
)
def test_a_cut_never_leaks_more_than_the_clips_that_are_gone(cut: Cut) -> None:
    """What a cut in the middle of the table leaves of a scattered clip cannot be told from what the camera lost."""
    freed = 0
    for image in cut.states():
        device = MemoryDevice(image)
        volume = open_volume(device)
        left = {clip.path for clip in volume.listing().clips}
        gone = [clip for clip in cut.removed if clip.path not in left]
        most = clusters(volume, gone)
        lost = volume.lost_clusters()
        assert lost <= most
        if lost > clusters(volume, gone[1:]):
            assert volume.reclaim(gone[1:]) == 0
            assert device.written == []
        if volume.reclaim(gone) == lost:
            assert fsck(bytes(device.image), cut.filesystem, cut.folder) == []
            freed += lost
        else:
            assert 0 < lost < most
            assert device.written == []
    assert freed


@pytest.mark.fault("U03", "what a cut in the middle of the table leaves of a clip in one piece is given back")
@pytest.mark.parametrize(("filesystem", "size", "cluster"), CARDS)
def test_a_cut_in_the_table_costs_nothing_where_clips_lay_in_one_piece(
    tmp_path: Path, filesystem: Filesystem, size: int, cluster: int
) -> None:
    cut = Cut(tmp_path, filesystem, size, cluster, scatter=False)
    for image in cut.states():
        device = MemoryDevice(image)
        volume = open_volume(device)
        left = {clip.path for clip in volume.listing().clips}
        gone = [clip for clip in cut.removed if clip.path not in left]
        volume.reclaim(gone)
        assert volume.free_bytes == cut.result.free_before + clusters(volume, gone) * volume.cluster_size
        assert fsck(bytes(device.image), filesystem, tmp_path) == [] or not gone


def clusters(volume: Volume, clips: Sequence[Clip]) -> int:
    return sum(-(-clip.size // volume.cluster_size) for clip in clips)


@pytest.mark.slow
def test_a_cut_at_any_write_of_reclaiming_is_mended_by_the_next_one(cut: Cut) -> None:
    # Cut between the second phase and the third: all clusters of the removed clips are lost.
    broken = replay(cut.base, [write for phase in cut.phases[:-3] for write in phase])
    device = MemoryDevice(bytearray(broken))
    open_volume(device).reclaim()
    writes = device.written
    for count in range(len(writes) + 1):
        image = replay(bytes(broken), writes[:count])
        assert cut.damage(image) == []
        again = MemoryDevice(image)
        open_volume(again).reclaim()
        assert fsck(bytes(again.image), cut.filesystem, cut.folder) == []
        assert again.image == device.image


def test_the_phases_go_out_in_their_order_with_a_sync_between(cut: Cut) -> None:
    volume = open_volume(MemoryDevice(bytearray(cut.base)))
    first = {lba for lba, _ in cut.phases[0]}
    gone = {clip.path for clip in cut.removed}

    after_first = open_volume(MemoryDevice(replay(cut.base, cut.phases[0])))

    assert first
    assert after_first.free_bytes == volume.free_bytes == cut.result.free_before
    assert gone.isdisjoint(clip.path for clip in after_first.listing().clips)
    assert len([phase for phase in cut.phases if phase]) >= 2
    assert cut.phases[-1] == []  # nothing is left unsynced
