"""The whole job on a real host: package, systemd, udev, kernel, OpenSSH, and a disk that nobody here wrote."""

import hashlib
import os

import pytest

from edged.leds import SIGNS, Sign
from firmware_protocol.dock.messages import Latch
from simulators.cards import Card, Filesystem
from simulators.hands import film
from tests.vm.cameras import a_card, fsck
from tests.vm.hardware import SLOTS
from tests.vm.machine import Machine
from tests.vm.post import Post

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1200)]
FULL = bool(os.environ.get("FULL"))
PLACES = [n << 20 for n in (1, 9, 5, 2, 14, 3, 7, 18, 11, 4)]
"""Bytes of the card after whose reading it is pulled."""
SLOT, SERIAL = 3, "BWC-3"
CLIPS = {f"DCIM/100MEDIA/CLIP000{n}.MP4": film(n, 8 << 20) for n in (1, 2)}


@pytest.mark.parametrize("filesystem", [pytest.param("fat32", marks=pytest.mark.sample), "exfat"])
def test_a_camera_is_offloaded_delivered_cleared_and_issued(post: Post, filesystem: Filesystem) -> None:
    path, station = post.folder / "card.img", post.station
    card = Card.open(a_card(path, filesystem, CLIPS))
    room = card.free_bytes() + sum(map(len, CLIPS.values()))  # the folders stay

    post.insert_disk(SERIAL, path, SLOT)
    station.until(station.cleared(len(CLIPS)), "all is delivered, confirmed and cleared from the camera")
    ready = 'edgectl --json slots | grep -Eq \'"state": *"ready"\''
    station.until(ready, "the camera is ready")
    assert post.hardware.slot(SLOT).latch is Latch.LOCKED
    assert post.hardware.slot(SLOT).colour is SIGNS[Sign.READY].colour
    assert station.stored() == sorted(hashlib.sha256(content).hexdigest() for content in CLIPS.values())

    post.unlocked(SLOT)
    post.machine.pull(SERIAL)
    station.until(station.logged("camera.issued"), "the camera is issued")

    fsck(path, filesystem)
    left = Card.open(path)
    assert left.files() == []
    assert left.free_bytes() == room


def test_a_camera_that_leaves_in_mid_read_again_and_again_is_brought_in_whole(post: Post) -> None:
    path, station = post.folder / "card.img", post.station
    content = film(3, 24 << 20)
    a_card(path, "fat32", {"DCIM/100MEDIA/CLIP0001.MP4": content})
    post.hardware.insert(SLOT)
    for place in PLACES[: None if FULL else 3]:
        post.machine.plug_disk(SERIAL, path, SLOTS[SLOT], SERIAL, bytes_s=2 << 20)
        post.read(SERIAL, place)
        post.machine.pull(SERIAL)
    post.machine.plug_disk(SERIAL, path, SLOTS[SLOT], SERIAL)
    station.until(station.cleared(1), "it is delivered, confirmed and cleared from the camera")
    assert station.stored() == [hashlib.sha256(content).hexdigest()]
    assert len(post.facts("recording.sealed")) == 1
    post.machine.pull(SERIAL)
    fsck(path, "fat32")


def test_a_host_that_is_no_station_yet_says_so(machine: Machine) -> None:
    machine.until("systemctl is-active edged", within_s=120)
    machine.until("systemctl show -P StatusText edged | grep -q 'commissioning needed: E4002'")
    said = machine.run("edgectl status", check=False, timeout_s=120)
    assert "E4002" in said
    assert machine.run("journalctl -b -u edged -o cat --no-pager | grep -c '^EDG-4002'").strip() == "1"
    assert machine.run("systemctl is-failed 'edged*'", check=False).split().count("failed") == 0
