"""The camera's clock against the host's: bracketed, measured, recorded, and only then corrected.

The camera's reading lies between two readings of the host. Offset = camera − middle of the bracket; its uncertainty =
half the round trip + the camera's resolution + the host's own bound (design: docs/clock.md).
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from drivers.worker import messages as m
from edged.errors import CameraError, ErrorCode
from edged.formats import facts as f
from edged.local_time import nearest
from edged.ports import Clock, ClockClass, HostTime
from edged.station.recorder import Recorder
from edged.station.session import CameraSession

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CORRECT_FROM_MS = 500  # half of what the cameras of the field resolve; less is not worth a write
CORRECT_AGAIN_MS = 1500  # in its slot: more than a camera resolves, less than what keeps it from being issued


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds; positive: the camera is ahead. ``uncertainty_ms`` is -1 while the host's bound is unknown."""

    offset_ms: int
    uncertainty_ms: int
    host: ClockClass


class CameraClock:
    """For one docking."""

    def __init__(self, clock: Clock, recorder: Recorder, zone: ZoneInfo, correct_bound_s: float) -> None:
        self._clock, self._recorder, self._zone = clock, recorder, zone
        self._correct_bound_ns = round(
            correct_bound_s * 1e9
        )  # a host whose own bound is larger corrects nothing
        self.before: Measured | None = None  # as found at docking: what the recordings' times rest on
        self.after: Measured | None = None  # now

    async def measure(self, session: CameraSession, slot: int, camera: str) -> None:
        """Measure, record, and correct if the host's clock allows it.

        Raises:
            CameraError: the camera did not answer, or its clock shows no time.
        """
        self.before = self.after = await self._measured(session, slot, camera, after_correction=False)
        await self._correct(session, slot, camera)

    async def look(self, session: CameraSession, slot: int, camera: str) -> None:
        """Measure without a record, for the checks of a camera that stands in its slot; one that is off by
        more than its resolution, because the host's clock was put right meanwhile, is corrected again."""
        self.after, _ = await self._bracket(session)
        if abs(self.after.offset_ms) >= CORRECT_AGAIN_MS and self._may_correct():
            self.after = await self._measured(session, slot, camera, after_correction=False)
            await self._correct(session, slot, camera)

    async def _correct(self, session: CameraSession, slot: int, camera: str) -> None:
        found = self.after
        if found is None or abs(found.offset_ms) < CORRECT_FROM_MS or not self._may_correct():
            return
        if not session.known.capabilities.clock_set:
            return
        # The intent first: a camera whose clock was changed never lacks a line that says so.
        await self._recorder.record(
            f.ClockCorrected(camera=camera, slot=slot, offset_ms=found.offset_ms, host_class=found.host)
        )
        # Cameras take whole seconds: sent at the turn of one, nothing is cut off.
        await asyncio.sleep(1 - self._clock.now().wall_ns % 1_000_000_000 / 1e9)
        await session.ask(m.SetClock(local=self._local_now()), m.Done)
        self.after = await self._measured(session, slot, camera, after_correction=True)

    async def _measured(
        self, session: CameraSession, slot: int, camera: str, *, after_correction: bool
    ) -> Measured:
        found, _ = await self._bracket(session)
        await self._recorder.record(
            f.ClockMeasured(
                camera=camera,
                slot=slot,
                offset_ms=found.offset_ms,
                uncertainty_ms=found.uncertainty_ms,
                host_class=found.host,
                after_correction=after_correction,
            )
        )
        return found

    async def _bracket(self, session: CameraSession) -> tuple[Measured, HostTime]:
        first = self._clock.now()
        read = await session.ask(m.ReadClock(), m.ClockRead)
        last = self._clock.now()
        half_ns = (last.boottime_ns - first.boottime_ns) // 2
        middle = _EPOCH + timedelta(microseconds=(first.wall_ns + half_ns) / 1000)
        try:
            camera = nearest(datetime.fromisoformat(read.local), self._zone, middle)
            # A reading in whole units stands, on the average, for half a unit more.
            offset = camera + timedelta(milliseconds=read.resolution_ms / 2) - middle
        except (ValueError, OverflowError) as exc:
            raise CameraError(ErrorCode.CAMERA_CLOCK, reading=read.local[:40]) from exc
        uncertainty = -1
        if last.max_error_ns is not None:
            uncertainty = (half_ns + last.max_error_ns) // 1_000_000 + read.resolution_ms
        offset_ms = round(offset.total_seconds() * 1000)
        return Measured(offset_ms, uncertainty, last.clock), last

    def _may_correct(self) -> bool:
        now = self._clock.now()
        if now.clock is ClockClass.UNKNOWN or now.max_error_ns is None:
            return False
        return now.max_error_ns <= self._correct_bound_ns

    def _local_now(self) -> str:
        now = _EPOCH + timedelta(microseconds=self._clock.now().wall_ns / 1000)
        return now.astimezone(self._zone).replace(tzinfo=None).isoformat(timespec="seconds")
