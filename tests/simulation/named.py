"""A history by its name, so that a table can say which one notices a wrong variant.

seed 17            what is drawn from this seed
plan NAME          a kept one (``kept_plans/NAME.json``)
cuts host 217/1    the small story with these cuts (see `exhaustive`)
"""

from tests.simulation import exhaustive
from tests.simulation.branches import Branches
from tests.simulation.checks import Violation
from tests.simulation.cutting import Told
from tests.simulation.generate import generate
from tests.simulation.history import play
from tests.simulation.kept import FOLDER, kept_plan


def is_name(text: str) -> bool:
    kind, _, rest = text.partition(" ")
    if kind == "plan":
        return (FOLDER / f"{rest}.json").is_file()
    return bool(rest) and kind in {"seed", "cuts"}


def violation_of(name: str) -> Violation | None:
    """Play it. Raises: ValueError: nothing is called so."""
    kind, _, rest = name.partition(" ")
    match kind:
        case "seed":
            return play(generate(int(rest))).violation
        case "plan":
            return play(kept_plan(rest)).violation
        case "cuts":
            return exhaustive.play(Told(rest), Branches(1)).violation
        case _:
            raise ValueError(name)
