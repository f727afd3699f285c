"""The shipped constants of size, divided so that a clip of 40 kB has as many blocks, marks and chunks as one of 10 MB;
the courier's longest pauses, so that a centre's lapse shows within minutes; and the station's beat, doubled.

Everything else about the code stays as it is: a history then costs milliseconds of copying, not seconds. Whether a
signature holds depends on nothing but key and bytes, so what was verified once is remembered.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from types import ModuleType
from unittest.mock import patch

import drivers.fat.reading
import drivers.fingerprint
import edged.station.station
import edged.vault.sealing
import edged.vault.vault
import sync.answers
import sync.courier
import sync.transfer
from edged.formats.note import Verifier

SIGNATURES = 4096  # of one history: more than it has
SMALL: tuple[tuple[ModuleType, str, float], ...] = (
    (drivers.fat.reading, "BLOCK", 4096),  # what a worker sends at once
    (drivers.fingerprint, "EDGE", 4096),
    (edged.station.station, "TICK_S", 2.0),
    (edged.vault.sealing, "BLOCK", 4096),  # the least that an uncached read can ask for
    (edged.vault.sealing, "READ_BLOCK", 16_384),
    (edged.vault.sealing, "MARK_EVERY", 12_288),
    (edged.vault.vault, "MARK_EVERY", 12_288),
    (sync.transfer, "CHUNK", 4096),
    (sync.transfer, "TAIL", 2048),
    (sync.transfer, "SYNC_EVERY", 12_288),
    (sync.answers, "RECHECK_NS", 60 * 10**9),
    (sync.courier, "THOROUGH_S", 300.0),
)


@contextmanager
def small_sizes() -> Iterator[None]:
    with ExitStack() as patches:
        for module, name, size in SMALL:
            patches.enter_context(patch.object(module, name, size))
        patches.enter_context(patch.object(Verifier, "verifies", lru_cache(SIGNATURES)(Verifier.verifies)))
        yield
