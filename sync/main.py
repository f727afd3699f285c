"""``edged-sync``: the courier as a process."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from edged.errors import EdgeError
from sync.app import run
from sync.config import load

EXIT_CONFIG = 78  # sysexits.h, EX_CONFIG


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="edged-sync", description="Deliver recordings and the ledger to the centre."
    )
    parser.add_argument("--config", required=True, help="the station's configuration (TOML)")
    parser.add_argument("--check", action="store_true", help="read the configuration and stop")
    options = parser.parse_args(argv)
    try:
        settings = load(Path(options.config).read_bytes(), options.config)
        if not options.check:
            asyncio.run(run(settings))
    except OSError as exc:
        print(f"edged-sync: {exc}", file=sys.stderr)  # noqa: T201  # before there is a log
        return EXIT_CONFIG
    except EdgeError as exc:
        print(f"edged-sync: {exc}\n{exc.code.remedy}", file=sys.stderr)  # noqa: T201  # as above
        return EXIT_CONFIG
    return 0


if __name__ == "__main__":
    sys.exit(main())
