"""Hotplug of a virtual bus: the event lines beside its USB/IP socket (simulators/usb/README.md).

A connection begins with a line for each device that is there, then "ready", then the changes. When it
ends, nothing is plugged in any more, and it is opened again with a growing pause.
"""

import asyncio
from contextlib import suppress

import msgspec

from drivers.hotplug import HotplugEvent, Presence
from edged.ports import Random

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 2.0
CONNECT_S = 2.0
MAX_LINE = 4096
MAX_PORTS = 256


class _Line(msgspec.Struct, frozen=True):
    event: str
    port: str = ""
    devnum: int = 0


class UsbipHotplug:
    """Args: path: the bus's USB/IP socket; random: for the jitter of the pauses."""

    def __init__(self, path: str, random: Random) -> None:
        self._path = f"{path}.events"
        self._random = random
        self._presence = Presence()
        self._changed = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None

    async def next(self) -> HotplugEvent:
        """See Hotplug."""
        if self._reader is None:
            self._reader = asyncio.create_task(self._follow(), name="usbip-hotplug")
        while (event := self._presence.take()) is None:
            self._changed.clear()
            await self._changed.wait()
        return event

    async def close(self) -> None:
        """See Hotplug."""
        if self._reader is not None:
            self._reader.cancel()
            with suppress(asyncio.CancelledError):
                await self._reader

    async def _follow(self) -> None:
        pause = FIRST_PAUSE_S
        while True:
            with suppress(OSError, TimeoutError, ValueError, RecursionError):
                if await self._connection():
                    pause = FIRST_PAUSE_S
            self._presence.replace({})
            self._changed.set()
            await asyncio.sleep(pause * self._random.uniform(0.5, 1.5))
            pause = min(2 * pause, LONGEST_PAUSE_S)

    async def _connection(self) -> bool:
        """Follow one connection to its end; whether it got as far as "ready"."""
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_unix_connection(self._path, limit=MAX_LINE)
        listed: dict[str, str] = {}
        ready = False
        try:
            while raw := await reader.readline():
                line = msgspec.json.decode(raw, type=_Line)
                if ready:
                    self._apply(line)
                elif line.event == "ready":
                    ready = True
                    self._presence.replace(listed)
                elif line.event == "add" and len(listed) < MAX_PORTS:
                    listed[line.port] = str(line.devnum)
                self._changed.set()
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
        return ready

    def _apply(self, line: _Line) -> None:
        if line.event == "add":
            self._presence.arrived(line.port, str(line.devnum))
        elif line.event == "remove":
            self._presence.left(line.port, str(line.devnum))
