"""The forms of the order, and sheets: forms filled in."""

import csv
import hashlib
import io
import json
import tomllib
from pathlib import Path

import pytest

import edged.journals
from edged.errors import FormatError
from edged.formats import times
from edged.journals.forms import ANNEX, Kind, Range, Sheet, Signatory, kyiv, read_forms

TEXT = (Path(edged.journals.__path__[0]) / "forms_uk.toml").read_text("utf-8")
FORMS = read_forms(TEXT)
IRYNA = Signatory("головний державний інспектор", "Ірина Бондар")
DARIA = Signatory("державний інспектор", "Дарія Лис")
SOURCE = Range(0, 41, "ab" * 32)


def sheet(
    kind: Kind = Kind.INCIDENT, *rows: tuple[str, ...], signatories: tuple[Signatory, ...] = (IRYNA,)
) -> Sheet:
    return Sheet(kind=kind, volume=1, form=FORMS[kind], rows=rows, signatories=signatories, source=SOURCE)


@pytest.mark.clause("459-A1", "the handover journal has the six columns of Annex 1 and the lines of both")
@pytest.mark.parametrize(
    ("kind", "columns", "signed_by"), [("handover", 6, 2), ("incident", 5, 1), ("maintenance", 5, 1)]
)
def test_each_journal_has_the_columns_and_signatures_of_its_annex(
    kind: Kind, columns: int, signed_by: int
) -> None:
    form = FORMS[Kind(kind)]
    assert (len(form.columns), len(form.signatures)) == (columns, signed_by)
    assert form.columns[0] == "№ з/п"
    assert form.columns[-1] == "Примітка"


@pytest.mark.clause(
    "scan-annex3",
    "a round has the columns of the scanners' journal letter by letter, and never its title (taken over by choice)",
)
def test_a_round_has_the_columns_of_the_scanners_journal_under_a_title_of_its_own() -> None:
    form, scanners = FORMS[Kind.ROUND], tomllib.loads(TEXT)["scan_annex_3"]
    assert form.columns == tuple(scanners["columns"])
    assert (len(form.columns), len(form.signatures)) == (11, 1)
    assert form.title not in {scanners["title"], *(FORMS[kind].title for kind in ANNEX)}
    assert "скануючих" not in form.title


def test_the_wording_is_what_was_compared_with_the_order_letter_by_letter() -> None:
    compared = "6635172de745f706c2754b49cb7bc073c60a76d769661a0025fd7db7f4968617"
    assert hashlib.sha256(TEXT.encode()).hexdigest() == compared


def test_the_title_of_annex_1_has_the_words_of_the_annex() -> None:
    assert "складових програмно-технічного комплексу" in FORMS[Kind.HANDOVER].title


@pytest.mark.clause("459-A2", "what is signed of an incident is the whole row of Annex 2")
def test_a_sheet_is_its_bytes_and_nothing_of_it_is_left_out() -> None:
    one = sheet(Kind.INCIDENT, ("пошкоджено камеру", "", "", ""))
    assert one.text() == sheet(Kind.INCIDENT, ("пошкоджено камеру", "", "", "")).text()
    assert one.sha256() != sheet(Kind.INCIDENT, ("пошкоджено камеру", "", "", "x")).sha256()
    assert (
        one.sha256() != sheet(Kind.INCIDENT, ("пошкоджено камеру", "", "", ""), signatories=(DARIA,)).sha256()
    )
    assert json.loads(one.text())["rows"] == [["1", "пошкоджено камеру", "", "", ""]]


@pytest.mark.clause(
    "459-III.4-edms", "what is signed says that it is an entry, and where the journal is kept"
)
@pytest.mark.parametrize("kind", Kind)
def test_what_is_signed_says_what_it_is_and_no_column_does(kind: Kind) -> None:
    one = sheet(kind, signatories=(IRYNA, DARIA)[: len(FORMS[kind].signatures)])
    told = json.loads(one.text())
    assert told["type"] == f"edged/journal-{kind}/v2"
    assert ("електронного документообігу" in told["status"]) == (kind is not Kind.ROUND)
    assert tuple(told["columns"]) == FORMS[kind].columns
    assert told["status"] not in one.csv()


def test_a_handover_is_signed_by_both() -> None:
    with pytest.raises(ValueError, match="signed by 2"):
        sheet(Kind.HANDOVER)
    assert sheet(Kind.HANDOVER, signatories=(IRYNA, DARIA)).numbered() == ()


def test_a_row_has_a_text_for_every_column() -> None:
    with pytest.raises(ValueError, match="4 texts"):
        sheet(Kind.INCIDENT, ("one", "two"))


def test_a_table_for_a_spreadsheet_is_read_back_and_holds_no_formula() -> None:
    one = sheet(Kind.INCIDENT, ('"лапки", і кома\nі рядок', "=1+1", "-", "@x"), ("", "", "", ""))
    rows = list(csv.reader(io.StringIO(one.csv(), newline="")))
    assert tuple(rows[0]) == one.form.columns
    assert rows[1] == ["1", '"лапки", і кома\nі рядок', "'=1+1", "'-", "'@x"]
    assert rows[2] == ["2", "", "", "", ""]


@pytest.mark.parametrize(
    ("at", "written"),
    [
        ("2026-11-27T06:00:00.000Z", "27.11.2026 08:00"),
        ("2026-11-27T23:30:00.000Z", "28.11.2026 01:30"),
        ("2026-07-01T21:00:00.000Z", "02.07.2026 00:00"),
        ("2026-10-25T00:30:00.000Z", "25.10.2026 03:30 (EEST)"),  # the hour that comes twice
        ("2026-10-25T01:30:00.000Z", "25.10.2026 03:30 (EET)"),
        ("2026-10-25T02:30:00.000Z", "25.10.2026 04:30"),
    ],
)
def test_moments_are_written_as_a_clock_in_kyiv_shows_them(at: str, written: str) -> None:
    assert kyiv(times.parse_ns(at)) == written


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x = ",
        TEXT.replace("[annex_2]", "[annex_9]"),
        TEXT.replace("[scan_annex_3]", "[scan_annex_9]"),
        "[annex_1]\nsignatures = 1",
    ],
)
def test_a_file_that_is_not_the_forms_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        read_forms(text)
