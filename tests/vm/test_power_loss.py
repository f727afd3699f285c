"""The power goes at random moments of the main job, and with it what the evidence disk had not been told to keep."""

import hashlib
import os
import random
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Protocol

import pytest

from simulators.cards import Card
from simulators.hands import film
from tests.vm.data_disk import DataDisk
from tests.vm.hardware import Hardware
from tests.vm.machine import Machine
from tests.vm.station import Station

pytestmark = [pytest.mark.vm, pytest.mark.timeout(3600)]
CUTS = 30 if os.environ.get("FULL") else 3
SEED = int(os.environ.get("SEED", "1"))
LONGEST_S = 45.0  # from the camera's coming until the cut: its way takes that long in the guest
MADE_AT = datetime(2026, 11, 28, 8, 30)  # noqa: DTZ001  # a camera knows no zone
SLOT, SERIAL, PORTS = 3, "BWC-1", {3: "1.3"}
UUID = "5ea1ed00-0000-4000-8000-000000000007"
PLACE = "/evidence"
DROP_IN = f"[Unit]\nRequiresMountsFor={PLACE}\n[Service]\nReadWritePaths={PLACE}\n"
MOUNT = f"UUID={UUID} {PLACE} {{filesystem}} defaults,nofail,x-systemd.device-timeout=90 0 2\n"
CLIPS = {f"DCIM/100MEDIA/CLIP00{n:02d}.MP4": film(n, (2 << 20) + n) for n in range(1, 9)}


class Disk(Protocol):
    def attach(self, machine: Machine) -> None: ...


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


@pytest.fixture
def hardware(tmp_path: Path) -> Iterator[Hardware]:
    made = Hardware(tmp_path / "hardware", SLOT)
    try:
        yield made
    finally:
        made.close()


def plugged(machine: Machine, disk: Disk, hardware: Hardware) -> None:
    disk.attach(machine)
    hardware.plug(machine)


def prepare(machine: Machine, disk: Disk, hardware: Hardware, filesystem: str = "ext4") -> Station:
    """State and vault lie on this disk."""
    plugged(machine, disk, hardware)
    hardware.is_seen(machine)
    machine.run(f"mkdir {PLACE} && echo '{MOUNT.format(filesystem=filesystem)}' >>/etc/fstab")
    for unit in ("edged", "edged-sync"):
        machine.run(f"mkdir -p /etc/systemd/system/{unit}.service.d")
        machine.put(f"/etc/systemd/system/{unit}.service.d/evidence.conf", DROP_IN.encode())
    machine.until(f"systemctl daemon-reload && mount {PLACE}")
    machine.run(f"install -d -m 2710 -o edged -g edged-read {PLACE}/state")
    settings = hardware.settings(PORTS, {SERIAL: "msc"})
    return Station(machine, hardware.keys, settings, state=f"{PLACE}/state", vault=f"{PLACE}/vault")


@pytest.mark.sample
def test_power_cuts_at_random_moments_cost_no_recording(
    machine: Machine, disk: DataDisk, hardware: Hardware, tmp_path: Path
) -> None:
    dice = random.Random(SEED)
    path = tmp_path / "card.img"
    Card.format(path, "fat32", 64 << 20, volume_id=7)
    for name, content in CLIPS.items():
        Card.open(path).add(name, content, MADE_AT)
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
    machine.pull("camera")
    done = subprocess.run(["fsck.fat", "-n", str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
    assert Card.open(path).files() == []
