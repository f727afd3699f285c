"""How a worker that somebody else has started (systemd, when something appeared at its port) meets the core.

It connects to its slot's socket and says which plug-in it serves: its line of life. As long as that stands the device
is there. For each conversation the core sends ``Converse`` and, beside it, one end of a fresh socket pair; one
conversation comes after the other, and one that broke off leaves nothing behind for the next. The line ends with
``Leaving`` when the device has left, and without a word when the worker died.
"""

import os
import socket
from collections.abc import Callable

import msgspec

from drivers.worker import messages as m

CONNECT_S = 10.0  # the core listens, or the worker ends and is started again
TELL_S = 2.0
LINE_LIMIT = 256  # bytes of what the core sends here
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(m.Converse)


class CoreGoneError(Exception):
    """There is nobody to work for: the core closed the line, or says what is none of ours."""


class Lifeline:
    """The worker's end. ``watch`` is called while it waits, at least every ``WATCH_S``."""

    WATCH_S = 5.0

    def __init__(self, sock: socket.socket, watch: Callable[[], None]) -> None:
        """``sock`` is connected, and from now on ours."""
        self._socket, self._watch = sock, watch
        self._held = bytearray()
        self._fds: list[int] = []

    @classmethod
    def connected(cls, path: str, connection: str, watch: Callable[[], None]) -> "Lifeline":
        """Connect and greet. Raises CoreGoneError."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        sock.settimeout(CONNECT_S)
        try:
            sock.connect(path)
            sock.sendall(_encoder.encode(m.Greeting(connection=connection)) + b"\n")
        except OSError as exc:
            sock.close()
            raise CoreGoneError(f"{path}: {exc}") from exc
        return cls(sock, watch)

    def conversation(self) -> socket.socket:
        """Wait for the next one, without end. Raises CoreGoneError."""
        while b"\n" not in self._held:
            if len(self._held) > LINE_LIMIT:
                raise CoreGoneError("a line is too long")
            self._receive()
        line, _, rest = bytes(self._held).partition(b"\n")
        self._held = bytearray(rest)
        try:
            _decoder.decode(line)
        except ValueError as exc:  # what msgspec raises
            raise CoreGoneError(f"not a conversation: {exc}") from exc
        if not self._fds:
            raise CoreGoneError("no socket beside the line")
        return socket.socket(fileno=self._fds.pop(0))

    def leave(self) -> None:
        """Say that the device has left. Never raises: the line's end says it too, a little later."""
        self._socket.settimeout(TELL_S)
        try:
            self._socket.sendall(_encoder.encode(m.Leaving()) + b"\n")
        except OSError:
            return

    def close(self) -> None:
        for fd in self._fds:
            os.close(fd)
        self._fds.clear()
        self._socket.close()

    def _receive(self) -> None:
        self._socket.settimeout(self.WATCH_S)
        self._watch()
        try:
            data, fds, _, _ = socket.recv_fds(self._socket, LINE_LIMIT, 4)
        except TimeoutError:
            return
        except OSError as exc:
            raise CoreGoneError(f"reading: {exc}") from exc
        self._fds += fds
        if not data:
            raise CoreGoneError("end of the line")
        self._held += data
