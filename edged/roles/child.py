"""A child process with a channel: started, heard, and ended without ever being waited for too long."""

import asyncio
import contextlib
import os
import signal
import socket
from collections import deque
from collections.abc import Callable, Sequence

from edged.errors import ErrorCode
from edged.ports import Log
from edged.roles.base import END_S, KILL_S
from edged.roles.channel import Channel

STDERR_LINES, STDERR_WIDTH = 100, 300  # of a process are logged; the rest is read and dropped
TAIL_LINES = 5  # of stderr go into the error


class Family:
    """All children of one parent.

    Attributes:
        abandoned: children that did not die; each holds its memory until the machine restarts.
    """

    def __init__(self, log: Log) -> None:
        self.log = log
        self.abandoned = 0
        self._alive: set[Child] = set()
        self._ending: set[asyncio.Task[None]] = set()

    async def start(self, name: str, command: Callable[[int], Sequence[str]]) -> "Child":
        """Start ``command(fd)``; ``fd`` is the child's end of the channel. Raises OSError."""
        child = await Child.start(name, command, self)
        self._alive.add(child)
        return child

    def ended(self, child: "Child", *, dead: bool) -> None:
        """A child has been ended; ``dead``: False if it hangs in the kernel."""
        if child not in self._alive:
            return
        self._alive.discard(child)
        if not dead:
            self.abandoned += 1
            self.log("EDG-9102", process=child.name, pid=child.pid, abandoned=self.abandoned)

    def end_soon(self, child: "Child") -> None:
        """Kill and reap a child without keeping the caller waiting."""
        child.kill()
        task = asyncio.create_task(child.end(KILL_S), name=f"end of {child.name}")
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        """End all children, together, within END_S and twice KILL_S."""
        await asyncio.gather(*(child.end(END_S) for child in list(self._alive)), *self._ending)


class Child:
    """One running process. Started by `Family.start`; ended by `end`, which is repeatable."""

    def __init__(
        self, name: str, process: asyncio.subprocess.Process, channel: Channel, family: Family
    ) -> None:
        self.name, self.channel = name, channel
        self._process, self._family = process, family
        self._pidfd = _pidfd(process.pid)
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._listener = asyncio.create_task(self._listen(), name=f"stderr of {name}")

    @classmethod
    async def start(cls, name: str, command: Callable[[int], Sequence[str]], family: Family) -> "Child":
        """See `Family.start`."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with theirs:
                process = await asyncio.create_subprocess_exec(
                    *command(theirs.fileno()),
                    pass_fds=[theirs.fileno()],
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=asyncio.subprocess.PIPE,
                    # A terminal's ^C reaches the core alone, which then ends its children in order. A group and
                    # not a session: where the kernel groups by session (sched(7), autogroup) every session
                    # gets the same share, and a sealer's niceness would mean nothing to the core.
                    process_group=0,
                )
        except BaseException:
            ours.close()
            raise
        return cls(name, process, Channel(ours), family)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self._process.returncode is not None

    @property
    def gone(self) -> ErrorCode:
        """What it means that the channel is closed: nothing but its own end closes it."""
        return ErrorCode.PROCESS_DIED

    def distrust(self) -> None:
        """Nothing: without the ports' process there is nothing to shut."""

    def story(self) -> dict[str, str | int]:
        """What is known of the process, for the detail of an error."""
        status = self._process.returncode
        return {
            "process": self.name,
            "status": "running" if status is None else status,
            "stderr": self.tail(),
        }

    def tail(self) -> str:
        return " | ".join(self._tail)

    def kill(self) -> None:
        """Kill it if it lives. Not through Popen, which would take the exit status from asyncio."""
        if self._pidfd is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    async def end(self, patience_s: float) -> None:
        """Close the channel, wait ``patience_s``, kill, wait KILL_S, and let go in any case."""
        self.channel.close()
        dead = await self._ends_within(patience_s)
        if not dead:
            self.kill()
            dead = await self._ends_within(KILL_S)
        if dead:
            # The last words. A grandchild could hold the pipe open, so this too has an end.
            await asyncio.wait([self._listener], timeout=KILL_S)
        self._listener.cancel()
        pidfd, self._pidfd = self._pidfd, None
        if pidfd is not None:
            os.close(pidfd)
        self._family.ended(self, dead=dead)

    async def _ends_within(self, seconds: float) -> bool:
        if self.ended:
            return True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._process.wait()
        return self.ended

    async def _listen(self) -> None:
        """Read stderr to its end, so that the child never blocks on it; log the first lines."""
        assert self._process.stderr is not None
        logged, rest = 0, b""
        while data := await self._process.stderr.read(4096):
            *lines, rest = (rest + data).split(b"\n")
            rest = rest[:STDERR_WIDTH]
            for line in lines:
                text = printable(line)
                self._tail.append(text)
                if logged < STDERR_LINES:
                    self._family.log("EDG-9101", process=self.name, pid=self.pid, text=text)
                logged += 1


def _pidfd(pid: int) -> int | None:
    """A descriptor of the process, which no other can take the place of; None if it has ended already."""
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return None


def printable(line: bytes) -> str:
    """Text of a process for the log: printable, capped."""
    text = line[:STDERR_WIDTH].decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else "\ufffd" for c in text)
