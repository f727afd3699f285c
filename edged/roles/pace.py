"""When a copy is given up because it does not get on. Pure.

Time that the sealer waits for the camera counts against the camera, time that the disk takes does not:
on a disk that became a hundred times slower every copy is slow and none is given up for it (K10).
"""

from collections import deque
from dataclasses import dataclass

from edged.errors import CameraError, DiskError, EdgeError, ErrorCode, Fact
from edged.vault.sealing import Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Three clocks of a copy and one of the disk, in seconds and bytes a second."""

    idle_s: float = 30.0  # without a byte from the camera; its own retries take 10 s at most
    min_rate: int = 64 * 1024  # a card that gives less (a hundredth of USB 2.0) is failing
    window_s: float = 60.0  # seconds of waiting over which the rate is taken
    absolute_s: float = 12 * 3600.0  # a full 128 GB card at 3 MB/s
    disk_s: float = 600.0  # the disk does not finish one block, or an fsync
    silent_s: float = 30.0  # without a sign of life of the sealer, which gives four a second


@dataclass(frozen=True, slots=True)
class Sample:
    """What a sealer says of itself."""

    phase: Phase
    done: int  # bytes done in this phase
    received: int  # bytes that came from the camera
    waited_s: float  # seconds spent waiting for the camera, the wait that is going on included


class Pace:
    """Judges the samples of one copy."""

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits, self._begun = limits, now
        self._last: Sample | None = None
        self._moved_at = now  # when anything changed last
        self._byte_at_wait = 0.0  # waited_s when the last byte came
        self._window: deque[tuple[float, int]] = deque([(0.0, 0)])  # (waited_s, received)

    def feed(self, now: float, sample: Sample) -> EdgeError | None:
        """Return why the copy has to be given up; None: go on. ``now``: seconds, never going back."""
        before, self._last = self._last, sample
        if sample != before:
            self._moved_at = now
        if before is None or sample.received != before.received:
            self._byte_at_wait = sample.waited_s
        if now - self._begun > self._limits.absolute_s:
            return self._late(sample)
        if now - self._moved_at > self._limits.disk_s:
            return DiskError(ErrorCode.DISK_FAULT, doing=sample.phase.value, silent_s=self._limits.disk_s)
        return self._source(sample) if sample.phase is Phase.RECEIVING else None

    def _late(self, sample: Sample) -> EdgeError:
        detail: dict[str, Fact] = {
            "why": "absolute",
            "after_s": self._limits.absolute_s,
            "received": sample.received,
        }
        if sample.phase is Phase.RECEIVING:
            return CameraError(ErrorCode.CAMERA_SILENT, **detail)
        return DiskError(ErrorCode.DISK_FAULT, doing=sample.phase.value, **detail)

    def _source(self, sample: Sample) -> EdgeError | None:
        limits = self._limits
        if sample.waited_s - self._byte_at_wait > limits.idle_s:
            return CameraError(ErrorCode.CAMERA_SILENT, why="idle", after_s=limits.idle_s)
        self._window.append((sample.waited_s, sample.received))
        while len(self._window) > 2 and sample.waited_s - self._window[1][0] >= limits.window_s:
            self._window.popleft()
        since, had = self._window[0]
        waited = sample.waited_s - since
        if waited >= limits.window_s and (sample.received - had) / waited < limits.min_rate:
            rate = int((sample.received - had) / waited)
            return CameraError(ErrorCode.CAMERA_SILENT, why="too-slow", rate=rate, least=limits.min_rate)
        return None
