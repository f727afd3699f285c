"""Copies for third parties: off until a document says who decides, and two persons for each. Pure."""

from collections.abc import Mapping
from types import MappingProxyType

from edged.errors import EdgeError, ErrorCode
from edged.formats import shift_facts as sf
from edged.formats.facts import Fact
from edged.formats.roster import Role
from edged.shift.records import Export
from edged.shift.scene import Act, Day, Exports, Number, Params, Scene, Short, not_alone, refuse, switched_off

EXPORTERS: frozenset[Role] = frozenset({"responsible", "account_admin"})
"""Which of them, says the configuration."""


class RequestParams(Params, frozen=True):
    recording: Short
    number: Number
    date: Day
    law: Short
    receiver: Short


class DropParams(Params, frozen=True):
    export: Short
    reason: Short


def _require_allowed(scene: Scene) -> Exports:
    if scene.exports is None:
        raise switched_off("[export] decision and role: the document that says who decides, and whose it is")
    if scene.exports.role not in scene.roles:
        raise EdgeError(ErrorCode.NOT_ALLOWED, person=scene.actor, roles=scene.exports.role)
    return scene.exports


def open_export(scene: Scene, export: str) -> Export:
    """Raises EdgeError: NOT_FOUND; CONFLICT, it was made or dropped."""
    found = scene.shift.exports.get(export)
    if found is None:
        raise EdgeError(ErrorCode.NOT_FOUND, export=export[:64])
    if found.finished:
        raise refuse(export=export, made=found.made, dropped=found.dropped)
    return found


def require_second(scene: Scene, export: str) -> tuple[Export, Exports]:
    """Return what a second person may make now.

    Raises:
        EdgeError: as `open_export`; SWITCHED_OFF; NOT_ALLOWED, also for whoever asked for it.
    """
    rules = _require_allowed(scene)
    found = open_export(scene, export)
    if found.asked_by == f"person:{scene.actor}":
        raise not_alone(scene, export=export, asked_by=found.asked_by)
    return found, rules


def _request(scene: Scene, p: RequestParams) -> tuple[Fact, ...]:
    _require_allowed(scene)
    recording = scene.station.recordings.get(p.recording)
    if recording is None or not recording.sha256:
        raise EdgeError(ErrorCode.NOT_FOUND, sealed_recording=p.recording[:64])
    asked = sf.ExportRequested(
        export=scene.new_id(),
        recording=p.recording,
        request=scene.document(p.number, p.date),
        law=p.law,
        receiver=p.receiver,
    )
    return (asked,)


def _drop(scene: Scene, p: DropParams) -> tuple[Fact, ...]:
    _require_allowed(scene)
    open_export(scene, p.export)
    return (sf.ExportDropped(export=p.export, reason=p.reason),)


ACTS: Mapping[str, Act] = MappingProxyType(
    {"export request": Act(RequestParams, _request), "export drop": Act(DropParams, _drop)}
)
