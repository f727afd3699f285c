"""Clauses of the law: markers name them, claim in a sentence, and each has a defence that can be taken out."""

import pytest

from tests.clauses import CLAUSES, OUTSIDE, PAGE, mutants, page, proved
from tests.markers import Marker, is_sentence, read


@pytest.mark.parametrize("marker", read("clause"), ids=lambda marker: f"{marker.place}-{marker.about}")
def test_every_marker_names_a_clause_and_claims_something(marker: Marker) -> None:
    assert marker.about in CLAUSES, f"{marker.place}: no such clause"
    assert is_sentence(marker.claim or ""), f"{marker.place}: {marker.claim!r} is no sentence"


def test_every_mutant_fits_the_source_and_its_test_carries_the_marker() -> None:
    for mutant in mutants():
        marked = [m for m in read("clause") if m.about == mutant.clause and m.marks(mutant.test)]
        assert marked, f"{mutant.test} is not marked with {mutant.clause}"


def test_every_test_that_proves_a_clause_has_a_mutant_that_it_kills() -> None:
    assert {mutant.clause for mutant in mutants()} == proved().keys()
    killed = [(mutant.clause, mutant.test) for mutant in mutants()]
    idle = [
        m for m in read("clause") if not any(m.about == clause and m.marks(test) for clause, test in killed)
    ]
    assert not [f"{marker.place} {marker.about}" for marker in idle]


def test_no_clause_is_inside_and_outside() -> None:
    assert not CLAUSES.keys() & OUTSIDE.keys()
    assert all(CLAUSES.values())
    assert all(is_sentence(why) for why in OUTSIDE.values())


def test_the_page_is_made_of_what_is_proved() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: make docs"
