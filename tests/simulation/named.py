"""A history by its name, so that a table can say which one notices a wrong variant.

seed 17       what is drawn from this seed
plan NAME     a kept one (``kept_plans/NAME.json``)
"""

from tests.simulation.checks import Violation
from tests.simulation.generate import generate
from tests.simulation.history import play
from tests.simulation.kept import FOLDER, kept_plan


def is_name(text: str) -> bool:
    kind, _, rest = text.partition(" ")
    return (kind == "seed" and rest.isdecimal()) or (kind == "plan" and (FOLDER / f"{rest}.json").is_file())


def violation_of(name: str) -> Violation | None:
    """Play it. Raises: ValueError: nothing is called so."""
    if not is_name(name):
        raise ValueError(name)
    kind, _, rest = name.partition(" ")
    return play(generate(int(rest)) if kind == "seed" else kept_plan(rest)).violation
