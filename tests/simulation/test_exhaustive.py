"""One small story, cut at every moment: `make exhaustive` does the same with more of what a disk may keep."""

import asyncio
import os
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

import pytest

from tests.fakes.memory_fs import MemoryFile
from tests.simulation.branches import Branches
from tests.simulation.checks import Violation
from tests.simulation.cut_kinds import KINDS
from tests.simulation.cut_site import CutSite, Point
from tests.simulation.cutting import CERTAIN, TORN, Cut, Told, Verdict
from tests.simulation.exhaustive import Part, play, sweep

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),  # of a busy machine; alone it needs a tenth
]

JOBS = 2
FIRSTS, PAIRS = 10, 60
T = TypeVar("T")


def apart(work: Callable[[], T]) -> T:
    """In a process of its own, which has one thread and may fork."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(work).result()


# --- the story -------------------------------------------------------------------------------------------


def _swept() -> list[Part]:
    return list(sweep((CERTAIN,), (CERTAIN,), FIRSTS, PAIRS, jobs=JOBS))


@pytest.mark.fault(
    "X01",
    "power lost at each call of offload, clear, unlock, ledger, courier and intake: all goes on, once",
)
@pytest.mark.fault(
    "X02", "ten cuts in a row, and pairs of cuts, each in the recovery from the one before: the same"
)
def test_whatever_moment_the_power_is_lost_at_the_story_comes_to_its_end_with_every_promise_kept(
    record_property: Callable[[str, object], None],
) -> None:
    """One test, because what it looks at is swept once."""
    host, centre, in_a_row, pairs = apart(_swept)
    for part, kinds in ((host, KINDS["host"]), (centre, KINDS["centre"])):
        assert [kind for kind in kinds if not part.points[kind]] == []
        assert set(part.points) == set(kinds)
    assert (len(in_a_row.verdicts), len(pairs.verdicts)) == (FIRSTS, PAIRS)
    everything = [verdict for part in (host, centre, in_a_row, pairs) for verdict in part.verdicts]
    record_property("tried: cuts of one story", len(everything))
    assert [verdict for verdict in everything if verdict.broken] == []


# --- what tells it ---------------------------------------------------------------------------------------


def test_a_disk_that_keeps_less_than_it_said_breaks_the_story(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryFile, "sync_data", lambda _: None)
    story = play(Told("host 200/0"), Branches(1))
    assert story.violation is not None
    assert story.violation.check == "prefix"


CUT = Cut(200, TORN)


class Once:
    """Cuts a branch at one point; the kind that it reports is the fingerprint of its whole trace."""

    def __init__(self, branches: Branches) -> None:
        self._branches = branches

    def reached(self, site: CutSite, point: Point) -> None:
        self._site = site
        due = point.machine == "host" and point.number == CUT.number and not self._branches.inside
        if due and self._branches.fork("once"):
            Told(f"host {CUT}").reached(site, point)

    def verdicts(self, violation: Violation | None) -> list[Verdict]:
        return [Verdict("", self._site.trace.digest())]


def _branch_and_replay() -> tuple[str, str]:
    branches = Branches(1)
    play(Once(branches), branches)
    branches.wait()
    return branches.reports[0][0].kind, play(Told(f"host {CUT}"), Branches(1)).site.trace.digest()


def test_a_branch_is_what_the_same_cut_is_without_a_branch() -> None:
    branch, replay = apart(_branch_and_replay)
    assert branch == replay


def _three_branches() -> tuple[list[object], list[str]]:
    async def run() -> tuple[list[object], list[str]]:
        branches = Branches(2)
        for number in range(3):
            if branches.fork(f"branch {number}"):
                if number == 1:
                    os.kill(os.getpid(), signal.SIGKILL)
                branches.leave(number)
        branches.wait()
        return branches.reports, branches.lost

    return asyncio.run(run())


def test_a_branch_that_dies_is_told_by_its_name() -> None:
    reports, lost = apart(_three_branches)
    assert sorted(map(str, reports)) == ["0", "2"]
    assert lost == ["branch 1"]
