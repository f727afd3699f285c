"""A camera's clock between two measurements."""

from datetime import UTC, datetime, timedelta

import pytest

from edged.clock_drift import DRIFT_PPM, Off, Reading, how_off

EIGHT = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)
ALLOWED = timedelta(seconds=2)
HOURS = timedelta(hours=12)  # out; quartz explains 4.3 s


def reading(offset_s: float, after: timedelta = timedelta(0), bound_s: float | None = 1.0) -> Reading:
    bound = None if bound_s is None else timedelta(seconds=bound_s)
    return Reading(EIGHT + after, timedelta(seconds=offset_s), bound)


def back(offset_s: float, bound_s: float | None = 1.0) -> Reading:
    return reading(offset_s, HOURS, bound_s)


OF_1970 = -(EIGHT + HOURS - datetime(1970, 1, 1, 0, 12, tzinfo=UTC)).total_seconds()


@pytest.mark.parametrize(
    ("before", "after", "off"),
    [
        (reading(0.3), back(0.4), None),
        (reading(0.3), back(6.5), None),  # drift and both uncertainties explain it
        (reading(0.3), back(6.7), Off.JUMPED),
        (reading(1.9), back(-4.9), Off.JUMPED),  # neither is far off by itself
        (reading(0.3), back(-7200), Off.JUMPED),
        (None, back(7.2), None),  # allowed at the issue, drift since, uncertainty
        (None, back(7.4), Off.OFF),
        (reading(-3600), back(-3601), Off.OFF),  # as it was given out
        (reading(3.1), None, Off.OFF),
        (reading(2.9), None, None),
        (reading(0.3), back(OF_1970), Off.RESET),
        (reading(0.3), back(OF_1970, None), Off.RESET),  # whatever the host's clock is worth
        (reading(0.3), back(7200, None), None),  # the host may be the one that is off
        (reading(0.3, bound_s=None), back(1), None),
        (None, None, None),
    ],
)
def test_only_what_drift_and_uncertainty_do_not_explain_is_found(
    before: Reading | None, after: Reading | None, off: Off | None
) -> None:
    assert how_off(before, after, EIGHT, ALLOWED) is off


def test_a_quartz_is_believed_to_be_as_bad_as_the_host_s() -> None:
    assert DRIFT_PPM == 100  # [clock] holdover_ppm


def test_a_camera_that_was_measured_long_before_its_issue_may_have_drifted_since() -> None:
    days = timedelta(days=3)
    before = Reading(EIGHT - days, timedelta(0), timedelta(seconds=1))
    assert how_off(before, back(7), EIGHT, timedelta(seconds=10)) is None
