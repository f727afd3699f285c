"""What the station shows of itself, as plain JSON values: one function a view, no decisions."""

from dataclasses import asdict
from typing import Any

import msgspec

from edged.errors import ErrorCode
from edged.leds import led_for
from edged.station.courier import CourierReport
from edged.station.station import VERSION, Station
from edged.station_state import Camera, Life


def status_view(station: Station, courier: CourierReport | None = None) -> dict[str, Any]:
    now = station.outside.clock.now()
    state = station.recorder.state
    totals = state.totals
    return {
        "station": station.config.station.id,
        "version": VERSION,
        "clock": {
            "class": now.clock,
            "max_error_ms": None if now.max_error_ns is None else now.max_error_ns // 1_000_000,
        },
        "ledger": {
            "lines": station.book.size,
            "signed": station.checkpoints.signed,
            "countersigned": station.checkpoints.countersigned,
            "trouble": str(station.book.trouble) if station.book.trouble else "",
        },
        "retired": state.retired,
        "key_change": state.key_change,
        "roster_version": station.lists.roster_version,
        "schedule_version": station.lists.schedule.version if station.lists.schedule is not None else 0,
        "recordings": {
            "made": totals.made,
            "sealed": totals.sealed,
            "confirmed": totals.confirmed,
            "cleared": totals.cleared,
            "bytes_sealed": totals.bytes_sealed,
            "interruptions": totals.interruptions,
            "waiting": sum(r.awaits_receipt for r in state.recordings.values()),
            "held": sum(bool(r.held) for r in state.recordings.values()),
            "damaged": sum(r.damaged for r in state.recordings.values()),
        },
        "custody": {
            "issues": totals.issues,
            "out": sum(i.open for i in state.issues.values()),
            "returns": totals.returns,
            "returns_not_confirmed": len(state.returns_to_confirm()),
            "refusals": dict(totals.refusals),
            "incidents": totals.incidents,
        },
        "docks": [
            {"dock": d.name, "connected": d.hello is not None, "serial": d.hello.serial if d.hello else ""}
            for d in station.docks
        ],
        "readers": [{"reader": r.name, "connected": r.connected} for r in station.readers],
        "scans": asdict(station.scanning.account) if station.scanning is not None else None,
        "courier": _courier_view(courier),
        "alerts": len(state.alerts) + (len(courier.alerts) if courier is not None else 0),
    }


def _courier_view(courier: CourierReport | None) -> dict[str, Any] | None:
    if courier is None:
        return None
    return {
        "time": courier.time,
        "connected": courier.connected,
        "queued": courier.queued,
        "held": courier.held,
        "waiting_bytes": courier.waiting_bytes,
        "ups": msgspec.to_builtins(courier.ups),
    }


def slots_view(station: Station) -> list[dict[str, Any]]:
    rows = []
    for label, unit in sorted(station.units.items()):
        work, keeper = unit.work, unit.keeper
        led = led_for(keeper.state, work.readiness.reasons)
        p = work.progress
        copying = p.bytes_total and keeper.state == "offloading"
        electrical = work.dock.last_status.get(work.controller_slot)
        rows.append(
            {
                "slot": label,
                "state": str(keeper.state),
                "camera": work.key,
                "colour": led.colour.name.lower(),
                "pattern": led.pattern.name.lower(),
                "sign": str(led.sign),
                "text": led.en,
                "text_uk": led.uk,
                "charge_percent": work.charge_percent,
                "free_bytes": work.free_bytes,
                "ready": work.readiness.ready,
                "reasons": [str(r) for r in work.readiness.reasons],
                "flags": [str(r) for r in work.readiness.flags],
                "officer": keeper.grant.officer if keeper.grant is not None else "",
                "recording": p.recording if copying else "",
                "recording_bytes": p.recording_bytes if copying else 0,
                "bytes_done": p.bytes_done + p.recording_bytes if copying else 0,
                "bytes_total": p.bytes_total if copying else 0,
                "current_ma": electrical.current if electrical is not None else None,
                "temperature_c": electrical.temperature / 10 if electrical is not None else None,
                "fault": str(electrical.fault) if electrical is not None and electrical.fault else "",
                "port": work.port,
                "dock": work.dock.name,
            }
        )
    return rows


def alerts_view(station: Station, courier: CourierReport | None = None) -> list[dict[str, Any]]:
    """The station's conditions and the courier's, by name."""
    found = {
        name: (alert.code, alert.since, alert.detail) for name, alert in station.recorder.state.alerts.items()
    }
    for one in courier.alerts if courier is not None else ():
        found.setdefault(one.alert, (one.code, one.since, one.detail))
    known = {code.number: code for code in ErrorCode}
    return [
        {
            "alert": alert,
            "since": since,
            "code": f"E{number}",
            "text": known[number].text if number in known else "",
            "remedy": known[number].remedy if number in known else "",
            "detail": detail,
        }
        for alert, (number, since, detail) in sorted(found.items())
    ]


def cameras_view(station: Station) -> list[dict[str, Any]]:
    state = station.recorder.state
    rows = {}
    for listed in station.config.camera:
        rows[listed.serial] = {
            "camera": listed.serial,
            "inventory_number": listed.inventory_number,
            "driver": listed.driver,
            "assigned_to": listed.assigned_to,
            "reserve": listed.reserve,
        }
    for serial, camera in state.cameras.items():
        row = rows.setdefault(serial, {"camera": serial, "inventory_number": "", "driver": camera.driver})
        issue = state.issues.get(camera.issue)
        row |= {
            "slot": camera.slot,
            "where": _where(camera),
            "officer": issue.officer if issue is not None else "",
            "works": camera.works,
            "quarantine": camera.quarantine,
            "ready": camera.ready,
            "reasons": list(camera.reasons),
            "charge_percent": None if camera.charge_percent < 0 else camera.charge_percent,
            "offset_ms": camera.offset_ms,
            "issues": camera.issues,
            "aboard": sum(r.life is not Life.CLEARED for r in state.recordings_of(serial)),
        }
    return sorted(rows.values(), key=lambda row: str(row["camera"]))


def _where(camera: Camera) -> str:
    if camera.missing:
        return "missing"
    return f"slot {camera.slot}" if camera.slot else ("issued" if camera.issue else "not seen")


def officers_view(station: Station) -> list[dict[str, Any]]:
    state = station.recorder.state
    rows: list[dict[str, Any]] = []
    for person in station.lists.access.roster_persons():
        local = state.local_officers.get(person.id)
        revoked = person.revoked is not None or bool(local and local.revoked)
        rows.append(
            {
                "person": person.id,
                "name": person.name,
                "source": "roster",
                "roles": sorted({g.role for g in person.roles}),
                "account": person.account,
                "revoked": revoked,
            }
        )
    known = {row["person"] for row in rows}
    rows += [
        {
            "person": o.person,
            "name": o.name,
            "source": "entered here",
            "roles": ["officer"],
            "account": "",
            "revoked": bool(o.revoked),
            "valid_until": o.valid_until,
        }
        for o in state.local_officers.values()
        if o.person not in known
    ]
    return rows
