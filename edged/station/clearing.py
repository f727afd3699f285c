"""Removes from a camera what is past the delete gate, and nothing else.

The gate (`edged.gate`) is asked for each recording with facts gathered now: what the ledger says, what lies in the
vault, what the centre countersigned, and what the camera shows at this moment. What does not pass stays aboard.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from drivers.worker import messages as m
from edged.errors import CameraError, DiskError, EdgeError, ErrorCode
from edged.formats import facts as f
from edged.formats import shift_facts as sf
from edged.formats.manifest import open_manifest
from edged.formats.note import Verifier
from edged.formats.receipt import require_receipt
from edged.formats.station_keys import SignedBy
from edged.gate import Cause, ClearFacts, ClearRate, Content, Gate, GateRule, Grounds, Policy, decide
from edged.ledger.checkpoints import Checkpointer
from edged.ports import Medium
from edged.roles.base import SealOrder
from edged.station.doubts import READS_DIFFER, doubted
from edged.station.offload import RECLEARS, Aboard, Tools
from edged.station.session import CameraSession
from edged.station_state import Life, Recording
from edged.vault.sealing import Sealed

BATCH = 256  # recordings a line of clear.started; more go in the next round
_MAY_CHANGE = frozenset({GateRule.G5, GateRule.G9})
"""Rules that hold later without anything changing on the card."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateKeys:
    """What the gate is asked with, beside the facts."""

    policy: Policy
    grounds: Grounds
    rate: ClearRate
    second_read: bool
    sound: Callable[[], bool]  # whether the ledger is without trouble
    checkpoints: Checkpointer
    station: SignedBy
    centre: Verifier


