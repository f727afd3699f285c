"""The process of the ports, started by systemd through its socket: ``python -m drivers.usb_ports.main --map FILE``.

It runs as root and does what no other part may: write to sysfs, end a worker. Its socket admits the core's user only.
"""

import argparse
import os
import pwd
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from drivers.notify import Notifier, wait_fed
from drivers.usb_ports import messages as p
from drivers.usb_ports.gate import Gate
from drivers.usb_ports.service import PortsServer
from drivers.usb_ports.slot_map import load_slot_map
from edged.errors import EdgeError, ErrorCode

FIRST_FD = 3  # SD_LISTEN_FDS_START
ANSWER_S = 5.0

_decode: Callable[[bytes], p.Request] = msgspec.json.Decoder(p.Request).decode
_encode = msgspec.json.Encoder().encode


class _CoreGoneError(Exception):
    """The conversation is over."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="edged-ports", description="Opens and closes the ports of the slots."
    )
    parser.add_argument("--map", type=Path, required=True, help="the station's configuration, with its slots")
    parser.add_argument("--workers-user", default="edged-slot", help="whose processes may be ended")
    options = parser.parse_args(arguments)
    try:
        run(Gate(load_slot_map(options.map), time.sleep), ender(options.workers_user))
    except EdgeError as error:
        sys.stderr.write(f"edged-ports: {error}\n             {error.code.remedy}\n")
        return 1
    return 0


def run(gate: Gate, end_worker: Callable[[int], None]) -> None:
    """Until SIGTERM. Raises EdgeError: a port that cannot be shut; systemd starts us again, to try anew."""
    listening = _handed_over(os.environ)
    notifier = Notifier(os.environ, os.getpid())
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    with listening:
        try:
            gate.close_all()
            notifier.ready("every port is shut")
            serve(listening, PortsServer(gate, end_worker), gate, notifier)
        finally:
            gate.close_all()


def serve(listening: socket.socket, server: PortsServer, gate: Gate, notifier: Notifier) -> None:
    """One core after the other, without end; after each every port is shut."""
    while True:
        wait_fed(notifier, listening)
        core, _ = listening.accept()
        try:
            with core:
                converse(core, server, notifier)
        finally:
            gate.close_all()


def converse(core: socket.socket, server: PortsServer, notifier: Notifier) -> None:
    """Answer until the core closes its end, or says what is no request."""
    held = bytearray()
    try:
        while True:
            core.settimeout(None)
            request, held = _next(core, held, notifier)
            core.settimeout(ANSWER_S)
            core.sendall(_encode(server.handle(request)) + b"\n")
    except (_CoreGoneError, OSError) as gone:
        sys.stderr.write(f"edged-ports: the conversation is over: {gone}\n")


def _next(core: socket.socket, held: bytearray, notifier: Notifier) -> tuple[p.Request, bytearray]:
    while b"\n" not in held:
        if len(held) > p.LINE_LIMIT:
            raise _CoreGoneError("a line is too long")
        wait_fed(notifier, core)
        some = core.recv(p.LINE_LIMIT)
        if not some:
            raise _CoreGoneError("closed")
        held += some
    line, _, rest = bytes(held).partition(b"\n")
    try:
        return _decode(line), bytearray(rest)
    except (ValueError, RecursionError) as exc:  # what msgspec raises
        raise _CoreGoneError(f"not a request: {exc}") from exc


def ender(user: str) -> Callable[[int], None]:
    """Return what ends a process of this user. Raises EdgeError CONFIG_INVALID."""
    try:
        uid = pwd.getpwnam(user).pw_uid
    except KeyError as exc:
        raise EdgeError(ErrorCode.CONFIG_INVALID, key="workers-user", reason=f"no user {user}") from exc

    def end(pid: int) -> None:
        try:
            fd = os.pidfd_open(pid)
        except (ProcessLookupError, ValueError, OverflowError):
            return
        except OSError as exc:
            raise EdgeError(ErrorCode.BAD_REQUEST, pid=pid, reason=exc.strerror or "") from exc
        try:
            # Behind the descriptor: the number cannot have become another process between question and signal.
            if Path(f"/proc/{pid}").stat().st_uid != uid:
                raise EdgeError(ErrorCode.BAD_REQUEST, pid=pid, reason="not a worker")
            signal.pidfd_send_signal(fd, signal.SIGKILL)
        except (ProcessLookupError, FileNotFoundError):
            return
        finally:
            os.close(fd)

    return end


def _handed_over(environ: Mapping[str, str]) -> socket.socket:
    """The listening socket from systemd (sd_listen_fds(3))."""
    if environ.get("LISTEN_PID") != str(os.getpid()) or environ.get("LISTEN_FDS") != "1":
        raise EdgeError(ErrorCode.CONFIG_INVALID, key="socket", reason="to be started by edged-ports.socket")
    return socket.socket(fileno=FIRST_FD)


if __name__ == "__main__":
    sys.exit(main())
