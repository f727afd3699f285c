"""When a camera may be issued: every reason by name, and every limit at its edge."""

import msgspec
import pytest

from edged.config import Readiness as Policy
from edged.readiness import CameraFacts, NotReady, Readiness, judge, needed_bytes

POLICY = Policy()
GOOD = CameraFacts(
    all_sealed=True,
    charge_percent=100,
    free_bytes=64 * 10**9,
    clock_error_s=0.2,
    clock_uncertainty_s=0.6,
)


def but(**facts: object) -> CameraFacts:
    return CameraFacts(**{name: getattr(GOOD, name) for name in GOOD.__dataclass_fields__} | facts)


def reasons(facts: CameraFacts, **policy: object) -> tuple[NotReady, ...]:
    return judge(facts, msgspec.structs.replace(POLICY, **policy)).reasons


def test_a_camera_with_everything_in_order_is_ready() -> None:
    assert judge(GOOD, POLICY) == Readiness(True)


def test_a_camera_that_tells_nothing_is_not_ready() -> None:
    found = judge(CameraFacts(), POLICY)
    assert not found.ready
    assert found.reasons == (NotReady.NOT_SEALED, NotReady.CHARGE_UNKNOWN, NotReady.MEMORY_UNKNOWN)
    assert found.flags == (NotReady.CLOCK_UNKNOWN,)


CASES = [
    (but(listed=False), NotReady.NOT_LISTED),
    (but(identity=False), NotReady.NO_IDENTITY),
    (but(twin=True), NotReady.TWIN),
    (but(quarantine=True), NotReady.QUARANTINE),
    (but(works=True), NotReady.IN_WORKS),
    (but(reserve=True), NotReady.RESERVE),
    (but(card=False), NotReady.NO_CARD),
    (but(defect=True), NotReady.DEFECT),
    (but(all_sealed=False), NotReady.NOT_SEALED),
    (but(charge_percent=79), NotReady.CHARGE_LOW),
    (but(charge_percent=None), NotReady.CHARGE_UNKNOWN),
    (but(charge_percent=255), NotReady.CHARGE_UNKNOWN),
    (but(charge_percent=None, charging_ended=False), NotReady.CHARGE_LOW),
    (but(free_bytes=needed_bytes(GOOD, POLICY) - 1), NotReady.MEMORY_LOW),
    (but(free_bytes=None), NotReady.MEMORY_UNKNOWN),
    (but(free_bytes=-1), NotReady.MEMORY_UNKNOWN),
    (but(clock_error_s=2.01), NotReady.CLOCK_OFF),
    (but(dock_answers=False), NotReady.DOCK_SILENT),
]


@pytest.mark.clause(
    "459-III.7-ready",
    "a camera with too little charge or memory or with a wrong clock is not ready, and says why",
)
@pytest.mark.parametrize(("facts", "reason"), CASES, ids=lambda v: str(v) if isinstance(v, NotReady) else "")
def test_one_thing_amiss_is_one_reason_by_name(facts: CameraFacts, reason: NotReady) -> None:
    assert reasons(facts) == (reason,)


def test_every_reason_has_a_case() -> None:
    assert {reason for _, reason in CASES} | {NotReady.CLOCK_UNKNOWN} == set(NotReady)


@pytest.mark.parametrize(
    "facts",
    [
        but(charge_percent=80),
        but(charge_percent=None, charging_ended=True),
        but(free_bytes=needed_bytes(GOOD, POLICY)),
        but(clock_error_s=1.4, clock_uncertainty_s=0.6),
    ],
)
def test_at_its_limit_a_camera_is_ready(facts: CameraFacts) -> None:
    assert judge(facts, POLICY).ready


def test_free_memory_is_counted_in_recording_time_at_the_cameras_rate() -> None:
    assert needed_bytes(GOOD, POLICY) == 12 * 3600 * 6_000_000 // 8
    assert needed_bytes(but(bitrate_mbit=12.0), POLICY) == 2 * needed_bytes(GOOD, POLICY)


@pytest.mark.parametrize(
    ("facts", "reason", "setting"),
    [
        (but(charge_percent=None), NotReady.CHARGE_UNKNOWN, "unknown_charge"),
        (but(free_bytes=None), NotReady.MEMORY_UNKNOWN, "unknown_memory"),
        (but(clock_error_s=None), NotReady.CLOCK_UNKNOWN, "unknown_clock"),
        (but(clock_uncertainty_s=None), NotReady.CLOCK_UNKNOWN, "unknown_clock"),
        (but(clock_error_s=1.9, clock_uncertainty_s=0.6), NotReady.CLOCK_UNKNOWN, "unknown_clock"),
    ],
)
def test_policy_decides_about_the_unknown_and_only_about_it(
    facts: CameraFacts, reason: NotReady, setting: str
) -> None:
    flagged = judge(facts, msgspec.structs.replace(POLICY, **{setting: "flag"}))
    assert flagged == Readiness(True, (), (reason,))
    refused = judge(facts, msgspec.structs.replace(POLICY, **{setting: "refuse"}))
    assert refused == Readiness(False, (reason,))


@pytest.mark.clause(
    "459-II.1-clock", "a clock that is further off than allowed keeps a camera from being issued"
)
def test_no_policy_lets_a_low_charge_or_a_wrong_clock_pass() -> None:
    flags = {"unknown_charge": "flag", "unknown_memory": "flag", "unknown_clock": "flag"}
    assert reasons(but(charge_percent=12), **flags) == (NotReady.CHARGE_LOW,)
    assert reasons(but(clock_error_s=420.0), **flags) == (NotReady.CLOCK_OFF,)


def test_against_a_host_that_does_not_know_the_time_no_clock_is_called_wrong() -> None:
    """In 1970 every camera seems decades ahead; the shift goes on, and an alert stands."""
    assert judge(but(clock_error_s=1.8e9, clock_uncertainty_s=None), POLICY).flags == (
        NotReady.CLOCK_UNKNOWN,
    )
