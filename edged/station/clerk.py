"""Reads what the courier fetched, believes none of it before it is verified, and files what holds.

Of every receipt the signature, station, id, size and hash are checked against what was sealed. What does not hold is a
fact and an alert once, and stays where it is.
"""

import asyncio
import hashlib

from edged.centre_clock import contradiction_s
from edged.errors import DiskError, EdgeError, ErrorCode
from edged.formats.facts import ReceiptRefused, RecordingConfirmed, RecordingHeld
from edged.formats.manifest import open_manifest
from edged.formats.note import Verifier
from edged.formats.receipt import Refusal, open_refusal, require_receipt
from edged.formats.station_keys import SignedBy
from edged.ledger.checkpoints import Checkpointer
from edged.station.alerts import Alerts
from edged.station.inbox import Inbox
from edged.station.recorder import Recorder
from edged.station.referring import Referring
from edged.station_state import Recording
from edged.vault.layout import Place
from edged.vault.vault import Vault

SIZE_DIGITS = 12


class Clerk:
    """``scan`` is called again and again; it is idempotent and costs one directory listing when idle."""

    def __init__(
        self,
        inbox: Inbox,
        *,
        station: SignedBy,
        centre: Verifier,
        vault: Vault,
        checkpoints: Checkpointer,
        recorder: Recorder,
        alerts: Alerts,
        referring: Referring,
    ) -> None:
        self._inbox, self._receipts = inbox, f"{inbox.folder}/receipts"
        self._station, self._centre = station, centre
        self._vault, self._checkpoints = vault, checkpoints
        self._recorder, self._alerts, self._referring = recorder, alerts, referring
        self._doubtful: set[str] = set()  # recordings with a bad receipt and no good one yet
        # Whose receipt may lie in the vault already: it was filed, and then the power went before its line was durable.
        self._filed: set[str] | None = None

    async def scan(self) -> int:
        """Take what is new; return how many recordings were confirmed."""
        self._inbox.begin_round()
        await self._countersignatures()
        confirmed = await self._filed_before()
        names = set(await self._inbox.names(self._receipts))
        waiting = [r for r in self._recorder.state.recordings.values() if r.awaits_receipt] if names else []
        for recording in waiting:
            if f"{recording.id}.note" in names or f"{recording.id}.refused.note" in names:
                confirmed += await self._recording(recording)
        await self._referring.take(self._receipts, names)
        if not self._doubtful:
            await self._alerts.withdraw("receipt-bad")
        return confirmed

    # --- checkpoints ------------------------------------------------------------------------------

    async def _countersignatures(self) -> None:
        folder = f"{self._receipts}/checkpoints"
        for name in reversed(await self._inbox.names(folder)):
            path = f"{folder}/{name}"
            size = name.removesuffix(".note")
            if not _is_size(size) or int(size) <= self._checkpoints.countersigned:
                continue
            if (data := await self._inbox.read(path)) is None:
                continue
            try:
                await self._checkpoints.accept_countersigned(data)
            except EdgeError as exc:
                self._inbox.remember_bad(path, data)
                await self._alerts.raise_("countersignature-bad", ErrorCode.COUNTERSIGN_BAD, reason=str(exc))
                continue
            await self._alerts.withdraw("countersignature-bad")
            return

    # --- receipts ---------------------------------------------------------------------------------

    async def _filed_before(self) -> int:
        """Confirm what an earlier process had verified: the courier sees it in the vault and fetches no other."""
        if self._filed is not None and not self._filed:
            return 0
        waiting = {r.id: r for r in self._recorder.state.recordings.values() if r.awaits_receipt}
        self._filed = set(waiting) if self._filed is None else self._filed & set(waiting)
        confirmed = 0
        for recording in sorted(self._filed):
            receipt = self._place(waiting[recording]).receipt
            try:
                data = await asyncio.to_thread(self._vault.read_note, receipt)
            except DiskError:
                continue  # looked at again
            if data is None:
                self._filed.discard(recording)
            elif not self._inbox.is_bad(receipt, data):
                confirmed += await self._receipt(waiting[recording], receipt, data)
        return confirmed

    async def _recording(self, recording: Recording) -> bool:
        receipt = f"{self._receipts}/{recording.id}.note"
        refusal = f"{self._receipts}/{recording.id}.refused.note"
        if (data := await self._inbox.read(receipt)) is not None:
            return await self._receipt(recording, receipt, data)
        if not recording.held and (data := await self._inbox.read(refusal)) is not None:
            await self._refusal(recording, refusal, data)
        return False

    async def _receipt(self, recording: Recording, path: str, data: bytes) -> bool:
        try:
            manifest = open_manifest(await self._manifest(recording), self._station)
            receipt = require_receipt(data, self._centre, manifest)
            await asyncio.to_thread(self._vault.store_receipt, self._place(recording), data)
        except EdgeError as exc:
            await self._reject(recording, path, data, exc)
            return False
        self._doubtful.discard(recording.id)
        line = await self._recorder.record(
            RecordingConfirmed(
                recording=recording.id,
                receipt_sha256=hashlib.sha256(data).hexdigest(),
                server=receipt.server,
                server_level=receipt.server_level,
                placed_at=receipt.placed_at,
                retain_until=receipt.retain_until,
            )
        )
        await self._alerts.withdraw(_held(recording))
        await self._watch_clock(contradiction_s(receipt.placed_at, manifest.sealed_at, line.stamp))
        return True

    async def _watch_clock(self, off_s: int) -> None:
        if off_s:
            await self._alerts.raise_("centre-clock", ErrorCode.CENTRE_CLOCK, off_s=off_s)
        else:
            await self._alerts.withdraw("centre-clock")

    async def _refusal(self, recording: Recording, path: str, data: bytes) -> None:
        try:
            refusal = _refusal_of(recording.id, data, self._centre)
        except EdgeError as exc:
            await self._reject(recording, path, data, exc)
            return
        await self._recorder.record(RecordingHeld(recording=recording.id, reason=refusal.reason))
        await self._alerts.raise_(_held(recording), ErrorCode.CENTRE_REFUSED, recording=recording.id)

    async def _reject(self, recording: Recording, path: str, data: bytes, error: EdgeError) -> None:
        if isinstance(error, DiskError):
            return  # our own disk's trouble says nothing about the document: it is read again
        self._inbox.remember_bad(path, data)
        self._doubtful.add(recording.id)
        await self._recorder.record(ReceiptRefused(recording=recording.id, reason=str(error)[:500]))
        await self._alerts.raise_("receipt-bad", ErrorCode.RECEIPT_BAD, recording=recording.id)

    async def _manifest(self, recording: Recording) -> bytes:
        note = await asyncio.to_thread(self._vault.read_note, self._place(recording).manifest)
        if note is None:
            raise EdgeError(ErrorCode.NOT_FOUND, recording=recording.id, what="manifest")
        return note

    def _place(self, recording: Recording) -> Place:
        return self._vault.at(recording.id, recording.folder, recording.file)


def _held(recording: Recording) -> str:
    return f"recording-held:{recording.id[:8]}"


def _is_size(text: str) -> bool:
    """Twelve digits, as the courier names the files; ``isdigit`` alone would take other alphabets'."""
    return len(text) == SIZE_DIGITS and text.isascii() and text.isdigit()


def _refusal_of(recording: str, data: bytes, centre: Verifier) -> Refusal:
    refusal = open_refusal(data, centre)
    if refusal.recording != recording:
        raise EdgeError(ErrorCode.RECEIPT_BAD, recording=recording, differs="recording")
    return refusal
