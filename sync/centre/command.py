"""``edgectl intake``: the centre's reference end as a process.

    edgectl intake --home /srv/home --store /srv/evidence --key centre.key --server srv-1 --level local
                   --station-key "edged/post-7+1a2b3c4d+A…" --interval 2

``{station}`` in ``--home`` stands for the station's id; with several station keys it must be there.
"""

import argparse
import asyncio
import contextlib
import fcntl
import json
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from drivers.disk import PosixDisk
from drivers.host_clock import HostClock
from edged.errors import EdgeError, ErrorCode
from edged.formats.note import Signer, Verifier
from edged.ports import Log
from sync.app import make_log
from sync.centre.desk import Summary
from sync.centre.intake import Intake
from sync.config import LogConfig

EXIT_OK, EXIT_ALERTS, EXIT_USAGE, EXIT_FAILED = 0, 1, 2, 3
LOCK = ".intake.lock"


def run_intake(argv: Sequence[str]) -> int:
    """Return the exit status: 0, 1 alerts were raised (``--once``), 2 usage, 3 keys or folders unusable."""
    options = _parser().parse_args(argv)
    try:
        with _locked(Path(options.store)):
            return asyncio.run(_serve(options))
    except (EdgeError, OSError) as exc:
        failure = json.dumps(_failure(exc), ensure_ascii=False) if options.json else f"intake: {exc}"
        print(failure, file=sys.stderr)  # noqa: T201  # a command line prints
        return EXIT_FAILED


def _failure(exc: EdgeError | OSError) -> dict[str, object]:
    if isinstance(exc, EdgeError):
        return {
            "code": exc.code.label,
            "text": exc.code.text,
            "remedy": exc.code.remedy,
            "detail": exc.detail,
        }
    return {"code": "", "text": str(exc)}


async def _serve(options: argparse.Namespace) -> int:
    clock = HostClock()
    log, close_log = make_log(LogConfig(format=options.log, level="info"), clock, "edged-intake")
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    try:
        desks = _desks(options, clock, log)
        while True:
            summaries = {desk.station: await asyncio.to_thread(desk.scan) for desk in desks}
            if options.once:
                return _tell(summaries)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(options.interval):
                    await stopped.wait()
            if stopped.is_set():
                return EXIT_OK
    finally:
        close_log()


def _desks(options: argparse.Namespace, clock: HostClock, log: Log) -> list[Intake]:
    """One desk a station key. Raises EdgeError, OSError."""
    name = options.key_name or options.server
    centre = Signer.from_pem(name, Path(options.key).read_bytes())
    stations = [Verifier.parse(_text(given)) for given in options.station_key]
    if len(stations) > 1 and "{station}" not in options.home:
        raise EdgeError(ErrorCode.CONFIG_INVALID, key="--home", expected="{station} in it: several stations")
    desks = []
    for station in stations:
        home = options.home.replace("{station}", station.name.partition("/")[2])
        Path(home).mkdir(parents=True, exist_ok=True)
        desks.append(
            Intake(
                PosixDisk(),
                clock,
                log,
                home=str(Path(home).absolute()),
                store=str(Path(options.store).absolute()),
                station=station,
                centre=centre,
                server=options.server,
                level=options.level,
            )
        )
    return desks


def _text(given: str) -> str:
    """A verifier key, or the file it stands in."""
    return given if "+" in given else Path(given).read_text().strip()


def _tell(summaries: dict[str, Summary]) -> int:
    for station, found in summaries.items():
        line = {
            "station": station,
            "pieces": found.pieces,
            "countersigned": found.countersigned,
            "placed": found.placed,
            "refused": found.refused,
            "alerts": found.alerts,
        }
        print(json.dumps(line))  # noqa: T201  # a command line prints
    return EXIT_ALERTS if any(found.alerts for found in summaries.values()) else EXIT_OK


@contextlib.contextmanager
def _locked(store: Path) -> Iterator[None]:
    """One intake for a store: two would race for the last checkpoint."""
    store.mkdir(parents=True, exist_ok=True)
    with (store / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise EdgeError(ErrorCode.CONFLICT, store=str(store), reason="another intake runs on it") from exc
        yield


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="edgectl intake", description="The centre's reference end.")
    parser.add_argument("--home", required=True, help="the station's SFTP home; {station} is replaced")
    parser.add_argument("--store", required=True, help="the final store")
    parser.add_argument("--key", required=True, help="the centre's signing key (PEM)")
    parser.add_argument("--key-name", default="", help="its name; default: the server's name")
    parser.add_argument("--server", required=True, help="name of the server, in every receipt")
    parser.add_argument("--level", choices=("local", "central"), default="local", help="level of the server")
    parser.add_argument(
        "--station-key", action="append", required=True, help="verifier key of a station, or a file with it"
    )
    parser.add_argument("--log", choices=("journal", "console", "json"), default="console")
    parser.add_argument("--json", action="store_true", help="a failure as JSON too; results always are")
    when = parser.add_mutually_exclusive_group()
    when.add_argument("--once", action="store_true", help="one pass, then print what it did")
    when.add_argument("--interval", type=float, default=2.0, help="seconds between passes")
    return parser


def main() -> int:
    return run_intake(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
