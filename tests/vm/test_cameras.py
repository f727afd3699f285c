"""Cameras of two makes in eight slots on cascaded hubs, and what happens to them at the plug and on the card."""

import hashlib
import sys
import time
from collections.abc import Mapping
from datetime import timedelta

import pytest

from simulators.cards import Card
from simulators.faults import UsbFaults
from simulators.hands import film
from tests.vm.cameras import MADE_AT, a_card, fsck
from tests.vm.hardware import SLOTS
from tests.vm.post import Post

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1500)]
CLIP = "DCIM/100MEDIA/CLIP{:04d}.MP4"
MIB = 1 << 20
SWAP_S = 0.1  # within which a camera is swapped
GAT = {"K000001": 1, "K000002": 2, "K000005": 5}  # serial number → slot
MSC = {"BWC-6": 6, "BWC-7": 7}
DISKS = {"BWC-3": 3, "BWC-4": 4, "BWC-8": 8}


def digests(*clips: Mapping[str, bytes]) -> list[str]:
    return sorted(hashlib.sha256(content).hexdigest() for one in clips for content in one.values())


def test_eight_slots_on_cascaded_hubs_bring_in_cameras_of_two_makes(post: Post) -> None:
    station, folder = post.station, post.folder
    every = {
        serial: {CLIP.format(1): film(slot, 2 * MIB + slot)} for serial, slot in (GAT | MSC | DISKS).items()
    }
    for serial, slot in (GAT | MSC).items():
        make = post.cameras.gat947 if serial in GAT else post.cameras.msc
        make(serial, every[serial])
        post.insert(serial, slot)
    for serial, slot in DISKS.items():
        a_card(folder / f"{serial}.img", "exfat" if slot == 8 else "fat32", every[serial])
        post.insert_disk(serial, folder / f"{serial}.img", slot)
    station.until(station.cleared(len(every)), "all is delivered, confirmed and cleared from the cameras")
    assert station.stored() == digests(*every.values())

    for serial, slot in (GAT | MSC).items():
        post.cameras.pull(slot)
        fsck(post.cameras.card(serial), "fat32")
        assert Card.open(post.cameras.card(serial)).files() == []
    for serial, slot in DISKS.items():
        post.machine.pull(serial)
        fsck(folder / f"{serial}.img", "exfat" if slot == 8 else "fat32")
        assert Card.open(folder / f"{serial}.img").files() == []


def test_a_camera_that_comes_back_in_another_slot_is_the_same_camera(post: Post) -> None:
    first, later = {CLIP.format(1): film(1, MIB)}, {CLIP.format(2): film(2, MIB)}
    post.cameras.gat947("K000001", first)
    post.insert("K000001", 1)
    post.station.until(post.station.cleared(1), "its clip is cleared")
    post.station.until('edgectl --json slots | grep -Eq \'"state": *"ready"\'', "it is ready")
    post.unlocked(1)
    post.cameras.pull(1)
    post.station.until(post.station.logged("camera.issued"), "it is issued")
    card = Card.open(post.cameras.card("K000001"))
    for name, content in later.items():
        card.add(name, content, MADE_AT + timedelta(hours=1))
    post.insert("K000001", 7)
    post.station.until(post.station.cleared(2), "what was filmed since is cleared")
    assert post.station.stored() == digests(first, later)
    docked = post.facts("camera.docked")
    assert {fact["slot"] for fact in docked} == {1, 7}
    assert len({fact["camera"] for fact in docked}) == 1


def test_contact_bounce_and_a_swap_faster_than_the_eye(
    post: Post, capsys: pytest.CaptureFixture[str]
) -> None:
    """A contact that bounces five times, then another camera in the place of the first within a tenth of a second."""
    bouncing = {CLIP.format(1): film(1, 4 * MIB)}
    post.cameras.msc("BWC-7", bouncing)
    post.insert("BWC-7", 7)
    for _ in range(5):
        time.sleep(0.04)
        post.cameras.pull(7)
        time.sleep(0.01)
        post.cameras.insert("BWC-7", 7)
    first, second = {CLIP.format(1): film(4, 8 * MIB)}, {CLIP.format(1): film(5, MIB)}
    for serial, clips in (("BWC-4", first), ("BWC-9", second)):
        a_card(post.folder / f"{serial}.img", "fat32", clips)
    post.insert_disk("BWC-4", post.folder / "BWC-4.img", 4, bytes_s=MIB)
    post.read("BWC-4", 2 * MIB)
    between_s = post.machine.swap_disk("BWC-4", "BWC-9", post.folder / "BWC-9.img", SLOTS[4], "BWC-9")
    if (
        between_s >= SWAP_S
    ):  # a busy host: everything below holds all the same, and was asked of a slower hand
        with capsys.disabled():
            sys.stdout.write(f"\nnot proven here: swapped within {between_s:.3f} s, not {SWAP_S} s\n")
    post.station.until(post.station.cleared(2), "the bouncing and the second are cleared")
    assert post.station.stored() == digests(bouncing, second)
    post.machine.pull("BWC-9")
    post.machine.plug_disk("BWC-4", post.folder / "BWC-4.img", SLOTS[4], "BWC-4")
    post.station.until(post.station.cleared(3), "the first is cleared too")
    assert post.station.stored() == digests(bouncing, first, second)
    cameras = {sealed["camera"]: sealed["sha256"] for sealed in post.facts("recording.sealed")}
    assert len(cameras) == 3


def test_a_bad_sector_costs_what_lies_there_and_nothing_else(post: Post) -> None:
    clips = {CLIP.format(n): film(n, 2 * MIB) for n in (1, 2)}
    path = a_card(post.folder / "BWC-8.img", "fat32", clips)
    content = clips[CLIP.format(1)]
    at = path.read_bytes().index(content[MIB : MIB + 512])
    post.insert_disk("BWC-8", path, 8, bad_sector=at // 512)
    post.station.until(post.station.cleared(1), "the sound clip is cleared")
    post.station.until("test $(find /srv/store -name 'receipt.note' | wc -l) = 2", "both are at the centre")
    damaged = [sealed for sealed in post.facts("recording.sealed") if sealed["gaps"]]
    assert damaged == [{**damaged[0], "gaps": [{"offset": MIB, "size": 512}], "size": 2 * MIB}]
    post.machine.pull("BWC-8")
    assert [file.path for file in Card.open(path).files()] == ["/DCIM/100MEDIA/CLIP0001.MP4"]


def test_a_camera_that_falls_silent_is_power_cycled_and_brought_in(post: Post) -> None:
    clips = {CLIP.format(1): film(1, 4 * MIB)}
    post.cameras.msc("BWC-6", clips)
    post.cameras.change("BWC-6", faults=UsbFaults(silent_after_commands=60))
    post.insert("BWC-6", 6)
    post.station.until(post.station.cleared(1), "it is brought in and cleared after all")
    assert post.station.stored() == digests(clips)
    assert (6, False) in post.switched
