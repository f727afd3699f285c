"""Finds what is to be delivered: sealed recordings in the vault, closed pieces and checkpoints of the ledger.

A recording counts once its manifest is there: that is written last. Nothing is believed that a name
says; names that are none of ours are passed over.
"""

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field

from edged.errors import FormatError
from edged.formats import document
from edged.formats.manifest import Manifest
from edged.ports import FileSystem
from sync.files import exists, names, read_or_none
from sync.queue import Kind, Offer, Rank, State

MANIFEST, RECEIPT = "manifest.note", "receipt.note"
MANIFEST_LIMIT = document.DOCUMENT_LIMIT
RECORDING = re.compile(r"[0-9a-f]{32}", re.ASCII)
PIECE = re.compile(r"([0-9]{12})-([0-9]{12})\.jsonl", re.ASCII)
CHECKPOINT = re.compile(r"([0-9]{12})\.note", re.ASCII)
_YEAR, _TWO = re.compile(r"[0-9]{4}", re.ASCII), re.compile(r"[0-9]{2}", re.ASCII)


@dataclass(slots=True)
class Found:
    """How the vault differs from the queue."""

    offers: list[Offer] = field(default_factory=list)  # sealed, not known
    receipted: list[str] = field(default_factory=list)  # edged has verified a receipt
    gone: list[str] = field(default_factory=list)  # receipted, and no longer in the vault


class Outbox:
    """What lies at the station for the centre. Blocking."""

    def __init__(self, fs: FileSystem, vault: str, ledger: str) -> None:
        self._fs = fs
        self._recordings = f"{vault}/recordings"
        self._ledger = ledger

    def ledger(self, known: Container[str], done: int = 0) -> list[Offer]:
        """Return pieces and checkpoints that are not ``known`` and not within the first ``done`` lines. OSError."""
        return [*self._pieces(known, done), *self._checkpoints(known, done)]

    def scan(self, known: Mapping[str, State], *, thorough: bool = True) -> "Found":
        """Compare the vault with what is ``known``; ``thorough``: settled ones too. OSError."""
        found = Found()
        for folder in self._folders():
            for name in names(self._fs, folder):
                if RECORDING.fullmatch(name) and (thorough or known.get(name) is not State.RECEIPTED):
                    self._compare(f"{folder}/{name}", name, known.get(name), found)
        return found

    def _compare(self, folder: str, name: str, state: State | None, found: "Found") -> None:
        if state is State.RECEIPTED:
            if not exists(self._fs, f"{folder}/{MANIFEST}"):
                found.gone.append(name)
            return
        if state is None:
            offer = self._recording(folder, name)
            if offer is None:
                return
            found.offers.append(offer)
        if exists(self._fs, f"{folder}/{RECEIPT}"):
            found.receipted.append(name)

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

    def _pieces(self, known: Container[str], done: int) -> Iterator[Offer]:
        for name in names(self._fs, self._ledger):
            if (found := PIECE.fullmatch(name)) and int(found[2]) >= done and name not in known:
                yield self._file(self._ledger, name, Kind.PIECE, int(found[2]))

    def _checkpoints(self, known: Container[str], done: int) -> Iterator[Offer]:
        folder = f"{self._ledger}/checkpoints"
        for name in names(self._fs, folder):
            if (found := CHECKPOINT.fullmatch(name)) and int(found[1]) > done and name not in known:
                yield self._file(folder, name, Kind.CHECKPOINT, int(found[1]) - 1)

    def _file(self, folder: str, name: str, kind: Kind, line: int) -> Offer:
        size = self._fs.stat(f"{folder}/{name}").size
        age = (
            f"{line:012d}-{kind}"  # a checkpoint sorts before the piece that ends with it, and needs no order
        )
        return Offer(key=name, kind=kind, folder=folder, rank=Rank.LEDGER, age=age, size=size, line=line)


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
