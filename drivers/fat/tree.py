"""One walk over a card: every entry, every chain, and what is wrong with them.

Rule 1: every cluster is claimed once. A chain that meets a claimed cluster ends there, so circles and
cross-links end the walk of a chain and not the program.
Rule 2: everything has a bound: entries, depth, bytes of directories and of names, steps in the table.
What lies behind a bound is not listed, and then the tree is not complete.
Rule 3: a file with damage is listed all the same; `whole` says how much of its chain can be followed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from drivers.fat.cluster_set import FIRST, ClusterSet, Run
from drivers.fat.entries import RECORD, Entry, Flaw, Layout, Record, Stray
from drivers.fat.table import BrokenChainError
from drivers.worker.messages import Clip

MAX_ENTRIES = 65_536
MAX_DEPTH = 32
MAX_DIRECTORY_BYTES = 64 << 20  # 65,536 entries with names of full length need 40 MiB (exFAT), 44 MiB (FAT)
MAX_PATH_CHARACTERS = 16 << 20
MAX_FRAGMENTS = 1 << 21
MAX_PROBLEMS = 100
MAX_SENTENCE = 300
MAX_STRAYS = 65_536
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Node:
    """A regular file: as the card describes it, and what its chain is worth."""

    clip: Clip
    entry: Entry
    whole: int  # clusters that can be followed from the first one
    reason: str = ""  # why it may not be removed; "" if it may


@dataclass(slots=True)
class Tree:
    used: ClusterSet
    nodes: list[Node] = field(default_factory=list)
    strays: list[int] = field(default_factory=list)  # offsets of records
    problems: list[str] = field(default_factory=list)
    complete: bool = True

    def problem(self, sentence: str, *, lost: bool = True) -> None:
        """Note a problem; ``lost``: it may keep something from being listed or read."""
        self.complete = self.complete and not lost
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(sentence[:MAX_SENTENCE])


@dataclass(frozen=True, slots=True)
class _Folder:
    path: str
    depth: int
    runs: tuple[Run, ...]  # byte offset and size


@dataclass(frozen=True, slots=True)
class _Claim:
    runs: list[Run]
    clusters: int
    fault: str = ""


class Walk:
    """See ``walk``."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.tree = Tree(ClusterSet(layout.clusters))
        self._entries = 0
        self._directory_bytes = MAX_DIRECTORY_BYTES
        self._characters = MAX_PATH_CHARACTERS
        self._fragments = MAX_FRAGMENTS
        # A sound card has each cluster in one chain; the rest is for looking at damaged ones.
        self._steps = 4 * layout.clusters + 65_536

    def run(self) -> Tree:
        for problem in self._layout.foreign:
            self.tree.problem(problem)
        folders = [self._root()]
        for name, first, size in self._layout.system_chains():
            claim = self._claim(first, size, contiguous=False)
            if claim.fault or claim.clusters < self._needed(size):
                self.tree.problem(f"the {name}: {claim.fault or 'its chain is too short'}")
        while folders:
            try:
                inner = list(self._folder(folders.pop()))
            except _BoundReached as bound:
                self.tree.problem(str(bound))
                break
            folders += reversed(inner)
        for problem in self._layout.contradictions(self.tree.used):
            self.tree.problem(problem)
        return self.tree

    def _root(self) -> _Folder:
        first, runs = self._layout.root()
        return _Folder("", 0, runs) if runs else self._open("", 0, first, 0, contiguous=False)

    def _open(self, path: str, depth: int, first: int, size: int, *, contiguous: bool) -> _Folder:
        """Claim a directory's clusters."""
        limit = self._layout.directory_bytes
        claim = self._claim(first, size, contiguous=contiguous)
        name = path or "the root directory"
        if claim.fault or claim.clusters < self._needed(size):
            self.tree.problem(f"{name}: {claim.fault or 'its chain is too short'}")
        width, left, runs = self._layout.cluster_size, min(limit, size or limit), []
        for start, count in claim.runs:
            length = min(left, count * width)
            runs.append((self._layout.heap + (start - FIRST) * width, length))
            left -= length
        return _Folder(path, depth, tuple(run for run in runs if run[1]))

    def _folder(self, folder: _Folder) -> Iterator[_Folder]:
        """Take in one directory; yield those within."""
        records = self._records(folder)
        for found in self._layout.parse(records, root=folder.depth == 0):
            if isinstance(found, Stray):
                self.tree.strays += found.records[: MAX_STRAYS - len(self.tree.strays)]
            elif isinstance(found, Flaw):
                self.tree.problem(f"{folder.path or '/'}: {found.text}", lost=found.lost)
            else:
                path = self._path(folder, found)
                if found.directory:
                    yield from self._directory(folder, found, path)
                else:
                    self.tree.nodes.append(self._file(found, path))

    def _path(self, folder: _Folder, entry: Entry) -> str:
        self._entries += 1
        path = f"{folder.path}/{entry.name}"
        self._characters -= len(path)
        if self._entries > MAX_ENTRIES:
            raise _BoundReached(f"more than {MAX_ENTRIES} entries")
        if self._characters < 0:
            raise _BoundReached("more names than are taken in")
        if entry.flaw:
            self.tree.problem(f"{path}: {entry.flaw}")
        elif entry.oddity:
            self.tree.problem(f"{path}: {entry.oddity}", lost=False)
        return path

    def _directory(self, folder: _Folder, entry: Entry, path: str) -> Iterator[_Folder]:
        if folder.depth >= MAX_DEPTH:
            self.tree.problem(f"{path}: directories are nested deeper than {MAX_DEPTH}")
        elif entry.first_cluster or entry.size:
            contiguous = entry.contiguous
            yield self._open(path, folder.depth + 1, entry.first_cluster, entry.size, contiguous=contiguous)
        elif self._layout.filesystem != "exfat":
            self.tree.problem(f"{path}: a directory without clusters")

    def _file(self, entry: Entry, path: str) -> Node:
        clip = Clip(path=path, size=entry.size, mtime=entry.mtime, first_cluster=entry.first_cluster)
        needed = self._needed(entry.size)
        if needed > self._layout.clusters:
            self.tree.problem(f"{path}: it claims {entry.size} bytes, more than the card has")
            return Node(clip, entry, 0, "it claims more than the card has")
        if not entry.size and not entry.first_cluster:
            return Node(clip, entry, 0, entry.flaw or entry.oddity)
        claim = self._claim(entry.first_cluster, entry.size, contiguous=entry.contiguous)
        if claim.fault or claim.clusters < needed:
            reason = claim.fault or f"its chain has {claim.clusters} of {needed} clusters"
            self.tree.problem(f"{path}: {reason}")
            return Node(clip, entry, min(claim.clusters, needed), reason)
        if claim.clusters > needed:
            reason = f"{claim.clusters - needed} clusters are chained behind its end"
            self.tree.problem(f"{path}: {reason}", lost=False)
            return Node(clip, entry, needed, reason)
        return Node(clip, entry, needed, entry.flaw or entry.oddity)

    def _claim(self, first: int, size: int, *, contiguous: bool) -> _Claim:
        """Take a chain's clusters into ``used``, as far as it can be followed."""
        chain: Iterable[Run] = (
            self._contiguous(first, size) if contiguous else self._layout.table.chain(first)
        )
        runs: list[Run] = []
        clusters = 0
        try:
            for run in chain:
                self._fragments -= 1
                self._steps -= run[1]
                if self._fragments < 0 or self._steps < 0:
                    return _Claim(runs, clusters, "not followed: the table is too fragmented or damaged")
                mine = self._take(run)
                clusters += mine
                runs.append((run[0], mine))
                if mine < run[1]:
                    where = run[0] + mine
                    return _Claim(
                        runs, clusters, f"cluster {where} is in a circle or belongs to another file"
                    )
        except BrokenChainError as broken:
            return _Claim(runs, clusters, f"its chain {broken}")
        return _Claim(runs, clusters)

    def _contiguous(self, first: int, size: int) -> Iterator[Run]:
        count = self._needed(size)
        if first < FIRST or first + count > FIRST + self._layout.clusters:
            raise BrokenChainError("leaves the volume")
        yield first, count

    def _take(self, run: Run) -> int:
        """Claim a run, or its beginning up to the first cluster that is claimed already."""
        if self.tree.used.add(run):
            return run[1]
        taken = 0
        while taken < run[1] and self.tree.used.add((run[0] + taken, 1)):
            taken += 1
        return taken

    def _records(self, folder: _Folder) -> Iterator[Record]:
        for start, size in folder.runs:
            for at in range(start, start + size, _PIECE):
                piece = self._piece(folder, at, min(_PIECE, start + size - at))
                for inner in range(0, len(piece) - RECORD + 1, RECORD):
                    self._directory_bytes -= RECORD
                    if self._directory_bytes < 0:
                        raise _BoundReached("more directory records than are taken in")
                    yield at + inner, piece[inner : inner + RECORD]

    def _piece(self, folder: _Folder, offset: int, size: int) -> bytes:
        """Read a piece of a directory; what the medium does not give counts as not in use."""
        piece, whole = self._layout.region.salvage(offset, size, self._layout.filler)
        if not whole:
            self.tree.problem(f"{folder.path or '/'}: a part of this directory cannot be read")
        return piece

    def _needed(self, size: int) -> int:
        return -(-size // self._layout.cluster_size)


class _BoundReached(Exception):
    pass


def walk(layout: Layout) -> Tree:
    """Read the whole tree afresh.

    Raises:
        CameraError: of the device, unreadable sectors excepted; damage on the card is a problem in the tree.
    """
    layout.forget()
    return Walk(layout).run()
