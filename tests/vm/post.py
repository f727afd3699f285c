"""A station at its post: eight slots on cascaded hubs, a dock controller, a reader, cameras beside it."""

import json
import time
from pathlib import Path
from typing import Any

from firmware_protocol.dock.messages import Latch
from tests.vm.cameras import Cameras
from tests.vm.hardware import QEMUS, SLOTS, Hardware, Keys
from tests.vm.machine import Machine
from tests.vm.station import OFFICER, Station

WITHIN_S = 120.0


class Post:
    """The station goes on where the lab has stopped it: commissioned, with nothing plugged in."""

    def __init__(self, machine: Machine, station: Station, keys: Keys, folder: Path) -> None:
        self.machine, self.station, self.folder = machine, station, folder
        self.hardware = Hardware(folder / "hardware", len(SLOTS), keys)
        redirected = {slot: port for slot, port in SLOTS.items() if slot not in QEMUS}
        self.cameras = Cameras(machine, folder / "cameras", redirected)
        self.switched: list[tuple[int, bool]] = []
        self.hardware.powers(self._switch)

    def begin(self) -> None:
        """Plug dock and reader in and wait until the station speaks with the dock."""
        self.hardware.plug(self.machine)
        there = 'edgectl --json status | grep -q \'"serial": *"SIM\''
        self.station.until(there, "the dock is there")

    def insert(self, name: str, slot: int) -> None:
        self.hardware.insert(slot)
        self.cameras.insert(name, slot)

    def insert_disk(self, name: str, card: Path, slot: int, **more: Any) -> None:
        """One of QEMU's own; its name is its serial number."""
        self.hardware.insert(slot)
        self.machine.plug_disk(name, card, SLOTS[slot], name, **more)

    def unlocked(self, slot: int) -> None:
        """Hold a badge to the reader and take the camera out of this slot; its plug stays for the caller."""
        self.hardware.tap(OFFICER.badge)
        end = time.monotonic() + WITHIN_S
        while self.hardware.slot(slot).latch is not Latch.OPEN:
            assert time.monotonic() < end, self.station.story()
            time.sleep(0.05)
        assert self.hardware.take_out(slot)

    def read(self, name: str, size: int) -> None:
        """Wait until so many bytes were read of the card of one of QEMU's disks."""
        end = time.monotonic() + WITHIN_S
        while self.machine.bytes_read(name) < size:
            assert time.monotonic() < end, self.station.story()
            time.sleep(0.05)

    def facts(self, kind: str) -> list[dict[str, Any]]:
        """What the ledger says of a kind, in order."""
        lines = self.station.ask("log", "--type", kind, "--since", "4h")
        return [json.loads(line)["data"] for line in lines]

    def close(self) -> None:
        self.cameras.close()
        self.hardware.close()

    def _switch(self, slot: int, on: bool) -> None:
        self.switched.append((slot, on))
        self.cameras.power(slot, on)
