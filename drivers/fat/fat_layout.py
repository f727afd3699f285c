"""FAT12, FAT16 and FAT32: where things lie, by the boot sector (FAT specification 1.03).

The numbers come from the card and are believed only as far as they fit each other and the device.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from drivers.fat import fat_entries
from drivers.fat.cluster_set import ClusterSet, Run
from drivers.fat.entries import Found, Record
from drivers.fat.region import PATIENCE, Region, damaged
from drivers.fat.table import FAT12, FAT16, FAT32, Table, Width

MOST_DIRECTORY_BYTES = 65_536 * 32  # FAT specification 1.03: a directory is at most 2 MiB
UNKNOWN = 0xFFFFFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot:
    """The boot sector's numbers, in the document's words."""

    sector: int  # bytes per sector
    cluster_sectors: int
    reserved: int
    fats: int
    root_entries: int
    total: int  # sectors
    fat_sectors: int
    wide: bool  # FAT32
    flags: int = 0
    root_cluster: int = 0
    info_sector: int = 0
    serial: int = 0

    @property
    def root_sectors(self) -> int:
        return -(-self.root_entries * 32 // self.sector)

    @property
    def heap_sector(self) -> int:
        return self.reserved + self.fats * self.fat_sectors + self.root_sectors

    @property
    def clusters(self) -> int:
        return (self.total - self.heap_sector) // self.cluster_sectors


def parse_boot(raw: bytes) -> Boot | None:
    """Read a boot sector; None if it is none of FAT."""
    if len(raw) < 512 or raw[510:512] != b"\x55\xaa" or raw[0] not in (0xEB, 0xE9, 0x00):
        return None
    fields = struct.unpack_from("<HBHBHHBHHHII", raw, 11)
    sector, cluster, reserved, fats, roots, small, media, fat16, _, _, _, large = fields
    if sector not in (512, 1024, 2048, 4096) or cluster == 0 or cluster & (cluster - 1):
        return None
    if reserved == 0 or fats not in (1, 2) or (media < 0xF8 and media != 0xF0):
        return None
    wide = fat16 == 0
    fat32, flags, version, root, info = struct.unpack_from("<IHHIH", raw, 36)
    extended = 64 if wide else 36
    serial = (
        int.from_bytes(raw[extended + 3 : extended + 7], "little") if raw[extended + 2] in (0x28, 0x29) else 0
    )
    if (wide and (version != 0 or roots != 0)) or (not wide and roots == 0):
        return None
    return Boot(
        sector=sector,
        cluster_sectors=cluster,
        reserved=reserved,
        fats=fats,
        root_entries=roots,
        total=small or large,
        fat_sectors=fat32 if wide else fat16,
        wide=wide,
        flags=flags if wide else 0,
        root_cluster=root if wide else 0,
        info_sector=info if wide else 0,
        serial=serial,
    )


def _width(boot: Boot) -> Width:
    """The table's width follows from the number of clusters alone (FAT specification 1.03)."""
    if boot.wide:
        return FAT32
    return FAT12 if boot.clusters < 4085 else FAT16


class FatLayout:
    """See drivers.fat.entries.Layout."""

    directory_bytes = MOST_DIRECTORY_BYTES
    filler = fat_entries.DELETED

    def __init__(self, region: Region, boot: Boot, foreign: tuple[str, ...] = ()) -> None:
        width = _width(boot)
        most = {12: 4084, 16: 65_524, 32: 0x0FFFFFF5}[width.bits]
        if boot.total * boot.sector > region.size or not 0 < boot.clusters <= most:
            raise damaged("size in the boot sector", sectors=boot.total, clusters=boot.clusters)
        if width.table_bytes(boot.clusters + 2) > boot.fat_sectors * boot.sector:
            raise damaged("file allocation table shorter than the volume", sectors=boot.fat_sectors)
        if boot.wide and not 2 <= boot.root_cluster < boot.clusters + 2:
            raise damaged("root directory outside of the volume", cluster=boot.root_cluster)
        self._boot = boot
        self.region = region
        self.foreign = foreign
        self.filesystem = f"fat{width.bits}"
        self.volume_id = f"{boot.serial:08X}"
        self.cluster_size = boot.cluster_sectors * boot.sector
        self.clusters = boot.clusters
        self.heap = boot.heap_sector * boot.sector
        self.table = Table(region, self._copies(), width, boot.clusters)

    def _copies(self) -> tuple[int, ...]:
        """Offsets of the tables; FAT32 can say that only one of them is kept (BPB_ExtFlags)."""
        boot = self._boot
        offsets = [(boot.reserved + n * boot.fat_sectors) * boot.sector for n in range(boot.fats)]
        if boot.flags & 0x80:
            active = boot.flags & 0x0F
            if active >= boot.fats:
                raise damaged("number of the active file allocation table", active=active)
            return (offsets[active],)
        return tuple(offsets)

    def root(self) -> tuple[int, tuple[Run, ...]]:
        if self._boot.wide:
            return self._boot.root_cluster, ()
        offset = (self._boot.heap_sector - self._boot.root_sectors) * self._boot.sector
        return 0, ((offset, self._boot.root_entries * 32),)

    def system_chains(self) -> Iterable[tuple[str, int, int]]:
        return ()

    def parse(self, records: Iterator[Record], *, root: bool) -> Iterator[Found]:  # noqa: ARG002 - same everywhere
        return fat_entries.parse(records, fat32=self._boot.wide)

    def deleted(self, first_byte: int) -> int:  # noqa: ARG002 - exFAT keeps the rest of the byte
        return fat_entries.DELETED

    def free_clusters(self) -> int:
        return self.table.tally()[0]

    def allocated_clusters(self) -> int:
        return self.clusters - sum(self.table.tally())

    def contradictions(self, used: ClusterSet) -> Iterable[str]:  # noqa: ARG002 - exFAT's bitmap needs it
        if self.table.unreadable:
            yield "a part of the file allocation table cannot be read"

    def allocated(self) -> ClusterSet:
        return self.table.allocated()

    def release(self, gone: ClusterSet) -> None:
        self.table.release(gone)

    def mend(self) -> None:
        self.table.mirror()

    def summarise(self, free: int) -> None:
        """FSInfo's count of free clusters (FAT specification 1.03, "FSInfo"); only where it is one."""
        boot = self._boot
        if not boot.wide or not 0 < boot.info_sector < boot.reserved:
            return
        offset = boot.info_sector * boot.sector
        raw = self.region.read(offset, 512)
        if (raw[:4], raw[484:488], raw[508:512]) == (b"RRaA", b"rrAa", b"\0\0\x55\xaa"):
            self.region.replace(offset + 488, struct.pack("<I", free))

    def forget(self) -> None:
        self.region.patience = PATIENCE
        self.table.forget()
