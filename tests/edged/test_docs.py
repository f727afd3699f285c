"""Pages made from tables say what the tables say."""

import re
from xml.etree import ElementTree

import pytest

from edged.docs import ROOT, catalog, pages
from edged.events import EVENTS
from edged.leds import SIGNS
from edged.slots.state import Do, Event, State
from edged.table_comments import comments_of


@pytest.mark.parametrize("name", sorted(pages()))
def test_a_generated_page_has_not_drifted_from_its_table(name: str) -> None:
    assert (ROOT / name).read_text("utf-8") == pages()[name], "run: make docs"


def test_every_state_event_and_action_is_explained_beside_its_name() -> None:
    notes = comments_of(ROOT / "edged/slots/state.py")
    assert {m.name for kind in (State, Event, Do) for m in kind} <= notes.keys()


@pytest.mark.parametrize("language", ["uk", "en"])
def test_the_officers_card_is_well_formed_and_says_every_sign(language: str) -> None:
    text = pages()[f"docs/officer_card_{language}.svg"]
    root = ElementTree.fromstring(text)
    said = " ".join(root.itertext())
    for led in SIGNS.values():
        assert (led.uk if language == "uk" else led.en) in said
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_the_example_of_a_copy_for_a_third_party_holds_nothing_of_another_week() -> None:
    copy = ROOT / "docs/examples/week/copy-for-a-third-party"
    chain = ElementTree.parse(copy / "ascmhl/ascmhl_chain.xml")
    of_history = {f"ascmhl/{one.text}" for one in chain.iter("{urn:ASC:MHL:DIRECTORY:v2.0}path")}
    summed = {line.split()[1] for line in (copy / "SHA256SUMS").read_text().splitlines()}
    there = {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()}
    assert there == {"SHA256SUMS", "ascmhl/ascmhl_chain.xml"} | of_history | summed


def test_the_journals_catalogue_has_every_event_once_and_in_its_form() -> None:
    ids = re.findall(r"^-- ([0-9a-f]{32})$", catalog(), re.MULTILINE)
    assert ids == [event.message_id.hex for event in EVENTS.values()]
    for entry in catalog().split("\n-- ")[1:]:
        head, _, body = entry.partition("\n\n")
        assert head.splitlines()[1].startswith("Subject: ")
        assert body.strip()
