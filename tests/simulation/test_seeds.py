"""The simulation itself: fixed seeds, fresh ones, the same again, and how much of the shipped code it runs."""

import os
import random
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.simulation.__main__ import SEED_BITS, batch
from tests.simulation.acts import ACTS
from tests.simulation.generate import generate
from tests.simulation.history import Outcome
from tests.simulation.plan import LEAST_BOOTS, LEAST_CLIPS
from tests.simulation.reach import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

CHUNK = 10
FIXED = 80  # histories
FRESH = int(os.environ.get("FRESH", "30"))  # as many more, of seeds that nobody has seen; a multiple of CHUNK
REACH_SEEDS, REACH_PERCENT = 40, 85

Record = Callable[[str, object], None]


def judge(outcomes: list[Outcome], record: Record) -> None:
    record("tried: simulated histories", len(outcomes))
    record("tried: simulated power cuts and kills", sum(sum(o.cuts.values()) for o in outcomes))
    broken = {o.seed: str(o.violation) for o in outcomes if o.violation is not None}
    assert not broken, "again, with its trace: make simulate SEED=…"
    assert all(o.boots >= LEAST_BOOTS for o in outcomes)


@pytest.mark.parametrize("first", range(1, FIXED + 1, CHUNK))
def test_fixed_seeds_keep_every_promise(first: int, record_property: Record) -> None:
    judge(batch(first, CHUNK), record_property)


@pytest.mark.parametrize("_", range(FRESH // CHUNK))
def test_fresh_seeds_keep_every_promise(_: int, record_property: Record) -> None:
    judge(batch(random.SystemRandom().getrandbits(SEED_BITS), CHUNK), record_property)


def test_every_plan_has_cameras_clips_a_tap_and_a_fault() -> None:
    for plan in map(generate, range(300)):
        assert len(plan.cameras) >= 2
        assert all(len(camera.clips) >= LEAST_CLIPS for camera in plan.cameras)
        names = [act.name for act in plan.acts]
        assert {"shift", "tap"} & set(names)
        assert any(ACTS[name].fault for name in names)


def test_every_act_is_drawn_and_every_plan_is_made_again_from_its_seed() -> None:
    drawn = {act.name for plan in map(generate, range(300)) for act in plan.acts}
    assert drawn == set(ACTS)
    assert [generate(seed) for seed in (7, 8)] == [generate(seed) for seed in (7, 8)]


def test_a_seed_is_played_alike_in_another_process_with_other_hashes() -> None:
    program = (
        "from tests.simulation.generate import generate; from tests.simulation.history import play\n"
        "for seed in range(1, 7): print(play(generate(seed)).digest, play(generate(seed)).digest)"
    )
    told = [_python("-c", program, hashes=str(number)) for number in (0, 1)]
    assert told[0] == told[1]
    assert all(len(set(line.split())) == 1 for line in told[0].splitlines())


def test_it_is_the_shipped_code_that_is_simulated() -> None:
    told = _python("-m", "tests.simulation.reach", str(REACH_SEEDS))
    percent = float(told.splitlines()[-1].split()[0])
    assert percent >= REACH_PERCENT, told[-3000:]


def _python(*arguments: str, hashes: str = "random") -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": hashes},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout
