"""SFTP requests and answers over one SSH channel, blocking, in one thread.

The peer is judged by every answer: an id nobody waits for, a second answer, a kind that does not fit
the request, a length that lies end the conversation with CentreProtocolError.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from edged.errors import FormatError
from sync import sftp_wire as wire
from sync.sftp_wire import Kind, Status
from sync.store import (
    Assurance,
    CentreFullError,
    CentreGoneError,
    CentreProtocolError,
    CentreRefusedError,
    NotThereError,
    RemoteSpace,
    StoreError,
    TransferStalledError,
)

WINDOW = 64  # most writes in flight; 64 x 32 KiB fill the 2 MiB window that OpenSSH grants
LEAST_WINDOW = 2
SLOW_S, QUICK_S = 4.0, 1.0  # an answer later than that shrinks the window, sooner lets it grow
BLOCK = 32 * 1024  # what every server must take (draft, section 3: 34,000-byte packets)
MAX_LISTED = 200_000  # names of one folder; an endless READDIR ends here
FSYNC, STATVFS, LIMITS = "fsync@openssh.com", "statvfs@openssh.com", "limits@openssh.com"

R = TypeVar("R", bound=wire.Reply)


class Channel(Protocol):
    """The part of an SSH channel that is used; both calls raise TimeoutError past the channel's deadline."""

    def send(self, data: bytes, /) -> int:
        """Return how many bytes were taken; 0: the channel is closed."""
        ...

    def recv(self, size: int, /) -> bytes:
        """Return at least one byte; none: the channel is closed."""
        ...


