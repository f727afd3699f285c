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
    from tests.fuzz.campaign import Places

    places = Places(target.name)
    target.takes(target.seeds()[0])  # what is imported and kept at the first call is not the input's
    findings, slowest, broken = list[str](), 0.0, 0
    for path in [*places.slow.glob("*"), *_largest(places.corpus)]:
        try:
            took, more = _judge(target, path.read_bytes()[: target.limit])
        except Exception:  # noqa: BLE001  # a breach, kept by the run that found it
            broken += 1
        else:
            slowest = max(slowest, took)
            findings += more
    if broken:
        findings.append(f"{target.name}: {broken} inputs of the corpus break the contract")
    return {"target": target.name, "slowest_ms": slowest * 1000, "findings": findings}


def _judge(target: Target, data: bytes) -> tuple[float, list[str]]:
    """How long one input takes, and what it costs too much of."""
    from tests.fuzz.campaign import TRIES, keep, limit_s

    findings = []
    if (took := seconds(target, data)) > limit_s(len(data)):
        took = min(took, *(seconds(target, data) for _ in range(TRIES)))
    if took > limit_s(len(data)):
        findings.append(f"{keep(target.name, 'slow', data)}: {took * 1000:.0f} ms for {len(data)} bytes")
    if (count := held(target, data)) > target.memory_bound(len(data)):
        findings.append(f"{keep(target.name, 'memory', data)}: {count} bytes held for {len(data)}")
    return took, findings


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
