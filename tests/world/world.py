"""See the package. What hands, badges, accidents and the centre do; and the checks at the end of every story."""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import msgspec

from drivers.base import ByteLink
from drivers.notify import Progress
from drivers.openssl_cms import OpensslCms
from drivers.worker.serve import WorkerServer
from edged.app import open_station
from edged.config import Config, load
from edged.control.calls import Call
from edged.control.verbs import HANDLERS
from edged.errors import EdgeError, Fact
from edged.events import EVENTS
from edged.formats import facts as f
from edged.formats.checkpoint import origin_of
from edged.formats.note import Signer
from edged.ledger.book import Book
from edged.ledger.verify import verify_ledger
from edged.projections.memory import MemoryStore
from edged.projections.store import entry_of
from edged.roles.inline_roles import InlineRoles, Server
from edged.slots.state import State
from edged.station.recovery import fold
from edged.station.slot_unit import SlotUnit
from edged.station.station import Outside, Secrets, Station
from edged.station_state import Recording
from edged.vault.vault import create_vault
from edged.verbs import authorise
from firmware_protocol.dock.messages import Latch
from firmware_protocol.reader.messages import CardKind
from simulators.dock import SimDock
from simulators.faults import UsbFaults
from simulators.faulty_link import Line
from simulators.reader import SimReader
from simulators.usb.bus import Enumerated, UsbBus
from simulators.usb.camera import Camera
from simulators.usb.spec import CameraChanges, CameraSpec
from tests.fakes.memory_fs import MemoryFS, PowerCut
from tests.world import persons as people
from tests.world.centre import Centre
from tests.world.loop import HostClock, VirtualLoop, WorldTime
from tests.world.usb import BusHotplug, Ghost, MemoryCard, connector

STATION = "post-7"
STATE, VAULT, INBOX, ROSTER = "/state", "/vault", "/inbox", "/etc/roster.note"
SCHEDULE = "/etc/schedule.note"
AUTHORITY = Signer.from_seed("authority", b"a" * 32)
CENTRE = Signer.from_seed("centre-1", b"c" * 32)
STATION_KEY = Signer.from_seed(origin_of(STATION), b"s" * 32)
LINE_KEY = bytes(range(32))
FOLDER = "/DCIM/100MEDIA"
LISTED = ("K000001", "K000002", "K000003")


