"""Both stores find the same lines: by everything and everybody that a line names."""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edged.formats import facts as f
from edged.formats.line import FIRST_PREV, Line, Stamp, encode_data, encode_line
from edged.projections.memory import MemoryStore
from edged.projections.sqlite import SqliteStore
from edged.projections.store import Entry, LogQuery, ProjectionStore, entry_of

ORIGIN = "edged/post-1+00000000+key"
R1, R2, R3 = "1" * 32, "2" * 32, "3" * 32


def clip(recording: str) -> f.ClipFact:
    return f.ClipFact(recording=recording, path="DCIM/1.MP4", size=1, mtime="", first_cluster=2)


def sealed(recording: str, officer: str) -> f.RecordingSealed:
    return f.RecordingSealed(
        recording=recording,
        camera="CAM1",
        path="DCIM/1.MP4",
        size=1,
        sha256="0" * 64,
        fingerprint="0" * 64,
        mtime="",
        medium="disk",
        folder="2026/11/22",
        file="content.mp4",
        issue="i1",
        officer=officer,
    )


HISTORY: Sequence[tuple[str, f.Fact]] = (
    ("station", f.CameraIssued(grant="g1", issue="i1", slot=1, camera="CAM1", officer="olena")),
    (
        "station",
        f.CameraListed(
            camera="CAM1",
            slot=2,
            volume="1234",
            filesystem="fat32",
            complete=True,
            clips=(clip(R1), clip(R2)),
        ),
    ),
    ("station", sealed(R1, "olena")),
    (
        "station",
        f.RecordingConfirmed(
            recording=R1, receipt_sha256="", server="s", server_level="local", placed_at="", retain_until=""
        ),
    ),
    ("station", f.ClearStarted(camera="CAM1", slot=2, recordings=(R1, R3), policy="on-receipt")),
    ("station", f.ClearFailed(camera="CAM1", slot=2, recordings=(R1, R3), code=2303, reason="")),
    (
        "station",
        f.CameraCleared(
            camera="CAM1", slot=2, recordings=(R3, R1), free_before=0, free_after=1, free_expected=1
        ),
    ),
    ("reader:A", f.ReturnConfirmed(issues=("i1", "i2"), responsible="petro", reader="A")),
    ("person:petro", f.OfficerRevoked(person="olena", reason="left")),
    ("person:petro", f.CameraQuarantined(camera="CAM2", reason="cracked")),
    ("station", f.AlertWithdrawn(alert="clock-unknown")),
)

CASES: dict[str, tuple[LogQuery, list[int]]] = {
    "everything": (LogQuery(), list(range(11))),
    "the newest": (LogQuery(limit=2), [9, 10]),
    "a recording in listing, sealing, receipt and clearing": (LogQuery(recording=R1), [1, 2, 3, 4, 5, 6]),
    "a recording that was only listed": (LogQuery(recording=R2), [1]),
    "a recording that was only cleared": (LogQuery(recording=R3), [4, 5, 6]),
    "who acted where the fact names another": (LogQuery(person="petro"), [7, 8, 9]),
    "whom the fact names": (LogQuery(person="olena"), [0, 2, 8]),
    "each issue of a confirmed return": (LogQuery(issue="i2"), [7]),
    "an issue": (LogQuery(issue="i1"), [0, 2, 7]),
    "a camera": (LogQuery(camera="CAM1"), [0, 1, 2, 4, 5, 6]),
    "a slot": (LogQuery(slot=2), [1, 4, 5, 6]),
    "no slot is not slot 0": (LogQuery(slot=0, type="alert"), [10]),
    "two keys at once": (LogQuery(camera="CAM1", person="olena"), [0, 2]),
    "keys of different lines": (LogQuery(camera="CAM2", person="olena"), []),
    "a type": (LogQuery(type="camera.issued"), [0]),
    "the first part of a type": (LogQuery(type="camera"), [0, 1, 6, 9]),
    "half a word of a type": (LogQuery(type="cam"), []),
    "a pattern instead of a type": (LogQuery(type="camera_issued"), []),
    "a wildcard instead of a type": (LogQuery(type="%"), []),
    "another spelling of a type": (LogQuery(type="Camera"), []),
    "from a time": (LogQuery(since="2026-11-22T07:00:08.000Z"), [8, 9, 10]),
    "up to a time": (LogQuery(until="2026-11-22T07:00:02.000Z"), [0, 1]),
    "a quote in a value": (LogQuery(person="' OR 1=1 --"), []),
}


def history() -> list[Entry]:
    lines: list[Line] = []
    for seq, (actor, fact) in enumerate(HISTORY):
        stamp = Stamp(
            time=f"2026-11-22T07:00:{seq:02}.000Z",
            boottime_ns=seq,
            boot_id="b" * 32,
            clock="synchronised",
            max_error_ns=0,
        )
        prev = lines[-1].hash if lines else FIRST_PREV
        lines.append(encode_line(seq, prev, stamp, actor, fact, encode_data(fact)))
    return [entry_of(line) for line in lines]


@asynccontextmanager
async def opened(kind: str, folder: Path) -> AsyncIterator[ProjectionStore]:
    store: ProjectionStore = MemoryStore() if kind == "memory" else SqliteStore(str(folder / "views.sqlite"))
    await store.open(ORIGIN)
    try:
        yield store
    finally:
        await store.close()


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("case", CASES)
async def test_a_search_finds_every_line_that_names_what_is_asked_for(
    case: str, kind: str, tmp_path: Path
) -> None:
    query, expected = CASES[case]
    entries = history()
    async with opened(kind, tmp_path) as store:
        await store.add(entries[:5])
        await store.add(entries[5:])
        assert await store.search(query) == [entries[seq].line for seq in expected]


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_a_dropped_store_finds_nothing_and_begins_with_line_0(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as store:
        await store.add(history())
        await store.drop()
        assert await store.search(LogQuery(recording=R1)) == []
        await store.add(history())
        assert len(await store.search(LogQuery())) == len(HISTORY)


async def test_a_file_goes_on_where_it_ended_and_another_ledger_begins_anew(tmp_path: Path) -> None:
    path = str(tmp_path / "views.sqlite")
    for origin, held in ((ORIGIN, 0), (ORIGIN, len(HISTORY)), ("edged/other", 0)):
        store = SqliteStore(path)
        assert await store.open(origin) == held
        if not held:
            await store.add(history())
        await store.close()


@pytest.mark.fault("L06", "A damaged, foreign or older view is dropped and begun anew, not an obstacle.")
@pytest.mark.parametrize("harm", ["bytes", "schema"])
async def test_a_file_that_cannot_be_used_is_begun_anew(harm: str, tmp_path: Path) -> None:
    path = tmp_path / "views.sqlite"
    store = SqliteStore(str(path))
    await store.open(ORIGIN)
    await store.add(history())
    await store.close()
    if harm == "bytes":
        path.write_bytes(b"not a database at all" * 100)
    else:
        db = sqlite3.connect(path)
        with db:
            db.execute("UPDATE about SET value = '1' WHERE key = 'schema'")
        db.close()
    again = SqliteStore(str(path))
    try:
        assert await again.open(ORIGIN) == 0
    finally:
        await again.close()
