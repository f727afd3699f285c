"""What a report is made of, beside its period's lines. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from edged.coverage import Rules
from edged.duty import Margins
from edged.formats.schedule import Schedule
from edged.shift.inventory import Inventory
from edged.station_state import StationState


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Values of the moment at which it is made."""

    station: StationState
    inventory: Inventory
    schedule: Schedule | None
    names: Mapping[str, str]  # person -> name
    now_ns: int
    root: str  # Merkle root over the ledger
    delivered: frozenset[str] = frozenset()  # recordings that the courier says are with the server
    margins: Margins = field(default_factory=Margins)
    rules: Rules = field(default_factory=Rules)
