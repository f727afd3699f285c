"""``docs/verify_ledger.py`` by itself: stands alone, reads what it is given, and its parts against ours."""

import ast
import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docs import verify_ledger as independent
from drivers.disk import PosixDisk
from edged.errors import FormatError
from edged.formats import document
from edged.formats.merkle import leaf_hash, root_of
from edged.formats.note import Signer
from edged.ledger.report import Kind
from edged.ledger.verify import verify_ledger
from tests.edged.ledger import attacks as by
from tests.edged.ledger.copies import CURRENT, PIECE, Copy, checkpoint, usual, words
from tests.edged.ledger.station import CENTRE, STATION

PROGRAM = Path(independent.__file__)
SOURCE = PROGRAM.read_text("utf-8")


def run(words: list[str]) -> subprocess.CompletedProcess[str]:
    """As an expert would: no site-packages, no environment, another folder."""
    command = [sys.executable, "-S", "-I", str(PROGRAM), *words]
    return subprocess.run(command, capture_output=True, text=True, cwd="/", env={"LC_ALL": "C"}, check=False)


# --- one file, the standard library, Python 3.9 ---------------------------------------------------------


def test_it_imports_nothing_but_the_standard_library() -> None:
    names: set[str] = set()
    for node in ast.walk(ast.parse(SOURCE)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.add(str(node.module))
        assert not (isinstance(node, ast.Name) and node.id in {"__import__", "exec", "eval"})

    assert names
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names


def test_it_is_written_in_python_3_9() -> None:
    ast.parse(SOURCE, feature_version=(3, 9))
    assert "from __future__ import annotations" in SOURCE  # X | None, which 3.9 cannot evaluate


def test_it_has_a_word_for_every_finding_of_ours_and_no_other() -> None:
    texts = {node.value for node in ast.walk(ast.parse(SOURCE)) if isinstance(node, ast.Constant)}
    page = (PROGRAM.parent / "ledger.md").read_text("utf-8")

    assert {str(kind) for kind in Kind} <= texts
    table = page[page.index("| finding | line | means |") :].partition("\n\n")[0]
    assert {row.split("`")[1] for row in table.splitlines()[2:]} == {str(kind) for kind in Kind}


# --- the command line -------------------------------------------------------------------------------------


def test_a_good_ledger_is_good_on_a_bare_python(tmp_path: Path) -> None:
    copy = usual().copy.fresh(against=usual().kept, countersigned=True, recordings=True)

    done = run(words(copy, tmp_path))

    assert (done.returncode, done.stderr) == (independent.GOOD, "")
    rows = {row[:14].strip(): row[15:].split()[0] for row in done.stdout.splitlines()[1:]}
    assert done.stdout.startswith("GOOD\n")
    assert rows == {
        "station": "yahodyn-1",
        "lines": "9",
        "signed": "7",
        "countersigned": "5",
        "not signed": "2",
        "checkpoints": "4",
        "recordings": "1",
        "manifests due": "0",
    }


def test_findings_have_kind_line_place_and_reason(tmp_path: Path) -> None:
    copy = usual().copy.fresh(recordings=True)
    by.EDITED(copy)
    by.swap_recording(copy)

    done = run(words(copy, tmp_path))

    assert done.returncode == independent.FINDINGS
    assert done.stdout.startswith("NOT GOOD: 4 findings\n")
    found = [row.split(maxsplit=4)[:4] for row in done.stdout.splitlines() if "line " in row]
    assert found == [
        ["chain-broken", "line", "3", f"{Path(PIECE).name}:"],
        ["checkpoint-differs", "line", "4", "checkpoints/000000000005.note:"],
        ["checkpoint-differs", "line", "6", "checkpoints/000000000007.note:"],
        ["recording-differs", "line", "4", "77777777777777777777777777777777:"],
    ]


def test_thousands_of_findings_are_counted_and_the_first_printed(tmp_path: Path) -> None:
    copy = Copy({CURRENT: b"?\n" * 5000})

    done = run(words(copy, tmp_path))

    assert done.stdout.startswith("NOT GOOD: 5000 findings\n")
    assert done.stdout.endswith("and 4000 more\n")


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["/nowhere", "--key", str(STATION.verifier)],
        ["/", "--key", "edged/yahodyn-1"],
        ["/", "--key", str(STATION.verifier).replace("+2", "+3")],
        ["/", "--key", str(STATION.verifier), "--countersigned", "/"],
        [
            "/",
            "--key",
            str(STATION.verifier),
            "--centre",
            str(CENTRE.verifier),
            "--countersigned",
            "/nowhere",
        ],
        ["/", "--key", str(STATION.verifier), "--against", "/nowhere"],
    ],
    ids=[
        "nothing",
        "no folder",
        "no key",
        "another hash",
        "no centre's key",
        "no such folder",
        "no such file",
    ],
)
def test_what_cannot_be_read_is_no_verdict(words: list[str]) -> None:
    done = run(words)

    assert (done.returncode, done.stdout) == (independent.UNREADABLE, "")
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_names_out_of_the_copy_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    copy = Copy({CURRENT: b""})
    done = run([*words(copy, tmp_path / "\x1b[2J")])

    assert "no-ledger" in done.stdout
    assert "\x1b" not in done.stdout


