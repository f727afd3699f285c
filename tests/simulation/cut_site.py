"""A `Site` that tells of every moment at which its power may go, and takes the cut when told to.

The host's moments: before each call that changes its file system or makes a change durable; when a line of the ledger
is durable and nothing has come of it yet; behind each sector that clearing writes to the camera; when a lock has
opened; before each call that its courier makes at the centre. The centre's: before each call there that changes
something. They are numbered from the power's coming.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from edged.errors import Fact
from edged.station.station import Station
from simulators.usb.camera import Camera
from simulators.usb.disk import LogEntry, SectorWrite
from sync.directory_store import DirectoryDialler
from sync.store import CentreGoneError
from tests.fakes.memory_fs import Folder, MemoryFS, Node
from tests.simulation.cut_kinds import CARD, DELIVERY, LINE, LOCK, OFFLOAD, START, Kinds, Machine
from tests.simulation.loop import PROCESS
from tests.simulation.plan import Plan
from tests.simulation.site import HOME, STORE, Site, WatchedDock
from tests.simulation.weather import CHANGES, DiskWeather, NetWeather

OFF_S = 2.0
_MORE_THAN_FILES = frozenset(
    {OFFLOAD, LINE, CARD, LOCK}
)  # beside them a camera or a dock is asked for something


@dataclass(frozen=True, slots=True)
class Point:
    """A moment: ``number`` of its machine since the power came."""

    machine: Machine
    number: int
    kind: str
    what: str


class CutSite(Site):
    """``reached`` is called at each point; it may call ``cut``."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self.reached: Callable[[Point], None] = lambda _: None
        self.off_s = self.far_off_s = OFF_S
        self.fs, self.far = _Disk(), _Disk()
        self.disk = _Weather(self.disk, self._at_host)
        self.far_disk = _Weather(self.far_disk, self._at_centre)
        self.fs.weather, self.far.weather = self.disk, self.far_disk
        for folder in (HOME, STORE):
            self.far.make_dirs(folder)
        self.net = NetWeather(DirectoryDialler(self.far, HOME), random.Random(f"net {plan.seed}"))
        assert isinstance(self.dock, WatchedDock)
        self.dock.on_unlock = self._opened
        self._kinds = {"host": Kinds("host"), "centre": Kinds("centre")}
        self._next = {"host": 0, "centre": 0}
        self._boots_before, self._looked = 0, False

    @property
    def recovered(self) -> bool:
        """Since the last cut the station has settled what was cut off and is in service, and its courier has looked."""
        return self.boots > self._boots_before and self._looked

    def disk_of(self, machine: Machine) -> "_Disk":
        found = self.fs if machine == "host" else self.far
        assert isinstance(found, _Disk)
        return found

    def left_at(self, point: Point) -> object:
        """Equal to that of the point before: a cut that leaves only what is certain leaves the same world.

        That is so when nothing has happened in between but calls of this file system, in one go: then what differs
        dies with the cut.
        """
        if point.kind in _MORE_THAN_FILES:
            return object()
        other = self.far if point.machine == "host" else self.fs
        chance = (self.dice, self.net.rng, self.random._random, self.sim_loop._rng)
        return (
            self.sim_loop.turns,
            other.steps,
            self.disk_of(point.machine).certain(),
            [rng.getstate() for rng in chance],
        )

    def cut(self, machine: Machine, keeps: random.Random | None, *, with_dock: bool = False) -> None:
        """The power goes, now. The disk keeps what is durable and what ``keeps`` draws of the rest; None: nothing."""
        self.disk_of(machine).keeps = keeps
        self._next[machine] = 0
        if machine == "centre":
            self.net.up = False
            self.centre_halts()
            return
        self._boots_before, self._looked = self.boots, False
        if with_dock:
            self.dock.lose_power()
        self.halt()

    # --- moments ------------------------------------------------------------------------------------

    def _reach(self, machine: Machine, kind: str, what: str) -> None:
        number = self._next[machine]
        self._next[machine] += 1
        self.reached(Point(machine, number, kind, what))

    def _at_host(self, process: str, call: str, path: str) -> None:
        kind = self._kinds["host"].of(process, call, path)
        if process == "edged" and self.boots == self._boots_before:
            kind = START
        self._reach("host", kind, f"{process} {call} {path}")

    def _at_centre(self, process: str, call: str, path: str) -> None:
        what = f"{process} {call} {path}"
        if process == "edged-sync":
            self._reach("host", DELIVERY, what)
        if not self.off:
            self._reach("centre", self._kinds["centre"].of(process, call, path), what)
        if self.far_dark.is_set() and not self.off and process == "edged-sync":
            raise CentreGoneError(reason="the centre's power went")

    async def boot(self) -> Station:
        station = await super().boot()
        station.book.subscribe(lambda line: self._at_moment(LINE, line.type))
        return station

    def _opened(self, slot: int) -> None:
        self.witness.unlocked(slot)
        self._at_moment(LOCK, f"slot {slot}")

    def _at_moment(self, kind: str, what: str) -> None:
        """Something that is no call of a file system has happened to a host that has power."""
        if not self.off:
            self._reach("host", kind, what)

    def add(self, name: str, clips: dict[str, bytes] | None = None, **spec: Any) -> Camera:
        camera = super().add(name, clips, **spec)
        camera.writes = _CardLog(lambda lba: self._at_moment(CARD, f"sector {lba}"))
        return camera

    def _sync_note(self, event: str, /, **fields: Fact) -> None:
        super()._sync_note(event, **fields)
        self._looked = self._looked or (event == "EDG-3102" and not self.off)


