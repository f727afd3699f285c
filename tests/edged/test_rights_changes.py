"""What a new roster changes, change by change."""

from msgspec.structs import replace

from edged.formats.roster import Revocation
from edged.rights_changes import Change, changes
from tests.edged.formats.samples import PLACED_AT, person, roster

FIRST, SECOND = person(1), person(2)


def said(*pairs: tuple[str, Change]) -> list[tuple[str, str]]:
    return [(who, str(what)) for who, what in pairs]


def test_the_first_roster_gives_everybody_what_stands_in_it() -> None:
    found = list(changes(None, roster(FIRST)))
    assert [(one.person, one.change) for one in found] == said(
        ("p-1", Change.PERSON_ADDED), ("p-1", Change.ROLE_GIVEN), ("p-1", Change.BADGE_GIVEN)
    )
    assert found[1].what == (
        "officer, Волинська митниця 17-к 2026-01-05, 2026-01-06T00:00:00.000Z - 2027-01-06T00:00:00.000Z"
    )


def test_the_same_roster_changes_nothing() -> None:
    assert list(changes(roster(FIRST, SECOND), roster(SECOND, FIRST, version=4))) == []


def test_who_is_gone_loses_role_and_badge() -> None:
    found = changes(roster(FIRST, SECOND), roster(FIRST))
    assert [(one.person, one.change) for one in found] == said(
        ("p-2", Change.PERSON_REMOVED), ("p-2", Change.ROLE_TAKEN), ("p-2", Change.BADGE_TAKEN)
    )


def test_a_role_by_another_document_is_taken_and_given() -> None:
    grant = replace(FIRST.roles[0], role="responsible")
    found = changes(roster(FIRST), roster(replace(FIRST, roles=(grant,))))
    assert [one.change for one in found] == [Change.ROLE_TAKEN, Change.ROLE_GIVEN]


def test_a_revocation_and_its_end_are_told_once() -> None:
    revoked = replace(FIRST, revoked=Revocation(at=PLACED_AT, reason="звільнено"))
    assert [(one.change, one.what) for one in changes(roster(FIRST), roster(revoked))] == [
        (Change.PERSON_REVOKED, "звільнено")
    ]
    assert list(changes(roster(revoked), roster(revoked))) == []
    assert [one.change for one in changes(roster(revoked), roster(FIRST))] == [Change.REVOCATION_ENDED]


def test_a_badge_is_named_by_the_beginning_of_its_digest() -> None:
    other = replace(FIRST.credentials[0], digest="ab" * 32)
    taken, given = changes(roster(FIRST), roster(replace(FIRST, credentials=(other,))))
    assert (taken.change, given.change) == (Change.BADGE_TAKEN, Change.BADGE_GIVEN)
    assert given.what == f"{other.kind} {'ab' * 8}"


def test_another_name_or_account_is_told() -> None:
    found = changes(roster(FIRST), roster(replace(FIRST, name="Олена Мороз", account="omoroz")))
    assert [(one.change, one.what) for one in found] == [
        (Change.PERSON_RENAMED, f"Олена Мороз, {FIRST.position}"),
        (Change.ACCOUNT_CHANGED, "omoroz"),
    ]
