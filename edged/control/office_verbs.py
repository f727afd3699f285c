"""What persons enter about a shift, and what has been entered: requests made of the table of acts."""

import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated, Any

import msgspec

from edged.control.calls import Call, Handler, OptionalText, Params, Text
from edged.control.courier import account_of, courier_of
from edged.control.shift_views import (
    Planned,
    draft_view,
    exports_view,
    incidents_view,
    memos_view,
    papers_view,
    repairs_view,
    rights_rows,
    sheets_view,
    signatures_view,
    works_view,
)
from edged.errors import EdgeError, ErrorCode
from edged.formats import times
from edged.formats.facts import OfficerAdded, OfficerRevoked, RightsChanged
from edged.formats.line import decode_line
from edged.journals.papers import Paper
from edged.journals.signature import SIGNATURE_LIMIT
from edged.projections.store import LogQuery
from edged.reports.bounds import Span
from edged.shift.acts import ACTS, decide
from edged.shift.journal_acts import find
from edged.shift.recovered_acts import RecoveredParams
from edged.shift.scene import Scene
from edged.shift.tags import tag_of
from edged.station.office import Office
from edged.station.reporting import issue_shown, report, rules_of, source_of

SIGNATURE = 4 * (SIGNATURE_LIMIT // 3 + 1)  # characters in base64


class SheetParams(Params, frozen=True):
    sheet: Text


class ItemParams(Params, frozen=True):
    item: Text


class SignParams(Params, frozen=True):
    sheet: Text
    signature: Annotated[str, msgspec.Meta(min_length=1, max_length=SIGNATURE)]


class ReportParams(Params, frozen=True):
    span: Span
    at: OptionalText = ""  # a moment in it; "": now


class IssueParams(Params, frozen=True):
    issue: Text


class ExportParams(Params, frozen=True):
    export: Text


class DraftParams(Params, frozen=True):
    paper: Paper
    about: Text
    grounds: Annotated[str, msgspec.Meta(max_length=4000)] = ""  # of planned works, as is what follows
    items: Annotated[tuple[Text, ...], msgspec.Meta(max_length=100)] = ()
    begin: OptionalText = ""


def _act(verb: str) -> Callable[[Call], Awaitable[Any]]:
    async def run(call: Call) -> Any:
        lines = await call.station.office.act(call.actor, verb, call.params)
        named = lines[-1]
        return {"type": named.type, "seq": named.seq, **msgspec.to_builtins(named.fact)}

    return run


def _look(view: Callable[[Scene], Any]) -> Callable[[Call], Awaitable[Any]]:
    async def run(call: Call) -> Any:
        return view(call.station.office.scene(call.actor))

    return run


async def _draft(call: Call) -> Any:
    p = call.params
    planned = Planned(p.grounds, p.items, p.begin)
    return draft_view(call.station.office.scene(call.actor), p.paper, p.about, planned)


async def _print(call: Call) -> Any:
    """The sheet as the ledger holds it, with its signatures' files; who asked draws it."""
    office = call.station.office
    found = find(office.scene(call.actor), call.params.sheet)
    signatures = [row | {"file": await _file_of(office, row["sha256"])} for row in signatures_view(found)]
    return {
        "at": found.at,
        "sheet": msgspec.to_builtins(found.made),
        "registered": msgspec.to_builtins(found.registered),
        "signatures": signatures,
    }


async def _file_of(office: Office, sha256: str) -> str:
    """In base64; "": there is none, or not that one any more."""
    file = await office.signature(sha256) if sha256 else None
    return base64.b64encode(file or b"").decode()


async def _tag(call: Call) -> Any:
    """What stands on the tag of a damaged item; who asked draws it."""
    return msgspec.to_builtins(tag_of(call.station.office.scene(call.actor), call.params.item))


async def _sign(call: Call) -> Any:
    try:
        signature = base64.b64decode(call.params.signature, validate=True)
    except ValueError as exc:
        raise EdgeError(ErrorCode.BAD_REQUEST, expected="the signature's file in base64") from exc
    line = await call.station.office.sign(call.actor, call.params.sheet, signature)
    return {"type": line.type, "seq": line.seq, **msgspec.to_builtins(line.fact)}


async def _report(call: Call) -> Any:
    station, p = call.station, call.params
    scene = station.office.scene(call.actor)
    at_ns = times.parse_ns(p.at) if p.at else scene.now_ns
    source = source_of(scene, rules_of(station.config), account_of(await courier_of(call)))
    made = await report(station.book, station.projector, source, p.span, at_ns)
    return msgspec.to_builtins(made)


async def _issue_show(call: Call) -> Any:
    station = call.station
    source = source_of(station.office.scene(call.actor), rules_of(station.config))
    return msgspec.to_builtins(await issue_shown(station.projector, source, call.params.issue))


async def _export_make(call: Call) -> Any:
    line = await call.station.handing_over.make(call.actor, call.params.export)
    return {"type": line.type, "seq": line.seq, **msgspec.to_builtins(line.fact)}


async def _import_recovered(call: Call) -> Any:
    line = await call.station.importing.run(call.actor, call.params)
    return {"type": line.type, "seq": line.seq, **msgspec.to_builtins(line.fact)}


async def _retire(call: Call) -> Any:
    """As every act; what lies in the watched folders is looked at first."""
    station, verb = call.station, "station retire"
    waiting = await station.files_waiting()
    lines = await station.office.enter(
        call.actor, lambda scene: decide(replace(scene, waiting=waiting), verb, call.params)
    )
    return {"type": lines[-1].type, "seq": lines[-1].seq, **msgspec.to_builtins(lines[-1].fact)}


async def _rights(call: Call) -> Any:
    """Every change of rights, oldest first (459-II.5-audit)."""
    rows: list[dict[str, Any]] = []
    for kind in (RightsChanged, OfficerAdded, OfficerRevoked):
        for line in await call.station.projector.search(LogQuery(type=kind.TYPE, limit=100_000)):
            rows += rights_rows(decode_line(line.encode()))
    return sorted(rows, key=lambda row: int(row["seq"]))


OFFICE: Mapping[str, Handler] = MappingProxyType(
    {
        "incident list": Handler(_look(incidents_view)),
        "paper list": Handler(_look(papers_view)),
        "paper draft": Handler(_draft, DraftParams),
        "works list": Handler(_look(works_view)),
        "repair list": Handler(_look(repairs_view)),
        "repair print": Handler(_tag, ItemParams),
        "memo list": Handler(_look(memos_view)),
        "journal list": Handler(_look(sheets_view)),
        "journal print": Handler(_print, SheetParams),
        "journal sign": Handler(_sign, SignParams),
        "report": Handler(_report, ReportParams),
        "issue show": Handler(_issue_show, IssueParams),
        "rights list": Handler(_rights),
        "import recovered": Handler(_import_recovered, RecoveredParams),
        "export make": Handler(_export_make, ExportParams),
        "export list": Handler(_look(exports_view)),
        **{verb: Handler(_act(verb), act.params) for verb, act in ACTS.items()},
        "station retire": Handler(_retire, ACTS["station retire"].params),
    }
)
