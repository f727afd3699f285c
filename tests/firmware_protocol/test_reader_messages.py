"""The badge reader's messages: golden bytes, the document, any bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol.errors import WireError
from firmware_protocol.reader import messages as m
from firmware_protocol.wire import Message
from tests.firmware_protocol.protocol_document import FOLDER, enums, golden, table, values

DOCUMENT = (FOLDER / "reader" / "PROTOCOL.md").read_text()
GOLDEN = golden("reader", m.READER)


@pytest.mark.parametrize(("message", "octets"), GOLDEN, ids=lambda v: type(v).__name__)
def test_golden_bytes(message: Message, octets: bytes) -> None:
    assert m.READER.encode(message) == octets
    assert m.READER.decode(octets) == message


def test_golden_bytes_by_hand() -> None:
    # Written down from PROTOCOL.md, not from the code: a guard against a mistake of both.
    badge = m.BadgeRead(number=78, kind=m.CardKind.DESFIRE_ID, uid=bytes.fromhex("04a1b2c3d4e5f6"))
    assert m.READER.encode(badge) == bytes.fromhex("90 4e000000 02 07 04a1b2c3d4e5f6")


def test_every_message_has_golden_bytes() -> None:
    assert {type(message) for message, _ in GOLDEN} == set(m.READER.all())


def test_the_document_says_what_the_code_does() -> None:
    assert table(m.READER) in DOCUMENT
    assert [e.__name__ for e in enums(m.READER) if values(e) not in DOCUMENT] == []


@pytest.mark.parametrize("size", [3, 17, 255])
def test_a_badge_number_has_4_to_16_bytes(size: int) -> None:
    octets = b"\x90" + bytes([1, 0, 0, 0, 1, size]) + bytes(size)
    with pytest.raises(WireError):
        m.READER.decode(octets)


@given(st.binary(max_size=40), st.sampled_from([b"", *(bytes([c.ID]) for c in m.READER.all())]))
def test_any_bytes_give_a_message_or_a_wire_error(data: bytes, first: bytes) -> None:
    try:
        message = m.READER.decode(first + data)
    except WireError:
        return
    assert m.READER.encode(message) == first + data


def test_kinds_are_written_as_rosters_write_them() -> None:
    assert [k.label for k in m.CardKind] == ["iso14443-uid", "desfire-id", "em4100", "hid-prox"]
