"""The bus process seen from the world: start it, tell it what happens, hear what comes and goes."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from simulators.usb.bus import PORTS, BusError
from simulators.usb.control import MAX_LINE, BusStatus
from simulators.usb.server import ZONE
from simulators.usb.spec import CameraChanges, CameraSpec

START_S = 20.0  # a loaded machine with two cores
ANSWER_S = 20.0
STOP_S = 5.0


class RemoteBus:
    """One control connection. Requests go out one after the other, in the order of their calls."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._turn = asyncio.Lock()
        self._number = 0

    @classmethod
    @asynccontextmanager
    async def connect(cls, path: Path) -> AsyncIterator["RemoteBus"]:
        """``path``: of the USB/IP socket; the control socket lies beside it."""
        reader, writer = await asyncio.open_unix_connection(f"{path}.control", limit=MAX_LINE)
        try:
            yield cls(reader, writer)
        finally:
            writer.close()

    async def add(self, camera: CameraSpec) -> None:
        await self.ask("add", camera=camera)

    async def plug(self, port: str, camera: str) -> None:
        await self.ask("plug", port=port, camera=camera)

    async def unplug(self, port: str) -> None:
        await self.ask("unplug", port=port)

    async def power(self, port: str, on: bool) -> None:
        await self.ask("power", port=port, on=on)

    async def charge(self, port: str, on: bool) -> None:
        await self.ask("charge", port=port, on=on)

    async def set(self, camera: str, changes: CameraChanges) -> None:
        await self.ask("set", camera=camera, changes=changes)

    async def status(self) -> BusStatus:
        return msgspec.convert((await self.ask("status"))["status"], BusStatus)

    async def writes(self, camera: str, *, forget: bool = False) -> list[tuple[int, str]]:
        """Sector number and SHA-256 of what was written into it, oldest first."""
        answer = await self.ask("writes", camera=camera, forget=forget)
        return msgspec.convert(answer["writes"], list[tuple[int, str]])

    async def ask(self, op: str, **members: object) -> dict[str, Any]:
        """Raises BusError: refused, or the bus has ended; TimeoutError."""
        async with self._turn, asyncio.timeout(ANSWER_S):
            self._number += 1
            try:
                self._writer.write(msgspec.json.encode({"id": self._number, "op": op, **members}) + b"\n")
                await self._writer.drain()
                answer = await self._answer(self._number)
            except OSError as exc:
                raise BusError(f"the bus process has ended: {exc}") from exc
        if not answer["ok"]:
            raise BusError(str(answer["error"]))
        return answer

    async def _answer(self, number: int) -> dict[str, Any]:
        """The answer to this request; those to requests that were cancelled are passed over."""
        while line := await self._reader.readline():
            answer: dict[str, Any] = msgspec.json.decode(line)
            if answer["id"] == number:
                return answer
        raise BusError("the bus process has ended")


async def departures(path: Path) -> AsyncIterator[str]:
    """Ports from which something left the bus, as it happens; ends with the bus process."""
    reader, writer = await asyncio.open_unix_connection(f"{path}.events", limit=MAX_LINE)
    try:
        while line := await reader.readline():
            event = msgspec.json.decode(line)
            if event["event"] == "remove":
                yield event["port"]
    finally:
        writer.close()


@asynccontextmanager
async def bus_process(path: Path, ports: int = PORTS, zone: str = ZONE) -> AsyncIterator[RemoteBus]:
    """Run the bus as a process of its own for as long as the block lasts.

    Raises BusError: it does not start.
    """
    module = "simulators.usb.server"
    options = ("--socket", str(path), "--ports", str(ports), "--zone", zone, "--until-eof")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *options),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        await _ready(process)
        async with RemoteBus.connect(path) as bus:
            yield bus
    finally:
        await _stop(process)


async def _ready(process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(START_S):
        if await process.stdout.readline() != b"ready\n":
            raise BusError(f"the bus process did not start (exit status {await process.wait()})")


async def _stop(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
