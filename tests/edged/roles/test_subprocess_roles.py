"""Real workers and sealers that die, hang, lie or are cancelled."""

import asyncio
import gc
import os
import signal
import sys
from pathlib import Path

import pytest

from drivers.worker import messages as m
from edged.errors import CameraError, DiskError, ErrorCode, Fact
from edged.roles.base import END_S, KILL_S, SealOrder
from edged.roles.child import Child, Family
from edged.roles.pace import Limits
from edged.roles.subprocess_roles import SubprocessRoles
from tests.edged.roles.conftest import QUICK, Bench, opened, processes_of, scripted_worker
from tests.edged.roles.scripted import CLIP, SIZE
from tests.patience import PATIENCE_S
from tests.real_disk import scratch

pytestmark = pytest.mark.slow
MIB = 1024 * 1024


def quiet(_event: str, /, **_fields: Fact) -> None:
    """A log that nobody reads."""


def descriptors() -> set[str]:
    gc.collect()
    folder = Path("/proc/self/fd")
    return {str(fd.readlink()) for fd in folder.iterdir() if os.path.lexists(fd)}


def children(roles: SubprocessRoles) -> list[int]:
    return [child.pid for child in roles._family._alive]


def sealer_pid(bench: Bench) -> int:
    assert isinstance(bench.roles, SubprocessRoles)
    return next(child.pid for child in bench.roles._family._alive if child.name == "sealer")


async def refused(bench: Bench, script: str, limits: Limits = QUICK) -> CameraError:
    with pytest.raises(CameraError) as failed:
        await bench.copy(script, limits)
    return failed.value


# --- workers ---


async def test_a_dead_worker_is_named_with_its_last_words(processes: Bench) -> None:
    worker = await processes.roles.start_worker("dies")
    with pytest.raises(CameraError) as died:
        await worker.call(m.ReadClock(), deadline_s=20)
    assert died.value.code is ErrorCode.PROCESS_DIED
    assert died.value.detail["status"] == 3
    assert "the \ufffd worker is dead" in str(died.value.detail["stderr"])
    assert max(len(str(fields["text"])) for event, fields in processes.log if event == "EDG-9101") == 300

    with pytest.raises(CameraError) as died:
        await worker.call(m.ReadClock(), deadline_s=20)
    assert died.value.code is ErrorCode.PROCESS_DIED
    await worker.close()


async def test_a_silent_worker_is_killed_at_its_deadline(processes: Bench) -> None:
    worker = await processes.roles.start_worker("silent")
    with pytest.raises(CameraError) as silent:
        await worker.call(m.ReadClock(), deadline_s=0.3)
    assert silent.value.code is ErrorCode.CAMERA_SILENT
    async with asyncio.timeout(KILL_S):  # it is dead already: no patience is needed
        await worker.close()


@pytest.mark.parametrize("script", ["garbage", "another-answer"])
async def test_a_worker_that_breaks_the_protocol_is_not_used_again(processes: Bench, script: str) -> None:
    worker = await processes.roles.start_worker(script)
    with pytest.raises(CameraError) as failed:
        await worker.call(m.ReadClock(), deadline_s=20)
    assert failed.value.code is ErrorCode.CAMERA_PROTOCOL
    with pytest.raises(CameraError) as failed:
        await worker.call(m.ReadClock(), deadline_s=20)
    assert failed.value.code is ErrorCode.PROCESS_DIED
    await worker.close()


async def test_a_worker_that_cannot_be_started_is_an_error_of_its_own() -> None:
    roles = processes_of(quiet, lambda port, fd: ("/no/such/program",))
    with pytest.raises(CameraError) as failed:
        await roles.start_worker("1-1")
    assert failed.value.code is ErrorCode.PROCESS_DIED
    await roles.close()


async def test_a_copy_without_a_pipe_is_refused(processes: Bench) -> None:
    assert (await refused(processes, "no-pipe")).code is ErrorCode.CAMERA_PROTOCOL
    assert (await processes.copy("good")).size == SIZE


