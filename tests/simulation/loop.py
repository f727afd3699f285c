"""An event loop in virtual time whose order is drawn from a seed, and processes that can die at any turn of it."""

import asyncio
import heapq
import random
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from tests.world.loop import VirtualLoop

T = TypeVar("T")
CANCELLED_LIMIT = 100  # cancelled timers that may lie in the heap, as in asyncio itself


@dataclass(eq=False, slots=True)
class Process:
    """One life of one process of a host. Once it is not ``alive``, nothing that it does has an effect."""

    name: str
    alive: bool = True


PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)
"""Whose code is running. Tasks and threads inherit it."""


class NumberedTask(asyncio.Task[Any]):
    """A task whose hash is its number: asyncio keeps tasks in sets, and cancels them in the order of those.

    ``process``: on whose behalf it runs.
    """

    def __init__(self, coro: Coroutine[Any, Any, Any], *, loop: "SimLoop", **named: Any) -> None:
        loop.tasks += 1
        self._number = loop.tasks  # before the base class enters it anywhere
        context = named.get("context")
        self.process = PROCESS.get() if context is None else context.get(PROCESS)
        super().__init__(coro, loop=loop, **named)

    def __hash__(self) -> int:
        return self._number


class SimLoop(VirtualLoop):
    """Runs one callback a turn, chosen by the seed among those that are ready.

    Attributes:
        turns: callbacks run so far on behalf of processes.
        tasks: made so far.
        thread_s: how long what runs in a thread takes, at least and at most, in seconds.
        watch: called before each of those callbacks; may end the process.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._rng = random.Random(f"loop {seed}")
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._timers_made = self._timers_cancelled = 0
        self.turns = self.tasks = 0
        self.set_task_factory(lambda loop, coro, **named: NumberedTask(coro, loop=self, **named))
        self.thread_s = (0.0, 0.002)
        self.watch: Callable[[], None] | None = None

    def run_in_executor(  # type: ignore[override]  # nobody here passes type-checked variadics
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> "asyncio.Future[T]":
        """The work is done in one go at the end of the time it takes, whether somebody still waits or not."""
        future: asyncio.Future[T] = self.create_future()
        future.add_done_callback(_fetch)
        process = PROCESS.get()

        def work() -> None:
            if process is not None and not process.alive:
                future.cancel()  # its thread died with it
                return
            try:
                result = func(*args)
            except Exception as exc:  # noqa: BLE001  # whatever it is belongs to the caller
                if not future.done():
                    future.set_exception(exc)
            else:
                if not future.done():
                    future.set_result(result)

        self.call_later(self._rng.uniform(*self.thread_s), work)
        return future

    def call_at(  # type: ignore[override]  # nobody here passes type-checked variadics
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """As the base class's, in a heap of pairs of numbers: they compare in a tenth of the time."""
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        self._timers_made += 1
        heapq.heappush(self._timers, (when, self._timers_made, timer))
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        self._timers_cancelled += 1

    def _run_once(self) -> None:
        ready = self._ready  # type: ignore[attr-defined]  # the base class's list
        if not ready or (self._timers and self._timers[0][0] <= self._virtual):
            self._take_due()
        if len(ready) > 1:
            at = int(self._rng.random() * len(ready))
            ready[0], ready[at] = ready[at], ready[0]
        handle = ready.popleft()
        if handle._cancelled:
            return
        if self.watch is not None and handle._context.get(PROCESS) is not None:
            self.turns += 1
            self.watch()
        if not handle._cancelled:  # it may be, by now
            handle._run()

    def _take_due(self) -> None:
        """Make timers ready whose time has come; where nothing is ready, the time comes."""
        ready, timers = self._ready, self._timers  # type: ignore[attr-defined]  # as above
        if self._timers_cancelled > max(CANCELLED_LIMIT, len(timers) // 2):
            timers[:] = [entry for entry in timers if not entry[2]._cancelled]
            heapq.heapify(timers)
            self._timers_cancelled = 0
        while True:
            while timers and timers[0][0] <= self._virtual:
                timer = heapq.heappop(timers)[2]
                if timer._cancelled:
                    self._timers_cancelled = max(0, self._timers_cancelled - 1)
                else:
                    ready.append(timer)
            if ready:
                return
            if not timers:
                raise AssertionError("deadlock: everybody waits and no timer is set")
            self._virtual = timers[0][0]


def _fetch(future: "asyncio.Future[Any]") -> None:
    """A caller that was cancelled does not fetch its error; it is no defect that nobody does."""
    if not future.cancelled():
        future.exception()
