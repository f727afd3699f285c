"""Lines and descriptors over a Unix stream socket, without blocking the event loop."""

import array
import asyncio
import os
import socket
from collections.abc import Sequence

LINE_LIMIT = 32 * 1024 * 1024  # bytes: 65,536 clips with long names (drivers.worker.messages)
MAX_FDS = 8  # descriptors that may wait for their line; more are closed
CHUNK = 256 * 1024


class ChannelClosedError(Exception):
    """The other end is closed, or sends what is no line. Stays within the adapters."""


class Channel:
    """One end of a socket pair. One reader and one writer at a time. Owns ``sock``."""

    def __init__(self, sock: socket.socket, *, line_limit: int = LINE_LIMIT) -> None:
        sock.setblocking(False)
        self._sock, self._limit = sock, line_limit
        self._buffer, self._searched = bytearray(), 0
        self._fds: list[int] = []
        self.broken = False  # the other end has closed it, or sends what is no line

    async def send(self, line: bytes, fds: Sequence[int] = ()) -> None:
        """Send a line (without its end) with copies of ``fds``, which stay the caller's."""
        rest = memoryview(line + b"\n")
        while rest:
            try:
                sent = socket.send_fds(self._sock, [rest], list(fds)) if fds else self._sock.send(rest)
            except BlockingIOError:
                await self._ready(reading=False)
                continue
            except OSError as exc:
                raise self._broken() from exc
            rest, fds = rest[sent:], ()

    async def receive(self) -> bytes:
        """Return the next line without its end. Descriptors that came with it: `take_fds`.

        Raises:
            ChannelClosedError: the other end closed, or the line has no end.
        """
        while (end := self._buffer.find(b"\n", self._searched)) < 0:
            self._searched = len(self._buffer)
            if self._searched > self._limit:
                raise self._broken("an endless line")
            await self._read()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._searched = 0
        return line

    def take_fds(self) -> list[int]:
        """Return the descriptors that came so far; the caller closes them."""
        fds, self._fds = self._fds, []
        return fds

    def close(self) -> None:
        for fd in self.take_fds():
            os.close(fd)
        self._sock.close()

    async def _read(self) -> None:
        while (found := self._try_read()) is None:
            await self._ready(reading=True)
        data, fds = found
        room = MAX_FDS - len(self._fds)
        self._fds += fds[:room]
        for fd in fds[room:]:
            os.close(fd)
        if not data:
            raise self._broken()
        self._buffer += data

    def _try_read(self) -> tuple[bytes, list[int]] | None:
        try:
            return _receive(self._sock)
        except BlockingIOError:
            return None
        except OSError as exc:
            raise self._broken() from exc

    def _broken(self, why: str = "") -> ChannelClosedError:
        self.broken = True
        return ChannelClosedError(why)

    async def _ready(self, *, reading: bool) -> None:
        loop, number = asyncio.get_running_loop(), self._sock.fileno()
        if number < 0:
            raise ChannelClosedError
        ready = asyncio.Event()
        watch, forget = (
            (loop.add_reader, loop.remove_reader) if reading else (loop.add_writer, loop.remove_writer)
        )
        watch(number, ready.set)
        try:
            await ready.wait()
        finally:
            forget(number)


def _receive(sock: socket.socket) -> tuple[bytes, list[int]]:
    fds = array.array("i")
    room = socket.CMSG_SPACE(MAX_FDS * fds.itemsize)
    data, ancillary, _, _ = sock.recvmsg(CHUNK, room, socket.MSG_CMSG_CLOEXEC)
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(content[: len(content) - len(content) % fds.itemsize])
    return data, list(fds)
