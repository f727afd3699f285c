"""From a seed to a plan."""

import random
from dataclasses import replace

from tests.simulation.acts import ACTS
from tests.simulation.plan import (
    MIDNIGHT_S,
    SPAN_S,
    Act,
    Plan,
    cameras,
    config_text,
    post,
    sections,
    sync_settings,
)

ACTS_A_HISTORY = (10, 34)
OFFICE_ACTS = (0, 3, 6, 12)
FORCED_SHARE = 0.2
SCANS_SHARE = 0.25
_CUTS = ("power-cut", "cut-at-call", "cut-at-await")


def generate(seed: int) -> Plan:
    """The same plan for the same seed, whatever was generated before.

    Every history has at least two cameras with three clips each, two boots, a tap and a fault.
    """
    rng = random.Random(f"plan {seed}")
    made = cameras(rng)
    given = sections(rng)
    if "decision" in given["clear"]:
        # The cards are small: a few hours' worth of memory at the least bit rate is more than they have.
        given["readiness"] = given["readiness"].replace(
            "memory_min_h = 0", "memory_min_h = 0.07\nbitrate_mbit = 0.1"
        )
    office = random.Random(f"office {seed}")
    scans = random.Random(f"scans {seed}")
    every_s = scans.choice((3.0, 20.0)) if scans.random() < SCANS_SHARE else 0.0
    there = replace(post(office, made), scans_every_s=every_s)
    bare = Plan(seed, config_text(made, given, there), sync_settings(rng), made, ())
    span = rng.uniform(*SPAN_S)
    names, weights = list(ACTS), [kind.weight for kind in ACTS.values()]
    chosen = rng.choices(names, weights, k=rng.randint(*ACTS_A_HISTORY))
    chosen += ["shift", rng.choice(_CUTS), rng.choice([name for name in names if ACTS[name].fault])]
    acts = [Act(rng.uniform(5.0, span), name, ACTS[name].draw(rng, bare)) for name in chosen]
    acts += [Act(rng.uniform(0.5, 20.0), "insert", (camera.name,)) for camera in made]
    if rng.random() < 0.5:
        # A cut soon after a cut: the start, and what it puts right, is cut as well.
        first = rng.uniform(20.0, span)
        acts.append(Act(first, "power-cut", (0.5, False)))
        acts += [
            Act(first + 0.5 + n * 4.0, "cut-at-call", (rng.randint(0, 25), 0.5))
            for n in range(rng.randint(1, 4))
        ]
    acts += [
        Act(office.uniform(5.0, span), "office", ACTS["office"].draw(office, bare))
        for _ in range(office.choice(OFFICE_ACTS))
    ]
    force = random.Random(f"force {seed}")
    if force.random() < FORCED_SHARE:
        acts.append(
            Act(force.uniform(20.0, span), "clear-by-force", ACTS["clear-by-force"].draw(force, bare))
        )
    if there.scans_every_s:
        acts += [
            Act(scans.uniform(5.0, span), "scan", ACTS["scan"].draw(scans, bare))
            for _ in range(scans.randint(1, 4))
        ]
    later_s = MIDNIGHT_S - rng.uniform(0.0, span) if rng.random() < 0.3 else 0.0
    ordered = tuple(sorted(acts, key=lambda act: act.at))
    return Plan(seed, bare.config, bare.sync_settings, made, ordered, later_s)
