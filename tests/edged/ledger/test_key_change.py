"""One signing key follows another: the line, the hand-over that both sign, and what verifiers make of it."""

import asyncio
from pathlib import Path

import pytest

from edged.errors import EdgeError, ErrorCode, FormatError, SignatureError
from edged.formats.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from edged.formats.facts import KeyChanged
from edged.formats.manifest import manifest_of, open_manifest, sign_manifest
from edged.formats.note import Signer, Verifier
from edged.formats.proof import verify_proof
from edged.formats.station_keys import StationKeys
from edged.ledger.book import Book
from edged.ledger.checkpoints import Checkpointer, Keys, Pace
from edged.ledger.pieces import note_name
from edged.ledger.proofs import prove
from edged.ledger.rekeying import change_key
from tests.edged.ledger.copies import Copy, first, second
from tests.edged.ledger.station import CENTRE, LEDGER, STATE, STATION, STRANGER, Station, note, sealed
from tests.fakes.memory_fs import PowerCut

NEXT = Signer.from_seed("edged/yahodyn-1", bytes([7]) * 32)
THIRD = Signer.from_seed("edged/yahodyn-1", bytes([8]) * 32)
LINE = 4  # names NEXT: behind line 0, two notes and a recording
RECORDING = "5" * 32


async def begun() -> Station:
    """Lines 0 to 3, signed with the first key; no process has the ledger."""
    station = Station()
    book = await station.with_lines("one", "two")
    await book.append(sealed(RECORDING, b"a"))
    await (await station.checkpointer(book)).checkpoint()
    await book.close()
    return station


async def changed(station: Station, old: Signer = STATION, new: Signer = NEXT) -> int:
    book = await Book.open(station.fs, LEDGER, station.clock)
    try:
        return await change_key(book, station.fs, STATE, old, new, "account:root")
    finally:
        await book.close()


async def gone_on(station: Station, signer: Signer = NEXT, text: str = "later") -> None:
    """The station runs with this key, writes a line and signs."""
    book = await Book.open(station.fs, LEDGER, station.clock, station=signer.verifier)
    keys = Keys(book.keys, CENTRE.verifier, signer)
    checkpoints = await Checkpointer.open(book, station.fs, STATE, keys, Pace())
    await book.append(note(text))
    await checkpoints.checkpoint()
    await book.close()


def known_by(station: Station, key: Verifier) -> Copy:
    return Copy(station.fs.files(), key=key)


def note_of(station: Station, size: int) -> bytes:
    return station.fs.read(f"{LEDGER}/checkpoints/{note_name(size)}")


async def test_whoever_knows_one_of_the_keys_verifies_all(tmp_path: Path) -> None:
    station = await begun()
    assert await changed(station) == LINE
    await gone_on(station)
    await changed(station, NEXT, THIRD)
    await gone_on(station, THIRD)
    for key in (STATION, NEXT, THIRD):
        copy = known_by(station, key.verifier)
        for verdict in (first(copy), await asyncio.to_thread(second, copy, tmp_path)):
            assert verdict.good, verdict
            assert (verdict.counts["lines"], verdict.counts["signed"]) == (8, 8)


async def test_both_sign_the_hand_over_and_the_new_key_what_comes_then() -> None:
    station = await begun()
    await changed(station)
    await gone_on(station)
    for key in (STATION, NEXT):
        assert open_checkpoint(note_of(station, LINE + 1), key.verifier).size == LINE + 1
    open_checkpoint(note_of(station, LINE + 2), NEXT.verifier)
    with pytest.raises(SignatureError):
        open_checkpoint(note_of(station, LINE + 2), STATION.verifier)
    assert f"{LEDGER}/{0:012d}-{LINE - 1:012d}.jsonl" in station.fs.files()
    assert f"{LEDGER}/{LINE:012d}-{LINE:012d}.jsonl" in station.fs.files()  # a piece ends with the change


@pytest.mark.parametrize("name", ["old", "new"])
async def test_a_proof_made_after_the_change_holds_with_the_new_key(name: str) -> None:
    station = await begun()
    await changed(station)
    await gone_on(station)
    keys = (await Book.open(station.fs, LEDGER, station.clock, station=NEXT.verifier)).keys
    proof = prove(station.fs, LEDGER, RECORDING, station=keys)
    if name == "new":
        assert verify_proof(proof, NEXT.verifier).sealed.recording == RECORDING
    else:
        with pytest.raises(SignatureError):
            verify_proof(proof, STATION.verifier)


