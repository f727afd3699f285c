"""What each request of the control socket does: one table. Who may ask stands in `edged.verbs`."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any

import msgspec

from edged.control.calls import Call, Handler, OptionalText, Params, Text
from edged.control.courier import courier_of
from edged.control.inspection import LogParams, extract
from edged.control.office_verbs import OFFICE
from edged.control.reloading import reload
from edged.control.views import alerts_view, cameras_view, officers_view, slots_view, status_view
from edged.errors import EdgeError, ErrorCode
from edged.formats import facts as f
from edged.formats import times
from edged.formats.badge import credential_digest
from edged.formats.proof import encode_proof
from edged.ledger.proofs import prove
from edged.projections.store import LogQuery
from edged.slots.state import Event, accepts
from edged.station.doubts import end_doubts
from edged.verbs import check_new_officer, check_rights_of

BLINK_S = 10.0


class SlotParams(Params, frozen=True):
    slot: int


class ReasonParams(Params, frozen=True):
    camera: Text
    reason: OptionalText = ""
    end: bool = False


class OfficerParams(Params, frozen=True):
    person: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")]
    name: Text
    kind: Text
    uid: Annotated[str, msgspec.Meta(pattern=r"^([0-9A-Fa-f]{2}){4,16}\Z")]
    valid_until: Text
    appointment: Text


class RevokeParams(Params, frozen=True):
    person: Text
    reason: Text


class RecordingParams(Params, frozen=True):
    recording: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{4,32}\Z")]


# --- looking ------------------------------------------------------------------------------------------


async def _status(call: Call) -> Any:
    return status_view(call.station, await courier_of(call))


async def _slots(call: Call) -> Any:
    return slots_view(call.station)


async def _alerts(call: Call) -> Any:
    return alerts_view(call.station, await courier_of(call))


async def _cameras(call: Call) -> Any:
    return cameras_view(call.station)


async def _officers(call: Call) -> Any:
    return officers_view(call.station)


async def _log(call: Call) -> Any:
    return await call.station.projector.search(LogQuery(**msgspec.structs.asdict(call.params)))


async def _prove(call: Call) -> Any:
    station = call.station
    found = [r for r in station.recorder.state.recordings if r.startswith(call.params.recording)]
    if len(found) != 1:
        raise EdgeError(ErrorCode.NOT_FOUND, recording=call.params.recording, matches=len(found))
    state = station.config.station.state
    proof = await asyncio.to_thread(
        prove,
        station.outside.fs,
        f"{state}/ledger",
        found[0],
        station=station.keys,
        centre=station.centre,
        countersigned=f"{state}/countersigned",
    )
    return {"recording": found[0], "proof": encode_proof(proof).decode()}


# --- persons ------------------------------------------------------------------------------------------


async def _officer_add(call: Call) -> Any:
    p: OfficerParams = call.params
    station = call.station
    if p.kind not in (allowed := station.config.access.badge_kinds):
        raise EdgeError(ErrorCode.BAD_REQUEST, kind=p.kind, expected=f"one of {', '.join(allowed)}")
    until = times.parse_ns(p.valid_until)
    if until <= station.lists.judged_ns():
        raise EdgeError(ErrorCode.BAD_REQUEST, valid_until=p.valid_until, expected="a time to come")
    digest = credential_digest(station.badge_key, p.kind, bytes.fromhex(p.uid))
    check_new_officer(station.lists.access, call.actor.person, p.person, digest)
    await station.recorder.record(
        f.OfficerAdded(
            person=p.person,
            name=p.name,
            credential=digest,
            valid_until=p.valid_until,
            appointment=p.appointment,
        ),
        call.actor.text,
    )
    station.lists.rebuild()
    station.outside.log("EDG-7111", person=p.person, actor=call.actor.text, valid_until=p.valid_until)
    return {"person": p.person}


async def _officer_revoke(call: Call) -> Any:
    p: RevokeParams = call.params
    station = call.station
    known = station.lists.access.person(p.person) is not None
    if not known and p.person not in station.recorder.state.local_officers:
        raise EdgeError(ErrorCode.NOT_FOUND, person=p.person)
    check_rights_of(station.lists.access, call.actor.person, p.person)
    await station.recorder.record(f.OfficerRevoked(person=p.person, reason=p.reason), call.actor.text)
    station.lists.rebuild()
    station.outside.log("EDG-7112", person=p.person, actor=call.actor.text, reason=p.reason)
    return {"person": p.person}


# --- cameras and slots --------------------------------------------------------------------------------


def _require_camera(call: Call) -> str:
    serial: str = call.params.camera
    known = call.station.recorder.state.cameras
    if serial not in known and all(c.serial != serial for c in call.station.config.camera):
        raise EdgeError(ErrorCode.NOT_FOUND, camera=serial)
    return serial


async def _mark(call: Call, fact: f.Fact, mark: str) -> Any:
    station, serial = call.station, call.params.camera
    await station.recorder.record(fact, call.actor.text)
    station.outside.log(
        "EDG-2111", camera=serial, mark=mark, actor=call.actor.text, reason=call.params.reason or "-"
    )
    for unit in station.units.values():
        if unit.work.key == serial:
            unit.check_soon()
    return {"camera": serial, "mark": mark}


async def _works(call: Call) -> Any:
    serial, p = _require_camera(call), call.params
    camera = call.station.recorder.state.cameras.get(serial)
    if bool(camera and camera.works) is not p.end:
        raise EdgeError(ErrorCode.CONFLICT, camera=serial, works=bool(camera and camera.works))
    if p.end:
        await end_doubts(call.station.alerts, call.station.recorder.state, serial)
        return await _mark(call, f.WorksEnded(camera=serial, result=p.reason), "works ended")
    if not p.reason:
        raise EdgeError(ErrorCode.BAD_REQUEST, expected="the grounds of the works")
    return await _mark(call, f.WorksStarted(camera=serial, grounds=p.reason), "works started")


async def _quarantine(call: Call) -> Any:
    serial = _require_camera(call)
    return await _mark(call, f.CameraQuarantined(camera=serial, reason=call.params.reason), "quarantined")


async def _release(call: Call) -> Any:
    serial = _require_camera(call)
    state = call.station.recorder.state
    if (repair := state.shift.repairs.get(call.station.office.inventory.number_of(serial))) is not None:
        expected = "edgectl repair back: it is damaged (459-II.3-damaged)"
        raise EdgeError(ErrorCode.CONFLICT, camera=serial, condition=repair.condition, expected=expected)
    await end_doubts(call.station.alerts, state, serial)
    return await _mark(call, f.CameraReleased(camera=serial, reason=call.params.reason), "released")


def _feeder(event: Event) -> Callable[[Call], Awaitable[Any]]:
    async def feed(call: Call) -> Any:
        unit = call.station.units.get(call.params.slot)
        if unit is None:
            raise EdgeError(ErrorCode.NOT_FOUND, slot=call.params.slot)
        if not accepts(unit.keeper.state, event):
            raise EdgeError(ErrorCode.CONFLICT, slot=call.params.slot, state=str(unit.keeper.state))
        state = await unit.keeper.ask(event, cause=call.actor.text)
        call.station.outside.log("EDG-7113", verb=str(event), actor=call.actor.text)
        return {"slot": call.params.slot, "state": str(state)}

    return feed


async def _acknowledge(call: Call) -> Any:
    call.station.duty.require_own_shift(call.actor, "slots acknowledge")
    return await _feeder(Event.ACKNOWLEDGED)(call)


async def _blink(call: Call) -> Any:
    unit = call.station.units.get(call.params.slot)
    if unit is None:
        raise EdgeError(ErrorCode.NOT_FOUND, slot=call.params.slot)
    await unit.work.dock.blink(unit.work.controller_slot, BLINK_S)
    return {"slot": call.params.slot, "blinked_s": BLINK_S, "port": unit.work.port}


# --- station ------------------------------------------------------------------------------------------


async def _clock_confirm(call: Call) -> Any:
    station = call.station
    station.duty.require_own_shift(call.actor, "clock confirm")
    before = station.outside.clock.now()
    await station.recorder.record(f.ClockConfirmed(class_before=before.clock), call.actor.text)
    now = station.outside.clock.confirm()
    station.outside.log("EDG-5402", actor=call.actor.text, before=before.clock)
    await station.alerts.withdraw("clock-unknown")
    return {"time": times.format_ns(now.wall_ns), "class": now.clock, "before": before.clock}


async def _rebuild(call: Call) -> Any:
    return {"lines": await call.station.projector.rebuild()}


HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        "status": Handler(_status),
        "slots": Handler(_slots),
        "alerts": Handler(_alerts),
        "log": Handler(_log, LogParams),
        "prove": Handler(_prove, RecordingParams),
        "extract": Handler(extract, LogParams),
        "camera list": Handler(_cameras),
        "camera works": Handler(_works, ReasonParams),
        "camera quarantine": Handler(_quarantine, ReasonParams),
        "camera release": Handler(_release, ReasonParams),
        "officer list": Handler(_officers),
        "officer add": Handler(_officer_add, OfficerParams),
        "officer revoke": Handler(_officer_revoke, RevokeParams),
        "slots clear-fault": Handler(_feeder(Event.FAULT_CLEARED), SlotParams),
        "slots blink": Handler(_blink, SlotParams),
        "slots open": Handler(_feeder(Event.RELEASE), SlotParams),
        "slots acknowledge": Handler(_acknowledge, SlotParams),
        "clock confirm": Handler(_clock_confirm),
        "rebuild": Handler(_rebuild),
        "reload": Handler(reload),
        **OFFICE,
    }
)
