"""Branches of a running simulation: the process forks, the child plays on with a difference and reports.

Sound because a simulation is one thread, has its clocks and its chance in its own memory, and holds nothing outside.
"""

import asyncio
import os
import pickle
import select
import signal
from typing import Any, NoReturn

HANG_S = 600  # of real time; a branch that takes so long has lost its way and is ended


class Branches:
    """At most ``at_once`` children of this process, and what they report.

    Attributes:
        reports: of the branches that have ended.
        lost: names of those that ended without a report.
        inside: whether this process is a branch itself.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._running: dict[int, tuple[int, str]] = {}  # where its report is read: process, name
        self._pieces: dict[int, bytes] = {}
        self._outward: int | None = None
        self.reports: list[Any] = []
        self.lost: list[str] = []

    @property
    def inside(self) -> bool:
        return self._outward is not None

    def fork(self, name: str) -> bool:
        """True in the new branch, which has no branches yet; False in the process that goes on."""
        while len(self._running) >= self._at_once:
            self._collect()
        inward, outward = os.pipe()
        loop = asyncio.get_running_loop()
        child = os.fork()
        if child:
            os.close(outward)
            self._running[inward], self._pieces[inward] = (child, name), b""
            return False
        signal.alarm(HANG_S)
        for end in (inward, *self._running, *([self._outward] if self._outward is not None else [])):
            os.close(end)
        self._at_once, self._outward = 1, outward
        self._running, self._pieces, self.reports, self.lost = {}, {}, [], []
        asyncio._set_running_loop(loop)  # asyncio does not take a forked process for the loop's own
        return True

    def leave(self, report: object) -> NoReturn:
        """End this branch; its process is gone, with no farewell of anything that it inherited."""
        assert self._outward is not None
        try:
            with os.fdopen(self._outward, "wb") as pipe:
                pickle.dump(report, pipe)
        finally:
            os._exit(0)  # also where nobody listens any more

    def wait(self) -> None:
        """Until every branch has ended."""
        while self._running:
            self._collect()

    def _collect(self) -> None:
        for end in select.select(list(self._running), [], [])[0]:
            if piece := os.read(end, 1 << 16):
                self._pieces[end] += piece
                continue
            os.close(end)
            child, name = self._running.pop(end)
            os.waitpid(child, 0)
            if report := self._pieces.pop(end):
                self.reports.append(pickle.loads(report))
            else:
                self.lost.append(name)
