"""Removing files so that a power cut at any write damages nothing.

The writes go out in four phases with a sync after each; within a phase their order does not matter.

1. In every sector that holds the commit record of a file to be removed (FAT: the short entry; exFAT: the
   primary), all records of these files that lie in the same sector. One sector is the unit that a cut
   leaves old or new, so each file is there as before or gone.
2. Records of these files in other sectors. A cut before leaves records that no reader takes for a file.
3. Clusters: both tables, or the bitmap. A cut before leaves clusters that nobody owns.
4. The volume's summary of free space. A cut before leaves a number that is too low.

What a cut left behind ``reclaim`` puts in order: strays of phase 2, ownerless clusters, unequal tables,
the summary. No file is ever moved, renamed or shortened, and no dirty mark is set or taken away.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from drivers.fat.cluster_set import FIRST, ClusterSet
from drivers.fat.entries import Layout
from drivers.fat.region import damaged
from drivers.fat.tree import Node, Tree, cluster_runs, walk
from drivers.worker.messages import Clip
from edged.errors import CameraError, CameraLostError, ErrorCode


@dataclass(frozen=True, slots=True)
class ClearResult:
    """Paths removed and refused; free bytes as counted before and after, and as they had to be."""

    cleared: tuple[str, ...]
    refused: tuple[str, ...]
    free_before: int
    free_after: int
    free_expected: int


def clear(layout: Layout, clips: Sequence[Clip]) -> ClearResult:
    """Remove ``clips``, each only if its entry is exactly as described.

    Raises:
        CameraError: CAMERA_FILESYSTEM if the card is not fit to be written; CLEAR_FAILED if the card
            does not take the writes; CAMERA_LOST and CAMERA_SILENT of the device.
    """
    tree = walk(layout)
    if not tree.complete:
        raise damaged(
            "nothing is cleared on a damaged card", problem=tree.problems[0] if tree.problems else ""
        )
    chosen, refused = _match(tree, clips)
    width, before = layout.cluster_size, layout.free_clusters()
    gone = ClusterSet(layout.clusters)
    for node in chosen:
        for run in cluster_runs(layout, node):
            gone.add(run)
    if chosen:
        try:
            _remove_records(layout, chosen)
            layout.release(gone)
            layout.region.sync()
            layout.forget()
            layout.summarise(layout.free_clusters())
            layout.region.sync()
            _check(layout, tree, chosen)
        except CameraLostError:
            raise
        except CameraError as error:
            raise _failed(error) from error
    return ClearResult(
        cleared=tuple(node.clip.path for node in chosen),
        refused=refused,
        free_before=before * width,
        free_after=layout.free_clusters() * width,
        free_expected=(before + len(gone)) * width,
    )


def reclaim(layout: Layout, gone: Sequence[Clip] | None = None) -> int:
    """Put in order what a cut left behind; return the number of clusters set free.

    Frees whatever no entry owns: the caller decides when that is ours to do (docs/filesystems.md). Does
    nothing and returns 0 unless the listing is complete and free of problems, and, where ``gone`` names the
    clips that the cut clearing has taken out of the directories, unless what has no owner was surely theirs.
    Raises as ``clear``.
    """
    tree = walk(layout)
    lost = lost_clusters(layout, tree)
    if tree.problems or not tree.complete or not (gone is None or _were_theirs(layout, tree, lost, gone)):
        return 0
    try:
        _put_in_order(layout, tree, lost)
    except CameraLostError:
        raise
    except CameraError as error:
        raise _failed(error) from error
    return lost


def lost_clusters(layout: Layout, tree: Tree) -> int:
    """Count clusters that are allocated and that no entry owns."""
    return max(0, layout.allocated_clusters() - len(tree.used))


def _were_theirs(layout: Layout, tree: Tree, lost: int, gone: Sequence[Clip]) -> bool:
    """Whether no cluster without owner can be anything else: the remains of a recording that the camera itself lost
    are evidence. So they are none at all, as many as the clips had, or lie where a clip in one piece has lain."""
    needed = [(clip.first_cluster, -(-clip.size // layout.cluster_size)) for clip in gone]
    if lost in (0, sum(count for _, count in needed)):
        return True
    theirs = ClusterSet(layout.clusters)
    for first, count in needed:
        if first >= FIRST and first + count <= FIRST + layout.clusters:
            theirs.add((first, count))
    return not len(layout.allocated().without(tree.used).without(theirs))


def _put_in_order(layout: Layout, tree: Tree, lost: int) -> None:
    _mark(layout, tree.strays)
    layout.region.sync()
    if lost:
        layout.release(layout.allocated().without(tree.used))
        layout.region.sync()
    layout.mend()
    layout.region.sync()
    layout.forget()
    layout.summarise(layout.free_clusters())
    layout.region.sync()


def _match(tree: Tree, clips: Sequence[Clip]) -> tuple[list[Node], tuple[str, ...]]:
    """Split the request into nodes that are exactly as described, and paths that are not."""
    by_path: dict[str, list[Node]] = {}
    for node in tree.nodes:
        by_path.setdefault(node.clip.path, []).append(node)
    chosen: dict[str, Node] = {}
    refused: dict[str, None] = {}
    for clip in clips:
        nodes = by_path.get(clip.path, [])
        # Two entries of one name: nobody could say later which of them is gone.
        if len(nodes) == 1 and nodes[0].clip == clip and not nodes[0].reason:
            chosen[clip.path] = nodes[0]
        else:
            refused[clip.path] = None
    return [node for path, node in chosen.items() if path not in refused], tuple(refused)


def _remove_records(layout: Layout, nodes: Iterable[Node]) -> None:
    """Phases 1 and 2."""
    unit = layout.region.sector_size
    with_commit: list[int] = []
    elsewhere: list[int] = []
    for node in nodes:
        home = node.entry.commit // unit
        for offset in node.entry.records:
            (with_commit if offset // unit == home else elsewhere).append(offset)
    for phase in (with_commit, elsewhere):
        _mark(layout, phase)
        layout.region.sync()


def _mark(layout: Layout, offsets: Iterable[int]) -> None:
    """Take records out of use, all of a sector in one write."""
    unit = layout.region.sector_size
    by_sector: dict[int, list[int]] = {}
    for offset in offsets:
        by_sector.setdefault(offset // unit, []).append(offset % unit)
    for sector, places in by_sector.items():
        raw = bytearray(layout.region.read(sector * unit, unit))
        for place in places:
            raw[place] = layout.deleted(raw[place])
        layout.region.replace(sector * unit, bytes(raw))


def _check(layout: Layout, before: Tree, removed: Sequence[Node]) -> None:
    """Look again: the removed are gone, all others are as they were."""
    after = walk(layout)
    gone = {node.clip.path for node in removed}
    wanted = [node.clip for node in before.nodes if node.clip.path not in gone]
    if not after.complete or [node.clip for node in after.nodes] != wanted:
        raise CameraError(ErrorCode.CLEAR_FAILED, reason="the card does not show what was written")


def _failed(error: CameraError) -> CameraError:
    if error.code in (ErrorCode.CAMERA_LOST, ErrorCode.CAMERA_SILENT, ErrorCode.CLEAR_FAILED):
        return error
    return CameraError(ErrorCode.CLEAR_FAILED, reason=error.code.text, cause=error.code.number)
