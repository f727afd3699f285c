"""What a new roster changes: who may do what from now on, who no longer, by which document (459-II.5-audit). Pure."""

from collections.abc import Iterator
from enum import StrEnum

from edged.formats.facts import RightFact, RightsChanged
from edged.formats.roster import Credential, Person, RoleGrant, Roster

SHORT = 16  # hex digits of a credential's keyed digest, as everywhere in the ledger


class Change(StrEnum):
    """Values stand in the ledger: never rename one."""

    PERSON_ADDED = "person-added"
    PERSON_REMOVED = "person-removed"
    PERSON_REVOKED = "person-revoked"
    REVOCATION_ENDED = "revocation-ended"
    PERSON_RENAMED = "person-renamed"
    ACCOUNT_CHANGED = "account-changed"
    ROLE_GIVEN = "role-given"
    ROLE_TAKEN = "role-taken"
    BADGE_GIVEN = "badge-given"
    BADGE_TAKEN = "badge-taken"


RIGHTS_A_LINE = 40
"""Changes in one line of the ledger: the longest names and documents leave it below 64 KiB."""


def facts(before: Roster | None, after: Roster) -> Iterator[RightsChanged]:
    """Yield the lines that tell every change."""
    found = list(changes(before, after))
    for at in range(0, len(found), RIGHTS_A_LINE):
        yield RightsChanged(version=after.version, changes=tuple(found[at : at + RIGHTS_A_LINE]))


def changes(before: Roster | None, after: Roster) -> Iterator[RightFact]:
    """Yield every change of rights from one roster to the next, in the order of the persons' ids."""
    old = {person.id: person for person in before.persons} if before is not None else {}
    new = {person.id: person for person in after.persons}
    for person in sorted(old.keys() | new.keys()):
        if person not in new:
            yield RightFact(person=person, change=Change.PERSON_REMOVED, what=old[person].name)
        yield from _of_person(old.get(person), new.get(person))


def _of_person(old: Person | None, new: Person | None) -> Iterator[RightFact]:
    if new is not None:
        if old is None:
            yield RightFact(person=new.id, change=Change.PERSON_ADDED, what=new.name)
        else:
            yield from _of_entry(old, new)
        if new.revoked is not None and (old is None or old.revoked is None):
            yield RightFact(person=new.id, change=Change.PERSON_REVOKED, what=new.revoked.reason)
    yield from _of_roles(old, new)
    yield from _of_badges(old, new)


def _of_entry(old: Person, new: Person) -> Iterator[RightFact]:
    if (old.name, old.position) != (new.name, new.position):
        yield RightFact(person=new.id, change=Change.PERSON_RENAMED, what=f"{new.name}, {new.position}")
    if old.account != new.account:
        yield RightFact(person=new.id, change=Change.ACCOUNT_CHANGED, what=new.account)
    if old.revoked is not None and new.revoked is None:
        yield RightFact(person=new.id, change=Change.REVOCATION_ENDED)


def _of_roles(old: Person | None, new: Person | None) -> Iterator[RightFact]:
    had = dict.fromkeys(old.roles if old is not None else ())
    has = dict.fromkeys(new.roles if new is not None else ())
    for kind, these, others in ((Change.ROLE_TAKEN, had, has), (Change.ROLE_GIVEN, has, had)):
        for grant in these:
            if grant not in others:
                yield RightFact(person=_id(old, new), change=kind, what=_grant(grant))


def _of_badges(old: Person | None, new: Person | None) -> Iterator[RightFact]:
    had = dict.fromkeys(old.credentials if old is not None else ())
    has = dict.fromkeys(new.credentials if new is not None else ())
    for kind, these, others in ((Change.BADGE_TAKEN, had, has), (Change.BADGE_GIVEN, has, had)):
        for badge in these:
            if badge not in others:
                yield RightFact(person=_id(old, new), change=kind, what=_badge(badge))


def _id(old: Person | None, new: Person | None) -> str:
    known = new if new is not None else old
    assert known is not None
    return known.id


def _grant(grant: RoleGrant) -> str:
    by = grant.appointment
    return f"{grant.role}, {by.body} {by.number} {by.date}, {grant.valid_from} - {grant.valid_until}"


def _badge(badge: Credential) -> str:
    until = (
        f", {badge.not_before or ''} - {badge.not_after or ''}" if badge.not_before or badge.not_after else ""
    )
    return f"{badge.kind} {badge.digest[:SHORT]}{until}"
