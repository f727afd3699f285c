"""Lines of the ledger about one thing, shown to stand in it without the ledger."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edged.court import verify_proof as court
from edged.court.extract import extract
from edged.formats import merkle
from edged.formats.checkpoint import Checkpoint, countersign, sign_checkpoint
from edged.formats.line import FIRST_PREV, Line, Stamp, encode_data, encode_line
from edged.formats.note import Signer
from tests.edged.ledger.station import CENTRE, STATION, note

STAMP = Stamp(
    time="2026-11-22T07:00:00.123Z", boottime_ns=5_000, boot_id="b" * 32, clock="unknown", max_error_ns=None
)
KEYS = f"{STATION.verifier}\n{CENTRE.verifier}\n"


def ledger(size: int) -> list[Line]:
    lines: list[Line] = []
    for seq in range(size):
        fact = note(f"line {seq} – ґ")
        prev = lines[-1].hash if lines else FIRST_PREV
        lines.append(encode_line(seq, prev, STAMP, "station", fact, encode_data(fact)))
    return lines


def made(size: int, *wanted: int, witness: Signer | None = CENTRE) -> bytes:
    lines = ledger(size)
    leaves = [merkle.leaf_hash(line.raw) for line in lines]
    checkpoint = Checkpoint(origin=STATION.name, size=size, root=merkle.root_of(leaves))
    signed = sign_checkpoint(checkpoint, STATION)
    if witness is not None:
        signed = countersign(signed, STATION.verifier, witness)
    return extract("camera GAT-1", [lines[i] for i in wanted], leaves, signed)


def run(tmp_path: Path, data: bytes, keys: str = KEYS) -> tuple[int, str]:
    (tmp_path / "extract.jsonl").write_bytes(data)
    (tmp_path / "keys.txt").write_text(keys)
    words = ["--extract", str(tmp_path / "extract.jsonl"), str(tmp_path / "keys.txt")]
    done = subprocess.run(
        [sys.executable, "-I", "-S", court.__file__, *words], capture_output=True, timeout=30, check=False
    )
    return done.returncode, (done.stdout + done.stderr).decode()


def test_lines_that_stand_in_the_ledger_are_shown_to(tmp_path: Path) -> None:
    code, said = run(tmp_path, made(100, 3, 64, 99))
    assert code == court.HOLDS
    assert [row.split("  ")[0] for row in said.splitlines()[5:]] == ["3", "64", "99"]
    assert "line 64 – ґ" in said


def test_without_a_witness_it_says_so(tmp_path: Path) -> None:
    assert run(tmp_path, made(10, 3, witness=None))[0] == court.NO_WITNESS


@pytest.mark.parametrize("what", ["word", "number", "path", "head", "cut", "key"])
def test_what_does_not_stand_there_so_is_refused(tmp_path: Path, what: str) -> None:
    head, row = made(100, 50).decode().splitlines()
    stated, keys = json.loads(row), KEYS
    match what:
        case "word":
            stated["line"] = stated["line"].replace("line 50", "line 51")
        case "number":
            stated["index"] = 51
        case "path":
            stated["path"] = stated["path"][1:]
        case "head":
            head = head.replace("edged/extract/v1", "edged/proof/v1")
        case "key":
            keys = f"{CENTRE.verifier}\n"
        case _:
            pass
    end = "" if what == "cut" else "\n"
    code, said = run(tmp_path, f"{head}\n{json.dumps(stated, ensure_ascii=False)}{end}".encode(), keys)
    assert code == court.FAILS
    assert "DOES NOT HOLD" in said


def test_a_line_that_the_checkpoint_does_not_cover_is_not_put_in() -> None:
    lines = ledger(10)
    leaves = [merkle.leaf_hash(line.raw) for line in lines[:8]]
    with pytest.raises(ValueError, match="no such leaf"):
        extract("", [lines[9]], leaves, b"")


@given(st.integers(1, 70), st.data())
@settings(max_examples=40, deadline=None)
def test_many_paths_at_once_are_those_that_each_has_alone(size: int, data: st.DataObject) -> None:
    leaves = [merkle.leaf_hash(str(number).encode()) for number in range(size)]
    wanted = data.draw(st.sets(st.integers(0, size - 1), min_size=1))
    found = merkle.inclusion_proofs(leaves, wanted)
    assert found == {index: merkle.inclusion_proof(leaves, index) for index in wanted}
