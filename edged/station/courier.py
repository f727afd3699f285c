"""What edged-sync says about itself, and which of it the station makes its own alerts.

The file comes from another user and decides nothing: it is bounded, and one that cannot be read is no report.
Rule 1: a failure of the line that lasts, a full centre and whatever the courier says of the UPS may end the work of the
complex (459-II.3-warn): they stand in the ledger, and papers are drafted for them. The rest stays the courier's.
Rule 2: while the courier is silent nobody knows; what stood goes on to stand.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import msgspec

from edged.errors import ErrorCode, Fact
from edged.ports import Clock, FileSystem
from edged.station.alerts import Alerts

LIMIT = 256 * 1024  # bytes; a report with a hundred held recordings and 2,000 unanswered ones has 90 kB
FILE = "status.json"
SILENT = "courier-silent"
SILENT_NS = 3600 * 1_000_000_000  # ours: three times the longest pause that the courier makes


class CourierAlert(msgspec.Struct, frozen=True):
    alert: str
    code: int
    since: str
    detail: dict[str, Fact] = {}


class UpsWord(msgspec.Struct, frozen=True):
    status: tuple[str, ...]  # as NUT words it: OL, OB, …
    charge_percent: float | None = None
    runtime_s: float | None = None


class CourierReport(msgspec.Struct, frozen=True):
    """The members that are shown; `sync.report.Status` has more."""

    time: str
    connected: bool
    queued: int
    held: int
    waiting_bytes: int
    delivered: int = 0
    ups: UpsWord | None = None  # None: none is configured, or it is not heard
    awaiting_items: tuple[str, ...] | None = None  # None: of a courier that does not name them
    alerts: tuple[CourierAlert, ...] = ()


def courier_report(fs: FileSystem, inbox: str) -> CourierReport | None:
    """The newest report; None if there is none that can be read. Blocks."""
    try:
        return msgspec.json.decode(fs.read(f"{inbox}/{FILE}", LIMIT), type=CourierReport)
    except (OSError, ValueError, RecursionError):  # the last two: what msgspec raises
        return None


@dataclass(frozen=True, slots=True)
class Followed:
    code: ErrorCode
    after_s: float = 0.0  # ours: a line that comes back within this is nothing to write about


FOLLOWED: Mapping[str, Followed] = MappingProxyType(
    {
        "centre-unreachable": Followed(ErrorCode.CENTRE_GONE, 3600.0),
        "centre-full": Followed(ErrorCode.CENTRE_FULL, 600.0),
        "ups-silent": Followed(ErrorCode.UPS_SILENT, 600.0),
        "ups-on-battery": Followed(ErrorCode.UPS_ON_BATTERY),
        "ups-battery-low": Followed(ErrorCode.UPS_BATTERY_LOW),
        "ups-battery-worn": Followed(ErrorCode.UPS_BATTERY_WORN),
        "ups-overloaded": Followed(ErrorCode.UPS_OVERLOADED),
    }
)
"""Alert of the courier → what it is here, under the same name."""


class CourierWatch:
    """``look`` is called about once a minute."""

    def __init__(self, fs: FileSystem, inbox: str, *, alerts: Alerts, clock: Clock) -> None:
        self._fs, self._inbox = fs, inbox
        self._alerts, self._clock = alerts, clock
        self._told = ""  # time of the newest report, as the courier writes it
        self._told_ns = clock.now().boottime_ns  # when that changed
        self._standing: dict[str, int] = {}  # since when, on our clock

    async def look(self) -> None:
        report = await asyncio.to_thread(courier_report, self._fs, self._inbox)
        now_ns = self._clock.now().boottime_ns
        if report is not None and report.time != self._told:
            self._told, self._told_ns = report.time, now_ns
            self._standing = self._begun({one.alert for one in report.alerts}, now_ns)
        if now_ns - self._told_ns >= SILENT_NS:
            await self._alerts.raise_(SILENT, ErrorCode.COURIER_SILENT, last=self._told or "never")
            return
        await self._alerts.withdraw(SILENT)
        if self._told:
            await self._follow(now_ns)

    def _begun(self, alerts: set[str], now_ns: int) -> dict[str, int]:
        return {name: self._standing.get(name, now_ns) for name in FOLLOWED if name in alerts}

    async def _follow(self, now_ns: int) -> None:
        for name, followed in FOLLOWED.items():
            since = self._standing.get(name)
            if since is None:
                await self._alerts.withdraw(name)
            elif now_ns - since >= followed.after_s * 1e9:
                await self._alerts.raise_(name, followed.code)
