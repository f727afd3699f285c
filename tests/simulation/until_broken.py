"""Play histories one after the other until one breaks a promise, and say which: for a copy of the tree that is wrong.

python -m tests.simulation.until_broken [--check NAME] NAME…      "seed 17" or "plan …": see `named`

The last line of the output is JSON: each history that broke something, with the check and what it said. With --check
the others are played on until that one breaks.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator

from tests.simulation.named import violation_of

WHAT_LIMIT = 300
Found = tuple[str, str, str]
"""A history, the check that it broke, and what that said."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", help="go on until this one breaks")
    parser.add_argument("names", nargs="+", metavar="NAME")
    options = parser.parse_args()
    print(json.dumps(list(until(options.check, broken(options.names)))))
    return 0


def broken(names: Iterable[str]) -> Iterator[Found]:
    for name in names:
        if (violation := violation_of(name)) is not None:
            yield name, violation.check, violation.what[-WHAT_LIMIT:]


def until(check: str | None, found: Iterable[Found]) -> Iterator[Found]:
    """All up to the first that broke this check; None: the first."""
    for one in found:
        yield one
        if check in (None, one[1]):
            return


if __name__ == "__main__":
    sys.exit(main())
