"""Everything that can happen in a history: one table. An act that does not fit the moment does nothing."""

import random
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from simulators.faulty_link import CABLES
from tests.simulation import acts_centre, acts_host, acts_office, acts_persons, acts_slots, drawing
from tests.simulation.drawing import a_camera, a_slot
from tests.simulation.plan import LINES, Plan, clip_size
from tests.world import persons as people

Perform = Callable[..., Coroutine[Any, Any, None]]
Draw = Callable[[random.Random, Plan], tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Kind:
    """How an act is carried out, how its arguments are drawn, and how often it is chosen beside the others."""

    perform: Perform
    draw: Draw
    weight: int
    fault: bool = True  # False: what happens on every good day


ACTS: Mapping[str, Kind] = MappingProxyType(
    {
        "insert": Kind(acts_slots.insert, lambda r, p: (a_camera(r, p),), 8, fault=False),
        "shift": Kind(
            acts_slots.shift,
            lambda r, p: (
                r.randrange(2), r.choice((0.1, 0.5, 2.0)), tuple(clip_size(r) for _ in range(r.randint(1, 3))),
            ),
            16,
            fault=False,
        ),
        "shift-unrecorded": Kind(
            acts_slots.shift_unrecorded, lambda r, p: (r.randrange(2), r.choice((1, 1, 2, 4))), 4
        ),
        "tap": Kind(
            acts_slots.tap,
            lambda r, p: (r.choice((*(s.badge for s in people.STAFF), acts_slots.STRANGER)),),
            8,
            fault=False,
        ),
        "tear": Kind(acts_slots.tear, lambda r, p: (a_slot(r, p), r.choice((0.3, 2.0, 30.0))), 5),
        "wobble": Kind(acts_slots.wobble, lambda r, p: (a_slot(r, p), r.randint(1, 6), r.choice((0.05, 0.5, 3.0))), 4),
        "camera-fault": Kind(acts_slots.camera_fault, drawing.camera_fault, 12),
        "fault-in-mid-copy": Kind(acts_slots.fault_in_mid_copy, drawing.fault_in_mid_copy, 8),
        "camera-clock": Kind(
            acts_slots.camera_clock, lambda r, p: (a_camera(r, p), r.choice((-3600.0, -5.0, 4.0, 1e8))), 2
        ),
        "battery": Kind(acts_slots.battery, lambda r, p: (a_camera(r, p), r.choice((5.0, 30.0, 99.0))), 2),
        "grow": Kind(acts_slots.grow, lambda r, p: (a_camera(r, p), clip_size(r)), 4),
        "alter": Kind(acts_slots.alter, lambda r, p: (a_camera(r, p), r.random()), 2),
        "stray-file": Kind(acts_slots.stray_file, lambda r, p: (a_camera(r, p),), 1),
        "unplug-line": Kind(
            acts_slots.unplug_line, lambda r, p: (r.choice(LINES), r.choice((0.5, 10.0, 60.0))), 4
        ),
        "bad-cable": Kind(
            acts_slots.bad_cable, lambda r, p: (r.choice(LINES), r.randrange(1, len(CABLES)), r.choice((5.0, 40.0))), 4
        ),
        "dock-restart": Kind(acts_slots.dock_restarts, lambda r, p: (r.random() < 0.5,), 3),
        "dock-fault": Kind(acts_slots.dock_fault, lambda r, p: (a_slot(r, p), r.choice((1, 2, 4, 32))), 2),
        "chatter": Kind(acts_slots.chatter, lambda r, p: (a_slot(r, p),), 2),
        "power-cut": Kind(
            acts_host.power_cut, lambda r, p: (r.choice((0.5, 5.0, 120.0)), r.random() < 0.5), 8
        ),
        "cut-at-call": Kind(
            acts_host.cut_at_call,
            lambda r, p: (r.choice((r.randint(0, 12), r.randint(0, 120))), r.choice((0.5, 10.0))),
            14,
        ),
        "cut-at-spot": Kind(acts_host.cut_at_spot, drawing.spot, 12),
        "cut-at-await": Kind(
            acts_host.cut_at_await,
            lambda r, p: (r.choice((r.randint(0, 40), r.randint(0, 1500))), r.choice((0.5, 10.0))),
            12,
        ),
        "in-mid-copy": Kind(
            acts_host.in_mid_copy,
            lambda r, p: (r.choice(("tear", "tear", "power-cut", "power-cut", "kill", "stop")), r.randint(1, 30_000)),
            10,
        ),
        "kill": Kind(acts_host.kill, lambda r, p: (r.choice(("edged", "edged", "edged-sync", "intake")),), 5),
        "stop": Kind(acts_host.stop, lambda r, p: (r.choice(("edged", "edged-sync")),), 3, fault=False),
        "disk-storm": Kind(acts_host.disk_storm, drawing.storm, 10),
        "disk-fault": Kind(acts_host.disk_fault, drawing.disk_fault, 14),
        "slow-disk": Kind(acts_host.slow_disk, lambda r, p: (r.choice((0.1, 1.0, 5.0)), r.choice((10.0, 60.0))), 3),
        "full-disk": Kind(
            acts_host.full_disk, lambda r, p: (r.choice((0, 5_000, 100_000, 10_000_000)), r.choice((20.0, 80.0))), 3
        ),
        "bit-flip": Kind(acts_host.bit_flip, lambda r, p: (r.random(),), 2),
        "bad-writes": Kind(acts_host.bad_writes, lambda r, p: (r.randint(1, 4),), 3),
        "net-down": Kind(acts_centre.net_down, lambda r, p: (r.choice((5.0, 60.0, 240.0)),), 4),
        "net-weather": Kind(
            acts_centre.net_weather,
            lambda r, p: (r.choice(drawing.NET), r.choice((0.01, 0.1, 0.5)), r.choice((20.0, 80.0))),
            8,
        ),
        "cannot-sync": Kind(acts_centre.cannot_sync, lambda r, p: (r.choice((60.0, 150.0)),), 1),
        "centre-cut": Kind(acts_centre.centre_cut, lambda r, p: (r.randint(0, 40), r.choice((2.0, 60.0))), 6),
        "centre-storm": Kind(acts_centre.centre_storm, drawing.far_storm, 4),
        "centre-forgets": Kind(acts_centre.centre_forgets, lambda r, p: (r.random(),), 2),
        "centre-truncates": Kind(acts_centre.centre_truncates, lambda r, p: (r.random(),), 2),
        "forged-receipt": Kind(acts_centre.forged_receipt, lambda r, p: (r.random(), r.random() < 0.5), 3),
        "forged-countersignature": Kind(acts_centre.forged_countersignature, drawing.nothing, 2),
        "clock-step": Kind(acts_host.clock_step, lambda r, p: (r.choice((-3600.0, -1.0, 30.0, 7200.0)),), 3),
        "clock-unknown": Kind(acts_host.clock_class, lambda r, p: (r.choice((30.0, 120.0)),), 2),
        "verb": Kind(acts_persons.verb, drawing.verb, 8, fault=False),
        "prove": Kind(acts_persons.prove, lambda r, p: (r.random(),), 3, fault=False),
        "works": Kind(acts_persons.works, lambda r, p: (a_camera(r, p), r.choice((20.0, 80.0))), 2, fault=False),
        "quarantine": Kind(
            acts_persons.quarantine, lambda r, p: (a_camera(r, p), r.choice((20.0, 80.0))), 2, fault=False
        ),
        "roster": Kind(acts_persons.roster, lambda r, p: (r.randint(1, 4),), 1, fault=False),
        # Never by chance among the others: `generate` draws them beside, so that they change nothing else of a plan.
        "office": Kind(acts_office.office, lambda r, p: acts_office.drawn(r), 0, fault=False),
        "clear-by-force": Kind(acts_persons.clear_by_force, lambda r, p: (a_camera(r, p),), 0, fault=False),
        "scan": Kind(
            acts_persons.scan, lambda r, p: (r.randint(1, 3), clip_size(r), r.choice((0.0, 0.0, 1.0, 7.0, 30.0))), 0
        ),
        "open-slot": Kind(acts_persons.open_slot, lambda r, p: (a_slot(r, p),), 4, fault=False),
    }
)  # fmt: skip
