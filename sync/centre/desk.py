"""What both halves of the intake share: where a station's things lie, who signs, what went wrong.

    <home>/…                                as in docs/architecture.md: what the station may write
    <store>/<station>/intake.json           how far the ledger is verified (replaced atomically)
    <store>/<station>/ledger/…              copy of the station's ledger, checkpoints countersigned
    <store>/<station>/recordings/<yyyy>/<mm>/<dd>/<recording>/content.<ext>, manifest.note, receipt.note
    <store>/<station>/forks/                pieces and checkpoints of another history: while one lies here,
                                            nothing more is countersigned
    <store>/<station>/lost/                 our own countersignatures that are newer than the store
    <store>/<station>/alerts/<alert>.json   what a person should look at

So ``<store>/<station>`` has the form of a station's own folders, and ``edgectl verify`` reads both.
"""

from dataclasses import dataclass, field

import msgspec

from edged.errors import Fact
from edged.formats import times
from edged.formats.checkpoint import ORIGIN_PREFIX
from edged.formats.fields import ServerLevel
from edged.formats.note import Signer, Verifier
from edged.ports import Clock, FileSystem, Log
from sync.files import names, read_or_none, replace_file

ASIDE_LIMIT = 3  # spoilt arrivals of one name before it is refused
TORN_LIMIT = 100  # the same of small files that power cuts here have torn: no fault of the sender


class CentreAlert(msgspec.Struct, frozen=True, kw_only=True):
    """One file in ``alerts``; it stays until a person removes it."""

    alert: str
    since: str
    last: str
    count: int
    detail: dict[str, Fact] = {}


@dataclass(slots=True)
class Summary:
    """What one pass did."""

    pieces: list[str] = field(default_factory=list)
    countersigned: int = 0  # size of the newest checkpoint that bears our signature
    placed: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One station's desk at the centre. Several stations never share anything below ``folder``."""

    fs: FileSystem
    clock: Clock
    log: Log
    home: str
    store: str
    station: Verifier
    centre: Signer
    server: str
    level: ServerLevel
    summary: Summary = field(default_factory=Summary)

    @property
    def station_id(self) -> str:
        return self.station.name.removeprefix(ORIGIN_PREFIX)

    @property
    def folder(self) -> str:
        return f"{self.store}/{self.station_id}"

    def now(self) -> str:
        return times.format_ns(self.clock.now().wall_ns)

    def make_durable(self, folder: str) -> None:
        """Sync the names in ``folder`` and in those above it, up to the store. OSError.

        What lies under its final name need not be durable: the pass that put it there may have failed to sync
        it, or was killed before. So this comes before anything is signed that relies on it.
        """
        while folder.startswith(self.store):
            self.fs.sync_dir(folder)
            folder = folder.rpartition("/")[0]

    def set_aside(self, path: str, limit: int = ASIDE_LIMIT) -> bool:
        """Move what arrived spoilt out of the way, so that it can be sent again; nothing of it is lost.

        Returns False, with nothing moved, once that was done ``limit`` - 1 times for this name. OSError.
        """
        folder, _, name = path.rpartition("/")
        before = sum(other.startswith(f"{name}.differs.") for other in names(self.fs, folder))
        if before + 1 >= limit:
            return False
        self.fs.rename(path, f"{path}.differs.{before + 1}")
        self.fs.sync_dir(folder)
        return True

    def alert(self, alert: str, **detail: Fact) -> None:
        """Write the alert's file; the first time and how often are kept. OSError."""
        now = self.now()
        before = read_or_none(self.fs, f"{self.folder}/alerts/{alert}.json")
        try:
            old = msgspec.json.decode(before, type=CentreAlert) if before else None
        except (ValueError, RecursionError):  # what msgspec raises
            old = None
        since, count = (old.since, old.count + 1) if old else (now, 1)
        entry = CentreAlert(alert=alert, since=since, last=now, count=count, detail=detail)
        replace_file(self.fs, f"{self.folder}/alerts", f"{alert}.json", msgspec.json.encode(entry) + b"\n")
        self.summary.alerts.append(alert)
        if old is None:
            reason = ", ".join(f"{name}={value}" for name, value in detail.items())
            self.log("EDG-3205", alert=alert, station=self.station_id, reason=reason)
