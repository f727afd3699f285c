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
    pytest.mark.skipif("EXHAUSTIVE" not in os.environ, reason="minutes of both cores: EXHAUSTIVE=1"),
    pytest.mark.xdist_group("exhaustive"),  # one worker: what all look at is swept once
]

JOBS = 2
FIRSTS, PAIRS = 10, 150
T = TypeVar("T")


def apart(work: Callable[[], T]) -> T:
    """In a process of its own, which has one thread and may fork."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(work).result()


# --- the story -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def parts() -> list[Part]:
    """The host, the centre, ten cuts in a row, pairs."""
    return apart(_swept)


def _swept() -> list[Part]:
    return list(sweep((CERTAIN, TORN), (CERTAIN,), FIRSTS, PAIRS, jobs=JOBS))


@pytest.mark.fault(
    "X01",
    "power lost at each call of offload, clear, unlock, ledger, receipts and courier: all goes on, once",
)
def test_a_host_that_loses_its_power_at_any_moment_brings_the_story_to_its_end(parts: list[Part]) -> None:
    host = parts[0]
    assert [kind for kind in KINDS["host"] if not host.points[kind]] == []
    assert set(host.points) == set(KINDS["host"])
    assert host.broken == []


@pytest.mark.fault("X01", "power lost at the centre at each call of delivery and intake: all goes on, once")
def test_a_centre_that_loses_its_power_at_any_moment_signs_for_nothing_that_it_lacks(
    parts: list[Part],
) -> None:
    centre = parts[1]
    assert [kind for kind in KINDS["centre"] if not centre.points[kind]] == []
    assert set(centre.points) == set(KINDS["centre"])
    assert centre.broken == []


@pytest.mark.fault("X02", "ten cuts in a row, each in the recovery from the one before: all goes on, once")
def test_a_recovery_that_is_cut_again_and_again_comes_to_the_same_end(parts: list[Part]) -> None:
    assert len(parts[2].verdicts) == FIRSTS
    assert parts[2].broken == []


@pytest.mark.fault("X02", "a cut at any call, and another at any call of the recovery: all goes on, once")
def test_a_recovery_that_is_cut_at_any_moment_is_made_good_by_the_next(parts: list[Part]) -> None:
    assert len(parts[3].verdicts) == PAIRS
    assert parts[3].broken == []


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
