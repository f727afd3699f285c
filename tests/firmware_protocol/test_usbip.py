"""USB/IP: the bytes that the kernel's document shows, round trips, any bytes."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol.errors import FieldOutOfRangeError, WireError
from firmware_protocol.usb import usbip
from firmware_protocol.usb.usbip import (
    ExportedDevice,
    Operation,
    OpHeader,
    Returned,
    Submit,
    Unlink,
    Unlinked,
)

DEVICE = ExportedDevice(
    path="/sys/devices/pci0000:00/0000:00:1d.1/usb2/3-2",
    busid="3-2",
    busnum=3,
    devnum=2,
    speed=usbip.Speed.HIGH,
    vendor_id=0x1234,
    product_id=0x5678,
    bcd_device=0x0100,
    device_class=0,
    device_subclass=0,
    device_protocol=0,
    configuration_value=1,
    configurations=1,
    interfaces_count=2,
    interfaces=((8, 6, 0x50), (3, 0, 0)),
)
HEADERS: list[tuple[usbip.Urb, str]] = [
    (
        Submit(seqnum=13, devid=0x30002, inbound=True, endpoint=1, length=64, flags=0x200, interval=4),
        "000000010000000d0003000200000001000000010000020000000040 00000000ffffffff00000004 0000000000000000",
    ),
    (
        Submit(
            seqnum=1,
            devid=0x30002,
            inbound=True,
            endpoint=0,
            length=18,
            setup=bytes.fromhex("8006000100001200"),
        ),
        "0000000100000001000300020000000100000000000000000000001200000000ffffffff000000008006000100001200",
    ),
    (
        Returned(seqnum=13, status=0, actual=64),
        "000000030000000d" + "00" * 12 + "00000000 00000040 00000000 ffffffff 00000000" + "00" * 8,
    ),
    (
        Unlink(seqnum=14, devid=0x30002, target=13),
        "000000020000000e0003000200000000000000000000000d" + "00" * 24,
    ),
    (Unlinked(seqnum=14, status=-104), "000000040000000e" + "00" * 12 + "ffffff98" + "00" * 24),
]


@pytest.mark.parametrize(("urb", "octets"), HEADERS, ids=lambda v: type(v).__name__)
def test_urb_headers_are_the_documents_bytes(urb: usbip.Urb, octets: str) -> None:
    raw = bytes.fromhex(octets)
    assert len(raw) == usbip.URB_SIZE
    assert urb.encode() == raw
    assert usbip.decode_urb(raw) == urb


def test_a_kernel_that_sends_zero_packets_is_understood() -> None:
    raw = bytearray(Submit(seqnum=1, devid=2, inbound=False, endpoint=1, length=31).encode())
    raw[32:36] = bytes(4)
    assert isinstance(usbip.decode_urb(bytes(raw)), Submit)


def test_operations_are_the_documents_bytes() -> None:
    assert OpHeader(Operation.LIST_REQUEST).encode().hex() == "0111800500000000"
    assert OpHeader(Operation.IMPORT_REQUEST).encode().hex() == "0111800300000000"
    assert usbip.decode_op(bytes.fromhex("0111000300000001")) == OpHeader(Operation.IMPORT_REPLY, 1)
    assert usbip.encode_busid("1-1.4") == b"1-1.4" + bytes(27)


def test_a_device_is_312_bytes_and_comes_back_as_it_was() -> None:
    raw = DEVICE.encode()
    assert len(raw) == usbip.DEVICE_SIZE
    assert raw[288:].hex() == "00000003000000020000000312345678010000000001" + "0102"
    read = usbip.decode_device(raw)
    assert usbip.decode_interfaces(DEVICE.encode_interfaces()) == DEVICE.interfaces
    assert (read.busid, read.devid, read.interfaces_count) == ("3-2", 0x30002, 2)


def test_another_version_is_named() -> None:
    with pytest.raises(usbip.VersionError, match="0x0106") as caught:
        usbip.decode_op(bytes.fromhex("0106800500000000"))
    assert caught.value.version == 0x0106


def test_a_transfer_beyond_the_bound_is_refused_before_anything_is_reserved() -> None:
    raw = bytearray(HEADERS[0][0].encode())
    raw[24:28] = (0x7FFF_FFFF).to_bytes(4, "big")
    with pytest.raises(FieldOutOfRangeError):
        usbip.decode_urb(bytes(raw))
    raw[24:28] = b"\xff\xff\xff\xff"  # -1
    with pytest.raises(FieldOutOfRangeError):
        usbip.decode_urb(bytes(raw))


def test_more_devices_than_the_bound_are_refused() -> None:
    with pytest.raises(FieldOutOfRangeError):
        usbip.decode_count((usbip.MAX_DEVICES + 1).to_bytes(4, "big"))


@pytest.mark.parametrize("busid", ["1-1." + "9" * 32, "порт", "a\0b"])
def test_a_busid_that_does_not_fit_is_not_cut(busid: str) -> None:
    with pytest.raises(FieldOutOfRangeError):
        usbip.encode_busid(busid)


TAILS = st.binary(min_size=44, max_size=44)


@given(
    st.binary(max_size=60) | st.builds(lambda c, tail: bytes([0, 0, 0, c]) + tail, st.integers(0, 5), TAILS)
)
def test_any_bytes_give_an_urb_or_a_wire_error(data: bytes) -> None:
    try:
        urb = usbip.decode_urb(data)
    except WireError:
        return
    assert usbip.decode_urb(urb.encode()) == urb


@given(st.binary(max_size=330) | st.binary(min_size=312, max_size=312))
def test_any_bytes_give_an_operation_or_a_wire_error(data: bytes) -> None:
    for decode in (
        usbip.decode_op,
        usbip.decode_device,
        usbip.decode_busid,
        usbip.decode_count,
        usbip.decode_interfaces,
    ):
        with contextlib.suppress(WireError):
            decode(data)
