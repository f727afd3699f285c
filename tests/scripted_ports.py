"""The ports' process as a script: says yes to everything, unless told otherwise, and remembers what it was asked."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from drivers.usb_ports import messages as p
from edged.errors import ErrorCode

_decode: "msgspec.json.Decoder[p.Request]" = msgspec.json.Decoder(p.Request)


class ScriptedPorts:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.asked: list[p.Request] = []
        self.refuse: dict[int, ErrorCode] = {}  # slot → what Open is answered
        self.says: bytes | None = None  # instead of an answer
        self.open: set[int] = set()
        self._writers: list[asyncio.StreamWriter] = []

    @classmethod
    @contextlib.asynccontextmanager
    async def at(cls, path: Path) -> AsyncIterator["ScriptedPorts"]:
        ports = cls(path)
        server = await asyncio.start_unix_server(ports._converse, path)
        try:
            yield ports
        finally:
            server.close()
            for writer in ports._writers:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        while line := await reader.readline():
            writer.write(
                msgspec.json.encode(self._answer(_decode.decode(line))) + b"\n"
                if self.says is None
                else self.says
            )
        self.open.clear()

    def _answer(self, request: p.Request) -> p.Answer:
        self.asked.append(request)
        match request:
            case p.Open(slot=slot) if slot in self.refuse:
                return p.Refused(code=self.refuse[slot].number, detail={"reason": "told so"})
            case p.Open(slot=slot):
                self.open.add(slot)
                return p.Opened(descriptor_sha256="0" * 64)
            case p.Close(slot=slot):
                self.open.discard(slot)
            case p.Cycle() | p.Rest():
                pass
            case p.EndWorker(pid=pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        return p.Done()
