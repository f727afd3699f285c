"""How the arguments of acts are drawn from the seed."""

import errno
import random
from collections.abc import Callable
from typing import Any

from tests.simulation.plan import SLOTS, Plan
from tests.simulation.weather import CHANGES, SYNCS
from tests.world import persons as people


def a_camera(rng: random.Random, plan: Plan) -> str:
    return rng.choice(plan.cameras).name


def a_slot(rng: random.Random, plan: Plan) -> int:
    return rng.randint(1, SLOTS)


_CAMERA_FAULTS: tuple[Callable[[random.Random], dict[str, Any]], ...] = (
    lambda r: {"pull_after_bytes": r.randint(0, 60_000)},
    lambda r: {"drop_after_bytes": r.randint(0, 60_000), "back_s": r.choice((0.2, 2.0, 12.0))},
    lambda r: {"silent_after_commands": r.randint(0, 60)},
    lambda r: {"stall_every": r.randint(2, 9)},
    lambda r: {"bytes_per_s": r.choice((2_000, 50_000, 400_000))},
    lambda r: {"status_wrapper": r.choice(("wrong-tag", "garbage", "phase-error", "short"))},
    lambda r: {"surplus_bytes": r.choice((1, 512))},
    lambda r: {"unstable_sectors": ((r.randint(150, 600), r.randint(1, 3)),)},
    lambda r: {"bad_sectors": ((r.randint(150, 600), r.randint(1, 3)),)},
    lambda r: {"bad_sectors": ((r.randint(150, 300), 1),), "drop_after_bytes": r.randint(20_000, 120_000)},
    lambda r: {"write_protected": True},
    lambda r: {"writes_vanish": True},
    lambda r: {"cut_after_writes": r.randint(0, 12)},
    lambda r: {"bad_write_sectors": ((r.randint(1, 90), 2),)},
    lambda r: {"vanish_before_status": True},
    lambda r: {"extra_as_disk": ("keyboard",)},
    lambda r: {"usb_serial_as_disk": "OTHER"},
)


def camera_fault(rng: random.Random, plan: Plan) -> tuple[Any, ...]:
    return a_camera(rng, plan), rng.choice(_CAMERA_FAULTS)(rng), rng.choice((5.0, 40.0, 150.0))


def fault_in_mid_copy(rng: random.Random, plan: Plan) -> tuple[Any, ...]:
    return rng.randint(0, 30_000), rng.choice(_CAMERA_FAULTS)(rng), rng.choice((5.0, 40.0, 150.0))


_PLACES = ("", "/ledger/", "current.jsonl", ".part", ".marks", "manifest", "receipt", "checkpoints")


def storm(rng: random.Random, plan: Plan) -> tuple[Any, ...]:
    calls = rng.choice((tuple(sorted(CHANGES)), tuple(sorted(SYNCS)), ("write_at",), ("read",), ("list_dir",),
                        ("create", "rename", "replace"), ("read_uncached", "open_uncached")))  # fmt: skip
    number = rng.choice((errno.EIO, errno.EIO, errno.ENOSPC, errno.EROFS, errno.EDQUOT))
    return calls, number, rng.choice((0.02, 0.2, 1.0)), rng.choice((0.5, 5.0, 40.0)), rng.choice(_PLACES)


_SPOTS = (
    *(("sync_data", "/state/ledger/"),) * 3, ("write_at", "/state/ledger/"), ("rename", "/state/ledger/"),
    ("sync_dir", "/state/ledger"), ("sync", "/checkpoints/"), ("rename", "/checkpoints/"), ("sync_dir", "/checkpoints"),
    ("sync", "/countersigned/"), ("sync_dir", "/countersigned"), ("sync", "/content."), ("sync_data", "/content."),
    ("write_at", "/content."), ("rename", "/content."), ("read_uncached", "/content."), ("sync", "/manifest."),
    ("sync", "/receipt."), ("replace", "/receipt."), ("sync_dir", "/vault/"), ("sync_dir", "/vault/"),
)  # fmt: skip
_FAR_SPOTS = (
    ("sync", "/store/"), ("sync_dir", "/store/"), ("rename", "/store/"), ("replace", "/store/"),
    ("sync", "intake.json"), ("replace", "/home/receipts/"),
    ("sync", "/home/"), ("sync_dir", "/home/"), ("rename", "/home/"),
)  # fmt: skip
"""Calls and paths at which a single failure matters, or a cut right before."""


def disk_fault(rng: random.Random, plan: Plan) -> tuple[Any, ...]:
    centre = rng.random() < 0.3
    number = rng.choice((errno.EIO, errno.EIO, errno.EIO, errno.ENOSPC, errno.EROFS))
    spot, skip = rng.choice(_FAR_SPOTS if centre else _SPOTS), rng.choice((0, rng.randint(0, 8)))
    return spot, number, skip, rng.randint(1, 3), centre


def spot(rng: random.Random, plan: Plan) -> tuple[Any, ...]:
    centre = rng.random() < 0.3
    spot = rng.choice(_FAR_SPOTS if centre else [spot for spot in _SPOTS if spot[0] in CHANGES])
    return spot, rng.choice((0, rng.randint(0, 8))), rng.choice((0.5, 10.0)), centre


def far_storm(rng: random.Random, plan: Plan) -> tuple[Any, ...]:
    calls, number, chance, seconds, _ = storm(rng, plan)
    return calls, number, chance, seconds, rng.choice(("", "", "/recordings/", "/ledger/"))


NET = ("gone", "busy", "full", "refused", "login", "late", "stall")


def verb(rng: random.Random, plan: Plan) -> tuple[Any, ...]:
    serial = a_camera(rng, plan)
    return rng.choice(
        (
            ("taras", "reload", {}),
            ("daria", "rebuild", {}),
            ("iryna", "status", {}),
            ("iryna", "slots", {}),
            ("iryna", "alerts", {}),
            ("iryna", "camera list", {}),
            ("iryna", "officer list", {}),
            ("iryna", "log", {"camera": serial}),
            ("iryna", "log", {"person": "olena", "limit": 5}),
            ("iryna", "prove", {"recording": f"{rng.randrange(256):02x}00"}),
            ("iryna", "clock confirm", {}),
            ("daria", "officer revoke", {"person": "petro", "reason": "left"}),
            ("daria", "officer add", {
                "person": "oksana", "name": "Оксана", "kind": "desfire-id", "uid": "04a1b2c3d4e577",
                "valid_until": people.at(24.0), "appointment": "18-к",
            }),
            ("olena", "status", {}),
            ("taras", "officer list", {}),
        )
    )  # fmt: skip


def nothing(rng: random.Random, plan: Plan) -> tuple[Any, ...]:
    return ()
