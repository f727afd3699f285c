"""The tables of mutants fit the source, and what runs them tells killed, survived and broken apart."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fault_markers import FAULTS, GROUPS, markers, proved
from tests.faults import choose, main, named, of_rows, size
from tests.markers import TESTS
from tests.mutant_runs import Outcome, Result, judge, run
from tests.mutation import ROOT, Mutant, MutantError, Removal, load, load_as, mutated_tree

FOUND = proved()
TABLES = sorted((TESTS / "mutants").glob("?.toml"))


# --- the tables ---


def test_there_is_no_table_of_an_unknown_group() -> None:
    assert {path.stem for path in TABLES} <= set(GROUPS)


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_every_mutant_fits_the_source_and_its_test_carries_the_marker(path: Path) -> None:
    carriers = markers()
    for mutant in load(path):
        marked = [m for m in carriers if m.about == mutant.fault and m.marks(mutant.test)]
        assert mutant.fault[0] == path.stem, f"{mutant.fault} is not of group {path.stem}"
        assert marked, f"{mutant.test} is not marked with {mutant.fault}"


def test_no_mutant_uses_a_name_that_is_not_there(tmp_path: Path) -> None:
    """It would fail for being wrong, not for the defence that it lacks."""
    for path in TABLES:
        for number, mutant in enumerate(load(path)):
            (tmp_path / f"{path.stem}_{number}_{mutant.fault}.py").write_text(mutant.replaced(ROOT), "utf-8")
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--isolated",
        "--select",
        "F821",
        "--quiet",
        str(tmp_path),
    ]
    found = subprocess.run(command, text=True, capture_output=True)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("letter", GROUPS)
def test_every_proved_fault_has_a_mutant(letter: str) -> None:
    table = TESTS / "mutants" / f"{letter}.toml"
    mutated = {mutant.fault for mutant in load(table)} if table.exists() else set()
    assert sorted(mutated) == [fault for fault in FAULTS if fault[0] == letter and fault in FOUND]


# --- reading a table ---

SOURCE = "def may_clear(receipt):\n    return receipt is not None\n"
TEST = """\
import pytest
import shop

def test_nothing_is_cleared_without_a_receipt():
    assert not shop.may_clear(None)

@pytest.mark.parametrize("receipt", [1, 2])
def test_a_receipt_allows_it(receipt):
    assert shop.may_clear(receipt)

class TestMore:
    def test_fails_anyway(self):
        assert shop.may_clear(None)
"""
ENTRY = {
    "fault": "U01",
    "test": "tests/test_shop.py::test_nothing_is_cleared_without_a_receipt",
    "removes": "the question for a receipt",
    "file": "shop.py",
    "old": "receipt is not None",
    "new": "True",
}


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A tree with one rule and its tests."""
    root = tmp_path / "toy"
    (root / "tests").mkdir(parents=True)
    (root / "shop.py").write_text(SOURCE)
    (root / "tests" / "test_shop.py").write_text(TEST)
    (root / ".gitignore").write_text("ignored\n")
    (root / "ignored").write_text("")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    return root


def table(root: Path, extra: str = "", **changes: str) -> Path:
    path = root / "U.toml"
    entry = {key: value for key, value in (ENTRY | changes).items() if value != "left out"}
    path.write_text("[[mutant]]\n" + "".join(f"{k} = {v!r}\n" for k, v in entry.items()) + extra)
    return path


def mutant(**changes: str) -> Mutant:
    return Mutant(**(ENTRY | changes))


def test_a_table_is_read(toy: Path) -> None:
    assert load(table(toy), toy) == [mutant()]


@pytest.mark.parametrize(
    "node", ["", "::TestMore", "::TestMore::test_fails_anyway", "::test_a_receipt_allows_it[1]"]
)
def test_a_test_may_be_named_by_any_prefix(toy: Path, node: str) -> None:
    assert load(table(toy, test=f"tests/test_shop.py{node}"), toy)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"old": "recipe"}, "is there 0 times"),
        ({"old": "receipt"}, "is there 2 times"),
        ({"old": ""}, "any number of times"),
        ({"new": "receipt is not None"}, "changes nothing"),
        ({"new": "receipt is is"}, "it is no Python"),
        ({"file": "stop.py"}, "no such file"),
        ({"file": "tests/../shop.py"}, "no such file"),
        ({"test": "tests/test_stop.py"}, "no such test"),
        ({"test": "tests/test_shop.py::test_fails_anyway"}, "no such test"),
        ({"fault": "left out"}, "fault"),
        ({"reason": "none"}, "reason"),
    ],
)
def test_a_mutant_that_does_not_fit_is_an_error_that_says_where(
    toy: Path, changes: dict[str, str], sentence: str
) -> None:
    with pytest.raises(MutantError, match=rf"U\.toml, mutant 1: .*{sentence}"):
        load(table(toy, **changes), toy)


