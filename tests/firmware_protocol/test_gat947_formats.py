"""GA/T 947 command blocks and records against the golden vectors, and against any bytes."""

import contextlib
import json
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import firmware_protocol.gat947
from firmware_protocol.errors import FieldOutOfRangeError, WireError
from firmware_protocol.gat947 import commands, records
from firmware_protocol.gat947.commands import Command
from firmware_protocol.gat947.records import ClockReading, Form, ZfyInfo

GOLDEN = json.loads(Path(firmware_protocol.gat947.__file__).with_name("golden.json").read_text("utf-8"))


@pytest.mark.parametrize("vector", GOLDEN["commands"], ids=lambda v: f"{v['command']}-{v['length']}")
def test_command_blocks_are_the_documents_bytes(vector: dict[str, str]) -> None:
    block = commands.command_block(Command[vector["command"]], int(vector["length"]))
    assert block.encode().hex() == vector["bytes"]
    assert commands.decode_command(bytes.fromhex(vector["bytes"])) == block


def test_every_command_in_every_length_has_golden_bytes() -> None:
    shown = {(vector["command"], vector["length"]) for vector in GOLDEN["commands"]}
    assert shown == {(command.name, n) for command, lengths in commands.LENGTHS.items() for n in lengths}
    assert set(commands.LENGTHS) == set(Command)


@pytest.mark.parametrize("vector", GOLDEN["records"], ids=lambda v: f"{v['form']}-{v['fields']['serial']}")
def test_identity_records_are_the_documents_bytes(vector: dict[str, object]) -> None:
    info = ZfyInfo(**vector["fields"])  # type: ignore[arg-type]  # five texts
    raw = bytes.fromhex(str(vector["bytes"]))
    assert info.encode(Form[str(vector["form"])]) == raw
    assert records.decode_info(raw) == info


def test_times_numbers_and_texts_are_the_documents_bytes() -> None:
    for vector in GOLDEN["times"]:
        moment = datetime.fromisoformat(vector["local"])
        assert records.encode_time(moment).hex() == vector["bytes"]
        assert records.decode_time(bytes.fromhex(vector["bytes"])) == moment
    for vector in GOLDEN["clocks"]:
        reading = ClockReading(datetime.fromisoformat(vector["local"]), vector["resolution_ms"])
        assert reading.encode().hex() == vector["bytes"]
        assert records.decode_clock(bytes.fromhex(vector["bytes"])) == reading
    for vector in GOLDEN["numbers"]:
        assert records.encode_number(vector["value"]).hex() == vector["bytes"]
        assert records.decode_number(bytes.fromhex(vector["bytes"])) == vector["value"]
    for vector in GOLDEN["resolutions"]:
        assert records.encode_resolution(vector["width"], vector["height"]).hex() == vector["bytes"]
        both = vector["width"], vector["height"]
        assert records.decode_resolution(bytes.fromhex(vector["bytes"])) == both
    for vector in GOLDEN["texts"]:
        assert records.encode_text(vector["text"], vector["size"]).hex() == vector["bytes"]
        assert records.decode_text(bytes.fromhex(vector["bytes"])) == vector["text"]


def test_a_ukrainian_name_is_refused_and_not_garbled() -> None:
    with pytest.raises(FieldOutOfRangeError, match="GBK"):
        ZfyInfo(serial="K1", user_no="1", user_name="Їжакевич Євген").encode(Form.PLAIN)


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("field", ["serial", "user_no"])
def test_a_record_without_serial_or_officer_is_not_written(form: Form, field: str) -> None:
    fields = {"serial": "K1", "user_no": "1", field: ""}
    with pytest.raises(FieldOutOfRangeError, match=field):
        ZfyInfo(**fields).encode(form)


@pytest.mark.parametrize(
    ("field", "size"), [("serial", 7), ("user_no", 6), ("user_name", 32), ("unit_no", 12)]
)
def test_a_text_fills_its_field_to_the_last_byte_and_not_further(field: str, size: int) -> None:
    full = {"serial": "K1", "user_no": "1", field: "x" * size}
    for form in Form:
        assert getattr(records.decode_info(ZfyInfo(**full).encode(form)), field) == "x" * size
        with pytest.raises(FieldOutOfRangeError):
            ZfyInfo(**(full | {field: "x" * (size + 1)})).encode(form)


def test_foreign_bytes_in_a_serial_stay_distinguishable() -> None:
    raw_one, raw_other = (raw.ljust(7, b"\0") + b"1".ljust(82, b"\0") for raw in (b"\xff", b"\xfe"))
    assert records.decode_info(raw_one).serial != records.decode_info(raw_other).serial


def test_a_command_with_two_lengths_needs_one_named() -> None:
    with pytest.raises(FieldOutOfRangeError):
        commands.command_block(Command.GET_DEV_INFO)
    assert commands.command_block(Command.INIT).length == 0


@given(st.binary(max_size=40) | st.binary(min_size=16, max_size=16))
def test_any_command_block_is_a_command_or_a_wire_error(data: bytes) -> None:
    try:
        block = commands.decode_command(data)
    except WireError:
        return
    assert block.encode() == data


@given(st.sampled_from(GOLDEN["commands"]), st.integers(0, 127))
def test_a_flipped_bit_never_passes_for_the_same_command(vector: dict[str, str], bit: int) -> None:
    good = bytes.fromhex(vector["bytes"])
    damaged = bytearray(good)
    damaged[bit // 8] ^= 1 << bit % 8
    with contextlib.suppress(WireError):
        assert commands.decode_command(bytes(damaged)) != commands.decode_command(good)


@given(st.binary(max_size=100) | st.binary(min_size=89, max_size=89) | st.binary(min_size=94, max_size=94))
def test_any_bytes_give_a_record_or_a_wire_error(data: bytes) -> None:
    decoders = (records.decode_info, records.decode_time, records.decode_clock, records.decode_number)
    for decode in (*decoders, records.decode_resolution):
        with contextlib.suppress(WireError):
            decode(data)
    assert records.decode_text(data).isascii()


@given(st.binary(min_size=11, max_size=11))
def test_any_clock_bytes_that_are_accepted_are_a_time_with_a_resolution(data: bytes) -> None:
    try:
        reading = records.decode_clock(data)
    except WireError:
        return
    assert reading.encode() == data