async def test_cut_anywhere_it_is_ended_by_the_same_command_again(tmp_path: Path) -> None:
    whole = await begun()
    before = whole.fs.steps
    await changed(whole)
    steps = whole.fs.steps - before
    assert steps > 5
    for cut in range(steps):
        station = await begun()
        station.fs.cut_after = station.fs.steps + cut
        with pytest.raises((PowerCut, EdgeError)):
            await changed(station)
        station.fs.power_cut()
        assert await changed(station) == LINE
        await gone_on(station)
        for key in (STATION, NEXT):
            copy = known_by(station, key.verifier)
            assert first(copy).good, (cut, first(copy))
        assert second(known_by(station, NEXT.verifier), tmp_path).good


async def test_a_station_does_not_start_between_the_line_and_the_new_key() -> None:
    station = await begun()
    await changed(station)
    with pytest.raises(EdgeError) as refused:
        await station.open()
    assert refused.value.code is ErrorCode.KEY_CHANGE_UNFINISHED
    assert "edgectl station rekey" in refused.value.code.remedy


async def test_the_ledger_must_name_one_of_the_two_last_and_no_key_comes_back() -> None:
    station = await begun()
    with pytest.raises(EdgeError) as refused:
        await changed(station, STRANGER, THIRD)
    assert refused.value.code is ErrorCode.CONFLICT
    await changed(station)
    with pytest.raises(FormatError):
        await changed(station, NEXT, STATION)
    size = (await Book.open(station.fs, LEDGER, station.clock)).size
    assert size == LINE + 1


async def test_without_the_hand_over_nothing_behind_it_counts(tmp_path: Path) -> None:
    station = await begun()
    await changed(station)
    await gone_on(station)
    station.fs.remove(f"{LEDGER}/checkpoints/{note_name(LINE + 1)}")
    for key in (STATION, NEXT):
        copy = known_by(station, key.verifier)
        for verdict in (first(copy), second(copy, tmp_path)):
            assert verdict.found == {("key-unproved", LINE)}
            assert verdict.counts["signed"] == LINE


async def test_a_stranger_cannot_name_his_own_key(tmp_path: Path) -> None:
    """He holds the disk, not the key: he writes the line, and signs for himself from then on."""
    station = await begun()
    book = await Book.open(station.fs, LEDGER, station.clock)
    await book.append(KeyChanged(key=str(STRANGER.verifier)))
    point = Checkpoint("edged/yahodyn-1", book.size, book.root())
    station.fs.put(f"{LEDGER}/checkpoints/{note_name(book.size)}", sign_checkpoint(point, STRANGER))
    await book.append(note("his"))
    point = Checkpoint("edged/yahodyn-1", book.size, book.root())
    station.fs.put(f"{LEDGER}/checkpoints/{note_name(book.size)}", sign_checkpoint(point, STRANGER))
    await book.close()
    copy = known_by(station, STATION.verifier)
    for verdict in (first(copy), second(copy, tmp_path)):
        assert verdict.kinds == {"key-unproved", "checkpoint-bad"}
        assert verdict.counts["signed"] == LINE


async def test_a_stranger_cannot_put_another_history_before_the_new_key(tmp_path: Path) -> None:
    """Line 0 names the key that he has, and his last line the station's, which has not signed that."""
    station = Station()
    book = await station.with_lines("his")
    await book.append(KeyChanged(key=str(NEXT.verifier)))
    point = Checkpoint("edged/yahodyn-1", book.size, book.root())
    station.fs.put(f"{LEDGER}/checkpoints/{note_name(book.size)}", sign_checkpoint(point, STATION))
    await book.close()
    copy = known_by(station, NEXT.verifier)
    for verdict in (first(copy), second(copy, tmp_path)):
        assert verdict.kinds == {"key-unproved", "checkpoint-bad"}
        assert verdict.counts["signed"] == 0


async def test_a_manifest_is_signed_by_the_key_of_its_line() -> None:
    station = await begun()
    book = await Book.open(station.fs, LEDGER, station.clock)
    line = next(line for line in book.lines() if line.type == "recording.sealed")
    manifest = manifest_of("yahodyn-1", line)
    keys = StationKeys(STATION.verifier).after(line.seq - 1, str(NEXT.verifier))
    assert open_manifest(sign_manifest(manifest, NEXT), keys) == manifest
    with pytest.raises(SignatureError):
        open_manifest(sign_manifest(manifest, STATION), keys)
