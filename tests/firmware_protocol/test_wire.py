"""The codec: what fits comes back the same, what does not is refused by name."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol.errors import (
    FieldOutOfRangeError,
    TrailingBytesError,
    TruncatedMessageError,
    UnknownMessageError,
    WireError,
)
from firmware_protocol.wire import I16, U8, U16, U32, Flag, Message, MessageSet, Octets, Text

SET = MessageSet("test")


class Way(IntEnum):
    UP = 1
    DOWN = 2


@SET.message(0x07, source="1")
@dataclass(frozen=True, slots=True, kw_only=True)
class Everything(Message):
    small: Annotated[int, U8("", 1, 16)]
    middle: Annotated[int, U16("mV", 0, 20_000)]
    large: Annotated[int, U32()]
    signed: Annotated[int, I16("mA", -500, 3_000)]
    way: Annotated[Way, U8()]
    flag: Flag
    nonce: Annotated[bytes, Octets(2, 2)]
    uid: Annotated[bytes, Octets(1, 4)]
    name: Annotated[str, Text(5)]


SAMPLE = Everything(
    small=3,
    middle=5012,
    large=0xFFFF_FFFF,
    signed=-20,
    way=Way.DOWN,
    flag=True,
    nonce=b"\0\1",
    uid=b"abc",
    name="R-5",
)
OCTETS = bytes.fromhex("07 03 9413 ffffffff ecff 02 01 0001 03616263 03522d35")

everything = st.builds(
    Everything,
    small=st.integers(1, 16),
    middle=st.integers(0, 20_000),
    large=st.integers(0, 0xFFFF_FFFF),
    signed=st.integers(-500, 3_000),
    way=st.sampled_from(Way),
    flag=st.booleans(),
    nonce=st.binary(min_size=2, max_size=2),
    uid=st.binary(min_size=1, max_size=4),
    name=st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=5),
)


def test_golden_bytes_of_every_kind_of_field() -> None:
    assert SET.encode(SAMPLE) == OCTETS
    assert SET.decode(OCTETS) == SAMPLE
    assert SET.all() == (Everything,)


@given(everything)
def test_what_fits_comes_back_the_same(message: Everything) -> None:
    again = SET.decode(SET.encode(message))
    assert again == message
    assert isinstance(again, Everything)
    assert isinstance(again.way, Way)
    assert isinstance(again.flag, bool)


@pytest.mark.fault("Z01", "any bytes into the codec give a message or a WireError")
@given(st.binary(max_size=40), st.booleans())
def test_any_bytes_give_a_message_or_a_wire_error(data: bytes, ours: bool) -> None:
    data = b"\x07" + data if ours else data
    try:
        message = SET.decode(data)
    except WireError:
        return
    assert SET.encode(message) == data


@given(everything, st.data())
def test_a_shorter_or_longer_body_is_refused(message: Everything, data: st.DataObject) -> None:
    octets = SET.encode(message)
    with pytest.raises((TruncatedMessageError, FieldOutOfRangeError)):
        SET.decode(octets[: data.draw(st.integers(1, len(octets) - 1))])
    with pytest.raises(TrailingBytesError):
        SET.decode(octets + b"\0")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("small", 0, r"small=0 is outside 1\.\.16"),
        ("middle", 20_001, r"middle=20001mV is outside 0\.\.20000mV"),
        ("large", -1, "large=-1"),
        ("signed", -501, "signed=-501mA"),
        ("nonce", b"abc", r"nonce: 3 bytes, allowed 2\.\.2"),
        ("uid", b"", "uid: 0 bytes"),
        ("uid", b"abcde", "uid: 5 bytes"),
        ("name", "longer", "name: 6 bytes"),
        ("name", "Київ", "not printable ASCII"),
        ("name", "a\nb", "not printable ASCII"),
    ],
)
def test_a_wrong_value_is_refused_not_clipped(field: str, value: object, words: str) -> None:
    values = {f.name: getattr(SAMPLE, f.name) for f in Everything.LAYOUT} | {field: value}
    with pytest.raises(FieldOutOfRangeError, match=words):
        SET.encode(Everything(**values))


@pytest.mark.fault("Z02", "a length byte that lies, or points past the end, is refused")
@pytest.mark.parametrize("length", [0, 5, 0x7F, 0xFF])
def test_lying_lengths_are_refused(length: int) -> None:
    for at in (14, 18):  # the length bytes of uid and name
        octets = bytearray(OCTETS)
        octets[at] = length
        with pytest.raises(WireError):
            SET.decode(bytes(octets))


@pytest.mark.fault(
    "Z02", "a field of a length that is not allowed is refused, though all its bytes are there"
)
@pytest.mark.parametrize("size", [0, 5, 0xFF])
def test_a_field_of_a_forbidden_length_is_refused(size: int) -> None:
    uid = 14  # its length byte; the field may have 1 to 4 bytes
    octets = OCTETS[:uid] + bytes([size]) + bytes(size) + OCTETS[uid + 4 :]
    with pytest.raises(FieldOutOfRangeError):
        SET.decode(octets)


@pytest.mark.parametrize(("at", "value"), [(1, 17), (10, 3), (11, 2), (19, 0x1B)])
def test_values_outside_their_range_are_refused_on_arrival(at: int, value: int) -> None:
    octets = bytearray(OCTETS)
    octets[at] = value  # small, way, flag, an escape character in the name
    with pytest.raises(FieldOutOfRangeError):
        SET.decode(bytes(octets))


def test_an_unknown_id_is_told_from_a_broken_message() -> None:
    with pytest.raises(UnknownMessageError) as caught:
        SET.decode(b"\xaa\0\0")
    assert caught.value.message_id == 0xAA
    with pytest.raises(TruncatedMessageError):
        SET.decode(b"")


def test_sets_do_not_mix_and_ids_are_unique() -> None:
    other = MessageSet("other")
    with pytest.raises(TypeError, match="not a message of other"):
        other.encode(SAMPLE)
    with pytest.raises(RuntimeError, match="0x07 is Everything already"):
        SET.message(0x07, source="2")(Everything)
