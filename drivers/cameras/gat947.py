"""GA/T 947 cameras of the SCSI kind: command mode after power-on, disk mode for one plug-in.

Rule 1: a command has worked only if its return status says so; the command's own success means little.
Rule 2: the password is read from the camera and compared here, as the family's clients do. It is no
secret of the camera's against anybody with a cable, and is never logged.
Rule 3: the record is written with nothing changed but the officer, and read back: the serial number
must be the same after as before.
Commands and records: firmware_protocol/gat947/PROTOCOL.md.
"""

import hmac
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import ClassVar, TypeVar

from drivers.bulk_only import TRIES, BulkOnly, CheckConditionError, inquire
from drivers.cameras.base import Camera, DiskCamera, Mode
from drivers.cameras.identity import UsbIdentity, clean_serial, clean_text
from drivers.mass_storage import Pause
from drivers.worker.messages import Capabilities, ClockRead
from edged.errors import CameraError, CameraLostError, ErrorCode
from firmware_protocol.errors import WireError
from firmware_protocol.gat947 import commands, records
from firmware_protocol.gat947.commands import Command, ReturnCode
from firmware_protocol.usb import scsi

VENDORS = frozenset({"dv16", "dv12"})
COMMAND_MODE = frozenset({"dv16devicev1.00", "dv12devicev1.00"})
"""INQUIRY vendor and product in lower case without blanks, as the family's clients compare them."""

CLOCK_PROBE_S = 2.0
"""For a command that a camera may not know; it answers at once if it does."""

T = TypeVar("T")


def recognise(transport: BulkOnly) -> Mode | None:
    """The mode a GA/T camera is in; None: no camera of this family.

    A name alone is not enough for command mode: the camera must also answer INIT.
    Raises CameraError: as BulkOnly.command.
    """
    told = inquire(transport)
    name = (told.vendor + told.product).lower().replace(" ", "")
    if told.vendor.strip().lower() not in VENDORS:
        return None
    if name not in COMMAND_MODE:
        return "disk"
    _settle(transport)
    try:
        transport.command(commands.command_block(Command.INIT).encode(), timeout_s=commands.DATA_S)
    except CheckConditionError:
        return "disk"
    return "command"


def _settle(transport: BulkOnly) -> None:
    """Take the UNIT ATTENTION with which a device answers the first command after power-on."""
    for _ in range(TRIES):
        try:
            transport.command(scsi.TestUnitReady().encode())
        except CheckConditionError as exc:
            if exc.sense and exc.sense.key is scsi.SenseKey.UNIT_ATTENTION:
                continue
        return


class GatDisk(DiskCamera):
    """In disk mode it tells nothing about itself but what USB tells: the serial number is not known."""

    driver = "gat947"

    @property
    def serial(self) -> str:
        return ""


