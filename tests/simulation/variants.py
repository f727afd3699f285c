"""The table of wrong variants: what of the code is changed, which promise that breaks, and which seed shows it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mutation import ROOT, MutantError, Removal, load_as
from tests.simulation.checks import CHECKS

TABLE = ROOT / "tests" / "mutants" / "durability.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant(Removal):
    """A removal that a seed of the simulation notices.

    ``also``: more changes (file, old, new), where one alone is caught by a second line of defence.
    """

    id: str
    breaks: str  # of CHECKS
    seed: int
    also: Sequence[Mapping[str, str]] = ()

    def check(self, root: Path) -> None:
        if self.breaks not in CHECKS:
            raise MutantError(f"{self.id}: no such check: {self.breaks}")
        Removal.check(self, root)
        for change in self.changes()[1:]:
            change.check(root)

    def changes(self) -> list[Removal]:
        return [self, *(Removal(removes=self.removes, **change) for change in self.also)]


def load(path: Path = TABLE, root: Path = ROOT) -> list[Variant]:
    """Raises: MutantError."""
    return load_as(Variant, path, root)


def with_seeds(text: str, seeds: Mapping[str, int]) -> str:
    """The table's text with these seeds instead of those that it names."""
    for name, seed in seeds.items():
        named = re.compile(
            rf'(^id = "{re.escape(name)}"\n(?:(?!\[\[mutant\]\]).*\n)*?seed = )\d+', re.MULTILINE
        )
        text, count = named.subn(rf"\g<1>{seed}", text)
        if count != 1:
            raise MutantError(f"{name}: its seed stands {count} times in the table")
    return text
