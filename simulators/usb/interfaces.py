"""Interfaces that a body camera has no reason to offer, by name."""

from firmware_protocol.usb.descriptors import EndpointDescriptor, InterfaceDescriptor


def _interface(
    cls: int, subclass: int, protocol: int, *endpoints: EndpointDescriptor, alternate: int = 0
) -> InterfaceDescriptor:
    return InterfaceDescriptor(
        number=0,
        alternate=alternate,
        interface_class=cls,
        interface_subclass=subclass,
        interface_protocol=protocol,
        endpoints=endpoints,
    )


def _interrupt(address: int) -> EndpointDescriptor:
    return EndpointDescriptor(address=address, attributes=3, max_packet=8, interval=10)


def _bulk(address: int) -> EndpointDescriptor:
    return EndpointDescriptor(address=address)


INTERFACES: dict[str, tuple[InterfaceDescriptor, ...]] = {
    "keyboard": (_interface(0x03, 0x01, 0x01, _interrupt(0x82)),),
    "mouse": (_interface(0x03, 0x01, 0x02, _interrupt(0x83)),),
    "network": (
        _interface(0x02, 0x06, 0x00, _interrupt(0x84)),
        _interface(0x0A, 0x00, 0x00, _bulk(0x85), _bulk(0x05)),
    ),
    "modem": (
        _interface(0x02, 0x02, 0x01, _interrupt(0x86)),
        _interface(0x0A, 0x00, 0x00, _bulk(0x87), _bulk(0x07)),
    ),
    "audio": (_interface(0x01, 0x01, 0x00),),
    "video": (_interface(0x0E, 0x01, 0x00, _interrupt(0x88)),),
    "mtp": (_interface(0x06, 0x01, 0x01, _bulk(0x89), _bulk(0x09), _interrupt(0x8A)),),
    "vendor": (_interface(0xFF, 0x42, 0x01, _bulk(0x8B), _bulk(0x0B)),),
    "hub": (_interface(0x09, 0x00, 0x00, _interrupt(0x8C)),),
}
"""Class/subclass/protocol as the USB-IF lists them."""
