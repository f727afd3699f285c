"""The table of wrong variants: what of the code is changed, which promise that breaks, and which history shows it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mutation import ROOT, MutantError, Removal, load_as
from tests.simulation.checks import CHECKS
from tests.simulation.named import is_name

TABLE = ROOT / "tests" / "mutants" / "durability.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant(Removal):
    """A removal that a history of the simulation notices.

    ``killed_by``: that history's name, see `named`.
    ``also``: more changes (file, old, new), where one alone is caught by a second line of defence.
    """

    id: str
    breaks: str  # of CHECKS
    killed_by: str
    also: Sequence[Mapping[str, str]] = ()

    def check(self, root: Path) -> None:
        if self.breaks not in CHECKS:
            raise MutantError(f"{self.id}: no such check: {self.breaks}")
        if not is_name(self.killed_by):
            raise MutantError(f"{self.id}: no such history: {self.killed_by}")
        Removal.check(self, root)
        for change in self.changes()[1:]:
            change.check(root)

    def changes(self) -> list[Removal]:
        return [self, *(Removal(removes=self.removes, **change) for change in self.also)]


def load(path: Path = TABLE, root: Path = ROOT) -> list[Variant]:
    """Raises: MutantError."""
    return load_as(Variant, path, root)


def with_histories(text: str, killed_by: Mapping[str, str]) -> str:
    """The table's text with these histories instead of those that it names."""
    for name, history in killed_by.items():
        named = re.compile(
            rf'(^id = "{re.escape(name)}"\n(?:(?!\[\[mutant\]\]).*\n)*?killed_by = )".*"$', re.MULTILINE
        )
        text, count = named.subn(rf'\g<1>"{history}"', text)
        if count != 1:
            raise MutantError(f"{name}: its history stands {count} times in the table")
    return text
