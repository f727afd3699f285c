"""pyusb behind our own names: find a device by its port, look at it, claim it, move bytes.

The only file that imports pyusb. A device is known by its port path ("1-1.2") and by the open handle,
never by an address: addresses are given again. A handle whose device went away stays dead; a device
that comes to the same port is another connection (open_port again).
"""

import errno
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import libusb_package
import usb.core
import usb.util

from drivers.base import StallError
from drivers.cameras.identity import UsbIdentity, check_unchanged, inspect
from drivers.usbip_backend import UsbipBackend
from edged.errors import CameraError, CameraLostError, ConfigError, EdgeError, ErrorCode, Fact
from firmware_protocol.usb import descriptors as d

CONTROL_S = 5.0
"""Deadline of a control transfer (USB 2.0, 9.2.6.1: no request may take longer)."""
USBIP = "usbip:"

T = TypeVar("T")
Backend = Any  # pyusb has no types; an IBackend, or what behaves like one

_LOST = frozenset(
    {errno.ENODEV, errno.ENXIO, errno.ENOENT, errno.EIO, errno.ESHUTDOWN, errno.EPROTO, errno.ECONNRESET}
)
_HELD = {
    errno.EBUSY: "a kernel driver or another program holds the interface",
    errno.EACCES: "no permission for the device node",
    errno.EPERM: "no permission for the device node",
}


def open_backend(spec: str) -> Backend:
    """``"libusb"``, or ``"usbip:/path/to.sock"`` for a virtual bus.

    Raises:
        ConfigError: another text.
        EdgeError: DEFECT if the packaged libusb cannot be loaded.
    """
    if spec == "libusb":
        backend = libusb_package.get_libusb1_backend()
        if backend is None:
            raise EdgeError(ErrorCode.DEFECT, reason="the packaged libusb cannot be loaded")
        return backend
    if spec.startswith(USBIP) and len(spec) > len(USBIP):
        return UsbipBackend(spec.removeprefix(USBIP))
    raise ConfigError(value=spec[:100], expected="libusb or usbip:/path/to.sock")


class PyusbDevice:
    """A BulkDevice. Opened by its first control transfer; bulk works after ``claim``. One thread."""

    def __init__(self, device: Any, port: str) -> None:
        self._device = device
        self._port = port
        self._in = self._out = -1
        self._gone = False

    def claim(self, identity: UsbIdentity) -> None:
        """Take the one interface. The configuration is set only if the device has none."""
        self._do(lambda: self._claim(identity), "claim")
        self._in, self._out = identity.bulk_in, identity.bulk_out

    def _claim(self, identity: UsbIdentity) -> None:
        try:
            self._device.get_active_configuration()
        except usb.core.USBError as exc:
            if exc.errno is not None:  # "Configuration not set" carries no number
                raise
            self._device.set_configuration(identity.configuration)
        usb.util.claim_interface(self._device, identity.interface)

    def write(self, data: bytes, timeout_s: float) -> None:
        """See BulkDevice. A short write is an error: nobody knows what the device took."""
        taken = self._do(lambda: self._device.write(self._out, data, _ms(timeout_s)), "write")
        if taken != len(data):
            raise CameraError(ErrorCode.CAMERA_SILENT, port=self._port, taken=int(taken), of=len(data))

    def read(self, size: int, timeout_s: float) -> bytes:
        """See BulkDevice."""
        got = self._do(lambda: self._device.read(self._in, size, _ms(timeout_s)), "read")
        return bytes(got.tobytes())

    def clear_halt(self, *, inbound: bool) -> None:
        """See BulkDevice."""
        endpoint = self._in if inbound else self._out
        self._do(lambda: self._device.clear_halt(endpoint), "clear-halt")

    def control(self, request_type: int, request: int, value: int, index: int, data: bytes | int) -> bytes:
        """See BulkDevice; within CONTROL_S."""
        got = self._do(
            lambda: self._device.ctrl_transfer(request_type, request, value, index, data, _ms(CONTROL_S)),
            "control",
        )
        return bytes(got.tobytes()) if request_type & 0x80 else b""

    def close(self) -> None:
        """Release and close. Never raises: a device that is gone cannot be released."""
        self._gone = True
        with suppress(OSError, NotImplementedError):
            usb.util.dispose_resources(self._device)

    def claims_of(self) -> dict[str, int]:
        """What the bus's own list says of the device, to compare with what the device says."""
        names = ("idVendor", "idProduct", "bcdDevice", "bDeviceClass", "bNumConfigurations")
        return {name: int(getattr(self._device, name)) for name in names}

    def _do(self, call: Callable[[], T], what: str) -> T:
        if self._gone:
            raise CameraLostError(port=self._port, during=what)
        try:
            return call()
        except (OSError, NotImplementedError, ValueError) as exc:
            error = translate(exc, port=self._port, during=what)
            self._gone = self._gone or isinstance(error, CameraLostError)
            raise error from exc


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))  # 0 would mean: wait for ever


