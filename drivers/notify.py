"""Tells systemd how the daemon is: ready, stopping, status, and a watchdog fed by progress only.

Source: sd_notify(3), sd_watchdog_enabled(3). Without systemd every call does nothing.
"""

import asyncio
import select
import socket
from collections.abc import Awaitable, Callable, Mapping

from edged.ports import Clock

_SECOND = 1_000_000_000


class Notifier:
    """The notification socket named in the environment, or none."""

    def __init__(self, environ: Mapping[str, str], pid: int) -> None:
        name = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + name[1:] if name.startswith("@") else name
        own = environ.get("WATCHDOG_PID", str(pid)) == str(pid)
        usec = environ.get("WATCHDOG_USEC", "")
        self.watchdog_s: float | None = int(usec) / 1e6 if own and usec.isdecimal() and int(usec) else None

    def send(self, *assignments: str) -> bool:
        """Send ``NAME=value`` lines; False if nobody took them. Never waits, never raises OSError."""
        if not self._address:
            return False
        message = "\n".join(line.replace("\n", " ") for line in assignments).encode("utf-8", "replace")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as link:
            link.setblocking(False)
            try:
                link.sendto(message, self._address)
            except OSError:
                return False
        return True

    def ready(self, status: str = "") -> None:
        self.send("READY=1", f"STATUS={status}")

    def status(self, text: str) -> None:
        self.send(f"STATUS={text}")

    def stopping(self) -> None:
        self.send("STOPPING=1")

    def alive(self) -> None:
        self.send("WATCHDOG=1")


def wait_fed(notifier: Notifier, sock: socket.socket) -> None:
    """Block until there is something to read, the watchdog fed meanwhile; for a process that only answers.

    Between two waits nothing feeds it: an answer that takes for ever is a hang.
    """
    every_s = notifier.watchdog_s / 3 if notifier.watchdog_s else None
    while not select.select([sock], (), (), every_s)[0]:
        notifier.alive()
    notifier.alive()


class Progress:
    """Who must show progress how often. A part that waits for something slow says so beforehand."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: dict[str, tuple[int, float]] = {}  # part -> (last sign of life, allowed silence)

    def beat(self, part: str, within_s: float) -> None:
        """``part`` lives, and will say so again ``within_s`` seconds from now at the latest."""
        self._due[part] = (self._clock.now().boottime_ns, within_s)

    def done(self, part: str) -> None:
        """``part`` has nothing to do; its silence means nothing."""
        self._due.pop(part, None)

    def stale(self) -> tuple[str, float] | None:
        """Return the part that is silent for longest past its time, and since how many seconds."""
        now = self._clock.now().boottime_ns
        silent = [(part, (now - at) / _SECOND, within) for part, (at, within) in self._due.items()]
        late = [(part, since) for part, since, within in silent if since > within]
        return max(late, key=lambda p: p[1], default=None)

    def excuse(self, pause_s: float) -> None:
        """The whole machine stood still for ``pause_s``: nobody is late because of that."""
        shift = round(pause_s * _SECOND)
        self._due = {part: (at + shift, within) for part, (at, within) in self._due.items()}


async def feed_watchdog(
    notifier: Notifier,
    progress: Progress,
    clock: Clock,
    *,
    on_stale: Callable[[str, float], object],
    on_lag: Callable[[float], object],
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Feed systemd's watchdog for ever, as long as every part makes progress.

    A suspended or starved machine (a late wake-up of this very task) excuses everybody once and calls
    ``on_lag`` with its length; ``on_stale`` gets the part that is late, and for how long, at every round.
    """
    interval = (notifier.watchdog_s or 30.0) / 3
    before = clock.now().boottime_ns
    while True:
        await pause(interval)
        now = clock.now().boottime_ns
        lag = (now - before) / _SECOND - interval
        before = now
        if lag > interval:
            progress.excuse(lag)
            on_lag(lag)
        if (late := progress.stale()) is not None:
            on_stale(*late)
        else:
            notifier.alive()
