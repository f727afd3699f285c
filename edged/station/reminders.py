"""What persons are late with: cameras that are out after their shift, returns to confirm, papers, works.

The station reminds by an alert, and drafts incidents: of a camera that was not returned, of a recording that is not in
the vault as it was sealed, of a disk or a ledger that is at fault. It gives no paper and confirms nothing in anybody's
name.
"""

from collections.abc import Iterable
from typing import Any

from edged.config import Shift
from edged.duty import Margins
from edged.errors import ErrorCode
from edged.formats import facts as f
from edged.journals.papers import reminder
from edged.ports import Clock, ClockClass, Random
from edged.shift.dues import not_returned, reminded, too_long, unconfirmed_returns, unsigned_handovers
from edged.shift.faults import faults
from edged.shift.inventory import Inventory
from edged.shift.upkeep import CAMERAS, works_due
from edged.station.alerts import Alerts
from edged.station.lists import Lists
from edged.station.recorder import Recorder
from edged.station_state import Issue

NOT_RETURNED, SPOILT = "camera-not-returned", "damaged-recording"
_UNENTERED = "works-unentered"
_DUE, _UPDATE = "works-due", "update-unannounced"
_OUT, _WORKS, _SHEETS, _RETURN = "camera-out", "works-long", "handover-unsigned", "return-unconfirmed"
_PAPERS, _SOON = "papers-late", "papers-due"


