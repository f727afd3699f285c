"""One slot's conversation: requests in, answers out, whatever carries them.

Rule 1: a conversation begins with Identify and ends with the device. Once the device was lost, every
request but Identify fails: what sits in the slot then may be another camera.
Rule 2: before anything that relies on who the device is, its descriptors are read again.
Rule 3: nothing is written to a card but by Clear, and Clear counts as done only after a new listing,
read from the card, shows exactly the named clips gone.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import assert_never

from msgspec.structs import replace

from drivers import fingerprint
from drivers.cameras.base import Camera
from drivers.cameras.detect import Connection, detect
from drivers.fat import Listing, Reading, Volume, open_volume
from drivers.mass_storage import MassStorage, Pause
from drivers.worker import messages as m
from edged.errors import CameraError, CameraLostError, EdgeError, ErrorCode


class CopyRun:
    """Iterate for a clip's bytes from an offset on, in blocks of at most 1 MiB; then ask for ``ended``.

    Raises (while iterating) CameraError: the device's; hand it to ``WorkerServer.failed``.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self.sent = 0

    def __iter__(self) -> Iterator[bytes]:
        for block in self._reading:
            yield block
            self.sent += len(block)

    def ended(self) -> m.CopyEnded:
        return m.CopyEnded(sent=self.sent, gaps=tuple(self._reading.gaps))


class WorkerServer:
    """Answers one request at a time; blocking, one thread.

    Args:
        connect: opens what is plugged into the slot's port now. Raises EdgeError.
        password: the station's password for the camera.
        pause: waits the given number of seconds.
    """

    def __init__(self, connect: Callable[[], Connection], password: str, pause: Pause) -> None:
        self._connect = connect
        self._password = password
        self._pause = pause
        self._connection: Connection | None = None
        self._camera: Camera | None = None
        self._disk: MassStorage | None = None
        self._volume: Volume | None = None
        self._before: dict[tuple[str, int], int] = {}  # sizes at the last listing, by path and first cluster
        self._lost = False

    def handle(self, request: m.Request) -> m.Answer:
        """The request's own answer, or Failed. Never raises EdgeError. Copy goes through ``copy``."""
        try:
            return self._handle(request)
        except EdgeError as error:
            return self.failed(error)

    def copy(self, request: m.Copy) -> CopyRun:
        """Begin to send a clip that the last listing shows. Raises EdgeError: for ``failed``."""
        self._same_device()
        clip = replace(request.clip, recording=False)
        if not 0 <= request.offset <= clip.size:
            reason = "the offset lies outside of the clip"
            raise EdgeError(ErrorCode.BAD_REQUEST, reason=reason, offset=request.offset, size=clip.size)
        return CopyRun(self._opened().read(clip, request.offset))

    def failed(self, error: EdgeError) -> m.Failed:
        """The answer to a request that ended in ``error``; a lost device ends the conversation."""
        if isinstance(error, CameraLostError) or error.code is ErrorCode.CAMERA_FORBIDDEN_INTERFACE:
            self.close()
            self._lost = True
        return m.Failed(code=error.code.number, detail=error.detail)

    def close(self) -> None:
        """Let go of the device. Never raises."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._camera = self._disk = self._volume = None
        self._before = {}

    # --- requests ---

    def _handle(self, request: m.Request) -> m.Answer:  # noqa: C901  one branch a request
        match request:
            case m.Identify():
                return self._identify()
            case m.ReadClock():
                return self._camera_now().read_clock()
            case m.SetClock(local=local):
                self._camera_now().set_clock(_moment(local))
            case m.ReadBattery():
                return m.BatteryRead(percent=self._camera_now().read_battery())
            case m.Assign(user_no=user_no):
                self._same_device().assign(user_no)
            case m.EnterDisk():
                self._same_device().enter_disk()
            case m.ListClips():
                self._same_device()
                return self._list()
            case m.Fingerprint(clip=clip):
                self._camera_now()
                return self._fingerprint(replace(clip, recording=False))
            case m.Clear(clips=clips):
                self._same_device()
                return self._clear(tuple(replace(clip, recording=False) for clip in clips))
            case m.Copy():
                raise TypeError("Copy goes through WorkerServer.copy")
            case _:
                assert_never(request)
        return m.Done()

    def _identify(self) -> m.Identified:
        self.close()
        self._lost = False
        self._connection = self._connect()
        try:
            self._camera = camera = detect(self._connection, self._password, self._pause)
        except EdgeError:
            self.close()
            raise
        usb = self._connection.identity
        return m.Identified(
            driver=camera.driver,
            mode=camera.mode,
            serial=camera.serial,
            usb_serial=usb.serial,
            model=camera.model,
            vendor_id=usb.vendor_id,
            product_id=usb.product_id,
            interfaces=usb.interfaces,
            descriptor_sha256=usb.descriptor_sha256,
            capabilities=camera.capabilities,
        )

    def _list(self) -> m.ClipsListed:
        self._disk = self._volume = None  # an earlier look may be of another card
        volume = self._opened()
        listing = volume.listing()
        clips = tuple(self._marked(clip) for clip in listing.clips)
        self._before = {(clip.path, clip.first_cluster): clip.size for clip in listing.clips}
        problems, complete = listing.problems, listing.complete
        if (claim := _overclaim(self._disk)) is not None:
            problems = (claim, *problems)[:100]
        return m.ClipsListed(
            filesystem=volume.filesystem,
            volume_id=volume.volume_id,
            cluster_size=volume.cluster_size,
            free_bytes=volume.free_bytes,
            total_bytes=volume.total_bytes,
            clips=clips,
            problems=problems,
            complete=complete,
        )

    def _marked(self, clip: m.Clip) -> m.Clip:
        """Say so if it grew since the listing before. An empty file gets its first cluster while it grows."""
        known = self._before.get((clip.path, clip.first_cluster), self._before.get((clip.path, 0)))
        return replace(clip, recording=True) if known is not None and clip.size > known else clip

    def _fingerprint(self, clip: m.Clip) -> m.FingerprintRead:
        gathered = fingerprint.Fingerprinter(clip.size)
        for edge in fingerprint.ranges(clip.size):
            reading, at = self._opened().read(clip, edge.start), edge.start
            for block in reading:
                gathered.feed(at, block)
                at += len(block)
                if at >= edge.stop:
                    break
            if reading.gaps:
                raise CameraError(ErrorCode.CAMERA_MEDIA, during="fingerprint", at=reading.gaps[0].offset)
        return m.FingerprintRead(sha256=gathered.digest())

    def _clear(self, clips: tuple[m.Clip, ...]) -> m.Cleared:
        self._disk = self._volume = None
        volume = self._opened()
        before = volume.listing()
        if gone := _gone(clips, before):
            volume.reclaim(gone)
            before = volume.listing()
        done = volume.clear(clips)
        self._disk = self._volume = None
        after = self._opened()
        _check_cleared(before, after.listing(), done.cleared)
        return m.Cleared(
            cleared=done.cleared,
            refused=done.refused,
            free_bytes_before=done.free_before,
            free_bytes_after=after.free_bytes,
            free_bytes_expected=done.free_expected,
        )

    # --- the device ---

    def _camera_now(self) -> Camera:
        if self._camera is None:
            if self._lost:
                raise CameraLostError(reason="the device went away in this conversation; identify again")
            raise EdgeError(ErrorCode.CONFLICT, reason="identify comes first")
        return self._camera

    def _same_device(self) -> Camera:
        camera = self._camera_now()
        assert self._connection is not None
        self._connection.check_unchanged()
        return camera

    def _opened(self) -> Volume:
        """The card's volume, opened once for listing and copies."""
        if self._volume is None:
            self._disk = self._camera_now().disk()
            self._volume = open_volume(self._disk)
        return self._volume


