"""Which round at the end of a shift belongs to which at its start: as a table."""

from collections.abc import Iterator

import pytest

from edged.formats import times
from edged.shift.records import Round
from edged.shift.round_acts import paired

BEGAN_NS = times.parse_ns("2026-11-27T06:00:00.000Z")
HOUR_NS = 3_600_000_000_000


def rounds(text: str) -> Iterator[Round]:
    """``0s 12e``: a start at the beginning, an end twelve hours later."""
    for word in text.split():
        at = times.format_ns(BEGAN_NS + int(word[:-1]) * HOUR_NS)
        yield Round(word, {"s": "start", "e": "end"}[word[-1]], "301", True, "", at, "person:iryna")


@pytest.mark.parametrize(
    ("made", "hour", "expected"),
    [
        ("", 0, []),
        ("0s", 1, []),  # its end may still come
        ("0s", 27, ["0s -"]),
        ("0s 12e", 12, ["0s 12e"]),
        ("0s 26e", 26, ["0s 26e"]),
        ("0s 27e", 27, ["0s -", "- 27e"]),
        ("12e", 12, ["- 12e"]),
        ("0s 1s 12e", 12, ["0s -", "1s 12e"]),
        ("0s 12e 13e", 13, ["0s 12e", "- 13e"]),
        ("0s 12e 24s 36e", 36, ["0s 12e", "24s 36e"]),
        ("0s 12e 24s", 36, ["0s 12e"]),
    ],
)
def test_an_end_belongs_to_the_newest_start_within_a_shift(made: str, hour: int, expected: list[str]) -> None:
    found = paired(rounds(made), BEGAN_NS + hour * HOUR_NS)
    assert [f"{start.id if start else '-'} {end.id if end else '-'}" for start, end in found] == expected


def test_what_was_told_once_is_told_in_the_same_way_ever_after() -> None:
    """Whatever comes later: else a row would be told twice, or an end never."""
    words = ["0s", "1s", "12e", "13e", "24s", "60e", "61s", "70e"]
    told: dict[str, str] = {}
    for count, last in enumerate(words, start=1):
        now_ns = BEGAN_NS + int(last[:-1]) * HOUR_NS
        for start, end in paired(rounds(" ".join(words[:count])), now_ns):
            row = f"{start.id if start else '-'} {end.id if end else '-'}"
            assert told.setdefault(row.removeprefix("- ").split()[0], row) == row
