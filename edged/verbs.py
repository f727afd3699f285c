"""Which verb of edgectl is whose: one table. Pure.

An officer reaches neither edgectl nor the control socket (Order 459, IV.7), nor does whoever was one: a role that has
run out or was revoked opens nothing. Verbs marked ``unnamed`` change
nothing that anybody decides; they also serve accounts that are no person of the roster (root, a monitor, a
station whose roster has run out) and are recorded under the account's name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from edged.access import AccessList
from edged.errors import EdgeError, ErrorCode
from edged.formats.roster import Role
from edged.shift.acts import RIGHTS
from edged.shift.export_acts import EXPORTERS


@dataclass(frozen=True, slots=True)
class Verb:
    roles: frozenset[Role]
    unnamed: bool = False


def _verb(*roles: Role, unnamed: bool = False) -> Verb:
    return Verb(frozenset(roles), unnamed)


_STAFF: tuple[Role, ...] = ("responsible", "technician", "account_admin", "security_admin")
_LOOK = _verb(*_STAFF, unnamed=True)

VERBS: Mapping[str, Verb] = MappingProxyType(
    {
        "status": _LOOK,
        "slots": _LOOK,
        "alerts": _LOOK,
        "events": _LOOK,
        "verify": _LOOK,  # off line, needs no station; at the station anybody of the staff
        "reload": _verb("technician", "account_admin", unnamed=True),  # what is loaded is checked or signed
        "log": _verb(*_STAFF),
        "prove": _verb(*_STAFF),
        "extract": _verb("responsible", "security_admin"),  # 459-II.5-audit, 459-V.4-inspection
        "issue show": _verb("responsible", "security_admin"),
        "import recovered": _verb("technician"),  # if designated: edged.shift.recovered_acts
        "export make": Verb(EXPORTERS),
        "export list": _verb("responsible", "account_admin", "security_admin"),
        "rights list": _verb("account_admin", "security_admin"),
        "camera list": _verb(*_STAFF),
        "camera works": _verb("technician"),
        "camera quarantine": _verb("technician"),
        "camera release": _verb("technician"),
        "slots clear-fault": _verb("technician"),
        "slots blink": _verb("responsible", "technician", unnamed=True),  # a light, for ten seconds
        "slots learn": _verb(
            "technician"
        ),  # asks no daemon: which ports the slots have, before there is a station
        "slots open": _verb("technician"),
        "slots acknowledge": _verb("responsible", "technician"),
        "officer list": _verb("responsible", "account_admin", "security_admin"),
        "officer add": _verb("account_admin"),
        "officer revoke": _verb("account_admin"),
        "clock confirm": _verb("account_admin", "responsible"),
        "station init": _verb("account_admin"),
        "station rekey": _verb("account_admin"),  # on his order; root carries it out
        "rebuild": _verb("account_admin", "technician"),
        "intake": _verb("account_admin"),  # at the centre; the station's socket has no such request
        "incident list": _verb("responsible", "technician", "security_admin"),
        "paper list": _verb(*_STAFF),
        "paper draft": _verb(*_STAFF),
        "works list": _verb("responsible", "technician", "account_admin", "security_admin"),
        "repair list": _verb("responsible", "technician", "security_admin"),
        "repair print": _verb("technician"),  # the tag: 459-II.3-damaged
        "memo list": _verb("responsible", "technician", "security_admin"),
        "journal list": _verb("responsible", "technician", "security_admin"),
        "report": _verb("responsible", "technician", "security_admin"),
        "journal print": _verb("responsible", "technician", "security_admin"),
        "journal sign": _verb("responsible", "technician"),  # whose signature it is, says its certificate
        **{act: Verb(roles) for act, roles in RIGHTS.items()},
    }
)


REFUSALS = frozenset({ErrorCode.NOT_ALLOWED, ErrorCode.SWITCHED_OFF})
"""What somebody may not do, or nobody: each such answer is a line of the ledger (access.refused). A slip of the pen, or
what does not fit the present state, is none."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, as the ledger writes it: ``person:<id>`` or ``account:<unix name>``."""

    text: str
    person: str = ""
    roles: frozenset[Role] = frozenset()  # that are in force


def authorise(access: AccessList | None, verb: str, account: str, at_ns: int) -> Actor:
    """Return who acts when ``account`` (as the kernel names the peer) asks for ``verb``.

    Raises:
        EdgeError: NOT_ALLOWED, naming the roles that could; NOT_FOUND for a verb that is none.
    """
    needed = VERBS.get(verb)
    if needed is None:
        raise EdgeError(ErrorCode.NOT_FOUND, verb=verb[:40])
    person = access.who(account, at_ns) if access is not None else None
    if person is not None and person.roles & needed.roles:
        return Actor(f"person:{person.person}", person.person, person.roles)
    officer_only = access is not None and access.officer_only(account, at_ns)
    if needed.unnamed and not officer_only:
        if person is not None:
            return Actor(f"person:{person.person}", person.person, person.roles)
        return Actor(f"account:{account[:32]}")
    roles = ", ".join(sorted(needed.roles))
    raise EdgeError(ErrorCode.NOT_ALLOWED, verb=verb, account=account[:32], roles=roles)


def check_new_officer(access: AccessList, actor: str, person: str, credential: str) -> None:
    """Refuse an officer.added that would give a person's badge away, or a right that is not the actor's to give.

    Args:
        actor: person id of the account administrator.
        credential: full keyed digest of the new badge.

    Raises:
        EdgeError: as `check_rights_of`; NOT_ALLOWED for a person whom the roster revoked or a credential that
            another has; CONFLICT for one that this person has already.
    """
    check_rights_of(access, actor, person)
    entry = access.person(person)
    if entry is not None and entry.revoked is not None:
        raise EdgeError(ErrorCode.NOT_ALLOWED, reason="revoked by the roster", person=person)
    if holder := access.knows(credential):
        code = ErrorCode.CONFLICT if holder == person else ErrorCode.NOT_ALLOWED
        raise EdgeError(code, reason="the badge is somebody's already", person=holder)


def check_rights_of(access: AccessList, actor: str, person: str) -> None:
    """Refuse a change of rights, a revocation too, that the account administrator ``actor`` may not make.

    Raises:
        EdgeError: NOT_ALLOWED for oneself, and for whoever is more than an officer or a user by the roster.
    """
    if person == actor:
        raise EdgeError(ErrorCode.NOT_ALLOWED, reason="nobody changes the own rights", person=person)
    if roles := access.beyond_accounts(person):
        reason = "roles other than officer come and go with the signed roster"
        raise EdgeError(ErrorCode.NOT_ALLOWED, reason=reason, person=person, has=", ".join(sorted(roles)))
