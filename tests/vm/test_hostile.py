"""What somebody may push into a slot instead of a camera, on a real kernel: nothing of it is bound or mounted.

FULL=1: every kind there is, else a sample of them.
"""

import os
import subprocess

import pytest

from simulators.faults import UsbFaults
from simulators.hands import film
from simulators.usb.hostile import CLASSES, DEVICES
from simulators.usb.interfaces import INTERFACES
from simulators.usb.mass_storage import INTERFACE
from simulators.usb.spec import CameraSpec
from tests.vm.cameras import crowded_card
from tests.vm.hardware import SLOTS
from tests.vm.post import Post

pytestmark = [pytest.mark.vm, pytest.mark.timeout(3600)]
FULL = bool(os.environ.get("FULL"))
FIRST, SECOND = 1, 5  # slots: on the dock's hub, on the hub behind it
OURS = 2  # the slot of an honest camera, which goes on meanwhile
MIB = 1 << 20
REFUSED_S = 90.0
GIVEN_UP = "journalctl -k -b -o cat --no-pager | grep -c 'unable to enumerate USB device'"
SILENT = {"mute", "stubborn"}
"""The kernel itself cannot enumerate them: no descriptors, no event; the port stays as it was."""
COMPOSITES = {f"storage-and-{name}": (name,) for name in INTERFACES}
SAMPLE = (
    "keyboard",
    "ethernet",
    "microphone",
    "printer",
    "hub",
    "attached-scsi",
    "storage-and-keyboard",
    "long-total",
)
EVERY = (*sorted(DEVICES), *COMPOSITES)
BEFORE_BOOT = ("keyboard", "storage-and-network")


class Street:
    """Who may put anything into the slots of a post."""

    def __init__(self, post: Post) -> None:
        self.machine, self.folder, self.station = post.machine, post.folder, post.station
        self.hardware, self.cameras, self.insert, self.facts = (
            post.hardware,
            post.cameras,
            post.insert,
            post.facts,
        )
        self._made = self._given_up = 0

    def push(self, kind: str, slot: int, faults: UsbFaults | None = None) -> None:
        """Push a fresh device of this kind into a slot."""
        self._made += 1
        self._given_up = int(self.machine.run(f"{GIVEN_UP} || true"))
        name = f"{kind}-{self._made}"
        if kind in COMPOSITES:
            faults = UsbFaults(extra_interfaces=COMPOSITES[kind])
        spec = CameraSpec(
            name=name, kind="msc" if kind in COMPOSITES or faults else kind, faults=faults or UsbFaults()
        )
        self.cameras.add(spec)
        self.hardware.insert(slot)
        self.cameras.insert(name, slot)

    def take_away(self, slot: int) -> None:
        self.cameras.pull(slot)
        self.hardware.tear_out(slot)
        self.machine.until(f"test ! -e /sys/bus/usb/devices/1-{SLOTS[slot]}")
        self.machine.until(f"! systemctl is-active -q edged-slot@{slot}")

    def enumerated(self, slot: int) -> bool:
        """Wait until the kernel has on the bus what was pushed last, or has given up; return which."""
        device = f"/sys/bus/usb/devices/1-{SLOTS[slot]}"
        self.machine.until(f"test -e {device} || test $({GIVEN_UP}) -gt {self._given_up}", within_s=REFUSED_S)
        return bool(self.machine.run(f"test -e {device} && echo yes || true").strip())

    def refused(self, count: int, what: str) -> None:
        seen = "test $(journalctl -b -u edged -o cat --no-pager | grep -c '^EDG-2105') -ge"
        self.station.until(f"{seen} {count}", f"{what} is refused")

    def nothing_bound(self, slot: int, what: str) -> None:
        """No driver, no disk, no input, no network; the port is shut."""
        device = f"/sys/bus/usb/devices/1-{SLOTS[slot]}"
        bound = self.machine.run(f"readlink {device}:*/driver 2>/dev/null || true").split()
        assert [one for one in bound if not one.endswith("/usbfs")] == [], what
        shown = self.machine.run(
            "ls /sys/block /sys/class/net; cat /proc/mounts; cat /proc/bus/input/devices"
        )
        assert f"1-{SLOTS[slot]}" not in shown, what
        assert not {"sda", "sdb", "usb0", "eth1"} & set(shown.split()), what

    def shut(self, slot: int, what: str) -> None:
        state = self.machine.run(f"cat /sys/bus/usb/devices/1-{SLOTS[slot]}/authorized 2>/dev/null || true")
        assert state.strip() in ("", "0"), what


@pytest.fixture
def street(post: Post) -> Street:
    return Street(post)


