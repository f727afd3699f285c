"""The shell of a slot: feeds the table of `edged.slots.state` and carries out its actions.

One task takes events in order. Actions that take long (talking to the camera, copying) are one job beside it, at
most one a slot; what a job finds comes back as an event stamped with the era in which the job began, and an event of
a past era is dropped (rule 6 of the table). The work itself lies in the ``SlotWork`` that the wiring hands in.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from edged.errors import CameraError, EdgeError, ErrorCode
from edged.ports import Log
from edged.slots.state import (
    DEADLINES,
    RESULTS,
    START,
    WORKING,
    Do,
    Event,
    State,
    UnexpectedEventError,
    accepts,
    step,
)
from edged.stopping import stop_if_told

QUEUE = 256  # events; the world's are few a second, and a slot that lags this far is at fault
JOB_END_S = 10.0  # a job that does not end within this is left behind; its processes were killed


@dataclass(frozen=True, slots=True)
class Grant:
    """One authorisation to take one camera."""

    grant: str  # 32 hex digits
    number: int  # what the dock controller knows it by, 1..2^32-1
    officer: str
    user_no: str  # what goes into the camera's userNo, ASCII
    reader: str


class SlotWork(Protocol):
    """What the actions of the table do. Every method may raise EdgeError; the keeper decides what follows."""

    def meets_current(self) -> bool: ...
    def begins_to_meet(self) -> None: ...
    async def look(self) -> tuple[Event, ...]: ...
    async def identify(self, state: State) -> Event | None: ...
    async def note_docked(self) -> None: ...
    async def measure(self) -> None: ...
    async def enter_disk(self) -> Event | None: ...
    async def offload(self) -> Event: ...
    async def power_cycle(self, state: State) -> Event | None: ...
    async def check(self) -> Event: ...
    async def clear(self) -> Event: ...
    async def end_conversation(self) -> None: ...
    async def note_unfinished(self) -> None: ...
    async def record_grant(self, grant: Grant) -> None: ...
    async def record_release(self, actor: str) -> None: ...
    async def assign(self, grant: Grant) -> None: ...
    async def unlock(self, grant: Grant | None) -> None: ...
    async def lock(self) -> None: ...
    async def void_grant(self, grant: Grant, reason: str) -> None: ...
    async def issue(self, grant: Grant) -> None: ...
    async def note_undocked(self) -> None: ...
    async def note_forced(self, witness: str, *, take_back: bool = False) -> None: ...
    async def draft_incident(self) -> None: ...
    async def note_refused(self) -> None: ...
    async def note_fault(self) -> None: ...
    async def note_cleared(self, actor: str) -> None: ...
    async def note_acknowledged(self, actor: str) -> None: ...
    async def alarm(self, on: bool) -> None: ...
    async def charge(self) -> None: ...
    async def power(self, on: bool) -> None: ...
    async def show(self, state: State) -> None: ...
    def deadline_s(self, setting: str, given_up: int) -> float: ...


@dataclass(frozen=True, slots=True)
class _Fed:
    event: Event
    era: int | None = None  # of a result or deadline; None: always valid
    work: int | None = None  # of a result: which jobs gave it; later ones make it stale
    grant: Grant | None = None
    cause: str = ""
    taken: "asyncio.Future[State] | None" = None


_REASONS: Mapping[Do | None, str] = {Do.UNLOCK: "dock-refused"}
_BY_PERSONS = frozenset({Event.RELEASE, Event.FAULT_CLEARED, Event.ACKNOWLEDGED})
_STILL_TRYING = WORKING | {State.IDENTIFYING, State.SILENT, State.LOST}
_JOBS = frozenset({Do.IDENTIFY, Do.MEASURE, Do.ENTER_DISK, Do.OFFLOAD, Do.POWER_CYCLE, Do.CHECK, Do.CLEAR})


class Keeper:
    """One slot. ``run`` is its task; everything else is called from the same loop."""

    def __init__(
        self,
        slot: int,
        work: SlotWork,
        log: Log,
        fault: Callable[[EdgeError], None],
        busy: Callable[[bool], object] = lambda _: None,
    ) -> None:
        """``busy`` is told when an event is taken up (True) and when it is through (False): for the watchdog."""
        self.slot, self._busy = slot, busy
        self.state = START
        self.grant: Grant | None = None
        self.failed: Do | None = None  # which action kept the last grant or release from opening
        self._recorded = False  # the grant is in the ledger: then it needs an outcome
        self._work, self._log, self._on_error = work, log, fault
        self._events: asyncio.Queue[_Fed] = asyncio.Queue(QUEUE)
        self._era = 0
        self._job: asyncio.Task[None] | None = None
        self._jobs: tuple[Do, ...] = ()
        self._begun = 0  # jobs so far
        self._check_again = False
        self._timer: asyncio.TimerHandle | None = None
        self._given_up = 0  # times in a row, since the camera last came to rest or was touched
        self._witness = ""
        self._by = "station"  # who asked for the last opening, clearing of a fault or acknowledgement
        self._inline: Mapping[Do, Callable[[], Awaitable[None]]] = {
            Do.LOOK: self._look,
            Do.NOTE_DOCKED: work.note_docked,
            Do.STOP_WORK: self.stop_work,
            Do.NOTE_UNFINISHED: work.note_unfinished,
            Do.RECORD_GRANT: self._record_grant,
            Do.RECORD_RELEASE: lambda: work.record_release(self._by),
            Do.ASSIGN: self._assign,
            Do.UNLOCK: self._unlock,
            Do.LOCK: work.lock,
            Do.VOID_GRANT: self._void_grant,
            Do.ISSUE: self._issue,
            Do.NOTE_UNDOCKED: work.note_undocked,
            Do.NOTE_FORCED: self._note_forced,
            Do.TAKE_BACK: self._take_back,
            Do.DRAFT_INCIDENT: work.draft_incident,
            Do.NOTE_REFUSED: work.note_refused,
            Do.NOTE_FAULT: work.note_fault,
            Do.NOTE_CLEARED: lambda: work.note_cleared(self._by),
            Do.ALARM: lambda: work.alarm(True),
            Do.SILENCE: self._silence,
            Do.CHARGE: work.charge,
            Do.POWER_OFF: lambda: work.power(False),
            Do.POWER_ON: lambda: work.power(True),
            Do.ARM_TIMER: self._arm_timer,
        }

    # --- from outside -----------------------------------------------------------------------------

    def feed(self, event: Event, *, cause: str = "", grant: Grant | None = None) -> None:
        """Hand over an event of the world or of a person. RuntimeError if the slot lags hopelessly."""
        self._put(_Fed(event, cause=cause, grant=grant))

    async def ask(self, event: Event, *, grant: Grant | None = None, cause: str = "") -> State:
        """As ``feed``; return the slot's state once the event and its inline actions are through."""
        taken: asyncio.Future[State] = asyncio.get_running_loop().create_future()
        self._put(_Fed(event, grant=grant, cause=cause, taken=taken))
        return await taken

    async def run(self) -> None:
        """Take events until cancelled; then end the job. The slot's lock and evidence stay as they are."""
        try:
            await self._work.show(self.state)
            self.feed_look()
            while True:
                fed = await self._events.get()
                self._busy(True)
                try:
                    await self._take(fed)
                finally:
                    self._busy(False)
                    if fed.taken is not None and not fed.taken.done():
                        fed.taken.set_result(self.state)
                stop_if_told()
        finally:
            self._disarm()
            await self.stop_work()

    def feed_look(self) -> None:
        """Compare with the world at the next occasion (start, dock controller back)."""
        self._looks = asyncio.ensure_future(self._look())

    # --- the loop ---------------------------------------------------------------------------------

    def _put(self, fed: _Fed) -> None:
        try:
            self._events.put_nowait(fed)
        except asyncio.QueueFull as exc:
            raise RuntimeError(f"slot {self.slot} does not take its events") from exc

    async def _take(self, fed: _Fed) -> None:
        if fed.era not in (None, self._era) or fed.work not in (None, self._begun):
            return
        if fed.event is Event.USB_ARRIVED and self._work.meets_current():
            return  # bus and LOOK told of the same connection
        try:
            following = step(self.state, fed.event)
        except UnexpectedEventError as exc:
            self._on_error(EdgeError(ErrorCode.DEFECT, slot=self.slot, reason=str(exc)))
            return
        if fed.event is Event.GRANT and following.state is State.GRANTED:
            self.grant, self.failed, self._recorded = fed.grant, None, False
        if fed.event in _BY_PERSONS:
            self._by = fed.cause or "station"
        if fed.event in {Event.FORCED_OPEN, Event.CONTACT_BROKEN}:
            self._witness = fed.cause or ("dock" if fed.event is Event.FORCED_OPEN else "contact")
        if following.state is State.SILENT and fed.event in {Event.TIME_OVER, Event.WORK_FAILED}:
            self._given_up += 1
        if following.state is not self.state:
            self._enter(following.state, fed.event)
        await self._act(following.actions)
        await self._quietly(self._work.show(self.state))

    def _enter(self, state: State, cause: Event) -> None:
        self._log("EDG-2101", slot=self.slot, before=self.state, after=state, cause=cause)
        self.state = state
        self._era += 1
        if state not in _STILL_TRYING:
            self._given_up = 0
        self._arm()

    async def _act(self, actions: tuple[Do, ...]) -> None:
        era = self._era
        jobs: list[Do] = []
        for action in actions:
            if action in _JOBS:
                jobs.append(action)
                continue
            try:
                await self._inline[action]()
            except EdgeError as exc:
                self._on_error(exc)
                if action in {Do.RECORD_GRANT, Do.RECORD_RELEASE, Do.UNLOCK}:
                    # Nothing opens that is not recorded; what could not be opened is not waited for. At once:
                    # whoever asked is to hear that it did not open.
                    self.failed = action
                    await self._take(_Fed(Event.UNLOCK_FAILED, era))
                    return
        if jobs and not self._runs_already(tuple(jobs)):
            await self._cancel_job()
            if Do.IDENTIFY in jobs:
                self._work.begins_to_meet()
            self._jobs, self._begun, self._check_again = tuple(jobs), self._begun + 1, False
            running = self._run_jobs(tuple(jobs), era, self._begun)
            self._job = asyncio.create_task(running, name=f"slot-{self.slot}-job")

    def _runs_already(self, jobs: tuple[Do, ...]) -> bool:
        """A check that is due again while one runs: breaking it off would cost the camera's worker, so that one looks
        once more before it gives its verdict."""
        running = self._job is not None and not self._job.done()
        self._check_again = running and jobs == self._jobs == (Do.CHECK,)
        return self._check_again

    async def _run_jobs(self, jobs: tuple[Do, ...], era: int, number: int) -> None:
        try:
            for job in jobs:
                event = await self._run_job(job)
                while self._check_again:
                    self._check_again = False
                    event = await self._run_job(job)
                if event is not None:
                    self._put(_Fed(event, era, work=number) if event in RESULTS else _Fed(event))
        except EdgeError as exc:
            self._on_error(exc)
            if (event := _failure(self.state, exc)) is not None:
                self._put(_Fed(event, era, work=number))

    async def _run_job(self, job: Do) -> Event | None:
        work = self._work
        if job is Do.MEASURE:
            try:
                await work.measure()
            except CameraError as exc:
                self._on_error(exc)  # a mark on the camera, seen by CHECK; the offload goes on
            return None
        if job is Do.IDENTIFY:
            return await work.identify(self.state)
        if job is Do.POWER_CYCLE:
            return await work.power_cycle(self.state)
        calls = {
            Do.ENTER_DISK: work.enter_disk,
            Do.OFFLOAD: work.offload,
            Do.CHECK: work.check,
            Do.CLEAR: work.clear,
        }
        return await calls[job]()

    async def stop_work(self) -> None:
        """End the job and the conversation with the camera; bounded in time."""
        await self._cancel_job()
        await self._quietly(self._work.end_conversation())

    async def _cancel_job(self) -> None:
        job, self._job = self._job, None
        if job is not None and job is not asyncio.current_task() and not job.done():
            job.cancel()
            await asyncio.wait({job}, timeout=JOB_END_S)

    # --- actions that need the keeper's own state ---------------------------------------------------

    async def _look(self) -> None:
        try:
            found = await self._work.look()
        except EdgeError:
            return  # the dock's owner has raised the alert and asks for a look when it is back
        for event in found:
            self._put(_Fed(event, cause="look"))

    async def _silence(self) -> None:
        """The alarm ends: a person has taken note, or the camera was put back."""
        if self.state is State.EMPTY:
            await self._quietly(self._work.note_acknowledged(self._by))
        await self._work.alarm(False)

    async def _record_grant(self) -> None:
        await self._work.record_grant(self._granted())
        self._recorded = True

    async def _assign(self) -> None:
        await self._quietly(self._work.assign(self._granted()))

    async def _unlock(self) -> None:
        await self._work.unlock(self.grant)

    async def _void_grant(self) -> None:
        grant, self.grant = self.grant, None
        if grant is not None and self._recorded:
            await self._work.void_grant(grant, _REASONS.get(self.failed, "not-taken"))

    async def _issue(self) -> None:
        grant, self.grant = self._granted(), None
        await self._work.issue(grant)

    async def _note_forced(self) -> None:
        await self._work.note_forced(self._witness or "contact")

    async def _take_back(self) -> None:
        await self._work.note_forced(self._witness or "contact", take_back=True)

    def _granted(self) -> Grant:
        if self.grant is None:
            raise RuntimeError("granted without a grant")
        return self.grant

    async def _quietly(self, doing: Awaitable[None]) -> None:
        try:
            await doing
        except EdgeError as exc:
            self._on_error(exc)

    # --- deadlines --------------------------------------------------------------------------------

    async def _arm_timer(self) -> None:
        self._arm()

    def _arm(self) -> None:
        self._disarm()
        setting = DEADLINES.get(self.state)
        if setting is not None:
            delay = self._work.deadline_s(setting, self._given_up)
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(delay, self._put, _Fed(Event.TIME_OVER, self._era))

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _failure(state: State, error: EdgeError) -> Event | None:
    """What a job's failure is to the table; None where the table waits for a deadline or the world."""
    if error.code is ErrorCode.CAMERA_FORBIDDEN_INTERFACE:
        wanted = Event.SWAPPED if error.detail.get("swapped") else Event.DEVICE_REFUSED
    elif state in {State.HOLDING, State.READY}:
        wanted = Event.NOT_READY
    else:
        wanted = Event.WORK_FAILED
    return wanted if accepts(state, wanted) else None
