"""The whole station: makes its parts from configuration and ports, and keeps them running.

A part that ends unexpectedly is a defect: it is reported and begun again with a growing pause, and stops no other
(promise I6). Only the ledger's writer and the loop itself are common to all.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from zoneinfo import ZoneInfo

from drivers.base import ByteLink
from drivers.hotplug import Hotplug, UsbArrived
from drivers.notify import Progress
from edged.config import Camera, Config
from edged.errors import EdgeError, ErrorCode
from edged.formats import facts as f
from edged.formats.note import Signer, Verifier
from edged.gate import ClearRate, Grounds, Policy
from edged.journals.forms import Form
from edged.journals.forms import Kind as Journal
from edged.journals.signature import Verifier as CmsVerifier
from edged.ledger.book import Book
from edged.ledger.checkpoints import Checkpointer
from edged.ports import Clock, ClockClass, FileSystem, Log, Random
from edged.projections.store import ProjectionStore
from edged.roles.base import Roles
from edged.roles.pace import Limits
from edged.slots.keeper import Grant, Keeper
from edged.slots.state import State
from edged.station.alerts import Alerts
from edged.station.backoff import Backoff
from edged.station.bringing import Bringing
from edged.station.clearing import GateKeys
from edged.station.clerk import Clerk
from edged.station.courier import CourierWatch
from edged.station.desk import Desk
from edged.station.dock_owner import DockOwner
from edged.station.handing_over import HandingOver
from edged.station.handing_over import Keys as ExportKeys
from edged.station.importing import Importing
from edged.station.inbox import Inbox
from edged.station.lists import Lists
from edged.station.office import Office, margins_of
from edged.station.offload import Tools
from edged.station.on_duty import OnDuty
from edged.station.port_watch import PortWatch
from edged.station.projector import Projector
from edged.station.reader_owner import ReaderOwner
from edged.station.recorder import Recorder
from edged.station.recovery import settle, write_missing_manifests
from edged.station.referring import Referring
from edged.station.reminders import Reminders
from edged.station.reporter import Reporter
from edged.station.rereading import Rereading
from edged.station.scanning import Scanning
from edged.station.slot_unit import SlotUnit
from edged.station.slot_work import CameraSlotWork, Shared
from edged.station_state import StationState
from edged.stopping import stop_if_told
from edged.throttle import Throttle
from edged.vault.vault import Vault

VERSION = "0.1.0"
_AWAY = frozenset({State.EMPTY, State.MISSING, State.FORCED, State.FAULT_EMPTY})
TICK_S = 1.0
ROSTER_EVERY_S = 5.0
UNHEARD_EVERY_S = 60.0
STUCK_S = 120.0  # no single event, and no write of the ledger, honestly takes this long


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Everything that is not decided here: the ports. One set for production, another for simulation."""

    fs: FileSystem
    clock: Clock
    random: Random
    log: Log
    roles: Roles
    hotplug: Hotplug
    store: ProjectionStore
    open_serial: Callable[[str], Awaitable[ByteLink]]
    cms: CmsVerifier
    progress: Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """Contents of the key files."""

    signer: Signer
    badge: bytes
    lines: dict[str, bytes]  # by path of the key file, for controllers and readers


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What lies on the disk, opened and verified by the wiring."""

    book: Book
    state: StationState
    checkpoints: Checkpointer
    vault: Vault
    forms: Mapping[Journal, Form]  # of the three journals
    program: bytes  # the one-file verifier, for whoever gets a copy of a recording
    config_sha256: str
    config_file: str = ""  # where it was read; "": nowhere


class Station:
    """``run`` until cancelled. The control API asks through the public attributes."""

    def __init__(self, config: Config, outside: Outside, secrets: Secrets, opened: Opened) -> None:
        self.config, self.outside, self.book = config, outside, opened.book
        self._secrets, self._opened = secrets, opened
        self.config_file, self.config_sha256 = opened.config_file, opened.config_sha256
        self.recorder = Recorder(opened.book, opened.state)
        opened.book.subscribe(Reporter(outside.log))
        opened.book.watch(lambda working: self._busy("ledger", working))
        self.alerts = Alerts(self.recorder)
        self.checkpoints = opened.checkpoints
        self.projector = Projector(outside.store, opened.book, self.recorder)
        self.keys, self.centre = opened.book.keys, Verifier.parse(config.keys.centre)
        self.badge_key = secrets.badge
        self.lists = self._make_lists()
        self.duty = OnDuty(config.shift, margins_of(config), self.lists, self.recorder)
        self.tools = self._make_tools()
        self.rate = ClearRate()
        shared = self._shared()
        self.units: dict[int, SlotUnit] = {}
        self.docks = [self._make_dock(shared, i) for i in range(len(config.dock))]
        self.desk = self._make_desk()
        self.office = self._make_office()
        self.reminders = self._make_reminders()
        self.handing_over = self._make_handing_over()
        bringing = Bringing(self.tools)
        self.importing = Importing(config.recovered.folder, self.tools, self.office, bringing)
        permitted = config.scans.permission is not None
        self.scanning = Scanning(config.scans, self.tools, bringing) if permitted else None
        self.readers = [self._make_reader(i) for i, dock in enumerate(config.dock) if dock.reader]
        self.port_watch = PortWatch(
            outside.roles, self.units, alerts=self.alerts, recorder=self.recorder, clock=outside.clock
        )
        self._ports = {unit.work.port: unit for unit in self.units.values()}
        inbox = Inbox(outside.fs, config.station.inbox)
        self.clerk = Clerk(
            inbox,
            station=self.keys,
            centre=self.centre,
            vault=opened.vault,
            checkpoints=opened.checkpoints,
            recorder=self.recorder,
            alerts=self.alerts,
            referring=Referring(
                inbox, config.station.id, self.centre, recorder=self.recorder, alerts=self.alerts
            ),
        )
        self.courier = CourierWatch(outside.fs, config.station.inbox, alerts=self.alerts, clock=outside.clock)
        self._clock_class: ClockClass | None = None

    # --- life ---------------------------------------------------------------------------------------

    async def run(self, ready: Callable[[], None]) -> None:
        """Start, run until cancelled, stop in order. ``ready`` is called once the dock may be used."""
        state = self.recorder.state
        if state.config_sha256 not in {"", self._opened.config_sha256}:
            await self.recorder.record(f.ConfigChanged(sha256=self._opened.config_sha256))
        await self.recorder.record(
            f.StationStarted(
                version=VERSION,
                config_sha256=self._opened.config_sha256,
                clean=state.stopped_cleanly,
                unfinished=state.unfinished()[:200],
            )
        )
        self.outside.log(
            "EDG-5001",
            station=self.config.station.id,
            version=VERSION,
            unfinished=len(state.unfinished()),
        )
        await self._watch_ledger()
        await settle(self.tools, self.book)
        await self.lists.start()
        try:
            async with asyncio.TaskGroup() as group:
                for name, part in self._parts():
                    group.create_task(self._keep(name, part), name=name)
                ready()
        finally:
            await self._stop()

    async def files_waiting(self) -> int:
        """Return how many files of the watched folders are not in the vault. Raises DiskError: nobody knows."""
        scans = await self.scanning.waiting() if self.scanning is not None else 0
        return scans + await self.importing.waiting()

    def _parts(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        parts: list[tuple[str, Callable[[], Awaitable[None]]]] = [
            ("checkpoints", self.checkpoints.run),
            ("projector", self.projector.run),
            ("rereading", Rereading(self.tools).run),
            ("housekeeping", self._housekeeping),
            ("inbox", self._inbox),
            ("hotplug", self._hotplug),
        ]
        if self.scanning is not None:
            parts.append(("scans", self.scanning.run))
        parts += [(f"slot-{label}", unit.keeper.run) for label, unit in self.units.items()]
        parts += [(f"dock-{dock.name}", dock.run) for dock in self.docks]
        return parts + [(f"reader-{reader.name}", reader.run) for reader in self.readers]

    async def _keep(self, name: str, part: Callable[[], Awaitable[None]]) -> None:
        backoff = Backoff(self.outside.random, first_s=0.2, cap_s=30.0)
        while True:
            await self._until_it_ends(name, part)
            await asyncio.sleep(0.1 + backoff.next())

    async def _until_it_ends(self, name: str, part: Callable[[], Awaitable[None]]) -> None:
        try:
            await part()
            problem = "ended"
        except EdgeError as exc:  # the ledger does not take what this part has to state: it waits
            stop_if_told()
            self.outside.log("EDG-6004", reason=f"{name} waits: {exc}"[:300], code=exc.code.label)
            return
        except Exception as exc:  # noqa: BLE001  # a defect of one part must not stop the others
            problem = f"{type(exc).__name__}: {exc}"
        stop_if_told()
        self.outside.log("EDG-9001", part=name, error=problem[:500])

    async def _stop(self) -> None:
        try:
            async with asyncio.timeout(5):
                await self.outside.roles.close()
                await self.desk.report_unheard()
                await self.recorder.record(f.StationStopped(reason="told to stop"))
        except (EdgeError, TimeoutError) as exc:
            self.outside.log("EDG-5002", reason=f"not in order: {exc}"[:300])
        else:
            self.outside.log("EDG-5002", reason="told to stop")
        await self.book.close()

    # --- parts with a beat ----------------------------------------------------------------------------

    def _busy(self, part: str, working: bool) -> None:
        """A part has taken something up, or is through with it: between the two the watchdog looks on."""
        if working:
            self.outside.progress.beat(part, STUCK_S)
        else:
            self.outside.progress.done(part)

    async def _housekeeping(self) -> None:
        since_roster = since_unheard = 0.0
        while True:
            self.outside.progress.beat("housekeeping", 60.0)
            now_s = self.outside.clock.now().boottime_ns / 1e9
            with suppress(EdgeError):  # it was told when the ledger did not take it
                await self.recorder.settle()
            for unit in self.units.values():
                unit.tick(now_s, self.config.readiness.battery_every_min * 60)
            since_roster, since_unheard = since_roster + TICK_S, since_unheard + TICK_S
            if since_roster >= ROSTER_EVERY_S:
                since_roster = 0.0
                await self.lists.refresh()
                await self._watch_clock()
                await self._watch_ledger()
                await self.port_watch.look()
            if since_unheard >= UNHEARD_EVERY_S:
                since_unheard = 0.0
                if not self.rate.stopped(now_s):
                    await self.alerts.withdraw("clearing-stopped")
                if self.alerts.active("manifest-missing"):
                    await write_missing_manifests(self.tools, self.book)
                await self.desk.report_unheard()
                await self.reminders.look()
                if self.config.sync is not None:
                    await self.courier.look()
                await self.importing.remind()
            await asyncio.sleep(TICK_S)

    async def _inbox(self) -> None:
        while True:
            self.outside.progress.beat("inbox", 300.0)
            await self.clerk.scan()
            await asyncio.sleep(TICK_S)

    async def _hotplug(self) -> None:
        while True:
            event = await self.outside.hotplug.next()
            unit = self._ports.get(event.port)
            if unit is None:
                continue  # a port of the host that is no slot
            if isinstance(event, UsbArrived):
                unit.usb_arrived()
            else:
                unit.usb_left()

    async def _watch_clock(self) -> None:
        now = self.outside.clock.now()
        if now.clock is not self._clock_class:
            self.outside.log(
                "EDG-5401",
                before=self._clock_class or "start",
                after=now.clock,
                max_error_ms=-1 if now.max_error_ns is None else now.max_error_ns // 1_000_000,
            )
            self._clock_class = now.clock
        if now.clock is ClockClass.UNKNOWN:
            await self.alerts.raise_("clock-unknown", ErrorCode.CLOCK_UNKNOWN)
        else:
            await self.alerts.withdraw("clock-unknown")

    async def _watch_ledger(self) -> None:
        for alert, trouble in (
            ("ledger-trouble", self.book.trouble),
            ("checkpoint-unsigned", self.checkpoints.trouble),
        ):
            if trouble is not None:
                await self.alerts.raise_for(alert, trouble)
            else:
                await self.alerts.withdraw(alert)

    # --- what slots ask about each other ----------------------------------------------------------------

    def slot_with(self, serial: str, besides: int) -> int | None:
        """The slot in which another camera shows this serial number at this moment."""
        for label, unit in self.units.items():
            session = unit.work.session
            shown = session.identity.serial if session is not None and session.identity is not None else ""
            if label != besides and shown == serial and unit.keeper.state not in _AWAY:
                return label
        return None

    def check_soon(self, slot: int) -> None:
        self.units[slot].check_soon()

    def grant_ended(self, grant: Grant) -> None:
        self.desk.grant_ended(grant)

    # --- construction -----------------------------------------------------------------------------------

    def _make_lists(self) -> Lists:
        return Lists(
            self.config.access,
            self.outside.fs,
            self.config.station.state,
            authority=Verifier.parse(self.config.keys.authority),
            commissioned=self.book.commissioned,
            clock=self.outside.clock,
            recorder=self.recorder,
            alerts=self.alerts,
            log=self.outside.log,
        )

    def _make_tools(self) -> Tools:
        timing = self.config.timing
        return Tools(
            vault=self._opened.vault,
            recorder=self.recorder,
            signer=self._secrets.signer,
            station=self.config.station.id,
            clock=self.outside.clock,
            random=self.outside.random,
            alerts=self.alerts,
            log=self.outside.log,
            roles=self.outside.roles,
            fs=self.outside.fs,
            limits=Limits(idle_s=timing.copy_idle_s, min_rate=timing.copy_min_rate),
            camera_zone=ZoneInfo(self.config.camera_timezone),
        )

    def _shared(self) -> Shared:
        clear = self.config.clear
        grounds = Grounds()
        if clear.decision is not None:
            grounds = Grounds(decision=clear.decision.number, decision_date=clear.decision.date.isoformat())
        return Shared(
            config=self.config,
            roles=self.outside.roles,
            tools=self.tools,
            recorder=self.recorder,
            clock=self.outside.clock,
            random=self.outside.random,
            alerts=self.alerts,
            log=self.outside.log,
            gate=GateKeys(
                policy=Policy(clear.policy),
                grounds=grounds,
                rate=self.rate,
                second_read=clear.second_read,
                sound=lambda: self.book.trouble is None,
                checkpoints=self.checkpoints,
                station=self.keys,
                centre=self.centre,
            ),
            duty=self.duty,
            listed=listed(self.config),
        )

    def _make_dock(self, shared: Shared, number: int) -> DockOwner:
        settings = self.config.dock[number]
        ends: dict[int, SlotUnit] = {}
        dock = DockOwner(
            settings.name,
            lambda: self.outside.open_serial(settings.controller),
            self._secrets.lines[settings.controller_key],
            ends,
            random=self.outside.random,
            recorder=self.recorder,
            alerts=self.alerts,
            busy=self._busy,
        )
        for slot in settings.slots:
            work = CameraSlotWork(shared, slot.label, slot.port, slot.controller_slot, dock, self)
            busy = partial(self._busy, f"slot-{slot.label}")
            keeper = Keeper(slot.label, work, self.outside.log, self._slot_error(work), busy)
            unit = SlotUnit(keeper, work, self.recorder, self.config.timing)
            ends[slot.controller_slot] = self.units[slot.label] = unit
        return dock

    def _slot_error(self, work: CameraSlotWork) -> Callable[[EdgeError], None]:
        def note(error: EdgeError) -> None:
            if error.code is ErrorCode.CAMERA_FORBIDDEN_INTERFACE:
                work.refusal = error
            work.silent = work.silent or error.code is ErrorCode.CAMERA_SILENT
            self.outside.log(
                "EDG-2112",
                camera=work.key,
                slot=work.label,
                reason=str(error)[:300],
                code=error.code.label,
            )

        return note

    def _make_desk(self) -> Desk:
        access = self.config.access
        slots = {
            dock.name: [(self.units[s.label].keeper, self.units[s.label].work) for s in dock.slots]
            for dock in self.config.dock
        }
        return Desk(
            self._secrets.badge,
            self.lists,
            Throttle(
                badge=(access.credential_tries, access.credential_refill_s),
                reader=(access.reader_tries, access.reader_refill_s),
            ),
            slots,
            clock=self.outside.clock,
            random=self.outside.random,
            recorder=self.recorder,
            alerts=self.alerts,
            duty=self.duty,
        )

    def _make_office(self) -> Office:
        return Office(
            self.config,
            self._opened.forms,
            lists=self.lists,
            book=self.book,
            recorder=self.recorder,
            alerts=self.alerts,
            fs=self.outside.fs,
            random=self.outside.random,
            cms=self.outside.cms,
            units=self.units,
        )

    def _make_handing_over(self) -> HandingOver:
        return HandingOver(
            self.config.export,
            self.config.station.state,
            office=self.office,
            projector=self.projector,
            vault=self._opened.vault,
            fs=self.outside.fs,
            keys=ExportKeys(station=self.keys, centre=self.centre),
            program=self._opened.program,
            version=VERSION,
            log=self.outside.log,
        )

    def _make_reminders(self) -> Reminders:
        return Reminders(
            self.config.shift,
            self.office.margins,
            self.office.inventory,
            lists=self.lists,
            recorder=self.recorder,
            alerts=self.alerts,
            clock=self.outside.clock,
            random=self.outside.random,
        )

    def _make_reader(self, number: int) -> ReaderOwner:
        settings = self.config.dock[number]
        return ReaderOwner(
            settings.name,
            lambda: self.outside.open_serial(settings.reader),
            self._secrets.lines[settings.reader_key],
            self.desk,
            random=self.outside.random,
            recorder=self.recorder,
            alerts=self.alerts,
        )


def listed(config: Config) -> dict[str, Camera]:
    """The station's cameras by serial."""
    return {camera.serial: camera for camera in config.camera}
