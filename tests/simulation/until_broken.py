"""Play histories one after the other until one breaks a promise, and say which: for a copy of the tree that is wrong.

python -m tests.simulation.until_broken [--check NAME] [--cuts] [NAME]…      "seed 17", "plan …", "cuts …": see `named`

The last line of the output is JSON: each history that broke something, with the check and what it said. With --check
the others are played on until that one breaks. With --cuts the small story comes last, cut at every moment.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator

from tests.simulation.checks import Violation
from tests.simulation.exhaustive import EVERYTHING, every_point
from tests.simulation.named import violation_of

WHAT_LIMIT = 300
Found = tuple[str, str, str]
"""A history, the check that it broke, and what that said."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", help="go on until this one breaks")
    parser.add_argument("--cuts", action="store_true", help="the small story too, cut at every moment")
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    print(json.dumps(list(until(options.check, broken(options.names, cuts=options.cuts)))))
    return 0


def broken(names: Iterable[str], *, cuts: bool = False) -> Iterator[Found]:
    for name in names:
        if (violation := violation_of(name)) is not None:
            yield _found(name, violation.check, violation.what)
    if cuts:
        yield from _broken_by_cuts()


def _broken_by_cuts() -> Iterator[Found]:
    try:
        for machine in ("host", "centre"):
            for verdict in every_point(machine, EVERYTHING, jobs=1).broken:
                check, _, what = verdict.broken.partition(": ")
                yield _found(f"cuts {verdict.cuts}", check, what)
    except Violation as exc:
        yield _found("cuts host", exc.check, exc.what)  # broken without any cut


def until(check: str | None, found: Iterable[Found]) -> Iterator[Found]:
    """All up to the first that broke this check; None: the first."""
    for one in found:
        yield one
        if check in (None, one[1]):
            return


def _found(name: str, check: str, what: str) -> Found:
    return name, check, what[-WHAT_LIMIT:]


if __name__ == "__main__":
    sys.exit(main())
