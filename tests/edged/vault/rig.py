"""A vault in memory and clips to bring into it."""

import hashlib
from dataclasses import dataclass
from datetime import date

from edged.ports import FileSystem
from edged.vault.layout import Place
from edged.vault.sealing import BLOCK, Sealed, Sealing, Target
from edged.vault.space import SpacePolicy
from edged.vault.vault import Part, Vault, create_vault, open_vault

ROOT = "/vault"
STATION = "ua-100-07"
RECORDING = "0123456789abcdef0123456789abcdef"
DAY = date(2026, 11, 22)
SMALL = SpacePolicy(reserve=1 << 20, low=4 << 20, high=8 << 20, inodes=100)


class Counting:
    """Random bytes that are the same in each run."""

    def token(self, size: int) -> bytes:
        return bytes(range(size))

    def uniform(self, low: float, high: float) -> float:
        return (low + high) / 2


def clip(size: int, seed: int = 1) -> bytes:
    """Bytes without a run of zeros, different for each seed."""
    return hashlib.shake_256(seed.to_bytes(8, "big")).digest(size)


@dataclass(frozen=True)
class Rig:
    fs: FileSystem
    vault: Vault
    place: Place

    def sealing(self, part: Part, *, resume: bool = True) -> Sealing:
        target = Target(part.file, part.marks, lambda: self.fs.open_uncached(part.place.part))
        return Sealing(target, size=part.size, resume_to=part.held if resume else 0)

    def seal(self, data: bytes) -> Sealed:
        """The whole recipe: begin, prove, write, finish, publish."""
        part = self.vault.begin(self.place, len(data))
        try:
            sealing = self.sealing(part)
            offset = sealing.prove()
            for start in range(offset, len(data), BLOCK):
                sealing.write(data[start : start + BLOCK])
            sealed = sealing.finish()
        finally:
            part.close()
        self.vault.publish(self.place)
        return sealed


def make_rig(fs: FileSystem, root: str = ROOT, *, policy: SpacePolicy = SMALL) -> Rig:
    create_vault(fs, root, station=STATION, random=Counting())
    return reopen(fs, root, policy=policy)


def reopen(fs: FileSystem, root: str = ROOT, *, policy: SpacePolicy = SMALL) -> Rig:
    vault = open_vault(fs, root, station=STATION, policy=policy)
    return Rig(fs, vault, vault.place(RECORDING, DAY, "/DCIM/100MEDIA/CLIP0001.MP4"))
