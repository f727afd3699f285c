"""Brings one item of the queue to the centre, as often as it takes, and never over anything that is there.

1. Content first, manifest last: a manifest at the centre means that its content was complete before, or
   that other bytes lie under the content's name, which the centre then compares and sets aside.
2. Every step looks first at what is there. A connection that broke after RENAME was sent is decided by
   what lies under the final name, not by sending again.
3. A name that is taken by other bytes is left alone; a person, or the centre, has to clear it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from edged.errors import EdgeError, ErrorCode, FormatError
from edged.formats.manifest import Manifest
from sync.outbox import MANIFEST, MANIFEST_LIMIT, unverified_manifest
from sync.ports import Ports
from sync.queue import Item, Kind, Queue
from sync.report import Gauge, Sending
from sync.store import AlreadyThereError, Store, StoreError
from sync.transfer import Part, Transfer, Watch

RECEIPTS = "receipts"


class HeldError(EdgeError):
    """This one cannot be delivered as it is, and sending it again changes nothing."""

    default = ErrorCode.CENTRE_REFUSED


class OtherBytesError(HeldError):
    """Something else lies under the final name. It is never replaced from here."""


class Delivery:
    """Of one conversation."""

    def __init__(self, store: Store, queue: Queue, transfer: Transfer, ports: Ports, gauge: Gauge) -> None:
        self._store = store
        self._queue = queue
        self._transfer = transfer
        self._fs = ports.fs
        self._clock = ports.clock
        self._random = ports.random
        self._log = ports.log
        self._gauge = gauge
        self.between: Callable[[], Awaitable[None]] | None = None  # work that may come in between

    async def deliver(self, item: Item) -> None:
        """Return when ``item`` lies at the centre as a whole and the queue knows it.

        Raises:
            HeldError: it cannot be delivered as it is.
            StoreError: what the centre did.
            OSError: the local disk.
        """
        began = self._now()
        if item.kind is Kind.RECORDING:
            await self._recording(item)
        else:
            folder = "ledger" if item.kind is Kind.PIECE else "ledger/checkpoints"
            await self._store.make_dirs(folder)
            await self._place(item, f"{item.folder}/{item.key}", folder, item.key, "")
        self._queue.delivered(item.key, self._now())
        if item.kind is Kind.RECORDING:
            seconds = (self._now() - began) / 1e9
            self._log("EDG-3103", recording=item.key, size=item.size, elapsed_s=round(seconds, 3))
        else:
            self._log("EDG-3111", name=item.key, size=item.size)

    async def put(self, folder: str, name: str, data: bytes) -> None:
        """Leave a small file of the courier's own at the centre."""
        await self._store.make_dirs(folder)
        part = f"{folder}/{self._new_part(name)}"
        file = await self._store.create(part)
        await file.write_at(0, data)
        await file.sync()
        await file.close()
        await self._store.rename(part, f"{folder}/{name}")

    async def _recording(self, item: Item) -> None:
        note = await asyncio.to_thread(self._fs.read, f"{item.folder}/{MANIFEST}", MANIFEST_LIMIT)
        manifest = _checked_manifest(note, item)
        folder = f"recordings/{manifest.folder}/{item.key}"
        if await self._is_answered(item.key) or await self._is_complete(folder, manifest, note):
            return
        await self._store.make_dirs(folder)
        # The queue's part and mark belong to the content; the manifest is small and starts anew.
        bare, beside = replace(item, part="", synced=0), f"{item.folder}/{MANIFEST}"
        try:
            await self._place(item, f"{item.folder}/{manifest.file}", folder, manifest.file, manifest.sha256)
        except OtherBytesError:
            # Spoilt there after it got its name, or somebody else's: the centre needs our word to tell.
            await self._place(bare, beside, folder, MANIFEST, "", marks=False)
            raise
        await self._place(bare, beside, folder, MANIFEST, "", marks=False)

    async def _is_answered(self, recording: str) -> bool:
        """The centre has answered before: it has the recording, wherever it put it."""
        return await self._store.stat(f"{RECEIPTS}/{recording}.note") is not None

    async def _is_complete(self, folder: str, manifest: Manifest, note: bytes) -> bool:
        there = await self._store.stat(f"{folder}/{MANIFEST}")
        if there is None or there.size != len(note):
            return False
        content = await self._store.stat(f"{folder}/{manifest.file}")
        if content is None or content.size != manifest.size:
            return False
        return await self._store.read(f"{folder}/{MANIFEST}", MANIFEST_LIMIT) == note

    async def _place(
        self, item: Item, source: str, folder: str, name: str, sha256: str, *, marks: bool = True
    ) -> None:
        final = f"{folder}/{name}"
        if (found := await self._store.stat(final)) is not None:
            if await self._was_renamed(item, folder, found.size) or await self._transfer.equal(final, source):
                return
            raise OtherBytesError(path=final, reason="other bytes lie under this name")
        part = Part(f"{folder}/{item.part}", item.synced) if item.part else None
        watch = self._watch(item, marks=marks)
        sent = await self._transfer.send(source, f"{folder}/{self._new_part(name)}", part, watch)
        if sha256 and sent.sha256 != sha256:
            raise HeldError(ErrorCode.READ_BACK_DIFFERS, path=source, expected=sha256, found=sent.sha256)
        try:
            await self._store.rename(sent.path, final)
        except AlreadyThereError:
            if not await self._transfer.equal(final, source):
                raise OtherBytesError(path=final, reason="other bytes came under this name") from None
        there = await self._store.stat(final)
        if there is None or there.size != sent.size:
            raise StoreError(path=final, reason="renamed and not there")

    async def _was_renamed(self, item: Item, folder: str, size: int) -> bool:
        """All of the part was synced, it is gone, and a file of its size has the final name."""
        if not item.part or item.synced != item.size or size != item.size:
            return False
        return await self._store.stat(f"{folder}/{item.part}") is None

    def _watch(self, item: Item, *, marks: bool) -> Watch:
        watch = Watch() if self.between is None else Watch(between=self.between)
        if marks:
            part = item.part

            def began(path: str) -> None:
                nonlocal part
                part = path.rpartition("/")[2]
                self._queue.begin(item.key, part)

            def moved(offset: int) -> None:
                self._gauge.current = Sending(key=item.key, sent=offset, size=item.size)

            watch.began, watch.moved = began, moved
            watch.spoiled = lambda: self._queue.begin(item.key, "")
            watch.synced = lambda size: self._queue.mark(item.key, part, size)
            watch.resumed = lambda offset: self._log("EDG-3110", name=item.key, offset=offset, size=item.size)
        return watch

    def _new_part(self, name: str) -> str:
        return f"{name}.{self._random.token(4).hex()}.part"

    def _now(self) -> int:
        return self._clock.now().boottime_ns


def _checked_manifest(note: bytes, item: Item) -> Manifest:
    try:
        manifest = unverified_manifest(note)
    except FormatError as exc:
        raise HeldError(ErrorCode.FORMAT_BAD, recording=item.key, what="manifest") from exc
    if manifest.recording != item.key:
        raise HeldError(ErrorCode.FORMAT_BAD, recording=item.key, what="manifest of another recording")
    return manifest
