"""One small story, cut at every moment; each time it has to come to its end with every promise kept.

make exhaustive              every cut of host and centre, some pairs of cuts, ten cuts in a row
make exhaustive PAIRS=all    every pair: a cut, and one at each point of the recovery from it
python -m tests.simulation.exhaustive --again "host 217/1 12/0"      one play again, with its trace
"""

import argparse
import asyncio
import gc
import math
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from unittest.mock import patch

import tests.simulation.history
from tests.faults import say
from tests.simulation.branches import Branches
from tests.simulation.checks import Violation
from tests.simulation.cut_kinds import KINDS, Machine
from tests.simulation.cutting import (
    CERTAIN,
    TORN,
    TORN_ALSO,
    Cut,
    Cutting,
    EveryPoint,
    Pairs,
    Repeated,
    Told,
    Verdict,
    all_of,
)
from tests.simulation.loop import SimLoop
from tests.simulation.sizes import small_sizes
from tests.simulation.story import PLAN, Story

EVERYTHING = (CERTAIN, TORN, TORN_ALSO)
QUIET_S = 3.0  # of virtual rest at the end in which nothing may grow
IN_A_ROW = 10
TOLD = 5  # broken plays of a part
FIRSTS = 40  # cuts after which the recovery is cut so many times


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds, as a wall clock and as all processors together count them."""

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> "Spent":
        used = os.times()
        return cls(time.monotonic(), used.user + used.system + used.children_user + used.children_system)

    def since(self, began: "Spent") -> "Spent":
        return Spent(self.wall - began.wall, self.cpu - began.cpu)


@dataclass(frozen=True, slots=True)
class Part:
    """What one way of cutting came to. ``points``: the moments that were there to be cut, by kind; a play is one of
    them with something that a cut may leave there and that no earlier one has left."""

    title: str
    points: Counter[str]
    verdicts: list[Verdict]
    spent: Spent

    @property
    def broken(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if verdict.broken]

    def text(self) -> str:
        """A table, by the kind of the last cut."""
        plays, broken = (Counter(v.kind for v in some) for some in (self.verdicts, self.broken))
        columns = [self.points, plays, broken] if self.points else [plays, broken]
        heads = ["points", "plays", "broken"][-len(columns) :]
        kinds = [k for k in dict.fromkeys((*KINDS["host"], *KINDS["centre"], *plays)) if columns[0][k]]
        rows = [self.title, _row("kind", heads)]
        rows += [_row(kind, [column[kind] for column in columns]) for kind in kinds]
        rows.append(_row("together", [column.total() for column in columns]))
        if self.verdicts:
            last = max(self.verdicts, key=lambda verdict: verdict.ended_s)
            rows.append(f"  the latest was at rest after {last.ended_s:.0f} s of virtual time: {last.cuts}")
        pace = plays.total() / max(self.spent.cpu, 0.001) * 60
        rows.append(
            f"  {self.spent.wall:.0f} s, {self.spent.cpu:.0f} s of CPU: {pace:.0f} plays a CPU-minute"
        )
        return "\n".join(rows)


def _row(name: str, cells: Sequence[object]) -> str:
    return f"  {name:<24}" + "".join(f"{cell:>8}" for cell in cells)


def play(cutting: Cutting, branches: Branches) -> Story:
    """Play the story; ``cutting`` makes branches of it. The one that this process has played comes back."""
    story = Story(cutting.reached)
    try:
        with (
            small_sizes(),
            patch.object(tests.simulation.history, "QUIET_S", QUIET_S),
            asyncio.Runner(loop_factory=lambda: SimLoop(PLAN.seed)) as runner,
        ):
            runner.run(_played(story, cutting, branches))
    except BaseException as exc:
        if branches.inside:
            branches.leave(cutting.verdicts(Violation("defect", repr(exc))))
        raise
    return story


async def _played(story: Story, cutting: Cutting, branches: Branches) -> None:
    await story.play()
    if branches.inside:
        branches.leave(cutting.verdicts(story.violation))


def every_point(machine: Machine, left: Collection[int], jobs: int) -> Part:
    branches = Branches(jobs)
    cutting = EveryPoint(branches, machine, left)
    verdicts, spent = _branched(cutting, branches)
    return Part(f"the power of the {machine} goes", cutting.points, verdicts, spent)


def in_a_row(singles: Part, number: int, jobs: int, seed: int = 1) -> Part:
    branches = Branches(jobs)
    firsts = random.Random(f"firsts {seed}").sample(list(_one_of_each(singles)), number)
    most = max(len(verdict.recovery) for verdict in singles.verdicts)
    verdicts, spent = _branched(Repeated(branches, firsts, IN_A_ROW, most), branches)
    return Part(f"and {IN_A_ROW} times in a row while it recovers", Counter(), verdicts, spent)


def pairs(singles: Part, number: int | None, jobs: int, minutes: float, seed: int = 1) -> Part:
    """Play so many of all pairs, drawn from ``seed``; None: all that ``minutes`` allow."""
    branches = Branches(jobs)
    every = list(_pairs(singles))
    drawn = every if number is None else random.Random(f"pairs {seed}").sample(every, min(number, len(every)))
    chosen: dict[Cut, list[Cut]] = {}
    for first, second in drawn:
        chosen.setdefault(first, []).append(second)
    cutting = Pairs(branches, chosen, time.monotonic() + minutes * 60)
    verdicts, spent = _branched(cutting, branches)
    title = f"and once more while it recovers: {len(verdicts)} of {len(every)} pairs"
    return Part(title, Counter(), verdicts, spent)


def _one_of_each(singles: Part) -> dict[Cut, Verdict]:
    """One cut for each point that leaves something new; what it leaves alternates."""
    found: dict[int, dict[Cut, Verdict]] = {}
    for verdict in singles.verdicts:
        cut = Cut.parse(verdict.cuts.split()[1])
        if cut.left in (CERTAIN, TORN):
            found.setdefault(cut.number, {})[cut] = verdict
    chosen = (sorted(found[number])[number % len(found[number])] for number in sorted(found))
    return {cut: found[cut.number][cut] for cut in chosen}


def _pairs(singles: Part) -> Iterator[tuple[Cut, Cut]]:
    """Each of these with each point of its recovery that leaves something new; what is left alternates."""
    for first, verdict in _one_of_each(singles).items():
        for number, left in enumerate(verdict.recovery):
            if left:
                yield first, Cut(number, left[(first.number // 2 + number) % len(left)])


def _branched(cutting: Cutting, branches: Branches) -> tuple[list[Verdict], Spent]:
    """What all branches found, and how long it took. Raises Violation: the story is broken without any cut."""
    began = Spent.now()
    gc.collect()
    gc.freeze()  # what is there already is shared with the branches as long as nobody touches it
    story = play(cutting, branches)
    verdicts = all_of(branches)
    if story.violation is not None:
        raise story.violation
    return verdicts, Spent.now().since(began)


def sweep(
    host: Collection[int],
    centre: Collection[int],
    firsts: int,
    number: int | None,
    *,
    jobs: int,
    minutes: float = math.inf,
) -> Iterator[Part]:
    """Every point of ``host`` and ``centre``, with what is left; ``firsts`` times ten in a row; ``number`` pairs."""
    yield (singles := every_point("host", host, jobs))
    yield every_point("centre", centre, jobs)
    yield in_a_row(singles, firsts, jobs)
    yield pairs(singles, number, jobs, minutes)


def main() -> int:
    options = _parser().parse_args()
    if options.again:
        return again(options.again)
    number = None if options.pairs == "all" else int(options.pairs)
    broken = 0
    for part in sweep(EVERYTHING, EVERYTHING, FIRSTS, number, jobs=options.jobs, minutes=options.minutes):
        broken += len(part.broken)
        say(part.text() + "\n")
        for verdict in part.broken[:TOLD]:
            say(f'BROKEN --again "{verdict.cuts}" {verdict.kind}: {verdict.broken}\n')
    return 1 if broken else 0


def again(name: str) -> int:
    """Play the cuts of one verdict once more, in this process."""
    story = play(Told(name), Branches(1))
    say("\n".join(story.site.trace.lines))
    say(f"BROKEN {story.violation}" if story.violation else "every promise was kept")
    return 1 if story.violation else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation.exhaustive",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--pairs", default="500", metavar="N|all", help="how many pairs of cuts, of all that there are"
    )
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin no new pair after so long")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="branches at once")
    parser.add_argument("--again", metavar="CUTS", help="the cuts of one play, as it was told")
    return parser


if __name__ == "__main__":
    sys.exit(main())
