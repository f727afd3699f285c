"""Coverage-guided fuzzing with atheris: one process a target, some at a time.

The modules are instrumented once, in the parent; each target gets a fork of it, because libFuzzer takes a process
over and never gives it back. What a run finds out goes through files: the corpus, findings, libFuzzer's own log.
"""

import hashlib
import os
import re
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]  # in .venv-fuzz only

from tests.fuzz.contract import FOUND, KIB, Target

ROOT = Path(__file__).resolve().parent.parent.parent
CORPUS = ROOT / ".fuzz-corpus"
SHIPPED = ["edged", "sync", "drivers", "firmware_protocol"]
LIMIT_S, LIMIT_BYTES = 0.05, 4 * KIB
"""Seconds of the processor. No input of so many bytes may take longer; a larger one so much for each piece of it."""
LEAST_S = 3  # for a target: less than that does not get beyond its seeds
TRIES = 3  # a slow input is slow each time
HANG_S = 10  # libFuzzer ends the process
RSS_MB = 1024  # of the whole process, which has some 150 before it begins
LONGEST = 64 * KIB  # bytes of an input that is made here
_DONE = re.compile(r"^#\d+\s+DONE\s+cov: (\d+).*? corp: (\d+)/.*?exec/s: (\d+)", re.MULTILINE)
_UNITS = re.compile(r"stat::number_of_executed_units:\s+(\d+)")


@dataclass(slots=True)
class Outcome:
    """What came of one target."""

    target: str
    executions: int = 0
    rate: int = 0
    corpus: int = 0
    edges: int = 0
    slowest_ms: float = 0.0
    findings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Places:
    """Where one target's files lie."""

    name: str

    @property
    def corpus(self) -> Path:
        return CORPUS / self.name

    @property
    def seeds(self) -> Path:
        return CORPUS / "seeds" / self.name

    @property
    def slow(self) -> Path:
        """Inputs that were slow under instrumentation."""
        return CORPUS / "slow" / self.name

    @property
    def log(self) -> Path:
        return CORPUS / "logs" / f"{self.name}.log"

    @property
    def findings(self) -> Path:
        return CORPUS / "logs" / f"{self.name}.findings"

    def prepare(self) -> None:
        for folder in (self.seeds, self.slow):
            shutil.rmtree(folder, ignore_errors=True)
        for folder in (self.corpus, self.seeds, self.slow, self.log.parent):
            folder.mkdir(parents=True, exist_ok=True)
        self.findings.unlink(missing_ok=True)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def limit_s(size: int) -> float:
    """How long an input of that size may take."""
    return LIMIT_S * max(1, -(-size // LIMIT_BYTES))


def instrumented_targets() -> Mapping[str, Target]:
    """All targets, with the shipped modules that they try instrumented. Before any other import of these."""
    quiet, sys.stderr = sys.stderr, open(os.devnull, "w")  # noqa: PTH123, SIM115  # a line for each module
    try:
        with atheris.instrument_imports(include=SHIPPED):
            from tests.fuzz.targets import TARGETS
    finally:
        sys.stderr.close()
        sys.stderr = quiet
    return TARGETS


def run(targets: Sequence[Target], seconds: float, jobs: int) -> list[Outcome]:
    """Fuzz each target for so many ``seconds`` a share, ``jobs`` of them at a time."""
    waiting, running, outcomes = list(targets), dict[int, str](), list[Outcome]()
    while waiting or running:
        while waiting and len(running) < jobs:
            target = waiting.pop(0)
            running[_start(target, max(LEAST_S, round(seconds * target.share)))] = target.name
        pid, status = os.wait()
        outcome = _outcome(running.pop(pid), status)
        outcomes.append(outcome)
        say(f"{outcome.target}: {outcome.executions:,} executions, {len(outcome.findings)} findings")
    return sorted(outcomes, key=lambda outcome: outcome.target)


def keep(target: str, kind: str, data: bytes) -> Path:
    """Store an input that breaks a contract where the tests find it; return that place."""
    path = FOUND / target / f"{kind}-{hashlib.sha256(data).hexdigest()[:12]}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path.relative_to(ROOT)


def _start(target: Target, seconds: int) -> int:
    Places(target.name).prepare()
    pid = os.fork()
    if pid == 0:
        try:
            _fuzz(target, seconds)
        finally:
            os._exit(99)  # libFuzzer ends the process itself; this is for what goes wrong before
    return pid


def _fuzz(target: Target, seconds: int) -> None:
    """In the child; does not return."""
    places = Places(target.name)
    with places.log.open("wb") as log:
        os.dup2(log.fileno(), 2)
        os.dup2(log.fileno(), 1)
    for data in (*target.seeds(), *(path.read_bytes() for path in (FOUND / target.name).glob("*"))):
        (places.seeds / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data[:LONGEST])
    options = {
        "max_total_time": seconds,
        "max_len": min(target.limit, LONGEST),
        "rss_limit_mb": RSS_MB,
        "timeout": HANG_S,
        "artifact_prefix": f"{places.slow}/",
        "print_final_stats": 1,
        "reload": 0,
    }
    arguments = [f"-{name}={value}" for name, value in options.items()]
    atheris.Setup(["fuzz", *arguments, str(places.corpus), str(places.seeds)], _one_input(target, places))
    atheris.Fuzz()


def _one_input(target: Target, places: Places) -> Callable[[bytes], None]:
    """What libFuzzer calls: tries an input, notes a breach once for each place that it comes from."""
    seen = set[str]()

    def one(data: bytes) -> None:
        began = time.process_time()  # not of the clock on the wall: the machine is busy with others
        try:
            target.takes(data)
        except Exception as exc:  # noqa: BLE001  # whatever leaves a target is what we are here for
            where = _where(exc)
            if where not in seen:
                seen.add(where)
                path = keep(target.name, type(exc).__name__.lower(), data)
                with places.findings.open("a") as file:
                    file.write(f"{path}: {where}: {ascii(str(exc))[:200]}\n")
            return
        took = time.process_time() - began
        if took > limit_s(len(data)) and len(seen) < 100:
            seen.add(f"slow {len(seen)}")
            (places.slow / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)

    return one


def _where(exc: Exception) -> str:
    frames = [frame for frame in traceback.extract_tb(exc.__traceback__) if str(ROOT) in frame.filename]
    place = f"{Path(frames[-1].filename).relative_to(ROOT)}:{frames[-1].lineno}" if frames else "?"
    return f"{type(exc).__name__} at {place}"


def _outcome(name: str, status: int) -> Outcome:
    places, outcome = Places(name), Outcome(name)
    log = places.log.read_text(errors="replace")
    if found := _UNITS.search(log):
        outcome.executions = int(found[1])
    if found := _DONE.search(log):
        outcome.edges, outcome.corpus, outcome.rate = (int(number) for number in found.groups())
    if places.findings.exists():
        outcome.findings = places.findings.read_text().splitlines()
    for artifact in places.slow.glob("*-*"):  # libFuzzer's own: oom, timeout, crash (of the interpreter)
        kind = artifact.name.partition("-")[0]
        path = keep(name, kind, artifact.read_bytes())
        outcome.findings.append(f"{path}: {kind}: libFuzzer ended the process")
        artifact.unlink()
    if status and not outcome.findings:
        outcome.findings.append(
            f"{name}: the process ended with status {status}; see {places.log.relative_to(ROOT)}"
        )
    return outcome
