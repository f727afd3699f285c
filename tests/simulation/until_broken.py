"""Play seeds one after the other until one breaks a promise, and say which: for a copy of the tree that is wrong.

python -m tests.simulation.until_broken [--check NAME] SEED…

The last line of the output is JSON: each seed that broke something, with the check and what it said. With --check
the others are played on until that one breaks.
"""

import argparse
import json
import sys

from tests.simulation.generate import generate
from tests.simulation.history import play

WHAT_LIMIT = 300


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", help="go on until this one breaks")
    parser.add_argument("seeds", type=int, nargs="+", metavar="SEED")
    options = parser.parse_args()
    print(json.dumps(broken(options.seeds, options.check)))
    return 0


def broken(seeds: list[int], check: str | None) -> list[tuple[int, str, str]]:
    """Seed, check and what it said: of the seed that ends the search, and of those before that broke another check."""
    found = []
    for seed in seeds:
        violation = play(generate(seed)).violation
        if violation is None:
            continue
        found.append((seed, violation.check, violation.what[-WHAT_LIMIT:]))
        if check in (None, violation.check):
            break
    return found


if __name__ == "__main__":
    sys.exit(main())
