"""The core has few descriptors left, or none: a process that cannot be started in full is not started at all."""

import asyncio
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from drivers.worker import messages as m
from edged.errors import CameraError, ErrorCode
from tests.edged.roles.conftest import Bench
from tests.edged.roles.test_subprocess_roles import descriptors

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

NEEDED = 16  # a start takes fewer


def processes_of_ours() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


@contextmanager
def only(left: int) -> Iterator[None]:
    """So many more descriptors may be opened."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))  # noqa: PTH208  # numbers, not paths
    spare = [os.dup(0) for _ in range(highest)]  # fills the holes, so that the limit counts
    for fd in spare:
        if fd > highest:
            os.close(fd)
    held = [fd for fd in spare if fd <= highest]
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1 + left, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for fd in held:
            os.close(fd)


@pytest.mark.fault("X08", "with too few descriptors no half of a process is left, and later ones start")
async def test_a_start_at_any_number_of_descriptors_is_whole_or_nothing(processes: Bench) -> None:
    before, children = descriptors(), processes_of_ours()
    refused = 0
    for left in range(NEEDED):
        with only(left):
            refused += await refused_or_whole(processes)
    assert 0 < refused < NEEDED
    assert not await refused_or_whole(processes)
    for _ in range(400):
        if processes_of_ours() <= children:
            break
        await asyncio.sleep(0.05)
    assert processes_of_ours() <= children
    assert descriptors() == before


async def refused_or_whole(bench: Bench) -> bool:
    """Start a worker; whether it was refused. One that was not refused works."""
    try:
        worker = await bench.roles.start_worker("whole")
    except CameraError as exc:
        return exc.code is ErrorCode.PROCESS_DIED
    answer = await worker.call(m.ReadBattery(), deadline_s=20)
    await worker.close()
    return not isinstance(answer, m.BatteryRead)
