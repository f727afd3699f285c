"""How much is measured: the full run, and a quick one that only shows that everything still works."""

from dataclasses import dataclass

from benchmarks.rows import MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Sizes in bytes, times in seconds; the defaults are the full run's."""

    repeats: int = 3
    clip: int = 1024 * MIB
    clip_of_eight: int = 128 * MIB
    load_clip: int = 512 * MIB  # of each copy that runs beside a measurement
    append_s: float = 10.0  # under load; half of it without
    events: int = 100_000
    sftp: int = 256 * MIB
    rounds: int = 4  # under each load: every spare camera is taken and comes back
    rounds_at_full_speed: int = 2  # the cards are empty after that
    spares: int = 8  # cameras that are issued and come back while eight others are offloaded
    card_clip: int = 256 * MIB  # on the cards of the eight
    card_clips: int = 3
    deliver_s: float = 10.0  # how long the courier works while memory is looked at


FULL = Scale()
QUICK = Scale(
    repeats=1,
    clip=4 * MIB,
    clip_of_eight=2 * MIB,
    load_clip=4 * MIB,
    append_s=0.4,
    events=600,
    sftp=2 * MIB,
    rounds=1,
    rounds_at_full_speed=1,
    spares=2,
    card_clip=24 * MIB,
    card_clips=1,
    deliver_s=2.0,
)
