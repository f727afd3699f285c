"""A commissioned station's ledger in memory, its keys, and facts to write."""

from dataclasses import dataclass, field

from edged.formats.checkpoint import countersign
from edged.formats.facts import RecordingSealed, StationCommissioned, StationStopped
from edged.formats.note import Signer
from edged.ledger.book import Book
from edged.ledger.checkpoints import Checkpointer, Keys, Pace
from edged.ledger.pieces import note_name
from tests.fakes.clock import StillClock
from tests.fakes.memory_fs import MemoryFS

STATE = "/state"
LEDGER = "/state/ledger"
COUNTERSIGNED = "/state/countersigned"

STATION = Signer.from_seed("edged/yahodyn-1", bytes([1]) * 32)
CENTRE = Signer.from_seed("centre/lviv", bytes([2]) * 32)
STRANGER = Signer.from_seed("edged/yahodyn-1", bytes([3]) * 32)
COMMISSIONED = StationCommissioned(
    station="yahodyn-1",
    customs_body="Волинська митниця",
    post="Ягодин",
    station_key=str(STATION.verifier),
    authority_key="",
    centre_key=str(CENTRE.verifier),
    version="0.1.0",
)


def note(text: str) -> StationStopped:
    """A small fact that can be told from others."""
    return StationStopped(reason=text)


def sealed(recording: str, content: bytes = b"", sha256: str = "") -> RecordingSealed:
    import hashlib

    digest = sha256 or hashlib.sha256(content).hexdigest()
    return RecordingSealed(
        recording=recording,
        camera="GAT-0007",
        path="DCIM/100MEDIA/20261122_0701.MP4",
        size=len(content),
        sha256=digest,
        fingerprint=digest,
        mtime="2026-11-22T09:01:00",
        medium="direct",
        folder="2026/11/22",
        file="content.mp4",
        issue="4" * 32,
        officer="p-17",
        true_time="2026-11-22T07:01:03.250Z",
        uncertainty_ms=1200,
    )


@dataclass
class Station:
    """What survives a restart: disk, clock, keys."""

    fs: MemoryFS = field(default_factory=MemoryFS)
    clock: StillClock = field(default_factory=StillClock)

    async def create(self) -> Book:
        return await Book.create(self.fs, LEDGER, self.clock, COMMISSIONED)

    async def open(self) -> Book:
        """As the daemon does at its start; some time has passed."""
        self.clock.advance(1)
        return await Book.open(self.fs, LEDGER, self.clock, station=STATION.verifier)

    async def checkpointer(
        self, book: Book, *, signer: Signer | None = STATION, pace: Pace | None = None
    ) -> Checkpointer:
        keys = Keys(STATION.verifier, CENTRE.verifier, signer)
        return await Checkpointer.open(book, self.fs, STATE, keys, pace or Pace())

    async def with_lines(self, *texts: str) -> Book:
        """A new ledger that holds line 0 and a note for each text, each written on its own."""
        book = await self.create()
        for text in texts:
            self.clock.advance(0.5)
            await book.append(note(text))
        return book

    def countersigned(self, size: int) -> bytes:
        """The station's checkpoint with the centre's signature."""
        data = self.fs.read(f"{LEDGER}/checkpoints/{note_name(size)}")
        return countersign(data, STATION.verifier, CENTRE)


def texts(book: Book, *, strict: bool = True) -> list[str]:
    """What the notes in the ledger say, in order."""
    facts = (line.fact for line in book.lines(strict=strict))
    return [fact.reason for fact in facts if isinstance(fact, StationStopped)]
