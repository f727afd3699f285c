"""The main job end to end: real sshd, intake, edged and edged-sync, a simulated dock, a real disk."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from demo.site import Site
from edged.court import verify_proof
from simulators.faults import NO_FAULTS, UsbFaults
from tests.e2e import places
from tests.e2e.places import CHIEF, MIB, OFFICER, QuickSite, clip
from tests.real_disk import scratch

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]  # of a busy machine; alone each needs a tenth

BIG = 12_000_000
MARK = 16 * MIB  # what a beginning is proved by is written this often (edged.vault.marks)
LONG = MARK + 5 * MIB
STOP_S = 10.0


async def patrol(site: Site, *clips: bytes) -> None:
    """An officer takes the only camera, records, and brings it back."""
    await places.add_gat(site)
    await site.world.insert("cam-1", 1)
    await site.until_slot(1, "ready")
    site.world.tap(OFFICER.badge)
    await site.world.take(1)
    await site.until_slot(1, "empty")
    for one in clips:
        await site.world.record("cam-1", one)


async def nothing_lost_nothing_twice(site: Site) -> None:
    """Vault and centre hold what the cameras recorded, each once, and the ledger sealed each once."""
    made = places.truth(site)
    assert sorted(places.sealed_files(site.vault).values()) == made
    assert sorted(places.sealed_files(site.store).values()) == made
    sealed = Counter(x["data"]["sha256"] for x in await site.facts("recording.sealed"))
    assert sealed == Counter(made)
    confirmed = Counter(x["data"]["recording"] for x in await site.facts("recording.confirmed"))
    assert set(confirmed.values()) == {1}


async def verdict(site: QuickSite, *words: str) -> int:
    keys = site.folder / "keys"
    status, _, err = await site.ask(
        *("verify", *words, "--station-key", str(keys / "station.pub")),
        *("--centre-key", str(keys / "centre.pub")),
    )
    assert not err
    return status


def bare(recording: Path, proof: Path, keys: Path) -> int:
    """The court's program on a bare interpreter: no packages, no environment, nothing of ours."""
    program = Path(verify_proof.__file__)
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(program), str(recording), str(proof), str(keys)],
        capture_output=True,
        timeout=30,
        cwd="/",
    )
    assert b"Traceback" not in done.stderr
    return done.returncode


class Spoilt:
    """One changed byte of a file, put back at the end."""

    def __init__(self, path: Path, at: int = -2) -> None:
        self._path, self._at = path, at
        self._was = path.read_bytes()

    def __enter__(self) -> None:
        spoilt = bytearray(self._was)
        spoilt[self._at] ^= 1
        self._write(bytes(spoilt))

    def __exit__(self, *_: object) -> None:
        self._write(self._was)

    def _write(self, data: bytes) -> None:
        self._path.chmod(0o640)  # an insider can
        self._path.write_bytes(data)


async def test_from_badge_to_cleared_camera_with_a_proof_for_the_court() -> None:
    async with places.commissioned() as site:
        await site.start()
        await places.vouch(site)
        await patrol(site, clip(1), clip(2, 3_000_000), b"")
        await site.world.insert("cam-1", 1)
        await places.counted(site, "cleared", 3)
        site.world.tap(CHIEF.badge)
        await site.until("the return is confirmed", lambda: site.facts("return.confirmed"))
        assert site.world.card("cam-1").files() == []
        await nothing_lost_nothing_twice(site)
        issue = (await site.facts("camera.issued"))[0]["data"]
        sealed = (await site.facts("recording.sealed"))[0]["data"]
        assert (sealed["officer"], sealed["issue"]) == (OFFICER.id, issue["issue"])
        await _prove(site, sealed["recording"])
        assert not site.world.trouble
        await site.procs["edged-sync"].end()
        await site.procs["edged"].end()
        await _verify(site)


async def _prove(site: QuickSite, recording: str) -> None:
    """The proof holds for the recording, and for no other byte."""
    file, keys = site.folder / "one.proof", site.folder / "court.keys"
    keys.write_text("\n".join((site.folder / "keys" / f"{x}.pub").read_text() for x in ("station", "centre")))
    await site.until("a witness signed", lambda: _witnessed(site, recording), within_s=20)
    await site.edgectl_json("prove", recording[:8], "--out", str(file))
    content = next((site.vault / "recordings").rglob(f"{recording}/content.*"))
    assert await asyncio.to_thread(bare, content, file, keys) == verify_proof.HOLDS
    for spoilt in (content, file):
        with Spoilt(spoilt):
            assert await asyncio.to_thread(bare, content, file, keys) == verify_proof.FAILS
    assert await asyncio.to_thread(bare, content, file, keys) == verify_proof.HOLDS


async def _witnessed(site: QuickSite, recording: str) -> bool:
    line = next(x["seq"] for x in await site.facts("recording.sealed") if x["data"]["recording"] == recording)
    countersigned = (await site.call("status"))["ledger"]["countersigned"]
    return bool(countersigned > line)


async def _verify(site: QuickSite) -> None:
    """Good on both sides, and not good once a byte of ledger or recording is another."""
    station = str(site.state / "ledger"), "--vault", str(site.vault)
    copy = site.store / "checkpoint-7"
    centre = str(copy / "ledger"), "--vault", str(copy)
    for words, folder in ((station, site.state / "ledger"), (centre, copy / "ledger")):
        assert await verdict(site, *words) == 0
        piece = min(folder.glob("0*.jsonl"))
        with Spoilt(piece, 200):
            assert await verdict(site, *words) == 1
    for folder, words in ((site.vault, station), (copy, centre)):
        recording = max((folder / "recordings").rglob("content.*"), key=lambda path: path.stat().st_size)
        with Spoilt(recording):
            assert await verdict(site, *words) == 1
        assert await verdict(site, *words) == 0


