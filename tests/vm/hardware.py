"""A simulated dock controller with USB of its own (CDC-ACM), and a badge reader on QEMU's serial adapter.

Both are plugged into the dock's hub in a virtual machine.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from firmware_protocol.reader.messages import CardKind
from simulators.device import Heart
from simulators.dock import SimDock, SimSlot
from simulators.pty import PtyPort
from simulators.reader import SimReader
from simulators.usb.acm import AcmGadget
from simulators.usb.bus import UsbBus
from simulators.usb.redir import RedirPorts
from simulators.usb.server import HostTime, Timers
from tests.vm.machine import Machine

T = TypeVar("T")
KEY_SIZE = 32
CALL_S = 20.0
LINES = {"dock": "1.5", "reader": "1.6"}  # ports of the dock's hub, in no slot
SLOTS = {1: "1.1", 2: "1.2", 3: "1.3", 4: "1.4", 5: "1.8.1", 6: "1.8.2", 7: "1.8.3", 8: "1.8.4"}
QEMUS = (3, 4, 8)  # slots of disks that nobody here wrote
CAMERAS = {
    **dict.fromkeys(("K000001", "K000002", "K000005"), "gat947"),
    **dict.fromkeys(("BWC-3", "BWC-4", "BWC-6", "BWC-7", "BWC-8", "BWC-9"), "msc"),
}
"""What the station knows: serial number → driver."""
Keys = dict[str, bytes]
BY_PATH = {
    "dock": f"/dev/serial/by-path/pci-0000:00:10.0-usb-0:{LINES['dock']}:1.0",
    "reader": f"/dev/serial/by-path/pci-0000:00:10.0-usb-0:{LINES['reader']}:1.0-port0",
}
PORT = "1-1.1"  # of the bus that holds the dock controller

SETTINGS = """\
[usb]
backend = "units"

[[dock]]
name = "A"
controller = "{dock}"
controller_key = "credential:dock.key"
reader = "{reader}"
reader_key = "credential:reader.key"
slots = [
{slots}
]

{cameras}
"""
CAMERA = """\
[[camera]]
serial = "{serial}"
inventory_number = "10145{number:04d}"
driver = "{driver}"
"""


def new_keys() -> Keys:
    """Of the lines, by the names that `SETTINGS` calls them."""
    return {f"{name}.key": os.urandom(KEY_SIZE) for name in LINES}


class Hardware:
    """Runs in a thread with a loop of its own, so that the test may wait as it likes."""

    def __init__(self, folder: Path, slots: int, keys: Keys | None = None) -> None:
        folder.mkdir(parents=True)
        self.keys = keys or new_keys()
        self._folder, self._slots = folder, slots
        self._loop = asyncio.new_event_loop()
        self._ready, self._over = threading.Event(), asyncio.Event()
        self._timers = Timers()
        self._bus = UsbBus(HostTime(), self._timers, ports=1)
        self._redirected: RedirPorts | None = None
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._run()))
        self._thread.start()
        self._ready.wait(CALL_S)

    def plug(self, machine: Machine) -> None:
        """Plug both into a machine, with the power that it has just got."""
        self._unplug()
        self._bus.plug(PORT, "dock")
        self._redirected = RedirPorts(self._bus, {PORT: machine.socket_port("dock", LINES["dock"])})
        line = {"type": "serial", "data": {"device": str(self._folder / "reader")}}
        machine.monitor("chardev-add", id="reader-line", backend=line)
        machine.plug("reader", "usb-serial", LINES["reader"], chardev="reader-line")

    def is_seen(self, machine: Machine) -> None:
        for path in BY_PATH.values():
            machine.until(f"test -e {path}")

    @staticmethod
    def settings(ports: Mapping[int, str], cameras: Mapping[str, str]) -> str:
        """``[usb]``, ``[[dock]]`` and ``[[camera]]``.

        Args:
            ports: slot → port of the dock's hubs.
            cameras: serial number → driver.
        """
        rows = (
            f'  {{ label = {n}, port = "pci-0000:00:10.0-usb-0:{port}", controller_slot = {n} }},'
            for n, port in ports.items()
        )
        listed = (
            CAMERA.format(serial=serial, driver=driver, number=number)
            for number, (serial, driver) in enumerate(cameras.items(), start=1)
        )
        return SETTINGS.format(slots="\n".join(rows), cameras="\n".join(listed), **BY_PATH)

    def slot(self, number: int) -> SimSlot:
        return self.dock.slots[number]

    def powers(self, switch: Callable[[int, bool], None]) -> None:
        """Whom the dock controller tells that it has switched a slot's power."""
        self._call(lambda: setattr(self.dock, "on_power", switch))

    def insert(self, slot: int) -> None:
        self._call(lambda: self.dock.insert(slot))

    def take_out(self, slot: int) -> bool:
        """As an officer would; False: the latch holds it."""
        return self._call(lambda: self.dock.pull(slot))

    def tear_out(self, slot: int) -> None:
        """By force, or because nothing holds it."""
        self._call(lambda: self.dock.tear_out(slot))

    def tap(self, badge: str) -> None:
        self._call(lambda: self.reader.present(bytes.fromhex(badge), CardKind.DESFIRE_ID))

    def close(self) -> None:
        self._unplug()
        self._timers.cancel()
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(CALL_S)
        self._loop.close()

    def _unplug(self) -> None:
        self._bus.unplug(PORT)
        if self._redirected is not None:
            self._redirected.close()
            self._redirected = None

    def _call(self, what: Callable[[], T]) -> T:
        async def called() -> T:
            return what()

        return asyncio.run_coroutine_threadsafe(called(), self._loop).result(CALL_S)

    async def _run(self) -> None:
        clock = self._loop.time
        self.dock = SimDock(slots=self._slots, key=self.keys["dock.key"], clock=clock, nonce=os.urandom)
        self.reader = SimReader(key=self.keys["reader.key"], clock=clock, nonce=os.urandom)
        gadget = AcmGadget("dock", self.dock, HostTime(), self._loop.call_soon_threadsafe)
        self._bus.admit(gadget)
        heart = Heart(self.dock)
        async with PtyPort.serve(self.reader, self._folder / "reader"):
            self._ready.set()
            await self._over.wait()
        heart.stop()
