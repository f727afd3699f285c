"""What the maintenance journal lacks: planned works whose interval is over, updates that no works announce. Pure.

Rule 1: an interval runs from the end of the last works of its entry; before the first, from the commissioning.
Rule 2: an update is another version than the last one of the same part: the station's own, as it starts, and a dock
controller's, as it connects. No fact tells what a camera runs. Rule 3: works announce every update of their entry while
they go on; and one after them, if there was none meanwhile: some are seen at the next start only.
Rule 4: an update that none announced stays in want of works until some of its entry are entered.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from edged.formats import facts as f
from edged.formats import shift_facts as sf
from edged.formats import times
from edged.formats.line import Line
from edged.shift.manual import ENTRIES

DAY_NS = 24 * 3_600_000_000_000
STATION = "station"
"""The part that the station's own software is; a dock controller is named by its serial number."""


@dataclass(frozen=True, slots=True)
class Update:
    """That none announced."""

    entry: str
    before: str
    now: str


@dataclass(frozen=True, slots=True)
class Due:
    """Planned works whose interval is over."""

    entry: str
    since: str
    every_days: int


@dataclass(frozen=True, slots=True)
class Upkeep:
    """See the rules at the top. A value: what somebody has read of it never changes."""

    commissioned: str = ""
    going_on: Mapping[str, str] = field(default_factory=dict)  # works → their entry
    ended: Mapping[str, str] = field(default_factory=dict)  # entry → end of its last works
    announced: frozenset[str] = frozenset()  # entries whose last works have seen no update yet
    versions: Mapping[str, str] = field(default_factory=dict)  # part → what it runs
    unannounced: Mapping[str, Update] = field(default_factory=dict)  # by part

    def after(self, line: Line) -> "Upkeep":
        """Return what it is after one more durable line."""
        match line.fact:
            case f.StationCommissioned():
                return replace(self, commissioned=line.time)
            case sf.WorksOpened(works=works, entry=entry):
                return self._opened(works, entry)
            case sf.WorksClosed(works=works) if works in self.going_on:
                return self._closed(works, line.time)
            case f.StationStarted(version=version):
                return self._seen(STATION, "update-station", version)
            case f.DockConnected(serial=serial, firmware=firmware):
                return self._seen(serial, "update-dock", firmware)
            case _:
                return self

    def _opened(self, works: str, entry: str) -> "Upkeep":
        others = {part: update for part, update in self.unannounced.items() if update.entry != entry}
        told_late = len(others) < len(self.unannounced)
        return replace(
            self,
            going_on={**self.going_on, works: entry},
            announced=self.announced - {entry} if told_late else self.announced | {entry},
            unannounced=others,
        )

    def _closed(self, works: str, at: str) -> "Upkeep":
        others = {other: entry for other, entry in self.going_on.items() if other != works}
        return replace(self, going_on=others, ended={**self.ended, self.going_on[works]: at})

    def _seen(self, part: str, entry: str, version: str) -> "Upkeep":
        before = self.versions.get(part)
        if before == version:
            return self
        seen = replace(self, versions={**self.versions, part: version})
        if before is None:  # met for the first time
            return seen
        if entry in self.announced or entry in self.going_on.values():
            return replace(seen, announced=self.announced - {entry})
        first = self.unannounced[part].before if part in self.unannounced else before
        return replace(seen, unannounced={**self.unannounced, part: Update(entry, first, version)})


def works_due(upkeep: Upkeep, now_ns: int) -> Iterator[Due]:
    """Yield the planned works of the operating manual whose interval is over."""
    for entry, planned in ENTRIES.items():
        since = upkeep.ended.get(entry, upkeep.commissioned)
        if planned.every_days and since and now_ns >= times.parse_ns(since) + planned.every_days * DAY_NS:
            yield Due(entry, since, planned.every_days)
