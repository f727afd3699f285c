"""The technical administrator's warning: owed for each raising of an alert, in the words of a letter."""

import re
from pathlib import Path

import pytest

from edged.errors import EdgeError, ErrorCode
from edged.formats import facts as f
from edged.formats import shift_facts as sf
from edged.formats import times
from edged.journals.papers import Paper, draft
from edged.shift.dues import Owed, owed
from edged.shift.forecasts import FORECASTS, RAISINGS_KEPT, Raisings, described, raised, withdrawn
from edged.station.courier import FOLLOWED, SILENT
from tests.edged.shift.office import NAMES, Office

LINK = "centre-unreachable"
STATION = Path(__file__).parents[3] / "edged/station"


@pytest.fixture
def office() -> Office:
    return Office()


def stands(office: Office, hours: float, alert: str = LINK) -> None:
    office.record(f.AlertRaised(alert=alert, code=3001))
    office.later(hours)
    office.record(f.AlertWithdrawn(alert=alert))


def warnings(office: Office) -> list[Owed]:
    scene = office.scene()
    found = owed(office.station, office.inventory, office.schedule, NAMES, scene.margins, scene.now_ns)
    return [one for one in found if one.paper is Paper.WARNING]


def give(office: Office, about: str) -> None:
    office.act("taras", "paper give", paper="warning", about=about, number="4", date="2026-11-27")


def refusal(office: Office, about: str) -> ErrorCode:
    with pytest.raises(EdgeError) as refused:
        give(office, about)
    return refused.value.code


@pytest.mark.clause(
    "459-II.3-warn",
    "an alert that comes back after it was warned of owes another warning, with its own number",
)
def test_what_comes_back_after_a_warning_owes_another_one(office: Office) -> None:
    office.record(f.AlertRaised(alert=LINK, code=3001))
    (first,) = warnings(office)
    give(office, first.about)
    assert not warnings(office)
    assert refusal(office, first.about) is ErrorCode.CONFLICT
    office.record(f.AlertWithdrawn(alert=LINK))
    office.later(5)
    office.record(f.AlertRaised(alert=LINK, code=3001))
    (second,) = warnings(office)
    assert (second.about, second.since_ns) == (f"{LINK}@3", times.parse_ns(office.now))
    give(office, second.about)
    assert not warnings(office)


def test_what_is_over_before_anybody_warned_of_it_is_owed_all_the_same(office: Office) -> None:
    stands(office, 3)
    assert [one.about for one in warnings(office)] == [f"{LINK}@0"]


def test_what_was_over_at_once_owes_nothing_and_what_comes_after_it_does(office: Office) -> None:
    stands(office, 0.5)
    assert not warnings(office)
    office.later(1)
    office.record(f.AlertRaised(alert=LINK, code=3001))
    assert [one.about for one in warnings(office)] == [f"{LINK}@2"]


def test_one_warning_tells_of_everything_until_then(office: Office) -> None:
    for _ in range(3):
        stands(office, 2)
        office.later(1)
    (one,) = warnings(office)
    assert one.about == f"{LINK}@0"
    give(office, one.about)
    assert not warnings(office)


def test_a_warning_is_about_a_raising_that_was(office: Office) -> None:
    office.record(f.AlertRaised(alert=LINK, code=3001), f.AlertRaised(alert="reader-silent:A", code=1))
    for nothing in (LINK, f"{LINK}@7", "reader-silent:A", "reader-silent:A@1"):
        assert refusal(office, nothing) is ErrorCode.NOT_FOUND


def test_a_warning_that_names_the_alert_alone_stands_in_older_ledgers(office: Office) -> None:
    office.record(f.AlertRaised(alert=LINK, code=3001))
    office.record(
        sf.PaperGiven(paper="warning", about=LINK, document=sf.Document(number="1", date="2026-11-27"))
    )
    assert not warnings(office)
    office.record(f.AlertWithdrawn(alert=LINK), f.AlertRaised(alert=LINK, code=3001))
    assert len(warnings(office)) == 1


def test_so_many_are_kept_and_the_shortest_go_first() -> None:
    kept: Raisings = ()
    for number in range(2 * RAISINGS_KEPT):
        length = 9 if number in {0, 70} else 1
        kept = withdrawn(raised(kept, LINK, number, f"2026-11-27T10:00:{10:02}.000Z"), _later(length))
    assert len(kept) == RAISINGS_KEPT
    assert {0, 70, 2 * RAISINGS_KEPT - 1} <= {one.seq for one in kept}


def _later(seconds: int) -> str:
    return f"2026-11-27T10:00:{10 + seconds:02}.000Z"


# --- words ----------------------------------------------------------------------------------------------


def raised_in_code() -> set[str]:
    text = "".join(path.read_text("utf-8") for path in STATION.glob("*.py"))
    return set(re.findall(r'"([a-z]+(?:-[a-z]+)+)["{:]', text))


def test_every_condition_that_the_courier_watches_has_its_words() -> None:
    assert {*FOLLOWED, SILENT} <= set(FORECASTS)


def test_every_forecast_is_an_alert_that_the_station_raises() -> None:
    assert set(FORECASTS) <= raised_in_code()


@pytest.mark.parametrize("name", FORECASTS)
def test_a_warning_reads_as_a_letter_and_shows_no_name_of_ours(office: Office, name: str) -> None:
    office.record(f.AlertRaised(alert=name, code=3001))
    (one,) = warnings(office)
    said = draft(Paper.WARNING, one.occasion)
    assert not re.search("[A-Za-z]", said)
    assert f"Виявлено: {one.occasion.when}" in said


@pytest.mark.parametrize(
    ("alert", "words"),
    [
        (
            "vault-nearly-full",
            ("вільне місце для відеозаписів закінчується", "сховище відеозаписів док-станції"),
        ),
        ("slot-fault:3", ("несправність слоту, відеокамери з нього не видаються", "док-станція, слот 3")),
    ],
)
def test_a_condition_is_named_with_its_equipment(alert: str, words: tuple[str, str]) -> None:
    assert described(alert) == words