# --- files that are none ------------------------------------------------------------------------------------


def link(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


@pytest.mark.parametrize("place", [CURRENT, PIECE, checkpoint(5)])
@pytest.mark.parametrize(
    "make",
    [os.mkfifo, os.mkdir, link("/dev/zero"), link("../away"), link("../../away")],
    ids=["a pipe", "a folder", "a device", "a link", "a link from a folder deeper"],
)
def test_neither_verifier_waits_for_a_pipe_or_follows_a_link(
    tmp_path: Path, place: str, make: Callable[[Path], None]
) -> None:
    line = words(usual().copy, tmp_path)
    path = tmp_path / place[1:]
    path.rename(tmp_path / "state" / "away")
    make(path)

    ours = verify_ledger(PosixDisk(), line[0], station=STATION.verifier)
    done = independent.verify(independent.arguments(line))

    assert {f.kind for f in ours.findings} == {f.kind for f in done.findings} != set()


def test_a_line_without_an_end_takes_no_memory(tmp_path: Path) -> None:
    line = words(Copy({CURRENT: b"?"}), tmp_path)
    with (tmp_path / CURRENT[1:]).open("r+b") as file:
        file.truncate(64 * 1024 * 1024)  # of zeros, which take no room on the disk
    tracemalloc.start()
    try:
        done = independent.verify(independent.arguments(line))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert {f.kind for f in done.findings} == {"unended", "line-bad"}
    assert peak < 8 * 1024 * 1024


# --- its parts against ours -----------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
NUMBERS = """0 -0 -0.0 1 1.0 1e16 1e15 1e-5 1e-6 1e+16 1E16 10e15 0.00001 1e400 00 1. .5 0.10 1e-400 NaN Infinity -"""
TEXTS = r""" "a" "\u0061" "\u001f" "\u001F" "\n" "\u000a" "\/" "\ud800" "é" " """
PIECES_OF_JSON = st.sampled_from([*NUMBERS.split(), *TEXTS.split(), '"\x7f"', *"[]{},: \n", "null"])


def ours_takes(text: str) -> bool:
    try:
        document.parse(text.encode())
    except FormatError:
        return False
    return True


def theirs_takes(text: str) -> bool:
    try:
        independent.strict_json(text)
    except independent.BadError:
        return False
    return True


@given(VALUES)
@settings(max_examples=300, deadline=None)
def test_both_write_and_read_a_value_in_the_same_one_form(value: object) -> None:
    text = document.encode(value).decode()

    assert json.dumps(independent.strict_json(text)) == json.dumps(json.loads(text))
    assert ours_takes(text)


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=500, deadline=None)
def test_both_have_one_form_of_a_number(value: float) -> None:
    assert independent.shortest(value) == document.encode(value).decode()


@given(st.lists(PIECES_OF_JSON, min_size=1, max_size=6).map("".join))
@settings(max_examples=500, deadline=None)
def test_both_take_the_same_texts_for_json(text: str) -> None:
    assert theirs_takes(text) == ours_takes(text)


@given(VALUES, st.integers(0, 10_000), st.sampled_from('"\\{}[],: 01.eE-+\n\té\u2028'))
@settings(max_examples=300, deadline=None)
def test_both_take_the_same_changed_texts_for_json(value: object, place: int, put: str) -> None:
    text = document.encode([value, 0]).decode()
    place %= len(text)
    for changed in (text[:place] + put + text[place:], text[:place] + put + text[place + 1 :]):
        assert theirs_takes(changed) == ours_takes(changed)


def test_roots_of_every_size_are_the_same() -> None:
    tree = independent.Tree()
    leaves: list[bytes] = []
    for n in range(130):
        assert tree.root() == root_of(leaves)
        tree.append(str(n).encode())
        leaves.append(leaf_hash(str(n).encode()))


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=100), st.integers(0, 95), st.integers(1, 255))
@settings(max_examples=40, deadline=None)
def test_signatures_are_verified_as_by_the_library(seed: bytes, text: bytes, place: int, value: int) -> None:
    signer = Signer.from_seed("x", seed)
    row = signer.signature_line(text).decode().split(" ")[2]
    signature = independent.unbase64(row.rstrip("\n"))[4:]
    public = signer.verifier.public
    assert independent.verifies(public, text, signature)

    both = bytearray(public + signature)
    both[place] ^= value

    assert not independent.verifies(bytes(both[:32]), text, bytes(both[32:]))
    assert not independent.verifies(public, text + b"?", signature)
    larger = (
        int.from_bytes(signature[32:], "little") + independent.ORDER
    )  # the same equation, another signature
    assert not independent.verifies(public, text, signature[:32] + larger.to_bytes(32, "little"))


def test_the_base_point_is_that_of_the_rfc() -> None:
    y = (4 * pow(5, -1, independent.P) % independent.P).to_bytes(32, "little")

    assert independent.point_from(y) == independent.BASE
    assert independent.bytes_of(independent.BASE) == y
