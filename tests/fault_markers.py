"""The fault catalogue's identifiers, and which of them are proved by a marked test.

A test that proves a fault carries ``@pytest.mark.fault("U01", "what it claims, in a sentence")``.
"""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from tests.markers import TESTS, Marker, read

GROUPS: Mapping[str, tuple[str, int]] = MappingProxyType(
    {
        "U": ("USB and camera", 22),
        "M": ("file system and card", 14),
        "B": ("badge and reader", 18),
        "D": ("dock controller and serial lines", 14),
        "C": ("clock", 10),
        "K": ("disk and vault", 16),
        "L": ("ledger and databases", 12),
        "X": ("crash and power", 10),
        "N": ("network and SFTP", 18),
        "V": ("misbehaving centre", 13),
        "F": ("configuration and update", 9),
        "O": ("operators and insiders", 12),
        "Z": ("protocol fuzzing", 9),
    }
)
"""Letter → what the group is about and how many faults it has."""

THREATS = 21  # T1 to T21: what an insider may try; they are written without leading zeros

FAULTS: tuple[str, ...] = tuple(
    f"{letter}{number:02}" for letter, (_, count) in GROUPS.items() for number in range(1, count + 1)
)
KNOWN: frozenset[str] = frozenset(FAULTS) | {f"T{number}" for number in range(1, THREATS + 1)}


def markers(folder: Path = TESTS) -> tuple[Marker, ...]:
    """Every fault marker below ``folder``."""
    return read("fault", folder)


def proved() -> dict[str, list[Marker]]:
    """Fault → its markers; only known faults."""
    found: dict[str, list[Marker]] = defaultdict(list)
    for marker in markers():
        if marker.about in KNOWN:
            assert marker.about is not None
            found[marker.about].append(marker)
    return found
