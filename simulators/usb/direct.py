"""A simulated device without USB/IP between: ``drivers.base.BulkDevice`` in the caller's own process.

Time passes only as the device says: a slow answer is added up in ``waited_s`` and not waited for, and
an answer that never comes is a time-out at once.
"""

from drivers.base import StallError
from edged.errors import CameraError, CameraLostError, ErrorCode
from firmware_protocol.usb.descriptors import Request, Setup
from simulators.usb.bus import Enumerated, UsbBus
from simulators.usb.device import Gone, Stall
from simulators.usb.mass_storage import IN, OUT


class DirectDevice:
    """Interface 0 of what is on ``port`` now. Raises CameraLostError from then on when it leaves."""

    def __init__(self, bus: UsbBus, port: str) -> None:
        what = bus.on_bus(port)
        if what is None:
            raise CameraLostError(port=port)
        self._bus: UsbBus = bus
        self._what: Enumerated = what
        self.waited_s = 0.0
        self.control(0x00, Request.SET_CONFIGURATION, 1, 0, b"")

    def write(self, data: bytes, timeout_s: float) -> None:
        self._here()
        try:
            seconds = self._what.device.bulk_out(OUT, data)
        except Stall as exc:
            raise StallError(ErrorCode.CAMERA_PROTOCOL) from exc
        except Gone as exc:
            raise self._lost() from exc
        self._wait(seconds, timeout_s)

    def read(self, size: int, timeout_s: float) -> bytes:
        self._here()
        try:
            reply = self._what.device.bulk_in(IN, size)
        except Stall as exc:
            raise StallError(ErrorCode.CAMERA_PROTOCOL) from exc
        except Gone as exc:
            raise self._lost() from exc
        self._wait(None if reply is None else reply.after_s, timeout_s)
        assert reply is not None
        data = bytes(reply.data)
        if reply.then is not None:
            reply.then()
        if reply.gone:
            raise self._lost()
        if len(data) > size:
            raise CameraError(ErrorCode.CAMERA_PROTOCOL, reason="more bytes than asked for", size=len(data))
        return data

    def clear_halt(self, *, inbound: bool) -> None:
        self.control(0x02, Request.CLEAR_FEATURE, 0, IN if inbound else OUT, b"")

    def control(self, request_type: int, request: int, value: int, index: int, data: bytes | int) -> bytes:
        self._here()
        length = data if isinstance(data, int) else len(data)
        setup = Setup(request_type, request, value, index, length)
        try:
            answer = self._what.device.control(setup, b"" if isinstance(data, int) else data)
        except Stall as exc:
            raise StallError(ErrorCode.CAMERA_PROTOCOL) from exc
        self._wait(None if answer is None else 0.0, 1.0)
        return answer or b""

    def close(self) -> None:
        """Nothing is held."""

    def _here(self) -> None:
        if not self._what.alive:
            raise CameraLostError(port=self._what.port)

    def _lost(self) -> CameraLostError:
        self._bus.gone(self._what)
        return CameraLostError(port=self._what.port)

    def _wait(self, seconds: float | None, timeout_s: float) -> None:
        if seconds is None or seconds > timeout_s:
            self.waited_s += timeout_s
            raise CameraError(ErrorCode.CAMERA_SILENT, port=self._what.port)
        self.waited_s += seconds
