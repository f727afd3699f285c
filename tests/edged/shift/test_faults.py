"""Faults of a disk and of the ledger: the station drafts an incident, once for each."""

import re
from pathlib import Path

import pytest

from edged.errors import ErrorCode
from edged.formats import facts as f
from edged.shift.faults import FAULTS, faults
from edged.shift.kinds import KINDS_UK
from tests.edged.shift.office import Office

STATION = Path(__file__).parents[3] / "edged/station"


@pytest.fixture
def office() -> Office:
    return Office()


def fault(office: Office, alert: str, code: ErrorCode = ErrorCode.DISK_FAULT) -> None:
    office.record(f.AlertRaised(alert=alert, code=code.number))


def drafted(office: Office) -> list[str]:
    """What the station drafts in its next look."""
    kinds = faults(office.station)
    for number, kind in enumerate(kinds):
        office.later(1 / 60)
        office.record(f.IncidentDrafted(incident=f"{len(office.lines)}{number}", kind=kind))
    return list(kinds)


@pytest.mark.clause(
    "459-I.3-incident", "a disk that is gone, or takes nothing, and a ledger at fault are drafts"
)
@pytest.mark.parametrize(("alert", "kind"), FAULTS.items())
def test_a_fault_is_drafted_once_for_as_long_as_it_stands(office: Office, alert: str, kind: str) -> None:
    assert not drafted(office)
    fault(office, alert)
    assert drafted(office) == [kind]
    (incident,) = office.shift.incidents
    office.act("iryna", "incident confirm", incident=incident, description="Диск")
    assert not drafted(office)
    office.record(f.AlertWithdrawn(alert=alert))
    office.later(1)
    assert not drafted(office)
    fault(office, alert)
    assert drafted(office) == [kind]


def test_several_signs_of_one_fault_are_one_draft(office: Office) -> None:
    fault(office, "vault-away")
    fault(office, "manifest-missing")
    assert drafted(office) == ["disk"]
    office.later(0.1)
    fault(office, "vault-trouble")
    assert not drafted(office)


def test_a_full_disk_is_no_incident(office: Office) -> None:
    fault(office, "vault-trouble", ErrorCode.DISK_FULL)
    assert not drafted(office)


def test_every_fault_is_an_alert_that_the_station_raises_and_has_its_words() -> None:
    text = "".join(path.read_text("utf-8") for path in STATION.glob("*.py"))
    assert set(FAULTS) <= set(re.findall(r'"([a-z]+-[a-z]+)"', text))
    assert set(FAULTS.values()) <= set(KINDS_UK)
