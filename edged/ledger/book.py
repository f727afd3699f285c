"""The ledger's one writer: takes facts, gives back durable lines.

1. `append` returns when its line is on the disk. Facts that come while the disk is busy share one
   write and one fdatasync, in the order in which they came, and one clock reading.
2. A caller that is cancelled while it waits takes nothing back: its line is written whole.
3. Nothing already acknowledged is ever changed or cut. What a power cut tore off is removed at the
   next `open`, its bytes kept aside, and the removal is the next line (`ledger.tail_cut`).
4. A ledger that is damaged (LEDGER_CORRUPT), behind its own checkpoint (LEDGER_BEHIND) or another
   history than the centre's goes on: lines are appended after the last one that can be read, and
   `trouble` says why nothing may be cleared and no checkpoint is signed. So copying goes on, nothing
   is begun anew, and the chain heals when the damaged files are put back.
5. After a failed fdatasync nobody knows what lies on the disk: nothing more is written until the
   ledger has been opened anew.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256

from edged.errors import EdgeError, ErrorCode
from edged.formats.facts import Fact, LedgerTailCut, StationCommissioned
from edged.formats.line import (
    FIRST_PREV,
    LINE_LIMIT,
    Envelope,
    Line,
    Stamp,
    encode_data,
    encode_line,
    require_actor,
)
from edged.formats.merkle import Tree, leaf_hash
from edged.formats.note import Verifier
from edged.formats.station_keys import StationKeys, keys_with
from edged.formats.times import format_ns
from edged.ledger.opening import inspect
from edged.ledger.pen import Pen, begin, disk_error, settle_names
from edged.ledger.reading import lines_of, selected
from edged.ledger.recovery import BATCH_LIMIT, Damage, Survey
from edged.ports import Clock, FileSystem

WAITING_LIMIT = 1024  # facts that may wait for the disk; more callers wait for room


@dataclass(slots=True)
class _Entry:
    fact: Fact
    actor: str
    data: bytes
    done: asyncio.Future[Line]


class Book:
    """An open ledger. Use it from one event loop; `lines` and `root_at` block and may run in any thread.

    Attributes:
        size: number of durable lines; the next line's number.
        commissioned: what line 0 says.
        trouble: why the ledger cannot be relied on; None if it can. Never goes back to None.
        damage: the damaged places found at `open` (the first hundred).
    """

    def __init__(self, clock: Clock, found: Survey, pen: Pen) -> None:
        """Use `open` or `create`."""
        assert found.commissioned is not None
        self._clock, self._pen = clock, pen
        self.size, self._tip, self._tree = found.size, found.tip, found.tree
        self.commissioned: StationCommissioned = found.commissioned
        self._keys = found.keys
        self.damage: tuple[Damage, ...] = tuple(found.damage)
        self.trouble: EdgeError | None = None
        self._queue: deque[_Entry] = deque()
        self._batch: list[_Entry] = []  # what is being written
        self._stated = self._through = 0  # entries that were queued, and those that are written or refused
        self._room = asyncio.Semaphore(WAITING_LIMIT)
        self._turn = asyncio.Lock()
        self._writer: asyncio.Task[None] | None = None
        self._listeners: list[Callable[[Line], None]] = []
        self._busy: Callable[[bool], object] = lambda _: None

    @classmethod
    async def create(
        cls, fs: FileSystem, folder: str, clock: Clock, fact: StationCommissioned, *, actor: str = "station"
    ) -> "Book":
        """Begin a station's ledger with its first line (``edgectl station init`` and nobody else).

        Raises:
            EdgeError: CONFLICT, there is a ledger already; DiskError.
        """
        require_actor(actor)
        line = encode_line(0, FIRST_PREV, stamp_of(clock), actor, fact, encode_data(fact))
        await asyncio.to_thread(begin, fs, folder, line.raw + b"\n")
        return await cls.open(fs, folder, clock)

    @classmethod
    async def open(
        cls, fs: FileSystem, folder: str, clock: Clock, *, station: Verifier | None = None
    ) -> "Book":
        """Read the whole ledger, repair what a power cut left, and go on from there.

        Args:
            station: the station's own public key. With it, it must be the one that the ledger names last, and
                the newest checkpoint must be genuine and fit the lines.

        Raises:
            EdgeError: LEDGER_MISSING (no line at all), LEDGER_NEWER, LEDGER_CORRUPT (line 0 is not
                ours or cannot be read: there is nothing to go on from), KEY_CHANGE_UNFINISHED (it was cut
                off). Any other damage is `trouble`.
            DiskError: the disk does not let itself be read or repaired.
        """
        try:
            return await asyncio.to_thread(cls._open, fs, folder, clock, station)
        except OSError as exc:
            raise disk_error(exc) from exc

    @classmethod
    def _open(cls, fs: FileSystem, folder: str, clock: Clock, station: Verifier | None) -> "Book":
        with suppress(FileNotFoundError):
            settle_names(fs, folder)
        found, trouble = inspect(fs, folder, station)
        pen = Pen(fs, folder, found)
        book = cls(clock, found, pen)
        book.trouble = trouble
        if found.torn:
            fact = LedgerTailCut(size=len(found.torn), sha256=sha256(found.torn).hexdigest())
            line = encode_line(book.size, book._tip, stamp_of(clock), "station", fact, encode_data(fact))
            pen.replace_torn(found.torn, line.seq, line.raw + b"\n")
            book._count(line)
        else:
            pen.write_tail_again()
        pen.keep_reserve()
        return book

    async def close(self) -> None:
        """Wait until all that was appended is durable, then let go of the file."""
        while self._writer is not None:
            await asyncio.shield(self._writer)
        async with self._turn:
            self._pen.close()

    @property
    def keys(self) -> StationKeys:
        """With which the station has signed up to now. Raises EdgeError: LEDGER_CORRUPT, line 0 names none."""
        if self._keys is None:
            raise EdgeError(ErrorCode.LEDGER_CORRUPT, reason="line 0 names no key", seq=0)
        return self._keys

    @property
    def reserve_short(self) -> bool:
        """The disk did not give the ledger its reserve: filling it up may stop the ledger."""
        return self._pen.reserve_short

    @property
    def broken(self) -> EdgeError | None:
        """The fault of the disk that ended writing (rule 5)."""
        return self._pen.broken

    # --- writing ---------------------------------------------------------------------------------

    async def append(self, fact: Fact, actor: str = "station") -> Line:
        """Return the line that now durably holds ``fact``.

        Raises:
            FormatError: a fact or an actor that no line can hold; nothing was written.
            DiskError: DISK_FULL, and the next call may succeed; or any other fault of the disk, and
                all later calls raise it too (rule 5).
        """
        require_actor(actor)
        data = encode_data(fact)
        await self._room.acquire()
        if self._pen.broken is not None:
            self._room.release()
            raise self._pen.broken
        done: asyncio.Future[Line] = asyncio.get_running_loop().create_future()
        done.add_done_callback(_look_at)
        self._queue.append(_Entry(fact, actor, data, done))
        self._stated += 1
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all(), name="ledger writer")
        return await done  # cancelled, it leaves the entry in the queue: rule 2

    async def drained(self) -> None:
        """Return once all that was stated so far is durable or refused, also where its caller was cancelled."""
        goal = self._stated
        while self._through < goal and self._writer is not None:
            async with self._turn:
                await asyncio.sleep(0)

    def subscribe(self, listener: Callable[[Line], None]) -> Callable[[], None]:
        """Call ``listener`` with every line that becomes durable, in order, before its `append` returns.

        Returns what ends the subscription. A listener that raises is reported to the loop's exception
        handler and called again for the next line: it cannot stop the ledger.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def watch(self, busy: Callable[[bool], object]) -> None:
        """Call ``busy`` with True whenever the writer has lines to write next, with False when it has none."""
        self._busy = busy

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        """While inside, no line is written: `size` and `root` belong together, and `roll` is allowed."""
        async with self._turn:
            yield

    def root(self) -> bytes:
        """Merkle root over all durable lines. Says nothing in a ledger in `trouble`."""
        return self._tree.root()

    def roll(self) -> bool:
        """Close the open piece at a checkpoint; blocking, inside `exclusive`. See `Pen.roll`."""
        return self._pen.roll(self.size)

    def stop_trusting(self, why: EdgeError) -> None:
        """Note a trouble that somebody else found (the centre holds another history). The first stays."""
        self.trouble = self.trouble or why

    async def _write_all(self) -> None:
        try:
            while self._queue:
                self._busy(True)
                async with self._turn:
                    await self._write_batch()
        except asyncio.CancelledError:
            # Only the end of the loop does this; a thread may still be writing, so nobody else may.
            self._pen.broken = EdgeError(ErrorCode.CONFLICT, reason="the ledger's writer was cancelled")
            self._refuse(self._batch, self._pen.broken)
            raise
        finally:
            self._writer = None
            self._busy(False)

    async def _write_batch(self) -> None:
        batch = self._batch = self._take_batch()
        try:
            lines = self._lines_of(batch)
            await asyncio.to_thread(self._pen.write, b"".join(line.raw + b"\n" for line in lines))
        except EdgeError as exc:
            self._refuse(batch, exc)
            return
        except Exception as exc:  # noqa: BLE001  # a defect: nobody may wait for ever for a writer that died
            self._pen.broken = EdgeError(ErrorCode.DEFECT, where="ledger writer", why=repr(exc)[:200])
            self._refuse(batch, exc)
            return
        for entry, line in zip(batch, lines, strict=True):
            self._count(line)
            self._tell(line)
            self._settle(entry, line)
        self._batch = []

    def _take_batch(self) -> list[_Entry]:
        batch: list[_Entry] = []
        room = BATCH_LIMIT
        while self._queue and room > LINE_LIMIT:
            batch.append(self._queue.popleft())
            room -= len(batch[-1].data) + 1024  # what stands around ``data`` is shorter
        return batch

    def _lines_of(self, batch: list[_Entry]) -> list[Line]:
        stamp, seq, prev = stamp_of(self._clock), self.size, self._tip
        lines: list[Line] = []
        for entry in batch:
            line = encode_line(seq, prev, stamp, entry.actor, entry.fact, entry.data)
            lines.append(line)
            seq, prev = seq + 1, line.hash
        return lines

    def _refuse(self, batch: list[_Entry], why: Exception) -> None:
        if self._pen.broken is not None:  # what waits behind this batch has no better prospect
            batch = [*batch, *self._queue]
            self._queue.clear()
        self._batch = []
        for entry in batch:
            self._settle(entry, why)

    def _settle(self, entry: _Entry, result: Line | Exception) -> None:
        self._through += 1
        self._room.release()
        if entry.done.done():
            return
        if isinstance(result, Exception):
            entry.done.set_exception(result)
        else:
            entry.done.set_result(result)

    def _count(self, line: Line) -> None:
        self.size, self._tip = line.seq + 1, line.hash
        self._tree.append(leaf_hash(line.raw))
        self._keys = keys_with(self._keys, line)

    def _tell(self, line: Line) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(line)
            except Exception as exc:  # noqa: BLE001  # a defect in a view must not stop the ledger
                asyncio.get_running_loop().call_exception_handler(
                    {"message": "a listener of the ledger failed", "exception": exc}
                )

    # --- reading ---------------------------------------------------------------------------------

    def lines(self, first: int = 0, last: int | None = None, *, strict: bool = True) -> Iterator[Line]:
        """Yield durable lines by number, from the files, in bounded memory. Blocking.

        Args:
            last: the last one to yield; None: up to the last that is durable now.
            strict: False passes over what cannot be read or does not follow, for a station in `trouble`.

        Raises:
            EdgeError: LEDGER_CORRUPT at the first damaged place if ``strict``; LEDGER_NEWER.
            DiskError: a file cannot be read.
        """
        stop = self.size if last is None else min(self.size, last + 1)
        return lines_of(self._pen, first, stop, strict=strict)

    def selected(self, since: str, types: frozenset[str]) -> Iterator[Line | Envelope]:
        """Yield the lines of about ``since`` and later; see `edged.ledger.reading.selected`. From any thread."""
        return selected(self._pen, since, self.size, types)

    def root_at(self, size: int) -> bytes:
        """Merkle root over the first ``size`` lines. Blocking; reads them all. Raises as `lines`."""
        tree = Tree()
        for line in self.lines(0, size - 1):
            tree.append(leaf_hash(line.raw))
        return tree.root()


def stamp_of(clock: Clock) -> Stamp:
    """One clock reading as a line has it."""
    now = clock.now()
    return Stamp(
        time=format_ns(now.wall_ns),
        boottime_ns=now.boottime_ns,
        boot_id=now.boot_id,
        clock=now.clock.value,
        max_error_ns=now.max_error_ns,
    )


def _look_at(done: asyncio.Future[Line]) -> None:
    """A caller that was cancelled does not fetch its error; it is no defect that nobody does."""
    if not done.cancelled():
        done.exception()