class SftpChannel:
    """One SFTP conversation."""

    def __init__(self, channel: Channel, clock: Callable[[], float] = time.monotonic) -> None:
        """Say hello. ``clock`` gives seconds.

        Raises:
            CentreProtocolError: the other side is no SFTP version 3.
        """
        self._channel = channel
        self._number = 0
        self._clock = clock
        self._window = WINDOW // 4
        self._writes: dict[int, float] = {}  # writes whose answers are due, oldest first: id, when sent
        self._early: dict[int, wire.Reply] = {}
        self._failed: StoreError | None = None  # first failure among answered writes
        self._send(wire.init())
        try:
            self.extensions = wire.decode_version(self._packet())
            self.block = self._write_limit()
        except FormatError as exc:
            raise CentreProtocolError(**exc.detail) from exc

    @property
    def assurance(self) -> Assurance:
        return Assurance.SYNCED if self.extensions.get(FSYNC) == b"1" else Assurance.WRITTEN

    def ask(self, answer: type[R], kind: Kind, *fields: bytes | int, about: str = "") -> R:
        """Send one request and return its answer.

        Raises:
            NotThereError, CentreRefusedError, CentreProtocolError, CentreGoneError
        """
        number = self._request(kind, *fields)
        reply = self._answer(number)
        if isinstance(reply, answer) and not (isinstance(reply, wire.StatusReply) and reply.code):
            return reply
        if isinstance(reply, wire.StatusReply):
            raise self.failure(reply, about)
        raise CentreProtocolError(reason="answer of another kind", asked=kind.name)

    def do(self, kind: Kind, *fields: bytes | int, about: str = "") -> None:
        """Send one request that is answered by a status only."""
        self.ask(wire.StatusReply, kind, *fields, about=about)

    def write(self, handle: bytes, offset: int, data: bytes) -> None:
        """Queue positional writes; returns when the window has room. Failures of earlier ones rise here."""
        for start in range(0, len(data), self.block):
            piece = data[start : start + self.block]
            number = self._request(Kind.WRITE, handle, wire.u64(offset + start), piece)
            self._writes[number] = self._clock()
            while len(self._writes) >= self._window:
                self._take_write()
        if self._failed is not None:
            raise self._failed

    def drain(self) -> None:
        """Read the answer of every write sent so far.

        Raises:
            StoreError: one of them was refused, also if that was noticed before.
        """
        while self._writes:
            self._take_write()
        if self._failed is not None:
            raise self._failed

    def list_names(self, path: str) -> list[str]:
        handle = self.ask(wire.HandleReply, Kind.OPENDIR, path.encode(), about=path).handle
        names: list[str] = []
        try:
            while len(names) <= MAX_LISTED:
                names += self.ask(wire.NameReply, Kind.READDIR, handle, about=path).names
            raise CentreProtocolError(reason="listing without end", path=path)
        except EndOfFileError:
            self.do(Kind.CLOSE, handle, about=path)
        return names

    def space(self, path: str) -> RemoteSpace | None:
        if STATVFS not in self.extensions:
            return None
        reply = self.ask(wire.ExtendedReply, Kind.EXTENDED, STATVFS.encode(), path.encode(), about=path)
        try:
            found = wire.decode_statvfs(reply.body)
        except FormatError as exc:
            raise CentreProtocolError(**exc.detail) from exc
        # File systems that make inodes as they need them report none at all.
        return RemoteSpace(found.free, found.free_inodes if found.inodes else 1 << 32)

    def failure(self, reply: wire.StatusReply, about: str) -> StoreError:
        """Return the error for a status other than OK."""
        text = reply.text if reply.text.isprintable() else ascii(reply.text)
        match reply.code:
            case Status.EOF:
                return EndOfFileError(path=about)
            case Status.NO_SUCH_FILE:
                return NotThereError(path=about)
            case Status.PERMISSION_DENIED | Status.FAILURE | Status.OP_UNSUPPORTED:
                return CentreRefusedError(path=about, status=reply.code, text=text[:200])
            case Status.NO_CONNECTION | Status.CONNECTION_LOST:
                return CentreGoneError(path=about, status=reply.code)
            case _:
                return CentreProtocolError(path=about, status=reply.code, text=text[:200])

    def full_or(self, failure: StoreError) -> StoreError:
        """Return CentreFullError if there is no space, else ``failure`` (status FAILURE names no reason)."""
        if not isinstance(failure, CentreRefusedError) or failure.detail.get("status") != Status.FAILURE:
            return failure
        space = self.space(".")
        if space is not None and (space.free < self.block or space.free_inodes == 0):
            return CentreFullError(free=space.free, inodes=space.free_inodes)
        return failure

    def _write_limit(self) -> int:
        if LIMITS not in self.extensions:
            return BLOCK
        reply = self.ask(wire.ExtendedReply, Kind.EXTENDED, LIMITS.encode())
        limits = wire.decode_limits(reply.body)
        return min(BLOCK, limits.write) if limits.write else BLOCK

    def _take_write(self) -> None:
        """Read the oldest write's answer. The first failure is kept; the file is lost from then on."""
        number = next(iter(self._writes))
        reply = self._answer(number)
        # On a slow line a full window would make a checkpoint wait behind minutes of recording.
        waited = self._clock() - self._writes.pop(number)
        if waited > SLOW_S:
            self._window = max(LEAST_WINDOW, self._window // 2)
        elif waited < QUICK_S:
            self._window = min(WINDOW, self._window + 1)
        if not isinstance(reply, wire.StatusReply):
            raise CentreProtocolError(reason="answer of another kind", asked="WRITE")
        if reply.code != Status.OK and self._failed is None:
            self._failed = self.failure(reply, "write")

    def forget_failure(self) -> None:
        """The file whose write failed is given up; the conversation can go on with another."""
        while self._writes:
            self._take_write()
        self._failed = None

    def _answer(self, number: int) -> wire.Reply:
        """Return the answer to request ``number``. Servers may answer writes in any order."""
        while number not in self._early:
            try:
                reply = wire.decode(self._packet())
            except FormatError as exc:
                raise CentreProtocolError(**exc.detail) from exc
            if reply.id in self._early or (reply.id != number and reply.id not in self._writes):
                raise CentreProtocolError(reason="answer to nothing that was asked", id=reply.id)
            self._early[reply.id] = reply
        return self._early.pop(number)

    def _request(self, kind: Kind, *fields: bytes | int) -> int:
        self._number = (self._number + 1) & 0xFFFFFFFF
        self._send(wire.request(kind, self._number, *fields))
        return self._number

    def _send(self, data: bytes) -> None:
        # The library's sendall would spin on a channel that is closed but not yet marked so.
        while data:
            with _broken_line():
                sent = self._channel.send(data)
            if sent <= 0:
                raise CentreGoneError(reason="the channel is closed")
            data = data[sent:]

    def _packet(self) -> bytes:
        size = int.from_bytes(self._exactly(4), "big")
        if not 0 < size <= wire.MAX_PACKET:
            raise CentreProtocolError(reason="packet length", size=size)
        return self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        parts, missing = [], size
        while missing:
            with _broken_line():
                part = self._channel.recv(missing)
            if not part:
                raise CentreGoneError(reason="the centre closed the connection")
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)


@contextmanager
def _broken_line() -> Iterator[None]:
    try:
        yield
    except TimeoutError as exc:
        raise TransferStalledError(reason="no answer in time") from exc
    except (OSError, EOFError) as exc:
        raise CentreGoneError(reason=str(exc)[:200] or type(exc).__name__) from exc


class EndOfFileError(StoreError):
    """SSH_FX_EOF: the end of a file or a listing."""
