"""Support helps itself: rm, sqlite3 and an editor in the station's folders, and what becomes of it."""

import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e import places
from tests.e2e.places import QuickSite, clip
from tests.e2e.test_main_job import nothing_lost_nothing_twice

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]  # of a busy machine; alone each needs a tenth


BY_HAND = {
    "projections.sqlite": "DELETE FROM entry WHERE seq % 2",
    "queue.sqlite": "DELETE FROM item",
}


def deletes_rows(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db, db:
        db.execute(BY_HAND[file.name])


def overwrites(file: Path) -> None:
    file.write_bytes(b"repaired\n" * 2000)


def removes(file: Path) -> None:
    file.unlink()


@pytest.mark.fault(
    "O10",
    "what support removes or edits by hand beside ledger and evidence is made anew; each recording stays one",
)
@pytest.mark.parametrize("repair", [deletes_rows, overwrites, removes])
async def test_databases_that_were_repaired_by_hand_are_made_anew(repair: Callable[[Path], None]) -> None:
    async with places.commissioned() as site:
        await site.start()
        await places.vouch(site)
        await places.add_gat(site)
        await site.world.record("cam-1", clip(1))
        await site.world.record("cam-1", clip(2))
        await site.world.insert("cam-1", 1)
        await places.counted(site, "cleared", 2)
        before = await _log(site)
        await site.procs["edged-sync"].end()
        await site.procs["edged"].end()
        for file in (site.state / "projections.sqlite", next(site.folder.rglob("queue.sqlite"))):
            repair(file)
        for left_over in ("clock.json", "roster.note"):
            (site.state / left_over).unlink(missing_ok=True)
        await site.start_edged()
        await site.start_sync()
        await places.vouch(site)
        await places.add_msc(site)
        await site.world.record("cam-2", clip(3))
        await site.world.insert("cam-2", 2)
        await places.counted(site, "confirmed", 3)
        assert (await _log(site))[: len(before)] == before
        await nothing_lost_nothing_twice(site)


async def _log(site: QuickSite) -> list[str]:
    return [str(line) for line in await site.facts()]


@pytest.mark.clause("459-IV.7-no-tampering", "what was sealed is read-only for every program")
@pytest.mark.fault("O10", "a sealed recording is read-only for everybody, whoever owns it")
async def test_a_sealed_recording_is_read_only() -> None:
    async with places.commissioned() as site:
        await site.start_edged()
        await places.vouch(site)
        await places.add_gat(site)
        await site.world.record("cam-1", clip(1))
        await site.world.insert("cam-1", 1)
        await places.counted(site, "sealed", 1)
        (content,) = (path for path in site.vault.rglob("content.*") if path.suffix == ".mp4")
        assert stat.S_IMODE(content.stat().st_mode) == 0o440
        assert content.stat().st_uid == os.geteuid()
