"""What holds for workers and sealers of both kinds: in this process and as processes of their own."""

import hashlib

import pytest

from drivers.fingerprint import fingerprint
from drivers.worker import messages as m
from edged.errors import CameraError, CameraLostError, DiskError, ErrorCode
from edged.ports import Medium
from edged.roles.base import SealOrder
from edged.vault.sealing import Phase
from tests.edged.roles.conftest import QUICK, Bench
from tests.edged.roles.scripted import CLIP, DATA, SIZE

SHA256 = hashlib.sha256(DATA).hexdigest()
MIB = 1024 * 1024
NOT_DAMAGED = ()


async def test_a_request_is_answered(bench: Bench) -> None:
    worker = await bench.roles.start_worker("good")
    assert await worker.call(m.ReadBattery(), deadline_s=10) == m.BatteryRead(percent=81)
    await worker.close()
    await worker.close()


async def test_a_clip_is_copied_hashed_and_read_back(bench: Bench) -> None:
    sealed = await bench.copy("good")

    assert (sealed.size, sealed.sha256, sealed.received) == (SIZE, SHA256, SIZE)
    assert sealed.fingerprint == fingerprint(DATA[:MIB], DATA[-MIB:])
    assert sealed.medium is Medium.DIRECT
    assert sealed.gaps == NOT_DAMAGED
    bench.rig.vault.publish(bench.rig.place)
    assert bench.rig.fs.read(bench.rig.place.content) == DATA


async def test_a_published_clip_is_read_again_from_the_medium(bench: Bench) -> None:
    await bench.copy("good")
    bench.rig.vault.publish(bench.rig.place)

    again = await bench.roles.rehash(bench.rig.place.content, SIZE)

    assert (again.size, again.sha256, again.medium) == (SIZE, SHA256, Medium.DIRECT)
    with pytest.raises(DiskError):
        await bench.roles.rehash(bench.rig.place.content + ".not-there", SIZE)


async def test_a_second_read_of_the_source_stores_nothing(bench: Bench) -> None:
    worker = await bench.roles.start_worker("good")
    sealed = await bench.roles.transfer(worker, CLIP, 0, SealOrder(limits=QUICK), bench.progress.append)
    await worker.close()

    assert (sealed.sha256, sealed.received) == (SHA256, SIZE)
    assert list(bench.rig.vault.beginnings()) == []


async def test_one_worker_brings_several_clips(bench: Bench) -> None:
    worker = await bench.roles.start_worker("good")
    first = await bench.into_vault(worker)
    bench.rig.vault.publish(bench.rig.place)
    second = await bench.roles.transfer(worker, CLIP, 0, SealOrder(limits=QUICK), bench.progress.append)
    assert await worker.call(m.ReadBattery(), deadline_s=10) == m.BatteryRead(percent=81)
    await worker.close()

    assert first.sha256 == second.sha256 == SHA256


@pytest.mark.fault(
    "U01", "a camera pulled in mid-copy leaves a beginning from which the next docking resumes"
)
async def test_a_camera_pulled_in_mid_copy_is_resumed(bench: Bench) -> None:
    with pytest.raises(CameraLostError) as lost:
        await bench.copy(f"cut:{2 * MIB + 1000}")
    assert lost.value.detail["held"] == 2 * MIB
    assert lost.value.detail["reason"] == "pulled"

    sealed = await bench.copy("good")

    assert (sealed.resumed_from, sealed.received) == (2 * MIB, SIZE - 2 * MIB)
    assert sealed.sha256 == SHA256


async def test_a_stream_that_ends_too_early_is_not_sealed(bench: Bench) -> None:
    with pytest.raises(CameraError) as failed:
        await bench.copy(f"short:{MIB}")
    assert failed.value.detail["held"] == MIB


async def test_a_failure_after_the_last_byte_is_a_failure(bench: Bench) -> None:
    with pytest.raises(CameraError) as failed:
        await bench.copy("fails-at-the-end")
    assert failed.value.code is ErrorCode.CAMERA_MEDIA


@pytest.mark.fault("U13", "a clip that gives more bytes than listed is given up and never fills the disk")
async def test_a_clip_longer_than_listed_is_refused(bench: Bench) -> None:
    with pytest.raises(CameraError) as failed:
        await bench.copy("long")
    assert failed.value.code is ErrorCode.CAMERA_PROTOCOL
    assert bench.rig.fs.stat(bench.rig.place.part).size <= SIZE


@pytest.mark.fault("U14", "unreadable stretches come back with the sealed copy, checked against its bounds")
async def test_gaps_are_told(bench: Bench) -> None:
    sealed = await bench.copy("gap")
    assert sealed.gaps == (m.Gap(offset=MIB, size=512),)


@pytest.mark.parametrize("script", ["wild-gap", "miscounts"])
async def test_an_end_that_cannot_be_true_is_refused(bench: Bench, script: str) -> None:
    with pytest.raises(CameraError) as failed:
        await bench.copy(script)
    assert failed.value.code is ErrorCode.CAMERA_PROTOCOL


async def test_a_refusal_of_the_camera_keeps_its_code(bench: Bench) -> None:
    worker = await bench.roles.start_worker("refuses")
    with pytest.raises(CameraError) as refused:
        await worker.call(m.ReadClock(), deadline_s=10)
    assert refused.value.code is ErrorCode.CAMERA_PASSWORD
    assert refused.value.detail["said"] == "no\ufffd[31m"

    with pytest.raises(CameraError) as refused:
        await bench.into_vault(worker)
    assert refused.value.code is ErrorCode.CAMERA_CHANGED
    await worker.close()


async def test_a_worker_cannot_speak_for_the_disk(bench: Bench) -> None:
    worker = await bench.roles.start_worker("speaks-for-the-disk")
    with pytest.raises(CameraError) as refused:
        await worker.call(m.ReadClock(), deadline_s=10)
    assert refused.value.code is ErrorCode.CAMERA_PROTOCOL
    assert refused.value.detail["said"] == ErrorCode.DISK_FULL.number
    await worker.close()


async def test_progress_is_told_in_order(bench: Bench) -> None:
    await bench.copy("slow")

    phases = [p.phase for p in bench.progress]
    assert phases == sorted(phases, key=list(Phase).index)
    assert Phase.RECEIVING in phases
    assert all(0 <= p.done <= SIZE == p.size for p in bench.progress)


async def test_copy_does_not_go_through_call(bench: Bench) -> None:
    worker = await bench.roles.start_worker("good")
    with pytest.raises(TypeError):
        await worker.call(m.Copy(clip=CLIP), deadline_s=1)
    await worker.close()
