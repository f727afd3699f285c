"""SCSI command blocks and replies: the standards' bytes, round trips, any bytes."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol.errors import FieldOutOfRangeError, UnknownMessageError, WireError
from firmware_protocol.usb import scsi
from firmware_protocol.usb.scsi import Capacity, InquiryData, Sense, SenseKey

GOLDEN: list[tuple[scsi.Command, str]] = [
    (scsi.TestUnitReady(), "000000000000"),
    (scsi.RequestSense(), "030000001200"),
    (scsi.Inquiry(), "120000002400"),
    (scsi.ModeSense6(), "1a003f00c000"),
    (scsi.StartStopUnit(start=False, eject=True), "1b0000000200"),
    (scsi.StartStopUnit(start=True), "1b0000000100"),
    (scsi.PreventAllowRemoval(prevent=True), "1e0000000100"),
    (scsi.ReadCapacity10(), "25000000000000000000"),
    (scsi.ReadCapacity16(), "9e100000000000000000000000200000"),
    (scsi.Read10(0x4000, 8), "28000000400000000800"),
    (scsi.Write10(0x12345678, 0xFFFF), "2a001234567800ffff00"),
    (scsi.SynchronizeCache10(), "35000000000000000000"),
    (scsi.Read16(0x1_0000_0000, 2048), "88000000000100000000000008000000"),
    (scsi.Write16(1, 1), "8a000000000000000001000000010000"),
]


@pytest.mark.parametrize(("command", "octets"), GOLDEN, ids=lambda v: type(v).__name__)
def test_command_blocks_are_the_standards_bytes(command: scsi.Command, octets: str) -> None:
    assert command.encode().hex() == octets
    assert scsi.decode_command(bytes.fromhex(octets)) == command
    assert scsi.decode_command(bytes.fromhex(octets).ljust(16, b"\0")) == command


def test_sense_of_a_bad_sector_names_it() -> None:
    sense = Sense(key=SenseKey.MEDIUM_ERROR, code=0x11, information=0x1234)
    assert sense.encode().hex() == "f00003000012340a00000000110000000000"
    assert scsi.decode_sense(sense.encode()) == sense


def test_inquiry_names_the_device() -> None:
    data = InquiryData(vendor="DV16", product="DEVICE V1.00", revision="1.00")
    assert data.encode() == bytes.fromhex("00800402 1f000000") + b"DV16    DEVICE V1.00    1.00"
    assert scsi.decode_inquiry(data.encode()) == data


def test_a_disk_of_more_sectors_than_32_bits_asks_for_the_long_form() -> None:
    huge = Capacity(sectors=(1 << 32) + 5, sector_size=512)
    assert huge.encode_10().hex() == "ffffffff00000200"
    assert scsi.decode_capacity_16(huge.encode_16()) == huge
    small = Capacity(sectors=131072, sector_size=512)
    assert small.encode_10().hex() == "0001ffff00000200"
    assert scsi.decode_capacity_10(small.encode_10()) == small


@pytest.mark.parametrize("protected", [True, False])
def test_the_mode_header_tells_write_protection(protected: bool) -> None:
    header = scsi.ModeHeader(write_protected=protected)
    assert header.encode().hex() == ("03008000" if protected else "03000000")
    assert scsi.decode_mode_header(header.encode()) == header


def test_vital_product_data_and_unknown_operations_are_refused() -> None:
    with pytest.raises(FieldOutOfRangeError):
        scsi.decode_command(bytes.fromhex("120180002400"))
    with pytest.raises(UnknownMessageError):
        scsi.decode_command(bytes.fromhex("a00000000000000000000000"))


def test_a_read_that_does_not_fit_the_short_form_is_not_cut() -> None:
    with pytest.raises(FieldOutOfRangeError):
        scsi.Read10(1 << 32, 1).encode()
    with pytest.raises(FieldOutOfRangeError):
        scsi.Read10(0, 0x10000).encode()


@given(st.binary(max_size=20) | st.sampled_from(GOLDEN).map(lambda g: bytes.fromhex(g[1])[:-1] + b"\1"))
def test_any_bytes_give_a_command_or_a_wire_error(data: bytes) -> None:
    try:
        command = scsi.decode_command(data)
    except WireError:
        return
    assert scsi.decode_command(command.encode()) == command


@given(st.binary(max_size=64))
def test_any_reply_is_decoded_or_a_wire_error(data: bytes) -> None:
    for decode in (
        scsi.decode_sense,
        scsi.decode_inquiry,
        scsi.decode_capacity_10,
        scsi.decode_capacity_16,
        scsi.decode_mode_header,
    ):
        with contextlib.suppress(WireError):
            decode(data)
