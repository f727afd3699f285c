"""Why a fault of the catalogue is not proved yet: what the proof needs that is still to come, and a sentence."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


class Needs(enum.StrEnum):
    """The part that brings what the proof lacks."""

    KERNEL = "kernel and virtual machine"
    NETWORK = "network rig"
    LISTS = "signed lists"
    READER = "encrypted reader"
    SCRUB = "scrub and retention"
    UNITS = "units and packages"
    HARDWARE = "hardware"


@dataclass(frozen=True, slots=True)
class Reason:
    needs: Needs
    why: str

    def __str__(self) -> str:
        return f"{self.needs}: {self.why}"


_N = Needs
REASONS: Mapping[str, Reason] = MappingProxyType(
    {
        "M05": Reason(
            _N.KERNEL,
            "FAT and exFAT, all that is read here, know no links, devices or pipes. That the host mounts nothing else "
            "either is tried in the virtual machine (tests/vm/test_hostile.py), where no mutant of it has been run.",
        ),
        "M10": Reason(
            _N.KERNEL,
            "That no block device appears for a slot is tried in the virtual machine, and the rule that keeps udisks "
            "off is tested as text; a host whose desktop mounts by itself, and a refusal of what is mounted, are "
            "still to come.",
        ),
        "M14": Reason(
            _N.KERNEL,
            "A run of zeros is kept like any other content, and nothing writes a note on it yet; the virtual machine "
            "has disks with sectors that fail (tests/vm/test_cameras.py), none whose sectors read as zeros.",
        ),
        "B05": Reason(
            _N.READER,
            "The reader that downgrades or falls back to plain text is an OSDP reader, driver and all.",
        ),
        "B07": Reason(
            _N.READER, "The mode in which keys are set over the line is OSDP's; our own reader has none."
        ),
        "B17": Reason(
            _N.LISTS, "A duress badge is a class of badge of the signed roster, which has no such class yet."
        ),
        "K16": Reason(
            _N.HARDWARE,
            "A disk tells its wear by SMART or NVMe commands, which no loop device or virtual disk answers.",
        ),
        "X05": Reason(
            _N.KERNEL,
            "The virtual machine's power is cut, which loses no less (tests/vm/test_power_loss.py); that a kernel "
            "which panics boots again by itself is not tried.",
        ),
        "X10": Reason(_N.HARDWARE, "The signal of a low battery comes from a UPS and its driver."),
        "N06": Reason(
            _N.NETWORK,
            "A path that swallows large packets needs routes of its own: network namespaces or machines.",
        ),
        "F05": Reason(
            _N.LISTS, "The configuration is not signed yet; rosters are, and theirs is proved (B13)."
        ),
        "F09": Reason(_N.UNITS, "The list of parts and its nightly check belong to the package."),
        "O05": Reason(_N.HARDWARE, "Whether a wiped camera shows it is known of real cameras only."),
        "O09": Reason(_N.SCRUB, "Evidence is not encrypted at rest yet."),
    }
)
"""Only of faults that no test is marked with: a test sees to it."""
