"""The whole job on a real host: package, systemd, udev, kernel, OpenSSH, and a disk that nobody here wrote."""

import hashlib
import os
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from edged.leds import SIGNS, Sign
from firmware_protocol.dock.messages import Latch
from simulators.cards import Card, Filesystem
from simulators.hands import film
from tests.vm.hardware import Hardware
from tests.vm.machine import Machine
from tests.vm.station import OFFICER, Station

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1200)]
FULL = bool(os.environ.get("FULL"))
MADE_AT = datetime(2026, 11, 28, 8, 30)  # noqa: DTZ001  # a camera knows no zone
WITHIN_S = 240.0
PLACES = [n << 20 for n in (1, 9, 5, 2, 14, 3, 7, 18, 11, 4)]
"""Bytes of the card after whose reading it is pulled."""
SLOT, SERIAL = 3, "BWC-1"
PORTS = {1: "1.1", 2: "1.2", 3: "1.3"}
CLIPS = {f"DCIM/100MEDIA/CLIP000{n}.MP4": film(n, 8 << 20) for n in (1, 2)}


@pytest.fixture
def hardware(machine: Machine, tmp_path: Path) -> Iterator[Hardware]:
    made = Hardware(tmp_path / "hardware", len(PORTS))
    try:
        made.plug(machine)
        made.is_seen(machine)
        yield made
    finally:
        made.close()


def a_card(path: Path, filesystem: Filesystem) -> Card:
    Card.format(path, filesystem, 64 << 20, volume_id=7)
    return Card.open(path)


def fsck(path: Path, filesystem: Filesystem) -> None:
    program = ["fsck.exfat", "-n"] if filesystem == "exfat" else ["fsck.fat", "-n"]
    done = subprocess.run([*program, str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("filesystem", ["fat32", "exfat"])
def test_a_camera_is_offloaded_delivered_cleared_and_issued(
    machine: Machine, hardware: Hardware, tmp_path: Path, filesystem: Filesystem
) -> None:
    path = tmp_path / "card.img"
    card = a_card(path, filesystem)
    for name, content in CLIPS.items():
        card.add(name, content, MADE_AT)
    room = card.free_bytes() + sum(map(len, CLIPS.values()))  # the folders stay

    station = Station(machine, hardware.keys, hardware.settings(PORTS, SERIAL))
    station.commission()
    hardware.insert(SLOT)
    machine.plug_disk("camera", path, PORTS[SLOT], SERIAL)
    station.until(station.cleared(len(CLIPS)), "all is delivered, confirmed and cleared from the camera")
    ready = 'edgectl --json slots | grep -Eq \'"state": *"ready"\''
    station.until(ready, "the camera is ready")
    assert hardware.slot(SLOT).latch is Latch.LOCKED
    assert hardware.slot(SLOT).colour is SIGNS[Sign.READY].colour
    assert station.stored() == sorted(hashlib.sha256(content).hexdigest() for content in CLIPS.values())

    hardware.tap(OFFICER.badge)
    station.until(station.logged("camera.granted"), "the camera is granted")
    assert hardware.take_out(SLOT)
    machine.pull("camera")
    station.until(station.logged("camera.issued"), "the camera is issued")

    fsck(path, filesystem)
    left = Card.open(path)
    assert left.files() == []
    assert left.free_bytes() == room


def test_a_camera_that_leaves_in_mid_read_again_and_again_is_brought_in_whole(
    machine: Machine, hardware: Hardware, tmp_path: Path
) -> None:
    path = tmp_path / "card.img"
    content = film(3, 24 << 20)
    a_card(path, "fat32").add("DCIM/100MEDIA/CLIP0001.MP4", content, MADE_AT)
    station = Station(machine, hardware.keys, hardware.settings(PORTS, SERIAL))
    station.commission()
    hardware.insert(SLOT)
    for place in PLACES[: None if FULL else 3]:
        machine.plug_disk("camera", path, PORTS[SLOT], SERIAL, bytes_s=2 << 20)
        end = time.monotonic() + WITHIN_S
        while machine.bytes_read("camera") < place:
            assert time.monotonic() < end, station.story()
            time.sleep(0.05)
        machine.pull("camera")
    machine.plug_disk("camera", path, PORTS[SLOT], SERIAL)
    station.until(station.cleared(1), "it is delivered, confirmed and cleared from the camera")
    assert station.stored() == [hashlib.sha256(content).hexdigest()]
    assert len(station.ask("log", "--type", "recording.sealed", "--since", "2h")) == 1
    machine.pull("camera")
    fsck(path, "fat32")


def test_a_host_that_is_no_station_yet_says_so(machine: Machine) -> None:
    machine.until("systemctl is-active edged", within_s=120)
    machine.until("systemctl show -P StatusText edged | grep -q 'commissioning needed: E4002'")
    said = machine.run("edgectl status", check=False, timeout_s=120)
    assert "E4002" in said
    assert machine.run("journalctl -b -u edged -o cat --no-pager | grep -c '^EDG-4002'").strip() == "1"
    assert machine.run("systemctl is-failed 'edged*'", check=False).split().count("failed") == 0
