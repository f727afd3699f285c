"""Every check fails for some wrong variant of the code, and every variant is killed by the history beside it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutant_runs import Outcome
from tests.mutation import ROOT, MutantError
from tests.simulation import until_broken
from tests.simulation.checks import CHECKS, Violation
from tests.simulation.mutants import Broken, Row, judge, main
from tests.simulation.named import is_name, violation_of
from tests.simulation.variants import TABLE, Variant, load, with_histories

LEAST = 40
SAMPLE = (
    "ledger-line-without-fdatasync",
    "checkpoint-without-fsync",
    "countersignature-not-stored",
    "cleared-without-intent",
    "lock-opens-before-the-grant-is-recorded",
    "file-left-open-by-each-copy",
)
"""Some that the first seed kills: a few seconds each."""


# --- the table ---


def test_there_are_many_variants_and_each_has_a_name_of_its_own() -> None:
    names = [variant.id for variant in load()]
    assert len(set(names)) == len(names)
    assert len(names) >= LEAST


def test_every_check_fails_for_some_variant() -> None:
    assert {variant.breaks for variant in load()} == set(CHECKS)


def test_no_variant_uses_a_name_that_is_not_there(tmp_path: Path) -> None:
    """It would fail for being wrong, not for what it lacks."""
    for variant in load():
        for number, change in enumerate(variant.changes()):
            (tmp_path / f"{variant.id}_{number}.py").write_text(change.replaced(ROOT), "utf-8")
    ruff = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F821", "--quiet", str(tmp_path)]
    found = subprocess.run(ruff, text=True, capture_output=True)
    assert found.returncode == 0, found.stdout


def entry(
    path: Path, breaks: str = "gate", old: str = "receipt is not None", killed_by: str = "seed 1"
) -> Path:
    path.write_text(
        f'[[mutant]]\nid = "a"\nremoves = "a rule"\nbreaks = "{breaks}"\nkilled_by = "{killed_by}"\nfile = "shop.py"\n'
        f'old = "{old}"\nnew = "True"\n[[mutant.also]]\nfile = "shop.py"\nold = "def may"\nnew = "def can"\n'
    )
    return path


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text("def may(receipt):\n    return receipt is not None\n")
    return tmp_path


def test_a_variant_may_change_several_places(toy: Path) -> None:
    [variant] = load(entry(toy / "table.toml"), toy)
    assert [change.old for change in variant.changes()] == ["receipt is not None", "def may"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"breaks": "peace"}, "no such check: peace"),
        ({"old": "receipt"}, "is there 2 times"),
        ({"killed_by": "plan never-kept"}, "no such history: plan never-kept"),
        ({"killed_by": ""}, "no such history"),
    ],
)
def test_a_variant_that_does_not_fit_is_an_error(toy: Path, changes: dict[str, str], sentence: str) -> None:
    with pytest.raises(MutantError, match=sentence):
        load(entry(toy / "table.toml", **changes), toy)


def test_a_history_is_written_into_its_own_entry_only() -> None:
    text = TABLE.read_text("utf-8")
    first, second, third = load()[:3]
    changed = with_histories(text, {second.id: "seed 4711"})
    assert changed.replace('"seed 4711"', f'"{second.killed_by}"', 1) == text
    assert (
        changed.index(f'id = "{second.id}"')
        < changed.index('"seed 4711"')
        < changed.index(f'id = "{third.id}"')
    )
    with pytest.raises(MutantError, match="no-such-variant"):
        with_histories(text, {"no-such-variant": "seed 1"})
    assert first.killed_by != "seed 4711"


# --- playing ---


@pytest.mark.parametrize(
    ("check", "names"), [(None, ["b"]), ("chain", ["b", "d"]), ("gate", ["b"]), ("grant", ["b", "d"])]
)
def test_histories_are_played_until_the_asked_promise_breaks(
    check: str | None, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    breaks = {"b": Violation("gate", "one"), "d": Violation("chain", "two")}
    monkeypatch.setattr(until_broken, "violation_of", breaks.get)
    found = until_broken.until(check, until_broken.broken("abcde"))
    assert [name for name, _, _ in found] == names


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("seed 1", True),
        ("plan doubt-that-has-ended", True),
        ("plan nobody", False),
        ("seed", False),
        ("7", False),
        ("", False),
    ],
)
def test_a_history_has_a_kind_and_a_name(name: str, there: bool) -> None:
    assert is_name(name) is there


def test_a_history_of_an_unknown_kind_is_not_played() -> None:
    with pytest.raises(ValueError, match="tale 1"):
        violation_of("tale 1")


@pytest.mark.parametrize(
    ("outcome", "status", "said"),
    [
        (Outcome.KILLED, 0, "killed 1 of 1"),
        (Outcome.SURVIVED, 1, "killed 0 of 1"),
        (Outcome.BROKEN, 1, "killed 0 of 1"),
    ],
)
def test_the_command_fails_unless_all_are_killed(
    outcome: Outcome,
    status: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("tests.simulation.mutants.judge", lambda variant: Row(variant, outcome))
    assert main(["--only", SAMPLE[0]]) == status
    out = capsys.readouterr().out
    assert said in out
    assert f"{SAMPLE[0]:<50} prefix" in out


def test_a_kill_by_another_promise_than_named_counts_and_is_told() -> None:
    row = Row(named(SAMPLE[0]), Outcome.KILLED, Broken("seed 3", "chain", "a gap"))
    assert "killed, by Broken(history='seed 3', check='chain', what='a gap')" in str(row)


def named(name: str) -> Variant:
    return next(variant for variant in load() if variant.id == name)


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE)
def test_a_variant_is_killed_by_the_promise_that_the_table_names(name: str) -> None:
    row = judge(named(name))
    assert (row.outcome, row.as_named) == (Outcome.KILLED, True), str(row)
