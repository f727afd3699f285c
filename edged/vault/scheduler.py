"""The one write scheduler of a disk: who may write bulk data now, over all sealer processes.

Rule 1: a turn covers one write of at most 1 MiB; there are TURNS turns. A ledger's fdatasync beside 4
    writers of 1 MiB has a p99 of 71 ms, beside 16 of 8 MiB of 813 ms, at the same total throughput
    (design.md, section 5: measured on two cores).
Rule 2: the ledger takes no turn, so it waits for nobody here.
Rule 3: a sealer that dies gives its turn back: a turn is a record lock of the process on one byte of a
    file that all sealers inherit, and the kernel drops it with the process. (A byte taken from a
    pipe, as make's job server does it, would be lost with its holder.)
Rule 4: whoever gave a turn back reads and hashes a block before it asks again, and blocked askers are
    woken in order; so turns go round.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

TURNS = 4


class WriteTurns(Protocol):
    """Leave to write one block."""

    def turn(self) -> AbstractContextManager[None]:
        """Wait for a turn, hold it for the block of the ``with`` statement."""
        ...


class EveryTurn:
    """For a single writer, which needs to wait for nobody."""

    def turn(self) -> AbstractContextManager[None]:
        return contextlib.nullcontext()


class LockTurns:
    """Turns shared by processes that inherited ``fd``. One thread of a process at a time.

    Args:
        fd: a file of `turns_file`; stays the caller's.
        asker: any number; spreads askers over the turns.
    """

    def __init__(self, fd: int, *, asker: int, turns: int = TURNS) -> None:
        self._fd, self._turns, self._first = fd, turns, asker % turns

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        taken = self._take()
        try:
            yield
        finally:
            fcntl.lockf(self._fd, fcntl.LOCK_UN, 1, taken)
            os.sched_yield()

    def _take(self) -> int:
        """Take a free turn; if there is none, wait for one's own (for one write at the longest)."""
        for step in range(self._turns):
            byte = (self._first + step) % self._turns
            with contextlib.suppress(BlockingIOError, PermissionError):  # the two names of "held"
                fcntl.lockf(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
                return byte
        fcntl.lockf(self._fd, fcntl.LOCK_EX, 1, self._first)
        return self._first


def turns_file() -> int:
    """Return a descriptor of a new nameless file for `LockTurns`; closed by the caller."""
    return os.memfd_create("edged-write-turns", os.MFD_CLOEXEC)
