"""The daemon's process: ``edged --config FILE``, ``edged check-config FILE``."""

import argparse
import asyncio
import contextlib
import fcntl
import hashlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from drivers.notify import Notifier, feed_watchdog
from edged.app import (
    open_station,
    real_clock,
    real_log,
    real_outside,
    real_secrets,
    waiting_lines,
    waiting_log,
)
from edged.commissioning import COMMISSIONING, OUT_OF_SERVICE, Saying, wait
from edged.config import SIZE_LIMIT, Config, check, load
from edged.control.api import ControlServer, RefusingServer
from edged.errors import ConfigError, EdgeError, ErrorCode
from edged.failed_start import Failed, FailedStarts, pause_s
from edged.logs import StationLog, bridged
from edged.ports import Clock, Log
from edged.station.station import Station

DEFAULT_CONFIG = "/etc/edged/edged.toml"
DEFAULT_SOCKET, DEFAULT_MODE = "/run/edged/control.sock", "0660"  # as in edged.config, where there is none
EXIT_CONFIG = 78  # EX_CONFIG of sysexits.h: starting again does not help
EXIT_FAILED = 1


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    if args.command == "check-config":
        return check_config(args.file)
    try:
        if args.await_commissioning and (error := uncommissioned(args.config)) is not None:
            config = _known(args.config, error)
            return asyncio.run(await_commissioning(args.config, error, config, waiting_log(config)))
        text = read_config(args.config)
        config = load(text, args.config)
        require_commissioned(config.station.state)
        with single_instance(config.station.state):
            clock = real_clock(config)
            starts = (
                FailedStarts(config.station.state, clock.now().boot_id) if args.await_commissioning else None
            )
            if starts is not None and (failed := starts.due()) is not None:
                return asyncio.run(out_of_service(failed, starts, config, real_log(config, clock)))
            return asyncio.run(serve(config, text, args.config, clock, starts))
    except EdgeError as exc:
        sys.stderr.write(f"edged: {exc}\n       {exc.code.remedy}\n")
        return EXIT_CONFIG if isinstance(exc, ConfigError) else EXIT_FAILED


def check_config(path: str) -> int:
    """Print every problem of a configuration; 0 if there is none."""
    try:
        problems: Sequence[EdgeError] = check(read_config(path), path)
    except EdgeError as exc:
        problems = [exc]
    for problem in problems:
        sys.stdout.write(f"{problem}\n    {problem.code.remedy}\n")
    if not problems:
        sys.stdout.write(f"{path}: in order\n")
    return EXIT_CONFIG if problems else 0


def read_config(path: str) -> bytes:
    """Raises ConfigError: CONFIG_MISSING, or CONFIG_INVALID for a file of unreasonable size."""
    try:
        with Path(path).open("rb") as file:
            text = file.read(SIZE_LIMIT + 1)
    except OSError as exc:
        raise ConfigError(ErrorCode.CONFIG_MISSING, file=path, reason=exc.strerror or str(exc)) from exc
    if len(text) > SIZE_LIMIT:
        raise ConfigError(ErrorCode.CONFIG_INVALID, file=path, expected=f"at most {SIZE_LIMIT} bytes")
    return text


def require_commissioned(state: str) -> None:
    """Raises EdgeError NOT_COMMISSIONED: `state` holds nothing of a station, and nothing is put there.

    A folder with one of the two is a damaged station, which its ledger and keys tell apart.
    """
    try:
        found = any((Path(state) / name).exists() for name in ("station.json", "ledger"))
    except OSError as exc:
        raise _unusable(state, exc) from exc
    if not found:
        raise EdgeError(ErrorCode.NOT_COMMISSIONED, state=state)


def uncommissioned(file: str) -> EdgeError | None:
    """Why there is no station: no configuration, or none that was ever commissioned.

    Raises:
        ConfigError: the configuration is not in order.
    """
    try:
        require_commissioned(load(read_config(file), file).station.state)
    except EdgeError as exc:
        if exc.code in (ErrorCode.CONFIG_MISSING, ErrorCode.NOT_COMMISSIONED):
            return exc
        raise
    return None


def _known(file: str, error: EdgeError) -> Config | None:
    return load(read_config(file), file) if error.code is ErrorCode.NOT_COMMISSIONED else None


async def await_commissioning(file: str, error: EdgeError, config: Config | None, log: Log) -> int:
    """Say so until it is commissioned; return 0, to be started anew: only then systemd has its keys to give.

    Args:
        error: what is missing now.
        config: what the file holds, if it is there.
    """

    def why() -> EdgeError | None:
        try:
            reason = uncommissioned(file)
        except ConfigError as exc:  # somebody is writing it
            return exc
        # A configuration that has come has docks to light, and a socket of its own: begin again with it.
        return reason if reason is None or reason.code is error.code else None

    await _say(COMMISSIONING, why, error, config, log)
    return 0