class Clearing:
    """One round on one camera that is in disk mode."""

    def __init__(
        self,
        tools: Tools,
        session: CameraSession,
        aboard: Aboard,
        gate: GateKeys,
        *,
        identified: Callable[[], bool],
        settled: set[str],
        altered: set[str],
        lacking: int = 0,
        forced: Grounds | None = None,
    ) -> None:
        """``identified``: whether it is a listed camera that nothing speaks against, now.

        ``settled``: recordings that an earlier round of this docking found absent or behind a closed gate;
        asking again would only wear the card. The round adds to it. ``altered``: recordings that their clip, twice
        read alike, is no longer; the round adds to it, for the offload. ``lacking``: bytes of free memory that the
        camera lacks for the next shift; only then the policy on-seal-when-needed has something to say. ``forced``:
        what two persons want; the brake and what this docking found closed do not count, and the round ends it."""
        self._forced = forced
        self._lacking = lacking if gate.policy is Policy.ON_SEAL_WHEN_NEEDED and forced is None else 0
        self._t, self._session, self._aboard, self._gate = tools, session, aboard, gate
        self._identified, self._settled, self._altered = identified, settled, altered
        self._cleared = 0
        self.free_bytes = -1
        self.more = False  # to be listed again: the card holds a file that nobody has listed as it is now

    def due(self) -> bool:
        """Whether something aboard may be past the gate, by what the ledger says. Cheap."""
        if not self._identified() or doubted(self._t.recorder.state, self._aboard.camera):
            return False
        if self._forced is not None:
            return True
        return not self._stopped() and any(self._candidate(r) for r in self._recordings())

    async def run(self) -> None:
        """Clear what passes.

        Raises:
            CameraError: the camera failed; the intent has its outcome.
        """
        try:
            await self._round()
        except CameraError:
            await self._end_force()
            raise
        await self._end_force()

    async def _end_force(self) -> None:
        if self._forced is not None:
            ended = sf.ClearEnded(camera=self._aboard.camera, cleared=self._cleared)
            await self._t.recorder.happened(ended)

    async def _round(self) -> None:
        listing = await self._session.listing()
        self.free_bytes = listing.free_bytes
        if not self._identified():
            return  # marked since this round became due; it is asked again when the mark has ended
        if not listing.complete:
            return  # damage kept entries from being listed: nothing is removed from such a card
        aboard = {(c.path, c.size, c.mtime, c.first_cluster): c for c in listing.clips}
        like = self._t.recorder.state.recording_like
        self.more = any(like(self._aboard.camera, *identity) is None for identity in aboard)
        self._settled.update(
            r.id
            for r in self._recordings()
            if self._candidate(r) and not r.clear_begun and r.identity[1:] not in aboard
        )
        wanted = self._needed(
            (recording, clip)
            for recording in sorted(self._recordings(), key=lambda r: r.mtime)
            if self._candidate(recording) and (clip := aboard.get(recording.identity[1:])) is not None
        )[:BATCH]
        passed: dict[Policy, list[tuple[Recording, m.Clip]]] = {}
        for recording, clip in wanted:
            verdict = await self._verdict(recording, clip, len(wanted))
            if verdict.open:
                passed.setdefault(verdict.policy, []).append((recording, clip))
        gone: dict[Policy, list[tuple[Recording, m.Clip]]] = {}
        for r in self._recordings():
            if r.clear_begun and self._candidate(r) and r.identity[1:] not in aboard:
                policy = Policy.ON_SEAL_WHEN_NEEDED if r.life is Life.SEALED else Policy.ON_RECEIPT
                gone.setdefault(policy, []).append((r, _clip_of(r)))
        if not self._identified():
            return  # marked while it was read
        for policy in Policy:
            if policy in passed or policy in gone:
                await self._clear(passed.get(policy, []), gone.get(policy, [])[:BATCH], policy)

    # --- the gate -----------------------------------------------------------------------------------

    def _recordings(self) -> list[Recording]:
        return list(self._t.recorder.state.recordings_of(self._aboard.camera))

    def _needed(self, found: Iterable[tuple[Recording, m.Clip]]) -> list[tuple[Recording, m.Clip]]:
        """All that is confirmed, and of what is only sealed the oldest until the camera lacks nothing."""
        wanted, lacking = [], self._lacking
        for recording, clip in found:
            if recording.life is not Life.SEALED or lacking > 0:
                wanted.append((recording, clip))
                lacking -= clip.size
        return wanted

    def _candidate(self, r: Recording) -> bool:
        covered = self._gate.checkpoints.covered(r.sealed_seq)
        if r.life is Life.SEALED and self._lacking > 0:
            covered = self._gate.sound()
        forced = self._forced is not None
        came_back = r.life is Life.CLEARED and r.seen_again and (forced or r.clears <= RECLEARS)
        newest = self._t.recorder.state.recording_like(*r.identity) is r  # else the file is another by now
        doubtful = r.damaged or r.corrupt or r.reread_due or r.held
        fit = newest and (forced or r.id not in self._settled) and not doubtful
        by_decision = r.life is Life.SEALED and self._lacking > 0
        return fit and covered and (r.life is Life.CONFIRMED or came_back or by_decision)

    def _stopped(self) -> bool:
        return self._gate.rate.stopped(self._boottime_s())

    def _boottime_s(self) -> float:
        return self._t.clock.now().boottime_ns / 1e9

    async def _verdict(self, recording: Recording, clip: m.Clip, asked: int) -> Gate:
        again = await self._read_again(clip)
        differs = again is not None and again.sha256 != recording.sha256
        if differs:
            self.more = True  # was it altered, then the offload takes it for a new recording
            if _alike(again, await self._read_again(clip)):
                self._altered.add(recording.id)
            await self._t.alerts.raise_(
                f"{READS_DIFFER}:{self._aboard.camera}", ErrorCode.CAMERA_CHANGED, recording=recording.id
            )
        verdict = decide(
            ClearFacts(
                cause=self._cause(recording),
                ledger_sound=self._gate.sound(),
                listed=_clip_of(recording),
                camera_identified=self._identified(),
                sealed=Content(recording.id, recording.size, recording.sha256),
                medium=Medium(recording.medium),
                # Where the medium proves nothing the event says so; the centre's receipt rests on its own reading.
                unproven_allowed=recording.life is not Life.SEALED,
                corrupt=recording.corrupt,
                reread_due=recording.reread_due,
                second_read_due=self._gate.second_read,
                second_read=again.sha256 if again is not None else "",
                damaged=recording.damaged or again is None or bool(again.gaps),
                seal_line=recording.sealed_seq,
                countersigned=self._gate.checkpoints.countersigned,
                receipt=await self._receipt(recording),
                held=bool(recording.held),
                seen=clip,
                fingerprint_sealed=recording.fingerprint,
                fingerprint_seen=again.fingerprint if again is not None else "",
                asked=asked,
                listed_count=len(self._recordings()),
                stopped=self._stopped(),
            ),
            self._gate.policy if self._forced is None else Policy.FORCED,
            self._gate.grounds if self._forced is None else self._forced,
        )
        if not verdict.open:
            self._t.log(
                "EDG-2304",
                recording=recording.id,
                camera=self._aboard.camera,
                rules=" ".join(verdict.failing),
            )
            # What differs waits for a technician to end the doubt, a marked camera for the end of the mark.
            if not differs and self._identified() and not _MAY_CHANGE.issuperset(verdict.failing):
                self._settled.add(recording.id)
        return verdict

    def _cause(self, recording: Recording) -> Cause:
        if self._forced is not None:
            return Cause.PERSON
        return Cause.MEMORY_NEEDED if recording.life is Life.SEALED else Cause.RECEIPT

    async def _receipt(self, recording: Recording) -> Content | None:
        """G6 from the medium: the receipt and manifest that lie in the vault, verified again."""
        place = self._t.vault.at(recording.id, recording.folder, recording.file)
        try:
            receipt = await asyncio.to_thread(self._t.vault.read_note, place.receipt)
            manifest = await asyncio.to_thread(self._t.vault.read_note, place.manifest)
            if receipt is None or manifest is None:
                return None
            genuine = require_receipt(receipt, self._gate.centre, open_manifest(manifest, self._gate.station))
        except DiskError:
            raise  # says nothing about the receipt: the clearing is tried again
        except EdgeError:
            return None
        return Content(genuine.recording, genuine.size, genuine.sha256)

    async def _read_again(self, clip: m.Clip) -> Sealed | None:
        """G4 and G7: the whole source once more, just before it is removed. None: it cannot be read."""
        try:
            return await self._session.transfer(clip, 0, SealOrder(limits=self._t.limits), lambda _: None)
        except CameraError as exc:
            if exc.code is ErrorCode.CAMERA_MEDIA:
                return None
            raise

    # --- the effect ---------------------------------------------------------------------------------

    async def _clear(
        self,
        passed: list[tuple[Recording, m.Clip]],
        gone: list[tuple[Recording, m.Clip]],
        policy: Policy,
    ) -> None:
        """Remove ``passed``; finish what an earlier clearing, cut off, has taken from the card already (U03)."""
        names = tuple(recording.id for recording, _ in (*passed, *gone))
        grounds = self._gate.grounds if policy is Policy.ON_SEAL_WHEN_NEEDED else Grounds()
        await self._t.recorder.record(
            f.ClearStarted(
                camera=self._aboard.camera,
                slot=self._aboard.slot,
                recordings=names,
                policy=policy,
                decision=grounds.decision,
                decision_date=grounds.decision_date,
            )
        )
        try:
            done = await self._session.clear(tuple(clip for _, clip in (*passed, *gone)))
        except CameraError as exc:
            await self._failed(names, exc)
            raise
        self.free_bytes = done.free_bytes_after
        removed = set(done.cleared)
        cleared = tuple(recording.id for recording, clip in passed if clip.path in removed)
        cleared += tuple(recording.id for recording, _ in gone)
        self._cleared += len(cleared)
        for recording, _ in passed:
            self._gate.rate.note(self._boottime_s(), ok=recording.id in cleared)
        await self._t.recorder.happened(
            f.CameraCleared(
                camera=self._aboard.camera,
                slot=self._aboard.slot,
                recordings=cleared,
                free_before=done.free_bytes_before,
                free_after=done.free_bytes_after,
                free_expected=done.free_bytes_expected,
            )
        )

    async def _failed(self, names: tuple[str, ...], error: EdgeError) -> None:
        self._gate.rate.note(self._boottime_s(), ok=False)
        await self._t.recorder.happened(
            f.ClearFailed(
                camera=self._aboard.camera,
                slot=self._aboard.slot,
                recordings=names,
                code=error.code.number,
                reason=str(error)[:300],
            )
        )
        if self._stopped():
            await self._t.alerts.raise_(
                "clearing-stopped", ErrorCode.CLEAR_FAILED, camera=self._aboard.camera
            )


def _alike(one: Sealed | None, other: Sealed | None) -> bool:
    """Two whole readings that agree: the card speaks for itself, whatever was copied from it before."""
    return one is not None and other is not None and not other.gaps and one.sha256 == other.sha256


def _clip_of(recording: Recording) -> m.Clip:
    return m.Clip(
        path=recording.path,
        size=recording.size,
        mtime=recording.mtime,
        first_cluster=recording.first_cluster,
    )
