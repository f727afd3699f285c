"""What one slot does: the actions of the slot's table, on the camera, the dock and the ledger.

The keeper decides when; here stands how. Nothing here changes the slot's state.
"""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from drivers.worker import messages as m
from edged.config import Camera as ListedCamera
from edged.config import Config
from edged.errors import CameraError, EdgeError, ErrorCode
from edged.formats import facts as f
from edged.formats import times
from edged.gate import Grounds
from edged.leds import led_for
from edged.ports import Clock, Log, Random
from edged.readiness import CameraFacts, NotReady, Readiness, judge, needed_bytes
from edged.roles.base import Roles
from edged.slots.keeper import Grant
from edged.slots.state import Event, State
from edged.station.alerts import Alerts
from edged.station.camera_clock import CameraClock
from edged.station.clearing import Clearing, GateKeys
from edged.station.dock_owner import DockOwner
from edged.station.doubts import TWIN, doubted
from edged.station.offload import Aboard, Offload, Progress, Tools, settle_unfinished
from edged.station.on_duty import OnDuty
from edged.station.patience import deadline_s
from edged.station.presence import Presence
from edged.station.recorder import Recorder
from edged.station.refused_device import device_refused
from edged.station.session import CameraSession, Deaths
from edged.station_state import Life
from edged.stopping import carried_on
from firmware_protocol.dock import messages as dm

ASSIGN_S = 0.7  # the officer waits for the lock; a camera that is slower keeps the old number
# How long the dock's report of how a camera left may lag behind its contact: a line that was away.
DOCK_TELLS_NS = 30 * 1_000_000_000
CHARGED_MA = 50  # below this current a plain disk camera's charging has ended (design: design.md section 6)


@dataclass(frozen=True, slots=True)
class Shared:
    """What all slots of the station share."""

    config: Config
    roles: Roles
    tools: Tools
    recorder: Recorder
    clock: Clock
    random: Random
    alerts: Alerts
    log: Log
    gate: GateKeys
    duty: OnDuty
    listed: dict[str, ListedCamera]


class Neighbours(Protocol):
    """What a slot asks about the others."""

    def slot_with(self, serial: str, besides: int) -> int | None: ...
    def check_soon(self, slot: int) -> None: ...
    def grant_ended(self, grant: Grant) -> None: ...


