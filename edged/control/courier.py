"""What edged-sync says about itself, as status and alerts show it.

The file comes from another user and decides nothing: it is bounded, and one that cannot be read is no report.
"""

import asyncio

import msgspec

from edged.control.calls import Call
from edged.errors import Fact, FormatError
from edged.formats import times
from edged.ports import FileSystem
from edged.reports.source import Account

LIMIT = 256 * 1024  # bytes; a report with a hundred held recordings and 2,000 unanswered ones has 90 kB
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
    delivered: int = 0
    awaiting_items: tuple[str, ...] | None = None  # None: of a courier that does not name them
    alerts: tuple[CourierAlert, ...] = ()


def courier_report(fs: FileSystem, inbox: str) -> CourierReport | None:
    """The newest report; None if there is none that can be read. Blocks."""
    try:
        return msgspec.json.decode(fs.read(f"{inbox}/{FILE}", LIMIT), type=CourierReport)
    except (OSError, ValueError, RecursionError):  # the last two: what msgspec raises
        return None


async def courier_of(call: Call) -> CourierReport | None:
    """The courier's report of this station, as `courier_report`; None where no courier is configured."""
    station = call.station
    if station.config.sync is None:
        return None
    return await asyncio.to_thread(courier_report, station.outside.fs, station.config.station.inbox)


def account_of(report: CourierReport | None) -> Account | None:
    """What the courier says is with the server; None: nothing that can be relied on."""
    if report is None or report.awaiting_items is None:
        return None
    try:
        times.parse_ns(report.time)
    except FormatError:
        return None
    named = frozenset(report.awaiting_items)
    return Account(time=report.time, delivered=named, whole=len(named) >= report.delivered)
