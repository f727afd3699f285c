"""The sealer as a process: ``python -m edged.vault.sealer_main --fd N``.

N is its end of a socket pair to the core. It holds no path and no key: what it reads and writes comes
as descriptors. It serves one order after another and ends with the socket, or with the core.
"""

import argparse
import array
import contextlib
import ctypes
import fcntl
import functools
import io
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import NoReturn

import msgspec

from drivers.disk import PosixDisk, PosixFile
from drivers.worker.messages import Failed
from edged.errors import CameraError, CameraLostError, DiskError, EdgeError, ErrorCode
from edged.vault.messages import (
    BEAT_S,
    LINE_LIMIT,
    Beat,
    Compare,
    Finished,
    Order,
    Ready,
    Rehash,
    Source,
    Store,
)
from edged.vault.scheduler import LockTurns
from edged.vault.sealing import BLOCK, Sealed, Sealing, Target, rehashing, run

PR_SET_PDEATHSIG = 1  # linux/prctl.h
F_SETPIPE_SZ = 1031  # linux/fcntl.h; 1 MiB is what an unprivileged process may ask for
MAX_FDS = 4
NICE = 5  # a tap on the reader is decided before the next block is hashed


class Line:
    """The socket to the core, blocking; sending is shared by two threads."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock, self._turn = sock, threading.Lock()
        self._buffer, self._fds = b"", list[int]()
        self._decode = msgspec.json.Decoder(Order).decode

    def send(self, make: Callable[[], msgspec.Struct | None]) -> None:
        """Send what ``make`` returns, if anything. It is made when it is its turn: no beat of an
        order comes after that order's end."""
        with self._turn:
            if (message := make()) is not None:
                self._sock.sendall(msgspec.json.encode(message) + b"\n")

    def receive(self) -> tuple[Order, list[int]] | None:
        """The next order with its descriptors, which become the caller's; None when the core is gone.

        Raises EdgeError: DEFECT, what comes is no order.
        """
        while b"\n" not in self._buffer:
            if len(self._buffer) > LINE_LIMIT:
                raise EdgeError(ErrorCode.DEFECT, doing="order", found="an endless line")
            data, fds = _receive(self._sock)
            self._fds += fds
            if not data:
                return None
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        fds, self._fds = self._fds, []
        try:
            return self._decode(line), fds
        except (ValueError, RecursionError) as exc:  # what msgspec raises, its own errors included
            raise EdgeError(ErrorCode.DEFECT, doing="order", found=str(exc)[:200]) from exc

    def closed_within(self, seconds: float) -> bool:
        """Whether the core closed its end within ``seconds``."""
        poll = select.poll()
        poll.register(self._sock, select.POLLRDHUP)
        return bool(poll.poll(seconds * 1000))


def _receive(sock: socket.socket) -> tuple[bytes, list[int]]:
    fds = array.array("i")
    data, ancillary, _, _ = sock.recvmsg(
        LINE_LIMIT, socket.CMSG_SPACE(MAX_FDS * fds.itemsize), socket.MSG_CMSG_CLOEXEC
    )
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(content[: len(content) - len(content) % fds.itemsize])
    return data, list(fds)


