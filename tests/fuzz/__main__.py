"""``make fuzz``: all targets for some minutes, guided by coverage, and a table of what came of it.

Exit status 0: no contract was broken; 1: the inputs that broke one lie in ``tests/fuzz/found``.
"""

import argparse
import os
import sys
import time

from tests.fuzz import campaign, replay
from tests.fuzz.campaign import Outcome, say

COLUMNS = ("target", "executions", "exec/s", "corpus", "edges", "slowest ms", "findings")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0, help="of all targets together")
    parser.add_argument("--target", help="only this one")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="targets at a time")
    options = parser.parse_args()
    targets = campaign.instrumented_targets()
    names = [options.target] if options.target else sorted(targets)
    if not set(names) <= targets.keys():
        parser.error(f"no target {options.target}; there are: {', '.join(sorted(targets))}")
    jobs = min(options.jobs, len(names))
    chosen = [targets[name] for name in names]
    seconds = options.minutes * 60 * jobs / sum(target.share for target in chosen)
    began = time.monotonic()
    outcomes = campaign.run(chosen, seconds, jobs)
    replay.confirm(outcomes)
    say(f"\n{_table(outcomes)}\n")
    total = sum(outcome.executions for outcome in outcomes)
    broken = [finding for outcome in outcomes for finding in outcome.findings]
    minutes = (time.monotonic() - began) / 60
    say(f"{total:,} executions of {len(outcomes)} targets, {jobs} at a time, in {minutes:.1f} minutes")
    say("\n".join([f"findings: {len(broken)}", *broken]))
    return bool(broken)


def _table(outcomes: list[Outcome]) -> str:
    rows = [COLUMNS] + [
        (
            outcome.target,
            f"{outcome.executions:,}",
            f"{outcome.rate:,}",
            f"{outcome.corpus:,}",
            f"{outcome.edges:,}",
            f"{outcome.slowest_ms:.1f}",
            str(len(outcome.findings)),
        )
        for outcome in outcomes
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if not n else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


if __name__ == "__main__":
    sys.exit(main())
