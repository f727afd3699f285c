"""A tap of a badge, from the reader to the grant: who it is, what it means, which camera.

The officer has ten seconds: one decision, no waiting for offload, charging or the network. Every refusal is a fact
with a reason; the reader shows only that it is one. A badge's number never goes further than this file.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from drivers.reader import Tap
from edged.access import Admitted, ConfirmReturns, Refusal, Refused, TapFacts, WantsCamera, tap
from edged.allocation import Candidate, NothingToIssue, choose
from edged.errors import EdgeError, ErrorCode
from edged.formats import facts as f
from edged.formats.badge import credential_digest, short_digest
from edged.ports import Clock, Random
from edged.shift.dues import reserved_for
from edged.slots.keeper import Grant, Keeper
from edged.slots.state import Do, Event, State
from edged.station.alerts import Alerts
from edged.station.lists import Lists
from edged.station.on_duty import OnDuty
from edged.station.recorder import Recorder
from edged.station.slot_work import CameraSlotWork
from edged.throttle import Throttle
from firmware_protocol.reader.messages import Show


@dataclass(frozen=True, slots=True)
class Answer:
    """What the reader shows; a refusal at a reader under attack is held back ``hold_s`` seconds."""

    show: Show
    hold_s: float = 0.0


class Desk:
    """One for the station. ``tap`` is called by the owner of each reader, one tap at a time a reader."""

    def __init__(
        self,
        badge_key: bytes,
        lists: Lists,
        throttle: Throttle,
        slots: Mapping[str, Iterable[tuple[Keeper, CameraSlotWork]]],  # by reader
        *,
        clock: Clock,
        random: Random,
        recorder: Recorder,
        alerts: Alerts,
        duty: OnDuty,
    ) -> None:
        self._key, self._lists, self._throttle, self._slots = badge_key, lists, throttle, slots
        self._clock, self._random, self._recorder = clock, random, recorder
        self._alerts, self._duty = alerts, duty
        self._open: dict[str, Grant] = {}  # reader → its one open grant
        # Grants of this life whose end the ledger may not have yet → officer.
        self._given: dict[str, str] = {}

    def grant_ended(self, grant: Grant) -> None:
        """The camera was taken, or the slot is closed again: the reader is free."""
        if self._open.get(grant.reader) == grant:
            del self._open[grant.reader]

    async def tap(self, reader: str, presented: Tap) -> Answer:
        """Decide, act, and return what the reader shows, and after how long."""
        digest = credential_digest(self._key, presented.kind, presented.uid)
        hold_s = self._throttle.hold_s(reader, self._clock.now().boottime_ns)
        decided = self._decide(reader, digest, presented.kind)
        if isinstance(decided, ConfirmReturns):
            return Answer(await self._confirm(reader, decided))
        if isinstance(decided, WantsCamera):
            granted = await self._grant(reader, decided)
            if granted is None:
                return Answer(Show.ACCEPTED)
            decided = granted
        await self._refuse(reader, digest, decided)
        return Answer(Show.WAIT if decided.reason in _LATER else Show.REFUSED, hold_s)

    async def report_unheard(self) -> None:
        """Write a line for the refusals that were too many for a line each; end alarms that are over."""
        for reader in self._throttle.calmed(self._clock.now().boottime_ns):
            await self._alerts.withdraw(f"reader-attacked:{reader}")
        for reader, count in self._throttle.unreported().items():
            await self._recorder.record(
                f.BadgeRefused(reader=reader, reason=Refusal.THROTTLED, credential="", count=count)
            )

    async def reader_lost(self, reader: str) -> None:
        """Nothing stays open in the name of a reader that is gone (fault B08)."""
        grant = self._open.get(reader)
        if grant is not None:
            for keeper, _ in self._slots.get(reader, ()):
                if keeper.grant == grant:
                    keeper.feed(Event.GRANT_STOPPED, cause="reader lost")

    # --- decisions ----------------------------------------------------------------------------------

    def _decide(self, reader: str, digest: str, kind: str) -> ConfirmReturns | WantsCamera | Refused:
        if self._recorder.state.retired:
            return Refused(Refusal.RETIRED)
        who = self._lists.access.decide(digest, kind, self._lists.judged_ns())
        if isinstance(who, Refused):
            return who
        roles = self._duty.roles_now(who.person, who.roles)
        meant = tap(replace(who, roles=roles), self._facts(reader, who))
        if roles != who.roles and meant == Refused(Refusal.NOT_AN_OFFICER, who.person):
            return Refused(Refusal.NOT_ON_DUTY, who.person)
        reason = self._duty.refusal(who.person) if isinstance(meant, WantsCamera) else None
        return meant if reason is None else Refused(reason, who.person)

    def _facts(self, reader: str, who: Admitted) -> TapFacts:
        state = self._recorder.state
        return TapFacts(
            grant_at_reader=reader in self._open,
            grant_of_person=self._has_grant(who.person),
            holds_a_camera=state.open_issue_of(who.person) is not None,
            second_camera=any(c.reserved_for == who.person for c in self._candidates(reader)),
            returns_waiting=state.returns_to_confirm(),
        )

    def _has_grant(self, person: str) -> bool:
        """Whether a grant of this life is open for them, or its end is not written yet: who took a camera a moment
        ago has it. One of an earlier life, at a dock that does not answer, keeps nobody from another dock's camera."""
        open_ = {*self._recorder.state.grants, *(grant.grant for grant in self._open.values())}
        self._given = {grant: officer for grant, officer in self._given.items() if grant in open_}
        return person in self._given.values()

    async def _confirm(self, reader: str, decided: ConfirmReturns) -> Show:
        await self._recorder.record(
            f.ReturnConfirmed(issues=decided.issues, responsible=decided.person, reader=reader),
            actor=f"reader:{reader}",
        )
        return Show.CONFIRM

    # --- the grant ----------------------------------------------------------------------------------

    async def _grant(self, reader: str, wish: WantsCamera) -> Refused | None:
        """Offer the best camera; None when its lock is open."""
        person = wish.person
        chosen = choose(self._candidates(reader), person, second=wish.second)
        if isinstance(chosen, NothingToIssue):
            return Refused(chosen.reason, person)
        keeper = next(k for k, _ in self._slots[reader] if k.slot == chosen.slot)
        grant = Grant(
            grant=self._random.token(16).hex(),
            number=int.from_bytes(self._random.token(4)) | 1,
            officer=person,
            user_no=_user_no(person),
            reader=reader,
        )
        self._open[reader], self._given[grant.grant] = grant, person
        try:
            state = await keeper.ask(Event.GRANT, grant=grant, cause=f"badge at {reader}")
        except EdgeError:
            self.grant_ended(grant)
            raise
        if state is State.GRANTED and keeper.grant == grant:
            return None
        self.grant_ended(grant)
        return Refused(_FAILED.get(keeper.failed, Refusal.NO_CAMERA_READY), person)

    def _candidates(self, reader: str) -> list[Candidate]:
        cameras = self._recorder.state.cameras
        return [
            Candidate(
                slot=keeper.slot,
                state=keeper.state,
                serial=work.key,
                readiness=work.readiness,
                assigned_to=work.listed.assigned_to if work.listed is not None else "",
                charge_percent=work.charge_percent,
                issues=cameras[work.key].issues if work.key in cameras else 0,
                reserved_for=reserved_for(self._recorder.state, work.key),
            )
            for keeper, work in self._slots.get(reader, ())
        ]

    async def _refuse(self, reader: str, digest: str, refused: Refused) -> None:
        heard = self._throttle.refused(digest, reader, self._clock.now().boottime_ns)
        if heard.alarm:
            await self._alerts.raise_(f"reader-attacked:{reader}", ErrorCode.BADGE_STORM, reader=reader)
        if heard.report:
            await self._recorder.record(
                f.BadgeRefused(
                    reader=reader,
                    reason=refused.reason,
                    credential=short_digest(digest),
                    person=refused.person,
                    count=heard.count,
                ),
                actor=f"reader:{reader}",
            )


_FAILED: Mapping[Do | None, Refusal] = {
    Do.RECORD_GRANT: Refusal.NOT_RECORDED,
    Do.UNLOCK: Refusal.DOCK_SILENT,
}
_LATER = frozenset({Refusal.GRANT_PENDING, Refusal.ALL_GRANTED})
"""Refusals that only mean: in a moment."""


def _user_no(person: str) -> str:
    """What fits into a camera's userNo: the last six ASCII characters of the person's id."""
    return "".join(c for c in person if c.isascii() and c.isalnum())[-6:]
