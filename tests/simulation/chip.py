"""Small cards in memory, of the two families of file systems that cameras use."""

import functools
import tempfile
from pathlib import Path
from typing import Literal

from simulators.card_exfat import ExfatCard
from simulators.card_image import CardFilesystem
from simulators.cards import Card
from tests.drivers.usb_world import card
from tests.world.usb import MemoryCard, MemoryImage

CardKind = Literal["fat16", "exfat"]
CLUSTER = 512
EXFAT_BYTES = 3 << 20


class Chip(MemoryCard):
    """An empty card of 2 to 3 MB; the image of each kind is made once a process."""

    def __init__(self, kind: CardKind = "fat16") -> None:
        super().__init__(bytearray(_image(kind)))
        self.kind = kind

    def volume(self) -> CardFilesystem:
        if self.kind == "exfat":
            return ExfatCard(MemoryImage(self.image))
        return super().volume()


@functools.cache
def _image(kind: CardKind) -> bytes:
    if kind == "fat16":
        return bytes(card({}, CLUSTER))
    with tempfile.TemporaryDirectory() as folder:
        made = Card.format(Path(folder) / "card.img", "exfat", EXFAT_BYTES, cluster_bytes=CLUSTER)
        return made.path.read_bytes()
