"""Virtual time: an event loop whose clock jumps to the next timer, and the clocks of host and world on it."""

import asyncio
import functools
import heapq
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

from edged.ports import ClockClass, HostTime
from tests.fakes.clock import START_NS

P = ParamSpec("P")
T = TypeVar("T")
ZONE = ZoneInfo("Europe/Kyiv")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Sleeps cost nothing. What would run in a thread runs at once; its result comes a turn later."""

    def __init__(self) -> None:
        super().__init__()
        self._virtual = 0.0
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self._virtual

    def run_in_executor(  # type: ignore[override]  # nobody here passes type-checked variadics
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> "asyncio.Future[T]":
        future: asyncio.Future[T] = self.create_future()

        def settle(result: T | None, error: Exception | None) -> None:
            if future.done():
                return  # cancelled meanwhile; the thread has done its work all the same
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)  # type: ignore[arg-type]  # a T where there is no error

        try:
            self.call_soon(settle, func(*args), None)
        except Exception as exc:  # noqa: BLE001  # whatever it is belongs to the caller
            self.call_soon(settle, None, exc)
        return future

    def _run_once(self) -> None:
        ready, timers = self._ready, self._scheduled  # type: ignore[attr-defined]  # the base class's lists
        # The base class would really wait from a cancelled one to the next.
        while timers and timers[0].cancelled():
            heapq.heappop(timers)._scheduled = False
            self._timer_cancelled_count -= 1  # type: ignore[attr-defined]  # as above
        if not ready:
            if not timers:
                raise AssertionError("deadlock: everybody waits and no timer is set")
            self._virtual = max(self._virtual, timers[0]._when)
        super()._run_once()  # type: ignore[misc]  # as above


def story(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """Run an async test in virtual time: hours cost seconds, and nothing is left to chance."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(_within(test(*args, **kwargs)))

    return run


async def _within(test: Awaitable[None]) -> None:
    async with asyncio.timeout(1_000_000):
        await test


class WorldTime:
    """True time: `simulators.usb.camera.Time`. Nobody can set it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._slept_s = 0.0

    def seconds(self) -> float:
        return self._loop.time() + self._slept_s

    def wall_ns(self) -> int:
        return START_NS + int(self.seconds() * 1e9)

    def sleeps(self, seconds: float) -> None:
        """The hosts are suspended for so long: time goes on, their event loops stand still."""
        self._slept_s += seconds

    def local(self) -> datetime:
        moment = _EPOCH + timedelta(microseconds=self.wall_ns() // 1000)
        return moment.astimezone(ZONE).replace(tzinfo=None)


class HostClock:
    """The host's clocks (`edged.ports.Clock`): what it believes, by how much it is off, how sure it is."""

    def __init__(self, time: WorldTime) -> None:
        self._time = time
        self.off_s = 0.0
        self.clock = ClockClass.SYNCHRONISED
        self.max_error_ns: int | None = 1_000_000
        self._boots, self._booted_s = 1, -10.0

    def now(self) -> HostTime:
        return HostTime(
            wall_ns=self._time.wall_ns() + int(self.off_s * 1e9),
            boottime_ns=int((self._time.seconds() - self._booted_s) * 1e9),
            boot_id=f"{self._boots:032x}",
            clock=self.clock,
            max_error_ns=self.max_error_ns,
        )

    def confirm(self) -> HostTime:
        self.clock, self.max_error_ns = ClockClass.HOLDOVER, 60 * 10**9
        return self.now()

    def unknown(self) -> None:
        """Nobody vouches for the wall clock any more."""
        self.clock, self.max_error_ns = ClockClass.UNKNOWN, None

    def synchronised(self) -> None:
        self.clock, self.max_error_ns = ClockClass.SYNCHRONISED, 1_000_000

    def reboot(self) -> None:
        self._boots += 1
        self._booted_s = self._time.seconds() - 10.0
