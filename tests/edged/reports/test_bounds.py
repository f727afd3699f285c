"""From when to when a report is."""

import pytest

from edged.errors import EdgeError, ErrorCode
from edged.formats import times
from edged.reports.bounds import Span, bounds
from tests.edged.formats.samples import schedule
from tests.edged.shift.office import DAY, NIGHT


@pytest.mark.parametrize(
    ("span", "at", "began", "ended"),
    [
        (Span.DAY, "2026-11-27T23:30:00.000Z", "2026-11-27T22:00:00.000Z", "2026-11-28T22:00:00.000Z"),
        (Span.DAY, "2026-10-25T12:00:00.000Z", "2026-10-24T21:00:00.000Z", "2026-10-25T22:00:00.000Z"),
        (Span.MONTH, "2026-10-31T22:30:00.000Z", "2026-10-31T22:00:00.000Z", "2026-11-30T22:00:00.000Z"),
        (Span.MONTH, "2026-03-31T20:59:59.999Z", "2026-02-28T22:00:00.000Z", "2026-03-31T21:00:00.000Z"),
        (Span.SHIFT, "2026-11-27T10:00:00.000Z", DAY.begins, DAY.ends),
        (Span.SHIFT, "2026-11-27T18:00:00.000Z", NIGHT.begins, NIGHT.ends),
    ],
)
def test_a_span_is_what_the_moment_lies_in(span: Span, at: str, began: str, ended: str) -> None:
    assert bounds(span, times.parse_ns(at), schedule(DAY, NIGHT)) == (began, ended)


@pytest.mark.parametrize("known", [True, False])
def test_where_no_shift_is_there_is_no_report_of_one(known: bool) -> None:
    with pytest.raises(EdgeError) as refused:
        bounds(Span.SHIFT, times.parse_ns("2026-11-27T05:00:00.000Z"), schedule(DAY) if known else None)
    assert refused.value.code is ErrorCode.NOT_FOUND
