"""Puts what is plugged into the simulated bus into a virtual machine's USB: QEMU's ``usb-redir``, one socket a port.

    -chardev socket,id=slot3,path=…,server=on,wait=off -device usb-redir,chardev=slot3,bus=xhci.0,port=1.3

A connection is a plug-in: it begins when the device enumerates and ends when it leaves, in mid-transfer too. So the
device sits at a real hub's port, with the kernel's own enumeration of whatever its descriptors claim.
"""

import errno
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from firmware_protocol.errors import WireError
from firmware_protocol.usb.descriptors import Kind, Request, Setup, decode_device
from firmware_protocol.usb.usbip import Submit, Unlink
from simulators.usb import redir_wire as wire
from simulators.usb.attached import Attached, Received
from simulators.usb.bus import Enumerated, UsbBus
from simulators.usb.device import Buffer
from simulators.usb.redir_wire import Packet, Status
from simulators.usb.urbs import receive_exactly

CONNECT_S = 5.0
LOOK_S = 0.02
STATUS = {0: Status.SUCCESS, -errno.EPIPE: Status.STALL, -errno.ECONNRESET: Status.CANCELLED}

Answer = Callable[[Status, int], tuple[Packet, bytes]]
"""What goes back when a transfer has ended so and with so many bytes: before the bytes that came in."""


class RedirPorts:
    """Connects the bus's ports with QEMU's sockets until ``close``."""

    def __init__(self, bus: UsbBus, sockets: Mapping[str, Path]) -> None:
        """``sockets``: by the ports' names. Others are the world's alone."""
        self._bus, self._sockets = bus, sockets
        self._lock = threading.Lock()
        self._plugged: dict[Enumerated, socket.socket] = {}
        for what in bus.listen(self._changed):
            self._changed("add", what)

    def close(self) -> None:
        """Pull everything out of the machine; on the bus it stays where it is."""
        self._bus.forget(self._changed)
        with self._lock:
            plugged = list(self._plugged.values())
        for sock in plugged:
            _hang_up(sock)

    def _changed(self, event: str, what: Enumerated) -> None:
        if what.port not in self._sockets:
            return
        if event == "add":
            sock = socket.socket(socket.AF_UNIX)
            with self._lock:
                self._plugged[what] = sock
            threading.Thread(target=self._serve, args=(what, sock), daemon=True).start()
        else:
            with self._lock:
                left = self._plugged.get(what)
            if left is not None:
                _hang_up(left)

    def _serve(self, what: Enumerated, sock: socket.socket) -> None:
        try:
            with sock, suppress(OSError, WireError):  # the machine has gone, or speaks something else
                if self._connected(sock, what):
                    Attached(self._bus, RedirLink(sock, what), what).run()
        finally:
            with self._lock:
                self._plugged.pop(what, None)

    def _connected(self, sock: socket.socket, what: Enumerated) -> bool:
        """Wait for QEMU, which listens to one at a time: what left the port a moment ago may still be there."""
        end = time.monotonic() + CONNECT_S
        while what.alive and time.monotonic() < end:
            try:
                sock.connect(str(self._sockets[what.port]))
            except OSError:
                time.sleep(LOOK_S)
            else:
                return what.alive
        return False


