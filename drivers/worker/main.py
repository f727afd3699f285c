"""The process of one slot, started by the core or by systemd:

    python -m drivers.worker.main --backend B --port 1-1.2 --fd N
    python -m drivers.worker.main --backend B --device /dev/edged/slot-2 --connect /run/edged/workers/2/core.sock

A conversation is a Unix stream socket with lines of JSON (messages.py), one answer for each request. A copy's
bytes go through a pipe: its read end travels beside CopyStarted, and closing it stops the copy. With ``--fd`` there
is one conversation and the process ends with it; with ``--connect`` as many as the core begins (lifeline.py). It
holds no state worth keeping: it may be killed at any moment.
"""

import argparse
import fcntl
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType

import msgspec

from drivers import usb
from drivers.cameras.detect import Connection
from drivers.cameras.password import parse_password
from drivers.notify import Notifier
from drivers.random import SystemRandom
from drivers.usb_place import Place, place_of
from drivers.worker import messages as m
from drivers.worker.lifeline import CoreGoneError, Lifeline
from drivers.worker.serve import CopyRun, WorkerServer
from edged.errors import EdgeError, ErrorCode

MAX_LINE = 32 * 1024 * 1024
"""Bytes of a request: a Clear of all 65,536 clips of a card fits."""
PIPE_SIZE = 1024 * 1024  # pipe-max-size of an unprivileged process
TAKEN_S = 300.0
"""The reader must take something within this time; it is paced by a disk that may be slow, not by a person."""
ANSWER_S = 30.0  # the core must take an answer
WATCH_S = 5.0  # between two signs of life of one who waits
DEFAULT_PASSWORD = "000000"  # noqa: S105  the family's factory setting, known to everybody

PASSWORD_FILE_LIMIT = 4096  # bytes that are read of it

Alive = Callable[[], None]
"""Tells the watchdog; called where something got on, or by one who waits for the core and nothing else."""

_decoder: msgspec.json.Decoder[m.Request] = msgspec.json.Decoder(m.Request)
_encoder = msgspec.json.Encoder()


class _CoreGoneError(Exception):
    """The other end of the socket is closed: there is nobody to work for."""


class _ToldToEndError(BaseException):
    """SIGTERM: no error handling on the way may swallow it."""


class _ReaderGoneError(Exception):
    """The pipe's reader gave up, or takes nothing any more."""


class Channel:
    """The socket: lines in, lines out, now and then with a descriptor."""

    def __init__(self, sock: socket.socket, alive: Alive = lambda: None) -> None:
        self._socket = sock
        self._alive = alive
        self._held = bytearray()

    def receive(self) -> m.Request:
        """Wait for the next request, without end: only the core knows when there is work.

        Raises _CoreGoneError: end of the stream, or what is no request.
        """
        while (end := self._held.find(b"\n")) < 0:
            if len(self._held) > MAX_LINE:
                raise _CoreGoneError("a line is too long")
            self._held += self._some()
        line = bytes(self._held[:end])
        del self._held[: end + 1]
        try:
            return _decoder.decode(line)
        except (ValueError, RecursionError) as exc:  # what msgspec raises, its own errors included
            raise _CoreGoneError(f"not a request: {exc}") from exc

    def _some(self) -> bytes:
        while not select.select([self._socket], (), (), WATCH_S)[0]:
            self._alive()
        self._alive()
        try:
            some = self._socket.recv(65536)
        except OSError as exc:  # a reset: it closed without reading our last answer
            raise _CoreGoneError(f"reading: {exc}") from exc
        if not some:
            raise _CoreGoneError("end of the stream")
        return some

    def send(self, answer: m.Answer, descriptor: int | None = None) -> None:
        """Raises _CoreGoneError."""
        raw = _encoder.encode(answer) + b"\n"
        try:
            self._socket.settimeout(ANSWER_S)
            sent = 0
            if descriptor is not None:
                sent = socket.send_fds(self._socket, [raw], [descriptor])
            self._socket.sendall(raw[sent:])
            self._socket.settimeout(None)
        except OSError as exc:
            raise _CoreGoneError(f"the answer was not taken: {exc}") from exc

    def fileno(self) -> int:
        return self._socket.fileno()


class Writer:
    """The write end of a copy's pipe. Never blocks longer than TAKEN_S, nor past the core's end."""

    def __init__(self, descriptor: int, core: int) -> None:
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._core = core
        self._poll.register(core, select.POLLRDHUP)
        os.set_blocking(descriptor, False)

    def write(self, block: bytes) -> None:
        """Raises _ReaderGoneError, _CoreGoneError."""
        view = memoryview(block)
        while view:
            try:
                view = view[os.write(self._descriptor, view) :]
            except BlockingIOError:
                self._wait()
            except BrokenPipeError as exc:
                raise _ReaderGoneError("closed") from exc

    def _wait(self) -> None:
        ready = dict(self._poll.poll(TAKEN_S * 1000))
        if self._core in ready:
            raise _CoreGoneError("end of the stream during a copy")
        if not ready:
            raise _ReaderGoneError(f"nothing taken in {TAKEN_S:.0f} s")


