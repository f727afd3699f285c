"""A UPS behind a NUT server, on a TCP port: answers ``LIST VAR`` as upsd 2.8 does, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

NAME = "ups"


class SimUps:
    """``words`` are NUT's; ``broken`` is a whole answer instead; ``mute``: it hears and says nothing."""

    def __init__(self) -> None:
        self.words = "OL CHRG"
        self.charge, self.runtime = "98", "1830"
        self.broken = b""
        self.mute = False
        self.port = 0

    @asynccontextmanager
    async def serve(self) -> AsyncIterator["SimUps"]:
        """On a free port of the loopback interface."""
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = (await reader.readline()).decode().split()
            if self.mute:
                await reader.read()
            elif asked != ["LIST", "VAR", NAME]:
                writer.write(b"ERR UNKNOWN-UPS\n")
            else:
                writer.write(self.broken or self.listed())
            await writer.drain()
        finally:
            writer.close()

    def listed(self) -> bytes:
        """The whole answer."""
        values = {
            "battery.charge": self.charge,
            "battery.runtime": self.runtime,
            "device.model": 'Smart \\"1500\\"',
            "ups.status": self.words,
        }
        rows = [f'VAR {NAME} {name} "{value}"' for name, value in values.items()]
        return "\n".join([f"BEGIN LIST VAR {NAME}", *rows, f"END LIST VAR {NAME}", ""]).encode()
