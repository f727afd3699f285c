"""Takes everything aboard a camera into the vault: list, copy, read back, seal. The camera loses nothing here.

1. What is new on the card is a fact before a byte of it is copied (gate G1). So is a card that is another than
   before, though it be empty: 459-IV.7-no-tampering.
2. A file that was sealed before is recognised by serial, path, size, mtime, first cluster and the hash of its
   first and last MiB; anything less makes it a new recording. Names prove nothing. One whose copy in the
   vault is found to be lost becomes a new recording too: it is copied again.
3. Intent (``offload.started``), effect (the bytes), outcome (``recording.sealed`` or ``offload.interrupted``).
4. One file at fault does not stop the others; the camera's fault stops this camera only.
5. The card is listed again at the end: what grew or came meanwhile is another pass.
"""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from drivers.worker import messages as m
from edged.errors import CameraError, DiskError, EdgeError, ErrorCode
from edged.formats import facts as f
from edged.formats.line import Line
from edged.formats.manifest import manifest_of, sign_manifest
from edged.formats.note import Signer
from edged.local_time import Ended, ended
from edged.ports import Clock, FileSystem, Log, Random
from edged.roles.base import Progress as CopyProgress
from edged.roles.base import Roles, SealOrder
from edged.roles.pace import Limits
from edged.station.alerts import Alerts
from edged.station.doubts import COMES_BACK, READS_DIFFER, damaged_alert
from edged.station.recorder import Recorder
from edged.station.session import CameraSession
from edged.station_state import Life, Recording
from edged.stopping import carried_through
from edged.vault.layout import Place, day_of
from edged.vault.sealing import Phase, Sealed
from edged.vault.vault import Part, Vault

CLIPS_A_LINE = 64  # of camera.listed: keeps a line under 64 KiB with the longest names
PASSES = 5  # listings of one docking; a card that still changes then is tried again later
COPIES = 3  # of one clip in one docking, each after a failed read-back or a differing second read
RECLEARS = 2  # a file that comes back after it was cleared is cleared this often again, then flagged (M12)
FAILURES_LIMIT = 8  # clips that may fail in one docking before the camera is left alone for a while


@dataclass(frozen=True, slots=True)
class Aboard:
    """Whose card it is, for the facts."""

    slot: int
    camera: str  # the key under which its recordings stand
    issue: str = ""
    officer: str = ""
    offset_ms: int | None = None  # camera clock ahead of true time, as measured at this docking
    uncertainty_ms: int = -1


@dataclass(slots=True)
class Progress:
    """What the slot shows while it works; replaced at each docking."""

    clips: int = 0
    bytes_total: int = 0
    bytes_done: int = 0
    recording: str = ""
    recording_bytes: int = 0
    failed: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Tools:
    """What every offload of the station shares."""

    vault: Vault
    recorder: Recorder
    signer: Signer
    station: str
    clock: Clock
    random: Random
    alerts: Alerts
    log: Log
    roles: Roles
    fs: FileSystem
    limits: Limits
    camera_zone: ZoneInfo


