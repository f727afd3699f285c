"""The tag of a damaged item: what stands on it, and the same bytes each time."""

from dataclasses import replace

import pytest

from edged.errors import EdgeError, ErrorCode
from edged.formats.facts import StationCommissioned
from edged.printed.page import printable
from edged.printed.tag import LABELS_UK, TITLE_UK, render
from edged.shift.tags import Tag, tag_of
from tests.edged.printed.test_journal import pages
from tests.edged.shift.office import Office

TAG = Tag(
    number="Б-3",
    item="101",
    sort="індивідуальна портативна відеокамера",
    serial="GAT-1",
    description="не вмикається",
    since="2026-11-27T10:00:00.000Z",
    place="шафа 2",
    tagged="2026-11-27T11:00:00.000Z",
    station="post-7",
    post="Шегині",
)


@pytest.fixture
def office() -> Office:
    made = Office()
    key = "k"
    made.record(
        StationCommissioned(
            station="post-7",
            customs_body="Львівська митниця",
            post="Шегині",
            station_key=key,
            authority_key=key,
            centre_key=key,
            version="1",
        )
    )
    return made


@pytest.mark.clause(
    "459-II.3-damaged",
    "the tag of a damaged item has its number, what it is of, since when and where it lies",
)
def test_a_tag_says_what_was_entered_of_the_item(office: Office) -> None:
    office.act("taras", "repair damaged", item="101", description="не вмикається")
    office.later(1)
    office.act("taras", "repair tag", item="101", tag="Б-3", place="шафа 2")
    office.later(1)
    assert tag_of(office.scene("taras"), "101") == TAG


@pytest.mark.parametrize(("item", "code"), [("301", ErrorCode.CONFLICT), ("401", ErrorCode.NOT_FOUND)])
def test_what_bears_no_tag_has_none(office: Office, item: str, code: ErrorCode) -> None:
    office.act("taras", "repair damaged", item="301", description="не заряджає")
    with pytest.raises(EdgeError) as refused:
        tag_of(office.scene("taras"), item)
    assert refused.value.code is code


def test_the_same_tag_gives_the_same_bytes() -> None:
    assert render(TAG) == render(TAG)
    for other in ({"number": "Б-4"}, {"place": "шафа 3"}, {"serial": ""}, {"tagged": TAG.since}):
        assert render(replace(TAG, **other)) != render(TAG)


def test_a_tag_is_one_small_page_and_a_long_story_goes_on_on_the_next() -> None:
    assert (
        pages(
            render(replace(TAG, description="не вмикається після падіння; тріщина на корпусі біля роз’єму"))
        )
        == 1
    )
    assert b"/MediaBox [ 0 0 419.5276 297.6378 ]" in render(TAG)
    assert pages(render(replace(TAG, description="дуже довгий опис " * 230))) > 1


def test_every_word_of_ours_has_its_letters() -> None:
    assert [word for word in (TITLE_UK, *LABELS_UK) if printable(word) != word] == []