class GatCommand(Camera):
    """In command mode. The record is read at once: it says who the camera is."""

    driver: ClassVar[str] = "gat947"
    mode: Mode = "command"

    def __init__(self, transport: BulkOnly, identity: UsbIdentity, pause: Pause, password: str) -> None:
        super().__init__(transport, identity, pause)
        self._password = password
        self._checked = False
        self._form, self._record = self._read_record()
        self._id_code = self._read(Command.GET_ID_CODE, records.decode_text)
        self.capabilities = Capabilities(
            clock_read=self._reads_clock(), clock_set=True, battery=True, assign=True, disk_mode_switch=True
        )

    @property
    def serial(self) -> str:
        return clean_serial(self._record.serial)

    @property
    def model(self) -> str:
        return clean_text(self._id_code)

    def read_clock(self) -> ClockRead:
        """By our extension command."""
        if not self.capabilities.clock_read:
            raise self._cannot("read its clock")
        reading = self._read(Command.READ_DEV_TIME, records.decode_clock)
        local = reading.local.isoformat(timespec="milliseconds")
        return ClockRead(local=local, resolution_ms=reading.resolution_ms)

    def set_clock(self, local: datetime) -> None:
        self._check_password()
        self._write(Command.SYNC_DEV_TIME, records.encode_time(local), ReturnCode.SET_SYSTEMTIME_FAILED)

    def read_battery(self) -> int | None:
        level = self._read(Command.READ_BATTERY_VAL, records.decode_number)
        return level if 0 <= level <= 100 else None

    def assign(self, user_no: str) -> None:
        if not (user_no.isascii() and user_no.isprintable() and 1 <= len(user_no) <= 6):
            reason = "a camera takes 1 to 6 printable ASCII characters as the officer's number"
            raise CameraError(ErrorCode.BAD_REQUEST, reason=reason, characters=len(user_no))
        self._check_password()
        form, record = self._read_record()
        # The name belongs to the officer before; in this alphabet ours could not be written anyway.
        changed = replace(record, user_no=user_no, user_name="")
        raw = self._sane(lambda: changed.encode(form))
        self._write(Command.WRITE_DEV_INFO, raw, ReturnCode.CONNECT_FAILED)
        _, self._record = self._read_record()
        if self._record != changed:
            raise self._refused(Command.WRITE_DEV_INFO, "the record reads back otherwise than written")

    def enter_disk(self) -> None:
        """SetMSDC. The camera leaves the bus, before its answer or after it."""
        self._check_password()
        if not self._read(Command.GET_SD_STATUS, records.decode_number):
            raise CameraError(ErrorCode.CAMERA_NO_CARD, iret=int(ReturnCode.MSDC_FAILED))
        block = commands.command_block(Command.SET_MSDC)
        try:
            self._transport.command(block.encode(), again=False, timeout_s=commands.DATA_S)
        except CameraLostError:
            return  # this is what a camera that switches at once looks like
        except CheckConditionError as exc:
            if exc.sense and exc.sense.code == scsi.NO_MEDIUM.code:
                raise CameraError(ErrorCode.CAMERA_NO_CARD, **exc.detail) from exc
            raise self._refused(Command.SET_MSDC, "a recording may be in progress") from exc

    # --- one command ---

    def _read_record(self) -> tuple[records.Form, records.ZfyInfo]:
        """The longer form first: asked for the shorter, a camera of the longer could send a part of it."""
        try:
            raw = self._ask(Command.GET_DEV_INFO, records.Form.TERMINATED)
        except CameraError as exc:
            if exc.code is not ErrorCode.CAMERA_REFUSED:
                raise
            raw = self._ask(Command.GET_DEV_INFO, records.Form.PLAIN)
        info = self._sane(lambda: records.decode_info(raw))
        return records.Form(len(raw)), info

    def _reads_clock(self) -> bool:
        """Not every camera has our extension; one that does not may refuse, send nonsense or say nothing."""
        block = commands.command_block(Command.READ_DEV_TIME)
        try:
            raw = self._transport.command(
                block.encode(), ask=block.length, again=False, timeout_s=CLOCK_PROBE_S
            )
            records.decode_clock(raw)
        except CameraLostError:
            raise
        except (CameraError, WireError):
            return False
        return True

    def _check_password(self) -> None:
        if self._checked:
            return
        told = self._read(Command.GET_PASSWORD, bytes).partition(b"\0")[0]
        if not hmac.compare_digest(told, self._password.encode("ascii", "replace")):
            raise CameraError(ErrorCode.CAMERA_PASSWORD, iret=int(ReturnCode.CHECK_PWD_FAILED))
        self._checked = True

    def _read(self, command: Command, decode: Callable[[bytes], T]) -> T:
        try:
            raw = self._ask(command)
        except CheckConditionError as exc:
            raise self._refused(command, str(exc.detail["sense"])) from exc
        return self._sane(lambda: decode(raw))

    def _ask(self, command: Command, length: int | None = None) -> bytes:
        block = commands.command_block(command, length)
        raw = self._transport.command(block.encode(), ask=block.length, timeout_s=commands.DATA_S)
        self._check_status(command, ReturnCode.CONNECT_FAILED)
        return raw

    def _write(self, command: Command, raw: bytes, failed: ReturnCode) -> None:
        block = commands.command_block(command, len(raw))
        try:
            self._transport.command(block.encode(), send=raw, timeout_s=commands.DATA_S)
        except CheckConditionError as exc:
            raise self._refused(command, str(exc.detail["sense"]), failed) from exc
        self._check_status(command, failed)

    def _check_status(self, command: Command, failed: ReturnCode) -> None:
        if command not in commands.STATUS_AFTER:
            return
        block = commands.command_block(Command.GET_RETURN_STATUS)
        raw = self._transport.command(block.encode(), ask=block.length, timeout_s=commands.DATA_S)
        if (status := self._sane(lambda: records.decode_number(raw))) != 0:
            raise self._refused(command, f"return status {status}", failed)

    def _refused(
        self, command: Command, reason: str, iret: ReturnCode = ReturnCode.CONNECT_FAILED
    ) -> CameraError:
        iret = ReturnCode.MSDC_FAILED if command is Command.SET_MSDC else iret
        return CameraError(ErrorCode.CAMERA_REFUSED, command=command.name, reason=reason, iret=int(iret))

    def _sane(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except WireError as exc:
            raise CameraError(ErrorCode.CAMERA_PROTOCOL, reason=clean_text(str(exc))) from exc
