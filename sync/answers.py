"""Fetches what the centre has written for the station: receipts, refusals, countersigned checkpoints, requests.

Believed by nobody here: `edged` verifies every one before it counts. So a receipt goes on being asked for
until edged has put its verified copy beside the recording; a forged one cannot take the place of the true.
"""

import asyncio
import hashlib
import re
from collections.abc import Iterable

from edged.errors import FormatError
from edged.formats import document
from edged.formats.checkpoint import CHECKPOINT_LIMIT
from edged.formats.receipt import Refusal
from sync.files import names, replace_file
from sync.outbox import CHECKPOINT, MANIFEST, RECORDING, Outbox
from sync.ports import Ports
from sync.queue import Item, Kind, Queue
from sync.report import Gauge
from sync.store import NotThereError, Store

RECEIPT_LIMIT = document.DOCUMENT_LIMIT
FEW = 16  # up to so many are asked for one by one; more by listing the folder
REFERENCES = 64  # requests about cases that are fetched at once
KEEP = 8  # countersigned checkpoints kept in the inbox
RECHECK_NS = 900 * 1_000_000_000
REFERENCE = re.compile(r"([0-9a-f]{32})\.reference\.note", re.ASCII)
CONTENT = re.compile(r"content\.[a-z0-9]{1,8}", re.ASCII)