def _overclaim(disk: MassStorage | None) -> str | None:
    if disk is None or disk.claimed_bytes <= disk.sectors * disk.sector_size:
        return None
    used = disk.sectors * disk.sector_size
    return f"the device claims a disk of {disk.claimed_bytes} bytes; only the first {used} are used"


def _gone(clips: tuple[m.Clip, ...], listing: Listing) -> tuple[m.Clip, ...]:
    """Those that an earlier clearing, cut off, has already taken out of the directories."""
    there = {clip.path for clip in listing.clips}
    return tuple(clip for clip in clips if clip.path not in there)


def _check_cleared(before: Listing, after: Listing, cleared: tuple[str, ...]) -> None:
    """The card must hold what it held, but for what was cleared.

    Raises CameraError: CLEAR_FAILED.
    """
    gone = set(cleared)
    expected = {clip for clip in before.clips if clip.path not in gone}
    found = set(after.clips)
    if not after.complete or found != expected:
        raise CameraError(
            ErrorCode.CLEAR_FAILED,
            reason="the listing after clearing is not the one before without the cleared clips",
            still_there=len(found - expected),
            missing=len(expected - found),
        )


def _moment(local: str) -> datetime:
    try:
        moment = datetime.fromisoformat(local)
    except ValueError as exc:
        raise EdgeError(ErrorCode.BAD_REQUEST, local=local[:40], expected="2026-11-22T07:00:02") from exc
    if moment.tzinfo is not None:
        raise EdgeError(ErrorCode.BAD_REQUEST, local=local[:40], expected="a time without zone")
    return moment.replace(microsecond=0)
