"""A TCP line that can be cut, swallowed and slowed down, between the courier and the centre.

It runs in a thread of its own with a loop of its own; the controls may be used from anywhere.

    with Proxy.start("127.0.0.1", centre.port) as line:
        line.port
        line.swallow()      # bytes are accepted and vanish: a pulled cable
        line.cut()          # every connection is reset
        line.heal()
"""

import asyncio
import contextlib
import socket
import struct
import threading
from dataclasses import dataclass
from types import TracebackType

CHUNK = 16 * 1024
START_S = 5.0


@dataclass(slots=True)
class Traffic:
    """What has passed so far, in bytes, and how many connections there have been."""

    up: int = 0
    down: int = 0
    swallowed: int = 0
    connections: int = 0
    refused: int = 0


class Proxy:
    """A listening line to one target. Plain attributes: every thread may read them."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._swallow = False
        self._closed_to_new = False
        self._rate: float | None = None
        self._swallow_after: int | None = None
        self._strand_after: int | None = None
        self._stranded: set[asyncio.Task[None]] = set()
        self._cut_after: int | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._ready = threading.Event()
        self._done = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self.traffic = Traffic()
        self.port = 0

    @classmethod
    def start(cls, host: str, port: int) -> "Proxy":
        """Listen on a free loopback port for connections to ``host:port``."""
        proxy = cls(host, port)
        proxy._thread.start()
        if not proxy._ready.wait(START_S):
            raise TimeoutError("the proxy did not start")
        return proxy

    def swallow(self, *, after: int | None = None) -> None:
        """Accept bytes and forward none; with ``after``, begin when that many more have gone up."""
        if after is None:
            self._swallow = True
        else:
            self._swallow_after = self.traffic.up + after

    def strand(self, *, after: int) -> None:
        """When that many more bytes have gone up, let the connections of that moment fall silent for good.

        New ones pass: the address of the station has changed, the old path leads nowhere.
        """
        self._strand_after = self.traffic.up + after

    def cut(self, *, after: int | None = None, refuse: bool = False) -> None:
        """Reset every connection; with ``after``, when that many more bytes have gone up.

        ``refuse``: new connections are reset too, until ``heal``.
        """
        self._closed_to_new = self._closed_to_new or refuse
        if after is None:
            self._loop.call_soon_threadsafe(self._reset_all)
        else:
            self._cut_after = self.traffic.up + after

    def throttle(self, rate: float | None) -> None:
        """Let at most ``rate`` bytes a second through each way; None: as fast as it goes."""
        self._rate = rate

    def heal(self) -> None:
        """New connections pass unharmed. What was swallowed is gone, so old ones are reset."""
        self._swallow = self._closed_to_new = False
        self._swallow_after = self._cut_after = self._rate = None
        self._loop.call_soon_threadsafe(self._reset_all)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(START_S)

    def __enter__(self) -> "Proxy":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # --- in the proxy's thread ---------------------------------------------------------------------

    def _run(self) -> None:
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._done.wait()
        server.close()
        self._reset_all()
        for pump in list(self._pumps):
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        await asyncio.sleep(0)  # let the transports close their sockets

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        if self._closed_to_new:
            self.traffic.refused += 1
            self._reset(writer)
            return
        self.traffic.connections += 1
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            self._reset(writer)
            return
        self._writers.add(far_writer)
        for source, target, up in ((reader, far_writer, True), (far_reader, writer, False)):
            pump = asyncio.create_task(self._pump(source, target, up=up))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)
            pump.add_done_callback(self._stranded.discard)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, up: bool) -> None:
        try:
            while data := await source.read(CHUNK):
                if self._rate:
                    await asyncio.sleep(len(data) / self._rate)
                if self._swallow or asyncio.current_task() in self._stranded:
                    self.traffic.swallowed += len(data)
                    continue
                target.write(data)
                await target.drain()
                self._count(len(data), up=up)
        except OSError:
            pass
        finally:
            self._reset(target)

    def _count(self, size: int, *, up: bool) -> None:
        if not up:
            self.traffic.down += size
            return
        self.traffic.up += size
        if self._swallow_after is not None and self.traffic.up >= self._swallow_after:
            self._swallow, self._swallow_after = True, None
        if self._strand_after is not None and self.traffic.up >= self._strand_after:
            self._stranded.update(self._pumps)
            self._strand_after = None
        if self._cut_after is not None and self.traffic.up >= self._cut_after:
            self._cut_after = None
            self._reset_all()

    def _reset_all(self) -> None:
        for writer in list(self._writers):
            self._reset(writer)

    def _reset(self, writer: asyncio.StreamWriter) -> None:
        """Close with RST, as a broken line does, not with the orderly end that a peer would send."""
        self._writers.discard(writer)
        sock = writer.get_extra_info("socket")
        if sock is not None and not writer.is_closing():
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
