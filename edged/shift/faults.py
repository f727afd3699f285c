"""Which alerts are faults that the station drafts an incident of (459-I.3-incident). Pure.

Rule 1: one draft for as long as an alert stands; a draft that nobody has decided yet tells of every fault of its kind.
Rule 2: a disk that is only full is at no fault.
"""

from collections.abc import Mapping
from types import MappingProxyType

from edged.errors import ErrorCode
from edged.shift.records import Stage
from edged.station_state import StationState

DISK, LEDGER = "disk", "ledger"
FAULTS: Mapping[str, str] = MappingProxyType(
    {
        "vault-unreadable": DISK,  # what was sealed is not to be read
        "vault-away": DISK,  # another disk is there, or none
        "vault-trouble": DISK,  # it does not take what a camera has
        "manifest-missing": DISK,  # it does not take what the station has signed
        "ledger-trouble": LEDGER,
    }
)
"""Alert → kind of the incident."""


def faults(station: StationState) -> tuple[str, ...]:
    """Return the kinds of which an incident is to be drafted now."""
    return tuple(dict.fromkeys(kind for alert, kind in FAULTS.items() if _untold(station, alert, kind)))


def _untold(station: StationState, alert: str, kind: str) -> bool:
    standing = station.alerts.get(alert)
    if standing is None or standing.code == ErrorCode.DISK_FULL.number:
        return False
    return not any(
        incident.kind == kind and (incident.stage is Stage.DRAFT or incident.happened >= standing.since)
        for incident in station.shift.incidents.values()
    )
