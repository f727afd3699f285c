"""The client's side of USB/IP on a Unix socket: list the devices, import one, move its URBs.

Every wait has a deadline: an URB that is late is unlinked, a peer that does not even answer that is
given up. After that the device is gone (ENODEV), as if unplugged. Errors are OSError with the number
that libusb would give.
"""

import errno
import os
import socket
import time

from firmware_protocol.errors import WireError
from firmware_protocol.usb import usbip

OPERATION_S = 5.0  # list and import; the peer answers from memory
UNLINK_S = 1.0  # grace for the answer to an unlink before the connection is given up
LONGEST_S = 60.0  # in place of pyusb's 0, "for ever"
_SOCKET_BUFFER = 1024 * 1024


class Wire:
    """One connection, blocking, each call with its own deadline (time.monotonic)."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                self._socket.setsockopt(socket.SOL_SOCKET, option, _SOCKET_BUFFER)
            self._socket.settimeout(OPERATION_S)
            self._socket.connect(path)
        except OSError:
            self._socket.close()
            raise

    def send(self, data: bytes, until: float) -> None:
        """Raises TimeoutError, OSError."""
        self._socket.settimeout(_left(until))
        self._socket.sendall(data)

    def receive(self, size: int, until: float) -> bytes:
        """Exactly ``size`` bytes. Raises TimeoutError, OSError."""
        buffer = bytearray(size)
        self.receive_into(memoryview(buffer), until)
        return bytes(buffer)

    def receive_into(self, view: memoryview, until: float) -> None:
        """Fill ``view``. A TimeoutError that carries arguments came in mid-message.

        Raises TimeoutError, ConnectionResetError (the peer closed), OSError.
        """
        at = 0
        while at < len(view):
            try:
                self._socket.settimeout(_left(until))
                got = self._socket.recv_into(view[at:])
            except TimeoutError as exc:
                if at:
                    raise ConnectionResetError(errno.ECONNRESET, "the peer stopped in mid-message") from exc
                raise
            if not got:
                raise ConnectionResetError(errno.ECONNRESET, "the peer closed the connection")
            at += got

    def close(self) -> None:
        self._socket.close()


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def list_devices(path: str) -> tuple[usbip.ExportedDevice, ...]:
    """The bus's own list, in its order. Raises OSError (also for an answer that is no USB/IP)."""
    until = time.monotonic() + OPERATION_S
    wire = Wire(path)
    try:
        wire.send(usbip.OpHeader(usbip.Operation.LIST_REQUEST).encode(), until)
        _expect(wire, usbip.Operation.LIST_REPLY, until)
        count = usbip.decode_count(wire.receive(usbip.COUNT_SIZE, until))
        return tuple(_listed(wire, until) for _ in range(count))
    except WireError as exc:
        raise OSError(errno.EPROTO, f"USB/IP list: {exc}") from exc
    finally:
        wire.close()


def _listed(wire: Wire, until: float) -> usbip.ExportedDevice:
    device = usbip.decode_device(wire.receive(usbip.DEVICE_SIZE, until))
    wire.receive(device.interfaces_count * usbip.INTERFACE_SIZE, until)  # claims; the device is asked
    return device


def _expect(wire: Wire, operation: usbip.Operation, until: float) -> None:
    head = usbip.decode_op(wire.receive(usbip.OP_SIZE, until))
    if head.operation is not operation:
        raise WireError(f"{head.operation.name} in place of {operation.name}")
    if head.status:
        number = errno.EBUSY if head.status == usbip.OpStatus.BUSY else errno.ENODEV
        raise OSError(number, f"{operation.name}: status {head.status}")


