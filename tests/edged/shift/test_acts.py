"""Who may do what: every cell of the table, and what no act may ever do."""

from dataclasses import replace
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edged.errors import EdgeError, ErrorCode
from edged.formats.roster import Role
from edged.shift.acts import ACTS, RIGHTS, decide
from edged.shift.incident_acts import ENTERED_BY
from edged.shift.journal_acts import KEEPER
from edged.station_state import StationState
from tests.edged.rights import ENTERS, KEEPS, MAY
from tests.edged.shift.office import COUNTS, MIDNIGHT, Office

CELLS = [(verb, role) for verb in sorted(ACTS) for role in get_args(Role)]


def code_of(office: Office, actor: str, verb: str, **params: Any) -> ErrorCode:
    before = len(office.lines)
    with pytest.raises(EdgeError) as refused:
        office.act(actor, verb, **params)
    assert len(office.lines) == before
    return refused.value.code


def test_every_act_is_somebodys() -> None:
    assert set(ACTS) == set(RIGHTS)
    assert {verb: MAY[verb] for verb in ACTS} == RIGHTS


def test_each_journal_and_each_paper_is_whose_the_order_makes_it() -> None:
    assert {str(journal): role for journal, role in KEEPER.items()} == KEEPS
    assert {str(paper): roles for paper, roles in ENTERED_BY.items()} == ENTERS


@pytest.mark.parametrize(("verb", "role"), CELLS)
def test_each_cell_of_the_table(verb: str, role: Role) -> None:
    """Nothing is entered: who may act is told what is missing, who may not is told that. What is expected stands in
    `tests.edged.rights`."""
    scene = replace(Office().scene(), roles=frozenset({role}))
    with pytest.raises(EdgeError) as refused:
        decide(scene, verb, {"nonsense": True})
    allowed = role in MAY[verb]
    assert refused.value.code is (ErrorCode.BAD_REQUEST if allowed else ErrorCode.NOT_ALLOWED)


@pytest.mark.parametrize("verb", sorted(verb for verb in ACTS if RIGHTS[verb] == {"responsible"}))
def test_a_responsible_person_acts_in_the_own_shift_only(verb: str) -> None:
    office = Office(now=MIDNIGHT)  # Daria's shift
    with pytest.raises(EdgeError) as refused:
        office.act("iryna", verb)
    assert refused.value.code is ErrorCode.NOT_ALLOWED
    assert refused.value.detail["reason"] == "not in the own shift"
    assert code_of(office, "daria", verb, nonsense=True) is ErrorCode.BAD_REQUEST


def test_what_two_roles_may_does_not_open_what_is_one_roles_in_the_own_shift() -> None:
    """A technical administrator who is also responsible in another shift enters no notice to the heads."""
    office = Office(now=MIDNIGHT)
    incident = office.draft()
    scene = replace(office.scene("iryna"), roles=frozenset({"responsible", "technician"}))
    entered = {"paper": "incident-information", "about": incident, "number": "1", "date": "2026-11-27"}
    with pytest.raises(EdgeError) as refused:
        decide(scene, "paper give", entered)
    assert refused.value.code is ErrorCode.NOT_ALLOWED


def test_without_a_schedule_nobody_is_kept_from_the_own_shift() -> None:
    office = Office(now=MIDNIGHT, schedule=None)
    assert office.act("iryna", "officer brief", person="ivan")


def test_while_nobody_knows_the_time_nobody_is_kept_from_the_own_shift() -> None:
    office = Office(now=MIDNIGHT)
    assert code_of(office, "iryna", "officer brief", person="ivan") is ErrorCode.NOT_ALLOWED
    office.clock_known = False
    assert office.act("iryna", "officer brief", person="ivan")
    assert code_of(office, "taras", "officer brief", person="ivan") is ErrorCode.NOT_ALLOWED


def test_an_act_that_is_none_is_named() -> None:
    assert code_of(Office(), "iryna", "journal burn") is ErrorCode.NOT_FOUND


WORDS = st.sampled_from(
    [
        "101",
        "109",
        "GAT-1",
        "GAT-9",
        "iryna",
        "olena",
        "i" * 32,
        f"{1:032x}",
        f"{2:032x}",
        "cleaning",
        "Ґ",
        "x" * 5000,
    ]
)
TIMES = st.sampled_from(["2026-11-27T09:00:00.000Z", "2030-01-01T00:00:00.000Z", "yesterday", "2026-11-27"])
DAYS = st.sampled_from(["2026-11-27", "2026-13-01", "2031-01-01", ""])
GUESSES = {
    "date": DAYS,
    "letter_date": DAYS,
    "contract_date": DAYS,
    "happened": TIMES,
    "since": TIMES,
    "at": TIMES,
    "cause": st.sampled_from(["loss", "damage", "weather"]),
    "paper": st.sampled_from(["written-notice", "works-letter", "warning"]),
    "journal": st.sampled_from(["handover", "incident", "maintenance", "round"]),
    "ground": st.sampled_from(["lost", "seized"]),
    "entry": st.sampled_from(["cleaning", "update-station"]),
    "items": st.lists(st.sampled_from(["101", "109", "301", "999"]), max_size=3),
    "persons": st.lists(WORDS, max_size=2),
    "entries": st.lists(WORDS, max_size=2),
    "counts": st.just(COUNTS),
    "closed": st.booleans(),
    "third_party": st.booleans(),
    "in_order": st.booleans(),
    "number": st.one_of(st.integers(-1, 100_000), WORDS),
    "when": st.sampled_from(["start", "end", "never"]),
    "code": st.sampled_from(["UA123456", "UA1"]),
    "year": st.integers(2000, 2200),
    "safe": st.integers(-1, 3),
}


@st.composite
def acts(draw: st.DrawFn) -> tuple[str, str, dict[str, Any]]:
    verb = draw(st.sampled_from(sorted(ACTS)))
    fields = msgspec.structs.fields(ACTS[verb].params)
    entered = {x.name: draw(GUESSES.get(x.name, WORDS)) for x in fields if x.required or draw(st.booleans())}
    return draw(st.sampled_from(["iryna", "taras", "nadia", "daria"])), verb, entered


def tried(office: Office, actor: str, verb: str, params: dict[str, Any]) -> ErrorCode | None:
    try:
        office.act(actor, verb, **params)
    except EdgeError as refusal:
        return refusal.code
    return None


REFUSALS = {
    ErrorCode.NOT_FOUND,
    ErrorCode.NOT_ALLOWED,
    ErrorCode.SWITCHED_OFF,
    ErrorCode.BAD_REQUEST,
    ErrorCode.CONFLICT,
}


@given(st.lists(acts(), max_size=30))
@settings(max_examples=60, deadline=None)
def test_whatever_is_entered_ends_in_facts_or_in_a_named_refusal(
    entered: list[tuple[str, str, dict[str, Any]]],
) -> None:
    """And the same lines give the same state again."""
    office = Office()
    office.dock("GAT-1", 1)
    office.film("GAT-1", f"{7:032x}")
    office.draft(camera="GAT-1", slot=1)
    refused = [code for code in (tried(office, *one) for one in entered) if code is not None]
    assert set(refused) <= REFUSALS
    again = StationState()
    for line in office.lines:
        again.apply(line)
    assert again == office.station
