"""What edged-sync says about itself, as status and alerts show it.

The file comes from another user and decides nothing: it is bounded, and one that cannot be read is no report.
"""

import msgspec

from edged.errors import Fact
from edged.ports import FileSystem

LIMIT = 256 * 1024  # bytes; a report with a hundred held recordings has 20 kB
FILE = "status.json"


class CourierAlert(msgspec.Struct, frozen=True):
    alert: str
    code: int
    since: str
    detail: dict[str, Fact] = {}


class CourierReport(msgspec.Struct, frozen=True):
    """The members that are shown; `sync.report.Status` has more."""

    time: str
    connected: bool
    queued: int
    held: int
    waiting_bytes: int
    alerts: tuple[CourierAlert, ...] = ()


def courier_report(fs: FileSystem, inbox: str) -> CourierReport | None:
    """The newest report; None if there is none that can be read. Blocks."""
    try:
        return msgspec.json.decode(fs.read(f"{inbox}/{FILE}", LIMIT), type=CourierReport)
    except (OSError, ValueError, RecursionError):  # the last two: what msgspec raises
        return None
