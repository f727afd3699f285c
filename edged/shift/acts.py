"""Every act of a person about the shift: who may do it, what is entered, what the ledger then holds. One table. Pure.

Rule 1: a responsible person acts in the own shift only (459-II.1-own-shift); without a schedule, or while the
        clock is unknown, nobody is kept from it.
Rule 2: only a named person of the roster acts; an account that is nobody's may look, nothing else.
Rule 3: an act that is refused has changed nothing; whoever called records the refusal.
Rule 4: the fact that names the act is the last one: cut off before it, the act can be entered once more.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import msgspec

from edged.duty import is_responsible
from edged.errors import EdgeError, ErrorCode
from edged.formats.facts import Fact
from edged.formats.roster import Role
from edged.shift import (
    clear_acts,
    custody_acts,
    export_acts,
    incident_acts,
    journal_acts,
    round_acts,
    station_acts,
    works_acts,
)
from edged.shift.export_acts import EXPORTERS
from edged.shift.scene import Act, Params, Scene

ACTS: Mapping[str, Act] = MappingProxyType(
    {
        **incident_acts.ACTS,
        **custody_acts.ACTS,
        **works_acts.ACTS,
        **journal_acts.ACTS,
        **round_acts.ACTS,
        **export_acts.ACTS,
        **clear_acts.ACTS,
        **station_acts.ACTS,
    }
)

_RESPONSIBLE: frozenset[Role] = frozenset({"responsible"})
_TECHNICIAN: frozenset[Role] = frozenset({"technician"})

RIGHTS: Mapping[str, frozenset[Role]] = MappingProxyType(
    {
        "incident open": _RESPONSIBLE,
        "incident confirm": _RESPONSIBLE,
        "incident reject": _RESPONSIBLE,
        "incident note": _RESPONSIBLE,
        "paper give": _RESPONSIBLE
        | _TECHNICIAN
        | EXPORTERS,  # which paper is whose: incident_acts.ENTERED_BY
        "return confirm": _RESPONSIBLE,
        "memo enter": _RESPONSIBLE,
        "memo end": _RESPONSIBLE,
        "officer brief": _RESPONSIBLE,
        "repair damaged": _TECHNICIAN,
        "repair tag": _TECHNICIAN,
        "repair statement": _RESPONSIBLE,
        "repair release": _TECHNICIAN,
        "repair back": _TECHNICIAN,
        "recording refer": _RESPONSIBLE,
        "works start": _TECHNICIAN | {"account_admin"},  # which works are whose: works_acts
        "works end": _TECHNICIAN | {"account_admin"},
        "outage start": _RESPONSIBLE | _TECHNICIAN,
        "outage end": _RESPONSIBLE | _TECHNICIAN,
        "handover": _RESPONSIBLE,
        "journal sheet": _RESPONSIBLE | _TECHNICIAN,  # which journal is whose: journal_acts.KEEPER
        "journal register": _RESPONSIBLE | _TECHNICIAN,
        "journal volume": _RESPONSIBLE,  # of any of the three (459-III.4-lost-journal)
        "round": _RESPONSIBLE,
        "export request": EXPORTERS,
        "export drop": EXPORTERS,
        "clear ask": _TECHNICIAN,
        "clear agree": _RESPONSIBLE,
        "station retire": frozenset({"account_admin"}),
        "key rotate": frozenset({"account_admin"}),
    }
)


def decide(scene: Scene, verb: str, params: Mapping[str, Any] | Params) -> tuple[Fact, ...]:
    """Return the facts that an act comes to; they are recorded in this order. ``params`` may have been read already.

    Raises:
        EdgeError: NOT_FOUND for what does not exist, NOT_ALLOWED for another's act or another's shift, SWITCHED_OFF for
            what the configuration lets nobody do, BAD_REQUEST for what cannot be read, CONFLICT for what does not go
            with what is.
    """
    act = ACTS.get(verb)
    if act is None:
        raise EdgeError(ErrorCode.NOT_FOUND, verb=verb[:40])
    scene = in_own_shift(scene)
    require_right(scene, verb)
    try:
        entered = params if isinstance(params, act.params) else msgspec.convert(params, act.params)
    except msgspec.ValidationError as exc:
        raise EdgeError(ErrorCode.BAD_REQUEST, verb=verb, why=str(exc)[:200]) from exc
    return act.decide(scene, entered)


def in_own_shift(scene: Scene) -> Scene:
    """Return the scene with the roles that its actor has now: a responsible person's only in the own shift."""
    if is_responsible(scene.schedule, scene.actor, scene.duty_ns, scene.margins):
        return scene
    return replace(scene, roles=scene.roles - _RESPONSIBLE, off_duty=scene.roles & _RESPONSIBLE)


def require_right(scene: Scene, verb: str) -> None:
    """Raises EdgeError: NOT_ALLOWED, naming the roles that could, or that the shift is another's."""
    if RIGHTS[verb] & scene.roles:
        return
    reason = {"reason": "not in the own shift"} if RIGHTS[verb] & scene.off_duty else {}
    roles = ", ".join(sorted(RIGHTS[verb]))
    raise EdgeError(ErrorCode.NOT_ALLOWED, verb=verb, person=scene.actor, roles=roles, **reason)
