"""Why a fault of the catalogue is not proved yet: what the proof needs, and a sentence."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


class Needs(enum.StrEnum):
    """What a later part brings with it."""

    KERNEL = "kernel and virtual machine"
    NETWORK = "network rig"
    LISTS = "signed lists"
    CLOCK = "true time"
    DISK = "disk health and scrubbing"
    READER = "encrypted reader"
    UPDATE = "update and packages"
    POWER = "UPS and power rig"
    LIMITS = "limits of the host"


@dataclass(frozen=True, slots=True)
class Reason:
    needs: Needs
    why: str

    def __str__(self) -> str:
        return f"{self.needs}: {self.why}"


REASONS: Mapping[str, Reason] = MappingProxyType({})