@pytest.mark.fault("U15", "a worker that hangs in mid-copy is killed at its deadline, what came in is kept")
async def test_a_worker_that_hangs_in_mid_copy_is_killed(processes: Bench) -> None:
    error = await refused(processes, f"hang:{2 * MIB + 5}", Limits(idle_s=0.7, silent_s=15))

    assert (error.code, error.detail["why"]) == (ErrorCode.CAMERA_SILENT, "idle")
    assert error.detail["held"] == 2 * MIB
    assert (await processes.copy("good")).resumed_from == 2 * MIB


@pytest.mark.fault("U16", "a camera under the minimum rate is given up with its rate, what came in is kept")
async def test_a_trickling_camera_is_given_up(processes: Bench) -> None:
    slow = Limits(idle_s=5, min_rate=50 * MIB, window_s=1, silent_s=15)
    error = await refused(processes, "slow", slow)

    assert (error.code, error.detail["why"]) == (ErrorCode.CAMERA_SILENT, "too-slow")
    assert error.detail["least"] == 50 * MIB


async def test_a_worker_that_never_says_it_ended_is_given_up(
    processes: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edged.roles.subprocess_roles.END_S", 0.3)
    assert (await refused(processes, "no-end")).code is ErrorCode.CAMERA_SILENT


async def test_a_worker_that_dies_after_its_last_byte_is_not_believed(processes: Bench) -> None:
    assert (await refused(processes, "dies-in-copy")).code is ErrorCode.PROCESS_DIED


@pytest.mark.fault("U15", "a process that even a kill does not end is abandoned, counted, and delays nobody")
async def test_a_process_in_uninterruptible_sleep_is_abandoned(
    processes: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(processes.roles, SubprocessRoles)
    worker = await processes.roles.start_worker("silent")
    pid = children(processes.roles)[0]
    monkeypatch.setattr(Child, "kill", lambda self: None)  # as if it slept in the kernel
    monkeypatch.setattr("edged.roles.child.KILL_S", 0.2)
    with pytest.raises(CameraError):
        await worker.call(m.ReadClock(), deadline_s=0.3)
    monkeypatch.setattr("edged.roles.worker_process.END_S", 0.2)

    async with asyncio.timeout(3):
        await worker.close()

    assert processes.roles.abandoned == 1
    assert ("EDG-9102", {"process": "worker silent", "pid": pid, "abandoned": 1}) in processes.log
    monkeypatch.undo()
    assert (await processes.copy("good")).size == SIZE  # others go on
    os.kill(pid, signal.SIGKILL)


# --- sealers ---


@pytest.mark.fault("X03", "a sealer that is killed in mid-copy costs one copy, of which nothing counts")
async def test_a_sealer_that_is_killed_costs_one_copy(processes: Bench) -> None:
    worker = await processes.roles.start_worker("slow")
    copy = asyncio.create_task(processes.into_vault(worker))
    await processes.until(lambda p: True)
    os.kill(sealer_pid(processes), signal.SIGKILL)

    with pytest.raises(DiskError) as died:
        await copy
    assert died.value.code is ErrorCode.PROCESS_DIED
    assert died.value.detail["process"] == "sealer"
    await worker.close()
    assert (await processes.copy("good")).size == SIZE


async def test_a_sealer_that_stopped_is_given_up(processes: Bench) -> None:
    worker = await processes.roles.start_worker("slow")
    copy = asyncio.create_task(processes.into_vault(worker, Limits(silent_s=1.5, idle_s=5)))
    await processes.until(lambda p: True)
    os.kill(sealer_pid(processes), signal.SIGSTOP)

    with pytest.raises(DiskError) as died:
        await copy
    assert died.value.detail["why"] == "silent"
    await worker.close()


async def test_a_sealer_that_cannot_be_started_is_an_error_of_its_own() -> None:
    roles = processes_of(quiet, scripted_worker, sealer=lambda fd: ("/no/such/program",))
    with pytest.raises(DiskError) as failed:
        await roles.rehash(__file__, 1)
    assert failed.value.code is ErrorCode.PROCESS_DIED
    await roles.close()


@pytest.mark.fault("X06", "a cancelled copy ends within seconds and keeps what came in")
async def test_a_cancelled_copy_keeps_what_came_in(processes: Bench) -> None:
    worker = await processes.roles.start_worker("slow")
    copy = asyncio.create_task(processes.into_vault(worker))
    await processes.until(lambda p: p.done >= MIB)
    async with asyncio.timeout(END_S):
        copy.cancel()
        await asyncio.wait([copy])
        await worker.close()

    assert copy.cancelled()
    resumed = await processes.copy("good")
    assert resumed.resumed_from >= MIB
    assert resumed.size == SIZE


async def test_sealers_are_used_again_and_end_with_the_station(processes: Bench) -> None:
    assert isinstance(processes.roles, SubprocessRoles)
    await processes.copy("good")
    first = sealer_pid(processes)
    processes.rig.vault.publish(processes.rig.place)
    await processes.roles.rehash(processes.rig.place.content, SIZE)
    assert sealer_pid(processes) == first

    await processes.roles.close()
    assert children(processes.roles) == []
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)


async def test_a_sealer_ends_when_its_core_is_gone() -> None:
    family = Family(quiet)
    child = await family.start(
        "sealer", lambda fd: (sys.executable, "-m", "edged.vault.sealer_main", "--fd", str(fd))
    )
    child.channel.close()
    async with asyncio.timeout(PATIENCE_S):
        await child._process.wait()
    await family.close()


@pytest.mark.fault("X03", "a sealer that outlived its killed core lets no other write into its file")
async def test_two_sealers_never_write_one_file(processes: Bench) -> None:
    """One that outlived its core holds the file: the next is refused instead of mixing bytes."""
    worker = await processes.roles.start_worker("slow")
    copy = asyncio.create_task(processes.into_vault(worker))
    await processes.until(lambda p: True)

    with pytest.raises(DiskError) as busy:
        await processes.copy("good")
    assert busy.value.code is ErrorCode.CONFLICT
    assert (await copy).size == SIZE
    await worker.close()


async def test_eight_copies_at_once_leave_no_process_and_no_descriptor() -> None:
    before = descriptors()
    with scratch() as folder:
        async with opened("processes", folder) as bench:
            rigs = [bench.rig.vault.at(f"{n:032x}", "2026/11/22", "content.mp4") for n in range(8)]
            ports = ["good", "cut:2000000", "dies-in-copy", "no-pipe"] * 2

            async def one(place_number: int) -> object:
                place = rigs[place_number]
                worker = await bench.roles.start_worker(ports[place_number])
                part = bench.rig.vault.begin(place, CLIP.size)
                order = SealOrder(part=part, limits=QUICK)
                try:
                    return await bench.roles.transfer(worker, CLIP, part.held, order, bench.progress.append)
                finally:
                    part.close()
                    await worker.close()

            outcomes = await asyncio.gather(*(one(n) for n in range(8)), return_exceptions=True)
            assert [isinstance(o, CameraError) for o in outcomes] == [False, True, True, True] * 2
    left = {link for link in descriptors() - before if "pidfd" not in link}
    assert left == set()


# --- lines from a child ---


async def test_a_talkative_child_neither_blocks_nor_fills_the_log() -> None:
    log: list[str] = []

    def write(_event: str, /, **fields: Fact) -> None:
        log.append(str(fields["text"]))

    family = Family(write)
    script = "import sys\nfor n in range(5000): print('line', n, 'x' * 100, file=sys.stderr)"
    child = await family.start("talker", lambda fd: (sys.executable, "-c", script))
    await child.end(10)
    assert len(log) == 100
    assert "4999" in child.tail()


# --- priority of a child ---


async def test_a_child_is_a_group_of_its_own_in_the_cores_session() -> None:
    """^C at the core's terminal does not reach it, and its niceness counts beside the core (autogroup)."""
    family = Family(quiet)
    script = "import os, sys; print(os.getpgid(0) == os.getpid(), os.getsid(0), file=sys.stderr)"
    child = await family.start("group", lambda fd: (sys.executable, "-c", script))
    await child.end(10)
    assert child.tail() == f"True {os.getsid(0)}"
