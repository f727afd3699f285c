"""pyserial → ByteLink. pyserial opens, configures and locks the port; reading and writing go through
the event loop on its descriptor: ``Serial.write`` spins on a full buffer when it must not block, and a
hang-up is told in three different ways.
"""

import asyncio
import errno
import fcntl
import os
import termios
from collections.abc import Callable

import serial

from edged.errors import EdgeError, ErrorCode, Fact, LinkGoneError

BAUD = 115_200  # PROTOCOL.md, chapter 1; without meaning on CDC-ACM
READ_SIZE = 4096  # bytes; the kernel's buffer of a terminal, so nothing more is ever held here
WRITE_S = 1.0  # a frame takes 22 ms at 115200 baud; a device that takes none in this time hangs

_BUSY = {errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK}


async def open_serial(path: str) -> "SerialLink":
    """Open ``path`` for us alone.

    Raises:
        EdgeError: LINE_BUSY if another program holds the line.
        LinkGoneError: there is no such device, or it cannot be opened.
    """
    # In a thread: opening a CDC-ACM port waits for the device, and a hung one makes it wait for seconds.
    opening = asyncio.ensure_future(asyncio.to_thread(_open, path))
    try:
        return SerialLink(await asyncio.shield(opening), path)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_unwanted)
        raise


def _open(path: str) -> serial.Serial:
    try:
        port = serial.Serial(path, BAUD, timeout=0, exclusive=True)
    except (OSError, ValueError) as exc:  # SerialException is an OSError; ValueError: no terminal at all
        number = getattr(exc, "errno", None)
        detail: dict[str, Fact] = {"path": path, "reason": errno.errorcode.get(number or 0, "not a terminal")}
        if number in _BUSY or "exclusively lock" in str(exc):
            raise EdgeError(ErrorCode.LINE_BUSY, path=path) from exc
        raise LinkGoneError(**detail) from exc
    # pyserial's lock is advisory (flock); this keeps out programs that never heard of it.
    fcntl.ioctl(port.fileno(), termios.TIOCEXCL)
    return port


def _close_unwanted(opening: "asyncio.Future[serial.Serial]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


class SerialLink:
    """An open serial port. One task reads at a time, one writes at a time."""

    def __init__(self, port: serial.Serial, path: str) -> None:
        self._port, self._path = port, path
        self._fd: int = port.fileno()
        self._gone: LinkGoneError | None = None
        self._waiting: set[asyncio.Future[None]] = set()

    async def read(self) -> bytes:
        """See ByteLink.read. Reads ahead nothing: what is not fetched waits in the kernel."""
        loop = asyncio.get_running_loop()
        await self._ready(loop.add_reader, loop.remove_reader)
        try:
            data = os.read(self._fd, READ_SIZE)
        except OSError as exc:  # EIO: unplugged, or the other end of a pseudo-terminal closed
            raise self._die(errno.errorcode.get(exc.errno or 0, "error")) from exc
        if not data:
            raise self._die("hang-up")
        return data

    async def write(self, data: bytes) -> None:
        """See ByteLink.write; the deadline is WRITE_S."""
        rest = memoryview(data)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(WRITE_S):
                while rest:
                    await self._ready(loop.add_writer, loop.remove_writer)
                    rest = rest[self._write_some(rest) :]
        except TimeoutError as exc:
            raise self._die("the device takes no bytes") from exc

    async def close(self) -> None:
        """Give the port back. Whoever still waits on it is told."""
        self._die("closed")

    def _write_some(self, data: memoryview) -> int:
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            return 0
        except OSError as exc:
            raise self._die(errno.errorcode.get(exc.errno or 0, "error")) from exc

    async def _ready(self, add: Callable[..., None], remove: Callable[[int], bool]) -> None:
        if self._gone is not None:
            raise self._gone_again()
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(ready)
        add(self._fd, _wake, ready)
        try:
            await ready
        finally:
            self._waiting.discard(ready)
            if self._gone is None:  # else the descriptor is closed and may be someone else's by now
                remove(self._fd)

    def _die(self, reason: str) -> LinkGoneError:
        if self._gone is None:
            self._gone = LinkGoneError(path=self._path, reason=reason)
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._fd)
            loop.remove_writer(self._fd)
            for waiter in self._waiting:
                if not waiter.done():
                    waiter.set_exception(self._gone_again())
            self._port.close()
        return self._gone_again()

    def _gone_again(self) -> LinkGoneError:
        assert self._gone is not None
        return LinkGoneError(**self._gone.detail)


def _wake(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)
