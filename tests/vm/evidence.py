"""A station with one camera in one slot, whose state and vault lie on a disk of their own."""

from pathlib import Path
from typing import Protocol

from simulators.cards import Card
from tests.vm.cameras import fsck
from tests.vm.hardware import Hardware
from tests.vm.machine import Machine
from tests.vm.station import Station

SLOT, SERIAL, PORTS = 3, "BWC-1", {3: "1.3"}
UUID = "5ea1ed00-0000-4000-8000-000000000007"
PLACE = "/evidence"
DROP_IN = f"[Unit]\nRequiresMountsFor={PLACE}\n[Service]\nReadWritePaths={PLACE}\n"
MOUNT = f"UUID={UUID} {PLACE} {{filesystem}} defaults,nofail,x-systemd.device-timeout=90 0 2\n"


class Disk(Protocol):
    def attach(self, machine: Machine) -> None: ...


def attach(machine: Machine, **node: object) -> None:
    """Give the machine the disk that this block node is, with a cache that has to be told to write."""
    machine.monitor("blockdev-add", **{"node-name": "data", **node})
    disk = {"driver": "scsi-hd", "id": "data", "bus": "scsi0.0", "drive": "data"}
    machine.monitor("device_add", **disk, **{"write-cache": "on", "serial": "DATA"})


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


def cleared(machine: Machine, name: str, card: Path) -> None:
    """Pull the camera: nothing is left on its card, and the card is sound."""
    machine.pull(name)
    fsck(card, "fat32")
    assert Card.open(card).files() == []
