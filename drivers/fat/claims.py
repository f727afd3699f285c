"""Who owns which cluster: every cluster is claimed once, and a chain that meets a claimed one ends there."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from drivers.fat.cluster_set import FIRST, ClusterSet, Run
from drivers.fat.table import BrokenChainError, Table

MAX_FRAGMENTS = 1 << 23
"""Runs followed in one walk. Two files written turn by turn have one cluster a run: a 256 GiB card full
of such pairs stays below this."""
MAX_KEPT = 1 << 17
"""Runs remembered in one walk; those of directories only."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What one chain was good for."""

    clusters: int
    fault: str = ""
    shared: int = 0  # the cluster that was claimed before, if that is the fault
    runs: tuple[Run, ...] = ()


class Claims:
    """The clusters owned so far, and what is left of the walk's bounds."""

    def __init__(self, table: Table, clusters: int, cluster_size: int) -> None:
        self.used = ClusterSet(clusters)
        self._table = table
        self._end = FIRST + clusters
        self._cluster_size = cluster_size
        self._fragments = MAX_FRAGMENTS
        self._kept = MAX_KEPT
        # A sound card has each cluster in one chain; the rest is for looking at damaged ones.
        self._steps = 4 * clusters + 65_536

    def needed(self, size: int) -> int:
        """How many clusters ``size`` bytes take."""
        return -(-size // self._cluster_size)

    def claim(self, first: int, size: int, *, contiguous: bool, keep: bool = False) -> Claim:
        """Claim a chain, as far as it can be followed."""
        runs: list[Run] = []
        clusters, fault, shared = 0, "", 0
        try:
            for run in self.chain(first, size, contiguous=contiguous):
                self._spend(run[1], keep=keep)
                mine = self._take(run)
                clusters += mine
                if keep:
                    runs.append((run[0], mine))
                if mine < run[1]:
                    shared = run[0] + mine
                    fault = f"cluster {shared} is in a circle or belongs to another file"
                    break
        except BrokenChainError as broken:
            fault = f"its chain {broken}"
        return Claim(clusters, fault, shared, tuple(runs))

    def chain(self, first: int, size: int, *, contiguous: bool) -> Iterable[Run]:
        """The runs of a file, by the table or by its entry alone."""
        return self._contiguous(first, size) if contiguous else self._table.chain(first)

    def _contiguous(self, first: int, size: int) -> Iterator[Run]:
        count = self.needed(size)
        if first < FIRST or first + count > self._end:
            raise BrokenChainError("leaves the volume")
        if count:
            yield first, count

    def _spend(self, clusters: int, *, keep: bool) -> None:
        self._fragments -= 1
        self._steps -= clusters
        self._kept -= keep
        if self._fragments < 0 or self._steps < 0 or self._kept < 0:
            raise BrokenChainError("is not followed: the table is too fragmented or damaged")

    def _take(self, run: Run) -> int:
        """Claim a run, or its beginning up to the first cluster that is claimed already."""
        if self.used.add(run):
            return run[1]
        taken = 0
        while taken < run[1] and self.used.add((run[0] + taken, 1)):
            taken += 1
        return taken
