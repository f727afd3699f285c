"""Where the processor's time goes: ``python -m tests.simulation.profile 20`` plays so many seeds under a profiler."""

import cProfile
import pstats
import sys
from collections import Counter
from pathlib import Path

from tests.simulation.__main__ import batch
from tests.simulation.reach import ROOT

PARTS = (
    ("tests/simulation/loop.py", "event loop"),
    ("tests/fakes/memory_fs.py", "disks"),
    ("tests/simulation/weather.py", "disks"),
    ("tests/simulation/checks.py", "checks"),
    ("tests/", "rest of the world"),
    ("simulators/", "simulated devices"),
    ("firmware_protocol/", "wire formats"),
    ("drivers/", "drivers"),
    ("sync/centre/", "intake"),
    ("sync/", "courier"),
    ("edged/ledger/", "ledger"),
    ("edged/formats/", "formats"),
    ("edged/", "rest of the station"),
)


def part(file: str) -> str:
    """Of what the function in this file is a part."""
    if file.startswith(str(ROOT)):
        inside = str(Path(file).relative_to(ROOT))
        return next((name for start, name in PARTS if inside.startswith(start)), "other packages")
    if "asyncio" in file or "contextvars" in file:
        return "asyncio"
    return "built-in functions and libraries"


def main() -> int:
    batch(1, 1)  # what is made once
    profiler = cProfile.Profile()
    profiler.enable()
    batch(2, int(sys.argv[1]))
    profiler.disable()
    spent: Counter[str] = Counter()
    names: Counter[str] = Counter()
    for (file, _, function), (_, _, own_s, _, _) in pstats.Stats(profiler).stats.items():  # type: ignore[attr-defined]  # filled by the constructor
        name = part(file)
        spent[name] += own_s
        if name.startswith("built-in"):
            names[function] += own_s
    whole = sum(spent.values())
    for name, seconds in spent.most_common():
        print(f"{100 * seconds / whole:5.1f} %  {name}")
    for name, seconds in names.most_common(8):
        print(f"   {100 * seconds / whole:5.1f} %  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
