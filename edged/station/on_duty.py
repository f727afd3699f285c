"""What the duty schedule and the briefings say of whoever takes a camera now."""

from edged.access import Refusal
from edged.config import Shift
from edged.duty import Flag, Margins, Standing, is_responsible, standing
from edged.errors import EdgeError, ErrorCode
from edged.formats.roster import Role
from edged.station.lists import Lists
from edged.station.recorder import Recorder
from edged.verbs import VERBS, Actor

RESPONSIBLE: frozenset[Role] = frozenset({"responsible"})


class OnDuty:
    """No schedule that is missing or has run out keeps anybody from a camera, nor a clock that nobody vouches for: the
    issue is flagged."""

    def __init__(self, settings: Shift, margins: Margins, lists: Lists, recorder: Recorder) -> None:
        self._settings, self._margins = settings, margins
        self._lists, self._recorder = lists, recorder

    def standing(self, officer: str) -> Standing:
        shift = self._recorder.state.shift
        known = officer in shift.briefed or officer in shift.users
        return standing(
            self._lists.schedule, officer, self._lists.duty_ns(), self._margins, first_use=not known
        )

    def roles_now(self, person: str, roles: frozenset[Role]) -> frozenset[Role]:
        """Return the roles that count now: a responsible person's only in the own shift (459-II.1-own-shift)."""
        own = is_responsible(self._lists.schedule, person, self._lists.duty_ns(), self._margins)
        return roles if own else roles - RESPONSIBLE

    def require_own_shift(self, actor: Actor, verb: str) -> None:
        """Raises EdgeError: NOT_ALLOWED, it takes the responsible person, and the shift is another's."""
        if actor.roles and not self.roles_now(actor.person, actor.roles) & VERBS[verb].roles:
            raise EdgeError(ErrorCode.NOT_ALLOWED, verb=verb, person=actor.person, expected="the own shift")

    def refusal(self, officer: str) -> Refusal | None:
        """Why this officer gets no camera now; None: he gets one."""
        flags = self.standing(officer).flags
        if Flag.NOT_LISTED in flags and self._settings.not_listed == "refuse":
            return Refusal.NOT_ON_DUTY
        if Flag.NOT_BRIEFED in flags and self._settings.unbriefed == "refuse":
            return Refusal.NOT_BRIEFED
        return None