class Offload:
    """One docking's offload. ``run`` may be cancelled at any await; ``settle_unfinished`` then writes outcomes."""

    def __init__(
        self,
        tools: Tools,
        session: CameraSession,
        aboard: Aboard,
        progress: Progress,
        altered: Collection[str] = (),
    ) -> None:
        """``altered``: recordings that a whole reading of their clips has found to be others by now."""
        self._t, self._session, self._aboard, self.progress = tools, session, aboard, progress
        self._altered = altered
        self.free_bytes = -1
        self.complete = False
        self._card_bytes = 0
        self.damaged = False  # something aboard could not be read in full

    async def run(self) -> bool:
        """Whether everything aboard is sealed now.

        Raises:
            CameraError: the camera is gone, silent or broke its protocol.
            DiskError: the disk takes no more.
        """
        for _ in range(PASSES):
            listing = await self._session.listing()
            self.free_bytes, self.complete = listing.free_bytes, listing.complete
            self._card_bytes = listing.total_bytes
            todo = await self._todo(listing)
            known = (self._recording(clip) for clip in listing.clips)
            self.damaged = any(recording is not None and recording.damaged for recording in known)
            if not todo:
                return listing.complete and not self.progress.failed
            self._count(todo)
            for clip, recording in todo:
                await self._one(clip, recording)
            if self.progress.failed:
                return False
        return False

    # --- what is to be done -------------------------------------------------------------------------

    async def _todo(self, listing: m.ClipsListed) -> list[tuple[m.Clip, str]]:
        """Clips without a sealed copy, each with its recording's id, the oldest first."""
        known: list[tuple[m.Clip, str]] = []
        new: list[m.Clip] = []
        for clip in sorted((c for c in listing.clips if not c.recording), key=lambda c: (c.mtime, c.path)):
            recording = self._recording(clip)
            if recording is None or recording.corrupt or not await self._still_the_same(clip, recording):
                new.append(clip)
            elif recording.life in {Life.MADE, Life.COPYING}:
                known.append((clip, recording.id))
            elif recording.life is Life.CLEARED and not recording.seen_again:
                # Cleared, and back: it is cleared again, never taken for a new one (fault M12).
                await self._t.recorder.record(self._listed([(clip, recording.id)], listing))
                if recording.clears > RECLEARS:
                    await self._doubt(COMES_BACK, ErrorCode.CLEAR_FAILED, recording.id)
        return known + await self._enter(new, listing)

    def _recording(self, clip: m.Clip) -> Recording | None:
        return self._t.recorder.state.recording_like(
            self._aboard.camera, clip.path, clip.size, clip.mtime, clip.first_cluster
        )

    async def _still_the_same(self, clip: m.Clip, recording: Recording) -> bool:
        """A sealed clip is looked at in its first and last MiB; one that differs is a new recording.

        One that does not even agree with itself, or cannot be read any more, is the card's fault and no new
        recording: what was sealed stays, and the camera is doubted (fault U17).
        """
        if recording.id in self._altered:
            return False
        if recording.life in {Life.MADE, Life.COPYING} or not recording.fingerprint:
            return True
        seen = await self._fingerprint(clip)
        if seen == recording.fingerprint:
            return True
        again = await self._fingerprint(clip)
        if seen == again != "":
            return False
        if not recording.damaged:
            await self._doubt(READS_DIFFER, ErrorCode.CAMERA_CHANGED, recording.id)
        return True

    async def _fingerprint(self, clip: m.Clip) -> str:
        """Of the clip as it reads now; "" if a part of it cannot be read."""
        try:
            return (await self._session.ask(m.Fingerprint(clip=clip), m.FingerprintRead)).sha256
        except CameraError as exc:
            if exc.code is not ErrorCode.CAMERA_MEDIA:
                raise
            return ""

    async def _doubt(self, kind: str, code: ErrorCode, recording: str) -> None:
        await self._t.alerts.raise_(f"{kind}:{self._aboard.camera}", code, recording=recording)

    async def _enter(self, new: list[m.Clip], listing: m.ClipsListed) -> list[tuple[m.Clip, str]]:
        """State what is new on the card, before anything of it is copied."""
        entered = [(clip, self._t.random.token(16).hex()) for clip in new]
        for at in range(0, len(entered), CLIPS_A_LINE):
            await self._t.recorder.record(self._listed(entered[at : at + CLIPS_A_LINE], listing))
        if not entered and (listing.problems or self._another_medium(listing)):
            await self._t.recorder.record(self._listed((), listing))
        await self._tell_about_card(listing)
        return entered

    def _another_medium(self, listing: m.ClipsListed) -> bool:
        """Whether it is none that the ledger knows to be in this camera: a new card, or one formatted anew."""
        camera = self._t.recorder.state.cameras.get(self._aboard.camera)
        return camera is None or camera.volume != listing.volume_id

    async def _tell_about_card(self, listing: m.ClipsListed) -> None:
        alert = f"camera-filesystem:{self._aboard.camera}"
        if listing.problems:
            await self._t.alerts.raise_(
                alert,
                ErrorCode.CAMERA_FILESYSTEM,
                camera=self._aboard.camera,
                first=listing.problems[0][:200],
            )
        elif listing.complete:
            await self._t.alerts.withdraw(alert)

    def _listed(self, group: Sequence[tuple[m.Clip, str]], listing: m.ClipsListed) -> f.CameraListed:
        return f.CameraListed(
            camera=self._aboard.camera,
            slot=self._aboard.slot,
            volume=listing.volume_id,
            filesystem=listing.filesystem,
            complete=listing.complete,
            clips=tuple(
                f.ClipFact(
                    recording=recording,
                    path=clip.path,
                    size=clip.size,
                    mtime=clip.mtime,
                    first_cluster=clip.first_cluster,
                )
                for clip, recording in group
            ),
            issue=self._aboard.issue,
            officer=self._aboard.officer,
            problems=listing.problems[:10],
        )

    def _count(self, todo: list[tuple[m.Clip, str]]) -> None:
        p = self.progress
        p.clips = len(todo)
        p.bytes_total, p.bytes_done = sum(clip.size for clip, _ in todo), 0

    # --- one clip -----------------------------------------------------------------------------------

    async def _one(self, clip: m.Clip, recording: str) -> None:
        p = self.progress
        p.recording, p.recording_bytes = recording, 0
        try:
            await self._copy_until_it_holds(clip, recording)
        except CameraError as exc:
            await self._interrupted(recording, exc)
            if exc.code in _GONE or len(p.failed) >= FAILURES_LIMIT:
                raise
            p.failed.append(recording)
        except DiskError as exc:
            await self._interrupted(recording, exc)
            await self._t.alerts.raise_for("vault-trouble", exc)  # before giving up, which may fail as well
            if exc.code is not ErrorCode.DISK_FULL:
                await asyncio.to_thread(self._t.vault.give_up, self._place(recording, clip))
            raise
        else:
            await self._t.alerts.withdraw("vault-trouble")  # the disk has taken a whole recording
        p.bytes_done += clip.size
        p.recording = ""

    async def _copy_until_it_holds(self, clip: m.Clip, recording: str) -> None:
        for attempt in range(1, COPIES + 1):
            try:
                await self._copy(clip, recording)
            except EdgeError as exc:
                again = exc.code in {ErrorCode.READ_BACK_DIFFERS, ErrorCode.CAMERA_CHANGED}
                if not again or attempt == COPIES:
                    raise
                self._t.log("EDG-2203", recording=recording, held=0, reason=str(exc), code=exc.code.label)
                await asyncio.to_thread(self._t.vault.give_up, self._place(recording, clip))
            else:
                return

    async def _copy(self, clip: m.Clip, recording: str) -> None:
        place = self._place(recording, clip)
        if (sealed := await self._finished_before(place, clip)) is not None:
            await self._seal(clip, recording, place, sealed, second_read=True)
            return
        if clip.size > self._card_bytes:
            # A lie of the card, never the vault's trouble (U13): only this clip fails.
            raise CameraError(
                ErrorCode.CAMERA_FILESYSTEM, path=clip.path[:200], claims=clip.size, card=self._card_bytes
            )
        await require_space(self._t, clip.size)
        part = await asyncio.to_thread(self._t.vault.begin, place, clip.size)
        try:
            await self._t.recorder.record(self._started(recording, place, part))
            order = SealOrder(part=part, limits=self._t.limits)
            sealed = await self._session.transfer(clip, part.held, order, self._note)
        finally:
            part.close()
        # Else the second read comes before clearing, when the camera is idle.
        second = bool(sealed.gaps or sealed.resumed_from)
        if second:
            await self._read_again(clip, sealed)
        await asyncio.to_thread(self._t.vault.publish, place)
        await self._seal(clip, recording, place, sealed, second_read=second)

    async def _finished_before(self, place: Place, clip: m.Clip) -> Sealed | None:
        """A whole copy that got its final name before a crash but no fact: the source must still agree."""
        mark = await asyncio.to_thread(self._t.vault.finished, place)
        if mark is None:
            return None
        found = await self._t.roles.rehash(place.content, clip.size)
        if (found.size, found.sha256) != (mark.length, mark.sha256):
            await asyncio.to_thread(self._t.vault.set_aside, place)
            raise DiskError(ErrorCode.READ_BACK_DIFFERS, recording=place.recording)
        try:
            await self._read_again(clip, found)
        except CameraError as exc:
            if exc.code is ErrorCode.CAMERA_CHANGED:  # else nothing could ever be copied to its place
                await asyncio.to_thread(self._t.vault.set_aside, place)
            raise
        return found

    async def _read_again(self, clip: m.Clip, sealed: Sealed) -> None:
        """Gate G4: the source gives the same bytes once more."""
        order = SealOrder(limits=self._t.limits)
        again = await self._session.transfer(clip, 0, order, lambda _: None)
        if again.sha256 != sealed.sha256:
            raise CameraError(ErrorCode.CAMERA_CHANGED, path=clip.path[:200], size=clip.size)

    async def _seal(
        self, clip: m.Clip, recording: str, place: Place, sealed: Sealed, *, second_read: bool
    ) -> None:
        """A copy that is whole is entered, with all that belongs to that, though the camera leave at this moment."""
        await carried_through(self._enter_sealed(clip, recording, place, sealed, second_read=second_read))

    async def _enter_sealed(
        self, clip: m.Clip, recording: str, place: Place, sealed: Sealed, *, second_read: bool
    ) -> None:
        end = self._ended(clip)
        line = await self._t.recorder.record(
            f.RecordingSealed(
                recording=recording,
                camera=self._aboard.camera,
                path=clip.path,
                size=sealed.size,
                sha256=sealed.sha256,
                fingerprint=sealed.fingerprint,
                mtime=clip.mtime,
                medium=sealed.medium,
                folder=place.folder,
                file=place.file,
                issue=self._owner(recording).issue,
                officer=self._owner(recording).officer,
                resumed_from=sealed.resumed_from,
                second_read=second_read,
                true_time=end.time,
                uncertainty_ms=end.uncertainty_ms,
                gaps=tuple(f.GapFact(offset=g.offset, size=g.size) for g in sealed.gaps),
                film_began=sealed.film_began[:32],
                film_ms=sealed.film_ms,
            )
        )
        await store_manifest(self._t, place, line)
        if sealed.gaps:
            await self._damaged(recording)
        await self._t.alerts.withdraw("vault-trouble")
        await self._replaced(self._owner(recording))

    def _ended(self, clip: m.Clip) -> Ended:
        aboard = self._aboard
        return ended(
            clip.mtime, aboard.offset_ms, aboard.uncertainty_ms, self._t.camera_zone, by=self._utc_now()
        )

    async def _replaced(self, recording: Recording) -> None:
        """The same clip again, whose earlier copy the vault had lost."""
        for before in list(self._t.recorder.state.recordings_of(recording.camera)):
            if before.corrupt and before.identity == recording.identity:
                await self._t.alerts.withdraw(damaged_alert(before.id))

    async def _damaged(self, recording: str) -> None:
        await self._t.alerts.raise_(damaged_alert(recording), ErrorCode.CAMERA_MEDIA, recording=recording)
        await self._t.recorder.record(
            f.IncidentDrafted(
                incident=self._t.random.token(8).hex(),
                kind="damaged-recording",
                slot=self._aboard.slot,
                camera=self._aboard.camera,
                issue=self._aboard.issue,
                recording=recording,
            )
        )

    # --- parts --------------------------------------------------------------------------------------

    def _owner(self, recording: str) -> Recording:
        """Under which issue it was listed first: a later docking does not change whose it is."""
        return self._t.recorder.state.recordings[recording]

    def _place(self, recording: str, clip: m.Clip) -> Place:
        known = self._t.recorder.state.recordings[recording]
        day = day_of(known.folder) if known.folder else self._today()
        return self._t.vault.place(recording, day, clip.path)

    def _today(self) -> date:
        return self._utc_now().date()

    def _utc_now(self) -> datetime:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self._t.clock.now().wall_ns // 1000)

    def _started(self, recording: str, place: Place, part: Part) -> f.OffloadStarted:
        return f.OffloadStarted(
            recording=recording,
            camera=self._aboard.camera,
            slot=self._aboard.slot,
            offset=part.held,
            folder=place.folder,
        )

    def _note(self, progress: CopyProgress) -> None:
        if progress.phase is Phase.RECEIVING:
            self.progress.recording_bytes = progress.done

    async def _interrupted(self, recording: str, error: EdgeError) -> None:
        if self._owner(recording).life is Life.COPYING:
            held = await asyncio.to_thread(stored, self._t, self._owner(recording))
            await self._t.recorder.happened(
                f.OffloadInterrupted(
                    recording=recording, held=held, code=error.code.number, reason=str(error)[:300]
                )
            )


