"""When a copy is given up: a table of what a sealer tells, second by second."""

from collections.abc import Callable

import pytest

from edged.errors import CameraError, DiskError, EdgeError, ErrorCode
from edged.roles.pace import Limits, Pace, Sample
from edged.vault.sealing import Phase

KIB = 1024
LIMITS = Limits(idle_s=30, min_rate=64 * KIB, window_s=60, absolute_s=1000, disk_s=300)
Story = Callable[[float], Sample]


def given_up(story: Story, seconds: int, limits: Limits = LIMITS) -> tuple[float, EdgeError] | None:
    """Play ``story`` for so long, four samples a second; when it is given up, and why."""
    pace = Pace(limits, now=0.0)
    for quarter in range(seconds * 4):
        now = quarter / 4
        if (error := pace.feed(now, story(now))) is not None:
            return now, error
    return None


def receiving(rate: float, *, waiting: float = 1.0) -> Story:
    """Bytes at ``rate``; ``waiting``: the share of the time that the camera is waited for."""
    return lambda t: Sample(Phase.RECEIVING, int(rate * t), int(rate * t), waiting * t)


def test_a_healthy_copy_is_never_given_up() -> None:
    assert given_up(receiving(10_000 * KIB), 900) is None
    assert given_up(receiving(65 * KIB), 900) is None


@pytest.mark.fault("U16", "a camera at 1 kB/s is given up after the window, with its rate")
def test_a_trickle_is_given_up_after_the_window() -> None:
    found = given_up(receiving(KIB), 300)
    assert found is not None
    at, error = found
    assert isinstance(error, CameraError)
    assert error.code is ErrorCode.CAMERA_SILENT
    assert error.detail["why"] == "too-slow"
    assert 60 <= at <= 61
    assert error.detail["rate"] == pytest.approx(KIB, abs=64)


def test_a_copy_that_becomes_a_trickle_is_given_up_within_the_window() -> None:
    fast = 100_000 * KIB

    def story(t: float) -> Sample:
        received = int(fast * min(t, 100) + 2 * KIB * max(0, t - 100))
        return Sample(Phase.RECEIVING, received, received, t)

    found = given_up(story, 900)
    assert found is not None
    assert 155 <= found[0] <= 165


@pytest.mark.fault("U15", "a camera that gives nothing more is given up after the idle time")
def test_a_camera_without_a_byte_is_given_up() -> None:
    found = given_up(lambda t: Sample(Phase.RECEIVING, 5, 5, t), 300)
    assert found is not None
    assert found[1].detail["why"] == "idle"
    assert 30 < found[0] <= 31


@pytest.mark.fault("K10", "on a disk a hundred times slower no copy is given up for it")
def test_a_slow_disk_is_not_blamed_on_the_camera() -> None:
    """1 MiB each 100 s, of which the camera takes a hundredth of a second."""
    assert given_up(receiving(10 * KIB, waiting=0.0001), 900) is None


@pytest.mark.parametrize("phase", [Phase.SYNCING, Phase.PROVING, Phase.READING_BACK])
def test_a_disk_that_does_not_finish_a_block_is_a_fault_of_the_disk(phase: Phase) -> None:
    found = given_up(lambda t: Sample(phase, 7, 5, 1.0), 900)
    assert found is not None
    assert isinstance(found[1], DiskError)
    assert 300 < found[0] <= 301


def test_a_write_that_hangs_is_a_fault_of_the_disk() -> None:
    found = given_up(lambda t: Sample(Phase.RECEIVING, 5, 5, 1.0), 900)
    assert found is not None
    assert isinstance(found[1], DiskError)


@pytest.mark.parametrize(("phase", "kind"), [(Phase.RECEIVING, CameraError), (Phase.READING_BACK, DiskError)])
def test_every_copy_ends(phase: Phase, kind: type[EdgeError]) -> None:
    found = given_up(lambda t: Sample(phase, int(t * 1e7), int(t * 1e7), t), 1100)
    assert found is not None
    assert isinstance(found[1], kind)
    assert found[1].detail["why"] == "absolute"
