"""Finds what is to be delivered: sealed recordings in the vault, closed pieces and checkpoints of the ledger.

A recording counts once its manifest is there: that is written last. Nothing is believed that a name
says; names that are none of ours are passed over.
"""

import re
from collections.abc import Container, Iterator

from edged.errors import FormatError
from edged.formats import document
from edged.formats.manifest import Manifest
from edged.ports import FileSystem
from sync.files import exists, names, read_or_none
from sync.queue import Kind, Offer, Rank

MANIFEST, RECEIPT = "manifest.note", "receipt.note"
MANIFEST_LIMIT = document.DOCUMENT_LIMIT
RECORDING = re.compile(r"[0-9a-f]{32}", re.ASCII)
PIECE = re.compile(r"([0-9]{12})-([0-9]{12})\.jsonl", re.ASCII)
CHECKPOINT = re.compile(r"([0-9]{12})\.note", re.ASCII)
_YEAR, _TWO = re.compile(r"[0-9]{4}", re.ASCII), re.compile(r"[0-9]{2}", re.ASCII)


class Outbox:
    """What lies at the station for the centre. Blocking."""

    def __init__(self, fs: FileSystem, vault: str, ledger: str) -> None:
        self._fs = fs
        self._recordings = f"{vault}/recordings"
        self._ledger = ledger

    def ledger(self, known: Container[str]) -> list[Offer]:
        """Return pieces and checkpoints that are not ``known``. OSError."""
        return [*self._pieces(known), *self._checkpoints(known)]

    def recordings(self, known: Container[str]) -> Iterator[Offer]:
        """Yield sealed recordings that are not ``known``. OSError; FormatError never."""
        for folder in self._folders():
            for name in names(self._fs, folder):
                if RECORDING.fullmatch(name) and name not in known:
                    offer = self._recording(f"{folder}/{name}", name)
                    if offer is not None:
                        yield offer

    def has_receipt(self, folder: str) -> bool:
        """Whether edged has verified the receipt of the recording in ``folder``."""
        return exists(self._fs, f"{folder}/{RECEIPT}")

    def is_there(self, folder: str) -> bool:
        return exists(self._fs, f"{folder}/{MANIFEST}")

    def newest_checkpoint(self) -> int:
        """Return the size of the ledger's newest checkpoint; 0: none."""
        found = map(CHECKPOINT.fullmatch, names(self._fs, f"{self._ledger}/checkpoints"))
        return max((int(name[1]) for name in found if name), default=0)

    def _folders(self) -> Iterator[str]:
        for year in self._parts(self._recordings, _YEAR):
            for month in self._parts(year, _TWO):
                yield from self._parts(month, _TWO)

    def _parts(self, folder: str, form: re.Pattern[str]) -> Iterator[str]:
        for name in names(self._fs, folder):
            if form.fullmatch(name):
                yield f"{folder}/{name}"

    def _recording(self, folder: str, name: str) -> Offer | None:
        data = read_or_none(self._fs, f"{folder}/{MANIFEST}", MANIFEST_LIMIT)
        if data is None:
            return None
        try:
            manifest = unverified_manifest(data)
        except FormatError:
            # Offered all the same: it has to show up as held, not to be passed over in silence.
            return Offer(key=name, kind=Kind.RECORDING, folder=folder, rank=Rank.NORMAL, age="", size=0)
        return Offer(
            key=name,
            kind=Kind.RECORDING,
            folder=folder,
            rank=Rank.FLAGGED if manifest.gaps else Rank.NORMAL,
            age=manifest.sealed_at,
            size=manifest.size,
            sha256=manifest.sha256,
        )

    def _pieces(self, known: Container[str]) -> Iterator[Offer]:
        for name in names(self._fs, self._ledger):
            if (found := PIECE.fullmatch(name)) and name not in known:
                yield self._file(self._ledger, name, Kind.PIECE, found[2] + "-0")

    def _checkpoints(self, known: Container[str]) -> Iterator[Offer]:
        folder = f"{self._ledger}/checkpoints"
        for name in names(self._fs, folder):
            if (found := CHECKPOINT.fullmatch(name)) and name not in known:
                # Size = number of the next line; it sorts behind the piece that ends with it.
                yield self._file(folder, name, Kind.CHECKPOINT, f"{int(found[1]) - 1:012d}-1")

    def _file(self, folder: str, name: str, kind: Kind, age: str) -> Offer:
        size = self._fs.stat(f"{folder}/{name}").size
        return Offer(key=name, kind=kind, folder=folder, rank=Rank.LEDGER, age=age, size=size)


def unverified_manifest(note: bytes) -> Manifest:
    """Return what a manifest says, whoever signed it. The courier has no key and needs none:
    the centre verifies, and the station wrote it itself.

    Raises:
        FormatError: not a manifest.
    """
    text, gap, _ = note.partition(b"\n\n")
    if not gap:
        raise FormatError(what="manifest", reason="not a signed note")
    return document.decode(text, Manifest)
