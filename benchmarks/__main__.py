"""`make bench`: every figure in one table, also written to ``benchmarks/results.md`` with what limits each.

Takes about five minutes; `--quick` shows in one that everything works (its figures mean nothing and are not
written). `--only NAME` runs single measurements.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import ledger, machine, offload, response, sftp, shift, verification
from benchmarks.rows import Row, table
from benchmarks.scale import FULL, QUICK, Scale

RESULTS = Path(__file__).with_name("results.md")
NOTES = Path(__file__).with_name("notes.md")
MEASUREMENTS: dict[str, Callable[[Scale, Path], Awaitable[list[Row]]]] = {
    "offload": offload.measure,
    "ledger": ledger.measure,
    "verification": verification.measure,
    "sftp": sftp.measure,
    "response": response.measure,
    "shift": shift.measure,
}


async def run(names: list[str], scale: Scale) -> list[Row]:
    """Each measurement in a scratch folder of its own, one after the other."""
    rows: list[Row] = []
    for name in names:
        began = time.perf_counter()
        with machine.scratch() as folder:
            rows += await MEASUREMENTS[name](scale, folder)
        print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    return rows


def document(rows: list[Row], where: str, seconds: float) -> str:
    """The page: when and on what, the table, and what limits each figure."""
    now = datetime.now(UTC)
    when = f"{now:%Y-%m-%d at %H:%M} UTC in {seconds:.0f} s"
    load = f"load average at the end {os.getloadavg()[0]:.1f}"
    head = f"# Figures\n\nMeasured by `make bench` on {when} on {where}, {load}."
    return f"{head}\n\n{table(rows)}\n\n{NOTES.read_text()}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny sizes; the page is not written")
    parser.add_argument("--only", action="append", choices=list(MEASUREMENTS), help="may be repeated")
    args = parser.parse_args()
    machine.CACHE.mkdir(exist_ok=True)
    where, began = machine.describe(machine.CACHE), time.perf_counter()
    print(f"{where}\n", flush=True)
    rows = asyncio.run(run(args.only or list(MEASUREMENTS), QUICK if args.quick else FULL))
    print(table(rows))
    if not args.quick and not args.only:
        RESULTS.write_text(document(rows, where, time.perf_counter() - began))
        print(f"\nwritten to {RESULTS}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
