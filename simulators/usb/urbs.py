"""One USB/IP connection from the exporting side: operations, then the URBs of one device. One thread a connection."""

import select
import socket
import threading
from contextlib import suppress

from firmware_protocol.errors import WireError
from firmware_protocol.usb import descriptors, usbip
from firmware_protocol.usb.usbip import Operation, OpHeader, OpStatus, Submit, Unlink
from simulators.usb.attached import Attached, Received
from simulators.usb.bus import Enumerated, UsbBus
from simulators.usb.device import Buffer

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
    try:
        poll.register(sock, select.POLLRDHUP)
    except ValueError:  # this end has closed it meanwhile, in the thread that served it
        return True
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
                Attached(exports.bus, _UsbIpLink(sock), what).run()
            finally:
                exports.release(what)
        except (OSError, WireError):
            return  # the peer has gone, or speaks something else: either way there is nobody to tell


def _operations(exports: Exports, sock: socket.socket) -> Enumerated | None:
    while (raw := receive_exactly(sock, usbip.OP_SIZE)) is not None:
        header = usbip.decode_op(raw)
        if header.operation is Operation.LIST_REQUEST:
            devices = [exported(what) for what in exports.bus.present()]
            body = b"".join(one.encode() + one.encode_interfaces() for one in devices)
            sock.sendall(OpHeader(Operation.LIST_REPLY).encode() + usbip.encode_count(len(devices)) + body)
        elif header.operation is Operation.IMPORT_REQUEST:
            if (raw := receive_exactly(sock, usbip.BUSID_SIZE)) is None:
                return None
            what = exports.take(usbip.decode_busid(raw), sock)
            if not isinstance(what, OpStatus):
                sock.sendall(OpHeader(Operation.IMPORT_REPLY).encode() + exported(what).encode())
                return what
            sock.sendall(OpHeader(Operation.IMPORT_REPLY, what).encode())
        else:
            return None
    return None


class _UsbIpLink:
    """URBs as USB/IP carries them."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._payload = bytearray(64 * 1024)

    def fileno(self) -> int:
        return self._sock.fileno()

    def receive(self) -> list[Received] | None:
        header = receive_exactly(self._sock, usbip.URB_SIZE)
        if header is None:
            return None
        urb = usbip.decode_urb(header)
        if isinstance(urb, Unlink):
            return [(urb, b"")]
        if not isinstance(urb, Submit):
            return None  # an answer is not for us
        if urb.inbound or not urb.length:
            return [(urb, b"")]
        data = self._receive_payload(urb.length)
        return None if data is None else [(urb, data)]

    def answer(self, urb: Submit, status: int, data: Buffer, actual: int) -> None:
        self._send(usbip.Returned(seqnum=urb.seqnum, status=status, actual=actual).encode(), data)

    def unlinked(self, urb: Unlink, status: int) -> None:
        self._send(usbip.Unlinked(seqnum=urb.seqnum, status=status).encode())

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


def receive_exactly(sock: socket.socket, size: int) -> bytes | None:
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