class CameraSlotWork:
    """See `edged.slots.keeper.SlotWork`, whose methods these are."""

    def __init__(
        self, shared: Shared, label: int, port: str, controller_slot: int, dock: DockOwner, others: Neighbours
    ) -> None:
        self._s, self._others = shared, others
        self.label, self.port, self.dock, self.controller_slot = label, port, dock, controller_slot
        self.charge_limit_ma = next(d.charge_limit_ma for d in shared.config.dock if d.name == dock.name)
        self.presence = Presence()
        self.session: CameraSession | None = None
        self.deaths = Deaths()  # of this docking's workers
        self.progress = Progress()
        self.readiness = Readiness(ready=False)
        self.charge_percent: int | None = None
        self.free_bytes: int | None = None
        self.key = ""  # under which the camera's recordings stand; "" while nobody is known
        self.twin = False
        self._clock = self._new_clock()
        self._defect = False
        self._card = True
        self._complete = False
        self._recorded: f.ReadinessChanged | None = None
        self._docked_issue, self._docked_officer = "", ""
        self._removed_camera = self._forced_issue = ""
        self._met = -1
        self._settled: set[str] = set()  # see `Clearing`; of this docking, like the next
        self._altered: set[str] = set()
        self._noted = False  # whether the ledger knows of this docking
        self._shown_user_no = ""
        self._woken = False  # power-cycled once to learn who it is
        self._cycling: asyncio.Future[None] | None = None

    # --- who is there -------------------------------------------------------------------------------

    async def look(self) -> tuple[Event, ...]:
        status = await self.dock.controller.status(self.controller_slot)
        found = [Event.CONTACT_MADE if status.contact is dm.Contact.PRESENT else Event.CONTACT_BROKEN]
        if status.fault:
            found.append(Event.FAULT_SEEN)
        if self.presence.connected:
            found.append(Event.USB_ARRIVED)
        return tuple(found)

    def meets_current(self) -> bool:
        """Whether this connection of the device is being talked to already."""
        return self.presence.connected and self._met == self.presence.generation

    def begins_to_meet(self) -> None:
        self._met = self.presence.generation

    async def identify(self, state: State) -> Event | None:
        self.begins_to_meet()
        try:
            return await self._identify(state)
        except BaseException:
            self._met = -1  # whoever arrives or looks next tries again
            raise

    async def _identify(self, state: State) -> Event | None:
        if self.session is not None and state is not State.IDENTIFYING:
            return await self._meet_again(self.session, state)
        session = CameraSession(self._s.roles, self.presence, self.port, self.deaths)
        self._forget()
        self.session = session
        identity = await session.open()
        if identity.driver == "gat947" and identity.mode == "disk" and not self._woken:
            # Left as a disk by whoever stopped: as such it does not tell who it is. It arrives again.
            self._woken = True  # before: its departure ends this job
            try:
                await self._cycle()
            except EdgeError:
                self._woken = False
                raise
            return None
        self._woken = False
        self.twin = self._is_twin(identity.serial)
        known = identity.serial in self._s.listed and not self.twin
        self.key = (
            identity.serial if identity.serial and not self.twin else self._session_key(identity.serial)
        )
        return Event.IDENTIFIED_KNOWN if known else Event.IDENTIFIED_UNKNOWN

    async def _meet_again(self, session: CameraSession, state: State) -> Event | None:
        try:
            identity = await session.open()
        except CameraError as exc:
            if exc.detail.get("swapped"):
                return Event.SWAPPED
            raise
        if state in {State.SWITCHING, State.SWITCHING_TO_CLEAR}:
            return Event.DISK_READY if identity.mode == "disk" else None
        return Event.CYCLED if state is State.CYCLING and identity.mode == "command" else None

    def _is_twin(self, serial: str) -> bool:
        return bool(serial) and self._others.slot_with(serial, self.label) is not None

    def _session_key(self, serial: str) -> str:
        """A camera that cannot be told from another: each docking stands for itself (faults U06, U07)."""
        return f"{serial or 'unidentified'}#{self._s.random.token(6).hex()}"

    def _forget(self) -> None:
        self.key, self.twin, self.charge_percent, self.free_bytes = "", False, None, None
        self._clock, self._defect, self._card, self._complete = self._new_clock(), False, True, False
        self.progress, self.readiness, self._recorded = Progress(), Readiness(ready=False), None
        self._settled, self._altered, self.silent = set(), set(), False
        self._noted = False  # whether the ledger knows of this docking

    def _new_clock(self) -> CameraClock:
        bound_s = self._s.config.clock.correct_bound_s
        return CameraClock(self._s.clock, self._s.recorder, self._s.tools.camera_zone, bound_s)

    async def end_conversation(self) -> None:
        if self.session is not None:
            await self.session.close()

    # --- docked -------------------------------------------------------------------------------------

    async def note_docked(self) -> None:
        await self._s.recorder.settle()  # who holds it by the ledger may not be written yet
        identity = self._known()
        state = self._s.recorder.state
        camera = state.cameras.get(self.key)
        issue = state.issues.get(camera.issue) if camera is not None and camera.issue else None
        self._docked_issue, self._docked_officer = (issue.id, issue.officer) if issue else ("", "")
        await self._s.recorder.record(
            f.CameraDocked(
                slot=self.label,
                camera=self.key,
                driver=identity.driver,
                model=identity.model,
                known=self.listed is not None,
                usb_serial=identity.usb_serial,
                descriptor_sha256=identity.descriptor_sha256,
                issue=self._docked_issue,
                officer=self._docked_officer,
            )
        )
        self._noted = True
        await self._tell_about_identity(identity)

    async def _end_slot_alerts(self) -> None:
        """What was said about whoever sat here before is over."""
        for kind in ("device-refused", "camera-unidentified"):
            await self._s.alerts.withdraw(f"{kind}:{self.label}")
        await self._s.alerts.withdraw(f"camera-unknown:{self.key or self._removed_camera}")

    async def _tell_about_identity(self, identity: m.Identified) -> None:
        await self._end_slot_alerts()
        if self.twin:
            await self._quarantine_twins(identity.serial)
        elif not identity.serial:
            await self._s.alerts.raise_(f"camera-unidentified:{self.label}", ErrorCode.CAMERA_NO_IDENTITY)
        elif self.listed is None:
            await self._s.alerts.raise_(
                f"camera-unknown:{identity.serial}", ErrorCode.CAMERA_UNKNOWN, slot=self.label
            )

    async def _quarantine_twins(self, serial: str) -> None:
        """Which of the two is the true one nobody here can know: neither is cleared or issued (fault U06)."""
        await self._s.alerts.raise_(f"{TWIN}:{serial}", ErrorCode.CAMERA_TWIN, slot=self.label)
        known = self._s.recorder.state.cameras.get(serial)
        if known is None or not known.quarantine:
            await self._s.recorder.record(
                f.CameraQuarantined(camera=serial, reason="two cameras show this serial number")
            )
        if (other := self._others.slot_with(serial, self.label)) is not None:
            self._others.check_soon(other)

    @property
    def quarantined(self) -> bool:
        camera = self._s.recorder.state.cameras.get(self.key)
        return camera is not None and bool(camera.quarantine)

    @property
    def listed(self) -> ListedCamera | None:
        return None if self.twin else self._s.listed.get(self.key)

    async def measure(self) -> None:
        session = self._session()
        if session.known.capabilities.battery:
            self.charge_percent = (await session.ask(m.ReadBattery(), m.BatteryRead)).percent
        if session.known.capabilities.clock_read:
            await self._clock.measure(session, self.label, self.key)

    async def enter_disk(self) -> Event | None:
        if not self._noted:
            # The ledger took no line then: by it the camera would still be with its holder.
            await self.note_docked()
        try:
            return Event.DISK_READY if await self._session().enter_disk() else None
        except CameraError as exc:
            self._card = self._card and exc.code is not ErrorCode.CAMERA_NO_CARD
            raise

    async def offload(self) -> Event:
        self.progress = Progress()
        before = self._clock.before
        job = Offload(
            self._s.tools,
            self._session(),
            Aboard(
                slot=self.label,
                camera=self.key,
                issue=self._docked_issue,
                officer=self._docked_officer,
                offset_ms=before.offset_ms if before else None,
                uncertainty_ms=before.uncertainty_ms if before else -1,
            ),
            self.progress,
            self._altered,
        )
        try:
            done = await job.run()
        except CameraError as exc:
            self._defect = exc.code in _DEFECTS
            raise
        finally:
            self.free_bytes = job.free_bytes if job.free_bytes >= 0 else self.free_bytes
            self._complete = False
        self._complete = done
        self._defect = not job.complete or job.damaged or bool(self.progress.failed)
        return Event.ALL_SEALED if done else Event.WORK_FAILED

    async def power_cycle(self, state: State) -> Event | None:
        session = self.session
        known = session.identity if session is not None else None
        one_mode = known is not None and not known.capabilities.disk_mode_switch
        if state is State.CYCLING and one_mode and not self.silent:
            return Event.CYCLED
        self.silent = False
        await self._cycle()
        return None

    async def _cycle(self) -> None:
        await self.end_conversation()
        # The departure that this causes may end the job: what was switched off is switched on all the same.
        # A dock that goes away meanwhile has its own alert, and the slot cycles again when its time is over.
        self._cycling = carried_on(self._off_and_on())
        await asyncio.shield(self._cycling)

    async def _off_and_on(self) -> None:
        """By the dock, which is known to switch its slots; hubs say that they do and often do not (uhubctl's list)."""
        try:
            await self.dock.controller.power(self.controller_slot, on=False)
            await asyncio.sleep(self._s.config.timing.power_cycle_s)
            await self.dock.controller.power(self.controller_slot, on=True)
        except EdgeError:
            if not await self._s.roles.cycle(self.port):
                raise

    # --- readiness ----------------------------------------------------------------------------------

    async def check(self) -> Event:
        if not self.presence.connected:
            return Event.USB_LEFT
        await self._ask_again()
        self.readiness = judge(self.facts(), self._s.config.readiness)
        await self._record_readiness()
        reasons = self.readiness.reasons
        for reason, event in _VERDICTS:
            if reason in reasons:
                return event
        return Event.FOUND_READY if self.readiness.ready else Event.NOT_READY

    async def _ask_again(self) -> None:
        session = self._session()
        if session.known.capabilities.battery:
            self.charge_percent = (await session.ask(m.ReadBattery(), m.BatteryRead)).percent
        if session.known.capabilities.clock_read and self._clock.before is not None:
            await self._clock.look(session, self.label, self.key)

    def facts(self) -> CameraFacts:
        state = self._s.recorder.state
        camera = state.cameras.get(self.key)
        clock, listed = self._clock.after, self.listed
        identity = self.session.identity if self.session is not None else None
        return CameraFacts(
            listed=listed is not None,
            identity=identity is not None and bool(identity.serial),
            twin=self.twin,
            quarantine=self.quarantined,
            works=bool(camera and camera.works),
            reserve=bool(listed and listed.reserve and self.key not in state.shift.memos),
            card=self._card,
            defect=self._defect or doubted(state, self.key),
            all_sealed=self.all_sealed(),
            charge_percent=self.charge_percent,
            charging_ended=self._charging_ended(identity),
            free_bytes=self.free_bytes,
            clock_error_s=abs(clock.offset_ms) / 1000 if clock else None,
            clock_uncertainty_s=clock.uncertainty_ms / 1000 if clock and clock.uncertainty_ms >= 0 else None,
            dock_answers=self.dock.hello is not None,
        )

    def _charging_ended(self, identity: m.Identified | None) -> bool | None:
        status = self.dock.last_status.get(self.controller_slot)
        if identity is None or identity.capabilities.battery or status is None or not status.charging:
            return None
        return status.current < CHARGED_MA

    async def _record_readiness(self) -> None:
        fact = f.ReadinessChanged(
            camera=self.key,
            slot=self.label,
            ready=self.readiness.ready,
            reasons=tuple(map(str, self.readiness.reasons)),
            charge_percent=-1 if self.charge_percent is None else self.charge_percent,
            free_bytes=-1 if self.free_bytes is None else self.free_bytes,
        )
        last = self._recorded
        if last is None or (last.ready, last.reasons) != (fact.ready, fact.reasons):
            await self._s.recorder.record(fact)
            self._recorded = fact

    # --- clearing -----------------------------------------------------------------------------------

    def clearing(self) -> Clearing:
        aboard = Aboard(slot=self.label, camera=self.key)
        return Clearing(
            self._s.tools,
            self._session(),
            aboard,
            self._s.gate,
            identified=lambda: self.listed is not None and not self.twin and not self.quarantined,
            settled=self._settled,
            altered=self._altered,
            lacking=self._lacking(),
            forced=self.forced_clear(),
        )

    def forced_clear(self) -> Grounds | None:
        """What two persons want of the camera in this slot."""
        asked = self._s.recorder.state.shift.clears.get(self.key)
        if asked is None or not asked.agreed_by:
            return None
        return Grounds(persons=(asked.asked_by, asked.agreed_by), reason=asked.reason)

    def _lacking(self) -> int:
        """Bytes of memory that the camera lacks for the next shift."""
        if self.free_bytes is None:
            return 0
        return max(0, needed_bytes(self.facts(), self._s.config.readiness) - self.free_bytes)

    async def clear(self) -> Event:
        job = self.clearing()
        await job.run()
        self.free_bytes = job.free_bytes if job.free_bytes >= 0 else self.free_bytes
        self._complete = self._complete and not job.more  # it records in its slot: offload first
        return Event.CLEAR_DONE

    def all_sealed(self) -> bool:
        """Whether the last offload found nothing left to do."""
        return self._complete and not self._s.recorder.state.aboard_unsealed(self.key)

    @property
    def listed_whole(self) -> bool:
        """Whether it is known what lies aboard: the card was listed to its end, and nothing on it failed to come in."""
        return self._complete

    def new_id(self) -> str:
        return self._s.random.token(8).hex()

    def clear_due(self) -> bool:
        """Whether a clearing round on this camera may find something to do."""
        return self.listed is not None and self.session is not None and self.clearing().due()

    # --- issue --------------------------------------------------------------------------------------

    async def record_grant(self, grant: Grant) -> None:
        await self._s.recorder.record(
            f.CameraGranted(
                grant=grant.grant,
                slot=self.label,
                camera=self.key,
                officer=grant.officer,
                reader=grant.reader,
                open_s=self._s.config.access.grant_open_s,
            ),
            actor=f"reader:{grant.reader}",
        )

    async def assign(self, grant: Grant) -> None:
        self._shown_user_no = ""
        session = self._session()
        if session.known.capabilities.assign and grant.user_no:
            await session.ask(m.Assign(user_no=grant.user_no), m.Done, deadline_s=ASSIGN_S)
            self._shown_user_no = grant.user_no

    async def unlock(self, grant: Grant | None) -> None:
        number = grant.number if grant is not None else int.from_bytes(self._s.random.token(4)) | 1
        await self.dock.controller.unlock(self.controller_slot, number, self._s.config.access.grant_open_s)

    async def lock(self) -> None:
        await self.dock.controller.lock(self.controller_slot)

    async def void_grant(self, grant: Grant, reason: str) -> None:
        self._others.grant_ended(grant)
        await self._s.recorder.happened(f.GrantVoided(grant=grant.grant, slot=self.label, reason=reason))

    async def issue(self, grant: Grant) -> None:
        self._others.grant_ended(grant)
        standing = self._s.duty.standing(grant.officer)
        fact = f.CameraIssued(
            grant=grant.grant,
            issue=self.new_id(),
            slot=self.label,
            camera=self.key,
            officer=grant.officer,
            user_no=self._shown_user_no,
            shift=standing.shift,
            flags=(*map(str, standing.flags), *map(str, self.readiness.flags)),
        )
        try:
            await self._s.recorder.happened(fact)
        finally:
            await self.end_conversation()
            self._is_gone()

    def _is_gone(self) -> None:
        self._forget()
        self.session = None
        self.deaths.count = 0

    async def record_release(self, actor: str) -> None:
        await self._s.recorder.record(
            f.SlotOpened(
                slot=self.label,
                camera=self.key,
                open_s=self._s.config.access.grant_open_s,
            ),
            actor,
        )

    # --- leaving and faults ---------------------------------------------------------------------------

    async def note_unfinished(self) -> None:
        await self._s.recorder.caught_up()  # the work that was stopped may have stated its own end
        state = self._s.recorder.state
        copying = [r for r in state.recordings_of(self.key) if r.life is Life.COPYING]
        await settle_unfinished(self._s.tools, iter(copying), "stopped")
        if self.key in state.clears:
            intent = state.clears[self.key]
            await self._s.recorder.happened(
                f.ClearFailed(
                    camera=self.key,
                    slot=self.label,
                    recordings=intent.recordings,
                    code=ErrorCode.CAMERA_LOST.number,
                    reason="stopped",
                )
            )
        self._removed_camera = self.key or self._removed_camera

    async def note_undocked(self) -> None:
        camera = self.key or self._removed_camera
        try:
            await self._s.recorder.happened(
                f.CameraUndocked(slot=self.label, camera=camera, reason="released")
            )
            await self._end_slot_alerts()
        finally:
            self._is_gone()

    async def note_forced(self, witness: str, *, take_back: bool = False) -> None:
        camera = self.key or self._removed_camera or self._camera_in_ledger()
        self._forced_issue = self._just_issued() if take_back and not camera else ""
        if self._forced_issue:
            camera = self._s.recorder.state.issues[self._forced_issue].camera
        self._removed_camera = camera
        fact = f.SlotForcedOpen(slot=self.label, camera=camera, witness=witness, issue=self._forced_issue)
        try:
            await self._s.recorder.happened(fact)
            await self._s.alerts.raise_(f"slot-forced:{self.label}", ErrorCode.SLOT_FORCED, camera=camera)
            await self._end_slot_alerts()
        finally:
            self._is_gone()

    def _camera_in_ledger(self) -> str:
        cameras = self._s.recorder.state.cameras.values()
        return next((c.serial for c in cameras if c.slot == self.label), "")

    def _just_issued(self) -> str:
        """The issue that this must be about: written down when the contact broke, before the dock said how."""
        last = self._s.recorder.state.last_issue_from(self.label)
        if last is None:
            return ""
        since_ns = self._s.clock.now().wall_ns - times.parse_ns(last.taken)
        return last.id if 0 <= since_ns <= DOCK_TELLS_NS else ""

    async def draft_incident(self) -> None:
        await self._s.recorder.record(
            f.IncidentDrafted(
                incident=self.new_id(),
                kind="forced-removal",
                slot=self.label,
                camera=self._removed_camera,
                issue=self._forced_issue,
            )
        )

    async def note_refused(self) -> None:
        error = self.refusal or CameraError(ErrorCode.CAMERA_FORBIDDEN_INTERFACE)
        await self._s.recorder.record(device_refused(self.label, error))
        await self._s.alerts.raise_(f"device-refused:{self.label}", ErrorCode.CAMERA_FORBIDDEN_INTERFACE)

    refusal: EdgeError | None = None
    silent = False  # it stopped answering at work: only power brings it back
    fault: EdgeError | None = None

    async def note_fault(self) -> None:
        status = self.dock.last_status.get(self.controller_slot)
        detail = {"fault": str(status.fault)} if status is not None and status.fault else {}
        if self.fault is not None:
            detail["reason"] = str(self.fault)[:200]
        code = self.fault.code if self.fault is not None else ErrorCode.SLOT_FAULT
        await self._s.recorder.record(f.SlotFaulted(slot=self.label, code=code.number, detail=dict(detail)))
        await self._s.alerts.raise_(f"slot-fault:{self.label}", ErrorCode.SLOT_FAULT, **detail)

    async def note_cleared(self, actor: str) -> None:
        self.fault, self.deaths.count = None, 0
        await self._s.recorder.record(f.SlotCleared(slot=self.label, reason="cleared by a person"), actor)
        await self.dock.controller.clear_faults(self.controller_slot)
        await self._s.alerts.withdraw(f"slot-fault:{self.label}")

    async def note_acknowledged(self, actor: str) -> None:
        await self._s.recorder.record(f.AlarmAcknowledged(slot=self.label), actor)

    # --- the dock -------------------------------------------------------------------------------------

    async def alarm(self, on: bool) -> None:
        if not on:
            await self._s.alerts.withdraw(f"slot-forced:{self.label}")
        await self.dock.controller.buzz(self.controller_slot, dm.Buzzer.ALARM if on else dm.Buzzer.NONE)

    async def charge(self) -> None:
        await self.dock.charge(self.controller_slot, True, self.charge_limit_ma)

    async def power(self, on: bool) -> None:
        await self.dock.controller.power(self.controller_slot, on=on)

    async def show(self, state: State) -> None:
        led = led_for(state, self.readiness.reasons)
        changed = await self.dock.light(self.controller_slot, led.colour, led.pattern)
        if changed and led.buzzer in {dm.Buzzer.ONE, dm.Buzzer.TWO} and self.dock.hello is not None:
            await self.dock.controller.buzz(self.controller_slot, led.buzzer)

    def deadline_s(self, setting: str, given_up: int) -> float:
        return deadline_s(self._s.config, self._s.random, setting, given_up)

    # --- helpers --------------------------------------------------------------------------------------

    def _session(self) -> CameraSession:
        if self.session is None:
            raise CameraError(ErrorCode.CAMERA_LOST, slot=self.label)
        return self.session

    def _known(self) -> m.Identified:
        return self._session().known


_VERDICTS = (
    (NotReady.QUARANTINE, Event.IN_QUARANTINE),
    (NotReady.IN_WORKS, Event.IN_WORKS),
    (NotReady.NOT_LISTED, Event.NOT_LISTED),
)
_DEFECTS = frozenset(
    {ErrorCode.CAMERA_MEDIA, ErrorCode.CAMERA_FILESYSTEM, ErrorCode.CAMERA_PROTOCOL, ErrorCode.CAMERA_NO_CARD}
)