class SeededRandom:
    """`edged.ports.Random`, the same in every run."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def token(self, size: int) -> bytes:
        return self._random.randbytes(size)

    def uniform(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)


class HostOff(Exception):
    """A story waited for something, and the host lost its power."""


@dataclass(frozen=True, slots=True)
class Made:
    """One recording that a camera ever made."""

    camera: str
    path: str
    sha256: str


@dataclass(slots=True)
class Running:
    """One run of the daemon, from its start to its end."""

    station: Station
    task: "asyncio.Task[None]"
    host: Ghost
    store: MemoryStore
    hotplug: BusHotplug


class World:
    """See the module. Made by ``open``; everything is public, a story looks where it likes."""

    def __init__(self, config: Config, text: bytes, seed: int) -> None:
        self.config, self.text = config, text
        self.config_file = ""  # in ``fs``; set before the start, for who asks whether it has changed
        self.fs = MemoryFS()
        self.log: list[tuple[str, dict[str, Fact]]] = []
        self.made: list[Made] = []
        self.signer = STATION_KEY  # that the next run finds
        self.cards: dict[str, MemoryCard] = {}
        self.inside: dict[int, str] = {}  # slot → camera
        self.defects_expected = False
        self.off = False  # between a power cut and the next start
        self.running: Running | None = None
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop), "a world lives in virtual time: see @story"
        self.loop, self.time = loop, WorldTime(loop)
        self.clock = HostClock(self.time)
        slots = sum(len(dock.slots) for dock in self.config.dock)
        self.bus = UsbBus(self.time, loop.call_later, ports=max(8, slots))
        self.random = SeededRandom(seed)
        self.dock = SimDock(
            slots=slots,
            key=LINE_KEY,
            clock=loop.time,
            nonce=SeededRandom(seed + 1).token,
        )
        self.dock.on_power = lambda slot, on: self.bus.power(f"1-1.{slot}", on)
        self.reader = SimReader(key=LINE_KEY, clock=loop.time, nonce=SeededRandom(seed + 2).token)
        self.lines = {"/dev/dock": Line(self.dock), "/dev/reader": Line(self.reader)}
        self.centre = Centre(HostClock(self.time), CENTRE, STATION_KEY.verifier)
        self._post: asyncio.Task[None] | None = None
        self._follow = self._departed
        self.bus.listen(self._follow)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, *, slots: int = 2, seed: int = 1, boot: bool = True, **settings: str
    ) -> AsyncIterator["World"]:
        """A commissioned station with its centre, running. At the end it is stopped and everything is checked.

        Args:
            settings: more lines for a section of the configuration: ``access="grant_open_s = 3"``; ``reserve`` names
                a reserve camera, ``more`` is text at its end.
        """
        text = _toml(slots, settings).encode()
        world = cls(load(text, "world.toml"), text, seed)
        await world._commission()
        world._post = asyncio.create_task(world._carry(), name="post")
        try:
            if boot:
                await world.boot()
            yield world
            await world.stop()
            await world.check()
        finally:
            world._post.cancel()
            await world._end()

    # --- the daemon -----------------------------------------------------------------------------------

    @property
    def station(self) -> Station:
        assert self.running is not None, "the daemon does not run"
        return self.running.station

    async def boot(self) -> Station:
        """Start the daemon on what lies on the disk. Raises EdgeError as it does."""
        host, store, hotplug = Ghost(), MemoryStore(), BusHotplug(self.bus)
        outside = self._outside(host, store, hotplug)
        secrets = Secrets(
            signer=self.signer,
            badge=people.BADGE_KEY,
            lines={"/keys/dock.key": LINE_KEY, "/keys/reader.key": LINE_KEY},
        )
        station = await open_station(self.config, self.text, outside, secrets, file=self.config_file)
        ready = asyncio.Event()
        task = asyncio.create_task(station.run(ready.set), name="station")
        self.running = Running(station, task, host, store, hotplug)
        waiting = asyncio.create_task(ready.wait())
        try:
            await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if task.done():
            await self._end()
            task.result()
        return station

    def _outside(self, host: Ghost, store: MemoryStore, hotplug: BusHotplug) -> Outside:
        return Outside(
            fs=self.fs,
            clock=self.clock,
            random=self.random,
            log=self._note,
            roles=InlineRoles(self.fs, self._servers(host), host.pause),
            hotplug=hotplug,
            store=store,
            open_serial=self._open_serial,
            cms=OpensslCms(),
            progress=Progress(self.clock),
        )

    def _servers(self, host: Ghost) -> Callable[[str], Server]:
        """For a port, what talks to the device that is there then."""
        connect = connector(self.bus, host)
        return lambda port: WorkerServer(connect(port), "000000", host.owe)

    async def stop(self) -> None:
        """SIGTERM."""
        await self._end()

    async def crash(self, *, effects: bool = False) -> None:
        """The host loses power now; what was not durable is gone. ``effects``: its devices still hear
        what the dying process sends until the disk refuses."""
        self.halt(effects=effects)
        await self._end()
        self.fs.power_cut()
        self.clock.reboot()
        self.off = False

    def halt(self, *, effects: bool = False) -> None:
        """The moment of the cut: from here on nothing reaches the disk, nor, without ``effects``, a device."""
        self.off, self.fs.cut_after = True, self.fs.steps
        if self.running is not None and not effects:
            self.running.host.dead = True
            for line in self.lines.values():
                if line.link is not None:
                    line.link.die("the host is off")

    async def _end(self) -> None:
        running, self.running = self.running, None
        if running is None:
            return
        running.task.cancel()
        with suppress(asyncio.CancelledError, PowerCut, EdgeError):
            await running.task
        await running.hotplug.close()
        for line in self.lines.values():
            if line.link is not None:
                line.link.die("the daemon is gone")

    async def _open_serial(self, path: str) -> ByteLink:
        return await self.lines[path].open()

    def _note(self, event: str, /, **fields: Fact) -> None:
        if self.off:
            return
        EVENTS[event].sentence(fields)  # a call that the catalogue does not know fails the story
        self.log.append((event, fields))

    async def _commission(self) -> None:
        self.fs.make_dirs(STATE)
        create_vault(self.fs, VAULT, station=STATION, random=self.random)
        fact = f.StationCommissioned(
            station=STATION,
            customs_body=people.BODY,
            post=people.POST,
            station_key=str(STATION_KEY.verifier),
            authority_key=str(AUTHORITY.verifier),
            centre_key=str(CENTRE.verifier),
            version="0.1.0",
        )
        book = await Book.create(self.fs, f"{STATE}/ledger", self.clock, fact)
        await book.close()
        self.publish(people.roster(AUTHORITY, 1))

    # --- the centre -----------------------------------------------------------------------------------

    def publish(self, document: bytes, path: str = ROSTER) -> None:
        """Somebody puts this file where the station looks for its roster, or for its duty schedule."""
        self.fs.put(path, document)

    def deliver(self) -> None:
        self.centre.deliver(self.fs, STATE, VAULT, INBOX)

    async def _carry(self) -> None:
        while True:
            await asyncio.sleep(2.0)
            self.deliver()

    # --- cameras --------------------------------------------------------------------------------------

    def add(self, name: str, clips: dict[str, bytes] | None = None, **spec: Any) -> Camera:
        """A camera on the table; its serial number is its name unless said otherwise."""
        self.cards[name] = self._new_card()
        known = {"serial": name, "usb_serial": f"USB-{name}"} | spec
        camera = self.bus.add(CameraSpec(name=name, **known), self.cards[name].image)
        for clip, content in (clips or {}).items():
            self.record(name, clip, content)
        return camera

    def _new_card(self) -> MemoryCard:
        return MemoryCard()

    def record(self, name: str, clip: str, content: bytes) -> None:
        """The camera makes a recording."""
        path = clip if clip.startswith("/") else f"{FOLDER}/{clip}"
        moment = self.bus.camera(name).clock()
        self.cards[name].add(path, content, moment.replace(microsecond=0))
        self.made.append(Made(name, path, hashlib.sha256(content).hexdigest()))

    def replace_card(self, name: str) -> None:
        """An empty card instead of the one inside; a formatted one looks the same."""
        self.cards[name].replace()

    def change(self, name: str, **changes: Any) -> None:
        self.bus.camera(name).change(CameraChanges(**changes))

    def fault(self, name: str, **faults: Any) -> None:
        self.change(name, faults=UsbFaults(**faults))

    def aboard(self, name: str) -> list[str]:
        return [path.rpartition("/")[2] for path in self.cards[name].names()]

    # --- hands ----------------------------------------------------------------------------------------

    def insert(self, name: str, slot: int) -> None:
        assert slot not in self.inside, f"slot {slot} holds {self.inside[slot]}"
        self.inside[slot] = name
        self.dock.insert(slot)
        self.bus.plug(f"1-1.{slot}", name)

    def pull(self, slot: int) -> bool:
        """Take the camera out, if the lock lets it go."""
        if not self.dock.pull(slot):
            return False
        del self.inside[slot]
        self.bus.unplug(f"1-1.{slot}")
        return True

    async def swap(self, slot: int, name: str, away_s: float) -> None:
        """Another camera on the same contact, faster than the contact notices."""
        del self.inside[slot]
        self.bus.unplug(f"1-1.{slot}")
        await asyncio.sleep(away_s)
        self.inside[slot] = name
        self.bus.plug(f"1-1.{slot}", name)

    def tear_out(self, slot: int) -> None:
        """Take it out by force."""
        self.out_by_force(slot)
        self.bus.unplug(f"1-1.{slot}")

    def out_by_force(self, slot: int) -> None:
        """It is out of the slot, and the bus knows it already or is told next."""
        del self.inside[slot]
        self.dock.tear_out(slot)

    def _departed(self, event: str, what: Enumerated) -> None:
        """A fault pulled the plug: then the camera is out of its slot as well."""
        slot = int(what.port.rpartition(".")[2])

        def look() -> None:
            if slot in self.inside and self.bus.where(self.inside[slot]) is None:
                self.out_by_force(slot)

        if event == "remove":
            self.loop.call_soon(look)

    def tap(self, badge: str, kind: CardKind = CardKind.DESFIRE_ID) -> None:
        self.reader.present(bytes.fromhex(badge), kind)

    async def take(self, slot: int, within_s: float = 10.0) -> None:
        """Wait for the lock as an officer does, and take the camera."""
        await self.until(lambda: self.open_lock(slot), within_s, f"slot {slot} unlocks")
        assert self.pull(slot)

    def open_lock(self, slot: int) -> bool:
        return self.dock.slots[slot].latch is Latch.OPEN

    async def ask(self, account: str, verb: str, **params: Any) -> Any:
        """What `edgectl` would have the station do for this account. Raises EdgeError as it does."""
        station, handler = self.station, HANDLERS[verb]
        actor = authorise(station.lists.access, verb, account, station.lists.judged_ns())
        return await handler.run(Call(station, actor, msgspec.convert(params, handler.params)))

    # --- looking --------------------------------------------------------------------------------------

    def unit(self, slot: int) -> SlotUnit:
        return self.station.units[slot]

    def state(self, slot: int) -> State:
        return self.unit(slot).keeper.state

    def alerts(self) -> set[str]:
        return set(self.station.recorder.state.alerts)

    def recordings(self, camera: str = "") -> list[Recording]:
        every = self.station.recorder.state.recordings.values()
        return [r for r in every if not camera or r.camera == camera]

    def facts(self, kind: type[f.Fact]) -> list[Any]:
        """Facts of one kind in the ledger, oldest first."""
        return [line.fact for line in self.station.book.lines() if isinstance(line.fact, kind)]

    def logged(self, event: str) -> list[dict[str, Fact]]:
        return [fields for name, fields in self.log if name == event]

    async def until(
        self, test: Callable[[], object], within_s: float = 120.0, what: str = "it happens"
    ) -> None:
        """Wait for something in virtual time; the message names the slots and the last events.

        Raises HostOff: it cannot happen any more.
        """
        end = self.loop.time() + within_s
        while True:
            if self.off:
                raise HostOff
            if test():
                return
            if self.loop.time() >= end:
                raise AssertionError(f"not within {within_s} s: {what}\n{self.story()}")
            await asyncio.sleep(0.05)

    async def soon(self, test: Callable[[], object], turns: int = 100_000) -> None:
        """As ``until``, looking at every turn of the loop: for moments that take no time."""
        for _ in range(turns):
            if test():
                return
            await asyncio.sleep(0)
        raise AssertionError(f"not within {turns} turns\n{self.story()}")

    async def until_slot(self, slot: int, *states: State, within_s: float = 120.0) -> None:
        await self.until(lambda: self.state(slot) in states, within_s, f"slot {slot} is {states}")

    async def until_cleared(self, name: str, within_s: float = 300.0) -> None:
        """The camera's card is empty, and it may be issued."""
        await self.until(lambda: not self.aboard(name), within_s, f"{name} is cleared")
        slot = next(n for n, inside in self.inside.items() if inside == name)
        await self.until_slot(slot, State.READY)

    async def passes(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def story(self) -> str:
        """For a failed wait: where everything stands."""
        rows = [f"{at} {EVENTS[at].sentence(fields)}" for at, fields in self.log[-40:]]
        if self.running is not None:
            rows += [
                f"slot {n}: {unit.keeper.state} {unit.work.readiness}"
                for n, unit in self.station.units.items()
            ]
            rows += [f"alert {alert}" for alert in sorted(self.alerts())]
        return "\n".join(rows)

    # --- what must always hold --------------------------------------------------------------------------

    async def check(self) -> None:
        """The end of every story: whoever opens the station's disk now finds nothing lost and nothing contradictory."""
        report = verify_ledger(
            self.fs, f"{STATE}/ledger", station=STATION_KEY.verifier, centre=CENTRE.verifier, vault=VAULT
        )
        assert not report.findings or self.defects_expected, report.findings
        self._nothing_lost()
        if not self.defects_expected:
            assert not self.logged("EDG-9001"), self.logged("EDG-9001")
            defects = [row for row in self.logged("EDG-2112") if row["code"] == "E9001"]
            assert not defects, defects

    def check_live(self) -> None:
        """The running station's state and its search store are what a rebuild from the ledger gives."""
        assert self.running is not None
        book, live = self.station.book, self.station.recorder.state
        assert fold(book) == live
        assert list(self.running.store._entries) == [entry_of(line) for line in book.lines()]

    def _nothing_lost(self) -> None:
        vaulted = {
            hashlib.sha256(data).hexdigest()
            for path, data in self.fs.files(f"{VAULT}/recordings").items()
            if path.rpartition(".")[2] in {"mp4", "bin", "jpg"}
        }
        for made in self.made:
            on_card = any(file.sha256 == made.sha256 for file in self.cards[made.camera].files())
            assert on_card or made.sha256 in vaulted, f"lost: {made}"


_PLACED = {"access", "vault", "reserve", "more"}  # settings that have a place of their own in the text


def _toml(slots: int, settings: dict[str, str]) -> str:
    rows = ", ".join(
        f'{{ label = {n}, port = "1-1.{n}", controller_slot = {n} }}' for n in range(1, slots + 1)
    )
    cameras = "".join(
        f'[[camera]]\nserial = "{serial}"\ninventory_number = "10145{serial}"\ndriver = "gat947"\n'
        + ("reserve = true\n" if serial == settings.get("reserve") else "")
        for serial in LISTED
    )
    given = {"readiness": "memory_min_h = 0", "ledger": "checkpoint_s = 5", "access": ""} | settings
    more = "".join(f"[{name}]\n{lines}\n" for name, lines in given.items() if name not in _PLACED)
    return f"""
[station]
id = "{STATION}"
state = "{STATE}"
inbox = "{INBOX}"
[keys]
authority = "{AUTHORITY.verifier}"
centre = "{CENTRE.verifier}"
[vault]
path = "{VAULT}"
{given.get("vault", "")}
[access]
roster = "{ROSTER}"
{given["access"]}
{more}
[[dock]]
name = "A"
controller = "/dev/dock"
controller_key = "/keys/dock.key"
reader = "/dev/reader"
reader_key = "/keys/reader.key"
slots = [{rows}]
{cameras}
{given.get("more", "")}
"""