def translate(exc: Exception, **facts: Fact) -> EdgeError:
    """The one place that knows what pyusb and libusb raise, and what it means."""
    number = exc.errno if isinstance(exc, OSError) else None
    facts["error"] = str(exc)[:120]
    if isinstance(exc, usb.core.USBTimeoutError) or number == errno.ETIMEDOUT:
        return CameraError(ErrorCode.CAMERA_SILENT, **facts)
    if number == errno.EPIPE:
        return StallError(**facts)
    if number in _LOST:
        return CameraLostError(**facts)
    if number in _HELD:
        return EdgeError(ErrorCode.CONFLICT, reason=_HELD[number], **facts)
    # EOVERFLOW (more bytes than asked for), an endpoint that is not there (ValueError), a request that
    # the host controller cannot make (NotImplementedError): the device broke the protocol.
    return CameraError(ErrorCode.CAMERA_PROTOCOL, **facts)


@dataclass(frozen=True, slots=True)
class UsbConnection:
    """One admitted device, claimed. Ends with the device; never reused for the next one."""

    identity: UsbIdentity
    device: PyusbDevice

    def check_unchanged(self) -> None:
        """Raises as drivers.cameras.identity.check_unchanged."""
        check_unchanged(self.device, self.identity)

    def close(self) -> None:
        self.device.close()


def port_of(device: Any) -> str:
    """``"1-1.2"`` as Linux names it; ``""`` for a root hub."""
    ports = device.port_numbers
    return f"{device.bus}-{'.'.join(map(str, ports))}" if ports and device.bus is not None else ""


def _present(backend: Backend) -> Iterator[Any]:
    try:
        yield from usb.core.find(find_all=True, backend=backend)
    except (OSError, NotImplementedError, ValueError) as exc:
        raise translate(exc, during="enumerate") from exc


def open_port(backend: Backend, port: str) -> UsbConnection:
    """Open, judge and claim what is plugged into ``port``.

    Raises:
        CameraError: CAMERA_LOST if nothing is there, CAMERA_FORBIDDEN_INTERFACE if it is no camera;
            else as BulkDevice.
        EdgeError: CONFLICT if somebody else holds the device.
    """
    found = next((device for device in _present(backend) if port_of(device) == port), None)
    if found is None:
        raise CameraLostError(port=port, during="open")
    device = PyusbDevice(found, port)
    try:
        identity = inspect(device, port)
        _compare(device, identity)
        device.claim(identity)
    except BaseException:
        device.close()
        raise
    return UsbConnection(identity, device)


def _compare(device: PyusbDevice, identity: UsbIdentity) -> None:
    """What the bus saw at enumeration must be what the device says now."""
    own = d.decode_device(
        device.control(0x80, d.Request.GET_DESCRIPTOR, d.Kind.DEVICE << 8, 0, d.DEVICE_SIZE)
    )
    live = {
        "idVendor": own.vendor_id,
        "idProduct": own.product_id,
        "bcdDevice": own.bcd_device,
        "bDeviceClass": own.device_class,
        "bNumConfigurations": own.configurations,
    }
    if (listed := device.claims_of()) != live:
        differ = ", ".join(name for name in live if live[name] != listed[name])
        raise CameraError(
            ErrorCode.CAMERA_FORBIDDEN_INTERFACE,
            port=identity.port,
            reason=f"it told the bus another {differ} than it tells now",
            vendor_id=own.vendor_id,
            product_id=own.product_id,
            interfaces=" ".join(identity.interfaces),
        )
