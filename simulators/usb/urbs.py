"""One USB/IP connection from the exporting side: operations, then the URBs of one device.

One thread a connection. It never blocks on a device: what a device does not answer yet waits here,
so that an unlink or a pulled plug ends it.
"""

import errno
import select
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from firmware_protocol.errors import WireError
from firmware_protocol.usb import descriptors, usbip
from firmware_protocol.usb.usbip import Operation, OpHeader, OpStatus, Submit, Unlink
from simulators.usb.bus import Enumerated, UsbBus
from simulators.usb.device import Buffer, Gone, Reply, Stall

BUFFER = 2 * 1024 * 1024  # bytes of the socket's send buffer: a whole 1 MiB URB goes out in one call
LET_GO_S = 5.0  # from the end of a connection until its thread has seen it


class Exports:
    """Which device is imported by whom: at most one connection each."""

    def __init__(self, bus: UsbBus) -> None:
        self.bus = bus
        self._lock = threading.Lock()
        self._freed = threading.Condition(self._lock)
        self._taken: dict[Enumerated, socket.socket] = {}
        bus.listen(self._changed)

    def take(self, busid: str, sock: socket.socket) -> Enumerated | OpStatus:
        """Reserve the device on a port, or say why not.

        A kernel lets go of a device with the last descriptor. Here a thread learns of that end a little later: it is
        waited for, so that whoever comes after a process that has ended never meets its shadow.
        """
        with self._lock:
            what = self.bus.on_bus(busid)
            if what in self._taken and _hung_up(self._taken[what]):
                self._freed.wait_for(lambda: what not in self._taken, LET_GO_S)
            if what is None:
                return OpStatus.NO_DEVICE
            if what in self._taken:
                return OpStatus.BUSY
            self._taken[what] = sock
            if not what.alive:  # it left between the two lines: nobody would wake the connection
                del self._taken[what]
                return OpStatus.NO_DEVICE
            return what

    def release(self, what: Enumerated) -> None:
        with self._lock:
            self._taken.pop(what, None)
            self._freed.notify_all()

    def _changed(self, event: str, what: Enumerated) -> None:
        """A device that left: its connection wakes up at the end of its stream."""
        sock = self._taken.get(what)
        if event == "remove" and sock is not None:
            with suppress(OSError):  # the host has closed it already
                sock.shutdown(socket.SHUT_RD)


def _hung_up(sock: socket.socket) -> bool:
    """The other end of a connection has closed it, whether or not it is read to its end."""
    poll = select.poll()
    poll.register(sock, select.POLLRDHUP)
    return bool(poll.poll(0))


def exported(what: Enumerated) -> usbip.ExportedDevice:
    """How a list and an import describe the device."""
    own = what.device.identity
    device = descriptors.decode_device(own.device)
    return usbip.ExportedDevice(
        path=f"/sys/devices/simulated/usb1/{what.port}",
        busid=what.port,
        busnum=1,
        devnum=what.devnum,
        speed=own.speed,
        vendor_id=device.vendor_id,
        product_id=device.product_id,
        bcd_device=device.bcd_device,
        device_class=device.device_class,
        device_subclass=device.device_subclass,
        device_protocol=device.device_protocol,
        configuration_value=what.device.configured,
        configurations=device.configurations,
        interfaces_count=len(own.interfaces),
        interfaces=own.interfaces,
    )


def serve(exports: Exports, sock: socket.socket) -> None:
    """Speak USB/IP until the peer hangs up, breaks the protocol, or its device leaves."""
    with sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        try:
            what = _operations(exports, sock)
            if what is None:
                return
            try:
                _Attached(exports.bus, sock, what).run()
            finally:
                exports.release(what)
        except (OSError, WireError):
            return  # the peer has gone, or speaks something else: either way there is nobody to tell


def _operations(exports: Exports, sock: socket.socket) -> Enumerated | None:
    while (raw := _receive(sock, usbip.OP_SIZE)) is not None:
        header = usbip.decode_op(raw)
        if header.operation is Operation.LIST_REQUEST:
            devices = [exported(what) for what in exports.bus.present()]
            body = b"".join(one.encode() + one.encode_interfaces() for one in devices)
            sock.sendall(OpHeader(Operation.LIST_REPLY).encode() + usbip.encode_count(len(devices)) + body)
        elif header.operation is Operation.IMPORT_REQUEST:
            if (raw := _receive(sock, usbip.BUSID_SIZE)) is None:
                return None
            what = exports.take(usbip.decode_busid(raw), sock)
            if not isinstance(what, OpStatus):
                sock.sendall(OpHeader(Operation.IMPORT_REPLY).encode() + exported(what).encode())
                return what
            sock.sendall(OpHeader(Operation.IMPORT_REPLY, what).encode())
        else:
            return None
    return None


@dataclass(frozen=True, slots=True)
class _Due:
    """An answer that the device has given, to be handed over at a time."""

    at: float
    urb: Submit
    reply: Reply
    actual: int


