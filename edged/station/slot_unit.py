"""One slot as the station holds it: the keeper, its work, and the ends that dock, bus and clock feed."""

from dataclasses import dataclass

from edged.config import Timing
from edged.errors import CameraError, EdgeError, ErrorCode
from edged.formats import facts as f
from edged.gate import Grounds
from edged.slots.keeper import Keeper
from edged.slots.state import LOCKED_IN, RESTING, Event, State, accepts
from edged.station.recorder import Recorder
from edged.station.slot_work import CameraSlotWork
from edged.station_state import Life
from firmware_protocol.dock import messages as dm

HOLDING_CHECK_S = 20.0
_AT_REST = frozenset({State.HOLDING, State.READY})


@dataclass(slots=True)
class Pause:
    """When something may be tried again: doubling between two bounds, in seconds of BOOTTIME."""

    first_s: float
    longest_s: float
    due_s: float = 0.0
    tries: int = 0

    def again(self, now_s: float) -> None:
        self.due_s = now_s + min(self.longest_s, self.first_s * 2.0 ** min(self.tries, 32))
        self.tries += 1

    def reset(self) -> None:
        self.due_s, self.tries = 0.0, 0


class SlotUnit:
    """See `edged.station.dock_owner.SlotEnd` for the part that the dock uses."""

    def __init__(self, keeper: Keeper, work: CameraSlotWork, recorder: Recorder, timing: Timing) -> None:
        self.keeper, self.work = keeper, work
        self._recorder, self._timing = recorder, timing
        self._recovered = False
        # By an earlier life: a tap may come before the dock is heard.
        self._left_open = frozenset(recorder.state.grants)
        self._retry = Pause(timing.retry_s, timing.retry_max_s)
        self._clear_retry = Pause(timing.retry_s, timing.retry_max_s)
        self._cleared_seen = -1
        self._forced_seen: Grounds | None = None
        self._checked_s = 0.0
        self._alone_since_s: float | None = None

    # --- the dock's end -----------------------------------------------------------------------------

    async def connected(self) -> None:
        """The controller is there (again): settle what a stop left open, then compare with the world."""
        if not self._recovered:
            await self._recover()
            self._recovered = True
        self.keeper.feed_look()

    async def _recover(self) -> None:
        """Before anything else: who has the camera of a grant that was open, and is what was here still here."""
        status = await self.work.dock.controller.status(self.work.controller_slot)
        empty = status.contact is dm.Contact.EMPTY
        label, state = self.work.label, self._recorder.state
        granted = [g for g in state.grants.values() if g.slot == label and g.grant in self._left_open]
        for grant in granted:
            if empty:
                issue = self.work.new_id()
                fact: f.Fact = f.CameraIssued(
                    grant=grant.grant, issue=issue, slot=label, camera=grant.camera, officer=grant.officer
                )
            else:
                fact = f.GrantVoided(grant=grant.grant, slot=label, reason="restart")
            await self._recorder.record(fact)
        if empty and not granted and any(c.slot == label for c in state.cameras.values()):
            self.keeper.feed(Event.FORCED_OPEN, cause="contact")

    async def status(self, status: dm.SlotStatus) -> None:
        made = status.contact is dm.Contact.PRESENT
        await self.keeper.ask(Event.CONTACT_MADE if made else Event.CONTACT_BROKEN, cause="contact")
        if status.fault:
            await self.keeper.ask(Event.FAULT_SEEN, cause="dock")

    async def event(self, event: dm.Event) -> None:
        wanted = _EVENTS.get(event.kind)
        if event.kind is dm.EventKind.RELOCKED and event.value == dm.Relock.TAKEN:
            return  # the broken contact says so already
        if wanted is None or (wanted is Event.RELOCKED and not accepts(self.keeper.state, wanted)):
            return
        await self.keeper.ask(wanted, cause="dock" if wanted is Event.FORCED_OPEN else "contact")

    def impossible(self, reason: str) -> None:
        self.work.fault = EdgeError(ErrorCode.DOCK_PROTOCOL, slot=self.work.label, reason=reason)
        self.keeper.feed(Event.FAULT_SEEN, cause=reason[:80])

    # --- the bus's end ------------------------------------------------------------------------------

    def _watch_workers(self) -> None:
        """A camera that breaks every worker is out of use until a technician says otherwise; its evidence stays."""
        if not self.work.deaths.too_many or self.keeper.state not in LOCKED_IN:
            return
        count, self.work.deaths.count = self.work.deaths.count, 0
        self.work.fault = CameraError(ErrorCode.PROCESS_DIED, workers=count)
        self.keeper.feed(Event.FAULT_SEEN, cause="workers")

    def usb_arrived(self) -> None:
        self.work.presence.arrived()
        self.keeper.feed(Event.USB_ARRIVED)

    def usb_left(self) -> None:
        self.work.presence.left()
        self.keeper.feed(Event.USB_LEFT)

    # --- the clock's end ----------------------------------------------------------------------------

    def tick(self, now_s: float, check_every_s: float) -> None:
        """Feed what is due; called about once a second with seconds of BOOTTIME."""
        self._watch_witnesses(now_s)
        self._watch_workers()
        if self.keeper.state not in RESTING:
            self._checked_s = now_s
            return
        if self._offload_due(now_s):
            # Also of a camera that is unknown, in works or in quarantine: what is aboard is evidence.
            self._retry.again(now_s)
            self.keeper.feed(Event.OFFLOAD_DUE)
        elif self.keeper.state not in _AT_REST:
            self._checked_s = now_s
        elif self._clear_due(now_s):
            self._clear_retry.again(now_s)
            self.keeper.feed(Event.CLEAR_DUE)
        elif now_s - self._checked_s >= self._check_every_s(check_every_s):
            self._checked_s = now_s
            self.keeper.feed(Event.CHECK_DUE)

    def _check_every_s(self, settled_s: float) -> float:
        """A camera that waits for something is looked at oftener than one that is ready."""
        return settled_s if self.keeper.state is State.READY else min(settled_s, HOLDING_CHECK_S)

    def check_soon(self) -> None:
        """Something that readiness rests on has changed."""
        self.keeper.feed(Event.MARKS_CHANGED)

    def _offload_due(self, now_s: float) -> bool:
        if self.work.all_sealed():
            self._retry.reset()
            return False
        if self._retry.tries == 0:
            self._retry.again(now_s)  # the attempt that just failed
        return now_s >= self._retry.due_s

    def _clear_due(self, now_s: float) -> bool:
        cleared = sum(r.life is Life.CLEARED for r in self._recorder.state.recordings_of(self.work.key))
        if cleared != self._cleared_seen:
            self._cleared_seen = cleared
            self._clear_retry.reset()
        if (forced := self.work.forced_clear()) != self._forced_seen:
            self._forced_seen = forced
            self._clear_retry.reset()
        return now_s >= self._clear_retry.due_s and self.work.clear_due()

    def _watch_witnesses(self, now_s: float) -> None:
        """A device on the bus without a contact, for too long (rule 3 of the table)."""
        alone = self.work.presence.connected and accepts(self.keeper.state, Event.WITNESSES_DIFFER)
        if not alone:
            self._alone_since_s = None
        elif self._alone_since_s is None:
            self._alone_since_s = now_s
        elif now_s - self._alone_since_s > self._timing.contact_bus_s:
            self.work.fault = EdgeError(
                ErrorCode.SLOT_FAULT, slot=self.work.label, reason="bus without contact"
            )
            self.keeper.feed(Event.WITNESSES_DIFFER)


_EVENTS = {
    dm.EventKind.CONTACT_MADE: Event.CONTACT_MADE,
    dm.EventKind.CONTACT_BROKEN: Event.CONTACT_BROKEN,
    dm.EventKind.FORCED_OPEN: Event.FORCED_OPEN,
    dm.EventKind.RELOCKED: Event.RELOCKED,
    dm.EventKind.FAULT_LATCHED: Event.FAULT_SEEN,
}
