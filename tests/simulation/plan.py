"""What is going to happen: cameras, settings and acts, as data; made shorter by leaving acts out."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from tests.simulation.chip import CardKind
from tests.world.world import AUTHORITY, CENTRE, INBOX, ROSTER, SCHEDULE, STATE, STATION, VAULT

SLOTS = 3
LINES = ("/dev/dock", "/dev/reader")
SPAN_S = (100.0, 360.0)  # of virtual time in which acts fall
LEAST_CLIPS = 3
LEAST_BOOTS = 2
RECOVERED = 'decision = { number = "9", date = 2026-11-01 }\npersons = ["taras"]\nfolder = "/recovered"\n'
SCANS = 'permission = { number = "12", date = 2026-11-01 }\nfolder = "/scans"\n'
EXPORT = 'decision = { number = "7", date = 2026-11-01 }\nrole = "responsible"\nfolder = "/export"\n'
MIDNIGHT_S = 17 * 3600.0  # from the world's beginning to the next day of UTC, by which the vault's folders go


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that happens at a time (seconds from the beginning); `acts.ACTS` says what it is."""

    at: float
    name: str
    args: tuple[Any, ...] = ()

    def __str__(self) -> str:
        return f"{self.at:9.3f} {self.name}({', '.join(map(repr, self.args))})"


@dataclass(frozen=True, slots=True)
class CameraPlan:
    name: str
    kind: str
    card: CardKind
    clips: tuple[int, ...]  # sizes in bytes
    spec: dict[str, Any] = field(default_factory=dict)
    bytes_per_s: int | None = None  # of card data; None: as fast as it goes


@dataclass(frozen=True, slots=True)
class Plan:
    seed: int
    config: str
    sync_settings: dict[str, Any]
    cameras: tuple[CameraPlan, ...]
    acts: tuple[Act, ...]
    later_s: float = 0.0  # than the world usually begins, at 07:00 UTC

    def without(self, first: int, count: int) -> "Plan":
        return replace(self, acts=self.acts[:first] + self.acts[first + count :])

    def names(self) -> Iterator[str]:
        return (camera.name for camera in self.cameras)


@dataclass(frozen=True, slots=True)
class Post:
    """What a post has beside its dock."""

    schedule: bool = False
    reserve: str = ""  # camera
    export: bool = False  # a document says who hands copies over
    scans_every_s: float = 0.0  # how often a scanner's folder is looked at; 0: there is none


def post(rng: random.Random, cameras: tuple[CameraPlan, ...]) -> Post:
    """Some have a duty schedule, some with three cameras keep one in reserve."""
    reserve = cameras[-1].name if len(cameras) > 2 and rng.random() < 0.3 else ""
    return Post(rng.random() < 0.5, reserve, rng.random() < 0.5)


def config_text(cameras: tuple[CameraPlan, ...], sections: dict[str, str], post: Post = Post()) -> str:
    """A station with one dock of SLOTS slots; ``sections`` adds lines to a section."""
    rows = ", ".join(
        f'{{ label = {n}, port = "1-1.{n}", controller_slot = {n} }}' for n in range(1, SLOTS + 1)
    )
    listed = "".join(
        f'[[camera]]\nserial = "{c.name}"\ninventory_number = "10145{c.name}"\ndriver = "{c.kind}"\n'
        + ("reserve = true\n" if c.name == post.reserve else "")
        for c in cameras
    )
    export = f"[export]\n{EXPORT}[recovered]\n{RECOVERED}" if post.export else ""
    scans = f"[scans]\n{SCANS}every_s = {post.scans_every_s}\n" if post.scans_every_s else ""
    schedule = f'schedule = "{SCHEDULE}"' if post.schedule else ""
    more = "".join(f"[{name}]\n{lines}\n" for name, lines in sections.items())
    return f"""
[station]
id = "{STATION}"
state = "{STATE}"
inbox = "{INBOX}"
[keys]
authority = "{AUTHORITY.verifier}"
centre = "{CENTRE.verifier}"
[vault]
path = "{VAULT}"
[access]
roster = "{ROSTER}"
{schedule}
{more}
[[dock]]
name = "A"
controller = "/dev/dock"
controller_key = "/keys/dock.key"
reader = "/dev/reader"
reader_key = "/keys/reader.key"
slots = [{rows}]
{listed}
[[equipment]]
inventory_number = "20100001"
sort = "mount"
{export}{scans}
"""


def sections(rng: random.Random) -> dict[str, str]:
    """Settings that matter to what is simulated, drawn anew for each history."""
    found = {
        "ledger": f"checkpoint_s = {rng.choice((1.0, 5.0, 20.0))}\ncheckpoint_lines = {rng.choice((4, 30, 500))}",
        "readiness": "memory_min_h = 0\ncharge_min_percent = 50\n"
        f'unknown_charge = "flag"\nbattery_every_min = {rng.choice((0.5, 5.0))}',
        "timing": f"retry_s = {rng.choice((2.0, 10.0))}\nretry_max_s = 120.0\nsilent_retry_s = 10.0\n"
        "silent_retry_max_s = 120.0\npower_cycle_s = 1.0\ngrace_s = 1.5",
    }
    if rng.random() < 0.1:
        found["clear"] = 'policy = "on-seal-when-needed"\ndecision = { number = "17/1", date = 2026-11-01 }'
    else:
        found["clear"] = f"second_read = {rng.choice(('true', 'true', 'false'))}"
    return found


def sync_settings(rng: random.Random) -> dict[str, Any]:
    return {
        "start_jitter_s": rng.choice((0.0, 2.0)),
        "scan_s": rng.choice((5.0, 15.0)),
        "poll_s": rng.choice((4.0, 12.0)),
        "idle_s": 20.0,
        "retry_s": rng.choice((0.5, 2.0)),
        "retry_max_s": 60.0,
        "auth_retry_s": 60.0,
        "held_retry_s": 120.0,
        "absolute_s": 120.0,
    }


def clip_size(rng: random.Random) -> int:
    """Sizes around what the code counts in: nothing, a sector, a block, a mark, several of them."""
    around = rng.choice((0, 1, 512, 4096, 8192, 12_288, 16_384, 24_576, 40_000))
    return max(0, around + rng.choice((-1, 0, 0, 1, rng.randint(0, 3000))))


def cameras(rng: random.Random) -> tuple[CameraPlan, ...]:
    made = []
    for number in range(1, rng.choice((2, 2, 3)) + 1):
        kind = rng.choice(("gat947", "gat947", "msc"))
        spec: dict[str, Any] = {
            "clock_offset_s": rng.choice((0.0, 0.5, -7.0, 90.0, 86_400.0)),
            "clock_drift_ppm": rng.choice((0.0, 20.0, -300.0)),
            "battery": rng.choice((100.0, 95.0, 60.0)),
            "charge_per_s": 0.05,
            "reenumerate_s": rng.choice((0.1, 0.5, 2.0)),
            "reads_clock": rng.random() < 0.7,
        }
        clips = tuple(clip_size(rng) for _ in range(rng.randint(LEAST_CLIPS, LEAST_CLIPS + 2)))
        card: CardKind = rng.choice(("fat16", "fat16", "exfat"))
        # So slow that a copy takes a second or two, in which things happen.
        speed = rng.choice((None, 20_000, 20_000, 60_000))
        made.append(CameraPlan(f"K{number:06}", kind, card, clips, spec, speed))
    return tuple(made)
