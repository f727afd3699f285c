"""Signs checkpoints, closes pieces, and knows what the centre has countersigned (gate G5).

1. A checkpoint is signed when there are new lines: after so many, or so long after the first of them.
2. It is durable before the piece that it ends is closed; a crash between the two only makes the piece
   longer. A size is signed once.
3. Nothing is signed that is inconsistent with an earlier checkpoint: the ledger's tree was compared
   with the newest one at `Book.open` and only grows since; a ledger in trouble is not signed at all.
4. A countersigned checkpoint counts when both signatures hold, the size is not beyond our ledger and
   the root is ours. If the centre holds more, or another history, under our own signature, that is
   the ledger's trouble (a rollback, a fork) and not the document's.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from edged.errors import EdgeError, ErrorCode, FormatError, SignatureError
from edged.formats.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from edged.formats.line import Line
from edged.formats.note import Signer, Verifier
from edged.formats.station_keys import SignedBy, keys_of
from edged.ledger import notes
from edged.ledger.book import Book
from edged.ledger.pen import disk_error
from edged.ledger.pieces import CHECKPOINTS, LEDGER, note_name, note_sizes
from edged.ports import FileSystem
from edged.stopping import carried_on

COUNTERSIGNED = "countersigned"


@dataclass(frozen=True, slots=True)
class Keys:
    station: SignedBy
    centre: Verifier
    signer: Signer | None  # None: the key file cannot be used; lines are chained, nothing is signed


@dataclass(frozen=True, slots=True)
class Pace:
    """When a checkpoint is due: after so many new lines, or so many seconds after the first of them."""

    lines: int = 256
    seconds: float = 60.0


PACE = Pace()


class Checkpointer:
    """One ledger's checkpoints.

    Attributes:
        signed: size of the newest checkpoint.
        countersigned: size of the newest one that the centre countersigned; 0: none.
        trouble: why the last attempt to sign failed; None after one that worked. (A key that cannot
            be read does not stop the ledger: L09.)
    """

    def __init__(self, book: Book, fs: FileSystem, state: str, keys: Keys, pace: Pace) -> None:
        """Use `open`."""
        if keys.signer is not None and keys.signer.verifier != keys_of(keys.station).current:
            raise ValueError("the signing key is not the station's")
        self._book, self._fs, self._keys, self._pace = book, fs, keys, pace
        self._folder, self._countersigned = f"{state}/{LEDGER}/{CHECKPOINTS}", f"{state}/{COUNTERSIGNED}"
        self.signed = self.countersigned = 0
        self.trouble: EdgeError | None = None
        self._new = asyncio.Event()  # there is a line to sign
        self._many = asyncio.Event()  # there are `Pace.lines` of them
        self._intake = asyncio.Lock()
        self._listeners: list[Callable[[Checkpoint], None]] = []
        self._countersigned_listeners: list[Callable[[Checkpoint], None]] = []

    @classmethod
    async def open(
        cls, book: Book, fs: FileSystem, state: str, keys: Keys, pace: Pace = PACE
    ) -> "Checkpointer":
        """Read the newest notes below ``state`` and finish a closing that was cut off.

        Raises:
            DiskError: the folders cannot be read.
        """
        self = cls(book, fs, state, keys, pace)
        try:
            await asyncio.to_thread(self._load)
        except OSError as exc:
            raise disk_error(exc) from exc
        book.subscribe(self._wake)
        self._wake()
        return self

    async def run(self) -> None:
        """Sign as rule 1 says, until cancelled. Failures go to `trouble`; the next round tries again."""
        while True:
            await self._new.wait()
            try:
                async with asyncio.timeout(self._pace.seconds):
                    await self._many.wait()
            except TimeoutError:
                pass
            try:
                await self.checkpoint()
            except EdgeError as exc:
                self.trouble = exc
                await asyncio.sleep(self._pace.seconds)

    async def checkpoint(self) -> Checkpoint | None:
        """Sign what is durable now and close the piece; None if nothing is new.

        Raises:
            EdgeError: the ledger's trouble; KEY_UNUSABLE; DiskError.
        """
        # Whoever cancels us must not leave a thread renaming files beside the next append.
        return await asyncio.shield(carried_on(self._checkpoint(), name="checkpoint"))

    def subscribe(self, listener: Callable[[Checkpoint], None]) -> None:
        """Call ``listener`` with every checkpoint that was signed, once it is durable."""
        self._listeners.append(listener)

    def subscribe_countersigned(self, listener: Callable[[Checkpoint], None]) -> None:
        """Call ``listener`` with every newer checkpoint that the centre has countersigned."""
        self._countersigned_listeners.append(listener)

    async def accept_countersigned(self, data: bytes) -> Checkpoint:
        """Take what the courier fetched: verify, store durably, count (rule 4).

        Raises:
            EdgeError: COUNTERSIGN_BAD; LEDGER_BEHIND or LEDGER_CORRUPT, which are then the book's
                `trouble`; DiskError.
        """
        try:
            found = open_checkpoint(data, self._keys.station, self._keys.centre)
        except (FormatError, SignatureError) as exc:
            raise EdgeError(ErrorCode.COUNTERSIGN_BAD, reason=str(exc.detail.get("reason", ""))) from exc
        async with self._intake:
            await asyncio.to_thread(self._require_ours, found)
            if found.size > self.countersigned:
                await asyncio.to_thread(self._store_countersigned, found, data)
                self.countersigned = found.size
                for listener in self._countersigned_listeners:
                    listener(found)
        return found

    def covered(self, seq: int) -> bool:
        """Whether line ``seq`` lies under a countersigned checkpoint, in a ledger without trouble (G5)."""
        return seq < self.countersigned and self._book.trouble is None

    async def _checkpoint(self) -> Checkpoint | None:
        async with self._book.exclusive():
            if self._book.trouble is not None:
                raise self._book.trouble
            if self._keys.signer is None:
                raise EdgeError(ErrorCode.KEY_UNUSABLE, key=self._keys.station.name)
            size = self._book.size
            if size <= self.signed:
                return None
            signed = Checkpoint(self._keys.station.name, size, self._book.root())
            await asyncio.to_thread(self._publish, signed, self._keys.signer)
            self.signed, self.trouble = size, None
            self._new.clear()
            self._many.clear()
            await asyncio.to_thread(self._book.roll)
        for listener in self._listeners:
            listener(signed)
        return signed

    def _publish(self, checkpoint: Checkpoint, signer: Signer) -> None:
        try:
            self._fs.make_dirs(self._folder)
            notes.store(self._fs, self._folder, checkpoint.size, sign_checkpoint(checkpoint, signer))
        except OSError as exc:
            raise disk_error(exc) from exc

    def _load(self) -> None:
        self.signed = notes.newest_size(self._fs, self._folder) or 0
        if self.signed == self._book.size and self._book.trouble is None:
            self._book.roll()
        self._load_countersigned()

    def _load_countersigned(self) -> None:
        size = notes.newest_size(self._fs, self._countersigned)
        if size is None:
            return
        try:
            notes.confirm(self._fs, self._countersigned)
            found = notes.load(self._fs, self._countersigned, size, self._keys.station, self._keys.centre)
            self._require_ours(found)
        except EdgeError as exc:
            self.trouble = exc  # not counted; the courier fetches it again
            return
        self.countersigned = size

    def _require_ours(self, found: Checkpoint) -> None:
        if found.size > self._book.size:
            why = EdgeError(ErrorCode.LEDGER_BEHIND, lines=self._book.size, countersigned=found.size)
            self._book.stop_trusting(why)
            raise why
        if self._own_root(found.size) != found.root:
            why = EdgeError(
                ErrorCode.LEDGER_CORRUPT, reason="the centre holds another history", seq=found.size
            )
            self._book.stop_trusting(why)
            raise why

    def _own_root(self, size: int) -> bytes:
        """The root that we signed for this size; from the lines themselves if the note is gone."""
        try:
            if size in note_sizes(self._fs.list_dir(self._folder)):
                return notes.load(self._fs, self._folder, size, self._keys.station).root
            return self._book.root_at(size)
        except OSError as exc:
            raise disk_error(exc) from exc

    def _store_countersigned(self, found: Checkpoint, data: bytes) -> None:
        try:
            self._fs.make_dirs(self._countersigned)
            notes.store(self._fs, self._countersigned, found.size, data)
            for size in note_sizes(self._fs.list_dir(self._countersigned)):
                if size < found.size:  # the newest covers all that the older ones did
                    self._fs.remove(f"{self._countersigned}/{note_name(size)}")
        except OSError as exc:
            raise disk_error(exc) from exc

    def _wake(self, _: Line | None = None) -> None:
        fresh = self._book.size - self.signed
        if fresh > 0:
            self._new.set()
        if fresh >= self._pace.lines:
            self._many.set()
