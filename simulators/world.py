"""A whole dock to play a shift against: controller, reader, USB bus, cameras with cards, and the truth.

    async with World.open(folder, slots=8) as world:
        await world.add(CameraSpec(name="cam-1", serial="K000001", usb_serial="BWC0001"))
        await world.record("cam-1", Path("clip.mp4"))
        await world.insert("cam-1", 3)
        world.tap("04a1b2c3")
        await world.take(3)

The daemon under test opens ``world.paths.controller``, ``.reader`` and ``.usb`` like any station's
devices; nothing else of it is known here. The bus is a process of its own. What a person does is a
method; what a thing is like is set with ``change``; ``truth()`` is what nobody may lose.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from firmware_protocol.dock.messages import Buzzer, Colour, Latch, Pattern
from firmware_protocol.reader.messages import CardKind
from firmware_protocol.session import KEY_SIZE
from simulators.cards import Card, Filesystem
from simulators.dock import SimDock
from simulators.pty import PtyPort
from simulators.reader import SimReader
from simulators.usb.bus import BusError
from simulators.usb.control import BusStatus
from simulators.usb.hostile import DEVICES
from simulators.usb.remote import RemoteBus, bus_process, departures
from simulators.usb.server import ZONE, HostTime
from simulators.usb.spec import CameraChanges, CameraSpec

POLL_S = 0.25  # how often charge and charging current follow each other
LOOK_S = 0.02  # how often somebody who waits looks at the slot
FULL_MA, TRICKLE_MA, IDLE_MA = 900, 120, 20  # of a camera's charger: up to 90 %, above, when full
CLIP_DIR = "/DCIM/100MEDIA"


class WorldError(ValueError):
    """What was asked for cannot be done with these hands: a locked slot, a camera that is elsewhere."""


@dataclass(frozen=True, slots=True)
class Paths:
    """What a station's configuration names, all in the world's folder."""

    folder: Path

    @property
    def controller(self) -> Path:
        return self.folder / "dock.tty"

    @property
    def reader(self) -> Path:
        return self.folder / "reader.tty"

    @property
    def counters(self) -> Path:
        return self.folder / "dock.counters"

    @property
    def usb(self) -> Path:
        return self.folder / "usb.sock"

    @property
    def controller_key(self) -> Path:
        return self.folder / "dock.key"

    @property
    def reader_key(self) -> Path:
        return self.folder / "reader.key"

    def card(self, camera: str) -> Path:
        return self.folder / "cards" / f"{camera}.img"


@dataclass(frozen=True, slots=True)
class Made:
    """One recording that a camera ever made, whatever became of it."""

    camera: str
    serial: str
    path: str  # on the card, with a leading slash
    size: int
    sha256: str
    mtime: datetime  # by the camera's own clock
    true_time: datetime  # local


@dataclass(frozen=True, slots=True)
class Light:
    colour: Colour
    pattern: Pattern
    buzzer: Buzzer


@dataclass(slots=True)
class _Owned:
    """A camera and what the world remembers of it."""

    spec: CameraSpec
    made: list[Made] = field(default_factory=list)


class World:
    """See the module. One event loop; made by ``open``."""

    def __init__(self, paths: Paths, dock: SimDock, reader: SimReader, bus: RemoteBus, zone: str) -> None:
        self.paths, self.dock, self.reader, self.bus = paths, dock, reader, bus
        self.inside: dict[int, str] = {}  # slot → camera that sits in it
        self._moving: set[int] = set()  # slots whose plug is on its way to the bus
        self.trouble: list[BaseException] = []  # of tasks behind the scenes; empty in a good run
        self.lines: dict[str, PtyPort] = {}  # "dock" and "reader": to be unplugged and plugged
        self._cameras: dict[str, _Owned] = {}
        self._truth: list[Made] = []
        self._time = HostTime(zone)
        self._tasks: set[asyncio.Task[None]] = set()
        self._errands: set[asyncio.Task[None]] = set()  # of the tasks, those that will end
        self._load: dict[int, int] = {}
        self._charging: dict[int, bool] = {}
        dock.on_power = self._power
        for number, slot in dock.slots.items():
            slot.load = self._load_of(number)

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path, *, slots: int = 8, zone: str = ZONE) -> AsyncIterator["World"]:
        """Make keys and lines in ``folder`` (what is there of an earlier world stays) and run the dock."""
        paths = Paths(folder)
        (folder / "cards").mkdir(parents=True, exist_ok=True)
        clock = asyncio.get_running_loop().time
        dock = SimDock(slots=slots, key=_key(paths.controller_key), clock=clock, nonce=os.urandom)
        _recall(dock, paths.counters)
        reader = SimReader(key=_key(paths.reader_key), clock=clock, nonce=os.urandom)
        async with AsyncExitStack() as stack:
            bus = await stack.enter_async_context(bus_process(paths.usb, slots, zone))
            world = cls(paths, dock, reader, bus, zone)
            stack.push_async_callback(world._stop)
            for device, path in ((dock, paths.controller), (reader, paths.reader)):
                world.lines[path.stem] = await stack.enter_async_context(PtyPort.serve(device, path))
            world._spawn(world._follow_bus())
            world._spawn(world._follow_charge())
            world._spawn(world._follow_counters())
            yield world

    # --- cameras on the table --------------------------------------------------------------------------

    async def add(
        self, spec: CameraSpec, *, filesystem: Filesystem = "fat32", size_bytes: int = 256 << 20
    ) -> CameraSpec:
        """A new camera with a freshly formatted card, unless the spec names one or it is no camera."""
        if not spec.card and spec.kind not in DEVICES:
            path = self.paths.card(spec.name)
            volume = int.from_bytes(hashlib.sha256(spec.name.encode()).digest()[:4], "big")
            await asyncio.to_thread(Card.format, path, filesystem, size_bytes, volume_id=volume)
            spec = msgspec.structs.replace(spec, card=str(path))
        await self.bus.add(spec)
        self._cameras[spec.name] = _Owned(spec)
        return spec

    async def record(
        self, camera: str, source: Path | bytes, name: str = "", *, while_docked: bool = False
    ) -> Made:
        """The camera makes a recording: a file on its card, dated by its own clock.

        Args:
            name: path on the card; else the next of CLIP0001.MP4 and so on.
            while_docked: also in the dock, as a camera that does not stop; nobody else may write then.

        Raises WorldError: it sits in the dock, or has no card. OSError(ENOSPC): its card is full.
        """
        owned = self._owned(camera)
        if not while_docked and (slot := self.slot_of(camera)) is not None:
            raise WorldError(f"{camera} sits in slot {slot}; a card has one writer at a time")
        status = next(one for one in (await self.bus.status()).cameras if one.name == camera)
        if not status.card:
            raise WorldError(f"{camera} has no card")
        now = self._time.local()
        mtime = (now + timedelta(seconds=status.clock_error_s)).replace(microsecond=0)
        path = name or f"{CLIP_DIR}/CLIP{len(owned.made) + 1:04d}.MP4"
        await asyncio.to_thread(Card.open(Path(status.card)).add, path, source, mtime)
        size, digest = await asyncio.to_thread(_measure, source)
        made = Made(camera, status.serial, "/" + path.strip("/"), size, digest, mtime, now)
        owned.made.append(made)
        self._truth.append(made)
        return made

    def truth(self) -> tuple[Made, ...]:
        """Every recording ever made, oldest first."""
        return tuple(self._truth)

    def card(self, camera: str) -> Card:
        """What lies on its card now. Read it only: while it is docked the station may write."""
        return Card.open(Path(self._owned(camera).spec.card))

    async def change(self, camera: str, **changes: Any) -> None:
        """Set members of CameraChanges. Raises WorldError, BusError, msgspec.ValidationError."""
        self._owned(camera)
        await self.bus.set(camera, CameraChanges(**changes))

    # --- hands -----------------------------------------------------------------------------------------

    async def insert(self, camera: str, slot: int) -> None:
        """Push a camera into a slot; the lock snaps over it. Raises WorldError."""
        self._owned(camera)
        self._slot(slot)
        if slot in self.inside:
            raise WorldError(f"slot {slot} holds {self.inside[slot]}")
        if (other := self.slot_of(camera)) is not None:
            raise WorldError(f"{camera} sits in slot {other}")
        self.inside[slot] = camera
        self._charging[slot] = True
        self._moving.add(slot)
        try:
            self.dock.insert(slot)
            await self.bus.plug(_port(slot), camera)
        finally:
            self._moving.discard(slot)

    async def pull(self, slot: int, *, force: bool = False) -> str:
        """Take the camera out and return which. Raises WorldError: the slot is empty, or locked."""
        self._slot(slot)
        camera = self.inside.get(slot)
        if camera is None:
            raise WorldError(f"slot {slot} is empty")
        if force:
            self.dock.tear_out(slot)
        elif not self.dock.pull(slot):
            raise WorldError(f"slot {slot} is locked: {camera} does not come out without force")
        del self.inside[slot]
        await self.bus.unplug(_port(slot))
        return camera

    def tap(self, uid: str, kind: CardKind = CardKind.DESFIRE_ID) -> bool:
        """Hold a badge (hex digits) to the reader. False: no host listens, the tap is lost."""
        self.reader.present(bytes.fromhex(uid), kind)
        return self.reader.in_session

    async def take(self, slot: int | None = None, within_s: float = 20.0) -> tuple[int, str]:
        """Wait as an officer does until the slot (or any) unlocks, and take the camera: slot, camera.

        Raises TimeoutError: nothing unlocked in time.
        """
        slots = list(self.dock.slots) if slot is None else [slot]
        async with asyncio.timeout(within_s):
            while True:
                for number in slots:
                    if self.dock.slots[number].latch is Latch.OPEN and number in self.inside:
                        return number, await self.pull(number)
                await asyncio.sleep(LOOK_S)

    # --- what one sees ---------------------------------------------------------------------------------

    def leds(self) -> dict[int, Light]:
        return {n: Light(s.colour, s.pattern, s.buzzer) for n, s in self.dock.slots.items()}

    def slot_of(self, camera: str) -> int | None:
        return next((slot for slot, name in self.inside.items() if name == camera), None)

    async def status(self) -> BusStatus:
        return await self.bus.status()

    async def settled(self) -> None:
        """Wait until the bus has followed everything the controller has switched."""
        while self._errands:
            await asyncio.wait(set(self._errands))

    @property
    def cameras(self) -> tuple[str, ...]:
        return tuple(self._cameras)

    # --- behind the scenes -----------------------------------------------------------------------------

    def _owned(self, camera: str) -> _Owned:
        if camera not in self._cameras:
            raise WorldError(f"there is no camera {camera!r}; there are {', '.join(self._cameras) or 'none'}")
        return self._cameras[camera]

    def _slot(self, slot: int) -> None:
        if slot not in self.dock.slots:
            raise WorldError(f"there is no slot {slot}; there are 1 to {len(self.dock.slots)}")

    def _power(self, slot: int, on: bool) -> None:
        """The controller switched a slot: its USB port follows."""
        task = self._spawn(self.bus.power(_port(slot), on))
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    def _load_of(self, slot: int) -> Callable[[], int]:
        return lambda: self._load.get(slot, 0)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.trouble.append(error)

    async def _stop(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
            with suppress(asyncio.CancelledError, BusError, OSError):
                await task

    async def _follow_bus(self) -> None:
        async for _ in departures(self.paths.usb):
            self._reconcile(await self.bus.status())

    def _reconcile(self, status: BusStatus) -> None:
        """A fault that pulled a plug in the bus process: then the camera is out of its slot as well."""
        empty = {port.port for port in status.ports if port.camera is None}
        for slot in tuple(self.inside):
            if _port(slot) in empty and slot not in self._moving:
                del self.inside[slot]
                self.dock.tear_out(slot)

    async def _follow_charge(self) -> None:
        """Current follows charge, and charging follows what the controller lets through."""
        while True:
            await asyncio.sleep(POLL_S)
            for slot in tuple(self.inside):
                await self._follow_charging(slot)
            status = await self.bus.status()
            self._reconcile(status)
            self._follow_current(status)

    async def _follow_counters(self) -> None:
        """A board keeps its counters without power: the next world in this folder goes on with them."""
        kept = ""
        while True:
            counters = _counters(self.dock)
            if counters != kept:
                await asyncio.to_thread(_keep, self.paths.counters, counters)
                kept = counters
            await asyncio.sleep(POLL_S)

    async def _follow_charging(self, slot: int) -> None:
        wanted = self.dock.slots[slot].charging
        if self._charging.get(slot) != wanted:
            self._charging[slot] = wanted
            await self.bus.charge(_port(slot), wanted)

    def _follow_current(self, status: BusStatus) -> None:
        levels = {camera.name: camera.battery for camera in status.cameras}
        loads = {slot: _current(levels[name]) for slot, name in self.inside.items() if name in levels}
        if loads != self._load:
            self._load = loads
            self.dock.changed()


def _current(level: float) -> int:
    """What a charger draws, mA."""
    if level >= 100:
        return IDLE_MA
    return FULL_MA if level < 90 else TRICKLE_MA


def _port(slot: int) -> str:
    return f"1-1.{slot}"


def _key(path: Path) -> bytes:
    """The key shared with a device; made at the first start."""
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(KEY_SIZE))
    return path.read_bytes()


def _counters(dock: SimDock) -> str:
    return f"{dock.memory.unlocks} {dock.memory.insertions} {dock.memory.boots}\n"


def _keep(path: Path, text: str) -> None:
    new = path.with_name(f"{path.name}.new")
    new.write_text(text)
    new.replace(path)


def _recall(dock: SimDock, kept: Path) -> None:
    if kept.exists():
        unlocks, insertions, boots = map(int, kept.read_text().split())
        dock.memory.unlocks, dock.memory.insertions = unlocks, insertions
        dock.memory.boots += boots


def _measure(source: Path | bytes) -> tuple[int, str]:
    if isinstance(source, bytes):
        return len(source), hashlib.sha256(source).hexdigest()
    with source.open("rb") as file:
        return source.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()
