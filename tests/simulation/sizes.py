"""The shipped constants of size, divided so that a clip of 40 kB has as many blocks, marks and chunks as one of 10 MB;
and the courier's longest pauses, so that a centre's lapse shows within minutes.

Everything else about the code stays as it is: a history then costs milliseconds of copying, not seconds.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from unittest.mock import patch

import drivers.fat.reading
import drivers.fingerprint
import edged.vault.sealing
import edged.vault.vault
import sync.answers
import sync.courier
import sync.transfer

SMALL: tuple[tuple[ModuleType, str, float], ...] = (
    (drivers.fat.reading, "BLOCK", 4096),  # what a worker sends at once
    (drivers.fingerprint, "EDGE", 4096),
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
        yield
