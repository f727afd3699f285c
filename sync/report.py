"""What the courier says about itself: alerts, and the status file that edged and edgectl read."""

import msgspec

from edged.errors import EdgeError, ErrorCode, Fact
from edged.formats import times
from edged.ports import Clock, Log
from sync.nut import UpsState
from sync.queue import Queue, State

AWAITING = 2000  # recordings that are named: 70 kB of the 256 that edged reads, and weeks without any answer


class AlertEntry(msgspec.Struct, frozen=True, kw_only=True):
    alert: str
    code: int
    since: str
    detail: dict[str, Fact] = {}


class HeldEntry(msgspec.Struct, frozen=True, kw_only=True):
    recording: str
    reason: str


class Sending(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    sent: int
    size: int


class Status(msgspec.Struct, frozen=True, kw_only=True, tag="edged-sync/status/v1"):
    """``<inbox>/status.json``. Unsigned: a report, never a proof."""

    station: str
    time: str
    connected: bool
    stopped: bool  # nothing goes on before a person looked (host key)
    last_contact: str  # "" never since the start
    assurance: str  # "synced", "written", "" not known
    queued: int  # recordings in each state
    sending: int
    delivered: int
    receipted: int
    held: int
    waiting_bytes: int
    newest_checkpoint: int  # lines covered by the newest checkpoint of the ledger
    countersigned: int  # and by the newest that came back countersigned
    current: Sending | None = None
    ups: UpsState | None = None  # None: none is configured, or it is not heard
    awaiting_items: tuple[str, ...] = ()  # of those delivered the newest AWAITING: they wait for a receipt
    held_items: tuple[HeldEntry, ...] = ()
    alerts: tuple[AlertEntry, ...] = ()


class Alerts:
    """Conditions that last, each raised and withdrawn once."""

    def __init__(self, clock: Clock, log: Log) -> None:
        self._clock = clock
        self._log = log
        self._raised: dict[str, AlertEntry] = {}

    def raise_(self, alert: str, code: ErrorCode, **detail: Fact) -> None:
        if alert in self._raised:
            return
        since = times.format_ns(self._clock.now().wall_ns)
        self._raised[alert] = AlertEntry(alert=alert, code=code.number, since=since, detail=detail)
        facts = " ".join(f"{name}={value}" for name, value in detail.items())
        text = f"{code.text} ({facts})" if facts else code.text
        self._log("EDG-5101", alert=alert, text=text, code=code.label, remedy=code.remedy)

    def raise_for(self, alert: str, failure: EdgeError) -> None:
        self.raise_(alert, failure.code, **failure.detail)

    def withdraw(self, *alerts: str) -> None:
        for alert in alerts:
            if self._raised.pop(alert, None) is not None:
                self._log("EDG-5102", alert=alert)

    def entries(self) -> tuple[AlertEntry, ...]:
        return tuple(self._raised[name] for name in sorted(self._raised))


class Gauge(msgspec.Struct, kw_only=True):
    """What is known at the moment; the courier's parts write it, the status shows it."""

    connected: bool = False
    stopped: bool = False
    last_contact_ns: int = 0
    assurance: str = ""
    newest_checkpoint: int = 0
    countersigned: int = 0
    current: Sending | None = None
    ups: UpsState | None = None


def status_of(station: str, gauge: Gauge, queue: Queue, alerts: Alerts, clock: Clock) -> Status:
    count = queue.count()
    contact = times.format_ns(gauge.last_contact_ns) if gauge.last_contact_ns else ""
    return Status(
        station=station,
        time=times.format_ns(clock.now().wall_ns),
        connected=gauge.connected,
        stopped=gauge.stopped,
        last_contact=contact,
        assurance=gauge.assurance,
        queued=count[State.QUEUED],
        sending=count[State.SENDING],
        delivered=count[State.DELIVERED],
        receipted=count[State.RECEIPTED],
        held=count[State.HELD],
        waiting_bytes=queue.waiting_bytes(),
        newest_checkpoint=gauge.newest_checkpoint,
        countersigned=gauge.countersigned,
        current=gauge.current,
        ups=gauge.ups,
        awaiting_items=tuple(queue.awaiting(AWAITING)),
        held_items=tuple(HeldEntry(recording=item.key, reason=item.reason) for item in queue.held()),
        alerts=alerts.entries(),
    )
