"""Where a story is cut: at every point, at pairs of points, again and again while it recovers, or as told."""

import random
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from tests.simulation.branches import Branches
from tests.simulation.checks import Violation
from tests.simulation.cut_kinds import DELIVERY, Machine
from tests.simulation.cut_site import CutSite, Point

CERTAIN, TORN, TORN_ALSO = 0, 1, 2
"""What is left after a cut: what is durable for certain; a part of the rest too, drawn from a seed; another part (and
the host takes its dock with it)."""


@dataclass(frozen=True, slots=True, order=True)
class Cut:
    """At the point of this number; ``left``: see above."""

    number: int
    left: int

    @classmethod
    def parse(cls, text: str) -> "Cut":
        return cls(*map(int, text.split("/")))

    def __str__(self) -> str:
        return f"{self.number}/{self.left}"

    def take(self, site: CutSite, machine: Machine) -> None:
        seed = f"{machine} {self}"
        keeps = None if self.left == CERTAIN else random.Random(seed)
        site.cut(machine, keeps, with_dock=self.left == TORN_ALSO)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One play: its cuts ("host 217/1 12/0": point and what was left, the second counted from the power's return),
    the kind of the last, and what was broken. ``recovery``: what may be left at each point of the recovery after the
    first cut and was not left at an earlier one. ``ended_s``: when all was at rest again, in virtual time."""

    cuts: str
    kind: str
    broken: str = ""
    ended_s: float = 0.0
    recovery: tuple[tuple[int, ...], ...] = ()


class Cutting(Protocol):
    """Decides at each point; forks where it cuts."""

    def reached(self, site: CutSite, point: Point) -> None: ...

    def verdicts(self, violation: Violation | None) -> list[Verdict]:
        """What this branch reports at its end."""
        ...


class Worlds:
    """Knows what of all that a cut may leave has not been left at the point before."""

    def __init__(self) -> None:
        self._before: object = None

    def new(self, site: CutSite, point: Point) -> tuple[int, ...]:
        """To be asked at every point of a machine."""
        now = site.left_at(point)
        same, self._before = now == self._before, now
        found = () if same else (CERTAIN,)
        # Each call has a tear of its own if there is something to tear; the courier's at the centre tear nothing here.
        torn = point.kind != DELIVERY and not site.disk_of(point.machine).all_durable()
        return (*found, TORN) if torn else found


class Taken:
    """The cuts of one branch."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.cuts: list[Cut] = []
        self.kind = ""
        self._site: CutSite | None = None

    def take(self, site: CutSite, point: Point, cut: Cut) -> None:
        site.trace("CUT", kind=point.kind, at=point.what, cut=cut)
        self.cuts.append(cut)
        self.kind, self._site = point.kind, site
        cut.take(site, self.machine)

    def verdict(self, violation: Violation | None, recovery: Sequence[tuple[int, ...]] = ()) -> Verdict:
        name = " ".join((self.machine, *map(str, self.cuts)))
        ended_s = self._site.loop.time() if self._site else 0.0
        return Verdict(name, self.kind, str(violation or "")[:600], ended_s, tuple(recovery))


class EveryPoint:
    """Cuts one machine at each of its points, with everything new that may be left."""

    def __init__(self, branches: Branches, machine: Machine, left: Collection[int]) -> None:
        self._branches, self._machine, self._left = branches, machine, left
        self._taken, self._worlds = Taken(machine), Worlds()
        self._recovery: list[tuple[int, ...]] = []
        self.points: Counter[str] = Counter()

    def reached(self, site: CutSite, point: Point) -> None:
        if point.machine != self._machine:
            return
        if self._taken.cuts:
            if not site.recovered:
                self._recovery.append(self._worlds.new(site, point))
            return
        self.points[point.kind] += 1
        new = self._worlds.new(site, point)
        if TORN in new or (new and self._machine == "host"):
            new += (TORN_ALSO,)
        for left in self._left:
            cut = Cut(point.number, left)
            if left in new and self._branches.fork(f"{self._machine} {cut}"):
                self._taken.take(site, point, cut)
                return

    def verdicts(self, violation: Violation | None) -> list[Verdict]:
        return [self._taken.verdict(violation, self._recovery)]


class Pairs:
    """Cuts the host at chosen points, and the recovery that follows at chosen points of its own.

    Args:
        chosen: for each first cut the second ones.
        until: of the monotonic clock; nothing new is begun after it.
    """

    def __init__(self, branches: Branches, chosen: Mapping[Cut, Collection[Cut]], until: float) -> None:
        self._branches, self._chosen, self._until = branches, chosen, until
        self._taken = Taken("host")

    def reached(self, site: CutSite, point: Point) -> None:
        if point.machine != "host":
            return
        if not self._taken.cuts:
            self._cut_one_of(self._chosen, site, point)
        elif len(self._taken.cuts) == 1:
            seconds = self._chosen[self._taken.cuts[0]]
            if site.recovered or point.number > max(second.number for second in seconds):
                self._branches.leave(self.verdicts(None))  # how it goes on without a second cut is known
            self._cut_one_of(seconds, site, point)

    def _cut_one_of(self, cuts: Collection[Cut], site: CutSite, point: Point) -> None:
        for left in (CERTAIN, TORN):
            cut = Cut(point.number, left)
            if cut not in cuts or time.monotonic() > self._until:
                continue
            if self._branches.fork(" ".join(("host", *map(str, (*self._taken.cuts, cut))))):
                self._taken.take(site, point, cut)
                return

    def verdicts(self, violation: Violation | None) -> list[Verdict]:
        if len(self._taken.cuts) > 1:
            return [self._taken.verdict(violation)]
        return all_of(self._branches)


class Repeated:
    """After a first cut at chosen points, cuts so many recoveries in a row at random points, or when they are over."""

    def __init__(self, branches: Branches, firsts: Collection[Cut], times: int, most: int) -> None:
        """``most``: points that a recovery may have."""
        self._branches, self._firsts, self._times, self._most = branches, firsts, times, most
        self._taken = Taken("host")
        self._next = 0

    def reached(self, site: CutSite, point: Point) -> None:
        if point.machine != "host":
            return
        if not self._taken.cuts:
            for cut in self._firsts:
                if cut.number == point.number and self._branches.fork(f"host {cut} and {self._times} more"):
                    self._cut(site, point, cut)
                    return
        elif len(self._taken.cuts) <= self._times and (site.recovered or point.number >= self._next):
            self._cut(site, point, Cut(point.number, point.number % 2))

    def _cut(self, site: CutSite, point: Point, cut: Cut) -> None:
        self._taken.take(site, point, cut)
        self._next = random.Random(str(self._taken.cuts)).randrange(self._most)

    def verdicts(self, violation: Violation | None) -> list[Verdict]:
        return [self._taken.verdict(violation)]


class Told:
    """Takes the cuts of a verdict again, in this process."""

    def __init__(self, name: str) -> None:
        machine, *cuts = name.split()
        self._taken = Taken("centre" if machine == "centre" else "host")
        self._due = [Cut.parse(cut) for cut in cuts]

    def reached(self, site: CutSite, point: Point) -> None:
        if point.machine == self._taken.machine and self._due and self._due[0].number == point.number:
            self._taken.take(site, point, self._due.pop(0))

    def verdicts(self, violation: Violation | None) -> list[Verdict]:
        return [self._taken.verdict(violation)]


def all_of(branches: Branches) -> list[Verdict]:
    """What all branches have found, once all have ended."""
    branches.wait()
    found = [verdict for report in branches.reports for verdict in report]
    return found + [Verdict(name, "lost", "the branch ended without a report") for name in branches.lost]
