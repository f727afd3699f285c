"""Who works at the post, and the rosters that the authority signs for them."""

from dataclasses import dataclass

from edged.formats import times
from edged.formats.badge import credential_digest
from edged.formats.note import Signer
from edged.formats.roster import (
    Appointment,
    Credential,
    Person,
    Revocation,
    Role,
    RoleGrant,
    Roster,
    sign_roster,
)
from edged.formats.schedule import Schedule, Shift, sign_schedule
from tests.fakes.clock import START_NS

BODY, POST = "Львівська митниця", "Рава-Руська"
BADGE_KEY = bytes(range(32, 64))
KIND = "desfire-id"
HOUR_NS = 3_600_000_000_000


def at(hours: float) -> str:
    """A time so many hours after the world's beginning, 07:00 UTC."""
    return times.format_ns(START_NS + round(hours * HOUR_NS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Someone:
    id: str
    badge: str  # hex
    roles: tuple[Role, ...] = ("officer",)
    account: str = ""
    revoked: bool = False
    badge_from: str | None = None
    badge_until: str | None = None
    kind: str = KIND
    appointed: tuple[float, float] = (-24.0, 24.0 * 30)  # hours from the beginning

    def entry(self) -> Person:
        appointment = Appointment(body=BODY, number="17-к", date="2026-11-01")
        begin, end = (at(hours) for hours in self.appointed)
        digest = credential_digest(BADGE_KEY, self.kind, bytes.fromhex(self.badge))
        return Person(
            id=self.id,
            name=f"Особа {self.id}",
            position="інспектор",
            account=self.account,
            credentials=(
                Credential(
                    kind=self.kind, digest=digest, not_before=self.badge_from, not_after=self.badge_until
                ),
            ),
            roles=tuple(
                RoleGrant(role=r, appointment=appointment, valid_from=begin, valid_until=end)
                for r in self.roles
            ),
            revoked=Revocation(at=at(-2), reason="звільнено") if self.revoked else None,
        )


OLENA = Someone(id="olena", badge="04a1b2c3d4e501")
PETRO = Someone(id="petro", badge="04a1b2c3d4e502")
IRYNA = Someone(id="iryna", badge="04a1b2c3d4e503", roles=("responsible",), account="iryna")
TARAS = Someone(id="taras", badge="04a1b2c3d4e504", roles=("technician",), account="taras")
DARIA = Someone(id="daria", badge="04a1b2c3d4e505", roles=("account_admin",), account="daria")
MAKSYM = Someone(id="maksym", badge="04a1b2c3d4e531", roles=("responsible",), account="maksym")
STAFF = (OLENA, PETRO, IRYNA, TARAS, DARIA)
CROWD = (*STAFF, MAKSYM)


def roster(
    authority: Signer,
    version: int,
    persons: tuple[Someone, ...] = STAFF,
    *,
    body: str = BODY,
    hours: tuple[float, float] = (-24.0, 24.0 * 30),
) -> bytes:
    """A signed roster, valid for ``hours`` from the beginning."""
    return sign_roster(
        Roster(
            version=version,
            customs_body=body,
            issued_at=at(min(hours[0], -1.0)),
            valid_from=at(hours[0]),
            valid_until=at(hours[1]),
            persons=tuple(p.entry() for p in persons),
        ),
        authority,
    )


def shift(
    name: str,
    begins: float,
    ends: float,
    officers: tuple[str, ...],
    responsible: tuple[str, ...] = ("iryna",),
) -> Shift:
    """A working shift, in hours from the beginning."""
    return Shift(id=name, begins=at(begins), ends=at(ends), responsible=responsible, officers=officers)


def schedule(
    authority: Signer,
    version: int,
    *shifts: Shift,
    post: str = POST,
    hours: tuple[float, float] = (-24.0, 24.0 * 30),
) -> bytes:
    """A signed duty schedule of the post, valid for ``hours`` from the beginning."""
    made = Schedule(
        version=version,
        customs_body=BODY,
        post=post,
        document="графік № 11 від 25.10.2026",
        issued_at=at(min(hours[0], -1.0)),
        valid_from=at(hours[0]),
        valid_until=at(hours[1]),
        shifts=shifts,
    )
    return sign_schedule(made, authority)
