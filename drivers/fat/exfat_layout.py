"""exFAT: where things lie, by the boot region and the root directory (Microsoft's specification, 3 to 7)."""

import struct
from collections.abc import Iterable, Iterator

from drivers.fat import exfat_entries
from drivers.fat.cluster_set import MAX_CLUSTERS, ClusterSet, Run
from drivers.fat.entries import Found, Record
from drivers.fat.region import PATIENCE, Region, damaged
from drivers.fat.table import EXFAT, BrokenChainError, Table

MOST_DIRECTORY_BYTES = 256 << 20  # specification 7.4, DataLength of a directory
MOST_UPCASE_BYTES = 131_072  # specification 7.2: 65,536 units
_BOOT = struct.Struct("<QIIIIIIHHBBB")
_PERCENT = 112
MOST_RUNS = 4096


def is_exfat(raw: bytes) -> bool:
    return raw[:11] == b"\xeb\x76\x90EXFAT   " and raw[510:512] == b"\x55\xaa"


class ExfatLayout:
    """See drivers.fat.entries.Layout. The allocation bitmap says what is free, not the table."""

    filesystem = "exfat"
    directory_bytes = MOST_DIRECTORY_BYTES
    filler = 0x05

    def __init__(self, region: Region, raw: bytes, foreign: tuple[str, ...] = ()) -> None:
        fields = _BOOT.unpack_from(raw, 72)
        length, fat, fat_length, heap, clusters, root, serial, revision, _, shift, cluster_shift, fats = (
            fields
        )
        if not 9 <= shift <= 12 or cluster_shift > 25 - shift or revision >> 8 != 1:
            raise damaged("sector or cluster size or revision of exFAT", revision=revision)
        if fats != 1 or any(raw[11:64]):
            raise damaged("exFAT with two tables, or not exFAT", tables=fats)
        sector = 1 << shift
        self.region = region
        self.foreign = foreign
        self.volume_id = f"{serial:08X}"
        self.cluster_size: int = sector << cluster_shift
        self.clusters: int = clusters
        self.heap = heap * sector
        self._root = root
        if not 0 < clusters <= MAX_CLUSTERS or length * sector > region.size:
            raise damaged("size in the boot sector", clusters=clusters, sectors=length)
        if fat < 24 or heap < fat + fat_length or (clusters + 2) * 4 > fat_length * sector:
            raise damaged("place of the file allocation table", sector=fat, sectors=fat_length)
        if self.heap + clusters * self.cluster_size > length * sector or not 2 <= root < clusters + 2:
            raise damaged("cluster heap outside of the volume", sector=heap)
        self._check_boot_sum(sector)
        self.table = Table(region, (fat * sector,), EXFAT, clusters)
        self._bitmap_runs, self._chains = self._read_root()
        self._bits: bytes | None = None
        self._bitmap_whole = True

    def root(self) -> tuple[int, tuple[Run, ...]]:
        return self._root, ()

    def system_chains(self) -> Iterable[tuple[str, int, int]]:
        return self._chains

    def parse(self, records: Iterator[Record], *, root: bool) -> Iterator[Found]:
        return exfat_entries.parse(records, root=root)

    def deleted(self, first_byte: int) -> int:
        return first_byte & ~exfat_entries.IN_USE

    def free_clusters(self) -> int:
        return self.clusters - self.allocated_clusters()

    def allocated_clusters(self) -> int:
        return len(self.allocated())

    def allocated(self) -> ClusterSet:
        if self._bits is None:
            # What cannot be read counts as allocated.
            pieces = [self.region.salvage(*run, 0xFF) for run in self._bitmap_runs]
            self._bits = b"".join(piece for piece, _ in pieces)
            self._bitmap_whole = all(whole for _, whole in pieces)
        return ClusterSet(self.clusters, self._bits)

    def contradictions(self, used: ClusterSet) -> Iterable[str]:
        if unmarked := len(used.without(self.allocated())):
            yield f"{unmarked} clusters of files are marked free in the allocation bitmap"
        if not self._bitmap_whole:
            yield "a part of the allocation bitmap cannot be read"
        if self.table.unreadable:
            yield "a part of the file allocation table cannot be read"

    def release(self, gone: ClusterSet) -> None:
        """Clear bits of the bitmap. The table's entries of free clusters mean nothing (4.1)."""
        bits = self.allocated().without(gone).to_bytes()
        at = 0
        for offset, size in self._bitmap_runs:
            self.region.replace(offset, bits[at : at + size])
            at += size
        self._bits = None

    def mend(self) -> None:
        """There is one table and one bitmap."""

    def summarise(self, free: int) -> None:
        """PercentInUse (3.1.18), rounded down; 0xFF says that nobody keeps it. No checksum covers it."""
        percent = (self.clusters - free) * 100 // self.clusters
        if self.region.read(_PERCENT, 1)[0] not in (percent, 0xFF):
            self.region.replace(_PERCENT, bytes([percent]))

    def forget(self) -> None:
        self.region.patience = PATIENCE
        self.table.forget()
        self._bits = None

    def _check_boot_sum(self, sector: int) -> None:
        """The boot region's checksum (3.4), over its first eleven sectors."""
        raw = bytearray(self.region.read(0, 12 * sector))
        del raw[106:108], raw[110:111]  # VolumeFlags and PercentInUse are not covered
        total = 0
        for byte in raw[: 11 * sector - 3]:
            total = ((total >> 1 | total << 31) + byte) & 0xFFFFFFFF
        if raw[11 * sector - 3 : 11 * sector + 1] != total.to_bytes(4, "little"):
            raise damaged("checksum of exFAT's boot region")

    def _read_root(self) -> tuple[tuple[Run, ...], tuple[tuple[str, int, int], ...]]:
        """Find bitmap and up-case table: byte runs of the first, chains of both."""
        bitmap = upcase = None
        for offset, size in self._byte_runs(self._root, 1 << 20):
            raw, _ = self.region.salvage(offset, size, self.filler)
            for at in range(0, size, 32):
                record = raw[at : at + 32]
                if record[0] == exfat_entries.BITMAP and not record[1] & 1:
                    bitmap = bitmap or struct.unpack_from("<IQ", record, 20)
                elif record[0] == exfat_entries.UPCASE:
                    upcase = upcase or struct.unpack_from("<IQ", record, 20)
                elif record[0] == 0:
                    break
        if bitmap is None or upcase is None:
            raise damaged("no allocation bitmap or no up-case table")
        needed = (self.clusters + 7) // 8
        if bitmap[1] < needed or bitmap[1] > needed + self.cluster_size or upcase[1] > MOST_UPCASE_BYTES:
            raise damaged("length of allocation bitmap or up-case table", bitmap=bitmap[1], upcase=upcase[1])
        runs = tuple(self._byte_runs(bitmap[0], needed))
        if sum(size for _, size in runs) < needed:
            raise damaged("allocation bitmap shorter than the volume")
        return runs, (("allocation bitmap", *bitmap), ("up-case table", *upcase))

    def _byte_runs(self, first: int, limit: int) -> Iterator[Run]:
        """The places of a chain's first ``limit`` bytes; a broken chain ends early."""
        left, chain = limit, self.table.chain(first)
        for _ in range(MOST_RUNS):
            try:
                start, count = next(chain)
            except (StopIteration, BrokenChainError):
                return
            size = min(left, count * self.cluster_size)
            yield self.heap + (start - 2) * self.cluster_size, size
            left -= size
            if not left:
                return
