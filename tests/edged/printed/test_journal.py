"""A sheet on paper: the same bytes each time, nothing left out, whatever was entered."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edged.formats.shift_facts import Document
from edged.journals.forms import STATUS, Kind, Range, Sheet, Signatory
from edged.journals.papers import PAPERS, PARTIES_UK, Occasion, Paper, draft
from edged.printed.journal import REGISTERED, WIDTHS, render
from edged.printed.page import printable
from edged.shift.inventory import SORTS_UK
from edged.shift.kinds import KINDS_UK
from edged.shift.manual import ENTRIES
from edged.shift.rows import PLACES_UK
from tests.edged.shift.office import FORMS


def sheet(kind: Kind = Kind.INCIDENT, *cells: str, rows: int = 1) -> Sheet:
    form = FORMS[kind]
    texts = (*cells, *("—",) * len(form.columns))[: len(form.columns) - 1]
    return Sheet(
        kind=kind,
        volume=1,
        form=form,
        rows=(texts,) * rows,
        signatories=(Signatory("головний державний інспектор", "Ірина Бондар"),) * len(form.signatures),
        source=Range(0, 9, "a" * 64),
    )


def pages(data: bytes) -> int:
    return data.count(b"/Type /Page\n") or data.count(b"/Type /Page ")


@pytest.mark.parametrize("kind", Kind)
def test_the_same_sheet_gives_the_same_bytes(kind: Kind) -> None:
    assert render(sheet(kind, "одне")) == render(sheet(kind, "одне"))
    assert render(sheet(kind, "одне")) != render(sheet(kind, "інше"))


def test_a_registered_sheet_shows_its_number() -> None:
    numbers = [None, Document(number="7", date="2026-11-22"), Document(number="8", date="2026-11-22")]
    assert len({render(sheet(), number) for number in numbers}) == 3


def test_another_process_makes_the_same_bytes() -> None:
    """Neither the time nor the order of a set stands in it."""
    code = (
        "import hashlib; from tests.edged.printed.test_journal import *;"
        "print(hashlib.sha256(render(sheet(Kind.HANDOVER, 'одне'))).hexdigest())"
    )
    made = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
        ).stdout
        for _ in range(2)
    }
    assert len(made) == 1


@pytest.mark.clause("459-A3", "the maintenance journal is printed with the five columns of Annex 3")
@pytest.mark.parametrize("kind", Kind)
def test_columns_fill_the_page(kind: Kind) -> None:
    assert sum(WIDTHS[kind]) == 100
    assert len(WIDTHS[kind]) == len(FORMS[kind].columns)


def test_a_row_that_is_longer_than_a_page_goes_on_on_the_next() -> None:
    assert pages(render(sheet(Kind.INCIDENT, "дуже довгий опис " * 700))) > 1


def test_many_rows_make_many_pages() -> None:
    assert pages(render(sheet(rows=1))) == 1
    assert pages(render(sheet(rows=100))) > 1


def test_every_text_of_ours_has_its_letters() -> None:
    """An empty box stands where the fonts have no letter: in none of the forms, papers and names of things."""
    texts = [
        REGISTERED,
        *STATUS.values(),
        *PARTIES_UK.values(),
        *SORTS_UK.values(),
        *KINDS_UK.values(),
        *PLACES_UK.values(),
    ]
    texts += [entry.name_uk for entry in ENTRIES.values()]
    texts += [draft(paper, Occasion("", "", "")) for paper in Paper]
    texts += [kind.title_uk for kind in PAPERS.values()]
    for form in FORMS.values():
        texts += [
            form.head,
            form.title,
            form.footer,
            *form.columns,
            *(c for pair in form.signatures for c in pair),
        ]
    assert [text for text in texts if printable(text) != text] == []


def test_a_letter_that_the_fonts_have_not_is_shown_as_a_box() -> None:
    assert printable("Łukasz Ґудзь 日") == "Łukasz Ґудзь □"


@given(st.lists(st.text(max_size=80), max_size=4))
@settings(max_examples=25, deadline=None)
def test_whatever_was_entered_is_printed(cells: list[str]) -> None:
    """Nothing in it is markup."""
    assert render(sheet(Kind.INCIDENT, *cells, "<b>", "&amp;", "<img src=x>")).startswith(b"%PDF-")
