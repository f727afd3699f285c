"""The host's clocks: adapter of `edged.ports.Clock` over adjtimex(2). See docs/clock.md.

Rule 1: SYNCHRONISED is what the kernel says: STA_UNSYNC is off. Its bound is the kernel's maxerror.
Rule 2: HOLDOVER: within this boot there was a moment at which the wall clock was good, because it was
    synchronised or a person vouched for it. The bound is the error of that moment, plus what a quartz
    may drift since (ppm of BOOTTIME), plus every step that was made to the wall clock since.
Rule 3: UNKNOWN is everything else, and every wall time before this program was written.
Rule 4: the moment outlives the process, not the boot: it is kept in a file beside the boot's id.
"""

import contextlib
import ctypes
import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from edged.ports import ClockClass, HostTime

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
STA_UNSYNC = 0x0040  # linux/timex.h
TIME_ERROR = 5  # adjtimex's answer when the clock is not synchronised
BUILT_NS = 1_767_225_600 * 10**9  # 2026-01-01 UTC: no honest wall clock is earlier

PPM = 100.0  # a PC's quartz over temperature and age: 50 ppm typical, twice that to be sure
CONFIRM_ERROR_NS = 60 * 10**9  # a person compares with a watch or telephone by eye: to the minute
KEEP_EVERY_NS = 600 * 10**9  # how often the last good moment is written down
BRACKET_NS = 1_000_000  # wall and boottime are read within this, or read again
BRACKET_TRIES = 5


@dataclass(frozen=True, slots=True)
class KernelState:
    """One answer of adjtimex."""

    synchronised: bool
    max_error_ns: int


class Kernel(Protocol):
    """What is asked of the operating system."""

    def wall_ns(self) -> int: ...

    def boottime_ns(self) -> int: ...

    def boot_id(self) -> str: ...

    def adjtimex(self) -> KernelState: ...


class _Timex(ctypes.Structure):
    """struct timex of linux/timex.h, as far as it is read; the kernel writes 208 bytes."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),  # microseconds
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


class LinuxKernel:
    """The real clocks.

    Args:
        environ: EDGED_BOOT_ID in it is believed: a unit whose ``/proc`` holds processes only (``ProcSubset=pid``) has
            the boot's name from systemd.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
        text = environ.get("EDGED_BOOT_ID") or BOOT_ID.read_text(encoding="ascii")
        self._boot_id = text.strip().replace("-", "")

    def wall_ns(self) -> int:
        return time.time_ns()

    def boottime_ns(self) -> int:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def boot_id(self) -> str:
        return self._boot_id

    def adjtimex(self) -> KernelState:
        """Read only (modes 0), which needs no privilege. A refusal counts as not synchronised."""
        timex = _Timex()
        state = self._adjtimex(ctypes.byref(timex))
        good = state not in (-1, TIME_ERROR) and not timex.status & STA_UNSYNC
        return KernelState(synchronised=good, max_error_ns=timex.maxerror * 1000)


@dataclass(frozen=True, slots=True)
class GoodMoment:
    """A moment of this boot at which the wall clock was good to ``max_error_ns``."""

    boot_id: str
    wall_ns: int
    boottime_ns: int
    max_error_ns: int


class HostClock:
    """See `edged.ports.Clock`.

    Args:
        memory: file for the last good moment, best on a disk that a reboot may or may not empty;
            None: it is forgotten with the process.
        ppm: drift to reckon with in holdover, in parts per million.
        confirm_error_ns: how well a person can compare the clock.
    """

    def __init__(
        self,
        memory: Path | None = None,
        *,
        ppm: float = PPM,
        confirm_error_ns: int = CONFIRM_ERROR_NS,
        kernel: Kernel | None = None,
    ) -> None:
        self._kernel: Kernel = kernel or LinuxKernel()
        self._memory, self._ppm, self._confirm_error_ns = memory, ppm, confirm_error_ns
        self._good = _recall(memory, self._kernel.boot_id())
        self._kept_at_ns: int | None = None

    def now(self) -> HostTime:
        wall_ns, boottime_ns = self._read()
        state = self._kernel.adjtimex()
        if wall_ns < BUILT_NS:
            return self._time(wall_ns, boottime_ns, ClockClass.UNKNOWN, None)
        if state.synchronised:
            self._remember(wall_ns, boottime_ns, state.max_error_ns)
            return self._time(wall_ns, boottime_ns, ClockClass.SYNCHRONISED, state.max_error_ns)
        if (good := self._good) is None:
            return self._time(wall_ns, boottime_ns, ClockClass.UNKNOWN, None)
        bound = _holdover_bound(good, wall_ns, boottime_ns, self._ppm)
        return self._time(wall_ns, boottime_ns, ClockClass.HOLDOVER, bound)

    def confirm(self) -> HostTime:
        """See `Clock.confirm`. A wall time before BUILT_NS is not confirmed; a synchronised one needs not be."""
        wall_ns, boottime_ns = self._read()
        if wall_ns >= BUILT_NS and not self._kernel.adjtimex().synchronised:
            self._remember(wall_ns, boottime_ns, self._confirm_error_ns, at_once=True)
        return self.now()

    def _time(self, wall_ns: int, boottime_ns: int, clock: ClockClass, bound: int | None) -> HostTime:
        return HostTime(wall_ns, boottime_ns, self._kernel.boot_id(), clock, bound)

    def _read(self) -> tuple[int, int]:
        """Wall and boottime of one moment; the best of a few tries if the machine stalls between."""
        tries = []
        for _ in range(BRACKET_TRIES):
            before = self._kernel.boottime_ns()
            wall = self._kernel.wall_ns()
            after = self._kernel.boottime_ns()
            tries.append((after - before, wall, (before + after) // 2))
            if after - before <= BRACKET_NS:
                break
        _, wall, boottime = min(tries)
        return wall, boottime

    def _remember(self, wall_ns: int, boottime_ns: int, error_ns: int, *, at_once: bool = False) -> None:
        self._good = GoodMoment(self._kernel.boot_id(), wall_ns, boottime_ns, error_ns)
        due = self._kept_at_ns is None or boottime_ns - self._kept_at_ns >= KEEP_EVERY_NS
        if self._memory is not None and (due or at_once):
            self._kept_at_ns = boottime_ns
            _keep(self._memory, self._good)


def _holdover_bound(good: GoodMoment, wall_ns: int, boottime_ns: int, ppm: float) -> int:
    """How far the wall clock can be off: error then + drift since + steps since. Nanoseconds."""
    elapsed = boottime_ns - good.boottime_ns
    step = wall_ns - (good.wall_ns + elapsed)
    return good.max_error_ns + int(abs(elapsed) * ppm / 1_000_000) + abs(step)


def _recall(memory: Path | None, boot_id: str) -> GoodMoment | None:
    """What an earlier process of this boot knew; anything unreadable or of another boot is nothing."""
    if memory is None:
        return None
    try:
        found = json.loads(memory.read_bytes())
        numbers = (int(found["wall_ns"]), int(found["boottime_ns"]), int(found["max_error_ns"]))
        return GoodMoment(boot_id, *numbers) if found["boot_id"] == boot_id else None
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None


def _keep(memory: Path, good: GoodMoment) -> None:
    """Write the moment down. A failure costs a restart's knowledge and nothing else."""
    temporary = memory.with_name(memory.name + ".new")
    with contextlib.suppress(OSError):
        temporary.write_text(json.dumps(asdict(good)) + "\n", encoding="ascii")
        temporary.replace(memory)
