"""Planned works that are due, and updates that no works announce: as tables of what happens at a post."""

from collections.abc import Iterator
from typing import Any

import pytest

from edged.formats import facts as f
from edged.formats import times
from edged.formats.facts import Fact
from edged.shift.manual import ENTRIES
from edged.shift.upkeep import CAMERAS, STATION, Update, works_due
from tests.edged.shift.office import Office

PLANNED = {entry: planned.every_days for entry, planned in ENTRIES.items() if planned.every_days}
KEY = "k"
COMMISSIONED = f.StationCommissioned(
    station="post-7",
    customs_body="Львівська митниця",
    post="Шегині",
    station_key=KEY,
    authority_key=KEY,
    centre_key=KEY,
    version="1",
)


def started(version: str) -> Fact:
    return f.StationStarted(version=version, config_sha256="", clean=True)


def connected(firmware: str, serial: str = "DOCK-1") -> Fact:
    return f.DockConnected(dock="A", serial=serial, firmware=firmware, unlocks=0, insertions=0)


def works(office: Office, actor: str, entry: str) -> Iterator[None]:
    """Begin works; the next step ends them."""
    about: dict[str, Any] = {"entry": entry, "grounds": "план", "items": ["301"], "persons": ["Тарас Лис"]}
    office.act(actor, "works start", **about, version="1")
    yield
    begun = next(reversed(office.shift.works))
    office.act(actor, "works end", works=begun, measures="так", result="справна", version="2")
    yield


def due(office: Office) -> set[str]:
    return {one.entry for one in works_due(office.shift.upkeep, times.parse_ns(office.now))}


# --- planned works -------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", sorted(PLANNED))
def test_planned_works_are_due_so_long_after_the_commissioning_and_after_the_last(entry: str) -> None:
    office = Office(schedule=None)
    office.record(COMMISSIONED)
    office.later(24 * PLANNED[entry] - 1)
    assert entry not in due(office)
    office.later(1)
    assert entry in due(office)
    steps = works(office, "taras", entry)
    next(steps)
    assert entry in due(office)  # begun is not done
    next(steps)
    assert entry not in due(office)
    office.later(24 * PLANNED[entry])
    assert entry in due(office)


def test_works_of_no_interval_are_never_due() -> None:
    office = Office()
    office.record(COMMISSIONED)
    office.later(24 * 10_000)
    assert due(office) == set(PLANNED)


# --- updates -------------------------------------------------------------------------------------------

OWN, DOCK = "update-station", "update-dock"


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        ("1", {}),
        ("1 1", {}),
        ("1 2", {STATION: ("1", "2")}),
        ("1 2 3", {STATION: ("1", "3")}),
        ("1 2 1", {STATION: ("1", "1")}),  # two updates, and none announced
        ("1 ( 2 )", {}),
        ("1 ( 2 3 )", {}),
        ("1 ( ) 2", {}),  # seen at the next start only
        ("1 ( ) 1 2", {}),
        ("1 ( ) 2 3", {STATION: ("2", "3")}),
        ("1 ( 2 ) 3", {STATION: ("2", "3")}),
        ("1 2 (", {}),  # entered afterwards
        ("1 2 ( ) 3", {STATION: ("2", "3")}),
        ("1 [ ] 2", {STATION: ("1", "2")}),  # works of another entry
        ("a b", {"DOCK-1": ("a", "b")}),
        ("a [ b ]", {}),
        ("a ( b )", {"DOCK-1": ("a", "b")}),
        ("a 1 [ 2", {STATION: ("1", "2")}),
    ],
)
def test_an_update_is_announced_by_works_of_its_own_entry(story: str, expected: dict[str, Any]) -> None:
    """Digits: starts of that version; letters: a dock's firmware; (…) works on the station, […] on the dock."""
    office = Office()
    steps: dict[str, Iterator[None]] = {}
    for word in story.split():
        if word in "([":
            steps[")]"["([".index(word)]] = works(office, "nadia", {"(": OWN, "[": DOCK}[word])
        if word in "([)]":
            next(steps[")]"["([".index(word)] if word in "([" else word])
        else:
            office.record(started(word) if word.isdecimal() else connected(word))
    found = {part: (one.before, one.now) for part, one in office.shift.upkeep.unannounced.items()}
    assert found == expected


def test_another_board_is_no_update_of_the_one_before() -> None:
    office = Office()
    office.record(connected("a"), connected("b", "DOCK-2"))
    assert not office.shift.upkeep.unannounced
    office.record(connected("c", "DOCK-2"))
    assert office.shift.upkeep.unannounced == {"DOCK-2": Update(DOCK, "b", "c")}


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        ("a", {}),
        ("a a", {}),
        ("a b", {"K1": ("a", "b")}),
        ("a b b", {"K1": ("a", "b")}),
        ("a b c", {"K1": ("a", "c")}),
        ("a ( b )", {}),
        ("a ( ) b", {}),
        ("a ( a ) b", {}),  # brought in while they went on, updated, and docked after their end
        ("a ( ) a b", {"K1": ("a", "b")}),  # it was not among those that were updated
        ("a ( b ) b c", {"K1": ("b", "c")}),
        ("a [ ] b", {"K1": ("a", "b")}),  # works of another entry
        ("a b ( )", {}),  # entered afterwards
        ("( ) a b", {"K1": ("a", "b")}),
        ("a x ( ) b y", {}),  # two cameras, updated in one go
        ("a x ( ) b x y", {"K2": ("x", "y")}),
    ],
)
def test_a_camera_that_describes_itself_in_another_way_is_announced_by_works_on_cameras(
    story: str, expected: dict[str, Any]
) -> None:
    """a b c: dockings of the one camera, x y of the other; (…) works on cameras, […] on the dock."""
    office = Office()
    steps: dict[str, Iterator[None]] = {}
    for word in story.split():
        if word in "([":
            steps[")]"["([".index(word)]] = works(office, "nadia", {"(": CAMERAS, "[": DOCK}[word])
        if word in "([)]":
            next(steps[")]"["([".index(word)] if word in "([" else word])
        else:
            office.dock("K1" if word in "abc" else "K2", 1, told=word)
    assert {p: (one.before, one.now) for p, one in office.shift.upkeep.unannounced.items()} == expected
    assert {one.entry for one in office.shift.upkeep.unannounced.values()} <= {CAMERAS}


def test_a_camera_of_nobody_is_not_compared() -> None:
    office = Office()
    office.dock("", 1, told="a")
    office.dock("", 1, told="b")
    assert not office.shift.upkeep.unannounced


def test_what_somebody_has_read_of_it_never_changes() -> None:
    """A report reads it in another thread."""
    office = Office()
    office.record(started("1"))
    before = office.shift.upkeep
    office.record(started("2"))
    assert (before.versions, before.unannounced) == ({STATION: "1"}, {})
