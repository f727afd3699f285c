"""Standing doubts about a camera or its card: alerts that a technician ends, by releasing it or ending its works.

While one stands nothing of the camera is cleared. They live in the ledger like every alert, so that neither another
docking nor a restart makes them forgotten.
"""

from edged.station.alerts import Alerts
from edged.station_state import StationState

READS_DIFFER = "camera-reads-differ"  # the same file gave different bytes (fault U17)
COMES_BACK = "clear-undone"  # what was cleared is aboard again and again (fault M12)
TWIN = "camera-twin"  # another camera shows the same serial number (fault U06)
_KINDS = (READS_DIFFER, COMES_BACK, TWIN)


def doubted(state: StationState, camera: str) -> bool:
    return any(f"{kind}:{camera}" in state.alerts for kind in _KINDS)


def damaged_alert(recording: str) -> str:
    return f"recording-damaged:{recording[:8]}"


async def end_doubts(alerts: Alerts, state: StationState, camera: str) -> None:
    """A technician has looked at it. Its damaged and lost recordings stay what they are; only the alerts end."""
    for kind in _KINDS:
        await alerts.withdraw(f"{kind}:{camera}")
    for recording in [r for r in state.recordings_of(camera) if r.damaged or r.corrupt]:
        await alerts.withdraw(damaged_alert(recording.id))
