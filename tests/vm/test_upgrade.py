"""The power goes while the package is being replaced: it is replaced again, and nothing is lost."""

import hashlib
import os
import random
import time
from pathlib import Path

import pytest

from simulators.hands import film
from tests.vm.cameras import a_card
from tests.vm.evidence import PORTS, SERIAL, SLOT, cleared
from tests.vm.hardware import Hardware
from tests.vm.lab import DEB
from tests.vm.machine import Machine
from tests.vm.station import Station

pytestmark = [pytest.mark.vm, pytest.mark.timeout(3600)]
CUTS = 10 if os.environ.get("FULL") else 2
SEED = int(os.environ.get("SEED", "1"))
LONGEST_S = 60.0  # unpacking and configuring take that long in the guest
INSTALL_S = 300.0
CLIPS = {f"DCIM/100MEDIA/CLIP000{n}.MP4": film(n, (1 << 20) + n) for n in (1, 2)}


def test_power_cuts_while_the_package_is_replaced_cost_nothing(
    machine: Machine, hardware: Hardware, tmp_path: Path
) -> None:
    dice = random.Random(SEED)
    hardware.plug(machine)
    hardware.is_seen(machine)
    station = Station(machine, hardware.keys, hardware.settings(PORTS, {SERIAL: "msc"}))
    station.commission()
    hardware.insert(SLOT)
    card = a_card(tmp_path / "card.img", "fat32", CLIPS)
    machine.plug_disk("camera", card, PORTS[SLOT], SERIAL, bytes_s=1 << 20)
    station.until(station.logged("offload.started"), "the offload has begun")
    machine.run("sync")
    for _ in range(CUTS):
        machine.run(f"systemd-run -q --collect --unit=replacing dpkg -i {DEB}")
        time.sleep(dice.uniform(0.0, LONGEST_S))
        machine.kill()
        machine.boot(lambda: hardware.plug(machine))
        machine.run("dpkg --configure -a", timeout_s=INSTALL_S, check=False)
        machine.run(f"dpkg -i {DEB}", timeout_s=INSTALL_S)
        station.until("edgectl status", "the station answers again")
    machine.plug_disk("camera", card, PORTS[SLOT], SERIAL)
    station.until(station.cleared(len(CLIPS)), "all is delivered, confirmed and cleared from the camera")
    assert station.stored() == sorted(hashlib.sha256(content).hexdigest() for content in CLIPS.values())
    key = f"--station-key '{station.key}'"
    assert "good" in machine.run(f"edgectl verify /var/lib/edged/ledger {key}", timeout_s=INSTALL_S)
    cleared(machine, "camera", card)