class _Attached:
    """The URBs of one imported device."""

    def __init__(self, bus: UsbBus, sock: socket.socket, what: Enumerated) -> None:
        self._bus, self._sock, self._what = bus, sock, what
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self._waiting: dict[int, Submit] = {}  # in order; the device has not answered
        self._due: list[_Due] = []
        self._payload = bytearray(64 * 1024)

    def run(self) -> None:
        while True:
            if self._due and not self._poll.poll(max(0.0, self._due[0].at - time.monotonic()) * 1000):
                self._hand_over()
                continue
            header = _receive(self._sock, usbip.URB_SIZE)
            if header is None:
                break
            urb = usbip.decode_urb(header)
            if isinstance(urb, Submit):
                self._submit(urb)
            elif isinstance(urb, Unlink):
                self._unlink(urb)
            else:
                return
        if not self._what.alive:
            for urb in [*self._waiting.values(), *(due.urb for due in self._due)]:
                self._answer(urb, -errno.ENODEV)

    # --- one URB ---

    def _submit(self, urb: Submit) -> None:
        data: Buffer = b""
        if not urb.inbound and urb.length:
            received = self._receive_payload(urb.length)
            if received is None:
                return
            data = received
        if urb.endpoint and urb.inbound:
            self._waiting[urb.seqnum] = urb
            self._serve_waiting()
            return
        if self._guarded(urb, lambda: self._out(urb, data)):
            self._serve_waiting()

    def _out(self, urb: Submit, data: Buffer) -> bool:
        """Control transfers and what goes out; True: the device has taken it or answered."""
        device = self._what.device
        if urb.endpoint == 0:
            answer = device.control(descriptors.decode_setup(urb.setup), data)
            if answer is None:
                self._waiting[urb.seqnum] = urb
                return False
            self._answer(urb, 0, answer if urb.inbound else b"", None if urb.inbound else len(data))
            return True
        seconds = device.bulk_out(urb.endpoint, data)
        if seconds is None:
            self._waiting[urb.seqnum] = urb
            return False
        self._deliver(urb, Reply(b"", seconds), len(data))
        return True

    def _serve_waiting(self) -> None:
        """Ask the device for what the host waits for, in order, as long as it has something."""
        for urb in list(self._waiting.values()):
            if self._due or not urb.inbound or urb.endpoint == 0:
                continue
            if not self._guarded(urb, lambda urb=urb: self._in(urb)):  # type: ignore[misc]  # bound early
                return

    def _in(self, urb: Submit) -> bool:
        reply = self._what.device.bulk_in(urb.endpoint | 0x80, urb.length)
        if reply is None:
            return False
        self._waiting.pop(urb.seqnum, None)
        self._deliver(urb, reply, len(reply.data))
        return True

    def _guarded(self, urb: Submit, act: Callable[[], bool]) -> bool:
        """Let the device act; a stall or its end is the answer to this URB."""
        try:
            with self._what.lock:
                return self._alive(act)
        except Stall:
            self._waiting.pop(urb.seqnum, None)
            self._answer(urb, -errno.EPIPE)
            return True
        except Gone:
            self._waiting.pop(urb.seqnum, None)
            self._answer(urb, -errno.ENODEV)
            self._bus.gone(self._what)
            return False

    def _alive(self, act: Callable[[], bool]) -> bool:
        if not self._what.alive:
            raise Gone
        return act()

    def _unlink(self, urb: Unlink) -> None:
        kept = [due for due in self._due if due.urb.seqnum != urb.target]
        found = self._waiting.pop(urb.target, None) is not None or len(kept) < len(self._due)
        self._due = kept
        status = -errno.ECONNRESET if found else 0
        self._send(usbip.Unlinked(seqnum=urb.seqnum, status=status).encode())

    # --- answers ---

    def _deliver(self, urb: Submit, reply: Reply, actual: int) -> None:
        if reply.after_s > 0:
            self._due.append(_Due(time.monotonic() + reply.after_s, urb, reply, actual))
            return
        self._finish(urb, reply, actual)

    def _hand_over(self) -> None:
        due = self._due.pop(0)
        self._finish(due.urb, due.reply, due.actual)
        self._serve_waiting()

    def _finish(self, urb: Submit, reply: Reply, actual: int) -> None:
        self._answer(urb, -errno.ENODEV if reply.gone else 0, reply.data, actual)
        if reply.then is not None:
            reply.then()
        elif reply.gone:
            self._bus.gone(self._what)

    def _answer(self, urb: Submit, status: int, data: Buffer = b"", actual: int | None = None) -> None:
        size = len(data) if actual is None else actual
        self._send(usbip.Returned(seqnum=urb.seqnum, status=status, actual=size).encode(), data)

    def _send(self, header: bytes, data: Buffer = b"") -> None:
        sent = self._sock.sendmsg([header, data] if len(data) else [header])
        if sent < len(header):
            self._sock.sendall(header[sent:])
            sent = len(header)
        if sent - len(header) < len(data):
            self._sock.sendall(memoryview(data)[sent - len(header) :])

    def _receive_payload(self, size: int) -> memoryview | None:
        if size > len(self._payload):
            self._payload = bytearray(size)
        view = memoryview(self._payload)[:size]
        return view if _receive_into(self._sock, view) else None


def _receive(sock: socket.socket, size: int) -> bytes | None:
    """Exactly ``size`` bytes; None: the stream has ended."""
    buffer = bytearray(size)
    return bytes(buffer) if _receive_into(sock, memoryview(buffer)) else None


def _receive_into(sock: socket.socket, view: memoryview) -> bool:
    while len(view):
        got = sock.recv_into(view)
        if got == 0:
            return False
        view = view[got:]
    return True
