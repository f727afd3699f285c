"""`edgectl`: the parser and its table of commands. Human tables by default, ``--json`` everywhere.

Exit codes: 0 done and good, 1 checked and not good, 2 wrong use, 3 refused, 4 the daemon does not answer.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from typing import Any

from edged.cli import authority, online, rekey, station_init, verification
from edged.cli.output import EXIT_REFUSED, EXIT_UNREACHABLE, complain
from edged.config import load
from edged.errors import EdgeError, ErrorCode
from edged.main import DEFAULT_CONFIG, DEFAULT_SOCKET, read_config
from sync.centre.command import run_intake


def main(argv: Sequence[str] | None = None) -> int:
    given = list(sys.argv[1:] if argv is None else argv)
    words = [word for word in given if word != "--json"]
    if words[:1] == ["intake"]:  # the centre's end has options of its own
        return run_intake(words[1:] if words == given else ["--json", *words[1:]])
    args = build_parser().parse_args(given)
    args.socket = args.socket or configured_socket(args.config)
    try:
        result = args.run(args)
        code: int = asyncio.run(result) if asyncio.iscoroutine(result) else result
    except EdgeError as exc:
        complain(exc, as_json=args.json)
        return EXIT_UNREACHABLE if exc.code is ErrorCode.SERVICE_GONE else EXIT_REFUSED
    except BrokenPipeError:
        sys.stderr.close()  # whoever read has seen enough
        return 0
    except OSError as exc:
        problem = EdgeError(
            ErrorCode.BAD_REQUEST, path=str(exc.filename or ""), reason=exc.strerror or str(exc)
        )
        complain(problem, as_json=args.json)
        return EXIT_REFUSED
    except KeyboardInterrupt:
        return 130
    return code


def configured_socket(config: str) -> str:
    """Where the daemon of that configuration listens; the default without a sound configuration."""
    try:
        return load(read_config(config), config).control.socket
    except EdgeError:  # whoever may not read it, or has no station here, may still ask
        return DEFAULT_SOCKET


class _Command(argparse.ArgumentParser):
    """A command takes the common options too: before and after it they mean the same."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # What is not given here must not overwrite what was given before the command.
        _add_common(self, argparse.SUPPRESS, argparse.SUPPRESS, argparse.SUPPRESS)


def _add_common(parser: argparse.ArgumentParser, sock: str, config: str, json: str | bool) -> None:
    parser.add_argument(
        "--socket",
        default=sock,
        help=f"control socket (default: [control] socket of the configuration, else {DEFAULT_SOCKET})",
    )
    parser.add_argument("--config", default=config, help=f"configuration (default {DEFAULT_CONFIG})")
    parser.add_argument("--json", action="store_true", default=json, help="print JSON")


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="edgectl", description="Ask and steer a camera dock station.")
    _add_common(parser, "", DEFAULT_CONFIG, False)
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Command)
    station = station_init.add_commands(commands)
    rekey.add_command(station)
    online.add_commands(commands, {"station": station, "key": authority.add_commands(commands)})
    verification.add_commands(commands)
    commands.add_parser(
        "intake", help="the centre: verify, store, countersign, sign receipts (intake --help)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
