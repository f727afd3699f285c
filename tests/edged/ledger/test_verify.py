"""Offline verification: a good copy is good, and each attack of the catalogue is named."""

import asyncio
import tracemalloc
from collections.abc import Callable

import pytest

from edged.formats.facts import RecordingCorrupted, StationCommissioned
from edged.formats.line import encode_data, encode_line, line_hash
from edged.formats.manifest import manifest_of, sign_manifest
from edged.ledger.pieces import note_name
from edged.ledger.report import Kind, Report
from edged.ledger.verify import verify_ledger
from tests.edged.ledger.station import (
    CENTRE,
    COMMISSIONED,
    COUNTERSIGNED,
    LEDGER,
    STATION,
    STRANGER,
    Station,
    note,
    sealed,
)

PIECE = f"{LEDGER}/000000000000-000000000004.jsonl"
SECOND = f"{LEDGER}/000000000005-000000000006.jsonl"
CURRENT = f"{LEDGER}/current.jsonl"
MIB = 1024 * 1024
LONG = 25_000
CONTENT = b"the recording's bytes" * 100
RECORDING = "7" * 32
FOLDER = f"/vault/recordings/2026/11/22/{RECORDING}"


@pytest.fixture
async def station() -> Station:
    """Two closed pieces, a few unsigned lines, one sealed recording, the first piece countersigned."""
    station = Station()
    book = await station.with_lines("one", "two", "three")
    line = await book.append(sealed(RECORDING, CONTENT))
    station.fs.put(f"{FOLDER}/content.mp4", CONTENT)
    station.fs.put(f"{FOLDER}/manifest.note", sign_manifest(manifest_of("yahodyn-1", line), STATION))
    checkpointer = await station.checkpointer(book)
    await checkpointer.checkpoint()
    await checkpointer.accept_countersigned(station.countersigned(5))
    await book.append(note("four"))
    await book.append(note("five"))
    await checkpointer.checkpoint()
    await book.append(note("six"))
    await book.close()
    return station


def verify(station: Station, *, against: bytes | None = None) -> Report:
    return verify_ledger(
        station.fs,
        LEDGER,
        station=STATION.verifier,
        centre=CENTRE.verifier,
        countersigned=COUNTERSIGNED,
        against=against,
        vault="/vault",
    )


def kinds(report: Report) -> set[Kind]:
    return {finding.kind for finding in report.findings}


def change(station: Station, path: str, edit: Callable[[list[bytes]], list[bytes]]) -> None:
    lines = edit(station.fs.read(path).splitlines())
    station.fs.put(path, b"".join(line + b"\n" for line in lines))


async def test_a_good_copy_is_good(station: Station) -> None:
    report = verify(station)

    assert report.good
    assert report.findings == []
    assert (report.station, report.lines, report.checkpoints) == ("yahodyn-1", 8, 3)
    assert (report.signed, report.unsigned, report.countersigned, report.recordings) == (7, 1, 5, 1)
    assert report.types["recording.sealed"] == 1


@pytest.mark.fault("T1", "an edited line is named, even where it stays a well-formed line")
async def test_an_edited_line_is_found(station: Station) -> None:
    change(station, PIECE, lambda ls: [line.replace(b'"two"', b'"2wo"') for line in ls])

    report = verify(station)

    assert {Kind.CHAIN_BROKEN, Kind.CHECKPOINT_DIFFERS} <= kinds(report)
    assert next(f.seq for f in report.findings if f.kind is Kind.CHAIN_BROKEN) == 3


async def test_a_line_edited_into_nonsense_is_found(station: Station) -> None:
    change(station, PIECE, lambda ls: [line.replace(b'"reason":"two"', b'"reason"="two"') for line in ls])

    assert {Kind.LINE_BAD, Kind.CHECKPOINT_DIFFERS} <= kinds(verify(station))


