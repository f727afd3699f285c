"""The volume on a camera's card: what a camera driver works with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from drivers.base import BlockDevice
from drivers.fat import clearing
from drivers.fat.clearing import ClearResult
from drivers.fat.entries import Layout
from drivers.fat.exfat_layout import ExfatLayout, is_exfat
from drivers.fat.fat_layout import FatLayout, parse_boot
from drivers.fat.partitions import find_volume
from drivers.fat.reading import Reading
from drivers.fat.region import Region, damaged
from drivers.fat.tree import Node, Tree, walk
from drivers.worker.messages import Clip
from edged.errors import CameraError, ErrorCode


@dataclass(frozen=True, slots=True)
class Listing:
    """Every regular file of the card, in the order of its directories.

    ``complete`` is False when damage or a bound may have kept a file from being listed or read whole;
    nothing is cleared then.
    """

    clips: tuple[Clip, ...]
    problems: tuple[str, ...]
    complete: bool


_Key: TypeAlias = tuple[str, int, str, int]


def _key(clip: Clip) -> _Key:
    return clip.path, clip.size, clip.mtime, clip.first_cluster


class Volume:
    """One volume on one block device, for one plug-in. Blocking; one thread at a time.

    Reads at will; writes in ``clear`` and ``reclaim`` only. Every method may raise the CameraError of the
    device; a damaged card gives CAMERA_FILESYSTEM or a problem in the listing, never another exception.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._nodes: dict[_Key, Node] | None = None
        self.filesystem = layout.filesystem
        self.volume_id = layout.volume_id
        self.cluster_size = layout.cluster_size
        self.total_bytes = layout.clusters * layout.cluster_size

    @property
    def free_bytes(self) -> int:
        """Free clusters as counted, not as the volume's summary says; unreadable ones are not free."""
        return self._layout.free_clusters() * self.cluster_size

    def listing(self) -> Listing:
        """Read all directories and check all chains, afresh."""
        tree = self._walk()
        return Listing(tuple(node.clip for node in tree.nodes), tuple(tree.problems), tree.complete)

    def lost_clusters(self) -> int:
        """Count clusters that are allocated and that no entry owns."""
        return clearing.lost_clusters(self._layout, self._walk())

    def read(self, clip: Clip, offset: int = 0) -> Reading:
        """The bytes of a clip of the last listing, from ``offset``.

        Raises:
            CameraError: CAMERA_CHANGED: no entry is exactly as ``clip`` describes it;
                CAMERA_FILESYSTEM: it claims more bytes than the card can hold.
            ValueError: ``offset`` lies outside of the file.
        """
        if self._nodes is None:
            self._walk()
        node = (self._nodes or {}).get(_key(clip))
        if node is None:
            raise CameraError(ErrorCode.CAMERA_CHANGED, path=clip.path, size=clip.size)
        if clip.size > self.total_bytes:
            raise damaged("file larger than the card", path=clip.path, size=clip.size)
        return Reading(self._layout, node, offset)

    def clear(self, clips: Sequence[Clip]) -> ClearResult:
        """Remove these clips, each only if its entry is exactly as described. See drivers.fat.clearing."""
        self._nodes = None
        return clearing.clear(self._layout, clips)

    def reclaim(self, gone: Sequence[Clip] | None = None) -> int:
        """Put in order what a cut clearing left; return the clusters set free. See drivers.fat.clearing.

        ``gone``: the clips that it was to remove and that are gone. If anything without owner may not have been
        theirs, the camera lost it itself: nothing is done.
        """
        self._nodes = None
        return clearing.reclaim(self._layout, gone)

    def _walk(self) -> Tree:
        tree = walk(self._layout)
        self._nodes = {_key(node.clip): node for node in tree.nodes}
        return tree


def open_volume(device: BlockDevice) -> Volume:
    """Find and open the card's volume. Writes nothing.

    Raises:
        CameraError: CAMERA_FILESYSTEM: neither FAT nor exFAT, or its boot sector cannot be true; and
            what the device raises.
    """
    place = find_volume(Region(device))
    if is_exfat(place.boot):
        return Volume(ExfatLayout(place.region, place.boot, place.problems))
    boot = parse_boot(place.boot)
    if boot is None:
        raise damaged("neither FAT nor exFAT")
    return Volume(FatLayout(place.region, boot, place.problems))
