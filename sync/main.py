"""``edged-sync``: the courier as a process."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from edged.errors import EdgeError
from sync.app import run
from sync.config import load

EXIT_CONFIG = 78  # sysexits.h, EX_CONFIG: starting again does not help
EXIT_FAILED = 1


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="edged-sync", description="Deliver recordings and the ledger to the centre."
    )
    parser.add_argument("--config", required=True, help="the station's configuration (TOML)")
    parser.add_argument("--check", action="store_true", help="read the configuration and stop")
    options = parser.parse_args(argv)
    try:
        settings = load(Path(options.config).read_bytes(), options.config)
    except (OSError, EdgeError) as exc:
        return _ends(exc, EXIT_CONFIG)
    if options.check:
        return 0
    try:
        asyncio.run(run(settings))
    except (OSError, EdgeError) as exc:
        return _ends(exc, EXIT_FAILED)
    return 0


def _ends(why: OSError | EdgeError, status: int) -> int:
    remedy = f"\n{why.code.remedy}" if isinstance(why, EdgeError) else ""
    print(f"edged-sync: {why}{remedy}", file=sys.stderr)  # noqa: T201  # there is no log, or no more
    return status


if __name__ == "__main__":
    sys.exit(main())
