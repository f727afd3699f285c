"""Resident memory of each process, as the kernel tells it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.rows import Row

_ROLES = {"drivers.worker.main": "worker", "edged.vault.sealer_main": "sealer"}


@dataclass(frozen=True, slots=True)
class Memory:
    """Of one process, in bytes."""

    resident: int
    peak: int
    own: int  # what its end would give back: Pss, shared pages counted by share


def look(pid: int) -> Memory | None:
    """Read /proc; None: it has ended."""
    try:
        status = _fields(Path(f"/proc/{pid}/status").read_text())
        rollup = _fields(Path(f"/proc/{pid}/smaps_rollup").read_text())
    except (OSError, KeyError):
        return None
    if "VmRSS" not in status:
        return None
    return Memory(status["VmRSS"], status["VmHWM"], rollup["Pss"])


def look_at_all(pids: Mapping[str, int]) -> dict[str, list[Memory]]:
    """The named processes, and by role the workers and sealers that are their children.

    Raises:
        RuntimeError: a named process has ended.
    """
    found: dict[str, list[Memory]] = defaultdict(list)
    for name, pid in pids.items():
        if (memory := look(pid)) is None:
            raise RuntimeError(f"{name} has ended")
        found[name].append(memory)
        for role, child in _children(pid):
            if (memory := look(child)) is not None:  # a sealer may end at any moment
                found[role].append(memory)
    return dict(found)


def measure(found: Mapping[str, Iterable[Memory]]) -> list[Row]:
    """One row a role; of several processes the largest."""
    return [_row(name, list(each)) for name, each in found.items() if each]


def _row(name: str, each: list[Memory]) -> Row:
    resident = [memory.resident for memory in each]
    peak = max(memory.peak for memory in each)
    own = max(memory.own for memory in each)
    count = f" (largest of {len(each)})" if len(each) > 1 else ""
    spread = f"{_mib(min(resident))} to {_mib(max(resident))}" if len(each) > 1 else ""
    beside = f"peak {_mib(peak)}; shared pages by share {_mib(own)}"
    return Row(f"memory of {name}{count}", _mib(max(resident)), spread, len(each), beside)


def _children(pid: int) -> list[tuple[str, int]]:
    try:
        numbers = [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return [(role, number) for number in numbers if (role := _role(number))]


def _role(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return ""
    return next((role for module, role in _ROLES.items() if module in words), "")


def _fields(text: str) -> dict[str, int]:
    """``Name:   123 kB`` lines, in bytes."""
    rows = (line.split() for line in text.splitlines())
    return {row[0].rstrip(":"): int(row[1]) * 1024 for row in rows if len(row) == 3 and row[2] == "kB"}


def _mib(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"