@pytest.mark.sample
def test_every_class_of_device_is_refused_with_its_descriptors(street: Street) -> None:
    """One after the other in one slot, while the camera in another is brought in."""
    street.cameras.gat947("K000001", {"DCIM/100MEDIA/CLIP0001.MP4": film(1, 4 * MIB)})
    street.insert("K000001", OURS)
    done: list[str] = []
    for kind in EVERY if FULL else SAMPLE:
        if kind in SILENT:
            continue
        street.push(kind, FIRST)
        if street.enumerated(FIRST):
            street.refused(len(done) + 1, kind)
            done.append(kind)
        street.nothing_bound(FIRST, kind)
        street.shut(FIRST, kind)
        street.take_away(FIRST)
    facts = street.facts("device.refused")
    assert len(facts) == len(done)
    for kind, fact in zip(done, facts, strict=True):
        assert fact["slot"] == FIRST
        if kind in DEVICES:
            assert fact["descriptors"].startswith(DEVICES[kind]().identity.device.hex()), kind
        else:
            assert fact["interfaces"][0] == "/".join(f"{n:02x}" for n in INTERFACE.triple), kind
    street.station.until(street.station.cleared(1), "the camera beside it was brought in meanwhile")
    assert set(CLASSES) <= set(EVERY)


def test_a_device_that_turns_into_something_else_loses_its_port(street: Street) -> None:
    """Between two looks at its descriptors; and a camera that leaves the bus and comes back with a keyboard."""
    keyboard = DEVICES["keyboard"]().identity.configuration.hex()
    street.push("two-faced", FIRST, UsbFaults(configuration_later_hex=keyboard))
    street.refused(1, "a changed configuration")
    street.nothing_bound(FIRST, "two-faced")
    street.shut(FIRST, "two-faced")
    street.cameras.gat947("K000001", {"DCIM/100MEDIA/CLIP0001.MP4": film(1, MIB)})
    street.cameras.change("K000001", faults=UsbFaults(extra_as_disk=("keyboard",), repeat=True))
    street.insert("K000001", SECOND)
    street.refused(2, "a camera that grew a keyboard")
    street.nothing_bound(SECOND, "grown keyboard")
    street.shut(SECOND, "grown keyboard")


def test_a_disk_made_to_bring_the_host_down_does_not(street: Street) -> None:
    """An ext4 that asks for a panic on errors, and has one; and a card of 100,000 files."""
    trap = street.folder / "trap.img"
    with trap.open("wb") as file:
        file.truncate(64 * MIB)
    subprocess.run(["mkfs.ext4", "-q", "-e", "panic", str(trap)], check=True, timeout=60)
    with trap.open("r+b") as file:
        file.seek(1024 + 0x3A)
        file.write(b"\x02\x00")  # s_state: an error was seen
        file.seek(4096)
        file.write(os.urandom(4096))  # the group descriptors
    street.cameras.add(CameraSpec(name="trap", kind="msc", usb_serial="TRAP-1", card=str(trap)))
    street.insert("trap", FIRST)
    crowd = crowded_card(street.folder / "crowd.img", 100_000 if FULL else 20_000)
    street.cameras.add(CameraSpec(name="crowd", kind="msc", usb_serial="CROWD-1", card=str(crowd)))
    street.insert("crowd", SECOND)
    street.cameras.msc("BWC-6", {"DCIM/100MEDIA/CLIP0001.MP4": film(1, MIB)})
    street.insert("BWC-6", OURS)
    street.station.until(
        "edgectl --json log --type camera.docked --since 1h | grep -q TRAP-1", "the trap is read"
    )
    street.station.until(street.station.cleared(1), "the camera beside them was brought in meanwhile")
    for slot in (FIRST, SECOND):
        street.nothing_bound(slot, "trap or crowd")


def test_nothing_gets_in_while_the_daemon_is_stopped_killed_or_not_up_yet(street: Street) -> None:
    machine = street.machine
    machine.run("systemctl stop edged")
    street.push("keyboard", FIRST)
    assert street.enumerated(FIRST)
    street.shut(FIRST, "keyboard, stopped")
    street.nothing_bound(FIRST, "keyboard, stopped")
    machine.run("systemctl start edged", timeout_s=120)
    street.refused(1, "what was pushed in while the daemon was stopped")
    street.take_away(FIRST)

    machine.run("systemctl kill -s KILL edged")
    street.push("rndis", SECOND)
    assert street.enumerated(SECOND)
    street.shut(SECOND, "rndis, killed")
    street.nothing_bound(SECOND, "rndis, killed")
    street.refused(2, "what was pushed in while the daemon was dead")

    street.take_away(SECOND)
    before_boot = dict(zip((FIRST, SECOND), BEFORE_BOOT, strict=True))
    for slot, kind in before_boot.items():
        street.push(kind, slot)
        assert street.enumerated(slot)
    machine.run("sync; systemctl --no-block reboot", check=False)
    machine.up_again()
    for slot, kind in before_boot.items():
        street.nothing_bound(slot, f"{kind}, at boot")
    street.refused(
        2, "what was there at boot"
    )  # the daemon, now up, may have a port open for a moment to look
    for slot, kind in before_boot.items():
        street.shut(slot, f"{kind}, at boot")
        street.nothing_bound(slot, f"{kind}, refused")
