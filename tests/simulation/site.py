"""The place of a history: one host with station and courier, its dock, cameras and persons, and the centre.

Host and centre lose their power, their processes are killed and come back; `init` plays systemd, `mains` the socket.
"""

import asyncio
import contextvars
import hashlib
import random
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from drivers.worker import messages as m
from drivers.worker.serve import WorkerServer
from edged.config import load
from edged.errors import EdgeError, ErrorCode, Fact
from edged.roles.inline_roles import Server
from edged.slots.state import State
from edged.station.station import Station
from firmware_protocol.dock import messages as dm
from simulators.dock import SimDock
from sync.centre.intake import Intake
from sync.config import LogConfig, Settings, SyncConfig
from sync.directory_store import DirectoryDialler
from sync.keep import keep_delivering
from sync.ports import Ports
from sync.queue import Queue
from tests.fakes.memory_fs import MemoryFS, PowerCut
from tests.simulation.chip import CardKind, Chip
from tests.simulation.loop import PROCESS, Process, SimLoop
from tests.simulation.plan import Plan
from tests.simulation.trace import Trace
from tests.simulation.weather import DiskWeather, NetWeather
from tests.world.loop import HostClock
from tests.world.usb import Ghost, MemoryCard, connector
from tests.world.world import (
    CENTRE,
    INBOX,
    LINE_KEY,
    STATE,
    STATION,
    STATION_KEY,
    VAULT,
    SeededRandom,
    World,
)

HOME, STORE = "/home", "/store"
RESTART_S = 5.0  # RestartSec of the units
INTAKE_S = (2.0, 10.0)
HAND_S = 0.5
ASKED_S = 120.0  # then whoever sits at edgectl has given up
T = TypeVar("T")
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


class Witness:
    """Who looks on when something that cannot be undone is about to happen; see `checks`."""

    def clearing(self, camera: str, clips: tuple[m.Clip, ...]) -> None: ...
    def cleared(self, camera: str, clips: tuple[m.Clip, ...]) -> None: ...
    def unlocked(self, slot: int) -> None: ...
    def opened(self, station: Station) -> None: ...
    def after_cut(self) -> None: ...
    def proved(self, recording: str, proof: bytes) -> None: ...


