"""Runs one test in a mutated copy of the tree: killed, survived or broken.

Killed means: the test passes in an unmutated copy and fails in the mutated one, and the mutated module can still be
imported. A mutant that breaks the import turns every test red and proves nothing, so it is broken, not killed.
"""

import contextlib
import enum
import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.mutation import ROOT, MutantError, Proof, mutated_tree

TIMEOUT_S = 120.0
QUICK_S = 30.0  # a run that hangs only proves something about a test that is otherwise much faster

PYTEST = ("-m", "pytest", "-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "-n0")
PASSED, FAILED = 0, 1  # pytest's exit codes; the others say that it could not run the test


class Outcome(enum.StrEnum):
    KILLED = "killed"
    SURVIVED = "SURVIVED"
    BROKEN = "BROKEN"


@dataclass(frozen=True, slots=True)
class Ran:
    """How one process ended: exit code or ``None`` for too late, its last output, its time."""

    code: int | None
    output: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Result:
    mutant: Proof
    outcome: Outcome
    why: str = ""  # of those that are not killed


def judge(mutant: Proof, *, root: Path = ROOT, timeout_s: float = TIMEOUT_S) -> Result:
    """Run a mutant's test with and without it."""
    try:
        with mutated_tree([mutant], root) as tree:
            imported = run(_import(mutant.file), tree, timeout_s)
            if imported.code != 0:
                return Result(mutant, Outcome.BROKEN, f"the module cannot be imported\n{imported.output}")
            mutated = run((*PYTEST, mutant.test), tree, timeout_s)
    except MutantError as wrong:
        return Result(mutant, Outcome.BROKEN, str(wrong))
    if mutated.code == PASSED:
        return Result(mutant, Outcome.SURVIVED, mutated.output)
    if mutated.code not in (FAILED, None):
        return Result(mutant, Outcome.BROKEN, f"pytest could not run the test\n{mutated.output}")
    return _against_clean(mutant, mutated, _clean(mutant.test, root, timeout_s))


@functools.cache
def _clean(test: str, root: Path, timeout_s: float) -> Ran:
    """A test without any mutant: one run for all the mutants that it is to notice."""
    with mutated_tree([], root) as tree:
        return run((*PYTEST, test), tree, timeout_s)


def _against_clean(mutant: Proof, mutated: Ran, clean: Ran) -> Result:
    if clean.code != PASSED:
        return Result(mutant, Outcome.BROKEN, f"the test fails without the mutant too\n{clean.output}")
    if mutated.code is None and clean.seconds > QUICK_S:
        return Result(
            mutant, Outcome.BROKEN, f"too late, and without the mutant it takes {clean.seconds:.0f} s"
        )
    return Result(mutant, Outcome.KILLED)


def _import(file: str) -> tuple[str, ...]:
    """Arguments that import the module of a file; nothing to import of one that is no module."""
    name = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return ("-c", f"import {name}" if file.endswith(".py") else "")


def run(arguments: Iterable[str], tree: Path, timeout_s: float) -> Ran:
    """Python in a copy of the tree, with all that it started ended when it ends or is late."""
    # The package is installed as a pointer to the tree itself; a PYTHONPATH is looked at before it, by
    # subprocesses and console scripts too.
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    started = time.monotonic()
    with subprocess.Popen(
        [sys.executable, *arguments],
        cwd=tree,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as child:
        late = False
        try:
            output, _ = child.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            late = True
            _end(child)
            output, _ = child.communicate()
        finally:
            _end(child)
    last = "\n".join(output.splitlines()[-15:])
    return Ran(None if late else child.returncode, last, time.monotonic() - started)


def _end(child: subprocess.Popen[str]) -> None:
    """The child and whatever it left in its process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
