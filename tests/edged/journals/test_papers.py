"""Papers that the order asks of persons: their authors, addressees, deadlines and drafts."""

from datetime import timedelta

import pytest

from edged.duty import Margins
from edged.formats import times
from edged.journals.papers import (
    LINE,
    PAPERS,
    PARTIES_UK,
    Due,
    Occasion,
    Paper,
    Party,
    draft,
    due_ns,
    late_ns,
    remind_ns,
    reminder,
)
from tests.clauses import CLAUSES
from tests.edged.formats.samples import schedule, shift

NIGHT = shift("n", "2026-11-27T18:00:00.000Z", "2026-11-28T06:00:00.000Z")
SATURDAY = times.parse_ns("2026-11-28T02:00:00.000Z")
OCCASION = Occasion("пошкоджено камеру {x}", "28.11.2026 04:00", "камера, інв. № 10145001")


@pytest.mark.parametrize("paper", Paper)
def test_every_paper_has_its_clause_author_and_addressees(paper: Paper) -> None:
    kind = PAPERS[paper]
    assert kind.clause in CLAUSES
    assert kind.addressees
    assert kind.author not in kind.addressees


@pytest.mark.clause("459-II.4-deputy", "warnings and report memos are addressed to the deputy head")
@pytest.mark.parametrize(
    ("paper", "author", "addressees"),
    [
        (Paper.NOTICE, Party.OFFICER, {Party.RESPONSIBLE, Party.SUPERIOR, Party.POST_HEAD}),
        (Paper.INFORM, Party.RESPONSIBLE, {Party.DEPARTMENT_HEAD, Party.POST_HEAD}),
        (Paper.REPORT, Party.POST_HEAD, {Party.DEPUTY_HEAD}),
        (Paper.SECURITY, Party.SECURITY_ADMIN, {Party.SUPERIOR}),
        (Paper.WARNING, Party.TECHNICIAN, {Party.DEPUTY_HEAD}),
        (Paper.WORKS, Party.TECHNICIAN, {Party.POST_HEAD}),
        (Paper.OVERRUN, Party.DEPUTY_HEAD, {Party.BODY_HEAD, Party.UNIT_HEADS}),
        (Paper.COPY, Party.EXPORTER, {Party.SECURITY_ADMIN}),
    ],
)
def test_a_paper_goes_from_whom_and_to_whom_the_order_says(
    paper: Paper, author: Party, addressees: set[Party]
) -> None:
    assert (PAPERS[paper].author, set(PAPERS[paper].addressees)) == (author, addressees)


@pytest.mark.parametrize("paper", Paper)
def test_a_draft_says_what_the_station_knows_and_leaves_the_rest_to_its_author(paper: Paper) -> None:
    text = draft(paper, OCCASION)
    assert OCCASION.what in text
    assert OCCASION.equipment in text
    assert all(PARTIES_UK[party] in text for party in PAPERS[paper].addressees)
    assert text.count(LINE) >= 2  # what only a person knows, and the signature


@pytest.mark.clause(
    "459-III.14-notice",
    "the letter on works is due like the report memo: the same day, for a day off on the next working day",
)
@pytest.mark.parametrize(
    ("due", "expected"),
    [
        (Due.AT_ONCE, "2026-11-28T02:00:00.000Z"),
        (Due.OWN_SHIFT, "2026-11-28T06:00:00.000Z"),
        (Due.WORKING_DAY, "2026-11-30T22:00:00.000Z"),  # midnight of Monday in Kyiv
        (Due.AFTER_24H, "2026-11-29T02:00:00.000Z"),
    ],
)
def test_what_happens_on_a_saturday_night_is_due_when_the_order_says(due: Due, expected: str) -> None:
    papers = [paper for paper, kind in PAPERS.items() if kind.due is due]
    assert papers
    assert {due_ns(paper, SATURDAY, schedule(NIGHT), NIGHT) for paper in papers} == {times.parse_ns(expected)}


def test_without_a_known_shift_a_notice_is_due_at_once() -> None:
    assert due_ns(Paper.NOTICE, SATURDAY, None, None) == SATURDAY


MARGINS = Margins(at_once=timedelta(minutes=30), remind=timedelta(minutes=90))


@pytest.mark.clause(
    "459-III.12-report", "the report memo is reminded of in the morning of the day by whose end it is due"
)
@pytest.mark.clause("459-III.12-notice", "the written notice is reminded of before the end of the own shift")
@pytest.mark.parametrize(
    ("paper", "happened", "remind", "late"),
    [
        (Paper.NOTICE, "2026-11-27T20:00", "2026-11-28T04:30", "2026-11-28T06:00"),
        (Paper.NOTICE, "2026-11-28T05:45", "2026-11-28T05:45", "2026-11-28T06:00"),  # not before its cause
        (Paper.REPORT, "2026-11-28T02:00", "2026-11-30T07:00", "2026-11-30T22:00"),  # Monday, 9:00 in Kyiv
        (
            Paper.WORKS,
            "2026-11-27T12:00",
            "2026-11-27T12:30",
            "2026-11-27T22:00",
        ),  # Friday, after the morning
        (
            Paper.REPORT,
            "2026-11-27T21:50",
            "2026-11-27T22:00",
            "2026-11-27T22:00",
        ),  # never after the deadline
        (Paper.INFORM, "2026-11-28T02:00", "2026-11-28T02:30", "2026-11-28T02:30"),
        (Paper.OVERRUN, "2026-11-27T20:00", "2026-11-28T20:00", "2026-11-28T20:00"),
    ],
)
def test_a_paper_is_reminded_of_before_it_is_late(
    paper: Paper, happened: str, remind: str, late: str
) -> None:
    at = times.parse_ns(f"{happened}:00.000Z")
    due = due_ns(paper, at, schedule(NIGHT), NIGHT)
    found = remind_ns(paper, at, due, MARGINS), late_ns(at, due, MARGINS)
    assert [times.format_ns(one)[:16] for one in found] == [remind, late]


def test_a_notice_of_a_shift_that_nobody_knows_is_reminded_of_like_what_is_due_at_once() -> None:
    due = due_ns(Paper.NOTICE, SATURDAY, None, None)
    assert remind_ns(Paper.NOTICE, SATURDAY, due, MARGINS) == late_ns(SATURDAY, due, MARGINS)


def test_a_reminder_names_who_owes_what_to_whom_until_when() -> None:
    said = reminder(Paper.REPORT, times.parse_ns("2026-11-30T22:00:00.000Z"))
    assert (
        said
        == "Доповідна записка (керівник митного поста → заступник керівника митного органу) до 01.12.2026 00:00"
    )


def test_every_party_has_a_name() -> None:
    assert set(PARTIES_UK) == set(Party)
