"""Descriptors: a real stick's bytes, hostile ones, any bytes."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol.errors import FieldOutOfRangeError, TruncatedMessageError, WireError
from firmware_protocol.usb import descriptors as d

DEVICE = d.DeviceDescriptor(vendor_id=0x1209, product_id=0x9470, manufacturer=1, product=2, serial=3)
DISK = d.ConfigurationDescriptor(
    interfaces=(
        d.InterfaceDescriptor(
            number=0,
            interface_class=8,
            interface_subclass=6,
            interface_protocol=0x50,
            endpoints=(d.EndpointDescriptor(address=0x81), d.EndpointDescriptor(address=0x01)),
        ),
    )
)
DISK_BYTES = bytes.fromhex(
    "09022000010100 80fa 0904000002080650 00 0705810200020007050102000200".replace(" ", "")
)


def test_golden_device_descriptor() -> None:
    assert DEVICE.encode().hex() == "12010002000000400912709400010102" + "0301"
    assert d.decode_device(DEVICE.encode()) == DEVICE


def test_golden_configuration_of_a_disk() -> None:
    assert DISK.encode() == DISK_BYTES
    assert d.decode_configuration(DISK_BYTES) == DISK
    assert d.total_length(DISK_BYTES[:9]) == 32


def test_class_specific_descriptors_between_are_skipped() -> None:
    extra = bytes.fromhex("0921110100012241 00".replace(" ", ""))
    raw = bytearray(DISK_BYTES[:18] + extra + DISK_BYTES[18:])
    raw[2] = len(raw)
    assert d.decode_configuration(bytes(raw)) == DISK


def test_golden_setup_packet() -> None:
    setup = d.Setup(0x80, d.Request.GET_DESCRIPTOR, 0x0100, 0, 18)
    assert setup.encode().hex() == "8006000100001200"
    assert d.decode_setup(setup.encode()) == setup
    assert setup.inbound


def test_golden_strings() -> None:
    assert d.encode_languages(d.US_ENGLISH).hex() == "04030904"
    assert d.encode_string("K1").hex() == "06034b003100"
    assert d.decode_string(d.encode_string("Київ 😀")) == "Київ 😀"


def test_a_string_never_gives_more_than_its_length_byte_says() -> None:
    assert len(d.decode_string(bytes([254, 3]) + b"A\0" * 5000)) == d.MAX_STRING_UNITS
    with pytest.raises(FieldOutOfRangeError):
        d.encode_string("x" * 127)


@pytest.mark.fault("U11", "a configuration that lies about its lengths or counts is refused as a whole")
@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (DISK_BYTES[:2] + b"\xff\xff" + DISK_BYTES[4:], FieldOutOfRangeError),  # total of 65,535 bytes
        (DISK_BYTES[:2] + b"\x08\x00" + DISK_BYTES[4:], FieldOutOfRangeError),  # total below its own size
        (DISK_BYTES[:2] + b"\x21\x00" + DISK_BYTES[4:], TruncatedMessageError),  # one byte more than there is
        (DISK_BYTES[:4] + b"\x02" + DISK_BYTES[5:], FieldOutOfRangeError),  # two interfaces claimed
        (DISK_BYTES[:9] + b"\x00" + DISK_BYTES[10:], FieldOutOfRangeError),  # descriptor of no size
        (DISK_BYTES[:9] + b"\x01" + DISK_BYTES[10:], FieldOutOfRangeError),
        (DISK_BYTES[:9] + b"\xff" + DISK_BYTES[10:], TruncatedMessageError),  # runs past the end
        (DISK_BYTES[:13] + b"\x1f" + DISK_BYTES[14:], FieldOutOfRangeError),  # 31 endpoints claimed
        (DISK_BYTES[:9] + bytes.fromhex("0705810200020007050102000200") + bytes(9), WireError),
    ],
    ids=lambda v: v.__name__ if isinstance(v, type) else v[:16].hex(),
)
def test_a_configuration_that_contradicts_itself_is_refused(raw: bytes, error: type[WireError]) -> None:
    with pytest.raises(error):
        d.decode_configuration(raw)


@given(
    st.binary(max_size=80) | st.binary(max_size=23).map(lambda tail: DISK_BYTES[:9] + tail.ljust(23, b"\0"))
)
def test_any_bytes_give_a_configuration_or_a_wire_error(data: bytes) -> None:
    try:
        found = d.decode_configuration(data)
    except WireError:
        return
    assert d.decode_configuration(found.encode()) == found


@given(st.binary(max_size=300))
def test_any_bytes_give_a_descriptor_or_a_wire_error(data: bytes) -> None:
    for decode in (d.decode_device, d.decode_string, d.decode_setup, d.total_length):
        with contextlib.suppress(WireError):
            decode(data)


@given(st.integers(0, 31), st.integers(1, 255))
def test_one_changed_byte_is_refused_or_seen(at: int, delta: int) -> None:
    raw = bytearray(DISK_BYTES)
    raw[at] = (raw[at] + delta) % 256
    with contextlib.suppress(WireError):
        assert d.decode_configuration(bytes(raw)) != DISK
