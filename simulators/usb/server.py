"""The bus as a process: USB/IP, events and control on three Unix sockets (README.md).

    python -m simulators.usb.server --socket /run/…/usb.sock --ports 8

Prints ``ready`` once all three listen. Ends on SIGTERM or SIGINT, or with ``--until-eof`` when its
standard input ends, so that it cannot outlive who started it.
"""

import argparse
import os
import queue
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from firmware_protocol.usb.descriptors import decode_device
from simulators.usb.bus import PORTS, Enumerated, UsbBus
from simulators.usb.control import MAX_LINE, Control
from simulators.usb.urbs import Exports, serve

EVENTS_WAITING = 1000
ZONE = "Europe/Kyiv"


class HostTime:
    """The host's clocks as the world's true time."""

    def __init__(self, zone: str = ZONE) -> None:
        self._zone = ZoneInfo(zone)

    def seconds(self) -> float:
        return time.monotonic()

    def local(self) -> datetime:
        return datetime.now(self._zone).replace(tzinfo=None)


class Timers:
    """``call_later`` on threads; what has not happened at the end never does."""

    def __init__(self) -> None:
        self._running: set[threading.Timer] = set()
        self._lock = threading.Lock()

    def __call__(self, after_s: float, act: Callable[[], None]) -> None:
        def run() -> None:
            with self._lock:
                self._running.discard(timer)
            act()

        timer = threading.Timer(after_s, run)
        timer.daemon = True
        with self._lock:
            self._running.add(timer)
        timer.start()

    def cancel(self) -> None:
        with self._lock:
            for timer in self._running:
                timer.cancel()


class Server:
    """Serves a bus until ``close``. Usable in a test's own process as well."""

    def __init__(self, bus: UsbBus, path: Path) -> None:
        self.bus = bus
        self.paths = (path, Path(f"{path}.events"), Path(f"{path}.control"))
        self._exports = Exports(bus)
        self._control = Control(bus)
        self._open: set[socket.socket] = set()
        self._closed = False
        self._lock = threading.Lock()
        serving: tuple[Callable[[socket.socket], None], ...] = (self._usbip, self._events, self._requests)
        self._listening = [_listen(path) for path in self.paths]
        for sock, handler in zip(self._listening, serving, strict=True):
            threading.Thread(target=self._accept, args=(sock, handler), daemon=True).start()

    def close(self) -> None:
        """Hang up on everybody and take the sockets away.

        A connection is closed by the thread that serves it: to that thread a descriptor that another
        one has closed is no descriptor, or, worse, somebody else's.
        """
        with self._lock:
            self._closed = True
            for sock in (*self._listening, *self._open):
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        for sock in self._listening:
            sock.close()
        for path in self.paths:
            path.unlink(missing_ok=True)

    def _accept(self, listening: socket.socket, handler: Callable[[socket.socket], None]) -> None:
        while True:
            try:
                sock, _ = listening.accept()
            except OSError:
                return  # closed
            with self._lock:
                if self._closed:
                    sock.close()
                    return
                self._open.add(sock)
            threading.Thread(target=self._handle, args=(sock, handler), daemon=True).start()

    def _handle(self, sock: socket.socket, handler: Callable[[socket.socket], None]) -> None:
        try:
            with sock, suppress(OSError):  # the peer hung up
                handler(sock)
        finally:
            with self._lock:
                self._open.discard(sock)

    # --- the three sockets ---

    def _usbip(self, sock: socket.socket) -> None:
        serve(self._exports, sock)

    def _events(self, sock: socket.socket) -> None:
        waiting: queue.Queue[bytes] = queue.Queue(EVENTS_WAITING)

        def changed(event: str, what: Enumerated) -> None:
            try:
                waiting.put_nowait(_event(event, what))
            except queue.Full:
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)  # it does not read: it has to ask anew

        try:
            present = self.bus.listen(changed)
            sock.sendall(b"".join(_event("add", what) for what in present) + b'{"event":"ready"}\n')
            while True:
                sock.sendall(waiting.get())
        finally:
            self.bus.forget(changed)

    def _requests(self, sock: socket.socket) -> None:
        with sock.makefile("rb") as lines:
            while line := lines.readline(MAX_LINE):
                sock.sendall(self._control.answer(line) + b"\n")


def _event(event: str, what: Enumerated) -> bytes:
    device = decode_device(what.device.identity.device)
    fields = {
        "event": event,
        "port": what.port,
        "devnum": what.devnum,
        "vendor_id": device.vendor_id,
        "product_id": device.product_id,
    }
    return msgspec.json.encode(fields) + b"\n"


def _listen(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.bind(str(path))
    sock.listen(32)
    return sock


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m simulators.usb.server", description=__doc__)
    parser.add_argument("--socket", type=Path, required=True, help="path of the USB/IP socket")
    parser.add_argument("--ports", type=int, default=PORTS, help="how many ports the dock's hub has")
    parser.add_argument("--zone", default=ZONE, help="time zone of true local time")
    parser.add_argument("--until-eof", action="store_true", help="end when standard input ends")
    args = parser.parse_args(argv)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    timers = Timers()
    server = Server(UsbBus(HostTime(args.zone), timers, args.ports), args.socket)
    print("ready", flush=True)
    if args.until_eof:
        threading.Thread(target=_set_at_eof, args=(stop,), daemon=True).start()
    stop.wait()
    timers.cancel()
    server.close()
    return 0


def _set_at_eof(stop: threading.Event) -> None:
    while os.read(0, 4096):
        pass
    stop.set()


if __name__ == "__main__":
    raise SystemExit(main())