def serve(channel: Channel, server: WorkerServer, alive: Alive = lambda: None) -> None:
    """Answer requests until the core closes the socket."""
    try:
        while True:
            request = channel.receive()
            if isinstance(request, m.Copy):
                _copy(channel, server, request, alive)
            else:
                channel.send(server.handle(request))
    except _CoreGoneError:
        return
    finally:
        server.close()


def _copy(channel: Channel, server: WorkerServer, request: m.Copy, alive: Alive) -> None:
    try:
        run = server.copy(request)
    except EdgeError as error:
        channel.send(server.failed(error))
        return
    inlet, outlet = os.pipe()
    try:
        with suppress(OSError):  # a smaller pipe is slower and no worse
            fcntl.fcntl(outlet, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
        channel.send(m.CopyStarted(), inlet)
        os.close(inlet)  # ours: the reader must be the only one, or its going away would not show
        inlet = -1
        answer = _pump(run, Writer(outlet, channel.fileno()), server, alive)
    finally:
        os.close(outlet)
        if inlet >= 0:
            os.close(inlet)
    channel.send(answer)


def _pump(run: CopyRun, writer: Writer, server: WorkerServer, alive: Alive) -> m.Answer:
    try:
        for block in run:
            writer.write(block)
            alive()
    except EdgeError as error:
        return server.failed(error)
    except _ReaderGoneError as gone:
        return m.Failed(
            code=ErrorCode.PROCESS_DIED.number,
            detail={"process": "reader of the copy's pipe", "reason": str(gone), "sent": run.sent},
        )
    return run.ended()


def pause(seconds: float) -> None:
    """Wait between two tries, a little more or less: eight slots must not knock in step."""
    time.sleep(seconds * SystemRandom().uniform(0.75, 1.25))


def _server(password_file: Path | None, connect: Callable[[], Connection]) -> WorkerServer:
    """Without its password file it meets no camera: every Identify is answered with KEY_UNUSABLE."""
    try:
        password = DEFAULT_PASSWORD if password_file is None else _password(password_file)
    except EdgeError as error:
        unusable = error

        def refuse() -> Connection:
            raise EdgeError(unusable.code, **unusable.detail)

        return WorkerServer(refuse, DEFAULT_PASSWORD, pause)
    return WorkerServer(connect, password, pause)


def _password_file(options: argparse.Namespace) -> Path | None:
    given: Path | None = options.password_credential
    return given if given is not None and given.exists() else options.password_file


def _password(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return parse_password(file.read(PASSWORD_FILE_LIMIT))
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise EdgeError(ErrorCode.KEY_UNUSABLE, path=str(path), reason=reason) from exc
    except EdgeError as exc:
        raise EdgeError(exc.code, **{"path": str(path)} | exc.detail) from exc


def stay(path: str, connection: str, new_server: Callable[[], WorkerServer], alive: Alive) -> None:
    """Hold one conversation after the other, until the core closes the line of life or SIGTERM comes."""
    signal.signal(signal.SIGTERM, _told_to_end)
    line = Lifeline.connected(path, connection, alive)
    try:
        while True:
            with line.conversation() as sock:
                serve(Channel(sock, alive), new_server(), alive)
    except CoreGoneError as gone:
        sys.stderr.write(f"{gone}\n")
    except _ToldToEndError:
        line.leave()
    finally:
        line.close()


def _told_to_end(_number: int, _frame: FrameType | None) -> None:
    raise _ToldToEndError


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    backend = usb.open_backend(options.backend)
    try:
        place = Place(options.port, "") if options.device is None else place_of(options.device)
    except EdgeError as error:
        sys.stderr.write(f"{error}\n")
        return 1

    def new_server() -> WorkerServer:
        return _server(_password_file(options), lambda: usb.open_port(backend, place.port))

    if options.fd is not None:
        with socket.socket(fileno=options.fd) as sock:
            serve(Channel(sock), new_server())
        return 0
    notifier = Notifier(os.environ, os.getpid())
    notifier.ready()
    stay(options.connect, place.connection or options.connection, new_server, notifier.alive)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="drivers.worker.main", description="One slot's USB worker.")
    core = parser.add_mutually_exclusive_group(required=True)
    core.add_argument("--fd", type=int, help="socket to the core, which started us")
    core.add_argument("--connect", help="the core's socket for this slot")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--port", help="port path, as 1-1.2")
    where.add_argument("--device", type=Path, help="device node of what is plugged in, or a link to it")
    parser.add_argument("--connection", default="", help="with --port: which plug-in of it this is")
    parser.add_argument("--backend", required=True, help="libusb, or usbip:/path/to.sock")
    parser.add_argument("--password-file", type=Path, help="the station's password for cameras")
    parser.add_argument(
        "--password-credential", type=Path, help="the same, from systemd; counts where the file is there"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