class Sealer:
    """Carries out orders; ``beat`` tells how far it is, from another thread."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._sealing: Sealing | None = None
        self._waited_s, self._waiting_since = 0.0, 0.0  # seconds for the source; 0: not waiting now

    def serve(self) -> None:
        """Serve until the core is gone."""
        while (found := self._line.receive()) is not None:
            order, fds = found
            with contextlib.ExitStack() as stack:
                for fd in fds:
                    stack.callback(os.close, fd)
                answer = self._answer(order, fds)
            # Descriptors are closed by now: a worker that is still writing learns it from its pipe.
            self._line.send(functools.partial(self._end, answer))

    def beat(self) -> Beat | None:
        """How far the running copy is; None without one."""
        if (sealing := self._sealing) is None:
            return None
        since = self._waiting_since
        waited = self._waited_s + (time.monotonic() - since if since else 0.0)
        return Beat(phase=sealing.phase, done=sealing.done, received=sealing.received, waited_s=waited)

    def _end(self, answer: Finished | Failed) -> Finished | Failed:
        self._sealing = None
        return answer

    def _answer(self, order: Order, fds: Sequence[int]) -> Finished | Failed:
        try:
            return _finished(self._carry_out(order, fds))
        except EdgeError as error:
            held = self._held(error)
            return Failed(code=error.code.number, detail={**error.detail, "held": held})
        except OSError as error:  # of pipe and socket: those of the disk come translated
            return Failed(code=ErrorCode.PROCESS_DIED.number, detail={"error": str(error), "held": 0})

    def _held(self, error: EdgeError) -> int:
        """After a failure of the source, make durable what came in; after one of the disk, nothing."""
        if self._sealing is None or isinstance(error, DiskError):
            return 0
        try:
            return self._sealing.mark()
        except DiskError:
            return 0

    def _carry_out(self, order: Order, fds: Sequence[int]) -> Sealed:
        match order, fds:
            case Rehash(), [fd]:
                return run(rehashing(lambda: PosixDisk().open_uncached(_name(fd)), order.size))
            case Store(), [part, marks, turns]:
                _lock(part)
                target = Target(
                    PosixFile(part), PosixFile(marks), lambda: PosixDisk().open_uncached(_name(part))
                )
                self._sealing = Sealing(
                    target,
                    size=order.size,
                    resume_to=order.resume_to,
                    turns=LockTurns(turns, asker=order.asker),
                )
            case Compare(), []:
                self._sealing = Sealing(None, size=order.size)
            case _:
                raise EdgeError(ErrorCode.DEFECT, doing="order", found=type(order).__name__, fds=len(fds))
        self._waited_s = 0.0
        ready = Ready(offset=self._sealing.prove())
        self._line.send(lambda: ready)
        self._take_source(self._sealing, order.size)
        return self._sealing.finish()

    def _take_source(self, sealing: Sealing, size: int) -> None:
        found = self._line.receive()
        if found is None:
            raise CameraLostError(doing="source", found="the core is gone")
        order, fds = found
        with contextlib.ExitStack() as stack:
            for fd in fds:
                stack.callback(os.close, fd)
            if not isinstance(order, Source) or len(fds) != 1:
                raise EdgeError(ErrorCode.DEFECT, doing="source", found=type(order).__name__, fds=len(fds))
            with contextlib.suppress(OSError):  # a smaller pipe is only slower
                fcntl.fcntl(fds[0], F_SETPIPE_SZ, BLOCK)
            self._pump(sealing, size, fds[0])

    def _pump(self, sealing: Sealing, size: int, fd: int) -> None:
        buffer = memoryview(bytearray(BLOCK))
        with io.FileIO(fd, closefd=False) as pipe:
            while filled := self._fill(pipe, buffer):
                if sealing.taken_over + sealing.received + filled > size:
                    raise CameraError(ErrorCode.CAMERA_PROTOCOL, why="longer than listed", size=size)
                sealing.write(buffer[:filled])
        if sealing.taken_over + sealing.received < size:
            raise CameraLostError(why="the stream ended", size=size, received=sealing.received)

    def _fill(self, pipe: io.FileIO, buffer: memoryview) -> int:
        """Fill the block; less at the end of the stream only, so that nothing is copied twice."""
        filled = 0
        while filled < len(buffer):
            self._waiting_since = time.monotonic()
            count = pipe.readinto(buffer[filled:])
            self._waited_s, self._waiting_since = self._waited_s + time.monotonic() - self._waiting_since, 0.0
            if not count:
                break
            filled += count
        return filled


def _finished(sealed: Sealed) -> Finished:
    return Finished(
        size=sealed.size,
        sha256=sealed.sha256,
        fingerprint=sealed.fingerprint,
        medium=sealed.medium,
        resumed_from=sealed.resumed_from,
        received=sealed.received,
        film_began=sealed.film_began,
        film_ms=sealed.film_ms,
    )


def _name(fd: int) -> str:
    """A name by which an inherited file can be opened anew, without the page cache."""
    return f"/proc/self/fd/{fd}"


def _lock(part: int) -> None:
    """One sealer a file: one that outlived its core must end before another writes there."""
    try:
        fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        raise DiskError(ErrorCode.CONFLICT, doing="lock", found="another sealer writes this file") from exc


def _beating(line: Line, sealer: Sealer) -> NoReturn:
    """Tell the core four times a second how far the copy is; end the process when it is gone."""
    while not line.closed_within(BEAT_S):
        with contextlib.suppress(OSError):
            line.send(sealer.beat)
    os._exit(0)  # the other thread may hang in the disk


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="descriptor of the socket to the core")
    with socket.socket(fileno=parser.parse_args().fd) as sock:
        # The core ends this process by closing the socket, after it has said what is to be kept.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        # The unit's filter of calls may forbid it: there the scheduler has to be fair.
        with contextlib.suppress(PermissionError):
            os.nice(NICE)
        line = Line(sock)
        sealer = Sealer(line)
        threading.Thread(target=_beating, args=(line, sealer), daemon=True).start()
        sealer.serve()


if __name__ == "__main__":
    main()
