"""What tests of serial devices share: virtual time, seeded randomness, a dock and a reader on a line."""

import asyncio
import functools
import random
import selectors
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec

from simulators.dock import SimDock
from simulators.faulty_link import PERFECT, Cable, Line
from simulators.reader import SimReader

KEY = bytes(range(32))
OTHER_KEY = bytes(range(1, 33))
P = ParamSpec("P")


class SeededRandom:
    """edged.ports.Random, the same in every run."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)

    def token(self, size: int) -> bytes:
        return self._random.randbytes(size)

    def uniform(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)


class _NoWaiting(selectors.DefaultSelector):
    """Instead of waiting for a timer, time jumps to it."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("deadlock: everybody waits and no timer is set")
        self.now += max(timeout, 0.0)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = _NoWaiting()
        super().__init__(self._virtual)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self._virtual.now


def virtual(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """Run an async test in virtual time: minutes cost milliseconds, and nothing is left to chance."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(_within(test(*args, **kwargs)))

    return run


async def _within(test: Awaitable[None]) -> None:
    async with asyncio.timeout(100_000):
        await test


class Clock:
    """Time that a test moves by hand, for devices without an event loop."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def loop_time() -> float:
    return asyncio.get_running_loop().time()


def dock(slots: int = 8, clock: Callable[[], float] = loop_time, **more: Any) -> SimDock:
    key = more.pop("key", KEY)
    return SimDock(slots=slots, key=key, clock=clock, nonce=SeededRandom(2).token, **more)


def reader(clock: Callable[[], float] = loop_time, **more: Any) -> SimReader:
    key = more.pop("key", KEY)
    return SimReader(key=key, clock=clock, nonce=SeededRandom(3).token, **more)


def dock_line(to_host: Cable = PERFECT, to_device: Cable = PERFECT, **more: Any) -> tuple[SimDock, Line]:
    sim = dock(**more)
    return sim, Line(sim, to_host=to_host, to_device=to_device)


def reader_line(to_host: Cable = PERFECT, to_device: Cable = PERFECT, **more: Any) -> tuple[SimReader, Line]:
    sim = reader(**more)
    return sim, Line(sim, to_host=to_host, to_device=to_device)
