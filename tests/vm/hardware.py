"""A simulated dock controller and badge reader on serial adapters that are plugged into the machine's own USB."""

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeVar

from firmware_protocol.reader.messages import CardKind
from simulators.dock import SimDock, SimSlot
from simulators.pty import PtyPort
from simulators.reader import SimReader
from tests.vm.machine import Machine

T = TypeVar("T")
KEY_SIZE = 32
CALL_S = 20.0
LINES = {"dock": "1.5", "reader": "1.6"}  # ports of the dock's hub, in no slot
BY_PATH = "/dev/serial/by-path/pci-0000:00:10.0-usb-0:{port}:1.0-port0"


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

[[camera]]
serial = "{serial}"
inventory_number = "101450001"
driver = "msc"
"""


class Hardware:
    """Runs in a thread with a loop of its own, so that the test may wait as it likes."""

    def __init__(self, folder: Path, slots: int) -> None:
        folder.mkdir(parents=True)
        self.keys = {f"{name}.key": os.urandom(KEY_SIZE) for name in LINES}
        self._folder, self._slots = folder, slots
        self._loop = asyncio.new_event_loop()
        self._ready, self._over = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._run()))
        self._thread.start()
        self._ready.wait(CALL_S)

    def plug(self, machine: Machine) -> None:
        """Plug both serial adapters in."""
        for name, port in LINES.items():
            line = {"type": "serial", "data": {"device": str(self._folder / name)}}
            machine.monitor("chardev-add", id=f"{name}-line", backend=line)
            machine.plug(name, "usb-serial", port, chardev=f"{name}-line")

    def is_seen(self, machine: Machine) -> None:
        for port in LINES.values():
            machine.until(f"test -e {BY_PATH.format(port=port)}")

    def settings(self, ports: Mapping[int, str], serial: str) -> str:
        """``[usb]``, ``[[dock]]`` and ``[[camera]]``; ``ports``: slot → port of the dock's hub."""
        rows = (
            f'  {{ label = {n}, port = "pci-0000:00:10.0-usb-0:{port}", controller_slot = {n} }},'
            for n, port in ports.items()
        )
        lines = {name: BY_PATH.format(port=port) for name, port in LINES.items()}
        return SETTINGS.format(slots="\n".join(rows), serial=serial, **lines)

    def slot(self, number: int) -> SimSlot:
        return self.dock.slots[number]

    def insert(self, slot: int) -> None:
        self._call(lambda: self.dock.insert(slot))

    def take_out(self, slot: int) -> bool:
        """As an officer would; False: the latch holds it."""
        return self._call(lambda: self.dock.pull(slot))

    def tap(self, badge: str) -> None:
        self._call(lambda: self.reader.present(bytes.fromhex(badge), CardKind.DESFIRE_ID))

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(CALL_S)
        self._loop.close()

    def _call(self, what: Callable[[], T]) -> T:
        async def called() -> T:
            return what()

        return asyncio.run_coroutine_threadsafe(called(), self._loop).result(CALL_S)

    async def _run(self) -> None:
        clock = self._loop.time
        self.dock = SimDock(slots=self._slots, key=self.keys["dock.key"], clock=clock, nonce=os.urandom)
        self.reader = SimReader(key=self.keys["reader.key"], clock=clock, nonce=os.urandom)
        async with AsyncExitStack() as stack:
            for name, device in (("dock", self.dock), ("reader", self.reader)):
                await stack.enter_async_context(PtyPort.serve(device, self._folder / name))
            self._ready.set()
            await self._over.wait()