class RedirLink:
    """URBs as usbredir carries them. Says hello by itself."""

    def __init__(self, sock: socket.socket, what: Enumerated) -> None:
        self._sock, self._device = sock, what.device
        self._greeted = False
        self._answers: dict[int, Answer] = {}  # of transfers that have not ended
        self._handlers: dict[Packet, Callable[[int, bytes], list[Received]]] = {
            Packet.HELLO: self._hello,
            Packet.RESET: self._reset,
            Packet.SET_CONFIGURATION: self._set_configuration,
            Packet.GET_CONFIGURATION: self._configuration,
            Packet.SET_ALT_SETTING: self._set_alternate,
            Packet.GET_ALT_SETTING: self._alternate,
            Packet.START_INTERRUPT_RECEIVING: self._interrupts,
            Packet.STOP_INTERRUPT_RECEIVING: self._interrupts,
            Packet.CANCEL_DATA_PACKET: self._cancel,
            Packet.CONTROL: self._control,
            Packet.BULK: self._bulk,
            Packet.INTERRUPT: self._interrupt,
        }
        sock.sendall(wire.hello())

    def fileno(self) -> int:
        return self._sock.fileno()

    # --- what QEMU says ---

    def receive(self) -> list[Received] | None:
        """One packet; what is no transfer is answered here. None: the machine has hung up."""
        size = wire.LONG_HEADER_SIZE if self._greeted else wire.HEADER_SIZE
        if (raw := receive_exactly(self._sock, size)) is None:
            return None
        header = wire.decode_header(raw)
        if (body := receive_exactly(self._sock, header.length)) is None:
            return None
        handle = self._handlers.get(header.packet)
        return handle(header.number, body) if handle else []

    def _hello(self, _: int, body: bytes) -> list[Received]:
        wire.check_hello(body)
        self._greeted = True
        self._describe()
        own = decode_device(self._device.identity.device)
        classes = (own.device_class, own.device_subclass, own.device_protocol)
        numbers = (own.vendor_id, own.product_id, own.bcd_device)
        self._send(Packet.DEVICE_CONNECT, 0, wire.connect(*classes, *numbers))
        return []

    def _describe(self) -> None:
        interfaces, endpoints = _described(self._device.identity.configuration)
        self._send(Packet.INTERFACE_INFO, 0, wire.interface_info(interfaces))
        self._send(Packet.ENDPOINT_INFO, 0, wire.endpoint_info(endpoints))

    def _reset(self, number: int, _: bytes) -> list[Received]:
        return [_request(number, Setup(0x23, Request.SET_FEATURE, 4, 0, 0))]  # nobody waits for its answer

    def _set_configuration(self, number: int, body: bytes) -> list[Received]:
        (value,) = wire.numbers(body, 1)

        def done(status: Status, _: int) -> tuple[Packet, bytes]:
            self._describe()
            return Packet.CONFIGURATION_STATUS, bytes([status, value])

        self._answers[number] = done
        return [_request(number, Setup(0x00, Request.SET_CONFIGURATION, value, 0, 0))]

    def _configuration(self, number: int, _: bytes) -> list[Received]:
        self._send(Packet.CONFIGURATION_STATUS, number, bytes([0, self._device.configured]))
        return []

    def _set_alternate(self, number: int, body: bytes) -> list[Received]:
        interface, value = wire.numbers(body, 2)

        def done(status: Status, _: int) -> tuple[Packet, bytes]:
            self._describe()
            return Packet.ALT_SETTING_STATUS, bytes([status, interface, value])

        self._answers[number] = done
        return [_request(number, Setup(0x01, Request.SET_INTERFACE, value, interface, 0))]

    def _alternate(self, number: int, body: bytes) -> list[Received]:
        self._send(Packet.ALT_SETTING_STATUS, number, bytes([0, *wire.numbers(body, 1), 0]))
        return []

    def _interrupts(self, number: int, body: bytes) -> list[Received]:
        """No simulated device has ever anything to say on an interrupt pipe."""
        self._send(Packet.INTERRUPT_RECEIVING_STATUS, number, bytes([0, *wire.numbers(body, 1)]))
        return []

    def _cancel(self, number: int, _: bytes) -> list[Received]:
        return [(Unlink(seqnum=number, devid=0, target=number), b"")]

    def _control(self, number: int, body: bytes) -> list[Received]:
        control, data = wire.decode_control(body)
        self._answers[number] = lambda status, size: (Packet.CONTROL, control.encode(status, size))
        setup = (control.request_type, control.request, control.value, control.index, control.length)
        return [_request(number, Setup(*setup), data)]

    def _bulk(self, number: int, body: bytes) -> list[Received]:
        transfer, data = wire.decode_bulk(body)
        self._answers[number] = lambda status, size: (Packet.BULK, transfer.encode_bulk(status, size))
        return [_transfer(number, transfer, data)]

    def _interrupt(self, number: int, body: bytes) -> list[Received]:
        transfer, data = wire.decode_interrupt(body)
        self._answers[number] = lambda status, size: (
            Packet.INTERRUPT,
            transfer.encode_interrupt(status, size),
        )
        return [_transfer(number, transfer, data)]

    # --- what the device says ---

    def answer(self, urb: Submit, status: int, data: Buffer, actual: int) -> None:
        ended = self._answers.pop(urb.seqnum, None)
        if ended is None:
            return  # a reset
        packet, head = ended(STATUS.get(status, Status.IO_ERROR), 0 if status else actual)
        self._send(packet, urb.seqnum, head + bytes(data if not status and urb.inbound else b""))

    def unlinked(self, urb: Unlink, status: int) -> None:
        ended = self._answers.pop(urb.target, None)
        if ended is not None:
            packet, head = ended(Status.CANCELLED, 0)
            self._send(packet, urb.target, head)

    def _send(self, packet: Packet, number: int, body: bytes) -> None:
        self._sock.sendall(wire.Header(packet, len(body), number).encode(long=True) + body)


def _request(number: int, setup: Setup, data: bytes = b"") -> Received:
    urb = Submit(
        seqnum=number,
        devid=0,
        inbound=setup.inbound,
        endpoint=0,
        length=setup.length,
        setup=setup.encode(),
    )
    return urb, data


def _transfer(number: int, transfer: wire.Transfer, data: bytes) -> Received:
    urb = Submit(
        seqnum=number,
        devid=0,
        inbound=bool(transfer.endpoint & 0x80),
        endpoint=transfer.endpoint & 0x0F,
        length=transfer.length,
    )
    return urb, data


def _described(configuration: bytes) -> tuple[list[tuple[int, int, int, int]], list[wire.Endpoint]]:
    """Interfaces and endpoints, as far as such a configuration can be read: it may claim anything."""
    interfaces: list[tuple[int, int, int, int]] = []
    endpoints: list[wire.Endpoint] = []
    for raw in _walk(configuration):
        if raw[1] == Kind.INTERFACE and len(raw) >= 9 and raw[3] == 0:
            interfaces.append((raw[2], raw[5], raw[6], raw[7]))
        elif raw[1] == Kind.ENDPOINT and len(raw) >= 7 and interfaces:
            size = int.from_bytes(raw[4:6], "little") & 0x7FF
            endpoints.append(wire.Endpoint(raw[2], raw[3] & 3, raw[6], interfaces[-1][0], size))
    return interfaces, endpoints


def _walk(data: bytes) -> Iterator[bytes]:
    at = 0
    while at + 2 <= len(data) and data[at] >= 2:
        yield data[at : at + data[at]]
        at += data[at]


def _hang_up(sock: socket.socket) -> None:
    with suppress(OSError):  # not connected yet, or not any more
        sock.shutdown(socket.SHUT_RD)