class Site(World):
    """A `World` whose host and centre are played with all that can happen to them."""

    def __init__(self, plan: Plan) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        text = plan.config.encode()
        super().__init__(load(text, "simulation.toml"), text, plan.seed)
        self.plan, self.sim_loop = plan, loop
        self.trace = Trace(loop.time)
        self.witness = Witness()
        self._tear = random.Random(f"tear {plan.seed}")
        self.dice = random.Random(f"world {plan.seed}")
        self.disk = DiskWeather(random.Random(f"disk {plan.seed}"), loop.time, self.halt)
        self.fs.weather = self.disk
        self.disk.spoil = self._spoil
        self._use_watched_dock()
        self.far = MemoryFS()
        self.far_disk = DiskWeather(random.Random(f"far {plan.seed}"), loop.time, self.centre_halts)
        self.far.weather = self.far_disk
        self.far_clock = HostClock(self.time)
        for folder in (HOME, STORE):
            self.far.make_dirs(folder)
        self.net = NetWeather(DirectoryDialler(self.far, HOME), random.Random(f"net {plan.seed}"))
        self.dark, self.far_dark = asyncio.Event(), asyncio.Event()  # without power
        self.dark.set()
        self.off_s, self.far_off_s = 5.0, 5.0
        self.processes: dict[str, tuple[Process, asyncio.Task[None]]] = {}
        self.cuts: Counter[str] = Counter()
        self.next_card: CardKind = "fat16"
        self.boots = 0
        self.refused_starts = 0
        self.crashes: list[str] = []  # what ended a process and is none of the failures that have a code
        self.queue: Queue | None = None
        self.faults: Counter[str] = Counter()
        self.clips = 0  # recorded on the way
        self.late: set[str] = set()  # cameras on which something was put while they sat in their slots
        self.granted_to: dict[int, str] = {}  # slot → for whom its lock was opened last
        self.holders: dict[str, str] = {}  # camera → who took it out of its slot with a badge
        self.taken: dict[str, list[str]] = {}  # camera → all who ever did, in order
        self.torn: Counter[str] = Counter()  # camera → how often it was torn out, or a fault pulled its plug
        self._emptied: dict[int, float] = {}  # slot → when somebody took what was in it
        self.altered: set[str] = set()  # hashes of clips that somebody has altered on their card, before that
        self.flipped: dict[str, str] = {}  # files in which a bit was turned over, and their hash before
        self.images: set[str] = set()  # hashes of all that a scanner ever left in its folder, half or whole
        self.background: set[asyncio.Task[None]] = set()
        self.cut_turn: int | None = None
        loop.watch = self._turn

    def _use_watched_dock(self) -> None:
        """A dock that tells the witness of every lock that opens."""
        dock = WatchedDock(
            slots=len(self.dock.slots),
            key=LINE_KEY,
            clock=self.loop.time,
            nonce=SeededRandom(self.plan.seed + 1).token,
            on_power=lambda slot, on: self.bus.power(f"1-1.{slot}", on),
        )
        dock.on_unlock = lambda slot: self.witness.unlocked(slot)
        self.dock = self.lines["/dev/dock"].device = dock

    # --- the host -----------------------------------------------------------------------------------

    async def mains(self) -> None:
        """Power comes, the host runs, power goes; for ever."""
        while True:
            self.dark.clear()
            units = [
                self._spawn(self._init("edged", self._edged)),
                self._spawn(self._init("edged-sync", self._courier)),
            ]
            try:
                await self.dark.wait()
            finally:
                await _end(*units)
                await self._all_die()
            self.fs.power_cut(self._tear if self.dice.random() < 0.8 else None)
            self.clock.reboot()
            self.off = False
            self.witness.after_cut()
            self.trace("the host is dark", seconds=round(self.off_s, 3))
            await asyncio.sleep(self.off_s)

    async def _init(self, name: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """What systemd does with a unit: start it, and start it again when it has ended."""
        while True:
            await self._live(name, run)
            await asyncio.sleep(RESTART_S)

    async def _live(self, name: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """One life of a process."""
        process = Process(name)
        context = contextvars.copy_context()
        context.run(PROCESS.set, process)
        task = asyncio.create_task(run(), name=name, context=context)
        self.processes[name] = (process, task)
        await asyncio.wait({task})
        alive, process.alive = process.alive, False
        if task.cancelled() or not alive:
            return
        if (error := task.exception()) is not None:
            self.trace(f"{name} ends", why=repr(error)[:300])
            if not isinstance(error, EdgeError | PowerCut):
                self.crashes.append(f"{name}: {''.join(traceback.format_exception(error))}"[-1500:])
            self.refused_starts += isinstance(error, EdgeError)

    async def _edged(self) -> None:
        try:
            station = await self.boot()
            self.boots += 1
            self.witness.opened(station)
            assert self.running is not None
            await asyncio.wait({self.running.task})
            if self.off or not _alive():
                return
            await self.running.task
        finally:
            await self._end()

    def halt(self, *, effects: bool = False) -> None:
        """The host's power goes, now."""
        if self.off or self.dark.is_set():
            return
        self.trace("the power goes")
        self.disk.no_cut()  # what is planned from now on meets the next start
        self.cut_turn = None
        for name in ("edged", "edged-sync"):
            self._dies(name)
        super().halt(effects=effects)
        self.dark.set()

    def _dies(self, name: str) -> None:
        if name in self.processes:
            self.processes[name][0].alive = False

    async def _all_die(self) -> None:
        for name in ("edged", "edged-sync"):
            if name in self.processes:
                await self._is_gone(name)

    async def _is_gone(self, name: str) -> None:
        process, task = self.processes.pop(name)
        process.alive = False
        await _end(task)

    def kill(self, name: str) -> None:
        """SIGKILL: nothing that the process does from now on has an effect."""
        if name not in self.processes:
            return
        self.trace(f"{name} is killed")
        self._dies(name)
        if name == "edged" and self.running is not None:
            self.running.host.dead = True
            for line in self.lines.values():
                if line.link is not None:
                    line.link.die("the daemon was killed")
        self.processes[name][1].cancel()

    def terminate(self, name: str) -> None:
        """SIGTERM."""
        if name == "edged" and self.running is not None:
            self.trace("edged is told to stop")
            self.running.task.cancel()
        elif name == "edged-sync" and name in self.processes:
            self.processes[name][1].cancel()

    def _spoil(self, path: str) -> None:
        """The medium took these bytes and holds others; whoever reads through the page cache does not see it."""
        with suppress(OSError):
            node = self.fs._node(path)
            cached = bytes(node.live)
            if self.fs.flip(path, self.dice.getrandbits(24)):
                node.live[:] = cached
                self.faults["write-spoilt"] += 1
                self.trace("the medium holds other bytes", path=path)

    def _turn(self) -> None:
        if self.cut_turn is not None and self.sim_loop.turns >= self.cut_turn:
            self.cut_turn = None
            self.halt()

    # --- what the station is given ------------------------------------------------------------------

    def _servers(self, host: Ghost) -> Callable[[str], Server]:
        connect = connector(self.bus, host)

        def server(port: str) -> Server:
            watched = WatchedServer(connect(port), "000000", host.owe)
            watched.clearing = lambda clips: self._clears(port, clips, self.witness.clearing)
            watched.cleared = lambda clips: self._clears(port, clips, self.witness.cleared)
            return watched

        return server

    def _clears(
        self, port: str, clips: tuple[m.Clip, ...], tell: Callable[[str, tuple[m.Clip, ...]], None]
    ) -> None:
        slot = int(port.rpartition(".")[2])
        if slot in self.inside and _alive():
            tell(self.inside[slot], clips)

    def _note(self, event: str, /, **fields: Fact) -> None:
        if self.off or not _alive():
            return
        super()._note(event, **fields)
        self.trace(event, **fields)

    # --- the courier --------------------------------------------------------------------------------

    async def _courier(self) -> None:
        ports = Ports(fs=self.fs, clock=self.clock, random=self.random, dialler=self.net, log=self._sync_note)
        sync = SyncConfig(
            host="centre", user=STATION, key_file="/key", host_key=HOST_KEY, **self.plan.sync_settings
        )
        settings = Settings(
            station=STATION,
            ledger=f"{STATE}/ledger",
            vault=VAULT,
            inbox=INBOX,
            sync=sync,
            log=LogConfig(),
        )
        await keep_delivering(settings, ports, self._open_queue, self._hints)

    def _open_queue(self) -> Queue:
        self.queue = Queue(":memory:", self.clock.now().boottime_ns)
        return self.queue

    def _hints(self, hint: Callable[[], None]) -> "Hints":
        return Hints(hint, self.dice)

    def _sync_note(self, event: str, /, **fields: Fact) -> None:
        if not self.off and _alive():
            self.trace(event, **fields)

    # --- the centre ---------------------------------------------------------------------------------

    async def far_mains(self) -> None:
        while True:
            self.far_dark.clear()
            unit = self._spawn(self._init("intake", self._intake))
            try:
                await self.far_dark.wait()
            finally:
                await _end(unit)
                if "intake" in self.processes:
                    await self._is_gone("intake")
            self.far.power_cut(self._tear)
            self.far_disk.no_cut()
            self.net.up = False
            await asyncio.sleep(self.far_off_s)
            self.net.up = True

    async def _intake(self) -> None:
        intake = Intake(
            self.far,
            self.far_clock,
            self._centre_note,
            home=HOME,
            store=STORE,
            station=STATION_KEY.verifier,
            centre=CENTRE,
            server="centre-1",
            level="local",
        )
        while True:
            with suppress(OSError):
                await asyncio.to_thread(intake.scan)
            await asyncio.sleep(self.dice.uniform(*INTAKE_S))

    def centre_halts(self) -> None:
        self.trace("the centre's power goes")
        self.cuts["centre"] += 1
        self._dies("intake")
        self.far_dark.set()

    def _centre_note(self, event: str, /, **fields: Fact) -> None:
        if _alive():
            self.trace(event, **fields)

    # --- hands --------------------------------------------------------------------------------------

    def do(self, work: Coroutine[Any, Any, None]) -> None:
        """Let somebody do something beside everything else."""
        self.background.add(task := self._spawn(work))
        task.add_done_callback(self.background.discard)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """A task of the world, whoever asks for it."""
        context = contextvars.copy_context()
        context.run(PROCESS.set, None)
        return asyncio.create_task(work, context=context)

    def free_slot(self) -> int | None:
        """One that has been empty for as long as a hand needs to change cameras."""
        return next((n for n in self.dock.slots if n not in self.inside and self._is_clear(n)), None)

    def _is_clear(self, slot: int) -> bool:
        return self.loop.time() - self._emptied.get(slot, -HAND_S) >= HAND_S

    def insert(self, name: str, slot: int) -> None:
        super().insert(name, slot)
        self.late.discard(name)
        self.holders.pop(name, None)
        self.trace("put in", camera=name, slot=slot)

    def pull(self, slot: int) -> bool:
        name = self.inside.get(slot, "")
        taken = super().pull(slot)
        if taken:
            self._emptied[slot] = self.loop.time()
            self.trace("taken", camera=name, slot=slot)
        return taken

    def out_by_force(self, slot: int) -> None:
        self.torn[self.inside[slot]] += 1
        super().out_by_force(slot)

    def fault(self, name: str, **faults: Any) -> None:
        """It has these faults and no others; its speed is none."""
        speed = next(camera.bytes_per_s for camera in self.plan.cameras if camera.name == name)
        super().fault(name, **{"bytes_per_s": speed} | faults)

    def away_s(self, slot: int) -> float:
        """How long nothing has been in a slot; 0: something is."""
        return 0.0 if slot in self.inside else self.loop.time() - self._emptied.get(slot, 0.0)

    def _new_card(self) -> MemoryCard:
        return Chip(self.next_card)

    async def ask(self, account: str, verb: str, **params: Any) -> Any:
        """What `edgectl` would have the station do. Raises EdgeError as it does."""
        try:
            async with asyncio.timeout(ASKED_S):
                return await super().ask(account, verb, **params)
        except TimeoutError:  # the daemon has died over it
            raise EdgeError(ErrorCode.CONFLICT, reason="no answer") from None

    def scans(self, name: str, image: bytes) -> None:
        """A scanner leaves this in its folder."""
        self.fs.put(f"/scans/{name}", image, mtime_ns=int(self.loop.time() * 1e9))
        self.images.add(hashlib.sha256(image).hexdigest())

    async def moment(self, test: Callable[[], T], most_s: float = 60.0, step_s: float = 1.0) -> T | None:
        """What ``test`` gives once that is something; None if it does not come to that."""
        for _ in range(int(most_s / step_s)):
            if found := test():
                return found
            await asyncio.sleep(step_s)
        return None

    def in_state(self, *states: State) -> list[int]:
        if self.running is None:
            return []
        return [n for n, unit in self.running.station.units.items() if unit.keeper.state in states]


class WatchedServer(WorkerServer):
    """Tells before and after it clears."""

    clearing: Callable[[tuple[m.Clip, ...]], None] = staticmethod(lambda _: None)
    cleared: Callable[[tuple[m.Clip, ...]], None] = staticmethod(lambda _: None)

    def handle(self, request: m.Request) -> m.Answer:
        if not isinstance(request, m.Clear):
            return super().handle(request)
        self.clearing(request.clips)
        try:
            return super().handle(request)
        finally:
            self.cleared(request.clips)


class WatchedDock(SimDock):
    """Tells when a lock has opened."""

    on_unlock: Callable[[int], None] = staticmethod(lambda _: None)

    def _unlock(self, command: dm.Unlock) -> dm.Result:
        before = self.slots[command.slot].latch
        result = super()._unlock(command)
        if before is not dm.Latch.OPEN and self.slots[command.slot].latch is dm.Latch.OPEN:
            self.on_unlock(command.slot)
        return result


class Hints:
    """What a folder's watch does: it hints now and then, late or never."""

    def __init__(self, hint: Callable[[], None], dice: random.Random) -> None:
        self._hint, self._dice = hint, dice
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(self._dice.uniform(0.5, 20.0), self._fire)

    def _fire(self) -> None:
        self._hint()
        self._timer = self._loop.call_later(self._dice.uniform(0.5, 20.0), self._fire)

    def stop(self) -> None:
        self._timer.cancel()


def _alive() -> bool:
    process = PROCESS.get()
    return process is None or process.alive


async def _end(*tasks: "asyncio.Task[Any]") -> None:
    for task in tasks:
        task.cancel()
    waiting: Awaitable[Any] = asyncio.gather(*tasks, return_exceptions=True)
    await waiting
