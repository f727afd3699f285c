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
    machine.until("test -e /etc/udev/rules.d/68-edged.rules && ! systemctl is-active -q edged-rules")
    machine.until("grep -qx 0 /sys/bus/usb/devices/usb1/authorized_default")


@pytest.mark.sample
def test_what_is_in_a_slot_binds_no_driver_and_everything_else_works_as_ever(
    machine: Machine, card: Path
) -> None:
    commission(machine)
    machine.plug_disk("camera", card, PORTS[3], "BWC-1")
    machine.plug("badusb", "usb-kbd", PORTS[2], serial="KBD-1")
    machine.plug("keyboard", "usb-kbd", "1.5", serial="KBD-2")  # on the dock's hub, in no slot
    machine.plug("other", "usb-kbd", "2", serial="KBD-3")  # on the controller itself
    machine.plug("elsewhere", "usb-kbd", "1", machine.second_controller(), serial="KBD-4")
    for device in ("1-1.5", "1-2", "3-1"):
        machine.until(f"readlink /sys/bus/usb/devices/{device}:1.0/driver | grep -q usbhid")
    assert machine.run("cat /sys/bus/usb/devices/usb3/authorized_default").strip() == "1"
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


CORE = """
import asyncio, pwd
from drivers.hotplug import UsbArrived
from drivers.worker import messages as m
from edged.errors import EdgeError
from edged.roles.connected_workers import ConnectedWorkers
from edged.roles.port_gate import PortGate

def say(*words): print(*words, flush=True)

async def main():
    uid, gate = pwd.getpwnam("edged-slot").pw_uid, PortGate("/run/edged-ports/ports.sock")
    workers = ConnectedWorkers("/run/edged/workers", {n: str(n) for n in (1, 2, 3)}, uid, gate, lambda *_, **__: None)
    while True:
        event = await workers.next()
        say(type(event).__name__, event.port)
        if isinstance(event, UsbArrived):
            try:
                worker = await workers.start(event.port)
                say("camera", (await worker.call(m.Identify(), deadline_s=60)).usb_serial)
                say("card", (await worker.call(m.ListClips(), deadline_s=60)).filesystem)
            except EdgeError as error:
                say("refused", error.code.label, error.detail.get("descriptors", "")[:4])

asyncio.run(main())
"""  # the core's part in it: who comes, who is let in, who has left


START = "systemd-run -q --unit=core -p User=edged -p PrivateNetwork=yes /usr/lib/edged/bin/python"
SAID = "journalctl -u core -o cat --no-pager"


def test_a_camera_is_spoken_to_by_its_sandboxed_worker_and_a_keyboard_by_nobody(
    machine: Machine, card: Path
) -> None:
    commission(machine)
    machine.run("systemctl stop edged edged-sync")
    machine.put("/run/edged/core.py", CORE.encode())
    machine.run("chown edged: /run/edged && chmod 711 /run/edged")
    machine.run(f"{START} /run/edged/core.py")
    said = SAID
    machine.plug_disk("camera", card, PORTS[3], "BWC-1")
    machine.plug("badusb", "usb-kbd", PORTS[2], serial="KBD-1")
    machine.until(f"{said} | grep -qx 'card fat32'")
    machine.until(f"{said} | grep -q '^refused'")
    lines = machine.run(said).splitlines()
    assert {"UsbArrived 3", "camera BWC-1", "UsbArrived 2", "refused E2010 1201"} <= set(lines)
    assert machine.run("readlink /sys/bus/usb/devices/1-1.3:1.0/driver").strip().endswith("/usbfs")
    machine.run(SHUT.format(port=PORTS[2]))
    machine.pull("camera")
    machine.until(f"{said} | grep -qx 'UsbLeft 3'")
    machine.until("! systemctl is-active -q edged-slot@3")

    machine.plug_disk("camera", card, PORTS[3], "BWC-1")
    machine.until(f"test $({said} | grep -cx 'card fat32') = 2")
    machine.run("systemctl kill -s KILL core")  # the gate does not outlive the core
    machine.until(SHUT.format(port=PORTS[3]))


def test_the_package_is_installed_with_its_users_and_starts_shut(machine: Machine) -> None:
    for user in ("edged", "edged-slot", "edged-sync"):
        machine.run(f"id {user}")
    assert machine.run("systemctl is-active edged-ports.socket edged-rules.path").split() == ["active"] * 2
    assert machine.run("stat -c %a /etc/edged/keys").strip() == "700"
    for unit, limit in {"edged": 1.0, "edged-slot@1": 0.8, "edged-sync": 1.2, "edged-ports": 2.5}.items():
        verdict = machine.run(f"systemd-analyze security --no-pager {unit}.service | tail -1", timeout_s=120)
        assert float(verdict.rpartition(": ")[2].split()[0]) <= limit, verdict


def test_a_driver_whose_module_comes_late_does_not_get_the_camera(
    machine: Machine, card: Path, tmp_path: Path
) -> None:
    """As after a boot: nothing has needed the storage drivers yet."""
    commission(machine)
    machine.run("systemctl stop edged edged-sync; rmmod uas usb_storage")
    machine.put("/run/edged/core.py", CORE.encode())
    machine.run("chown edged: /run/edged && chmod 711 /run/edged")
    machine.run(f"{START} /run/edged/core.py")
    machine.plug_disk("camera", card, PORTS[3], "BWC-1")
    machine.until(f"{SAID} | grep -qx 'card fat32'")
    assert "usb_storage" not in machine.run("lsmod")
    other = tmp_path / "stick.img"
    other.write_bytes(card.read_bytes())
    machine.plug_disk("stick", other, "2", "STICK-1")  # a technician's own, in no slot
    machine.until("ls /sys/block | grep -q sda")
    assert machine.run("readlink /sys/bus/usb/devices/1-1.3:1.0/driver").strip().endswith("/usbfs")
    assert machine.run("ls /sys/block").split().count("sdb") == 0
