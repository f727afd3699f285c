"""What a directory holds, in the terms both families of file systems share."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from drivers.fat.cluster_set import ClusterSet, Run
from drivers.fat.region import Region
from drivers.fat.table import Table

RECORD = 32
"""Bytes of one directory record, on FAT and exFAT alike."""

Record: TypeAlias = tuple[int, bytes]
"""Byte offset in the region, and the 32 bytes that lie there."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or directory as its records describe it; nothing here has been checked against the table."""

    name: str  # escaped (names.py)
    directory: bool
    size: int  # bytes; of an exFAT directory its allocation, of a FAT directory 0
    valid: int  # bytes that were ever written; behind them the file reads as zeros
    mtime: str
    first_cluster: int
    contiguous: bool  # exFAT's NoFatChain: the table does not hold it
    records: tuple[int, ...]  # byte offsets in the region
    commit: int  # the record with whose removal the entry is gone: short entry, or primary
    flaw: str = ""  # damage of the records themselves
    oddity: str = ""  # not damage, but we do not understand it well enough to remove it


@dataclass(frozen=True, slots=True)
class Stray:
    """Records in use that belong to no entry: what a power cut left of a long name."""

    records: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Flaw:
    """Records that cannot be what they claim; something may be hidden there."""

    text: str
    lost: bool = True  # False: unknown, but nothing of ours is kept from being listed


Found: TypeAlias = Entry | Stray | Flaw


class Layout(Protocol):
    """One file system's geometry and formats, under the rules that tree, reader and clearing share."""

    filesystem: str
    volume_id: str
    region: Region
    table: Table
    heap: int  # byte offset of cluster 2
    cluster_size: int
    clusters: int
    directory_bytes: int  # no directory is longer
    foreign: tuple[str, ...]  # what else the device holds that nobody looks at
    filler: int  # first byte of a record not in use that ends nothing

    def root(self) -> tuple[int, tuple[Run, ...]]:
        """First cluster of the root directory (0: none), or the byte runs of a fixed one."""
        ...

    def system_chains(self) -> Iterable[tuple[str, int, int]]:
        """What else owns clusters: name, first cluster, bytes."""
        ...

    def parse(self, records: Iterator[Record], *, root: bool) -> Iterator[Found]: ...

    def deleted(self, first_byte: int) -> int:
        """The first byte of a record once it is not in use any more."""
        ...

    def free_clusters(self) -> int: ...

    def allocated_clusters(self) -> int: ...

    def allocated(self) -> ClusterSet: ...

    def contradictions(self, used: ClusterSet) -> Iterable[str]:
        """What is wrong with the books on free clusters, seen beside the clusters that entries own."""
        ...

    def release(self, gone: ClusterSet) -> None:
        """Mark clusters free, in every copy of what says so."""
        ...

    def mend(self) -> None:
        """Make copies of the table equal."""
        ...

    def summarise(self, free: int) -> None:
        """Write the volume's own summary of free space, if it keeps one and it differs."""
        ...

    def forget(self) -> None:
        """Drop all that was read of what can change."""
        ...
