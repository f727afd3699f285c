"""Bulk-only transport wrappers: bytes of a real exchange, and any bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol.errors import FieldOutOfRangeError, WireError
from firmware_protocol.usb import bot
from firmware_protocol.usb.bot import CommandWrapper, Status, StatusWrapper

READ_10 = bytes.fromhex("28000000004000000800")
CBW = bytes.fromhex("55534243 07000000 00100000 80 00 0a 28000000004000000800 000000000000")
CSW = bytes.fromhex("55534253 07000000 00000000 00")


def test_golden_command_wrapper() -> None:
    wrapper = CommandWrapper(tag=7, length=4096, inbound=True, command=READ_10)
    assert wrapper.encode() == CBW
    assert bot.decode_command(CBW) == wrapper


def test_golden_status_wrapper() -> None:
    assert StatusWrapper(tag=7, residue=0, status=Status.PASSED).encode() == CSW
    assert bot.decode_status(CSW) == StatusWrapper(tag=7, residue=0, status=Status.PASSED)


@pytest.mark.parametrize(
    ("at", "value"), [(0, 0x56), (12, 0x81), (13, 0x10), (14, 0), (14, 17), (30, 1)], ids=str
)
def test_a_command_wrapper_that_is_not_meaningful_is_refused(at: int, value: int) -> None:
    damaged = bytearray(CBW)
    damaged[at] = value
    with pytest.raises(WireError):
        bot.decode_command(bytes(damaged))


def test_a_reserved_status_is_refused() -> None:
    with pytest.raises(FieldOutOfRangeError):
        bot.decode_status(CSW[:-1] + b"\x03")


@pytest.mark.parametrize("command", [b"", bytes(17)])
def test_a_command_that_does_not_fit_is_not_sent(command: bytes) -> None:
    with pytest.raises(FieldOutOfRangeError):
        CommandWrapper(tag=1, length=0, inbound=False, command=command).encode()


@given(st.binary(max_size=40) | st.binary(max_size=27).map(lambda tail: b"USBC" + tail))
def test_any_bytes_give_a_command_wrapper_or_a_wire_error(data: bytes) -> None:
    try:
        wrapper = bot.decode_command(data)
    except WireError:
        return
    assert wrapper.encode() == data


@given(st.binary(max_size=20) | st.binary(min_size=9, max_size=9).map(lambda tail: b"USBS" + tail))
def test_any_bytes_give_a_status_wrapper_or_a_wire_error(data: bytes) -> None:
    try:
        wrapper = bot.decode_status(data)
    except WireError:
        return
    assert wrapper.encode() == data
