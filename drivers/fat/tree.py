"""One walk over a card: every entry, every chain, and what is wrong with them.

Rule 1: every cluster is claimed once. A chain that meets a claimed cluster ends there, so circles and
cross-links end the walk of a chain and not the program.
Rule 2: everything has a bound: entries, depth, bytes of directories and of names, steps in the table.
What lies behind a bound is not listed, and then the tree is not complete.
Rule 3: a file with damage is listed all the same; `whole` says how much of its chain can be followed.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field

from drivers.fat.claims import Claim, Claims
from drivers.fat.cluster_set import FIRST, ClusterSet, Run
from drivers.fat.entries import RECORD, Entry, Flaw, Layout, Record, Stray
from drivers.fat.region import damaged
from drivers.fat.table import BrokenChainError
from drivers.worker.messages import Clip

MAX_ENTRIES = 65_536
MAX_DEPTH = 32
MAX_DIRECTORY_BYTES = 64 << 20  # 65,536 entries with names of full length need 40 MiB (exFAT), 44 MiB (FAT)
MAX_PATH_CHARACTERS = 16 << 20
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


class Walk:
    """See ``walk``."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._claims = Claims(layout.table, layout.clusters, layout.cluster_size)
        self.tree = Tree(self._claims.used)
        self._shared: dict[int, str] = {}  # cluster claimed twice, and who came second
        self._entries = 0
        self._directory_bytes = MAX_DIRECTORY_BYTES
        self._characters = MAX_PATH_CHARACTERS

    def run(self) -> Tree:
        for problem in self._layout.foreign:
            self.tree.problem(problem)
        folders = [self._root()]
        for name, first, size in self._layout.system_chains():
            claim = self._claims.claim(first, size, contiguous=False)
            if claim.fault or claim.clusters < self._claims.needed(size):
                self.tree.problem(f"the {name}: {claim.fault or 'its chain is too short'}")
        while folders:
            try:
                inner = list(self._folder(folders.pop()))
            except _BoundReached as bound:
                self.tree.problem(str(bound))
                break
            folders += reversed(inner)
        if self._shared:
            self._name_first_owners()
        for problem in self._layout.contradictions(self.tree.used):
            self.tree.problem(problem)
        return self.tree

    def _root(self) -> _Folder:
        first, runs = self._layout.root()
        return _Folder("", 0, runs) if runs else self._open("", 0, first, 0, contiguous=False)

    def _open(self, path: str, depth: int, first: int, size: int, *, contiguous: bool) -> _Folder:
        """Claim a directory's clusters. ``size`` 0: as long as its chain is."""
        claim = self._claims.claim(first, size, contiguous=contiguous, keep=True)
        width = self._layout.cluster_size
        held = claim.clusters * width
        name = path or "/"
        if fault := claim.fault or ("its chain is too short" if held < size else ""):
            self.tree.problem(f"{name}: {fault}")
            self._crossed(claim, name)
        left = min(self._layout.directory_bytes, size or held)
        if left <= held - width:
            self.tree.problem(f"{name}: a directory longer than it may be")
        runs = []
        for start, count in claim.runs:
            runs.append((self._layout.heap + (start - FIRST) * width, min(left, count * width)))
            left -= runs[-1][1]
        return _Folder(path, depth, tuple(run for run in runs if run[1]))

    def _crossed(self, claim: Claim, path: str) -> None:
        if claim.shared and len(self._shared) < MAX_PROBLEMS:
            self._shared.setdefault(claim.shared, path)

    def _folder(self, folder: _Folder) -> Iterator[_Folder]:
        """Take in one directory; yield those within."""
        records = self._records(folder)
        names: set[str] = set()
        for found in self._layout.parse(records, root=folder.depth == 0):
            if isinstance(found, Stray):
                self.tree.strays += found.records[: MAX_STRAYS - len(self.tree.strays)]
            elif isinstance(found, Flaw):
                self.tree.problem(f"{folder.path or '/'}: {found.text}", lost=found.lost)
            else:
                path = self._path(folder, found)
                if found.name.casefold() in names:
                    self.tree.problem(f"{path}: two entries of this name", lost=False)
                names.add(found.name.casefold())
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
        needed = self._claims.needed(entry.size)
        if needed > self._layout.clusters:
            self.tree.problem(f"{path}: it claims {entry.size} bytes, more than the card has")
            return Node(clip, entry, 0, "it claims more than the card has")
        if not entry.size and not entry.first_cluster:
            return Node(clip, entry, 0, entry.flaw or entry.oddity)
        claim = self._claims.claim(entry.first_cluster, entry.size, contiguous=entry.contiguous)
        if claim.fault or claim.clusters < needed:
            reason = claim.fault or f"its chain has {claim.clusters} of {needed} clusters"
            self.tree.problem(f"{path}: {reason}")
            self._crossed(claim, path)
            return Node(clip, entry, min(claim.clusters, needed), reason)
        if claim.clusters > needed:
            reason = f"{claim.clusters - needed} clusters are chained behind its end"
            self.tree.problem(f"{path}: {reason}", lost=False)
            return Node(clip, entry, needed, reason)
        return Node(clip, entry, needed, entry.flaw or entry.oddity)

    def _name_first_owners(self) -> None:
        """Say of each cluster claimed twice which file had it first: that one is in doubt as well."""
        crossed = sorted(self._shared)
        for node in self.tree.nodes:
            for start, count in cluster_runs(self._layout, node):
                for cluster in crossed[bisect_left(crossed, start) : bisect_left(crossed, start + count)]:
                    if self._shared[cluster] != node.clip.path:
                        second = self._shared[cluster]
                        self.tree.problem(f"{node.clip.path}: cluster {cluster} is also part of {second}")

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


def cluster_runs(layout: Layout, node: Node) -> Iterator[Run]:
    """The file's clusters, as far as its chain is whole.

    Raises:
        CameraError: CAMERA_FILESYSTEM: the table says otherwise than when it was listed.
    """
    entry, left = node.entry, node.whole
    if left and entry.contiguous:
        yield entry.first_cluster, left
        return
    chain = layout.table.chain(entry.first_cluster)
    while left:
        try:
            start, count = next(chain)
        except (StopIteration, BrokenChainError) as broken:
            raise damaged("chain changed since it was listed", path=node.clip.path) from broken
        yield start, min(count, left)
        left -= min(count, left)


class _BoundReached(Exception):
    pass


def walk(layout: Layout) -> Tree:
    """Read the whole tree afresh.

    Raises:
        CameraError: of the device, unreadable sectors excepted; damage on the card is a problem in the tree.
    """
    layout.forget()
    return Walk(layout).run()
