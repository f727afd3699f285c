"""Wires the courier: the only file of the courier that constructs adapters."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from functools import partial

from drivers.disk import PosixDisk
from drivers.host_clock import HostClock
from drivers.journal import Journal
from drivers.notify import Notifier, Progress, feed_watchdog
from drivers.random import SystemRandom
from edged.errors import DiskError
from edged.key_files import Credentials
from edged.logs import bridged, journal_log, stream_log
from edged.ports import Clock, Log
from sync.config import LogConfig, Settings
from sync.keep import keep_delivering
from sync.nut import ask
from sync.ports import Ports
from sync.progress import WatchedDialler, alive_in
from sync.queue import Queue
from sync.sftp_store import SftpDialler
from sync.ssh import SshAddress
from sync.ups_address import parse_address
from sync.watch import FolderWatch

QUEUE = "queue.sqlite"


def make_log(config: LogConfig, clock: Clock, name: str) -> tuple[Log, Callable[[], None]]:
    """Return the log and what closes it."""
    if config.format == "journal":
        journal = Journal()
        return journal_log(journal, name, config.level), journal.close
    return stream_log(sys.stderr, clock, config.format, config.level), lambda: None


async def run(settings: Settings) -> None:
    """Run the courier until SIGTERM or SIGINT; both stop it within seconds, whatever the line does."""
    clock = HostClock()
    log, close_log = make_log(settings.log, clock, "edged-sync")
    try:
        with bridged(log):
            await _run(settings, clock, log)
    finally:
        close_log()


async def _run(settings: Settings, clock: Clock, log: Log) -> None:
    notifier = Notifier(os.environ, os.getpid())
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    log("EDG-3001", station=settings.station, centre=f"{settings.sync.host}:{settings.sync.port}")
    progress = Progress(clock)
    work = asyncio.create_task(_work(settings, clock, log, progress))
    feeder = asyncio.create_task(_feed(notifier, progress, clock, log))
    waiter = asyncio.create_task(stopped.wait())
    notifier.ready(f"delivering for {settings.station}")
    await asyncio.wait({work, waiter}, return_when=asyncio.FIRST_COMPLETED)
    notifier.stopping()
    await _end(work, feeder, waiter)
    log("EDG-3002", reason="signal" if stopped.is_set() else "defect")
    if not work.cancelled():
        work.result()


async def _work(settings: Settings, clock: Clock, log: Log, progress: Progress) -> None:
    sync = settings.sync
    alive = alive_in(progress.beat, sync)
    address = SshAddress(
        host=sync.host,
        fallback=sync.fallback,
        port=sync.port,
        user=sync.user,
        key_file=sync.key_file,
        credentials=Credentials(os.environ.get("CREDENTIALS_DIRECTORY", "")),
        host_key=sync.host_key,
        connect_s=sync.connect_s,
        answer_s=sync.answer_s,
    )
    ports = Ports(
        fs=PosixDisk(),
        clock=clock,
        random=SystemRandom(),
        dialler=WatchedDialler(SftpDialler(address, sync.remote_dir, log), alive),
        log=log,
        alive=alive,
        ask_ups=partial(ask, parse_address(sync.ups)) if sync.ups else None,
    )

    def open_queue() -> Queue:
        try:
            ports.fs.make_dirs(sync.state)
        except OSError as exc:
            raise DiskError(path=sync.state, reason=exc.strerror or str(exc)) from exc
        return Queue(f"{sync.state}/{QUEUE}", clock.now().boottime_ns)

    await keep_delivering(
        settings,
        ports,
        open_queue,
        lambda hint: FolderWatch((settings.ledger, f"{settings.vault}/recordings"), hint),
    )


async def _feed(notifier: Notifier, progress: Progress, clock: Clock, log: Log) -> None:
    """Feed the watchdog as long as the courier makes progress (`sync.progress`)."""
    await feed_watchdog(
        notifier,
        progress,
        clock,
        on_stale=lambda part, since_s: log("EDG-5502", part=part, stale_s=since_s),
        on_lag=lambda lag_s: log("EDG-5501", lag_s=lag_s),
    )


async def _end(*tasks: asyncio.Task[object]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
