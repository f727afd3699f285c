"""The power goes at random moments of the main job, and with it what the evidence disk had not been told to keep."""

import hashlib
import os
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulators.hands import film
from tests.vm.cameras import a_card
from tests.vm.data_disk import DataDisk
from tests.vm.evidence import PLACE, PORTS, SERIAL, SLOT, UUID, cleared, plugged, prepare
from tests.vm.hardware import Hardware
from tests.vm.machine import Machine

pytestmark = [pytest.mark.vm, pytest.mark.timeout(3600)]
CUTS = 30 if os.environ.get("FULL") else 3
SEED = int(os.environ.get("SEED", "1"))
LONGEST_S = 45.0  # from the camera's coming until the cut: its way takes that long in the guest
CLIPS = {f"DCIM/100MEDIA/CLIP00{n:02d}.MP4": film(n, (2 << 20) + n) for n in range(1, 9)}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[DataDisk]:
    image = tmp_path / "data.img"
    with image.open("wb") as file:
        file.truncate(512 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-U", UUID, str(image)], check=True, timeout=60)
    made = DataDisk(image, tmp_path)
    made.start()
    try:
        yield made
    finally:
        made.lose_power()


@pytest.mark.sample
def test_power_cuts_at_random_moments_cost_no_recording(
    machine: Machine, disk: DataDisk, hardware: Hardware, tmp_path: Path
) -> None:
    dice = random.Random(SEED)
    path = a_card(tmp_path / "card.img", "fat32", CLIPS)
    station = prepare(machine, disk, hardware)
    station.commission()
    machine.run(
        "sync"
    )  # what the test itself has written; the evidence disk is told by nobody but the station
    hardware.insert(SLOT)
    for _ in range(CUTS):
        machine.plug_disk("camera", path, PORTS[SLOT], SERIAL, bytes_s=1 << 20)
        time.sleep(dice.uniform(0.0, LONGEST_S))
        disk.lose_power()
        machine.kill()

        disk.start()
        machine.boot(lambda: plugged(machine, disk, hardware))
        station.until("edgectl status", "the station answers again")
    machine.plug_disk("camera", path, PORTS[SLOT], SERIAL)
    station.until(station.cleared(len(CLIPS)), "all is delivered, confirmed and cleared from the camera")
    assert station.stored() == sorted(hashlib.sha256(content).hexdigest() for content in CLIPS.values())
    ledger = f"{PLACE}/state/ledger --station-key '{station.key}' --vault {PLACE}/vault"
    assert "good" in machine.run(f"edgectl verify {ledger}", timeout_s=300)
    cleared(machine, "camera", path)