async def settle_unfinished(tools: Tools, unfinished: Iterator[Recording], reason: str) -> None:
    """Give every begun copy its outcome: the work was stopped. For a slot's STOP_WORK and for the start."""
    for recording in list(unfinished):
        held = await asyncio.to_thread(stored, tools, recording)
        await tools.recorder.happened(
            f.OffloadInterrupted(
                recording=recording.id, held=held, code=ErrorCode.CAMERA_LOST.number, reason=reason
            )
        )


def stored(tools: Tools, recording: Recording) -> int:
    """Bytes of a begun copy that lie in the vault; how many of them hold is proved when it goes on."""
    place = tools.vault.place(recording.id, day_of(recording.folder), recording.path)
    try:
        return tools.fs.stat(place.part).size
    except OSError:
        return 0


async def require_space(tools: Tools, size: int) -> None:
    """Raises DiskError DISK_FULL: the vault takes nothing of ``size`` bytes now (K01, K02, K15)."""
    verdict = await asyncio.to_thread(tools.vault.may_offload, size)
    if verdict.nearly_full:
        await tools.alerts.raise_("vault-nearly-full", ErrorCode.DISK_FULL, free_bytes=verdict.free)
    else:
        await tools.alerts.withdraw("vault-nearly-full")
    if verdict.refusal is not None:
        raise DiskError(ErrorCode.DISK_FULL, lacks=str(verdict.refusal), free_bytes=verdict.free, wanted=size)


async def store_manifest(tools: Tools, place: Place, line: Line) -> None:
    """Write the manifest of the recording that ``line`` seals; it is sealed all the same if the disk takes none now."""
    try:
        await asyncio.to_thread(write_manifest, tools, place, line)
    except DiskError as exc:  # the station writes it later
        await tools.alerts.raise_for("manifest-missing", exc)


def write_manifest(tools: Tools, place: Place, line: Line) -> None:
    """Sign and store the manifest of the recording that ``line`` seals. Idempotent; raises DiskError."""
    tools.vault.store_manifest(place, sign_manifest(manifest_of(tools.station, line), tools.signer))
    tools.vault.settle(place)


_GONE = frozenset(
    {
        ErrorCode.CAMERA_LOST,
        ErrorCode.CAMERA_SILENT,
        ErrorCode.CAMERA_PROTOCOL,
        ErrorCode.CAMERA_FORBIDDEN_INTERFACE,
        ErrorCode.PROCESS_DIED,
    }
)
"""Failures of the camera as a whole: no other clip is tried on it now."""
