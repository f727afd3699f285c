"""A virtual USB bus at the end of a Unix socket, as pyusb expects a backend (usb.backend.IBackend).

What the bus's list says of a device is used to find it only; descriptors come from the device. Errors
are OSError with the number that libusb would give; drivers/usb.py translates them. No pyusb here:
pyusb accepts what behaves like a backend.
"""

import errno
from array import array
from collections.abc import Iterator
from types import SimpleNamespace

from drivers.usbip_client import Handle, list_devices
from firmware_protocol.errors import WireError
from firmware_protocol.usb import descriptors as d
from firmware_protocol.usb import usbip


class _Listed:
    """pyusb's "device identification object": a line of the list, and the handle while it is open."""

    def __init__(self, claimed: usbip.ExportedDevice) -> None:
        self.claimed = claimed
        self.handle: Handle | None = None
        self.configuration: d.ConfigurationDescriptor | None = None


def parse_busid(busid: str) -> tuple[int, tuple[int, ...]] | None:
    """``"1-1.2"`` → (1, (1, 2)); None for what is no port path."""
    bus, _, ports = busid.partition("-")
    parts = ports.split(".")
    if not (bus.isdecimal() and all(part.isdecimal() for part in parts)):
        return None
    return int(bus), tuple(int(part) for part in parts)


