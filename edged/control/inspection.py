"""Lines of the ledger for an audit (459-II.5-audit) or an inspection (459-V.4-inspection), each with its proof."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from edged.control.calls import Call, OptionalText, Params
from edged.formats.line import decode_envelope
from edged.ledger.proofs import extract_lines, related_lines
from edged.projections.store import LogQuery

THINGS = {"camera", "issue", "recording"}  # asked for alone: everything that belongs to it


class LogParams(Params, frozen=True):
    since: OptionalText = ""
    until: OptionalText = ""
    person: OptionalText = ""
    camera: OptionalText = ""
    slot: int = 0
    recording: OptionalText = ""
    issue: OptionalText = ""
    type: OptionalText = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1000


async def extract(call: Call) -> Any:
    """One thing alone with everything that belongs to it, or what a search finds."""
    asked = _asked(call.params)
    wanted = await (_belonging(call, asked) if len(asked) == 1 and asked.keys() <= THINGS else _found(call))
    station = call.station
    state = station.config.station.state
    made = await asyncio.to_thread(
        extract_lines,
        station.outside.fs,
        f"{state}/ledger",
        " ".join(f"{name}={value}" for name, value in asked.items()),
        wanted,
        station=station.keys,
        centre=station.centre,
        countersigned=f"{state}/countersigned",
    )
    keys = [*map(str, station.keys), str(station.centre)]
    return {"lines": len(wanted), "extract": made.decode(), "keys": keys}


def _asked(params: LogParams) -> dict[str, Any]:
    """What restricts; the limit only bounds."""
    return {
        name: value for name, value in msgspec.structs.asdict(params).items() if value and name != "limit"
    }


async def _found(call: Call) -> frozenset[int]:
    found = await call.station.projector.search(LogQuery(**msgspec.structs.asdict(call.params)))
    return frozenset(decode_envelope(line.encode()).seq for line in found)


async def _belonging(call: Call, asked: Mapping[str, Any]) -> frozenset[int]:
    station, camera = call.station, asked.get("camera", "")
    number = station.office.scene(call.actor).inventory.number_of(camera) if camera else ""
    return await asyncio.to_thread(
        related_lines,
        station.outside.fs,
        f"{station.config.station.state}/ledger",
        (camera, number, asked.get("recording", "")),
        asked.get("issue", ""),
    )
