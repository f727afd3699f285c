"""``make faults``: which faults of the catalogue are proved, and whether the proofs notice a defence taken away.

Prints the coverage by group, the proved faults with what their tests claim, the others with the reason; then takes
the defence out of a random sample of the proved ones and runs the marked test, which must fail.
"""

import argparse
import random
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.fault_markers import FAULTS, GROUPS, THREATS, proved
from tests.fault_reasons import REASONS
from tests.markers import TESTS, Marker
from tests.mutant_runs import Outcome, Result, judge
from tests.mutation import Mutant, MutantError, load

SAMPLE = 20
AT_A_TIME = 2


def main(words: Sequence[str] | None = None) -> int:
    options = parser().parse_args(words)
    rows = named(" ".join(options.row))
    say(table(proved()))
    try:
        mutants = tables(rows)
    except MutantError as wrong:
        say(f"\n{wrong}")
        return 1
    chosen = of_rows(mutants, rows) if rows else choose(mutants, options.sample, options.seed)
    say(f"\n{len(chosen)} mutants, SEED={options.seed}: each defence is taken out, its test must fail")
    killed = 0
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for result in pool.map(judge, chosen):
            say(verdict(result))
            killed += result.outcome is Outcome.KILLED
    say(f"{killed} of {len(chosen)} killed")
    return 0 if 0 < killed == len(chosen) else 1


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="make faults", description=__doc__)
    sample = "faults to take one defence from; all: every defence of every fault"
    made.add_argument("--sample", type=size, default=SAMPLE, metavar="N|all", help=sample)
    made.add_argument(
        "--seed", type=int, default=random.SystemRandom().randrange(10**6), help="of the sample"
    )
    made.add_argument(
        "--row", action="append", default=[], help="every defence of these faults instead, as in U01,M02"
    )
    return made


def size(text: str) -> int | None:
    """How many faults; None for all defences of all."""
    return None if text == "all" else int(text)


def named(row: str) -> list[str]:
    """Faults as written by hand. Raises SystemExit for one that does not exist."""
    rows = row.replace(",", " ").split()
    if unknown := set(rows) - set(FAULTS):
        raise SystemExit(f"no such fault: {' '.join(sorted(unknown))}")
    return rows


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def table(found: Mapping[str, list[Marker]]) -> str:
    """Groups with their coverage, then the proved faults with their claims, then the others with the reason."""
    lines = [f"{'group':<36}{'proved':>7}{'of':>5}   not proved"]
    for letter, (name, count) in GROUPS.items():
        missing = [fault for fault in FAULTS if fault[0] == letter and fault not in found]
        lines.append(f"{letter} {name:<34}{count - len(missing):>7}{count:>5}   {' '.join(missing)}".rstrip())
    covered = sum(fault in found for fault in FAULTS)
    lines.append(f"{'all':<36}{covered:>7}{len(FAULTS):>5}")
    threats = [f"T{n}" for n in range(1, THREATS + 1) if f"T{n}" in found]
    lines.append(f"{'threats of insiders':<36}{len(threats):>7}{THREATS:>5}   proved: {' '.join(threats)}")
    lines.append("\nproved, and what the tests claim")
    for fault in (*FAULTS, *threats):
        lines += [f"{fault:<4} {m.claim}  [{m.place} {m.test}]" for m in found.get(fault, ())]
    lines.append("\nnot proved, what the proof needs, and why")
    lines += [f"{fault:<4} {reason}" for fault, reason in REASONS.items() if fault not in found]
    return "\n".join(lines)


def tables(rows: Sequence[str] = ()) -> list[Mutant]:
    """The mutants of all groups, or of those that ``rows`` belong to. Raises MutantError."""
    letters = {fault[0] for fault in rows} or GROUPS.keys()
    paths = (TESTS / "mutants" / f"{letter}.toml" for letter in GROUPS if letter in letters)
    return [mutant for path in paths if path.exists() for mutant in load(path)]


def choose(mutants: Iterable[Mutant], sample: int | None, seed: int) -> list[Mutant]:
    """One mutant of each of ``sample`` faults, both taken at random; all mutants if ``sample`` is None."""
    by_fault: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in mutants:
        by_fault[mutant.fault].append(mutant)
    if sample is None:
        return [mutant for group in by_fault.values() for mutant in group]
    dice = random.Random(seed)
    faults = dice.sample(sorted(by_fault), min(sample, len(by_fault)))
    return [dice.choice(by_fault[fault]) for fault in sorted(faults)]


def of_rows(mutants: Iterable[Mutant], rows: Sequence[str]) -> list[Mutant]:
    return [mutant for mutant in mutants if mutant.fault in rows]


def verdict(result: Result) -> str:
    """One line, and below it what was seen if the mutant is not killed."""
    mutant = result.mutant
    line = f"{mutant.about:<4} {result.outcome:<9} without {mutant.removes}  [{mutant.file}]  {mutant.test}"
    seen = "".join(f"\n       {part}" for part in result.why.splitlines())
    return line + seen


if __name__ == "__main__":
    sys.exit(main())