class Reminders:
    """``look`` is called about once a minute."""

    def __init__(
        self,
        settings: Shift,
        margins: Margins,
        inventory: Inventory,
        *,
        lists: Lists,
        recorder: Recorder,
        alerts: Alerts,
        clock: Clock,
        random: Random,
    ) -> None:
        self._settings, self._margins, self._inventory = settings, margins, inventory
        self._lists, self._recorder, self._alerts = lists, recorder, alerts
        self._clock, self._random = clock, random

    async def look(self) -> None:
        """Raise and withdraw what is due. A host that does not know the time reminds of nothing new."""
        await self._faults()
        if self._clock.now().clock is not ClockClass.UNKNOWN:
            await self._cameras()
            await self._returns()
            await self._papers()
            await self._works()
            await self._planned_works()
            await self._updates()
            await self._handovers()

    async def _faults(self) -> None:
        state = self._recorder.state
        known = list(state.shift.incidents.values())
        for kind in faults(state):
            await self._draft(kind)
        told = {i.recording for i in known if i.kind == SPOILT}
        for recording in [r for r in state.recordings.values() if r.corrupt and r.id not in told]:
            await self._draft(SPOILT, camera=recording.camera, issue=recording.issue, recording=recording.id)

    async def _draft(self, kind: str, **about: Any) -> None:
        """``about``: fields of `IncidentDrafted`."""
        await self._recorder.record(
            f.IncidentDrafted(incident=self._random.token(8).hex(), kind=kind, **about)
        )

    async def _cameras(self) -> None:
        now_ns = self._lists.judged_ns()
        state = self._recorder.state
        late = not_returned(state, self._lists.schedule, self._margins, self._settings.longest_h, now_ns)
        for issue in late:
            await self._draft_out(issue)
            await self._alerts.raise_(
                f"{_OUT}:{issue.camera}",
                ErrorCode.CAMERA_NOT_RETURNED,
                camera=issue.camera,
                officer=issue.officer,
                issue=issue.id,
                taken=issue.taken,
            )
        await self._withdraw(_OUT, {issue.camera for issue in late})

    async def _draft_out(self, issue: Issue) -> None:
        incidents = self._recorder.state.shift.incidents.values()
        if not any(i.kind == NOT_RETURNED and i.issue == issue.id for i in incidents):
            await self._draft(NOT_RETURNED, slot=issue.slot, camera=issue.camera, issue=issue.id)

    async def _returns(self) -> None:
        """Asked for (459-III.11-return); offload, charging and issue go on."""
        state = self._recorder.state
        within_ns = round(self._settings.confirm_min * 60e9)
        late = unconfirmed_returns(state, self._lists.judged_ns(), within_ns)
        for camera, issue in late.items():
            known = state.cameras.get(camera)
            await self._alerts.raise_(
                f"{_RETURN}:{camera}",
                ErrorCode.RETURN_UNCONFIRMED,
                camera=camera,
                slot=known.slot if known is not None else 0,
                officer=issue.officer,
                issue=issue.id,
                returned=issue.returned,
            )
        await self._withdraw(_RETURN, late)

    async def _papers(self) -> None:
        """One alert for all papers about one thing; `edgectl paper list` names them."""
        state, schedule = self._recorder.state, self._lists.schedule
        found = reminded(state, self._inventory, schedule, self._margins, self._lists.judged_ns())
        await self._withdraw(_SOON, found.soon)
        await self._withdraw(_PAPERS, found.late)
        for about, (first, *_) in found.soon.items():
            text = reminder(first.paper, first.due_ns)
            await self._alerts.raise_(
                f"{_SOON}:{about}", ErrorCode.PAPER_DUE, about=about, first=first.paper, text=text
            )
        for about, (first, *_) in found.late.items():
            text = reminder(first.paper, first.due_ns)
            await self._alerts.raise_(
                f"{_PAPERS}:{about}", ErrorCode.PAPER_LATE, about=about, first=first.paper, text=text
            )

    async def _works(self) -> None:
        going_on = too_long(self._recorder.state.shift, self._lists.judged_ns())
        for works, over in going_on:
            if over:  # a second alert beside the first: what is to be done is another
                await self._alerts.raise_(
                    f"{_WORKS}-over:{works.id}", ErrorCode.WORKS_OVER_24H, works=works.id, began=works.began
                )
            await self._alerts.raise_(
                f"{_WORKS}:{works.id}", ErrorCode.WORKS_NEAR_24H, works=works.id, began=works.began
            )
        await self._withdraw(_WORKS, {works.id for works, _ in going_on})
        await self._withdraw(f"{_WORKS}-over", {works.id for works, over in going_on if over})
        await self._unentered_works()

    async def _unentered_works(self) -> None:
        """A camera that was only marked has no entry of Annex 3, no timer and no letter (459-III.14-works)."""
        state = self._recorder.state
        items = {item for works in state.shift.works.values() if not works.finished for item in works.items}
        marked = {
            camera.serial: camera.works
            for camera in state.cameras.values()
            if camera.works and self._inventory.number_of(camera.serial) not in items
        }
        for serial, grounds in marked.items():
            await self._alerts.raise_(
                f"{_UNENTERED}:{serial}", ErrorCode.WORKS_NOT_ENTERED, camera=serial, grounds=grounds[:200]
            )
        await self._withdraw(_UNENTERED, marked)

    async def _planned_works(self) -> None:
        due = list(works_due(self._recorder.state.shift.upkeep, self._lists.judged_ns()))
        for one in due:
            await self._alerts.raise_(
                f"{_DUE}:{one.entry}",
                ErrorCode.WORKS_DUE,
                entry=one.entry,
                since=one.since,
                every_days=one.every_days,
            )
        await self._withdraw(_DUE, {one.entry for one in due})

    async def _updates(self) -> None:
        """Of the station's own software, the docks' and the cameras' (459-III.14-works)."""
        unannounced = self._recorder.state.shift.upkeep.unannounced
        for part, update in unannounced.items():
            await self._alerts.raise_(
                f"{_UPDATE}:{part}",
                ErrorCode.CAMERA_ANOTHER if update.entry == CAMERAS else ErrorCode.UPDATE_UNANNOUNCED,
                part=part,
                entry=update.entry,
                before=update.before,
                now=update.now,
            )
        await self._withdraw(_UPDATE, unannounced)

    async def _handovers(self) -> None:
        """With one signature it is none (459-III.3-sign); issue goes on."""
        late = unsigned_handovers(
            self._recorder.state.shift, self._lists.judged_ns(), round(self._settings.at_once_min * 60e9)
        )
        for sheet in late:
            await self._alerts.raise_(
                f"{_SHEETS}:{sheet.made.sheet}",
                ErrorCode.HANDOVER_UNSIGNED,
                sheet=sheet.made.sheet,
                signatures=len(sheet.signatures),
            )
        await self._withdraw(_SHEETS, {sheet.made.sheet for sheet in late})

    async def _withdraw(self, kind: str, standing: Iterable[str]) -> None:
        keep = {f"{kind}:{one}" for one in standing}
        for alert in [one for one in self._recorder.state.alerts if one.startswith(f"{kind}:")]:
            if alert not in keep:
                await self._alerts.withdraw(alert)
