"""`edgectl report`, `journal` and `repair print`: what goes onto paper, drawn here out of what the daemon answers."""

import argparse
import asyncio
import base64
from pathlib import Path
from typing import Any

import msgspec

from edged.cli.moments import moment
from edged.cli.output import EXIT_OK, emit_json, pairs
from edged.control.client import Client
from edged.errors import EdgeError, ErrorCode
from edged.formats.shift_facts import Document, SheetMade
from edged.journals.forms import read_forms
from edged.reports.bounds import Span
from edged.reports.data import Report
from edged.reports.page import compose
from edged.reports.texts import Lang
from edged.shift.journal_acts import sheet_of
from edged.shift.tags import Tag

Sub = Any  # argparse's private type of add_subparsers()
FORMS = Path(__file__).parents[1] / "journals" / "forms_uk.toml"


def add_report(commands: Sub) -> None:
    parser = commands.add_parser("report", help="the report of a shift, a day or a month, as HTML and PDF")
    parser.add_argument("span", choices=[str(span) for span in Span])
    parser.add_argument(
        "--at", default="", help="a moment in it: 2026-11-22T07:00:00Z, or 8h ago (default now)"
    )
    parser.add_argument("--lang", choices=[str(lang) for lang in Lang], default="uk")
    parser.add_argument("--out", default="", help="name without a suffix (default report-<beginning>)")
    parser.set_defaults(run=_report)


def add_sheets(actions: Sub) -> None:
    sheet = actions.add_parser(
        "print", help="write a sheet as it is signed (JSON), as PDF, as CSV, and its signatures"
    )
    sheet.add_argument("sheet", help="its id")
    sheet.add_argument("--out", default="", help="name without a suffix (default sheet-<id>)")
    sheet.set_defaults(run=_print)
    sign = actions.add_parser("sign", help="attach a detached signature (CMS, DER) over a sheet's JSON")
    sign.add_argument("sheet", help="its id")
    sign.add_argument("--attach", required=True, metavar="FILE", help="the signature's file")
    sign.set_defaults(run=_sign)


def add_tag(actions: Sub) -> None:
    tag = actions.add_parser("print", help="write the tag of a damaged item as PDF")
    tag.add_argument("item", help="inventory number")
    tag.add_argument("--out", default="", help="name without a suffix (default tag-<inventory number>)")
    tag.set_defaults(run=_tag)


async def _report(args: argparse.Namespace) -> int:
    async with Client(args.socket) as client:
        answer = await client.call("report", span=args.span, at=moment(args.at))
    from edged.printed import report_html, report_pdf  # loads fonts: not for every command

    report = msgspec.convert(answer, Report)
    page = compose(report, Lang(args.lang))
    name = args.out or f"report-{report.began[:10]}"
    files = {f"{name}.html": report_html.render(page).encode(), f"{name}.pdf": report_pdf.render(page)}
    _write(files)
    _tell({"from": report.began, "to": report.ended, "files": list(files)}, as_json=args.json)
    return EXIT_OK


async def _print(args: argparse.Namespace) -> int:
    async with Client(args.socket) as client:
        answer = await client.call("journal-print", sheet=args.sheet)
    from edged.printed import journal  # loads fonts: not for every command

    made = msgspec.convert(answer["sheet"], SheetMade)
    sheet = sheet_of(read_forms(FORMS.read_text("utf-8")), made)
    if sheet.sha256() != made.sha256:
        raise EdgeError(
            ErrorCode.CONFLICT, sheet=made.sheet, expected="the version of edged that made this sheet"
        )
    name = args.out or f"sheet-{made.sheet[:8]}"
    files = {
        f"{name}.json": sheet.text(),
        f"{name}.pdf": journal.render(sheet, msgspec.convert(answer["registered"], Document | None)),
        f"{name}.csv": sheet.csv().encode(),
    }
    signed = [one for one in answer["signatures"] if one["signed"]]
    files |= {_signature(name, one): base64.b64decode(one["file"]) for one in signed if one["file"]}
    _write(files)
    summary = {
        "sheet": made.sheet,
        "to be signed": f"{name}.json",
        "sha256": made.sha256,
        "files": list(files),
    }
    if signed:
        summary["signatures"] = [f"{one['name']}: {one['verdict']}" for one in signed]
    if lost := [f"{one['name']}: {one['sha256']}" for one in signed if not one["file"]]:
        summary["signatures that do not lie there as they were attached"] = lost
    _tell(summary, as_json=args.json)
    return EXIT_OK


def _signature(name: str, row: dict[str, Any]) -> str:
    """Beside the JSON that it is over, numbered as the lines to sign are."""
    return f"{name}.json.{row['place'] + 1}.p7s"


async def _tag(args: argparse.Namespace) -> int:
    async with Client(args.socket) as client:
        answer = await client.call("repair-print", item=args.item)
    from edged.printed import tag  # loads fonts: not for every command

    found = msgspec.convert(answer, Tag)
    name = f"{args.out or 'tag-' + found.item.replace('/', '-')}.pdf"
    _write({name: tag.render(found)})
    _tell({"tag": found.number, "item": found.item, "files": [name]}, as_json=args.json)
    return EXIT_OK


async def _sign(args: argparse.Namespace) -> int:
    signature = await asyncio.to_thread(Path(args.attach).read_bytes)
    async with Client(args.socket) as client:
        answer = await client.call(
            "journal-sign", sheet=args.sheet, signature=base64.b64encode(signature).decode()
        )
    _tell(answer, as_json=args.json)
    return EXIT_OK


def _write(files: dict[str, bytes]) -> None:
    for name, data in files.items():
        Path(name).write_bytes(data)


def _tell(summary: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        emit_json(summary)
        return
    print(pairs({k: ", ".join(v) if isinstance(v, list) else v for k, v in summary.items()}))
