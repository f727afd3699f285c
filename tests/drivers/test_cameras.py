"""A GA/T 947 camera that answers as a table says: refusals, forms of the record, nonsense."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.bulk_only import BulkOnly, CheckConditionError
from drivers.cameras.gat947 import GatCommand, recognise
from drivers.cameras.identity import UsbIdentity
from edged.errors import CameraError, CameraLostError, ErrorCode
from firmware_protocol.gat947 import commands, records
from firmware_protocol.gat947.commands import Command
from firmware_protocol.usb import scsi
from tests.drivers.usb_world import MIDDAY, PORT, quiet

IDENTITY = UsbIdentity(
    port=PORT,
    vendor_id=1,
    product_id=2,
    manufacturer="",
    product="",
    serial="",
    interfaces=("08/06/50",),
    descriptor_sha256="",
    configuration=1,
    interface=0,
    bulk_in=0x81,
    bulk_out=1,
)
RECORD = records.ZfyInfo(serial="K000001", user_no="000000", user_name="OLD", unit_no="7", unit_name="POST")
REFUSED = CheckConditionError(scsi.INVALID_FIELD, 0xFD)
Answer = bytes | CameraError


class Table(BulkOnly):
    """Answers each command from a table; keeps what was written."""

    def __init__(self, **changes: Answer) -> None:
        self.form, self.record = records.Form.PLAIN, RECORD
        self.written: list[tuple[Command, bytes]] = []
        self.keep: Callable[[records.ZfyInfo], records.ZfyInfo] = lambda info: info
        self.inquiry = scsi.InquiryData(vendor="DV16", product="DEVICE V1.00", revision="1")
        self.attention = 0
        self.answers: dict[str, Answer] = {
            "INIT": b"",
            "GET_ID_CODE": b"HACH8\0",
            "GET_RETURN_STATUS": bytes(4),
            "GET_PASSWORD": b"000000".ljust(16, b"\0"),
            "GET_SD_STATUS": b"\1\0\0\0",
            "READ_BATTERY_VAL": b"\x50\0\0\0",
            "READ_DEV_TIME": records.ClockReading(MIDDAY, 1000).encode(),
            "SET_MSDC": b"",
            **changes,
        }

    def command(
        self, cdb: bytes, *, ask: int = 0, send: bytes = b"", again: bool = True, timeout_s: float = 20.0
    ) -> bytes:
        if not commands.is_vendor(cdb):
            return self._scsi(cdb)
        asked = commands.decode_command(cdb)
        if send:
            self.written.append((asked.command, send))
            if asked.command is Command.WRITE_DEV_INFO:
                self.record = self.keep(records.decode_info(send))
            return b""
        if asked.command is Command.GET_DEV_INFO and "GET_DEV_INFO" not in self.answers:
            if ask != self.form:
                raise REFUSED
            return self.record.encode(self.form)
        answer = self.answers[asked.command.name]
        if isinstance(answer, CameraError):
            raise answer
        return answer

    def _scsi(self, cdb: bytes) -> bytes:
        if cdb[0] == 0x12:
            return self.inquiry.encode()
        if self.attention:
            self.attention -= 1
            raise CheckConditionError(scsi.POWERED_ON, cdb[0])
        return b""


def camera(table: Table) -> GatCommand:
    return GatCommand(table, IDENTITY, quiet, "000000")


def code_of(act: Callable[[], object]) -> ErrorCode:
    with pytest.raises(CameraError) as caught:
        act()
    return caught.value.code


@pytest.mark.parametrize("form", list(records.Form))
def test_the_record_is_read_and_written_in_the_cameras_own_form(form: records.Form) -> None:
    table = Table()
    table.form = form
    under_test = camera(table)
    under_test.assign("104223")
    ((command, raw),) = table.written
    assert (command, len(raw)) == (Command.WRITE_DEV_INFO, form)
    assert records.decode_info(raw) == replace(RECORD, user_no="104223", user_name="")


def test_a_serial_of_zeros_is_none() -> None:
    table = Table()
    table.record = replace(RECORD, serial="0000000")
    assert camera(table).serial == ""


def test_a_return_status_other_than_0_is_a_refusal_whatever_the_command_said() -> None:
    table = Table()
    under_test = camera(table)
    table.answers["GET_RETURN_STATUS"] = b"\1\0\0\0"
    assert code_of(under_test.read_battery) is ErrorCode.CAMERA_REFUSED
    assert code_of(lambda: under_test.set_clock(MIDDAY)) is ErrorCode.CAMERA_REFUSED
    assert code_of(lambda: under_test.assign("1")) is ErrorCode.CAMERA_REFUSED


@pytest.mark.parametrize(
    "keep",
    [
        lambda _: RECORD,
        lambda info: replace(info, user_no="1"),
        lambda info: replace(info, serial="K000002"),
        lambda info: replace(info, unit_no=""),
    ],
)
def test_a_record_that_reads_back_otherwise_is_a_failure(
    keep: Callable[[records.ZfyInfo], records.ZfyInfo],
) -> None:
    table = Table()
    table.keep = keep
    assert code_of(lambda: camera(table).assign("104223")) is ErrorCode.CAMERA_REFUSED


def test_a_foreign_alphabet_in_the_record_is_not_rewritten() -> None:
    """Bytes that are no GBK would come back as other bytes: rather no assignment than a changed serial."""
    raw = b"K\xff00001" + b"000000" + bytes(32 + 12 + 32)
    under_test = camera(Table(GET_DEV_INFO=raw))
    assert code_of(lambda: under_test.assign("1")) is ErrorCode.CAMERA_PROTOCOL


@pytest.mark.parametrize("command", ["GET_PASSWORD", "GET_SD_STATUS", "SET_MSDC"])
@pytest.mark.parametrize(
    ("answer", "code"),
    [(REFUSED, ErrorCode.CAMERA_REFUSED), (CameraError(ErrorCode.CAMERA_SILENT), ErrorCode.CAMERA_SILENT)],
)
def test_a_refusal_on_the_way_to_disk_mode_is_told(command: str, answer: Answer, code: ErrorCode) -> None:
    assert code_of(camera(Table(**{command: answer})).enter_disk) is code


def test_a_password_is_asked_for_before_anything_is_written() -> None:
    table = Table(GET_PASSWORD=b"111111".ljust(16, b"\0"))
    under_test = camera(table)
    for act in (lambda: under_test.set_clock(MIDDAY), lambda: under_test.assign("1"), under_test.enter_disk):
        assert code_of(act) is ErrorCode.CAMERA_PASSWORD
    assert table.written == []


@pytest.mark.parametrize("answer", [b"", REFUSED, CameraError(ErrorCode.CAMERA_SILENT), b"\xff" * 11])
def test_a_camera_without_our_extension_has_no_readable_clock(answer: Answer) -> None:
    assert not camera(Table(READ_DEV_TIME=answer)).capabilities.clock_read


def test_a_camera_lost_while_it_is_asked_for_its_clock_is_lost() -> None:
    assert code_of(lambda: camera(Table(READ_DEV_TIME=CameraLostError()))) is ErrorCode.CAMERA_LOST


@pytest.mark.parametrize("attention", [0, 1, 2])
def test_the_first_unit_attention_does_not_hide_the_mode(attention: int) -> None:
    table = Table(INIT=b"")
    table.attention = attention
    assert recognise(table) == "command"


@pytest.mark.parametrize(
    ("vendor", "product", "mode"),
    [
        ("DV16", "DEVICE V1.00", "command"),
        ("dv12", "Device V1.00", "command"),
        ("DV16", "UDISK", "disk"),
        ("BODYCAM", "DEVICE V1.00", None),
        ("", "", None),
    ],
)
def test_the_inquiry_tells_family_and_mode(vendor: str, product: str, mode: str | None) -> None:
    table = Table()
    table.inquiry = scsi.InquiryData(vendor=vendor, product=product, revision="1")
    assert recognise(table) == mode


def test_a_name_alone_is_not_command_mode() -> None:
    assert recognise(Table(INIT=REFUSED)) == "disk"


@pytest.mark.fault("Z01", "Whatever bytes a camera sends for its record, clock, charge or password, the answer is a "
                   "value within its bounds or a CameraError.")  # fmt: skip
@given(st.one_of(st.binary(max_size=100), st.binary(min_size=89, max_size=89)), st.binary(max_size=16))
def test_any_bytes_are_a_value_or_a_camera_error(info: bytes, other: bytes) -> None:
    names = ("GET_ID_CODE", "GET_PASSWORD", "GET_SD_STATUS", "READ_BATTERY_VAL", "READ_DEV_TIME")
    table = Table(GET_DEV_INFO=info, **dict.fromkeys(names, other))
    try:
        under_test = camera(table)
        assert len(under_test.serial) <= 64
        assert under_test.serial.isprintable()
        assert under_test.model.isprintable()
        assert under_test.read_battery() in {None, *range(101)}
        under_test.enter_disk()
    except CameraError:
        return


def test_the_clock_is_told_in_local_time_with_its_resolution() -> None:
    reading = camera(Table()).read_clock()
    assert (reading.local, reading.resolution_ms) == ("2026-11-22T12:00:00.000", 1000)
    assert datetime.fromisoformat(reading.local) == MIDDAY
