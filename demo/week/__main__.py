"""``make week``: plays the week and writes its journals, reports and bundles to docs/examples/week.

Takes some minutes: the week's seven days are virtual, its events are not.
"""

import asyncio
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec

from demo.week.people import BOHDAN, local, utc
from demo.week.post import Post
from demo.week.story import Week, play
from edged.cli import inspection
from edged.formats.line import Line
from edged.formats.shift_facts import SheetMade
from edged.printed import journal, report_html, report_pdf
from edged.projections.sqlite import SqliteStore
from edged.projections.store import entry_of
from edged.reports.data import Report
from edged.reports.page import compose
from edged.reports.texts import Lang
from edged.shift.journal_acts import sheet_of
from edged.station.projector import BATCH
from edged.station.recovery import fold
from tests.world.loop import VirtualLoop

OUT = Path(__file__).parents[2] / "docs" / "examples" / "week"
SHEETS = ("handover", "unsigned", "incident-sheet", "maintenance")


def main() -> int:
    began = time.perf_counter()
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        week, rows, lines = runner.run(_played())
    # In a loop with real threads: in virtual time there are none.
    rows["the search views made anew (SQLite)"] = f"{_rebuilding_s(lines):.2f} s"
    rows["the whole week played"] = f"{time.perf_counter() - began:.0f} s"
    figures = "\n".join(f"| {name} | {value} |" for name, value in rows.items())
    told = "\n".join(week.told)
    (OUT / "README.md").write_text(_PAGE.format(figures=figures, told=told), "utf-8")
    print(f"{told}\n\n{figures}")
    return 0


async def _played() -> tuple[Week, dict[str, Any], list[Line]]:
    post = Post()
    try:
        week = await play(post)
        shutil.rmtree(OUT, ignore_errors=True)  # names change from one week to the next: ids are in them
        OUT.mkdir(parents=True)
        await _sheets(week)
        report_s = await _reports(week)
        await _bundles(week)
        rows, lines = _figures(week, report_s), list(post.station.book.lines())
        await post.stop()
        await post.check()
        return week, rows, lines
    finally:
        await post.close()


async def _sheets(week: Week) -> None:
    for name in SHEETS:
        answer = await week.ask(BOHDAN, "journal print", sheet=week.kept[name])
        made = msgspec.convert(answer["sheet"], SheetMade)
        sheet = sheet_of(week.post.station.office.forms, made)
        for suffix, data in (
            ("json", sheet.text()),
            ("csv", sheet.csv().encode()),
            ("pdf", journal.render(sheet)),
        ):
            (OUT / f"{name}.{suffix}").write_bytes(data)


async def _reports(week: Week) -> float:
    """Return how long the report of the month took."""
    took = 0.0
    for span, at, lang in (
        ("shift", local(0, 8), Lang.UK), ("day", local(3, 12), Lang.UK), ("day", local(6, 12), Lang.EN),
        ("month", local(3, 12), Lang.UK),
    ):  # fmt: skip
        began = time.perf_counter()
        answer = await week.ask(BOHDAN, "report", span=span, at=utc(at))
        took = time.perf_counter() - began
        report = msgspec.convert(answer, Report)
        page = compose(report, lang)
        name = f"report-{span}-{at:%m-%d}-{lang}"
        (OUT / f"{name}.html").write_text(report_html.render(page), "utf-8")
        (OUT / f"{name}.pdf").write_bytes(report_pdf.render(page))
    return took


async def _bundles(week: Week) -> None:
    asked = {"issue": week.kept["issue"]}
    _write("inspection", inspection.files(await week.ask(BOHDAN, "extract", **asked), asked))
    folder = week.kept["export"]
    found = week.post.fs.files(folder)
    _write("copy-for-a-third-party", {path.removeprefix(f"{folder}/"): data for path, data in found.items()})


def _write(folder: str, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = OUT / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _figures(week: Week, report_s: float) -> dict[str, Any]:
    """What the week came to, and how long it takes to make the state anew from its ledger."""
    book, state = week.post.station.book, week.post.station.recorder.state
    began = time.perf_counter()
    fold(book)
    folded = time.perf_counter() - began
    totals = state.totals
    return {
        "lines of the ledger": book.size,
        "issues, returns": f"{totals.issues}, {totals.returns}",
        "recordings made, sealed, confirmed, cleared": f"{totals.made}, {totals.sealed}, {totals.confirmed}, "
        f"{totals.cleared}",
        "refusals": ", ".join(f"{k} {v}" for k, v in sorted(totals.refusals.items())),
        "alerts at the end": ", ".join(sorted(state.alerts)) or "none",
        "the state folded anew": f"{folded:.2f} s",
        "the report of the month": f"{report_s:.2f} s",
    }


def _rebuilding_s(lines: list[Line]) -> float:
    async def entered(path: str) -> None:
        store = SqliteStore(path)
        await store.open("week")
        for at in range(0, len(lines), BATCH):
            await store.add([entry_of(line) for line in lines[at : at + BATCH]])
        await store.close()

    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        asyncio.run(entered(f"{folder}/projections.sqlite"))
        return time.perf_counter() - began


_PAGE = """\
# A week of a post

Made by `make week`: 24 cameras, three shifts a day, 40 officers, seven virtual days at the shipped station. Persons,
numbers and films are invented.

| figure | value |
| --- | --- |
{figures}

Journals, each as PDF, CSV and JSON (the JSON is what is signed): `handover` (signed by both and registered), `unsigned`
(one signature: an alert, and issue goes on), `incident-sheet` (of the volume after a seizure), `maintenance`. Reports:
of a shift, of a day with an outage, of the Sunday on which clocks were put forward (English), of the month.
`inspection/`: what the ledger knows of an issue; `copy-for-a-third-party/`: a recording handed over. Each has its
`CHECK.txt`.

## What happened

```
{told}
```
"""


if __name__ == "__main__":
    sys.exit(main())
