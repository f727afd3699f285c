"""What the maintenance journal lacks: planned works whose interval is over, updates that no works announce. Pure.

Rule 1: an interval runs from the end of the last works of its entry; before the first, from the commissioning.
Rule 2: an update is another version than the last one of the same part: the station's own, as it starts, and a dock
controller's, as it connects. A camera tells no version: what stands for it is how it describes itself on the bus.
Rule 3: works announce every update of their entry while they go on; and one after them, if there was none meanwhile:
some are seen at the next start only. Works on cameras announce what has changed of each since its docking before them.
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
"""The part that the station's own software is; dock controllers and cameras are named by their serial numbers."""
CAMERAS = "update-camera"
SHORT = 16  # digits of a hash that tell two apart, as a person reads them


@dataclass(frozen=True, slots=True)
class Update:
    """That none announced."""

    entry: str
    before: str
    now: str


@dataclass(frozen=True, slots=True)
class Docked:
    """How a camera described itself when it was docked last, and after how many works of the entry CAMERAS."""

    told: str
    works: int


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
    docked: Mapping[str, "Docked"] = field(default_factory=dict)  # by camera
    camera_works: int = 0  # of the entry CAMERAS that have ended
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
            case f.CameraDocked(camera=camera, known=True, descriptor_sha256=told) if camera:
                return self._docked(camera, told[:SHORT])
            case _:
                return self

    def _docked(self, camera: str, told: str) -> "Upkeep":
        now, before = Docked(told, self.camera_works), self.docked.get(camera)
        if before == now:
            return self
        seen = replace(self, docked={**self.docked, camera: now})
        if before is None or before.told == told:
            return seen
        if CAMERAS in self.going_on.values() or before.works < self.camera_works:
            return seen
        return seen._unannounced(camera, Update(CAMERAS, before.told, told))

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
        entry = self.going_on[works]
        return replace(
            self,
            going_on={other: kind for other, kind in self.going_on.items() if other != works},
            ended={**self.ended, entry: at},
            camera_works=self.camera_works + (entry == CAMERAS),
        )

    def _seen(self, part: str, entry: str, version: str) -> "Upkeep":
        before = self.versions.get(part)
        if before == version:
            return self
        seen = replace(self, versions={**self.versions, part: version})
        if before is None:  # met for the first time
            return seen
        if entry in self.announced or entry in self.going_on.values():
            return replace(seen, announced=self.announced - {entry})
        return seen._unannounced(part, Update(entry, before, version))

    def _unannounced(self, part: str, update: Update) -> "Upkeep":
        before = self.unannounced.get(part, update).before  # of the first of several
        return replace(self, unannounced={**self.unannounced, part: replace(update, before=before)})


def works_due(upkeep: Upkeep, now_ns: int) -> Iterator[Due]:
    """Yield the planned works of the operating manual whose interval is over."""
    for entry, planned in ENTRIES.items():
        since = upkeep.ended.get(entry, upkeep.commissioned)
        if planned.every_days and since and now_ns >= times.parse_ns(since) + planned.every_days * DAY_NS:
            yield Due(entry, since, planned.every_days)