class _Disk(MemoryFS):
    """Its next power cut keeps what ``keeps`` draws, whoever asks for what."""

    def __init__(self) -> None:
        super().__init__()
        self.keeps: random.Random | None = None

    def power_cut(self, rng: random.Random | None = None) -> None:
        super().power_cut(self.keeps)

    def all_durable(self) -> bool:
        """Whether a cut now would leave the same, whatever is drawn."""
        return not any(
            folder.changes
            or any(isinstance(entry, Node) and _undecided(entry) for entry in folder.live.values())
            for folder in self._folders.values()
        )

    def certain(self) -> dict[str, tuple[bytes, bool] | None]:
        """What a cut now would leave at least: files with their bytes and whether they are sealed, folders as None."""
        return dict(_certain("", self._root))


def _undecided(node: Node) -> bool:
    return bool(node.dirty) or len(node.durable) != len(node.live)


def _certain(path: str, folder: Folder) -> Iterator[tuple[str, tuple[bytes, bool] | None]]:
    for name, entry in folder.durable.items():
        if isinstance(entry, Folder):
            yield f"{path}/{name}", None
            yield from _certain(f"{path}/{name}", entry)
        else:
            yield f"{path}/{name}", (entry.durable, entry.protected)


class _Weather(DiskWeather):
    """As the weather that it takes the place of; tells of each call that changes something before it is made."""

    def __init__(self, instead_of: DiskWeather, tell: Callable[[str, str, str], None]) -> None:
        super().__init__(instead_of._rng, instead_of._clock, instead_of._on_cut)
        self._tell = tell

    def __call__(self, call: str, path: str) -> None:
        process = PROCESS.get()
        if process is not None and process.alive and call in CHANGES:
            self._tell(process.name, call, path)
        super().__call__(call, path)


class _CardLog(list[LogEntry]):
    """The log of what a camera's card was told to store."""

    def __init__(self, stored: Callable[[int], None]) -> None:
        super().__init__()
        self._stored = stored

    def append(self, entry: LogEntry) -> None:
        super().append(entry)
        if isinstance(entry, SectorWrite):
            self._stored(entry.lba)
