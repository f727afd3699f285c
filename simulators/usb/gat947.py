"""A GA/T 947 camera: command mode after power-on, disk mode for one plug-in after SetMSDC.

It refuses what the real ones refuse (firmware_protocol/gat947/PROTOCOL.md 6) and trusts the host
with the password as they do: the host reads it and compares.
"""

from collections.abc import Callable
from datetime import timedelta

import msgspec

from firmware_protocol.errors import WireError
from firmware_protocol.gat947 import commands, records
from firmware_protocol.gat947.commands import Command, VendorCommand
from firmware_protocol.usb import scsi
from firmware_protocol.usb.scsi import InquiryData
from simulators.usb.camera import Camera, Leave, usb_identity
from simulators.usb.device import Buffer, Gone, UsbDevice
from simulators.usb.disk import CheckConditionError
from simulators.usb.mass_storage import MassStorage
from simulators.usb.scsi_disk import Answer, DataIn, DataOut, NoData, ScsiDisk

COMMAND_MODE = InquiryData(vendor="DV16", product="DEVICE V1.00", revision="1.00")
DISK_MODE = InquiryData(vendor="DV16", product="UDISK", revision="1.00")
_OK, _FAILED = 0, 1  # GET_RETURN_STATUS
_RESOLUTION = (1920, 1080)
_WIDTHS = (7, 6, 32, 12, 32)  # PROTOCOL.md 3.1


class GatCamera(Camera):
    """See the module. ``disk_mode`` holds until power ends."""

    disk_mode = False
    shown = "command"
    """The mode of what is, or was last, on the bus."""

    def power_on(self, leave: Leave) -> UsbDevice:
        self.charge(True)
        return self._disk_device(leave) if self.disk_mode else self._command_device(leave)

    def power_off(self) -> None:
        self.disk_mode = False
        super().power_off()

    def _command_device(self, leave: Leave) -> UsbDevice:
        self.shown = "command"
        own = usb_identity(self.spec, "BODYCAM", self.faults, self.faults.extra_interfaces, self.release)
        target = CommandTarget(self, leave)
        return self.show(MassStorage(own, target, self.faults, note_fired=self.fired, leave=leave))

    def _disk_device(self, leave: Leave) -> UsbDevice:
        self.shown = "disk"
        extra = self.faults.extra_interfaces + self.faults.extra_as_disk
        spec = self.spec
        if self.faults.usb_serial_as_disk is not None:
            spec = msgspec.structs.replace(spec, usb_serial=self.faults.usb_serial_as_disk)
        own = usb_identity(spec, "BODYCAM", self.faults, extra, self.release)
        target = ScsiDisk(DISK_MODE, self.insert_card())
        return self.show(MassStorage(own, target, self.faults, note_fired=self.fired, leave=leave))