async def out_of_service(failed: Failed, starts: FailedStarts, config: Config, log: Log) -> int:
    """Say why the last start failed, until the pause after it is over; return 0, to be started anew.

    Told to stop it forgets: whoever starts the daemon again wants a try, and at once.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + pause_s(failed.attempts, waiting_lines().random)
    waited = await _say(
        OUT_OF_SERVICE, lambda: failed.error if loop.time() < until else None, failed.error, config, log
    )
    if waited:
        starts.waited()
    else:
        starts.forget()
    return 0


async def _say(
    saying: Saying, why: Callable[[], EdgeError | None], error: EdgeError, config: Config | None, log: Log
) -> bool:
    """Say it wherever somebody looks, until ``why`` has no reason left (True) or the process is told to stop."""
    notifier = Notifier(os.environ, os.getpid())
    path, mode = (config.control.socket, config.control.mode) if config else (DEFAULT_SOCKET, DEFAULT_MODE)
    now = error

    def tell(reason: EdgeError) -> None:
        nonlocal now
        now = reason
        notifier.alive()
        notifier.status(f"{saying.status}: {reason}")

    control = RefusingServer(path, int(mode, 8), lambda: now)
    await control.start()
    notifier.ready(f"{saying.status}: {error}")
    docks = config.dock if config else ()
    waiting = asyncio.create_task(wait(saying, why, tell, docks, waiting_lines(), log))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, waiting.cancel)
    try:
        await asyncio.wait({waiting})
        if waiting.cancelled():
            return False
        waiting.result()  # raises why it could not go on waiting
        return True
    finally:
        notifier.stopping()
        await control.stop()


def _unusable(path: str, exc: OSError) -> EdgeError:
    reason = exc.strerror or str(exc)
    return EdgeError(ErrorCode.CONFIG_INVALID, key="station.state", path=path, reason=reason)


@contextlib.contextmanager
def single_instance(state: str):  # type: ignore[no-untyped-def]  # a generator made a context manager
    """Hold the state folder for this process (faults L07, L12).

    Raises:
        EdgeError: ALREADY_RUNNING; CONFIG_INVALID, the folder cannot be written.
    """
    path = f"{state}/edged.lock"
    try:
        file = Path(path).open("a+b")  # noqa: SIM115  # held until the process ends the block
    except OSError as exc:
        raise _unusable(path, exc) from exc
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            raise EdgeError(ErrorCode.ALREADY_RUNNING, lock=path) from exc
        yield


async def serve(config: Config, text: bytes, file: str, clock: Clock, starts: FailedStarts | None) -> int:
    """Run the station until SIGTERM or SIGINT.

    Args:
        file: where the configuration came from.
        starts: remembers a start that failed; None: nobody waits for a later one.
    """
    log = real_log(config, clock)
    begun = False

    def started() -> None:
        nonlocal begun
        begun = True
        if starts is not None:
            starts.forget()

    with bridged(log):
        log("EDG-4001", file=file, sha256=hashlib.sha256(text).hexdigest())
        try:
            return await _serve(config, text, file, clock, log, started)
        except EdgeError as exc:
            if starts is not None and not begun:
                starts.failed(exc)
            raise


async def _serve(
    config: Config, text: bytes, file: str, clock: Clock, log: StationLog, started: Callable[[], None]
) -> int:
    began_ns = clock.now().boottime_ns
    outside = real_outside(config, clock, log)
    station = await open_station(config, text, outside, real_secrets(config, log), file=file)
    control = ControlServer(config.control.socket, int(config.control.mode, 8), station)
    notifier = Notifier(os.environ, os.getpid())
    in_service = asyncio.Event()
    watchdog = asyncio.create_task(_watch(notifier, station, log), name="watchdog")
    running = asyncio.create_task(station.run(in_service.set), name="station")

    def ready() -> None:
        started()
        notifier.ready("the dock is in service")
        log("EDG-5003", elapsed_s=(clock.now().boottime_ns - began_ns) / 1e9)

    opening = asyncio.create_task(_open_control(in_service, control, ready, running), name="control")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.cancel)
    try:
        await running
    except asyncio.CancelledError:
        if opening.done():
            opening.result()  # why it was cancelled, if it was not a signal
        return 0
    finally:
        notifier.stopping()
        watchdog.cancel()
        opening.cancel()
        await control.stop()
    return EXIT_FAILED


async def _open_control(
    in_service: asyncio.Event, control: ControlServer, ready: Callable[[], None], running: asyncio.Task[None]
) -> None:
    """Answer persons once the lists are read: before that everybody would be a stranger."""
    await in_service.wait()
    try:
        await control.start()
    except EdgeError:
        running.cancel()
        raise
    ready()


async def _watch(notifier: Notifier, station: Station, log: StationLog) -> None:
    await feed_watchdog(
        notifier,
        station.outside.progress,
        station.outside.clock,
        on_stale=lambda part, since_s: log("EDG-5502", part=part, stale_s=since_s),
        on_lag=lambda lag_s: log("EDG-5501", lag_s=lag_s),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="edged", description="Edge daemon of a camera dock station")
    parser.add_argument("--config", default=DEFAULT_CONFIG, help=f"default {DEFAULT_CONFIG}")
    parser.add_argument(
        "--await-commissioning",
        action="store_true",
        help="without a configuration or a commissioned station, or after a start that failed: say so and wait, "
        "instead of ending",
    )
    commands = parser.add_subparsers(dest="command")
    checking = commands.add_parser(
        "check-config", help="say whether a configuration is in order, and why not"
    )
    checking.add_argument("file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
