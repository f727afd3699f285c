"""How long a slot waits in a state that has a deadline (`edged.slots.state.DEADLINES`).

A slot that gave its camera up begins again, and so does the camera's worker. Where that is slow, because the host is
busy or has just started with eight cameras in it, the same deadline would be too short for ever: each time in a row
doubles it.
"""

from edged.config import Config
from edged.ports import Random

STRETCHED = frozenset({"identify_s", "reenumerate_s", "lost_s"})
STRETCH_MAX = 3  # doublings: four minutes for what has thirty seconds


def deadline_s(config: Config, random: Random, setting: str, given_up: int) -> float:
    """Return the seconds of ``setting``, as ``timing.identify_s``, of a slot that gave up so often in a row."""
    section, _, name = setting.partition(".")
    seconds = float(getattr(getattr(config, section), name))
    if name in STRETCHED:
        return seconds * 2.0 ** min(given_up, STRETCH_MAX)
    if name == "silent_retry_s":  # in SILENT it gave up at least once
        bound = min(config.timing.silent_retry_max_s, seconds * 2.0 ** min(max(given_up - 1, 0), 16))
        return random.uniform(bound / 2, bound)
    return seconds + config.timing.relock_margin_s if name == "grant_open_s" else seconds