class Answers:
    """Lives as long as the courier; each call is given the conversation to use."""

    def __init__(self, queue: Queue, outbox: Outbox, ports: Ports, inbox: str, gauge: Gauge) -> None:
        self._queue = queue
        self._outbox = outbox
        self._fs = ports.fs
        self._clock = ports.clock
        self._log = ports.log
        self._folder = f"{inbox}/receipts"
        self._gauge = gauge
        self._rechecked = self._clock.now().boottime_ns
        gauge.countersigned = self._newest_here()

    def _newest_here(self) -> int:
        """Size of the newest countersignature in the inbox; 0 also where it cannot be read: it is fetched again."""
        try:
            return max(_sizes(names(self._fs, f"{self._folder}/checkpoints")), default=0)
        except OSError:
            return 0

    async def fetch(self, store: Store) -> bool:
        """Ask for everything once. Return False if the centre holds less than it did before.

        Raises:
            StoreError, OSError
        """
        now = self._clock.now().boottime_ns
        again = now - self._rechecked >= RECHECK_NS
        if again:
            self._rechecked = now
        await self._recordings(store, again=again)
        await self._requests(store, again=again)
        whole = await self._checkpoints(store)
        if again and whole:
            await self._recheck_ledger(store)
        return whole

    async def newest_there(self, store: Store) -> int:
        """Return the size of the newest checkpoint that the centre has countersigned; 0: none."""
        try:
            return max(_sizes(await store.list_dir("receipts/checkpoints")), default=0)
        except NotThereError:
            return 0

    async def _recordings(self, store: Store, *, again: bool) -> None:
        waiting = self._queue.unanswered()
        waiting = [item for item in waiting if again or not item.answer]
        listed = await self._listed(store) if len(waiting) > FEW else None
        for item in waiting:
            found = await self._one(store, item, listed)
            if not found and again and not item.answer:
                await self._recheck(store, item)

    async def _listed(self, store: Store) -> frozenset[str]:
        try:
            return frozenset(await store.list_dir("receipts"))
        except NotThereError:
            return frozenset()

    async def _one(self, store: Store, item: Item, listed: frozenset[str] | None) -> bool:
        for name in (f"{item.key}.note", f"{item.key}.refused.note"):
            if listed is not None and name not in listed:
                continue
            try:
                data = await store.read(f"receipts/{name}", RECEIPT_LIMIT)
            except NotThereError:
                continue
            await self._take(item, name, data)
            return True
        return False

    async def _take(self, item: Item, name: str, data: bytes) -> None:
        digest = hashlib.sha256(data).hexdigest()
        if digest == item.answer and await asyncio.to_thread(self._holds, name, digest):
            return
        await asyncio.to_thread(replace_file, self._fs, self._folder, name, data)
        if name.endswith(".refused.note"):
            self._queue.hold(item.key, _reason(data), answer=digest)
            self._log("EDG-3106", recording=item.key, reason=_reason(data))
        else:
            self._queue.answered(item.key, digest)
        self._log("EDG-3118", name=f"receipts/{name}")

    def _holds(self, name: str, digest: str) -> bool:
        """Whether it lies in the inbox as it was fetched; whoever else can write there may have put another."""
        try:
            data = self._fs.read(f"{self._folder}/{name}", RECEIPT_LIMIT)
        except OSError:
            return False
        return hashlib.sha256(data).hexdigest() == digest

    async def _recheck(self, store: Store, item: Item) -> None:
        """A server that took everything and kept nothing: what was delivered must still lie there."""
        folder = f"recordings/{'/'.join(item.folder.split('/')[-4:-1])}/{item.key}"
        try:
            there = await store.list_dir(folder)
        except NotThereError:
            there = []
        complete = MANIFEST in there and any(map(CONTENT.fullmatch, there))
        if not complete and await store.stat(f"receipts/{item.key}.note") is None:
            self._queue.offer_again(item.key)
            self._log("EDG-3114", recording=item.key)

    async def _recheck_ledger(self, store: Store) -> None:
        """What was delivered and neither countersigned nor lies there any more was lost at the centre."""
        for item in self._queue.unsigned(self._gauge.countersigned):
            folder = "ledger" if item.kind is Kind.PIECE else "ledger/checkpoints"
            if await store.stat(f"{folder}/{item.key}") is None:
                self._queue.offer_again(item.key)
                self._log("EDG-3114", recording=item.key)

    async def _requests(self, store: Store, *, again: bool) -> None:
        """An empty file ``inbox/requests/<recording>`` changes the order of delivery, and nothing else; a signed
        ``<recording>.reference.note`` is handed on to edged."""
        try:
            wanted = await store.list_dir("inbox/requests")
        except NotThereError:
            return
        for name in wanted:
            if RECORDING.fullmatch(name):
                self._queue.request(name)
        if references := [name for name in wanted if REFERENCE.fullmatch(name)]:
            await self._references(store, references, again=again)

    async def _references(self, store: Store, there: Iterable[str], *, again: bool) -> None:
        """Fetch those that are not here; all of them now and then, so that a forged one does not stay in the way."""
        here = frozenset() if again else frozenset(await asyncio.to_thread(names, self._fs, self._folder))
        for name in sorted(set(there) - here)[:REFERENCES]:
            try:
                data = await store.read(f"inbox/requests/{name}", RECEIPT_LIMIT)
            except NotThereError:
                continue
            await asyncio.to_thread(replace_file, self._fs, self._folder, name, data)
            self._log("EDG-3118", name=f"inbox/requests/{name}")

    async def _checkpoints(self, store: Store) -> bool:
        newest = await self.newest_there(store)
        if newest > self._gauge.countersigned:
            name = f"{newest:012d}.note"
            data = await store.read(f"receipts/checkpoints/{name}", CHECKPOINT_LIMIT)
            await asyncio.to_thread(replace_file, self._fs, f"{self._folder}/checkpoints", name, data)
            self._gauge.countersigned = newest
            await asyncio.to_thread(self._prune)
            self._log("EDG-3118", name=f"receipts/checkpoints/{name}")
        return newest >= self._gauge.countersigned

    def _prune(self) -> None:
        """Old countersignatures in the inbox are of no use; these are copies, the centre keeps its own."""
        sizes = sorted(_sizes(names(self._fs, f"{self._folder}/checkpoints")))
        for size in sizes[:-KEEP]:
            self._fs.remove(f"{self._folder}/checkpoints/{size:012d}.note")


def _sizes(found: Iterable[str]) -> list[int]:
    return [int(match[1]) for match in map(CHECKPOINT.fullmatch, found) if match]


def _reason(note: bytes) -> str:
    """Return what a refusal says, made printable; it is shown, not acted upon."""
    try:
        refusal = document.decode(note.partition(b"\n\n")[0], Refusal)
    except FormatError:
        return "refused by the centre"
    return "".join(c if c.isprintable() else "?" for c in refusal.reason)[:200]
