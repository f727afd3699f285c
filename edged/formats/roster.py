"""The roster: who may do what at the stations of one customs body. Signed by the authority, off line.

Form only: whether it is in force now, and what a person may do, is decided in `edged/access.py`.
"""

from typing import Annotated, Literal

import msgspec

from edged.errors import FormatError
from edged.formats import times
from edged.formats.fields import Day, Hex64, Text, Time, require_once
from edged.formats.note import Signer, Verifier
from edged.formats.signed import open_document, sign_document

ROSTER_LIMIT = 1024 * 1024  # bytes (a note's own limit); 2,000 persons need about 900 kB
PERSONS_LIMIT = 5_000

PersonId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")]
Account = Annotated[str, msgspec.Meta(pattern=r"^([a-z_][a-z0-9_-]{0,31})?\Z")]
Kind = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}\Z")]
Role = Literal["officer", "responsible", "technician", "account_admin", "security_admin", "viewer"]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rosters are written by other programs too: nothing unknown passes, at any depth."""


class Credential(_Part, frozen=True):
    kind: Kind  # "uid", as the reader names it
    digest: Hex64  # edged.formats.badge.credential_digest
    not_before: Time | None = None
    not_after: Time | None = None


class Appointment(_Part, frozen=True):
    """The document that gives a role (Order 459, II.8)."""

    body: Text
    number: Text
    date: Day


class RoleGrant(_Part, frozen=True):
    role: Role
    appointment: Appointment
    valid_from: Time
    valid_until: Time


class Revocation(_Part, frozen=True):
    at: Time
    reason: Text


class Person(_Part, frozen=True):
    id: PersonId
    name: Text  # in Ukrainian, as in the journals
    position: Text
    account: Account = ""  # unix user name for the control socket; "": none
    credentials: Annotated[tuple[Credential, ...], msgspec.Meta(max_length=8)] = ()
    roles: Annotated[tuple[RoleGrant, ...], msgspec.Meta(max_length=16)] = ()
    revoked: Revocation | None = None


class Roster(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="edged/roster/v1"):
    version: Annotated[int, msgspec.Meta(ge=1, le=2**53)]  # grows with every roster of the body
    customs_body: Text
    issued_at: Time
    valid_from: Time
    valid_until: Time
    persons: Annotated[tuple[Person, ...], msgspec.Meta(max_length=PERSONS_LIMIT)]


def sign_roster(roster: Roster, authority: Signer) -> bytes:
    """Raises FormatError where `open_roster` would."""
    _require_sound(roster)
    return sign_document(roster, authority)


def open_roster(data: bytes, authority: Verifier) -> Roster:
    """Return the roster in ``data``.

    Raises:
        FormatError: cut off, not a roster, a time that does not exist, or one id, account or
            credential that two persons have.
        SignatureError: not signed by ``authority``.
    """
    roster = open_document(data, Roster, (authority,), ROSTER_LIMIT)
    _require_sound(roster)
    return roster


def _require_sound(roster: Roster) -> None:
    _require_span("roster", roster.valid_from, roster.valid_until)
    times.parse_ns(roster.issued_at)
    for person in roster.persons:
        for grant in person.roles:
            _require_span(person.id, grant.valid_from, grant.valid_until)
        for credential in person.credentials:
            _require_span(person.id, credential.not_before, credential.not_after)
        if person.revoked:
            times.parse_ns(person.revoked.at)
    require_once("person", (person.id for person in roster.persons))
    require_once("account", (person.account for person in roster.persons if person.account))
    require_once("credential", (c.digest for person in roster.persons for c in person.credentials))


def _require_span(where: str, begin: str | None, end: str | None) -> None:
    first = times.parse_ns(begin) if begin is not None else None
    last = times.parse_ns(end) if end is not None else None
    if first is not None and last is not None and first >= last:
        raise FormatError(reason="validity ends before it begins", where=where)
