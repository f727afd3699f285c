"""A file system in memory that forgets what was not synced.

It keeps the promises of `edged.ports.FileSystem` and no more than these:

1. Bytes of a file survive a power cut if `sync` or `sync_data` returned after they were written.
2. A name in a folder (created, renamed, removed; a folder's too) survives if `sync_dir` of that folder returned.
3. A `sync` that failed has lost the bytes: reading shows them until the cut, and no later `sync`
   makes them durable unless they are written again (this is what Linux does).
4. Everything else is lost, or, with a `rng`, kept in part: any subset of unsynced 512-byte blocks
   and any subset of the unsynced changes of a folder's names; a rename within a folder is one change.

    fs = MemoryFS()
    fs.fail("sync_data", errno.EIO, path="current.jsonl")   # the next one that matches
    fs.cut_after = 7                                        # the power goes at the eighth step
    ...
    fs.power_cut()                                          # what is left is what the next boot finds
"""

import errno as numbers
import os
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from threading import RLock

from edged.ports import File, FileStat, Medium, Space, Uncached

BLOCK = 512
UNLIMITED = 1 << 40
Lock = AbstractContextManager[object]


class PowerCut(Exception):
    """The machine is off: every call raises this until `MemoryFS.power_cut` has been called."""


@dataclass(eq=False, slots=True)
class Node:
    """A file's bytes as running programs see them, and as they lie on the medium."""

    live: bytearray = field(default_factory=bytearray)
    durable: bytes = b""
    dirty: set[int] = field(default_factory=set)  # numbers of blocks written since the last sync
    reserved: int = 0
    protected: bool = False
    mtime_ns: int = 0

    def write(self, offset: int, data: bytes | memoryview) -> None:
        start, end = min(offset, len(self.live)), offset + len(data)
        self.live.extend(bytes(max(0, offset - len(self.live))))
        self.live[offset:end] = data
        self.dirty.update(range(start // BLOCK, (end + BLOCK - 1) // BLOCK))

    def cut(self, size: int) -> None:
        if size > len(self.live):
            self.write(len(self.live), bytes(size - len(self.live)))
        del self.live[size:]

    def after_sync(self, size: int, blocks: Iterable[int]) -> bytes:
        """The medium's bytes once it has this size and holds these blocks."""
        out = bytearray(self.durable.ljust(size, b"\0")[:size])
        for start in (number * BLOCK for number in blocks):
            out[start : start + BLOCK] = self.live[start : min(start + BLOCK, size)]
        return bytes(out[:size])


@dataclass(eq=False, slots=True)
class Folder:
    live: dict[str, "Entry"] = field(default_factory=dict)
    durable: dict[str, "Entry"] = field(default_factory=dict)
    changes: list["Change"] = field(default_factory=list)

    def put(self, change: "Change") -> None:
        """Make one change, which a power cut keeps whole or not at all; None: the name goes."""
        self.changes.append(change)
        _apply(self.live, change)

    def sync(self) -> None:
        self.durable, self.changes = dict(self.live), []


Entry = Node | Folder
Change = dict[str, Entry | None]


@dataclass(slots=True)
class Fault:
    call: str
    errno: int
    path: str
    skip: int
    times: int


class MemoryFS:
    """Implements `edged.ports.FileSystem`. Safe to call from several threads.

    Attributes:
        steps: calls so far that change something or make it durable; a test repeats itself with
            ``cut_after`` = 0, 1, 2 … to cut at each.
        cut_after: number of steps that are still carried out; None: no cut.
        capacity: bytes; writing or allocating beyond raises ENOSPC.
        weather: called with every call and its path before it is carried out; what it raises is the
            disk's answer.
        open_files: how many files are open.
    """

    def __init__(self, *, capacity: int = UNLIMITED) -> None:
        self.capacity = capacity
        self.free_inodes = 1_000_000
        self.steps = 0
        self.cut_after: int | None = None
        self.calls: list[tuple[str, str]] = []
        self.memory_folders: set[str] = set()
        self.uuid = "5EA1-ED07"
        self.weather: Callable[[str, str], None] = lambda _call, _path: None
        self.open_files = 0
        self._root = Folder()
        self._folders: dict[str, Folder] = {"/": self._root}  # the live ones, by path
        self._faults: list[Fault] = []
        self._epoch = 0
        self._off = False
        self._lock = RLock()

    # --- what a test does to the world -----------------------------------------------------------

    def fail(self, call: str, errno: int, *, path: str = "", skip: int = 0, times: int = 1) -> None:
        """Let ``call`` ("write_at", "sync", "rename", …) fail for paths that contain ``path``."""
        self._faults.append(Fault(call, errno, path, skip, times))

    def power_cut(self, rng: random.Random | None = None) -> None:
        """Go back to what is durable (with ``rng``: plus any part of the rest) and switch on again."""
        with self._lock:
            self._folders = {}
            self._settle("/", self._root, rng)
            self._epoch += 1
            self.open_files = 0
            self._off, self.cut_after = False, None

    def _settle(self, path: str, folder: Folder, rng: random.Random | None) -> None:
        """Of this folder and all below, keep what is durable and any part of the rest."""
        for change in folder.changes:
            if rng and rng.random() < 0.5:
                _apply(folder.durable, change)
        folder.live, folder.changes = dict(folder.durable), []
        self._folders[path] = folder
        for name, entry in folder.live.items():
            if isinstance(entry, Folder):
                self._settle(f"{path.rstrip('/')}/{name}", entry, rng)
            else:
                entry.durable = _torn(entry, rng) if rng else entry.durable
                entry.live, entry.dirty = bytearray(entry.durable), set()

    def put(self, path: str, data: bytes, mtime_ns: int = 0) -> None:
        """Place a durable file there, whatever was there before, as if it had always been."""
        parent, name = os.path.split(path)
        for above, below, folder in self._missing(parent):
            self._folders[folder] = above.live[below] = above.durable[below] = Folder()
        node = Node(bytearray(data), bytes(data), mtime_ns=mtime_ns)
        self._folders[parent].live[name] = self._folders[parent].durable[name] = node

    def durable(self, under: str = "/") -> dict[str, bytes]:
        """Every file below ``under`` that a power cut now would leave for certain, with its bytes."""
        folder = self._root
        for part in under.strip("/").split("/") if under.strip("/") else ():
            entry = folder.durable.get(part)
            if not isinstance(entry, Folder):
                return {}
            folder = entry
        return dict(_durable(under.rstrip("/"), folder))

    def flip(self, path: str, bit: int) -> bool:
        """Turn one bit over, on the medium and in what is read of it; False: the file has none."""
        node = self._node(path)
        if not node.durable:
            return False
        at, mask = bit // 8 % len(node.durable), 1 << bit % 8
        node.durable = node.durable[:at] + bytes([node.durable[at] ^ mask]) + node.durable[at + 1 :]
        if at < len(node.live):
            node.live[at] ^= mask
        return True

    def files(self, under: str = "/") -> dict[str, bytes]:
        """Every file below ``under`` as running programs see it, by absolute path."""
        base = under.rstrip("/") + "/"
        return {
            f"{folder.rstrip('/')}/{name}": bytes(entry.live)
            for folder, content in self._folders.items()
            if f"{folder.rstrip('/')}/".startswith(base)
            for name, entry in content.live.items()
            if isinstance(entry, Node)
        }

    # --- edged.ports.FileSystem ------------------------------------------------------------------

    def create(self, path: str) -> File:
        with self._step("create", path):
            parent, name = self._parent(path)
            if name in parent.live:
                raise OSError(numbers.EEXIST, "exists", path)
            node = Node()
            parent.put({name: node})
            return MemoryFile(self, path, node, self._epoch)

    def open(self, path: str, *, write: bool = False) -> File:
        with self._call("open", path):
            if write and self._node(path).protected:
                raise OSError(numbers.EACCES, "sealed", path)
            return MemoryFile(self, path, self._node(path), self._epoch, readable_only=not write)

    def open_uncached(self, path: str) -> Uncached:
        with self._call("open_uncached", path):
            return MemoryUncached(self, path, self._node(path), self._epoch)

    def read(self, path: str, limit: int = 16 * 1024 * 1024) -> bytes:
        with self._call("read", path):
            node = self._node(path)
            if len(node.live) > limit:
                raise OSError(numbers.EFBIG, "too large", path)
            return bytes(node.live)

    def rename(self, source: str, target: str) -> None:
        with self._step("rename", target):
            self._move(source, target, over=False)

    def replace(self, source: str, target: str) -> None:
        with self._step("replace", target):
            self._move(source, target, over=True)

    def remove(self, path: str) -> None:
        with self._step("remove", path):
            self._node(path)
            parent, name = self._parent(path)
            parent.put({name: None})

    def protect(self, path: str) -> None:
        with self._step("protect", path):
            self._node(path).protected = True

    def make_dirs(self, path: str) -> None:
        """As `drivers.disk` does it: each missing folder is made, then its parent synced, a step each."""
        with self._call("make_dirs", path):
            pass
        for parent, name, folder in self._missing(path):
            with self._step("mkdir", folder):
                self._folders[folder] = made = Folder()
                parent.put({name: made})
            with self._step("sync_dir", folder.rpartition("/")[0]):
                parent.sync()

    def sync_dir(self, path: str) -> None:
        with self._step("sync_dir", path):
            self._folder(path).sync()

    def list_dir(self, path: str) -> Sequence[str]:
        with self._call("list_dir", path):
            return sorted(self._folder(path).live)

    def stat(self, path: str) -> FileStat:
        with self._call("stat", path):
            if path in self._folders:
                return FileStat(size=0, mtime_ns=0, is_dir=True)
            return FileStat(size=len(self._node(path).live), mtime_ns=self._node(path).mtime_ns, is_dir=False)

    def space(self, path: str) -> Space:
        with self._call("space", path):
            return Space(total=self.capacity, free=self.capacity - self.used(), free_inodes=self.free_inodes)

    def in_memory(self, path: str) -> bool:
        return any(path == p or path.startswith(p + "/") for p in self.memory_folders)

    def filesystem_id(self, path: str) -> str:  # one disk
        return self.uuid

    # --- inside ----------------------------------------------------------------------------------

    def over(self, growth: int) -> int:
        """By how many bytes so many more would be too many."""
        if self.capacity >= UNLIMITED:
            return 0  # counting costs time
        return max(0, self.used() + growth - self.capacity)

    def used(self) -> int:
        """Bytes taken from ``capacity``, reserved ones included."""
        every = (entry for folder in self._folders.values() for entry in folder.live.values())
        seen = {id(entry): entry for entry in every if isinstance(entry, Node)}
        return sum(max(len(n.live), n.reserved) for n in seen.values())

    def _call(self, call: str, path: str, epoch: int | None = None) -> "Lock":
        """Begin a call, or raise what becomes of it instead. To be entered for as long as it is carried out."""
        with self._lock:
            if self._off or (epoch is not None and epoch != self._epoch):
                raise PowerCut(f"{call} {path}")
            self.calls.append((call, path))
            if self._faults:
                self._meet_fault(call, path)
            self.weather(call, path)
        return self._lock

    def _step(self, call: str, path: str, epoch: int | None = None) -> "Lock":
        """As ``_call``, for what changes something or makes it durable."""
        with self._lock:
            if self.cut_after is not None and self.steps >= self.cut_after:
                self._off = True
            self._call(call, path, epoch)
            self.steps += 1
        return self._lock

    def _meet_fault(self, call: str, path: str) -> None:
        for fault in self._faults:
            if fault.call != call or fault.path not in path:
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            fault.times -= 1
            if not fault.times:
                self._faults.remove(fault)
            raise OSError(fault.errno, os.strerror(fault.errno), path)

    def _missing(self, path: str) -> Iterator[tuple[Folder, str, str]]:
        """Of the folders on the way to ``path`` that are not there: parent, name, path; the outermost first.
        Each is expected to be made before the next is asked for."""
        parent, at = self._root, ""
        for name in path.strip("/").split("/"):
            at = f"{at}/{name}"
            entry = parent.live.get(name)
            if entry is None:
                yield parent, name, at
                entry = parent.live[name]
            if not isinstance(entry, Folder):
                raise OSError(numbers.ENOTDIR, "not a folder", at)
            parent = entry

    def _folder(self, path: str) -> Folder:
        try:
            return self._folders[path.rstrip("/") or "/"]
        except KeyError:
            raise OSError(numbers.ENOENT, "no such folder", path) from None

    def _parent(self, path: str) -> tuple[Folder, str]:
        parent, _, name = path.rpartition("/")
        return self._folder(parent), name

    def _node(self, path: str) -> Node:
        folder, name = self._parent(path)
        entry = folder.live.get(name)
        if entry is None:
            raise OSError(numbers.ENOENT, "no such file", path)
        if isinstance(entry, Folder):
            raise OSError(numbers.EISDIR, "a folder", path)
        return entry

    def _move(self, source: str, target: str, *, over: bool) -> None:
        node = self._node(source)
        folder, name = self._parent(target)
        if name in folder.live and not over:
            raise OSError(numbers.EEXIST, "exists", target)
        old, old_name = self._parent(source)
        if old is folder:
            folder.put({name: node, old_name: None})
        else:
            folder.put({name: node})
            old.put({old_name: None})


def _apply(names: dict[str, Entry], change: Change) -> None:
    for name, entry in change.items():
        if entry is None:
            names.pop(name, None)
        else:
            names[name] = entry


def _durable(path: str, folder: Folder) -> Iterator[tuple[str, bytes]]:
    for name, entry in folder.durable.items():
        if isinstance(entry, Folder):
            yield from _durable(f"{path}/{name}", entry)
        else:
            yield f"{path}/{name}", entry.durable


def _torn(node: Node, rng: random.Random) -> bytes:
    """The durable bytes with any subset of the unsynced blocks over them."""
    before, after = len(node.durable), len(node.live)
    size = rng.choice((before, after, rng.randint(before, after) if before < after else after))
    return node.after_sync(size, [number for number in sorted(node.dirty) if rng.random() < 0.5])


class MemoryFile:
    """Implements `edged.ports.File`."""

    def __init__(
        self, fs: MemoryFS, path: str, node: Node, epoch: int, *, readable_only: bool = False
    ) -> None:
        self._fs, self._path, self._node, self._epoch = fs, path, node, epoch
        self._readable_only, self._open = readable_only, True
        fs.open_files += 1

    def write_at(self, offset: int, data: bytes | memoryview) -> None:
        with self._step("write_at"):
            if self._readable_only:
                raise OSError(numbers.EBADF, "opened for reading", self._path)
            node, end = self._node, offset + len(data)
            growth = max(end, len(node.live)) - max(len(node.live), node.reserved)
            if growth > 0 and (over := self._fs.over(growth)) > 0:
                node.write(
                    offset, bytes(data)[: max(0, len(data) - over)]
                )  # what fits is written, as on a disk
                raise OSError(numbers.ENOSPC, "no space", self._path)
            node.write(offset, data)

    def read_at(self, offset: int, size: int) -> bytes:
        with self._fs._call("read_at", self._path, self._epoch):
            return bytes(self._node.live[offset : offset + size])

    def size(self) -> int:
        return len(self._node.live)

    def allocate(self, size: int) -> None:
        with self._step("allocate"):
            growth = size - max(len(self._node.live), self._node.reserved)
            if growth > 0 and self._fs.over(growth) > 0:
                raise OSError(numbers.ENOSPC, "no space", self._path)
            self._node.reserved = max(size, self._node.reserved)

    def cut(self, size: int) -> None:
        with self._step("cut"):
            self._node.cut(size)
            self._node.reserved = 0

    def sync(self) -> None:
        self._flush("sync")

    def sync_data(self) -> None:
        self._flush("sync_data")

    def close(self) -> None:
        if self._open and self._epoch == self._fs._epoch:
            self._fs.open_files -= 1
        self._open = False

    def fileno(self) -> int:
        raise OSError(numbers.EBADF, "a file in memory has no descriptor", self._path)

    def _flush(self, call: str) -> None:
        try:
            with self._step(call):
                node = self._node
                node.durable = node.after_sync(len(node.live), node.dirty)
                node.dirty = set()
        except OSError:
            self._node.dirty = set()  # rule 3
            raise

    def _step(self, call: str) -> "Lock":
        if not self._open:
            raise OSError(numbers.EBADF, "closed", self._path)
        return self._fs._step(call, self._path, self._epoch)


class MemoryUncached:
    """Implements `edged.ports.Uncached`: reads what is durable, not what programs see."""

    medium = Medium.DIRECT

    def __init__(self, fs: MemoryFS, path: str, node: Node, epoch: int) -> None:
        self._fs, self._path, self._node, self._epoch = fs, path, node, epoch

    def read_at(self, offset: int, size: int) -> bytes:
        if offset % 4096 or size % 4096:
            raise OSError(numbers.EINVAL, "not a multiple of 4096", self._path)
        with self._fs._call("read_uncached", self._path, self._epoch):
            return self._node.durable[offset : offset + size]

    def close(self) -> None:
        return None
