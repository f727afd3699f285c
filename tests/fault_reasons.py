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
            "FAT and exFAT, all that is read here, know no links, devices or pipes; that the host mounts nothing else "
            "either is shown on a real kernel.",
        ),
        "M10": Reason(
            _N.KERNEL, "An automount and the udev rule against it need a kernel with block devices and udevd."
        ),
        "M14": Reason(
            _N.KERNEL,
            "A block device with holes that read as zeros comes from scsi_debug; the note on runs of zeros is due with "
            "it.",
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
        "X05": Reason(_N.KERNEL, "A kernel panics only where it may: in a virtual machine."),
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
