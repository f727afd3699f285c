"""Simulated cameras, and what is none, in the machine's own USB ports."""

import struct
import subprocess
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from simulators.cards import Card, Filesystem
from simulators.usb.bus import UsbBus
from simulators.usb.redir import RedirPorts
from simulators.usb.server import HostTime, Timers
from simulators.usb.spec import CameraChanges, CameraSpec
from tests.vm.machine import Machine

MADE_AT = datetime(2026, 11, 28, 8, 30)  # noqa: DTZ001  # a camera knows no zone
CARD_SIZE = 64 << 20


class Cameras:
    """The simulated bus with its ports laid into a machine.

    Args:
        ports: slot → port of the machine's hubs; the other slots stay free for QEMU's own devices.
    """

    def __init__(self, machine: Machine, folder: Path, ports: Mapping[int, str]) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._timers = Timers()
        self.bus = UsbBus(HostTime(), self._timers)
        self._sockets = {
            _name(slot): machine.socket_port(f"slot{slot}", port) for slot, port in ports.items()
        }
        self._ports = RedirPorts(self.bus, self._sockets)

    def add(self, spec: CameraSpec) -> None:
        self.bus.add(spec)

    def gat947(self, serial: str, clips: Mapping[str, bytes], filesystem: Filesystem = "fat32") -> None:
        """A camera of the GA/T 947 kind that lies beside the dock, by its serial number."""
        path = a_card(self._folder / f"{serial}.img", filesystem, clips)
        self.add(CameraSpec(name=serial, kind="gat947", serial=serial, card=str(path)))

    def msc(self, serial: str, clips: Mapping[str, bytes], filesystem: Filesystem = "fat32") -> None:
        """A plain disk, likewise."""
        path = a_card(self._folder / f"{serial}.img", filesystem, clips)
        self.add(CameraSpec(name=serial, kind="msc", usb_serial=serial, card=str(path)))

    def card(self, serial: str) -> Path:
        return self._folder / f"{serial}.img"

    def insert(self, name: str, slot: int) -> None:
        self.bus.plug(_name(slot), name)

    def pull(self, slot: int) -> None:
        self.bus.unplug(_name(slot))

    def power(self, slot: int, on: bool) -> None:
        """As the dock controller switches it; ports of QEMU's own devices have no switch."""
        if _name(slot) in self._sockets:
            self.bus.power(_name(slot), on)

    def change(self, name: str, **changes: Any) -> None:
        """Members of `CameraChanges`."""
        self.bus.camera(name).change(CameraChanges(**changes))

    def close(self) -> None:
        self._timers.cancel()
        self._ports.close()


def a_card(path: Path, filesystem: Filesystem, clips: Mapping[str, bytes]) -> Path:
    """A formatted card with these files."""
    Card.format(path, filesystem, CARD_SIZE, volume_id=7)
    card = Card.open(path)
    for name, content in clips.items():
        card.add(name, content, MADE_AT)
    return path


def fsck(path: Path, filesystem: Filesystem) -> None:
    """Raises AssertionError with what it found."""
    program = ["fsck.exfat", "-n"] if filesystem == "exfat" else ["fsck.fat", "-n"]
    done = subprocess.run([*program, str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def crowded_card(path: Path, files: int) -> Path:
    """A FAT32 card whose root folder holds so many empty files."""
    with path.open("wb") as image:
        image.truncate(CARD_SIZE)
    subprocess.run(
        ["mkfs.vfat", "-F", "32", "-s", "8", str(path)], check=True, capture_output=True, timeout=60
    )
    entries = b"".join(f"F{n:07d}MP4 ".encode() + bytes(20) for n in range(files))
    with path.open("r+b") as image:
        head = image.read(512)
        sector, cluster = struct.unpack_from("<HB", head, 11)
        reserved, fats = struct.unpack_from("<HB", head, 14)
        fat_size, root = struct.unpack_from("<I", head, 36)[0], struct.unpack_from("<I", head, 44)[0]
        count = -(-len(entries) // (sector * cluster))
        chain = struct.pack(f"<{count}I", *range(root + 1, root + count), 0x0FFF_FFFF)
        for copy in range(fats):
            image.seek((reserved + copy * fat_size) * sector + root * 4)
            image.write(chain)
        image.seek((reserved + fats * fat_size) * sector + (root - 2) * sector * cluster)
        image.write(entries)
    return path


def _name(slot: int) -> str:
    return f"1-1.{slot}"