@pytest.mark.fault("T2", "removed, inserted and exchanged lines are found by number and chain")
@pytest.mark.parametrize(
    "edit",
    [
        lambda ls: ls[:2] + ls[3:],
        lambda ls: [*ls[:2], ls[1], *ls[2:]],
        lambda ls: [ls[0], ls[2], ls[1], *ls[3:]],
    ],
    ids=["removed", "inserted", "exchanged"],
)
async def test_lines_out_of_their_place_are_found(
    station: Station, edit: Callable[[list[bytes]], list[bytes]]
) -> None:
    change(station, PIECE, edit)

    assert {Kind.GAP, Kind.CHECKPOINT_DIFFERS} & kinds(verify(station))
    assert not verify(station).good


async def test_a_missing_piece_is_found(station: Station) -> None:
    station.fs.remove(PIECE)

    assert {Kind.PIECE_WRONG, Kind.GAP, Kind.BEHIND_CHECKPOINT} <= kinds(verify(station))


@pytest.mark.fault("T1", "a chain computed anew over changed lines still differs from the signed root")
async def test_a_chain_made_whole_again_differs_from_the_checkpoint(station: Station) -> None:
    forged = await Station().with_lines("one", "two!", "three", "x")
    station.fs.put(PIECE, b"".join(line.raw + b"\n" for line in forged.lines()))

    report = verify(station)

    assert Kind.CHECKPOINT_DIFFERS in kinds(report)
    assert report.signed == 0


@pytest.mark.fault("T3", "a cut tail shows against a checkpoint kept elsewhere; nothing else can show it")
@pytest.mark.fault("T4", "a disk rolled back shows against a checkpoint kept elsewhere")
async def test_a_cut_tail_shows_against_a_checkpoint_kept_elsewhere(station: Station) -> None:
    kept = station.fs.read(f"{LEDGER}/checkpoints/{note_name(7)}")
    for path in (SECOND, CURRENT, f"{LEDGER}/checkpoints/{note_name(7)}"):
        station.fs.remove(path)

    assert verify(station).good
    assert kinds(verify(station, against=kept)) == {Kind.BEHIND_CHECKPOINT}


@pytest.mark.fault("T9", "cut and continued: the new lines differ from the checkpoint kept elsewhere")
async def test_a_ledger_cut_and_continued_shows_against_the_old_checkpoint(station: Station) -> None:
    kept = station.fs.read(f"{LEDGER}/checkpoints/{note_name(7)}")
    for path in (SECOND, CURRENT, f"{LEDGER}/checkpoints/{note_name(7)}"):
        station.fs.remove(path)
    book = await station.open()
    for n in range(4):
        await book.append(note(f"other {n}"))
    await book.close()

    assert kinds(verify(station, against=kept)) == {Kind.CHECKPOINT_DIFFERS}


@pytest.mark.fault(
    "T8", "old lines sealed anew with another key are refused: the key stands in line 0 and in the call"
)
async def test_lines_sealed_anew_by_another_key_are_found(station: Station) -> None:
    report = verify_ledger(station.fs, LEDGER, station=STRANGER.verifier)

    assert {Kind.BEGINNING_WRONG, Kind.CHECKPOINT_BAD} <= kinds(report)
    assert report.signed == 0


@pytest.mark.fault("T15", "another station's ledger under this name shows by its key")
async def test_a_checkpoint_of_another_station_is_bad(station: Station) -> None:
    path = f"{LEDGER}/checkpoints/{note_name(5)}"
    station.fs.put(path, station.fs.read(path).replace(b"yahodyn-1", b"krakivets"))

    assert kinds(verify(station)) == {Kind.CHECKPOINT_BAD}


@pytest.mark.fault("T13", "a repeated name inside a line is a finding, whichever value a reader would take")
async def test_a_repeated_name_is_found(station: Station) -> None:
    change(station, CURRENT, lambda ls: [ls[0].replace(b'"reason":', b'"reason":"x","reason":'), *ls[1:]])

    assert Kind.LINE_BAD in kinds(verify(station))


