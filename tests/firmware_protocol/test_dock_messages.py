"""The dock controller's messages: golden bytes, the document, any bytes."""

from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol.dock import messages as m
from firmware_protocol.errors import FieldOutOfRangeError, WireError
from firmware_protocol.session import MAX_BODY, SESSION, Role
from firmware_protocol.wire import Message, MessageSet
from tests.firmware_protocol.protocol_document import FOLDER, enums, golden, table, values

DOCUMENT = (FOLDER / "dock" / "PROTOCOL.md").read_text()
GOLDEN = [(s, *v) for s in (m.DOCK, SESSION) for v in golden("dock", s)]


@pytest.mark.parametrize(("messages", "message", "octets"), GOLDEN, ids=lambda v: type(v).__name__)
def test_golden_bytes(messages: MessageSet, message: Message, octets: bytes) -> None:
    assert messages.encode(message) == octets
    assert messages.decode(octets) == message


def test_golden_bytes_by_hand() -> None:
    # Written down from PROTOCOL.md, not from the code: a guard against a mistake of both.
    unlock = m.Unlock(request=9, slot=3, grant=70_000, open_for=150)
    assert m.DOCK.encode(unlock) == bytes.fromhex("20 09000000 03 70110100 9600")
    event = m.Event(number=12, code=m.EventKind.OPENED, slot=3, value=70_000, age=2)
    assert m.DOCK.encode(event) == bytes.fromhex("93 0c000000 04 03 70110100 02000000")
    lit = m.SetLed(request=6, slot=3, colour=m.Colour.GREEN, pattern=m.Pattern.FAST)
    assert m.DOCK.encode(lit) == bytes.fromhex("14 06000000 03 01 02")


def test_every_message_has_golden_bytes() -> None:
    assert {type(v[1]) for v in GOLDEN} == {*m.DOCK.all(), *SESSION.all()}


def test_the_document_says_what_the_code_does() -> None:
    assert table(m.DOCK) in DOCUMENT
    assert table(SESSION) in DOCUMENT
    every: list[type[Enum]] = [*enums(m.DOCK), m.EventKind, m.Result, m.Relock, m.Capability, Role]
    assert [e.__name__ for e in every if values(e) not in DOCUMENT] == []
    assert [c.__name__ for c in m.DOCK.all() if f"## {c.SOURCE.split('.')[0]}. " not in DOCUMENT] == []


@given(st.binary(max_size=40), st.sampled_from([b"", *(bytes([c.ID]) for c in m.DOCK.all())]))
def test_any_bytes_give_a_message_or_a_wire_error(data: bytes, first: bytes) -> None:
    try:
        message = m.DOCK.decode(first + data)
    except WireError:
        return
    assert m.DOCK.encode(message) == first + data


def test_every_message_fits_a_frame_of_a_session() -> None:
    assert max(len(octets) for s, _, octets in GOLDEN if s is m.DOCK) <= MAX_BODY


@pytest.mark.fault("D06", "a slot that no dock has does not come through the codec")
@pytest.mark.parametrize("slot", [0, 33, 255])
def test_a_slot_that_cannot_be_is_refused(slot: int) -> None:
    octets = bytearray(m.DOCK.encode(status(slot=1)))
    octets[5] = slot
    with pytest.raises(FieldOutOfRangeError, match=rf"slot={slot} is outside 1\.\.32"):
        m.DOCK.decode(bytes(octets))


def test_only_what_opens_a_lock_or_forgets_a_fault_is_versioned() -> None:
    commands = [c for c in m.DOCK.all() if issubclass(c, m.Command)]
    assert [c.__name__ for c in commands if not c.FROZEN] == ["Unlock", "ClearFaults", "Reset"]
    assert all((c.ID < 0x20) == c.FROZEN for c in commands)


def test_codes_of_later_versions_are_kept_and_marked() -> None:
    event = m.DOCK.decode(m.DOCK.encode(m.Event(number=1, code=77, slot=0, value=0, age=0)))
    assert isinstance(event, m.Event)
    assert (event.code, event.kind) == (77, m.EventKind.OTHER)
    done = m.Done(request=1, code=77)
    assert done.result is m.Result.OTHER
    assert m.Done(request=1, code=0).result is m.Result.OK
    faulty = m.DOCK.decode(m.DOCK.encode(status(fault=m.Fault(1 << 12))))
    assert isinstance(faulty, m.SlotStatus)
    assert faulty.fault  # a fault bit nobody knows is a fault


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, ""),
        ({"contact": m.Contact.PRESENT, "current": 900}, ""),
        ({"current": 900}, "900 mA into an empty slot"),
        ({"contact": m.Contact.PRESENT, "current": 900, "powered": False}, "900 mA while switched off"),
        ({"slot": 9}, "slot 9 of 8"),
    ],
)
def test_what_cannot_be_true_is_named(changes: dict[str, int], reason: str) -> None:
    assert m.impossible(status(**changes), slots=8) == reason


def status(**changes: int) -> m.SlotStatus:
    fields = {
        "request": 0,
        "slot": 3,
        "contact": m.Contact.EMPTY,
        "latch": m.Latch.LOCKED,
        "powered": True,
        "charging": True,
        "fault": m.Fault.NONE,
        "vbus": 5000,
        "current": 0,
        "temperature": 220,
    }
    return m.SlotStatus(**(fields | changes))  # type: ignore[arg-type]  # built from a mixed table
