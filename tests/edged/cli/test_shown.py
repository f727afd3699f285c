"""What a person reads of an answer."""

import json
from pathlib import Path

import msgspec
import pytest

from edged.cli import entered
from edged.cli.main import main
from edged.cli.online import _show_log
from edged.cli.output import EXIT_FINDINGS, EXIT_OK
from edged.coverage import Kind
from edged.reports.data import FilmRow, Finding, IssueRow, IssueShown, PointRow
from edged.reports.issue import Clock
from tests.edged.samples import AUTHORITY


def row(text: str) -> str:
    line = {"seq": 7, "time": "2026-11-22T07:00:00.000Z", "type": "t", "actor": "a", "data": {"x": text}}
    return _show_log([json.dumps(line)])


@pytest.mark.parametrize("text", ["y" * 1000, "\x1b" * 100], ids=["long", "grows-when-made-printable"])
def test_a_long_line_of_the_log_is_cut_and_shows_it(text: str) -> None:
    shown = row(text)
    assert len(shown) == 200
    assert shown.endswith("…")


def test_a_line_that_just_fits_is_whole() -> None:
    room = 200 - len(row("y")) + 1
    assert row("y" * room).endswith("y" * room)
    assert row("y" * (room + 1)).endswith("y…")


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["table", "json"])
def test_a_folder_without_pieces_says_which_folder_is_meant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: list[str]
) -> None:
    assert main([*form, "verify", str(tmp_path), "--station-key", str(AUTHORITY.verifier)]) == EXIT_FINDINGS
    out = capsys.readouterr().out
    assert "give the folder that holds the pieces, usually <state>/ledger" in out
    assert "no-ledger" in out


def test_countersignatures_without_the_centres_key_are_refused_and_not_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "verify",
        str(tmp_path),
        "--station-key",
        str(AUTHORITY.verifier),
        "--countersigned",
        str(tmp_path),
    ]
    assert main(words) not in {EXIT_OK, EXIT_FINDINGS}
    assert "--centre-key" in capsys.readouterr().err


ISSUE = IssueRow(
    issue="a" * 32,
    camera="GAT-1",
    number="101",
    officer="Олена",
    taken="2026-11-27T07:00:00.000Z",
    findings=(Finding(kind=Kind.GAP), Finding(kind=Kind.OVERLAP), Finding(kind=Kind.LATE)),
)


@pytest.mark.clause(
    "459-IV.1-continuous",
    "an issue shown at the terminal says of each gap, in both languages, that it may be a private break",
)
def test_a_gap_of_an_issue_is_never_shown_without_what_it_may_be() -> None:
    shown = entered.show_issue(msgspec.to_builtins(IssueShown(issue=ISSUE, films=(), points=())))
    said = "може бути особистою перервою / may be a private break"
    noted = {
        line.split()[0]: said in line for line in shown.splitlines() if line[:4] in {"gap ", "over", "late"}
    }
    assert noted == {"gap": True, "overlap": False, "late": True}


@pytest.mark.clause(
    "459-III.9-two-steps",
    "where the camera's clock was not measured, the reader sees it beside the place to listen at",
)
@pytest.mark.parametrize("clock", Clock)
def test_a_time_of_an_unmeasured_clock_is_never_shown_without_saying_so(clock: Clock) -> None:
    film = FilmRow(recording="r", path="A.MP4", began="b", ended="e", sha256="", clock=clock)
    point = PointRow(place="start", recording="r", path="A.MP4", second=0.0, at="b", clock=clock)
    shown = entered.show_issue(msgspec.to_builtins(IssueShown(issue=ISSUE, films=(film,), points=(point,))))
    said = (
        "за годинником відеокамери, який не виміряно: похибка невідома / "
        "by the camera’s clock, which was not measured: its error is not known"
    )
    assert [said in line for line in shown.splitlines() if "A.MP4" in line] == [clock is Clock.CAMERA] * 2