@pytest.mark.fault(
    "X03", "SIGKILL of edged in mid-copy and of edged-sync in mid-transfer: resumed, nothing twice"
)
async def test_killed_in_mid_copy_and_in_mid_transfer_it_resumes_and_nothing_is_there_twice() -> None:
    async with places.commissioned() as site:
        await places.in_service(site)
        await patrol(site, clip(1, LONG), clip(2))
        await site.world.change("cam-1", faults=UsbFaults(bytes_per_s=8_000_000))
        await site.world.insert("cam-1", 1)
        await site.until("a copy is past its first mark", lambda: copied(site, MARK + MIB))
        await site.kill_edged()
        await site.until("no helper is left behind", lambda: not helpers(site), within_s=10)
        await site.world.change("cam-1", faults=NO_FAULTS)
        await places.in_service(site)
        await places.counted(site, "sealed", 2)
        started = [x["data"] for x in await site.facts("station.started")]
        assert not started[-1]["clean"]
        (unfinished,) = started[-1]["unfinished"]
        copies = [x["data"] for x in await site.facts("offload.started")]
        resumed = [x for x in copies if unfinished == f"offload:{x['recording']}"]
        assert resumed[0]["offset"] == 0 < resumed[-1]["offset"]
        await _kill_the_courier(site)
        await places.counted(site, "cleared", 2)
        await nothing_lost_nothing_twice(site)


async def _kill_the_courier(site: QuickSite) -> None:
    site.proxy.throttle(8_000_000)
    await site.start_intake()
    await site.start_sync()
    await site.until("a transfer is past its first sync", lambda: site.proxy.traffic.up > BIG)
    assert not places.sealed_files(site.store)
    await site.procs["edged-sync"].end(signal.SIGKILL)
    site.proxy.throttle(None)
    await site.start_sync()
    await places.counted(site, "confirmed", 2)
    assert site.proxy.traffic.up < 2 * LONG  # what was proved to be there did not go over the line again


def helpers(site: Site) -> list[str]:
    """Workers of this site that are alive, by their command lines."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if b"drivers.worker.main" in words and str(site.folder).encode() in words:
            found.append(words.replace(b"\0", b" ").decode())
    return found


async def copied(site: Site, least: int) -> dict[str, Any] | None:
    """Slot 1, once so many bytes of a recording are copied."""
    row = await site.slot(1)
    return row if row["recording_bytes"] >= least else None


@pytest.mark.fault(
    "X06", "SIGTERM in mid-copy and in mid-transfer ends both within 10 s; the next start is a clean one"
)
async def test_told_to_stop_in_mid_work_both_end_within_ten_seconds_and_go_on_afterwards() -> None:
    async with places.commissioned() as site:
        await site.start()
        await places.vouch(site)
        await patrol(site, clip(1, 3_000_000), clip(2, BIG))
        site.proxy.throttle(500_000)
        await site.world.change("cam-1", faults=UsbFaults(bytes_per_s=2_500_000))
        await site.world.insert("cam-1", 1)
        await site.until("a copy runs", lambda: copied(site, BIG // 4))
        await site.until("a transfer runs", lambda: site.proxy.traffic.up > 400_000)
        for name in ("edged", "edged-sync"):
            began = time.monotonic()
            assert await site.procs[name].end(signal.SIGTERM) == 0, site.procs[name].log.read_text()
            assert time.monotonic() - began < STOP_S
        assert not helpers(site)
        site.proxy.throttle(None)
        await site.world.change("cam-1", faults=NO_FAULTS)
        await places.in_service(site)
        await site.start_sync()
        await places.counted(site, "cleared", 2)
        assert (await site.facts("station.started"))[-1]["data"]["clean"]
        await nothing_lost_nothing_twice(site)


@pytest.mark.fault(
    "N02", "a line that swallows everything in mid-transfer delays delivery and spoils nothing"
)
@pytest.mark.fault(
    "N03", "a line that trickles is given up and taken up again from what is proved to be there"
)
@pytest.mark.fault("N04", "a reset in mid-block costs a connection; the recording arrives whole and once")
async def test_a_line_that_swallows_trickles_and_breaks_delays_delivery_and_spoils_nothing() -> None:
    async with places.commissioned() as site:
        await site.start()
        await places.vouch(site)
        traffic = site.proxy.traffic
        site.proxy.cut(after=2_000_000)
        await patrol(site, clip(1, BIG), clip(2))
        await site.world.insert("cam-1", 1)
        await site.until("the line was cut and is used again", lambda: traffic.connections >= 2)
        site.proxy.swallow(after=3_000_000)
        await site.until("the line swallows", lambda: traffic.swallowed > 0)
        connections = traffic.connections
        await site.until("the silence is noticed", lambda: traffic.connections > connections, within_s=15)
        site.proxy.heal()
        site.proxy.throttle(1.0)
        connections = traffic.connections
        await site.until("the trickle is noticed", lambda: traffic.connections > connections, within_s=15)
        site.proxy.throttle(None)
        site.proxy.heal()
        await places.counted(site, "cleared", 2)
        await nothing_lost_nothing_twice(site)
        assert not await site.facts("offload.interrupted")  # the line is no matter of the cameras


def test_the_scratch_folder_of_these_tests_lies_on_a_disk() -> None:
    """A read-back from memory proves nothing."""
    with scratch() as folder:
        stat = os.statvfs(folder)
        assert stat.f_blocks > 0
        kind = subprocess.run(
            ["stat", "-f", "-c", "%T", str(folder)], capture_output=True, text=True, check=True
        ).stdout.strip()
    assert kind not in {"tmpfs", "ramfs"}
