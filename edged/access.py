"""Who may take a camera: the list of persons, and what a tap of a badge means. Pure.

Rule 1: one list, made from the signed roster and from what the account administrator entered since (only
        officers, only until the next roster). A revocation anywhere beats an admission anywhere. A badge that was
        entered here makes an officer of its holder and nothing else, whatever the roster says of that person.
Rule 2: a badge is its keyed digest. Nobody here ever sees its number.
Rule 3: every refusal has a name; the reader shows only that it is one.
Rule 4: time is `TimeFloor.judged`, never the wall clock alone.
Rule 5: without a valid appointing document there is no role, and without the role officer no camera.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from edged.formats import times
from edged.formats.roster import Credential, Person, Role, RoleGrant, Roster

HOUR_NS = 3_600_000_000_000

OF_ACCOUNTS: frozenset[Role] = frozenset({"officer", "viewer"})
"""Whose rights the account administrator manages (459-II.2-accounts); all else comes with the signed roster."""


class Refusal(StrEnum):
    """Why a tap came to nothing. Values stand in the ledger: never rename one."""

    RETIRED = "station-retired"
    NO_ROSTER = "no-roster"
    WRONG_KIND = "wrong-kind"  # a kind of badge that the configuration does not let count
    UNKNOWN_BADGE = "unknown-badge"
    REVOKED = "revoked"
    NOT_YET_VALID = "not-yet-valid"
    EXPIRED = "expired"
    ROSTER_NOT_YET = "roster-not-yet"
    ROSTER_EXPIRED = "roster-expired"
    NO_APPOINTMENT = "no-appointment"  # no role whose document is valid now
    NOT_AN_OFFICER = "not-an-officer"  # has a role, but not one that takes cameras
    THROTTLED = "throttled"  # too many refusals; stands for several taps
    GRANT_PENDING = "grant-pending"  # this reader's last grant is still open
    ALREADY_GRANTED = "already-granted"  # this officer's grant is open at another reader
    HOLDS_A_CAMERA = "holds-a-camera"
    NOT_ON_DUTY = "not-on-duty"  # in no shift of the duty schedule that is now
    NOT_BRIEFED = "not-briefed"  # the first use, and no briefing before it
    NO_CAMERA_DOCKED = "no-camera-docked"
    NO_CAMERA_READY = "no-camera-ready"
    ALL_GRANTED = "all-granted"
    DOCK_SILENT = "dock-silent"
    NOT_RECORDED = "not-recorded"  # the ledger did not take the grant: nothing opens


@dataclass(frozen=True, slots=True)
class Refused:
    reason: Refusal
    person: str = ""  # whose badge it is, where that is known


@dataclass(frozen=True, slots=True)
class Admitted:
    """A known person with at least one role in force."""

    person: str
    name: str
    roles: frozenset[Role]


class LocalEntry(Protocol):
    """What `edged.station_state.LocalOfficer` has: officer.added, officer.revoked since the roster."""

    @property
    def person(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def credential(self) -> str: ...
    @property
    def valid_until(self) -> str: ...
    @property
    def revoked(self) -> str: ...


@dataclass(frozen=True, slots=True)
class _Holder:
    """A credential with its person. A local one gives the role officer until its own end."""

    person: str
    name: str
    credential: Credential | None
    until_ns: int | None = None


class AccessList:
    """Immutable; made anew when a roster is accepted or an officer is added or revoked."""

    def __init__(
        self,
        roster: Roster | None,
        local: Iterable[LocalEntry] = (),
        *,
        kinds: Iterable[str],
        responsible_grace_h: float = 0.0,
    ) -> None:
        """``kinds`` of badges count for roster and local entries alike; ``roster`` has been verified."""
        self._roster = roster
        self._kinds = frozenset(kinds)
        self._grace_ns = round(responsible_grace_h * HOUR_NS)
        persons = roster.persons if roster else ()
        self._persons: Mapping[str, Person] = MappingProxyType({p.id: p for p in persons})
        self._accounts = {p.account: p for p in persons if p.account}
        entries = list(local)
        self._revoked_here = frozenset(e.person for e in entries if e.revoked)
        self._holders: dict[str, _Holder] = {}
        # Revoked ones first: who has such a badge by now is admitted, who still shows it is named.
        for entry in sorted(entries, key=lambda e: not e.revoked):
            if entry.credential:
                until = times.parse_ns(entry.valid_until)
                self._holders[entry.credential] = _Holder(entry.person, entry.name, None, until)
        # The roster last: a badge of the roster is never taken over by a local entry.
        for person in persons:
            for credential in person.credentials:
                self._holders[credential.digest] = _Holder(person.id, person.name, credential)

    def decide(self, digest: str, kind: str, at_ns: int) -> Admitted | Refused:
        """Return whose badge this is and what the person may do at ``at_ns`` (`TimeFloor.judged`)."""
        if kind not in self._kinds:
            return Refused(Refusal.WRONG_KIND)
        if self._roster is None:
            return Refused(Refusal.NO_ROSTER)
        holder = self._holders.get(digest)
        if holder is None or (holder.credential and holder.credential.kind != kind):
            return Refused(Refusal.UNKNOWN_BADGE)
        if (reason := self._badge_fault(holder, at_ns)) is not None:
            return Refused(reason, holder.person)
        roles = self._roles(holder, at_ns)
        if (reason := self._roster_fault(at_ns)) is not None:
            roles = self._in_grace(roles, at_ns)
            if not roles:
                return Refused(reason, holder.person)
        if not roles:
            return Refused(Refusal.NO_APPOINTMENT, holder.person)
        return Admitted(holder.person, holder.name, roles)

    def who(self, account: str, at_ns: int) -> Admitted | None:
        """Return the person behind a unix account, with the roles in force; None: nobody is named so."""
        person = self._accounts.get(account)
        if person is None or self._is_revoked(person.id, at_ns):
            return None
        expired = self._roster_fault(at_ns) is not None
        return Admitted(person.id, person.name, frozenset() if expired else _in_force(person.roles, at_ns))

    def officer_only(self, account: str, at_ns: int) -> bool:
        """Return whether the roster knows a unix account as an officer's (or a user's) and as nothing else.

        It goes on knowing it when that role, the person or the roster itself is not in force any more.
        """
        person = self._accounts.get(account)
        if person is None:
            return False
        roles = _in_force(person.roles, at_ns) or frozenset(grant.role for grant in person.roles)
        return bool(roles) and roles <= OF_ACCOUNTS

    def knows(self, digest: str) -> str:
        """Return whose credential this is, "" if nobody's. For refusing a second holder.

        A badge that was entered here and revoked here is nobody's: it may be given out again.
        """
        holder = self._holders.get(digest)
        if holder is None or (holder.until_ns is not None and holder.person in self._revoked_here):
            return ""
        return holder.person

    def roster_persons(self) -> tuple[Person, ...]:
        """Return the roster's entries, in its order."""
        return tuple(self._persons.values())

    def person(self, person: str) -> Person | None:
        """Return the roster's entry of that id."""
        return self._persons.get(person)

    def beyond_accounts(self, person: str) -> frozenset[Role]:
        """Return what the roster makes of a person, now or at another time, that no account administrator may touch."""
        entry = self._persons.get(person)
        return frozenset(grant.role for grant in entry.roles) - OF_ACCOUNTS if entry else frozenset()

    def _badge_fault(self, holder: _Holder, at_ns: int) -> Refusal | None:
        if self._is_revoked(holder.person, at_ns):
            return Refusal.REVOKED
        if holder.until_ns is not None:
            return Refusal.EXPIRED if at_ns >= holder.until_ns else None
        badge = holder.credential
        if badge and badge.not_before is not None and at_ns < times.parse_ns(badge.not_before):
            return Refusal.NOT_YET_VALID
        if badge and badge.not_after is not None and at_ns >= times.parse_ns(badge.not_after):
            return Refusal.EXPIRED
        return None

    def _is_revoked(self, person: str, at_ns: int) -> bool:
        entry = self._persons.get(person)
        signed = entry is not None and entry.revoked is not None and times.parse_ns(entry.revoked.at) <= at_ns
        return signed or person in self._revoked_here

    def _roles(self, holder: _Holder, at_ns: int) -> frozenset[Role]:
        if holder.until_ns is not None:
            return frozenset[Role]({"officer"})
        return _in_force(self._persons[holder.person].roles, at_ns)

    def _roster_fault(self, at_ns: int) -> Refusal | None:
        assert self._roster is not None
        if at_ns < times.parse_ns(self._roster.valid_from):
            return Refusal.ROSTER_NOT_YET
        return Refusal.ROSTER_EXPIRED if at_ns >= times.parse_ns(self._roster.valid_until) else None

    def _in_grace(self, roles: frozenset[Role], at_ns: int) -> frozenset[Role]:
        """Roles that outlive the roster: the responsible person's, for the hours that policy gives."""
        assert self._roster is not None
        end = times.parse_ns(self._roster.valid_until)
        return roles & {"responsible"} if end <= at_ns < end + self._grace_ns else frozenset()


