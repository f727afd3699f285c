"""An event loop whose time passes only when nothing else can happen, and a clock that goes with it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from edged.ports import HostTime
from tests.fakes.clock import StillClock
from tests.world import loop as world

T = TypeVar("T")


class VirtualLoop(world.VirtualLoop):
    """Sleeps cost nothing; what would run in a thread runs at once, and its result is there at once."""

    def run_in_executor(  # type: ignore[override]  # nobody here passes type-checked variadics
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> "asyncio.Future[T]":
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as exc:  # noqa: BLE001  # whatever it is belongs to the caller
            future.set_exception(exc)
        return future


class LoopClock(StillClock):
    """Both clocks go with the running loop; ``advance`` adds to that."""

    def now(self) -> HostTime:
        passed = int(asyncio.get_running_loop().time() * 1e9)
        still = super().now()
        return HostTime(
            still.wall_ns + passed, still.boottime_ns + passed, still.boot_id, still.clock, still.max_error_ns
        )


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run ``work`` in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