class UsbipBackend:
    """What pyusb calls. Signatures and meanings: usb.backend.IBackend."""

    def __init__(self, path: str) -> None:
        self._path = path

    def enumerate_devices(self) -> Iterator[_Listed]:
        return iter([_Listed(one) for one in list_devices(self._path) if parse_busid(one.busid)])

    def get_parent(self, _dev: _Listed) -> None:
        return None

    def get_device_descriptor(self, dev: _Listed) -> SimpleNamespace:
        """From the list: pyusb asks before it opens. drivers/usb.py compares with the device's own."""
        one = dev.claimed
        bus, ports = parse_busid(one.busid) or (one.busnum, ())
        own = {"bLength": d.DEVICE_SIZE, "bDescriptorType": int(d.Kind.DEVICE), "bcdUSB": 0x0200}
        ids = {"idVendor": one.vendor_id, "idProduct": one.product_id, "bcdDevice": one.bcd_device}
        kind = {
            "bDeviceClass": one.device_class,
            "bDeviceSubClass": one.device_subclass,
            "bDeviceProtocol": one.device_protocol,
        }
        strings = {"iManufacturer": 0, "iProduct": 0, "iSerialNumber": 0}
        place = {"bus": bus, "address": one.devnum, "port_numbers": ports, "speed": one.speed}
        return SimpleNamespace(
            **own,
            **ids,
            **kind,
            **strings,
            **place,
            bMaxPacketSize0=64,
            bNumConfigurations=one.configurations,
            port_number=ports[-1] if ports else None,
        )

    def get_configuration_descriptor(self, dev: _Listed, config: int) -> SimpleNamespace:
        own = self._configuration(dev, config)
        return SimpleNamespace(
            bLength=d.CONFIGURATION_SIZE,
            bDescriptorType=int(d.Kind.CONFIGURATION),
            wTotalLength=len(own.encode()),
            bNumInterfaces=len({interface.number for interface in own.interfaces}),
            bConfigurationValue=own.value,
            iConfiguration=own.name,
            bmAttributes=own.attributes,
            bMaxPower=own.max_power,
            extra_descriptors=[],
        )

    def get_interface_descriptor(self, dev: _Listed, intf: int, alt: int, config: int) -> SimpleNamespace:
        own = self._interface(dev, intf, alt, config)
        return SimpleNamespace(
            bLength=9,
            bDescriptorType=int(d.Kind.INTERFACE),
            bInterfaceNumber=own.number,
            bAlternateSetting=own.alternate,
            bNumEndpoints=len(own.endpoints),
            bInterfaceClass=own.interface_class,
            bInterfaceSubClass=own.interface_subclass,
            bInterfaceProtocol=own.interface_protocol,
            iInterface=own.name,
            extra_descriptors=[],
        )

    def get_endpoint_descriptor(
        self, dev: _Listed, ep: int, intf: int, alt: int, config: int
    ) -> SimpleNamespace:
        own = self._interface(dev, intf, alt, config).endpoints[ep]
        return SimpleNamespace(
            bLength=7,
            bDescriptorType=int(d.Kind.ENDPOINT),
            bEndpointAddress=own.address,
            bmAttributes=own.attributes,
            wMaxPacketSize=own.max_packet,
            bInterval=own.interval,
            bRefresh=0,
            bSynchAddress=0,
            extra_descriptors=[],
        )

    def _interface(self, dev: _Listed, intf: int, alt: int, config: int) -> d.InterfaceDescriptor:
        """By logical numbers; IndexError ends pyusb's iteration."""
        interfaces = self._configuration(dev, config).interfaces
        number = sorted({interface.number for interface in interfaces})[intf]
        return [interface for interface in interfaces if interface.number == number][alt]

    def _configuration(self, dev: _Listed, config: int) -> d.ConfigurationDescriptor:
        if config:
            raise IndexError(config)  # a device with more than one was refused before this
        if dev.configuration is None:
            if dev.handle is None:
                raise OSError(errno.ENODEV, "the device is not open")
            which = d.Kind.CONFIGURATION << 8
            head = _get(dev.handle, 0x80, d.Request.GET_DESCRIPTOR, which, d.CONFIGURATION_SIZE)
            try:
                raw = _get(dev.handle, 0x80, d.Request.GET_DESCRIPTOR, which, d.total_length(head))
                dev.configuration = d.decode_configuration(raw)
            except WireError as exc:
                raise OSError(errno.EOVERFLOW, f"malformed configuration: {exc}") from exc
        return dev.configuration

    def open_device(self, dev: _Listed) -> Handle:
        dev.handle, dev.configuration = Handle(self._path, dev.claimed.busid), None
        return dev.handle

    def close_device(self, handle: Handle) -> None:
        handle.close()

    def set_configuration(self, handle: Handle, value: int) -> None:
        _set(handle, 0x00, d.Request.SET_CONFIGURATION, value, 0)

    def get_configuration(self, handle: Handle) -> int:
        return _get(handle, 0x80, d.Request.GET_CONFIGURATION, 0, 1)[0]

    def set_interface_altsetting(self, handle: Handle, intf: int, altsetting: int) -> None:
        _set(handle, 0x01, d.Request.SET_INTERFACE, altsetting, intf)

    def claim_interface(self, handle: Handle, intf: int) -> None:
        """Nothing to do: the import is exclusive."""

    def release_interface(self, handle: Handle, intf: int) -> None:
        """See claim_interface."""

    def bulk_write(self, handle: Handle, ep: int, _intf: int, data: "array[int]", timeout: int) -> int:
        return handle.transfer_out(ep, data.tobytes(), timeout)

    def bulk_read(self, handle: Handle, ep: int, _intf: int, buff: "array[int]", timeout: int) -> int:
        return handle.transfer_in(ep, memoryview(buff).cast("B"), timeout)

    intr_write, intr_read = bulk_write, bulk_read
    iso_write, iso_read = bulk_write, bulk_read  # looked up for every transfer, never called

    def ctrl_transfer(
        self,
        handle: Handle,
        request_type: int,
        request: int,
        value: int,
        index: int,
        data: "array[int]",
        timeout: int,
    ) -> int:
        setup = d.Setup(request_type, request, value, index, len(data)).encode()
        if request_type & 0x80:
            return handle.transfer_in(0, memoryview(data).cast("B"), timeout, setup)
        return handle.transfer_out(0, data.tobytes(), timeout, setup)

    def clear_halt(self, handle: Handle, ep: int) -> None:
        _set(handle, 0x02, d.Request.CLEAR_FEATURE, 0, ep)  # feature 0: ENDPOINT_HALT

    def reset_device(self, handle: Handle) -> None:
        _set(handle, 0x23, d.Request.SET_FEATURE, 4, 0)  # PORT_RESET, as the kernel's client does

    def is_kernel_driver_active(self, _handle: Handle, _intf: int) -> bool:
        return False


_CONTROL_MS = 5000


def _get(handle: Handle, request_type: int, request: int, value: int, size: int) -> bytes:
    buffer = bytearray(size)
    setup = d.Setup(request_type, request, value, 0, size).encode()
    got = handle.transfer_in(0, memoryview(buffer), _CONTROL_MS, setup)
    if not got:
        raise OSError(errno.EPROTO, "an empty answer")
    return bytes(buffer[:got])


def _set(handle: Handle, request_type: int, request: int, value: int, index: int) -> None:
    handle.transfer_out(0, b"", _CONTROL_MS, d.Setup(request_type, request, value, index, 0).encode())