def _in_force(grants: Iterable[RoleGrant], at_ns: int) -> frozenset[Role]:
    return frozenset(
        g.role for g in grants if times.parse_ns(g.valid_from) <= at_ns < times.parse_ns(g.valid_until)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TapFacts:
    """What the station knows when a badge was admitted."""

    grant_at_reader: bool  # a grant of this reader is still open
    grant_of_person: bool  # this person's grant is open, at whichever reader
    holds_a_camera: bool  # this person has an open issue
    second_camera: bool = (
        False  # a reserve camera is ready for this person, by a memo about an incident of theirs
    )
    returns_waiting: tuple[str, ...]  # issues whose return nobody confirmed yet


@dataclass(frozen=True, slots=True)
class ConfirmReturns:
    """The responsible person confirms check and presence of these."""

    person: str
    issues: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WantsCamera:
    """An officer's tap: choose one."""

    person: str
    second: bool = False  # holds one already: only a reserve camera under an incident (459-III.12-reserve)


def tap(who: Admitted, facts: TapFacts) -> ConfirmReturns | WantsCamera | Refused:
    """Return what an admitted person's tap means.

    A responsible person's own return is confirmed by another tap of the same badge like any other.
    """
    if facts.grant_at_reader:
        return Refused(Refusal.GRANT_PENDING, who.person)
    if "responsible" in who.roles and facts.returns_waiting:
        return ConfirmReturns(who.person, facts.returns_waiting)
    if "officer" not in who.roles:
        return Refused(Refusal.NOT_AN_OFFICER, who.person)
    if facts.holds_a_camera and not facts.second_camera:
        return Refused(Refusal.HOLDS_A_CAMERA, who.person)
    if facts.grant_of_person:
        return Refused(Refusal.ALREADY_GRANTED, who.person)
    return WantsCamera(who.person, second=facts.holds_a_camera)
