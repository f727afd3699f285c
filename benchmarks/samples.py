"""A commissioned ledger and facts to write into it, as a station has them."""

import os

from drivers.disk import PosixDisk
from drivers.host_clock import HostClock
from edged.formats.facts import Fact, ReadinessChanged, RecordingSealed, StationCommissioned
from edged.formats.note import Signer
from edged.ledger.book import Book

STATION = Signer.from_seed("edged/bench", bytes([1]) * 32)
CENTRE = Signer.from_seed("centre/bench", bytes([2]) * 32)
COMMISSIONED = StationCommissioned(
    station="bench",
    customs_body="Волинська митниця",
    post="Ягодин",
    station_key=str(STATION.verifier),
    authority_key="",
    centre_key=str(CENTRE.verifier),
    version="0.1.0",
)


async def new_book(folder: str) -> Book:
    """A ledger on the real disk, by the real clock."""
    return await Book.create(PosixDisk(), folder, HostClock(), COMMISSIONED)


def sealed(sha256: str = "6f" * 32, size: int = 1 << 30) -> RecordingSealed:
    """The longest of the everyday lines, about 900 bytes."""
    return RecordingSealed(
        recording=os.urandom(16).hex(),
        camera="GAT-0007",
        path="DCIM/100MEDIA/20261122_0701.MP4",
        size=size,
        sha256=sha256,
        fingerprint=sha256,
        mtime="2026-11-22T09:01:00",
        medium="direct",
        folder="2026/11/22",
        file="content.mp4",
        issue="4" * 32,
        officer="UA0017",
        true_time="2026-11-22T07:01:03.250Z",
        uncertainty_ms=1200,
    )


def everyday(number: int) -> Fact:
    """One line in four seals a recording; the others are short."""
    if number % 4 == 0:
        return sealed()
    return ReadinessChanged(camera="GAT-0007", slot=number % 8 + 1, ready=True, charge_percent=number % 101)
