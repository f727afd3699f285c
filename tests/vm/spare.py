"""What `make test` leaves out of the virtual machine, because this host cannot try it; it says so and goes on.

`make vm` leaves nothing out: there each of these is a failure.
"""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

COUNTS = 2_000_000
QUICK_S, SLOW_S = (
    0.14,
    0.20,
)  # for so many; the machine is emulated, and on a slow host outlasts the time there is


def sparing() -> bool:
    return bool(os.environ.get("SPARE"))


def seconds() -> float:
    """How long this host takes to count, at its best."""
    return min(_count() for _ in range(5))


def _count() -> float:
    began, total = time.perf_counter(), 0
    for number in range(COUNTS):
        total += number
    return time.perf_counter() - began


def require_quick_host(took_s: float) -> None:
    """Skips what is tried in an emulated machine."""
    if sparing() and took_s > SLOW_S:
        pytest.skip(
            f"not proven here: this host counts in {took_s:.2f} s as far as a quick one does in {QUICK_S}, and the "
            "virtual machine is emulated; try it alone: make vm SAMPLE=1"
        )


@contextmanager
def host_can(what: str) -> Iterator[None]:
    """Around what the host does before anything of ours runs: where it cannot, nothing is proven, and nothing wrong."""
    try:
        yield
    except (
        AssertionError,
        OSError,
        subprocess.SubprocessError,
    ) as exc:  # of machine and container: AssertionError
        if not sparing():
            raise
        pytest.skip(f"not proven here: this host cannot {what}: {str(exc)[:300]}")
