"""The sealer's pipeline: bytes of a clip in, a verified durable file out. Pure but for its ports.

Rule 1: what is hashed is what came in; what is sealed is what the medium gives back with that hash.
Rule 2: after any error of the disk this object is dead and its file given up. fsync is never called
    a second time: the kernel reports a failed write-back once and then forgets it.
Rule 3: a beginning is resumed from a mark whose hash the medium still gives, never from a size. A
    medium that cannot be told from the page cache proves nothing: then the copy starts anew.
Rule 4: an unreadable stretch of a camera's memory arrives as zeros and is named only at the end of the
    conversation. So no mark is set behind 512 zeros in a row: what is resumed never has a gap that
    nobody will name.
Rule 5: the pipeline never sleeps and never waits but for the disk and its turn to write.
"""

import contextlib
import hashlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from drivers.fingerprint import Fingerprinter
from drivers.worker.messages import Gap
from edged.errors import DiskError, ErrorCode
from edged.films import film_facts
from edged.formats.movie import MovieReader
from edged.ports import File, Medium, Uncached
from edged.vault.disk_errors import disk_errors
from edged.vault.marks import Mark, Marks
from edged.vault.scheduler import EveryTurn, WriteTurns

BLOCK = 1024 * 1024  # bytes hashed and written at once; one turn of the write scheduler
READ_BLOCK = 4 * BLOCK  # reading waits for no turn, and disks like long reads
MARK_EVERY = 16 * BLOCK  # at 30 MB/s of USB 2.0 a cut costs half a second of copying at most
SECTOR_OF_ZEROS = bytes(512)  # the smallest unit in which a camera's memory fails

T = TypeVar("T")
# A long piece of work that yields the number of bytes done after each block, and returns its result.
Steps = Generator[int, None, T]


class Phase(StrEnum):
    PROVING = "proving"  # reading back what an earlier copy left
    RECEIVING = "receiving"
    SYNCING = "syncing"
    READING_BACK = "reading-back"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A whole copy, hashed, durable and read back (or, in COMPARE, only read and hashed)."""

    size: int
    sha256: str
    fingerprint: str  # drivers.fingerprint
    medium: Medium  # how the read-back was proved; UNPROVEN where nothing was stored
    resumed_from: int = 0  # bytes taken over from an earlier copy
    received: int = 0  # bytes that came in now
    gaps: tuple[Gap, ...] = ()  # unreadable at the source, zeros here: DAMAGED
    film_began: str = ""  # edged.films.film_facts, of what the medium gave back
    film_ms: int = -1


@dataclass(frozen=True, slots=True)
class Target:
    """The file a copy goes into. All three stay the caller's."""

    file: File
    marks: File
    reread: Callable[[], Uncached]  # opens ``file`` for reading from the medium


