"""FAT12/16/32 and exFAT in user space, over a block device that nobody trusts."""

from drivers.fat.clearing import ClearResult
from drivers.fat.reading import Reading
from drivers.fat.volume import Listing, Volume, open_volume

__all__ = ["ClearResult", "Listing", "Reading", "Volume", "open_volume"]
