"""systemd hears of us: ready, alive only with progress, and never at the price of waiting."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.notify import Notifier, Progress, feed_watchdog
from edged.ports import ClockClass, HostTime

SECOND = 1_000_000_000


class HandClock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> HostTime:
        return HostTime(0, round(self.seconds * SECOND), "b" * 32, ClockClass.UNKNOWN, None)

    def confirm(self) -> HostTime:
        return self.now()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        ear.setblocking(False)
        yield ear


def heard(ear: socket.socket) -> list[bytes]:
    found = []
    while True:
        try:
            found.append(ear.recv(4096))
        except BlockingIOError:
            return found


def notifier(ear: socket.socket, **environ: str) -> Notifier:
    return Notifier({"NOTIFY_SOCKET": ear.getsockname(), **environ}, pid=7)


def test_systemd_hears_ready_status_and_stopping(systemd: socket.socket) -> None:
    told = notifier(systemd)
    told.ready("8 slots")
    told.status("a\nREADY=0")
    told.stopping()
    assert heard(systemd) == [b"READY=1\nSTATUS=8 slots", b"STATUS=a READY=0", b"STOPPING=1"]


def test_an_abstract_socket_is_heard_too() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind("\0edged-test-notify")
        ear.setblocking(False)
        Notifier({"NOTIFY_SOCKET": "@edged-test-notify"}, pid=7).alive()
        assert heard(ear) == [b"WATCHDOG=1"]


def test_without_systemd_nothing_happens(tmp_path: Path) -> None:
    assert not Notifier({}, pid=7).send("READY=1")
    assert not Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}, pid=7).send("READY=1")


@pytest.mark.parametrize(
    ("environ", "interval"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "x"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_interval_is_the_units_and_ours_only(
    environ: dict[str, str], interval: float | None
) -> None:
    assert Notifier(environ, pid=7).watchdog_s == interval


# --- progress ---------------------------------------------------------------------------------------


def test_a_part_that_is_silent_past_its_own_time_is_stale() -> None:
    clock = HandClock()
    progress = Progress(clock)
    progress.beat("ledger", 5)
    progress.beat("slot-3", 2)
    clock.seconds = 4
    assert progress.stale() == ("slot-3", 4.0)
    progress.done("slot-3")
    assert progress.stale() is None
    clock.seconds = 6
    assert progress.stale() == ("ledger", 6.0)


async def rounds(
    told: Notifier, clock: HandClock, progress: Progress, steps: list[float]
) -> tuple[list[str], list[float]]:
    """Run the feeder for as many rounds as ``steps``, each taking that many seconds."""
    stale, lags = list[str](), list[float]()
    left = iter(steps)

    async def pause(_: float) -> None:
        step = next(left, None)
        if step is None:
            raise asyncio.CancelledError
        clock.seconds += step

    with pytest.raises(asyncio.CancelledError):
        await feed_watchdog(
            told,
            progress,
            clock,
            on_stale=lambda part, since: stale.append(part),
            on_lag=lags.append,
            pause=pause,
        )
    return stale, lags


async def test_the_watchdog_is_fed_while_everybody_makes_progress(systemd: socket.socket) -> None:
    clock = HandClock()
    told = notifier(systemd, WATCHDOG_USEC="30000000")
    stale, lags = await rounds(told, clock, Progress(clock), [10, 10, 10])
    assert heard(systemd) == [b"WATCHDOG=1"] * 3
    assert (stale, lags) == ([], [])


@pytest.mark.fault(
    "X07", "A part that announced a slow step keeps the watchdog fed; one that hangs does not."
)
async def test_a_slow_disk_is_no_hang_but_a_hang_is(systemd: socket.socket) -> None:
    clock = HandClock()
    told = notifier(systemd, WATCHDOG_USEC="30000000")
    progress = Progress(clock)
    progress.beat("ledger", 120)  # an fsync that may take two minutes
    stale, _ = await rounds(told, clock, progress, [10] * 6)
    assert stale == []
    assert len(heard(systemd)) == 6
    stale, _ = await rounds(told, clock, progress, [10] * 8)
    assert stale == ["ledger"] * 2  # at 130 s and 140 s
    assert len(heard(systemd)) == 6


@pytest.mark.fault(
    "C09", "A machine that stood still for five minutes excuses everybody once, and reports the lag."
)
async def test_a_pause_of_the_whole_machine_is_nobodys_fault(systemd: socket.socket) -> None:
    clock = HandClock()
    told = notifier(systemd, WATCHDOG_USEC="30000000")
    progress = Progress(clock)
    progress.beat("slot-1", 15)
    stale, lags = await rounds(told, clock, progress, [310, 10])
    assert lags == [300.0]
    assert stale == ["slot-1"]  # excused in the first round; truly silent for 20 s in the second
    assert len(heard(systemd)) == 1
