"""Histories that broke a promise once, cut down to the acts that it took: played in every run from then on. Some
others are made by hand: they show what a wrong variant of the code does (`variants.py`), and break nothing without it.

    python -m tests.simulation.kept SEED NAME     shrink what this seed breaks and keep it under this name

They are kept as plans, not as seeds: a change to the table of acts makes another history out of every seed.
"""

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

from tests.simulation.generate import generate
from tests.simulation.history import play
from tests.simulation.plan import Act, CameraPlan, Plan
from tests.simulation.shrink import shrink

FOLDER = Path(__file__).with_name("kept_plans")


def encode(plan: Plan) -> str:
    """Return the plan as JSON; ``decode(encode(plan)) == plan``."""
    return json.dumps(dataclasses.asdict(plan), indent=1, ensure_ascii=False) + "\n"


def decode(text: str) -> Plan:
    found = json.loads(text)
    cameras = tuple(CameraPlan(**camera | {"clips": tuple(camera["clips"])}) for camera in found["cameras"])
    acts = tuple(Act(act["at"], act["name"], _tuples(act["args"])) for act in found["acts"])
    return Plan(**found | {"cameras": cameras, "acts": acts})


def _tuples(value: Any) -> Any:
    """Arguments of acts hold tuples, which JSON has as lists."""
    if isinstance(value, list):
        return tuple(map(_tuples, value))
    if isinstance(value, dict):
        return {name: _tuples(inner) for name, inner in value.items()}
    return value


def kept() -> dict[str, Plan]:
    """Every kept plan by its name."""
    return {path.stem: kept_plan(path.stem) for path in sorted(FOLDER.glob("*.json"))}


def kept_plan(name: str) -> Plan:
    return decode((FOLDER / f"{name}.json").read_text("utf-8"))


def main() -> int:
    seed, name = int(sys.argv[1]), sys.argv[2]
    plan = generate(seed)
    violation = play(plan).violation
    if violation is None:
        print(f"seed {seed} breaks nothing")
        return 1
    shortest, outcome = shrink(plan, violation.check)
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_text(encode(shortest), "utf-8")
    print("\n".join(map(str, shortest.acts)) + f"\n{outcome.violation}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