class Handle:
    """An imported device: one URB at a time, from import until the connection ends."""

    def __init__(self, path: str, busid: str) -> None:
        until = time.monotonic() + OPERATION_S
        self._seqnum = 0
        self._wire: Wire | None = Wire(path)
        try:
            request = usbip.OpHeader(usbip.Operation.IMPORT_REQUEST).encode() + usbip.encode_busid(busid)
            self._wire.send(request, until)
            _expect(self._wire, usbip.Operation.IMPORT_REPLY, until)
            self._device = usbip.decode_device(self._wire.receive(usbip.DEVICE_SIZE, until))
        except (OSError, WireError) as exc:
            self.close()
            raise exc if isinstance(exc, OSError) else OSError(errno.EPROTO, str(exc)) from exc

    def close(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def transfer_in(self, endpoint: int, view: memoryview, timeout_ms: int, setup: bytes = bytes(8)) -> int:
        """Ask for ``len(view)`` bytes; return how many came. Raises OSError."""
        return self._transfer(endpoint & 0x0F, view, b"", timeout_ms, setup)

    def transfer_out(self, endpoint: int, data: bytes, timeout_ms: int, setup: bytes = bytes(8)) -> int:
        """Send; return how many bytes the device took. Raises OSError."""
        return self._transfer(endpoint & 0x0F, None, data, timeout_ms, setup)

    def _transfer(
        self, endpoint: int, view: memoryview | None, data: bytes, timeout_ms: int, setup: bytes
    ) -> int:
        if self._wire is None:
            raise OSError(errno.ENODEV, "the connection to the device has ended")
        size = len(data) if view is None else len(view)
        if size > usbip.MAX_TRANSFER:
            raise OSError(errno.EINVAL, f"an URB of {size} bytes")
        until = time.monotonic() + (timeout_ms / 1000 if timeout_ms else LONGEST_S)
        submit = usbip.Submit(
            seqnum=self._number(),
            devid=self._device.devid,
            inbound=view is not None,
            endpoint=endpoint,
            length=size,
            setup=setup,
        )
        try:
            self._wire.send(submit.encode() + data, until)
            answer = self._answer(self._wire, submit, view, until)
        except (WireError, TimeoutError, OSError) as exc:
            self.close()
            raise OSError(errno.ENODEV, f"the connection to the device broke: {exc}") from exc
        if answer is None:
            raise OSError(errno.ETIMEDOUT, "the device did not answer in time")
        if answer.status:
            raise OSError(-answer.status, os.strerror(-answer.status))
        return answer.actual

    def _number(self) -> int:
        self._seqnum = self._seqnum % 0xFFFF_FFFE + 1
        return self._seqnum

    def _answer(
        self, wire: Wire, submit: usbip.Submit, view: memoryview | None, until: float
    ) -> usbip.Returned | None:
        """The URB's return; None if it was unlinked because it was late."""
        try:
            return self._returned(wire, submit, view, until)
        except TimeoutError:
            pass
        until = time.monotonic() + UNLINK_S
        unlink = usbip.Unlink(seqnum=self._number(), devid=submit.devid, target=submit.seqnum)
        wire.send(unlink.encode(), until)
        first = self._header(wire, until)
        if isinstance(first, usbip.Unlinked) and first.seqnum == unlink.seqnum:
            return None
        # It ended in the very moment in which we gave it up; its return comes before the unlink's.
        returned = self._finish(wire, first, submit, view, until)
        last = self._header(wire, until)
        if not isinstance(last, usbip.Unlinked) or last.seqnum != unlink.seqnum:
            raise WireError(f"{type(last).__name__} {last.seqnum} in place of the unlink's return")
        return returned

    def _returned(
        self, wire: Wire, submit: usbip.Submit, view: memoryview | None, until: float
    ) -> usbip.Returned:
        return self._finish(wire, self._header(wire, until), submit, view, until)

    def _header(self, wire: Wire, until: float) -> usbip.Returned | usbip.Unlinked:
        urb = usbip.decode_urb(wire.receive(usbip.URB_SIZE, until))
        if not isinstance(urb, usbip.Returned | usbip.Unlinked):
            raise WireError(f"the peer sent a {type(urb).__name__}")
        return urb

    def _finish(
        self,
        wire: Wire,
        urb: usbip.Returned | usbip.Unlinked,
        submit: usbip.Submit,
        view: memoryview | None,
        until: float,
    ) -> usbip.Returned:
        if not isinstance(urb, usbip.Returned) or urb.seqnum != submit.seqnum:
            raise WireError(f"{type(urb).__name__} {urb.seqnum} in place of URB {submit.seqnum}")
        if urb.actual > submit.length:
            raise WireError(f"{urb.actual} bytes moved of {submit.length}")
        if view is not None:
            # The bytes are on their way: UNLINK_S more, so that a deadline does not tear the message.
            wire.receive_into(view[: urb.actual], max(until, time.monotonic() + UNLINK_S))
        return urb
