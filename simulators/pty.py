"""Puts a simulated serial device on a pseudo-terminal, so that the unmodified daemon opens it by path.

When the host closes the line (or is killed) a new pseudo-terminal takes its place behind the same symbolic
link: what the host did to the old one (exclusive use, settings, unread bytes) dies with it, as with a
device that is plugged in anew. So the node's number changes and the path stays, which is what
/dev/serial/by-path promises.
"""

import asyncio
import fcntl
import os
import struct
import tty
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from simulators.device import Heart, SerialDevice

READ_SIZE = 4096
_TIOCSPTLCK = 0x4004_5431  # <asm-generic/ioctls.h>; what unlockpt and ptsname of the C library do
_TIOCGPTN = 0x8004_5430


class PtyPort:
    """A device at ``path``. Use ``serve``; ``unplug`` and ``plug`` in between."""

    def __init__(self, device: SerialDevice, path: Path) -> None:
        self.path = path
        self.opened = 0  # pseudo-terminals made
        self._device = device
        self._master: int | None = None
        self._heart: Heart | None = None

    @classmethod
    @asynccontextmanager
    async def serve(cls, device: SerialDevice, path: Path) -> AsyncIterator["PtyPort"]:
        """Keep the device plugged in for as long as the block lasts."""
        port = cls(device, path)
        port.plug()
        try:
            yield port
        finally:
            port.unplug()

    def plug(self) -> None:
        """Put the device at ``path``. Nothing happens if it is there."""
        if self._master is None:
            self._heart = Heart(self._device)
            self._device.send = self._send
            self._make()

    def unplug(self) -> None:
        """The host reads end of file, and ``path`` is gone. Nothing happens if it is."""
        if self._heart is not None:
            self._heart.stop()
            self._heart = None
            self.path.unlink(missing_ok=True)
        self._drop()

    def _make(self) -> None:
        master, name = _new_pty()
        self._master = master
        self.opened += 1
        fresh = self.path.with_name(self.path.name + ".new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(name)
        fresh.replace(self.path)
        asyncio.get_running_loop().add_reader(master, self._readable)

    def _drop(self) -> None:
        if self._master is not None:
            asyncio.get_running_loop().remove_reader(self._master)
            os.close(self._master)
            self._master = None

    def _readable(self) -> None:
        assert self._master is not None
        try:
            data = os.read(self._master, READ_SIZE)
        except BlockingIOError:
            return
        except OSError:  # EIO: the host has closed the line
            self._drop()
            self._make()
            return
        self._device.receive(data)

    def _send(self, data: bytes) -> None:
        # A host that does not read loses bytes, as on a real line without flow control.
        if self._master is not None:
            with suppress(BlockingIOError, OSError):
                os.write(self._master, data)


def _new_pty() -> tuple[int, str]:
    """Return a master and the name of its slave.

    Not ``os.openpty``: that opens the slave too, and only a slave that nobody ever opened lets the master
    wait quietly for its first host.
    """
    master = os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(master, _TIOCSPTLCK, struct.pack("i", 0))
    (number,) = struct.unpack("I", fcntl.ioctl(master, _TIOCGPTN, bytes(4)))
    # Raw from the beginning: a terminal in its first state echoes what the device says.
    tty.setraw(master)
    return master, f"/dev/pts/{number}"
