"""A mass-storage device on its two bulk pipes: Bulk-Only Transport 1.0 from the device's side.

Where the specification leaves a device the choice it does what most flash controllers do: a command
that fails before its data stalls the data's pipe; data shorter than asked ends in a short packet.
"""

from collections.abc import Callable
from dataclasses import dataclass

from firmware_protocol.errors import WireError
from firmware_protocol.usb import bot
from firmware_protocol.usb.descriptors import EndpointDescriptor, InterfaceDescriptor, Kind, Setup
from firmware_protocol.usb.scsi import Sense, SenseKey
from simulators.faults import NO_FAULTS, UsbFaults
from simulators.usb.device import Buffer, Gone, Identity, Reply, Stall, UsbDevice
from simulators.usb.disk import CheckConditionError
from simulators.usb.scsi_disk import DataIn, DataOut, NoData, ScsiDisk, Target

OUT, IN = 0x01, 0x81
INTERFACE = InterfaceDescriptor(
    number=0,
    interface_class=bot.INTERFACE[0],
    interface_subclass=bot.INTERFACE[1],
    interface_protocol=bot.INTERFACE[2],
    endpoints=(EndpointDescriptor(address=IN), EndpointDescriptor(address=OUT)),
)
_ABORTED = Sense(key=SenseKey.ABORTED_COMMAND, code=0x00)


@dataclass(slots=True)
class _Running:
    """One command between its CBW and its CSW."""

    tag: int
    expected: int  # bytes the host said it would move
    inbound: bool
    data: Buffer = b""  # what is left to send
    sent: int = 0
    out: DataOut | None = None
    taken: int = 0
    status: bot.Status = bot.Status.PASSED
    late: Sense | None = None  # the command fails with this once its data is sent
    card: bool = False
    owes_end: bool = False  # the host expects more than there is: a packet of length 0 tells it
    then: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class _End:
    """A fault that ends the plug-in after ``limit`` bytes; ``then``: instead of lying beside the dock."""

    fault: str
    limit: int
    then: Callable[[], None] | None = None


