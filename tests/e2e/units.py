"""Plays udev and systemd: a worker for each port as long as something is plugged in there, as edged-slot@.service."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from demo.site import me
from drivers.hotplug import UsbArrived
from drivers.hotplug_usbip import UsbipHotplug
from drivers.random import SystemRandom
from simulators.world import World

RESTART_S = 0.2  # RestartSec
STOP_S = 5.0  # TimeoutStopSec


def settings(folder: Path) -> dict[str, str]:
    """The station's configuration for it."""
    lines = [
        'backend = "units"',
        f'workers = "{folder}"',
        f'workers_user = "{me()}"',
        f'ports = "{folder}/ports.sock"',
    ]
    return {"usb": "\n".join(lines), "hub": "pci-0000:00:10.0-usb-0:1"}


class Units:
    """``folder``: where the core's sockets lie."""

    def __init__(self, world: World, folder: Path) -> None:
        self._usb, self._folder = world.paths.usb, folder
        self._bus = UsbipHotplug(str(self._usb), SystemRandom())
        self._units: dict[str, asyncio.Task[None]] = {}
        self.running: dict[str, asyncio.subprocess.Process] = {}
        self.started = 0

    @classmethod
    @contextlib.asynccontextmanager
    async def of(cls, world: World, folder: Path) -> AsyncIterator["Units"]:
        units = cls(world, folder)
        following = asyncio.create_task(units._follow())
        try:
            yield units
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            await units._bus.close()
            for port in list(units._units):
                await units._stop(port)

    async def _follow(self) -> None:
        while True:
            event = await self._bus.next()
            await self._stop(event.port)
            if isinstance(event, UsbArrived):
                self._units[event.port] = asyncio.create_task(self._keep(event.port, event.connection))

    async def _keep(self, port: str, connection: str) -> None:
        slot = port.rpartition(".")[2]
        words = [
            "--connect",
            str(self._folder / slot / "core.sock"),
            "--port",
            port,
            "--connection",
            connection,
        ]
        words += ["--backend", f"usbip:{self._usb}"]
        while True:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "drivers.worker.main", *words), stderr=asyncio.subprocess.DEVNULL
            )
            self.started += 1
            self.running[port] = process
            try:
                await process.wait()
            except asyncio.CancelledError:
                await _end(process)
                raise
            await asyncio.sleep(RESTART_S)

    async def _stop(self, port: str) -> None:
        if (unit := self._units.pop(port, None)) is not None:
            unit.cancel()
            await asyncio.gather(unit, return_exceptions=True)


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
