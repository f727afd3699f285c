"""What a report is made of, beside its period's lines. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from edged.coverage import Rules
from edged.duty import Margins
from edged.formats.schedule import Schedule
from edged.shift.inventory import Inventory
from edged.station_state import StationState


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What the courier says of itself. A report, never a proof."""

    time: str  # when it said so
    delivered: frozenset[str]  # recordings that lie at the server and have no receipt yet
    whole: bool  # all of them are named


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Values of the moment at which it is made."""

    station: StationState
    inventory: Inventory
    schedule: Schedule | None
    names: Mapping[str, str]  # person -> name
    now_ns: int
    root: str  # Merkle root over the ledger
    account: Account | None = None  # None: it could not be read
    margins: Margins = field(default_factory=Margins)
    rules: Rules = field(default_factory=Rules)