def test_an_unknown_table_is_an_error(toy: Path) -> None:
    with pytest.raises(MutantError, match=r"U\.toml: unknown mutants"):
        load(table(toy, "[[mutants]]\n"), toy)


def test_a_removal_without_fault_and_test_is_read_by_the_same_code(toy: Path) -> None:
    path = table(toy, fault="left out", test="left out")
    assert [removal.removes for removal in load_as(Removal, path, toy)] == ["the question for a receipt"]


# --- the copy ---


def test_the_copy_is_mutated_and_the_tree_is_not(toy: Path) -> None:
    with mutated_tree([mutant(), mutant(old="def may_clear", new="def can_clear")], toy) as copy:
        assert (copy / "shop.py").read_text() == "def can_clear(receipt):\n    return True\n"
        assert (copy / "tests" / "test_shop.py").stat().st_ino != (
            toy / "tests" / "test_shop.py"
        ).stat().st_ino
        assert not (copy / "ignored").exists()
    assert not copy.exists()
    assert (toy / "shop.py").read_text() == SOURCE


IN_A_COPY: dict[str, tuple[str, ...]] = {
    "a module": ("-m", "edged.main", "--help"),
    "a console script": (str(Path(sys.executable).parent / "edged"), "--help"),
    "a subprocess": (
        "-c",
        "import subprocess, sys; subprocess.run([sys.executable, '-m', 'edged.main', '--help'])",
    ),
    "a subprocess elsewhere": (
        "-c",
        "import os, subprocess, sys; os.chdir('/'); subprocess.run([sys.executable, '-m', 'edged.main', '--help'])",
    ),
}


@pytest.mark.parametrize("how", IN_A_COPY)
def test_what_runs_in_a_copy_imports_the_copy(how: str) -> None:
    renamed = Removal(
        removes="its name",
        file="edged/main.py",
        old='DEFAULT_CONFIG = "/etc/',
        new='DEFAULT_CONFIG = "/the-copy/',
    )
    with mutated_tree([renamed]) as copy:
        assert "/the-copy/" in run(IN_A_COPY[how], copy, 60).output


# --- killed, survived, broken ---


@pytest.mark.slow
@pytest.mark.parametrize(
    ("made", "outcome", "why"),
    [
        (mutant(), Outcome.KILLED, ""),
        (mutant(test="tests/test_shop.py::test_a_receipt_allows_it"), Outcome.SURVIVED, "2 passed"),
        (mutant(new="receipt is is"), Outcome.BROKEN, "no Python"),
        (mutant(old="def may_clear", new="import nowhere\ndef may_clear"), Outcome.BROKEN, "nowhere"),
        (mutant(test="tests/test_shop.py::test_gone"), Outcome.BROKEN, "test_gone"),
        (
            mutant(new="None", test="tests/test_shop.py::TestMore"),
            Outcome.BROKEN,
            "fails without the mutant too",
        ),
        (mutant(new="receipt is not None or not __import__('time').sleep(600)"), Outcome.KILLED, ""),
    ],
    ids=["killed", "survived", "no Python", "no import", "no test", "red anyway", "hangs"],
)
def test_a_mutant_is_judged(toy: Path, made: Mutant, outcome: Outcome, why: str) -> None:
    result = judge(made, root=toy, timeout_s=15)
    assert (result.outcome, why in result.why) == (outcome, True), result.why


# --- the sample ---


def test_a_sample_takes_one_mutant_of_each_row_and_a_seed_repeats_it() -> None:
    mutants = [mutant(fault=f"U{n:02}", new=new) for n in range(1, 10) for new in ("True", "1")]
    chosen = choose(mutants, 3, 7)
    assert len({m.fault for m in chosen}) == len(chosen) == 3
    assert chosen == choose(mutants, 3, 7)
    assert any(choose(mutants, 3, seed) != chosen for seed in range(8, 12))
    assert choose(mutants, size("all"), 7) == mutants
    assert [m.fault for m in of_rows(mutants, named("U02,U05"))] == ["U02", "U02", "U05", "U05"]
    with pytest.raises(SystemExit, match="no such fault: U99"):
        named("U01 U99")


# --- the command ---


@pytest.mark.parametrize(
    ("outcome", "status"), [(Outcome.KILLED, 0), (Outcome.SURVIVED, 1), (Outcome.BROKEN, 1)]
)
def test_the_command_says_what_it_took_out_and_fails_if_nobody_noticed(
    outcome: Outcome, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tests.faults.judge", lambda mutant: Result(mutant, outcome))
    assert main(["--row", "U12"]) == status
    said = capsys.readouterr().out
    assert f"U12  {outcome:<9} without the list of interface sets" in said
    assert f"{int(status == 0)} of 1 killed" in said


def test_a_row_without_a_mutant_is_not_taken_for_a_killed_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tests.faults.tables", lambda _: [])
    assert main(["--row", "U12"]) == 1
    assert "0 of 0 killed" in capsys.readouterr().out
