"""Deliberately wrong variants of the code, each killed by a history that the table names.

make mutants                                            all of the table
python -m tests.simulation.mutants --only ID            one of them
python -m tests.simulation.mutants --search --write     seek a history for each anew and put it into the table

Killed means: the history breaks a promise with the variant, and none without it.
"""

import argparse
import functools
import json
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.mutant_runs import Outcome, run
from tests.mutation import MutantError, Removal, mutated_tree
from tests.simulation.variants import TABLE, Variant, load, with_histories

AT_A_TIME = 2
HISTORY_S = 60.0  # for each, far more than it takes; a variant that hangs is killed by none
SEEDS = (1, 300)  # from and to, of a search
MORE = tuple(f"seed {number}" for number in range(1, 41))


@dataclass(frozen=True, slots=True)
class Broken:
    """A history by its name (see `named`), and the promise that it broke."""

    history: str
    check: str
    what: str


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one variant."""

    variant: Variant
    outcome: Outcome
    found: Broken | None = None
    why: str = ""

    @property
    def as_named(self) -> bool:
        return self.found is not None and self.found.check == self.variant.breaks

    def __str__(self) -> str:
        history = self.found.history if self.found is not None else self.variant.killed_by
        other = f", by {self.found}" if self.found is not None and not self.as_named else ""
        words = (
            f"{self.variant.id:<50} {self.variant.breaks:<12} {history:<24} {self.outcome}{other} {self.why}"
        )
        return words.rstrip()


class UnplayableError(Exception):
    """The copy could not play its seeds to the end."""


def main(words: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(words)
    chosen = [variant for variant in load() if not options.only or variant.id in options.only]
    if not options.search:
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            return tell(len(chosen), pool.map(judge, chosen))
    seeds = [f"seed {number}" for number in range(options.seeds_from, options.seeds_to + 1)]
    return tell(len(chosen), (search(variant, names=seeds, write=options.write) for variant in chosen))


def tell(count: int, rows: Iterable[Row]) -> int:
    """Print the rows as they come; 0 if all were killed."""
    killed = 0
    for row in rows:
        _say(str(row))
        killed += row.outcome is Outcome.KILLED
    _say(f"killed {killed} of {count}")
    return 0 if 0 < killed == count else 1


def judge(variant: Variant) -> Row:
    """Play the variant's own history, with it and without it; and should that be none any more, some others: whatever
    changes in the code or in the acts gives every seed another history."""
    return _judged(variant, [variant.killed_by, *MORE], None)


def search(variant: Variant, *, names: Sequence[str], write: bool) -> Row:
    """Play until one breaks the promise that is named; failing that, the first that broke another."""
    row = _judged(variant, names, variant.breaks)
    if write and row.outcome is Outcome.KILLED and row.found is not None:
        killed_by = {variant.id: row.found.history}
        TABLE.write_text(with_histories(TABLE.read_text("utf-8"), killed_by), "utf-8")
    return row


def _judged(variant: Variant, names: Sequence[str], check: str | None) -> Row:
    try:
        found = _played(variant.changes(), names, check)
        if not found:
            return Row(variant, Outcome.SURVIVED, why=f"{len(names)} histories")
        best = found[-1] if found[-1].check == check else found[0]
        if _clean(best.history):
            return Row(variant, Outcome.BROKEN, best, f"and without it: {_clean(best.history)}")
    except (UnplayableError, MutantError) as wrong:
        return Row(variant, Outcome.BROKEN, why=str(wrong))
    return Row(variant, Outcome.KILLED, best)


@functools.cache
def _clean(history: str) -> tuple[Broken, ...]:
    """What a history breaks without any variant."""
    return tuple(_played([], [history], None))


def _played(changes: Iterable[Removal], names: Sequence[str], check: str | None) -> list[Broken]:
    """What these histories break in a copy of the tree; see `until_broken`. Raises UnplayableError."""
    only = ("--check", check) if check else ()
    with mutated_tree(changes) as tree:
        module = ("-m", "tests.simulation.until_broken")
        ran = run((*module, *only, *names), tree, HISTORY_S * (len(names) + 1))
    if ran.code != 0:
        raise UnplayableError("too late" if ran.code is None else ran.output)
    return [Broken(*row) for row in json.loads(ran.output.splitlines()[-1])]


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutants", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="ID", help="this one; may be repeated")
    parser.add_argument(
        "--search", action="store_true", help="seek histories instead of playing those of the table"
    )
    parser.add_argument(
        "--cuts", action="store_true", help="with --search: among the cuts of the small story"
    )
    parser.add_argument("--write", action="store_true", help="with --search: put them into the table")
    parser.add_argument("--seeds-from", type=int, default=SEEDS[0], metavar="A")
    parser.add_argument("--seeds-to", type=int, default=SEEDS[1], metavar="B")
    return parser


if __name__ == "__main__":
    sys.exit(main())