@pytest.mark.fault("T20", "a second commissioning inside the chain is a finding")
async def test_a_second_beginning_is_found(station: Station) -> None:
    book = await station.open()
    await book.append(
        StationCommissioned(**{f: getattr(COMMISSIONED, f) for f in COMMISSIONED.__struct_fields__})
    )
    await book.close()

    assert kinds(verify(station)) == {Kind.COMMISSIONED_AGAIN}


async def test_a_torn_tail_is_found_and_said_to_be_one(station: Station) -> None:
    station.fs.put(CURRENT, station.fs.read(CURRENT)[:-9])

    assert Kind.UNENDED in kinds(verify(station))


async def test_an_empty_folder_is_no_good_ledger() -> None:
    station = Station()
    station.fs.make_dirs(LEDGER)

    assert kinds(verify(station)) == {Kind.NO_LEDGER}


# --- recordings -----------------------------------------------------------------------------------------


@pytest.mark.fault("T16", "a changed recording is found by size or hash")
@pytest.mark.fault("K14", "an edited or removed recording is reported and not healed")
@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (CONTENT[:-1], Kind.RECORDING_DIFFERS),
        (CONTENT[:-1] + b"?", Kind.RECORDING_DIFFERS),
        (None, Kind.RECORDING_MISSING),
    ],
)
async def test_a_changed_or_missing_recording_is_found(
    station: Station, content: bytes | None, kind: Kind
) -> None:
    if content is None:
        station.fs.remove(f"{FOLDER}/content.mp4")
    else:
        station.fs.put(f"{FOLDER}/content.mp4", content)

    assert kinds(verify(station)) == {kind}


async def test_a_manifest_that_says_other_than_the_ledger_is_found(station: Station) -> None:
    book = await station.open()
    other = await book.append(sealed("8" * 32, b""))
    await book.close()
    station.fs.put("/vault/recordings/2026/11/22/" + "8" * 32 + "/content.mp4", b"")
    station.fs.put(f"{FOLDER}/manifest.note", sign_manifest(manifest_of("yahodyn-1", other), STATION))

    report = verify(station)

    assert kinds(report) == {Kind.MANIFEST_BAD}
    assert {finding.where for finding in report.findings} == {RECORDING}
    assert report.manifests_due == 1


async def test_a_recording_known_to_be_corrupted_is_still_a_finding(station: Station) -> None:
    book = await station.open()
    await book.append(RecordingCorrupted(recording=RECORDING, sha256="0" * 64))
    await book.close()
    station.fs.put(f"{FOLDER}/content.mp4", b"rotten")

    assert kinds(verify(station)) == {Kind.RECORDING_DIFFERS}


@pytest.mark.slow
@pytest.mark.fault(
    "L08", "however many lines: each byte is read once, and a few megabytes of memory are enough"
)
async def test_a_long_ledger_is_read_twice_in_bounded_memory() -> None:
    station = Station()
    book = await station.create()
    first = next(book.lines())
    await book.close()
    stamp, prev, out = first.stamp, first.hash, [first.raw]
    fact = note("a line of ordinary length " * 6)
    data = encode_data(fact)
    for seq in range(1, LONG):
        out.append(encode_line(seq, prev, stamp, "station", fact, data).raw)
        prev = line_hash(out[-1])
    content = b"\n".join(out) + b"\n"
    station.fs.put(CURRENT, content)
    station.fs.calls.clear()

    tracemalloc.start()
    try:
        report = await asyncio.to_thread(verify_ledger, station.fs, LEDGER, station=STATION.verifier)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert report.good
    assert report.lines == LONG
    assert station.fs.calls.count(("read_at", CURRENT)) <= 2 * (len(content) // MIB + 2)
    assert most < 5 * MIB < len(content) // 2
