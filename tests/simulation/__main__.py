"""Play many histories, or one again.

make simulate SEEDS=200      so many fresh seeds, on all cores
make simulate SEED=17        one history again, with its trace
make simulate HOURS=2        as many as the time allows
"""

import argparse
import gc
import os
import random
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait

from tests.simulation.checks import CHECKS
from tests.simulation.generate import generate
from tests.simulation.history import Outcome, play
from tests.simulation.shrink import shrink
from tests.simulation.tally import Tally

BATCH = 8  # histories a worker plays before it reports
SEED_BITS = 48
TELL_S = 10.0


def main() -> int:
    options = _parser().parse_args()
    if options.seed is not None:
        return replay(options.seed, shortest=options.shrink)
    return many(options)


def replay(seed: int, *, shortest: bool) -> int:
    """Play one seed and print its plan and trace; 1 if it breaks a promise."""
    plan = generate(seed)
    outcome = play(plan)
    if shortest and outcome.violation is not None:
        plan, outcome = shrink(plan, outcome.violation.check, _progress)
    print(f"seed {seed}\n{plan.config}\n" + "\n".join(map(str, plan.acts)) + "\n")
    print("\n".join(outcome.trace))
    print(f"\ntrace {outcome.digest}")
    return _verdict(outcome)


def _verdict(outcome: Outcome) -> int:
    if outcome.violation is None:
        print("every promise was kept")
        return 0
    print(f"BROKEN {outcome.violation}\n{CHECKS[outcome.violation.check]}")
    return 1


def many(options: argparse.Namespace) -> int:
    first = options.first if options.first is not None else random.SystemRandom().getrandbits(SEED_BITS)
    until = time.monotonic() + options.hours * 3600 if options.hours else None
    count = None if options.hours else options.seeds
    print(f"seeds from {first}, {options.jobs} at a time", flush=True)
    began, cpu = time.monotonic(), _cpu_s()
    tally = Tally()
    told = began
    for outcomes in _played(first, count, until, options.jobs):
        for outcome in outcomes:
            tally.add(outcome)
            if outcome.violation is not None:
                print(f"seed {outcome.seed} BROKEN {str(outcome.violation)[:300]}", flush=True)
        if time.monotonic() - told > TELL_S:
            told = time.monotonic()
            _progress(f"{tally.histories} histories, {len(tally.violations)} violations")
    print(tally.text(time.monotonic() - began, _cpu_s() - cpu))
    for seed, check, _ in tally.violations[: options.shrink_most]:
        _tell_shortest(seed, check)
    return 1 if tally.violations else 0


def _tell_shortest(seed: int, check: str) -> None:
    plan, outcome = shrink(generate(seed), check)
    print(f"\nseed {seed}: the shortest history that breaks {check!r} ({CHECKS[check]})")
    print("\n".join(map(str, plan.acts)))
    print(f"{outcome.violation}\nagain, with its trace: make simulate SEED={seed}")


def _played(first: int, count: int | None, until: float | None, jobs: int) -> Iterator[list[Outcome]]:
    """Batches as they come in; never more under way than the cores can take."""
    with ProcessPoolExecutor(jobs, initializer=_settle) as pool:
        waiting: set[Future[list[Outcome]]] = set()
        begun = 0
        while True:
            while len(waiting) < 2 * jobs and _goes_on(begun, count, until):
                size = BATCH if count is None else min(BATCH, count - begun)
                waiting.add(pool.submit(batch, first + begun, size))
                begun += size
            if not waiting:
                return
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()


def _goes_on(begun: int, count: int | None, until: float | None) -> bool:
    return (count is None or begun < count) and (until is None or time.monotonic() < until)


def _settle() -> None:
    """What every history needs is made once, and never looked through for garbage again: a tenth more histories."""
    play(generate(1))
    gc.collect()
    gc.freeze()


def batch(first: int, count: int) -> list[Outcome]:
    """Play so many seeds; their traces stay here."""
    outcomes = []
    for seed in range(first, first + count):
        outcome = play(generate(seed))
        outcome.trace = []
        outcomes.append(outcome)
    return outcomes


def _cpu_s() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=100, help="how many fresh seeds")
    parser.add_argument("--first", type=int, help="the first seed; else drawn")
    parser.add_argument("--seed", type=int, help="one seed again, with its trace")
    parser.add_argument("--shrink", action="store_true", help="with --seed: the shortest history that breaks")
    parser.add_argument("--shrink-most", type=int, default=1, help="how many broken seeds are shortened")
    parser.add_argument("--hours", type=float, default=0.0, help="as many as this time allows")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    return parser


if __name__ == "__main__":
    sys.exit(main())
