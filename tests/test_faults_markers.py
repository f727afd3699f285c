"""Every fault marker names a fault that exists and says in a sentence what its test claims."""

from pathlib import Path

import pytest

from tests.fault_markers import FAULTS, KNOWN, markers, proved
from tests.fault_reasons import REASONS
from tests.faults import table
from tests.markers import Marker, is_sentence

MARKERS = markers()


def test_the_catalogue_has_177_faults() -> None:
    assert len(FAULTS) == len(set(FAULTS)) == 177
    assert {"U22", "Z09", "T21"} <= KNOWN
    assert not {"U23", "U00", "T22", "T01"} & KNOWN


@pytest.mark.parametrize("marker", MARKERS, ids=lambda marker: f"{marker.place}-{marker.about}")
def test_every_marker_names_a_fault_and_claims_something(marker: Marker) -> None:
    assert marker.about in KNOWN, f"{marker.place}: no such fault"
    assert is_sentence(marker.claim or ""), f"{marker.place}: {marker.claim!r} is no sentence"


def test_the_table_counts_what_is_proved_and_names_what_is_not() -> None:
    found = proved()
    text = table(found)
    assert all(f"\n{fault} " in text for fault in found)
    row = next(line for line in text.splitlines() if line.startswith("all"))
    assert row.split() == ["all", str(sum(fault in found for fault in FAULTS)), "177"]


def test_every_fault_is_proved_or_has_a_reason_why_not() -> None:
    found = proved()
    assert [fault for fault in FAULTS if fault not in found] == sorted(REASONS, key=FAULTS.index)
    assert all(is_sentence(reason.why) and reason.why.endswith(".") for reason in REASONS.values())
    text = table(found)
    assert all(f"\n{fault}  {reason}" in text for fault, reason in REASONS.items())


def test_markers_of_every_form_are_found(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text(
        "import pytest\n"
        '@pytest.mark.fault("U01", "one is shown here")\n'
        "async def test_a(): ...\n"
        '@pytest.mark.fault("U02")\n'
        "class TestB: ...\n"
        'pytest.param(1, marks=pytest.mark.fault(NAME, "two is shown here"))\n'
        'pytestmark = pytest.mark.fault("U99", "three is shown")\n'
    )
    found = {(m.about, m.claim, m.test) for m in markers(tmp_path)}
    assert found == {
        ("U01", "one is shown here", "test_a"),
        (None, None, "TestB"),
        (None, "two is shown here", "test_x"),
        ("U99", "three is shown", "test_x"),
    }
    assert not is_sentence("U01")
    assert not is_sentence("a short one:")