class CommandTarget(ScsiDisk):
    """Command mode: a disk without a medium that also knows the vendor commands."""

    def __init__(self, camera: GatCamera, leave: Leave) -> None:
        super().__init__(COMMAND_MODE, None)
        self._camera = camera
        self._leave = leave
        self._status = _OK
        self._reads: dict[Command, Callable[[int], bytes]] = {
            Command.GET_ID_CODE: lambda size: records.encode_text(camera.spec.model[:size], size),
            Command.GET_DEV_INFO: self._info,
            Command.READ_DEV_RES: lambda _: records.encode_resolution(*_RESOLUTION),
            Command.READ_BATTERY_VAL: self._battery,
            Command.GET_SD_STATUS: lambda _: records.encode_number(int(camera.has_card)),
            Command.GET_PASSWORD: lambda size: records.encode_text(camera.password, size),
            Command.READ_DEV_TIME: self._clock,
        }
        self._writes: dict[Command, Callable[[bytes], None]] = {
            Command.WRITE_DEV_INFO: self._store_info,
            Command.WRITE_ALL_DEV_INFO: self._store_all,
            Command.SYNC_DEV_TIME: lambda raw: camera.set_clock(records.decode_time(raw)),
            Command.SET_PASSWORD: self._store_password,
            Command.SET_ID_CODE: lambda _: None,
        }

    def execute(self, cdb: bytes) -> Answer:
        if not commands.is_vendor(cdb):
            return super().execute(cdb)
        try:
            return self._vendor(self._decoded(cdb))
        except CheckConditionError as exc:
            self.sense, self._status = exc.sense, _FAILED
            raise

    def _decoded(self, cdb: bytes) -> VendorCommand:
        try:
            asked = commands.decode_command(cdb)
        except WireError as exc:
            raise CheckConditionError(scsi.INVALID_FIELD) from exc
        if asked.command is Command.READ_DEV_TIME and not self._camera.reads_clock:
            raise CheckConditionError(scsi.INVALID_FIELD)
        if asked.length in tuple(records.Form) and asked.length != self._camera.spec.form:
            raise CheckConditionError(scsi.INVALID_FIELD)
        return asked

    def _vendor(self, asked: VendorCommand) -> Answer:
        if asked.command is Command.GET_RETURN_STATUS:
            return DataIn(records.encode_number(self._status))
        if asked.command is Command.SET_MSDC:
            return self._set_msdc()
        self._status = _OK
        if (read := self._reads.get(asked.command)) is not None:
            return DataIn(read(asked.length))
        if (write := self._writes.get(asked.command)) is not None:
            return DataOut(asked.length, lambda _, data: self._stored(write, data), unit=asked.length)
        return NoData()

    def _stored(self, write: Callable[[bytes], None], data: Buffer) -> None:
        """The data has arrived whole. A record that is no good is refused by the status only."""
        try:
            write(bytes(data))
        except WireError:
            self._status = _FAILED

    def _set_msdc(self) -> Answer:
        camera = self._camera
        if not camera.has_card:
            raise CheckConditionError(scsi.NO_MEDIUM)
        if camera.recording:
            raise CheckConditionError(scsi.OPERATION_IN_PROGRESS)
        self._status = _OK
        if camera.faults.vanish_before_status:
            self._change_mode()
            raise Gone
        return NoData(then=self._change_mode)

    def _change_mode(self) -> None:
        self._camera.disk_mode = True
        self._leave(self._camera.reenumerate_s)

    def _info(self, size: int) -> bytes:
        camera = self._camera
        texts = (camera.serial, camera.user_no, camera.user_name, camera.unit_no, camera.unit_name)
        terminator = size - sum(_WIDTHS) > 0
        # Not by the codec: a camera may hold what a station must not write, and what is laid out by
        # other hands here shows a mistake there.
        return b"".join(
            text.encode("gbk", "replace")[:width].ljust(width + terminator, b"\0")
            for text, width in zip(texts, _WIDTHS, strict=True)
        )

    def _store_info(self, raw: bytes) -> None:
        """The serial number stays: only WRITE_ALL_DEV_INFO changes it."""
        self._store(raw, serial=False)

    def _store_all(self, raw: bytes) -> None:
        self._store(raw, serial=True)

    def _store(self, raw: bytes, *, serial: bool) -> None:
        info = records.decode_info(raw)
        info.encode(records.Form.PLAIN)  # refuses what must not be empty
        camera = self._camera
        camera.user_no, camera.user_name = info.user_no, info.user_name
        camera.unit_no, camera.unit_name = info.unit_no, info.unit_name
        if serial:
            camera.serial = info.serial

    def _store_password(self, raw: bytes) -> None:
        self._camera.password = records.decode_text(raw)

    def _battery(self, _: int) -> bytes:
        claim = self._camera.battery_claim
        return records.encode_number(int(self._camera.battery) if claim is None else claim)

    def _clock(self, _: int) -> bytes:
        camera = self._camera
        step_us = camera.spec.clock_resolution_ms * 1000
        now = camera.clock()
        since_midnight = now - now.replace(hour=0, minute=0, second=0, microsecond=0)
        floored = now - timedelta(microseconds=int(since_midnight / timedelta(microseconds=1)) % step_us)
        return records.ClockReading(floored, camera.spec.clock_resolution_ms).encode()
