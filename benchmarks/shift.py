"""A month of a busy post: its report, and making the state and the search views anew from its ledger."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import samples
from benchmarks.rows import Row, duration
from benchmarks.scale import Scale
from drivers.disk import PosixDisk
from edged.coverage import Rules
from edged.formats import facts as f
from edged.formats import times
from edged.formats.line import Line
from edged.ledger.book import Book
from edged.projections.sqlite import SqliteStore
from edged.projections.store import entry_of
from edged.reports.build import build
from edged.reports.period import TYPES, Period
from edged.reports.source import Source
from edged.shift.inventory import Inventory, Item, Sort
from edged.station.projector import BATCH
from edged.station.recovery import fold
from edged.station_state import StationState
from tests.fakes.clock import StillClock

BEGAN_NS = times.parse_ns("2026-11-01T06:00:00.000Z")
DAYS, SHIFTS, CLIPS = 30, 3, 3
LINES_AN_ISSUE = 5 + 5 * CLIPS
HOUR_NS = 3_600_000_000_000


async def measure(scale: Scale, folder: Path) -> list[Row]:
    """``scale.events`` decides how many cameras the post has."""
    clock = StillClock(BEGAN_NS)
    book = await Book.create(PosixDisk(), str(folder / "ledger"), clock, samples.COMMISSIONED)
    cameras = max(1, -(-scale.events // (2 * DAYS * SHIFTS * LINES_AN_ISSUE)))
    try:
        for shift in range(DAYS * SHIFTS):
            for happens, hours in ((_taken, 0), (_brought, 7)):
                clock.wall_ns = BEGAN_NS + (shift * 8 + hours) * HOUR_NS
                facts = _all(happens, shift, cameras, clock.wall_ns)
                await asyncio.gather(*(book.append(fact) for fact in facts))
        runs = range(scale.repeats)
        folds = [_took(lambda: fold(book)) for _ in runs]
        state = fold(book)  # the station has it
        reports = [_took(lambda: _report(book, state, cameras, clock.wall_ns + HOUR_NS)) for _ in runs]
        lines = list(book.lines())
        views = [await _views(folder / f"views-{run}.sqlite", lines) for run in runs]
    finally:
        await book.close()
    size = f"{book.size} lines, {cameras} cameras, {DAYS * SHIFTS} shifts"
    return [
        duration("report of a month", reports, size),
        duration("state folded anew", folds, size),
        duration("search views made anew", views, size),
    ]


def _took(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _report(book: Book, state: StationState, cameras: int, now_ns: int) -> None:
    """As `edged.station.reporting` does it, without the station."""
    period = Period(times.format_ns(BEGAN_NS), times.format_ns(now_ns))
    for line in book.selected(period.began, TYPES):
        period.take(line)
    items = (Item(f"1014{n:04}", Sort.CAMERA, f"K{n:06}") for n in range(cameras))
    source = Source(
        station=state,
        inventory=Inventory(items),
        schedule=None,
        names={},
        now_ns=now_ns,
        root=book.root().hex(),
        rules=Rules(),
    )
    assert len(build(period, source).issues) == DAYS * SHIFTS * cameras


_Happens = Callable[[str, str, int, int], Iterator[f.Fact]]


def _all(happens: _Happens, shift: int, cameras: int, now_ns: int) -> Iterator[f.Fact]:
    for camera in range(cameras):
        yield from happens(f"K{camera:06}", f"{shift:04}{camera:012}", camera + 1, now_ns)


def _taken(camera: str, issue: str, slot: int, now_ns: int) -> Iterator[f.Fact]:  # noqa: ARG001  # as `_brought`
    yield f.CameraGranted(grant=issue, slot=slot, camera=camera, officer="UA0017", reader="A", open_s=15.0)
    yield f.CameraIssued(grant=issue, issue=issue, slot=slot, camera=camera, officer="UA0017")


def _brought(camera: str, issue: str, slot: int, now_ns: int) -> Iterator[f.Fact]:
    """It comes back with its films and is emptied."""
    yield f.CameraDocked(
        slot=slot,
        camera=camera,
        driver="gat947",
        model="X",
        known=True,
        usb_serial="",
        descriptor_sha256="",
        issue=issue,
    )
    clips = [f"{issue}{n:016}" for n in range(CLIPS)]
    yield f.CameraListed(
        camera=camera,
        slot=slot,
        volume="v",
        filesystem="fat32",
        complete=True,
        issue=issue,
        officer="UA0017",
        clips=tuple(
            f.ClipFact(recording=clip, path=f"CLIP{n:04}.MP4", size=10**9, mtime="", first_cluster=n + 2)
            for n, clip in enumerate(clips)
        ),
    )
    for n, clip in enumerate(clips):
        ended = times.format_ns(now_ns - (CLIPS - n) * HOUR_NS)
        yield f.OffloadStarted(recording=clip, camera=camera, slot=slot, offset=0, folder="2026/11/01")
        yield f.RecordingSealed(
            recording=clip,
            camera=camera,
            path=f"CLIP{n:04}.MP4",
            size=10**9,
            sha256="6f" * 32,
            fingerprint="6f" * 32,
            mtime="2026-11-22T09:01:00",
            medium="direct",
            folder="2026/11/01",
            file="content.mp4",
            issue=issue,
            officer="UA0017",
            true_time=ended,
            uncertainty_ms=1200,
            film_ms=3_500_000,
        )
        yield f.RecordingConfirmed(
            recording=clip,
            receipt_sha256="6f" * 32,
            server="s",
            server_level="local",
            placed_at=ended,
            retain_until=ended,
        )
        yield f.ClearStarted(camera=camera, slot=slot, recordings=(clip,), policy="on-receipt")
        yield f.CameraCleared(
            camera=camera, slot=slot, recordings=(clip,), free_before=0, free_after=10**9, free_expected=10**9
        )
    yield f.ReturnConfirmed(issues=(issue,), responsible="UA0101", reader="A")


async def _views(path: Path, lines: list[Line]) -> float:
    store = SqliteStore(str(path))
    began = time.perf_counter()
    await store.open("month")
    for at in range(0, len(lines), BATCH):
        await store.add([entry_of(line) for line in lines[at : at + BATCH]])
    took = time.perf_counter() - began
    await store.close()
    return took
