"""The centre learns a station's new key from the ledger, and from nowhere else."""

import pytest

from edged.formats.checkpoint import open_checkpoint, origin_of
from edged.formats.facts import KeyChanged
from edged.formats.note import Signer
from sync.centre.intake import Intake
from sync.outbox import unverified_manifest
from tests.sync.test_intake import Centre
from tests.sync.world import STATION

NEXT = Signer.from_seed(origin_of(STATION), b"n" * 32)
LATER = Signer.from_seed(origin_of(STATION), b"l" * 32)
STRANGER = Signer.from_seed(origin_of(STATION), b"x" * 32)


@pytest.fixture
def centre() -> Centre:
    made = Centre()
    made.world.ledger.grow()
    made.deliver()
    made.intake().scan()
    return made


def change(centre: Centre, new: Signer) -> None:
    centre.world.ledger.change_key(new)


def given(centre: Centre, key: Signer) -> Intake:
    """The intake, whose operator was given this key of the station."""
    before, centre.world.station = centre.world.station, key
    try:
        return centre.intake()
    finally:
        centre.world.station = before


def test_it_countersigns_the_hand_over_and_what_the_new_key_signs_then(centre: Centre) -> None:
    change(centre, NEXT)
    centre.world.ledger.grow()
    centre.deliver()
    summary = centre.intake().scan()
    size = centre.world.ledger.tree.size
    assert (summary.countersigned, summary.alerts) == (size, [])
    open_checkpoint(centre.note(size) or b"", NEXT.verifier, centre.world.centre_key.verifier)
    change(centre, LATER)
    centre.world.ledger.grow()
    centre.deliver()
    for key in (centre.world.station, NEXT, LATER):  # each of them names this station
        assert given(centre, key).scan().countersigned == centre.world.ledger.tree.size
    assert centre.alerts() == []


def test_a_change_that_the_old_key_has_not_signed_is_refused(centre: Centre) -> None:
    ledger, size = centre.world.ledger, centre.world.ledger.tree.size
    ledger.add(KeyChanged(key=str(STRANGER.verifier)))
    ledger._signer = STRANGER
    ledger.close()
    centre.deliver()
    assert centre.intake().scan().countersigned == size
    assert centre.alerts() == ["ledger-refused"]


def test_a_change_in_the_middle_of_a_piece_is_refused(centre: Centre) -> None:
    ledger, size = centre.world.ledger, centre.world.ledger.tree.size
    ledger.add(KeyChanged(key=str(NEXT.verifier)))
    ledger.add()
    ledger.close(centre.world.station, NEXT)
    centre.deliver()
    assert centre.intake().scan().countersigned == size
    assert "within a piece" in str(centre.alert("ledger-refused"))


def test_a_manifest_of_the_new_key_waits_for_the_piece_that_names_it(centre: Centre) -> None:
    change(centre, NEXT)
    centre.world.station = NEXT  # who signs manifests
    recording = centre.world.seal(b"evidence")
    centre.world.ledger.close()
    early = Centre()
    early.world.ledger.grow()
    early.deliver()
    early.intake().scan()
    for path, data in centre.world.fs.files("/vault").items():
        early.far.put(path.replace("/vault/", "/home/"), data)
    summary = early.intake().scan()
    assert (summary.placed, summary.refused, early.alerts()) == ([], [], ["manifest-early"])
    for path, data in centre.world.fs.files("/state/ledger").items():
        early.far.put(path.replace("/state/", "/home/"), data)
    assert early.intake().scan().placed == [recording]


def test_the_old_key_signs_no_manifest_of_a_line_behind_the_change(centre: Centre) -> None:
    old = centre.world.station
    before = centre.world.seal(b"before")
    centre.world.ledger.close()
    change(centre, NEXT)
    after = centre.world.seal(b"after", manifest=False)
    centre.world.sign_as(after, old)
    centre.world.ledger.close()
    centre.deliver()
    summary = centre.intake().scan()
    assert (summary.placed, summary.refused) == ([before], [after])
    assert unverified_manifest(centre.world.stored(before, "manifest.note") or b"").recording == before


def test_a_key_that_is_none_of_the_stations_stops_the_ledger_and_says_so(centre: Centre) -> None:
    change(centre, NEXT)
    centre.deliver()
    centre.intake().scan()
    assert given(centre, STRANGER).scan().alerts == ["intake-stopped"]
    assert "the key that was given is none" in str(centre.alert("intake-stopped"))
