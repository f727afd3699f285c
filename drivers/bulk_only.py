"""USB bulk-only transport: one SCSI command at a time over a BulkDevice.

Rule 1: a command is CBW, data phase, CSW. A CSW that is not this command's (signature, tag, length,
residue) counts for nothing: the transport is reset (BOT 5.3.4) and the command made anew, TRIES times.
Rule 2: a stalled pipe is an answer, not a failure: it is cleared and the CSW read (BOT 6.7.2, 6.7.3).
Rule 3: the device is believed for nothing that allocates or loops: sizes are ours, tries are counted.
"""

from drivers.base import BulkDevice, StallError
from edged.errors import CameraError, ErrorCode
from firmware_protocol.errors import WireError
from firmware_protocol.usb import bot, scsi

TRIES = 3
COMMAND_S = 20.0
"""Deadline of one phase. A card with a weak sector retries inside for some seconds; longer is a hang."""


class CheckConditionError(CameraError):
    """The device ended a command with CHECK CONDITION.

    Attributes:
        sense: the device's reason; None if it gave none that can be read.
    """

    default = ErrorCode.CAMERA_REFUSED

    def __init__(self, sense: scsi.Sense | None, command: int) -> None:
        self.sense = sense
        why = f"{sense.key.name} {sense.code:02x}/{sense.qualifier:02x}" if sense else "no sense data"
        super().__init__(command=f"0x{command:02x}", sense=why)


class _OutOfStepError(Exception):
    """The device broke the order of CBW, data, CSW; a reset recovery is due."""


class BulkOnly:
    """The transport: one SCSI command at a time, one thread."""

    def __init__(self, device: BulkDevice, interface: int = 0) -> None:
        self._device = device
        self._interface = interface
        self._tag = 0

    def command(
        self, cdb: bytes, *, ask: int = 0, send: bytes = b"", again: bool = True, timeout_s: float = COMMAND_S
    ) -> bytes:
        """Carry out one command; return what came in: ``ask`` bytes, or fewer if the device says so.

        Args:
            cdb: 6 to 16 bytes.
            ask, send: size of the data phase in, or the bytes of the data phase out; not both.
            again: make it anew after a reset recovery. False where twice is not as good as once.

        Raises:
            CheckConditionError: the device refused, with its sense.
            CameraError: CAMERA_LOST; CAMERA_SILENT (after one repetition, each costs a deadline);
                CAMERA_PROTOCOL (nothing sensible in TRIES tries).
        """
        silent = False
        for left in reversed(range(TRIES if again else 1)):
            try:
                return self._attempt(cdb, ask, send, timeout_s)
            except _OutOfStepError as exc:
                self._recover()
                if not left:
                    raise CameraError(ErrorCode.CAMERA_PROTOCOL, command=cdb[0], reason=str(exc)) from exc
            except CameraError as exc:
                if exc.code not in (ErrorCode.CAMERA_SILENT, ErrorCode.CAMERA_PROTOCOL):
                    raise
                self._recover()
                if silent or not left:
                    raise
                silent = exc.code is ErrorCode.CAMERA_SILENT
        raise AssertionError("the last try returns or raises")

    def _attempt(self, cdb: bytes, ask: int, send: bytes, timeout_s: float) -> bytes:
        status, data = self._exchange(cdb, ask, send, timeout_s)
        if status is bot.Status.PASSED:
            return data
        sense = self._sense()
        if sense is None or (sense.key, sense.code) != (scsi.SenseKey.UNIT_ATTENTION, scsi.POWERED_ON.code):
            raise CheckConditionError(sense, cdb[0])
        # "I was reset": told once, in place of carrying out the command, so once more is not twice.
        status, data = self._exchange(cdb, ask, send, timeout_s)
        if status is not bot.Status.PASSED:
            raise CheckConditionError(self._sense(), cdb[0])
        return data

    def _exchange(self, cdb: bytes, ask: int, send: bytes, timeout_s: float) -> tuple[bot.Status, bytes]:
        self._tag = self._tag % 0xFFFF_FFFF + 1
        size = ask or len(send)
        wrapper = bot.CommandWrapper(tag=self._tag, length=size, inbound=ask > 0, command=cdb)
        try:
            self._device.write(wrapper.encode(), timeout_s)
        except StallError as exc:
            raise _OutOfStepError("it refused the command wrapper") from exc
        data, early = self._data_in(ask, timeout_s) if ask else (b"", None)
        if send:
            self._data_out(send, timeout_s)
        status = early or self._status(timeout_s)
        if status.status is bot.Status.PHASE_ERROR:
            raise _OutOfStepError("it reports a phase error")
        if status.residue > size:
            raise _OutOfStepError(f"residue {status.residue} of {size} bytes")
        return status.status, data[: size - status.residue]

    def _data_in(self, ask: int, timeout_s: float) -> tuple[bytes, bot.StatusWrapper | None]:
        """The data phase; with the CSW, if the device left the data out and sent that at once."""
        try:
            data = self._device.read(ask, timeout_s)
        except StallError:
            self._device.clear_halt(inbound=True)
            return b"", None
        if len(data) == bot.CSW_SIZE < ask:
            try:
                early = bot.decode_status(data)
            except WireError:
                return data, None
            if early.tag == self._tag:
                return b"", early
        return data, None

    def _data_out(self, send: bytes, timeout_s: float) -> None:
        try:
            self._device.write(send, timeout_s)
        except StallError:
            self._device.clear_halt(inbound=False)

    def _status(self, timeout_s: float) -> bot.StatusWrapper:
        raw = b""
        for _ in range(2):  # after one stall, or one empty packet before the CSW
            try:
                raw = self._device.read(bot.CSW_SIZE, timeout_s)
            except StallError:
                self._device.clear_halt(inbound=True)
            if raw:
                break
        try:
            status = bot.decode_status(raw)
        except WireError as exc:
            raise _OutOfStepError(str(exc)) from exc
        if status.tag != self._tag:
            raise _OutOfStepError(f"CSW of command {status.tag} in place of {self._tag}")
        return status

    def _sense(self) -> scsi.Sense | None:
        try:
            request = scsi.RequestSense()
            status, data = self._exchange(request.encode(), scsi.SENSE_SIZE, b"", COMMAND_S)
            return scsi.decode_sense(data) if status is bot.Status.PASSED else None
        except _OutOfStepError:
            self._recover()
        except WireError:
            pass
        return None

    def _recover(self) -> None:
        """Reset recovery (BOT 5.3.4): class request, then both pipes cleared."""
        self._device.control(0x21, bot.RESET, 0, self._interface, b"")
        self._device.clear_halt(inbound=True)
        self._device.clear_halt(inbound=False)


def inquire(transport: BulkOnly) -> scsi.InquiryData:
    """Raises CameraError: as BulkOnly.command, CAMERA_PROTOCOL for a malformed answer."""
    command = scsi.Inquiry()
    try:
        return scsi.decode_inquiry(transport.command(command.encode(), ask=command.allocation))
    except WireError as exc:
        raise CameraError(ErrorCode.CAMERA_PROTOCOL, command="INQUIRY", reason=str(exc)) from exc
