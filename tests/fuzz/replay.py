"""The corpus once more, in an interpreter without instrumentation: how long each input takes, and what it holds.

python -m tests.fuzz.replay TARGET …      prints a line of JSON for each
"""

import json
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fuzz.contract import Target

if TYPE_CHECKING:
    from tests.fuzz.campaign import Outcome

MOST = 1000  # inputs of a target, the largest


def confirm(outcomes: "list[Outcome]") -> None:
    """Add to each outcome its slowest input, and the findings that are confirmed without instrumentation."""
    names = [outcome.target for outcome in outcomes]
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.replay", *names], stdout=subprocess.PIPE, check=True, text=True
    )
    told = {row["target"]: row for row in map(json.loads, done.stdout.splitlines())}
    for outcome in outcomes:
        outcome.slowest_ms = told[outcome.target]["slowest_ms"]
        outcome.findings += told[outcome.target]["findings"]


def seconds(target: Target, data: bytes) -> float:
    """Of the processor, that ``target`` needs."""
    began = time.process_time()
    target.takes(data)
    return time.process_time() - began


def held(target: Target, data: bytes) -> int:
    """Bytes that the target holds at once, at most."""
    tracemalloc.start()
    try:
        target.takes(data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def replay(target: Target) -> dict[str, object]:
    """Try the corpus of one target, the slow inputs of its run first."""
    from tests.fuzz.campaign import ROOT, TRIES, Places, keep, limit_s

    places = Places(target.name)
    target.takes(target.seeds()[0])  # what is imported and kept at the first call is not the input's
    findings, slowest = list[str](), 0.0
    for path in [*places.slow.glob("*"), *_largest(places.corpus)]:
        data = path.read_bytes()[: target.limit]
        try:
            took = seconds(target, data)
        except Exception as exc:  # noqa: BLE001  # a breach, kept by the run that found it
            findings.append(f"{path.relative_to(ROOT)}: {type(exc).__name__} again")
            continue
        if took > limit_s(len(data)):
            took = min(took, *(seconds(target, data) for _ in range(TRIES)))
        slowest = max(slowest, took)
        if took > limit_s(len(data)):
            kept = keep(target.name, "slow", data).relative_to(ROOT)
            findings.append(f"{kept}: {took * 1000:.0f} ms for {len(data)} bytes")
        if (bytes_held := held(target, data)) > target.memory_bound(len(data)):
            kept = keep(target.name, "memory", data).relative_to(ROOT)
            findings.append(f"{kept}: {bytes_held} bytes held for {len(data)}")
    return {"target": target.name, "slowest_ms": slowest * 1000, "findings": findings}


def _largest(folder: Path) -> list[Path]:
    files = [path for path in folder.glob("*") if path.is_file()]
    return sorted(files, key=lambda path: path.stat().st_size, reverse=True)[:MOST]


def main() -> None:
    from tests.fuzz.campaign import say
    from tests.fuzz.targets import TARGETS

    for name in sys.argv[1:]:
        say(json.dumps(replay(TARGETS[name])))


if __name__ == "__main__":
    main()
