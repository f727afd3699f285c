"""Closed ports on a real kernel with real udev: what is in a slot is nobody's until the core opens it for a camera."""

from pathlib import Path

import pytest

from tests.vm.machine import Machine

pytestmark = [pytest.mark.vm, pytest.mark.timeout(900)]
PORTS = {1: "1.1", 2: "1.2", 3: "1.3"}
SLOTS = [f'  {{ label = {slot}, port = "pci-0000:00:10.0-usb-0:{port}" }},' for slot, port in PORTS.items()]
MAP = "\n".join(["[[dock]]", "slots = [", *SLOTS, "]", ""])
NO_DRIVER = "test ! -e /sys/bus/usb/devices/1-{port}:1.0/driver"
SHUT = "grep -qx 0 /sys/bus/usb/devices/1-{port}/authorized"


def commission(machine: Machine) -> None:
    """Give it a slot map; the path unit makes the rules of it."""
    machine.put("/etc/edged/edged.toml", MAP.encode())
    machine.until("test -e /etc/udev/rules.d/71-edged.rules && ! systemctl is-active -q edged-rules")
    machine.until("grep -qx 0 /sys/bus/usb/devices/usb1/authorized_default")


def test_what_is_in_a_slot_binds_no_driver_and_everything_else_works_as_ever(
    machine: Machine, card: Path
) -> None:
    commission(machine)
    machine.plug_disk("camera", card, PORTS[3], "BWC-1")
    machine.plug("badusb", "usb-kbd", PORTS[2], serial="KBD-1")
    machine.plug("keyboard", "usb-kbd", "1.5", serial="KBD-2")  # on the dock's hub, in no slot
    machine.plug("other", "usb-kbd", "2", serial="KBD-3")  # on the controller itself
    for port in ("1.5", "2"):
        machine.until(f"readlink /sys/bus/usb/devices/1-{port}:1.0/driver | grep -q usbhid")
    for port in (PORTS[2], PORTS[3]):
        machine.until(SHUT.format(port=port))
        machine.run(NO_DRIVER.format(port=port))
    machine.until("test -L /dev/edged/slot-2 -a -L /dev/edged/slot-3")
    assert "sd" not in machine.run("ls /sys/block")
    assert machine.run("stat -L -c %G:%a /dev/edged/slot-3").strip() == "edged-slot:660"


def test_the_gate_is_shut_at_boot_with_everything_plugged_in_and_nothing_of_ours_running(
    machine: Machine, card: Path
) -> None:
    commission(machine)
    machine.run("systemctl mask edged edged-sync edged-ports.socket")
    machine.plug_disk("camera", card, PORTS[3], "BWC-1")
    machine.plug("badusb", "usb-kbd", PORTS[2], serial="KBD-1")
    machine.run("sync; systemctl --no-block reboot", check=False)
    machine.up_again()
    machine.run("systemctl is-system-running --wait", check=False)
    for port in (PORTS[2], PORTS[3]):
        machine.until(SHUT.format(port=port))
        machine.run(NO_DRIVER.format(port=port))
    assert "sd" not in machine.run("ls /sys/block")
    assert not machine.run("grep -l '1-1.[23]' /proc/mounts /proc/bus/input/devices", check=False).strip()


def test_the_package_is_installed_with_its_users_and_starts_shut(machine: Machine) -> None:
    for user in ("edged", "edged-slot", "edged-sync"):
        machine.run(f"id {user}")
    assert machine.run("systemctl is-active edged-ports.socket edged-rules.path").split() == ["active"] * 2
    assert machine.run("stat -c %a /etc/edged/keys").strip() == "700"
    for unit, limit in {"edged": 1.0, "edged-slot@1": 0.8, "edged-sync": 1.2, "edged-ports": 2.5}.items():
        verdict = machine.run(f"systemd-analyze security --no-pager {unit}.service | tail -1", timeout_s=120)
        assert float(verdict.rpartition(": ")[2].split()[0]) <= limit, verdict