class MassStorage(UsbDevice):
    """A USB disk: ``target`` answers the SCSI commands."""

    def __init__(
        self,
        own: Identity,
        target: Target,
        faults: UsbFaults = NO_FAULTS,
        *,
        note_fired: Callable[[str], None] = lambda _: None,
        leave: Callable[[float | None], None] = lambda _: None,
    ) -> None:
        super().__init__(own)
        self._target = target
        self._faults = faults
        self._fired = note_fired  # told the name of a fault that happens once
        self._leave = leave
        self._running: _Running | None = None
        self._partial = bytearray()
        self._commands = 0
        self._card_bytes = 0
        self._broken = False  # after an invalid CBW both pipes stall until reset (6.6.1)

    def set_faults(self, faults: UsbFaults) -> None:
        """From now on these; what they count begins at 0."""
        self._faults = faults
        self._commands = self._card_bytes = 0

    @property
    def _silent(self) -> bool:
        limit = self._faults.silent_after_commands
        return limit is not None and self._commands > limit

    # --- control ---

    def _descriptor(self, kind: int, number: int) -> bytes:
        later = self._faults.configuration_later_hex
        if later is not None and self.configured and kind == Kind.CONFIGURATION:
            return bytes.fromhex(later)
        return super()._descriptor(kind, number)

    def control(self, setup: Setup, data: Buffer) -> bytes | None:
        return None if self._silent else super().control(setup, data)

    def class_request(self, setup: Setup, data: Buffer) -> bytes | None:
        if (setup.request_type, setup.request) == (0x21, bot.RESET):
            self._running, self._broken = None, False
            self._partial.clear()
            return b""
        if (setup.request_type, setup.request) == (0xA1, bot.GET_MAX_LUN):
            return b"\0"
        raise Stall

    def reset(self) -> None:
        super().reset()
        self._running, self._broken = None, False
        self._partial.clear()

    def halt_cleared(self, endpoint: int) -> None:
        if self._broken:
            self.halted.update((OUT, IN))

    # --- the pipes ---

    def bulk_out(self, endpoint: int, data: Buffer) -> float | None:
        if self._silent:
            return None
        self._check(endpoint, OUT)
        if self._running is None:
            self._begin(data)
            return None if self._silent else 0.0
        if self._running.out is None:
            raise self._halt(OUT)
        self._take(self._running, self._running.out, data)
        return self._seconds(len(data)) if self._running.card else 0.0

    def bulk_in(self, endpoint: int, size: int) -> Reply | None:
        if self._silent:
            return None
        self._check(endpoint, IN)
        run = self._running
        if run is None or (run.out is not None and run.taken < run.out.size):
            return None
        if len(run.data):
            return self._send(run, size)
        if run.owes_end:
            run.owes_end = False
            return Reply(b"")
        return self._end(run)

    def _check(self, endpoint: int, known: int) -> None:
        if self._broken or endpoint != known or endpoint in self.halted:
            raise Stall

    def _halt(self, endpoint: int) -> Stall:
        self.halted.add(endpoint)
        return Stall()

    # --- command phase ---

    def _begin(self, data: Buffer) -> None:
        try:
            wrapper = bot.decode_command(bytes(data[: bot.CBW_SIZE + 1]))
        except WireError as exc:
            self._broken = True
            self.halted.update((OUT, IN))
            raise Stall from exc
        self._commands += 1
        if self._silent:
            self._fired("silent_after_commands")
            return
        run = _Running(tag=wrapper.tag, expected=wrapper.length, inbound=wrapper.inbound)
        self._running = run
        try:
            answer = self._target.execute(wrapper.command)
        except CheckConditionError:
            self._refuse(run)
            return
        if isinstance(answer, DataIn):
            self._begin_in(run, answer)
        elif isinstance(answer, DataOut):
            self._begin_out(run, answer)
        else:
            run.then = answer.then if isinstance(answer, NoData) else None
            if run.expected:
                self._stall_data(run)

    def _begin_in(self, run: _Running, answer: DataIn) -> None:
        if run.expected and not run.inbound:
            run.status = bot.Status.PHASE_ERROR
            self._stall_data(run)
            return
        every = self._faults.stall_every
        if every and self._commands % every == 0:
            self._fail_late(_ABORTED)
            self._refuse(run)
            return
        surplus = bytes(self._faults.surplus_bytes)
        allowed = memoryview(answer.data)[: run.expected]
        run.data = memoryview(bytes(allowed) + surplus) if surplus else allowed
        run.owes_end = len(allowed) < run.expected
        run.late, run.card = answer.sense, answer.card
        if run.late is not None:
            run.status = bot.Status.FAILED

    def _begin_out(self, run: _Running, answer: DataOut) -> None:
        if run.inbound or run.expected < answer.size:
            run.status = bot.Status.PHASE_ERROR
            self._stall_data(run)
            return
        run.out, run.card = answer, answer.card

    def _refuse(self, run: _Running) -> None:
        run.status = bot.Status.FAILED
        if run.expected:
            self._stall_data(run)

    def _stall_data(self, run: _Running) -> None:
        self.halted.add(IN if run.inbound else OUT)

    # --- data phase ---

    def _send(self, run: _Running, size: int) -> Reply:
        over = self._faults.surplus_bytes
        piece = run.data[: size + over]
        end = self._end_of_plug(len(piece)) if run.card else None
        if end is not None:
            piece = piece[: end.limit - self._card_bytes]
            self._fired(end.fault)
        run.data = run.data[len(piece) :]
        run.sent += len(piece)
        if len(piece) < size:
            run.owes_end = False  # a short packet ends the phase
        if run.card:
            self._card_bytes += len(piece)
        seconds = self._seconds(len(piece)) if run.card else 0.0
        return Reply(piece, seconds, end is not None, end.then if end else None)

    def _end_of_plug(self, size: int) -> "_End | None":
        """Whether the plug goes within the next ``size`` bytes from the card."""
        faults, reach = self._faults, self._card_bytes + size
        if faults.pull_after_bytes is not None and reach >= faults.pull_after_bytes:
            return _End("pull_after_bytes", faults.pull_after_bytes)
        if faults.drop_after_bytes is not None and reach >= faults.drop_after_bytes:
            back_s = faults.back_s
            return _End("drop_after_bytes", faults.drop_after_bytes, lambda: self._leave(back_s))
        return None

    def _take(self, run: _Running, out: DataOut, data: Buffer) -> None:
        if run.taken + len(self._partial) + len(data) > out.size:
            run.status = bot.Status.PHASE_ERROR
            raise self._halt(OUT)
        if self._partial or len(data) % out.unit:
            self._partial += data
            whole = len(self._partial) - len(self._partial) % out.unit
            data = bytes(self._partial[:whole])
            del self._partial[:whole]
        try:
            if len(data):
                out.sink(run.taken, data)
        except CheckConditionError as exc:
            self._fail_late(exc.sense)
            run.status, run.out = bot.Status.FAILED, None
            raise self._halt(OUT) from exc
        except Gone:
            self._fired("cut_after_writes")
            raise
        run.taken += len(data)

    def _seconds(self, size: int) -> float:
        rate = self._faults.bytes_per_s
        return size / rate if rate else 0.0

    def _fail_late(self, sense: Sense) -> None:
        if isinstance(self._target, ScsiDisk):
            self._target.failed_late(sense)

    # --- status phase ---

    def _end(self, run: _Running) -> Reply:
        if run.late is not None:
            self._fail_late(run.late)
        self._running = None
        self._partial.clear()
        moved = min(run.sent, run.expected) + run.taken
        good = bot.StatusWrapper(tag=run.tag, residue=run.expected - moved, status=run.status)
        return Reply(self._wrapped(good), then=run.then)

    def _wrapped(self, good: bot.StatusWrapper) -> bytes:
        match self._faults.status_wrapper:
            case "good":
                return good.encode()
            case "wrong-tag":
                wrong = (good.tag + 1) & 0xFFFF_FFFF
                return bot.StatusWrapper(tag=wrong, residue=good.residue, status=good.status).encode()
            case "phase-error":
                status = bot.Status.PHASE_ERROR
                return bot.StatusWrapper(tag=good.tag, residue=good.residue, status=status).encode()
            case "short":
                return good.encode()[:-1]
            case "garbage":
                return bytes(reversed(good.encode()))