class Sealing:
    """One copy of one clip of ``size`` bytes. Order of calls: prove, write …, finish.

    Without a target the bytes are only hashed (second read of the source, gate G4).
    """

    def __init__(
        self, target: Target | None, *, size: int, resume_to: int = 0, turns: WriteTurns | None = None
    ) -> None:
        """``resume_to``: at most so many bytes of an earlier copy are taken over."""
        self._target, self._size, self._resume_to = target, size, resume_to
        self._turns: WriteTurns = turns or EveryTurn()
        self._hash = hashlib.sha256()
        self._ends = Fingerprinter(size)
        self._pending = bytearray()  # less than a block
        self._marks: Marks | None = None
        self._may_mark, self._dead = True, False
        self.phase = Phase.PROVING
        self.taken_over = 0
        self.length = 0  # bytes hashed and written
        self.done = 0  # bytes done in this phase, for a progress display

    @property
    def received(self) -> int:
        """Bytes that came in, those waiting for a full block included."""
        return self.length - self.taken_over + len(self._pending)

    # --- what an earlier copy left ---

    def prove(self) -> int:
        """Read back what an earlier copy left; return from which offset the source is wanted."""
        return run(self.proving())

    def proving(self) -> Steps[int]:
        """`prove` in steps of a block.

        Raises:
            DiskError: as every call of this class.
        """
        target = self._target
        if target is not None:
            with self._fatal("read-marks"):
                self._marks = Marks(target.marks)
                proved = yield from self._prove_prefix(target, self._marks.known)
                self._marks.keep(proved)
        self.phase = Phase.RECEIVING
        return self.length

    def _prove_prefix(self, target: Target, marks: tuple[Mark, ...]) -> Steps[tuple[Mark, ...]]:
        held = min(target.file.size(), self._size, self._resume_to)
        wanted = {m.length: m for m in marks if not m.sealed and m.length <= held and m.length % BLOCK == 0}
        proved: list[Mark] = []
        running, offset = self._hash.copy(), 0
        with contextlib.closing(target.reread()) as medium:
            last = max(wanted, default=0) if medium.medium is not Medium.UNPROVEN else 0
            while offset < last and len(block := medium.read_at(offset, BLOCK)) == BLOCK:
                running.update(block)
                self._ends.feed(offset, block)
                offset += BLOCK
                if (mark := wanted.get(offset)) is not None:
                    if running.hexdigest() != mark.sha256:
                        break
                    proved.append(mark)
                    self._hash = running.copy()
                    self.length = self.taken_over = offset
                self.done = offset
                yield offset
        return tuple(proved)

    # --- bytes from the source ---

    def write(self, data: bytes | memoryview) -> None:
        """Take the next bytes of the source, any number; hashed and written a block at a time.

        Raises:
            ValueError: more than the clip's size: the caller checks first.
            DiskError: the copy must be given up.
        """
        self._check_alive()
        if self.length + len(self._pending) + len(data) > self._size:
            raise ValueError("more bytes than the clip has")
        rest = memoryview(data)
        while rest:
            if not self._pending and len(rest) >= BLOCK:
                self._store(rest[:BLOCK])
                rest = rest[BLOCK:]
                continue
            room = BLOCK - len(self._pending)
            self._pending += rest[:room]
            rest = rest[room:]
            if len(self._pending) == BLOCK:
                self._flush()

    def _flush(self) -> None:
        block, self._pending = self._pending, bytearray()
        if block:
            self._store(memoryview(block))

    def _store(self, block: memoryview) -> None:
        self._hash.update(block)
        self._ends.feed(self.length, block)
        if self._target is not None:
            with self._fatal("write"), self._turns.turn():
                self._target.file.write_at(self.length, block)
            self._may_mark = self._may_mark and SECTOR_OF_ZEROS not in bytes(block)
        self.length += len(block)
        self.done = self.length
        if self.length % MARK_EVERY == 0:
            self.mark()

    def mark(self) -> int:
        """Make what came in durable as far as whole blocks go; return from where it can be resumed."""
        if self._target is None or self._marks is None:
            return 0
        known = max((m.length for m in self._marks.known if not m.sealed), default=0)
        if self.length % BLOCK or self.length <= known or not self._may_mark:
            return known
        with self._fatal("mark"), self._turns.turn():
            self._target.file.sync_data()
            self._marks.add(Mark(self.length, self._hash.hexdigest()))
        return self.length

    # --- the end ---

    def finish(self) -> Sealed:
        """Sync, read back, compare. See `finishing`."""
        return run(self.finishing())

    def finishing(self) -> Steps[Sealed]:
        """`finish` in steps of a block.

        Raises:
            ValueError: bytes are missing; the caller knows why and says so.
            DiskError: READ_BACK_DIFFERS, or the disk failed; the copy must be given up.
        """
        self._check_alive()
        self._flush()
        if self.length != self._size:
            raise ValueError(f"{self.length} of {self._size} bytes")
        sha256, medium, film = self._hash.hexdigest(), Medium.UNPROVEN, film_facts(None)
        if (target := self._target) is not None and self._marks is not None:
            self.phase = Phase.SYNCING
            with self._fatal("sync"):
                target.file.sync()
                self.phase, self.done = Phase.READING_BACK, 0
                medium, film = yield from self._read_back(target, sha256)
                self._marks.add(Mark(self._size, sha256, sealed=True))
        return Sealed(
            size=self._size,
            sha256=sha256,
            fingerprint=self._ends.digest(),
            medium=medium,
            resumed_from=self.taken_over,
            received=self.received,
            film_began=film[0],
            film_ms=film[1],
        )

    def _read_back(self, target: Target, sha256: str) -> Steps[tuple[Medium, tuple[str, int]]]:
        with contextlib.closing(target.reread()) as medium:
            found = yield from reading(medium, self._size, self._note)
            if (found.size, found.sha256) != (self._size, sha256):
                raise DiskError(
                    ErrorCode.READ_BACK_DIFFERS,
                    written=sha256,
                    read=found.sha256,
                    size=self._size,
                    read_size=found.size,
                )
            return medium.medium, found.film

    def _note(self, done: int) -> None:
        self.done = done

    def _check_alive(self) -> None:
        if self._dead:
            raise RuntimeError("this copy was given up")

    @contextlib.contextmanager
    def _fatal(self, doing: str) -> Iterator[None]:
        self._check_alive()
        try:
            with disk_errors(doing):
                yield
        except DiskError:
            self._dead = True
            raise


@dataclass(frozen=True, slots=True)
class Found:
    """What a file turned out to be."""

    size: int
    sha256: str
    fingerprint: str
    film: tuple[str, int]  # edged.films.film_facts


def reading(medium: Uncached, size: int, note: Callable[[int], None]) -> Steps[Found]:
    """Hash a file of ``size`` bytes from the medium.

    A file that is longer is read one block beyond ``size``, so that its length differs.
    """
    whole, ends, movie, offset = hashlib.sha256(), Fingerprinter(size), MovieReader(), 0
    while offset <= size and (block := medium.read_at(offset, READ_BLOCK)):
        whole.update(block)
        ends.feed(offset, block)
        movie.feed(block)
        offset += len(block)
        note(offset)
        yield offset
        if len(block) < READ_BLOCK:
            break
    return Found(offset, whole.hexdigest(), ends.digest(), film_facts(movie.times()))


def rehashing(open_uncached: Callable[[], Uncached], size: int) -> Steps[Sealed]:
    """Read a sealed recording from the medium, in steps of a block: for scrub and recovery.

    The caller compares with what the ledger says; ``Sealed.size`` is what was found.

    Raises:
        DiskError: the disk failed.
    """
    with disk_errors("rehash"), contextlib.closing(open_uncached()) as medium:
        found = yield from reading(medium, size, lambda _: None)
        began, length_ms = found.film
        return Sealed(
            found.size,
            found.sha256,
            found.fingerprint,
            medium.medium,
            film_began=began,
            film_ms=length_ms,
        )


def run(steps: Steps[T]) -> T:
    """Run a piece of work to its end without a pause."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
