"""A disk behind USB bulk-only transport: SCSI commands over drivers.bulk_only, a BlockDevice out of it.

An unreadable range is tried again, then reported as CAMERA_MEDIA; who copies narrows it down to the
sector. What the device claims about its size is bounded here and believed nowhere else.
"""

from collections.abc import Callable
from dataclasses import dataclass

from drivers.bulk_only import TRIES, BulkOnly, CheckConditionError
from edged.errors import CameraError, ErrorCode
from firmware_protocol.errors import WireError
from firmware_protocol.usb import scsi

READY_TRIES = 20
READY_PAUSES_S = (0.05, 0.1, 0.2, 0.5)  # the last one repeats: about 9 s until a card has to be ready
TRANSFER = 1024 * 1024
"""Bytes of one READ or WRITE: so large that the round trip does not count, and still one URB."""
SMALL = 4096
"""Bytes. Reads up to here (directories, FAT sectors) get all tries; a larger one is soon split by its
caller, and gets one try less."""
MAX_BYTES = 2 * 1024**4  # 2 TiB: the largest card (SDXC); what a device claims beyond is not used
SECTOR_SIZES = (512, 4096)

Pause = Callable[[float], None]


_TRANSIENT = frozenset(
    {
        scsi.SenseKey.NO_SENSE,
        scsi.SenseKey.RECOVERED_ERROR,
        scsi.SenseKey.MEDIUM_ERROR,
        scsi.SenseKey.HARDWARE_ERROR,
        scsi.SenseKey.UNIT_ATTENTION,
        scsi.SenseKey.ABORTED_COMMAND,
    }
)


def _meaning(sense: scsi.Sense | None) -> tuple[ErrorCode, bool]:
    """What a refused READ or WRITE means, and whether another try may help."""
    if sense is None:
        return ErrorCode.CAMERA_MEDIA, True
    if sense.key is scsi.SenseKey.UNIT_ATTENTION and sense.code == scsi.MEDIUM_CHANGED.code:
        return ErrorCode.CAMERA_CHANGED, False  # another card in mid-work: nothing may be mixed
    if sense.key in _TRANSIENT:
        return ErrorCode.CAMERA_MEDIA, True
    if sense.key is scsi.SenseKey.NOT_READY:
        missing = sense.code == scsi.NO_MEDIUM.code
        return (ErrorCode.CAMERA_NO_CARD, False) if missing else (ErrorCode.CAMERA_SILENT, True)
    if sense.key is scsi.SenseKey.ILLEGAL_REQUEST and sense.code == scsi.LBA_OUT_OF_RANGE.code:
        return ErrorCode.CAMERA_MEDIA, False  # the device has fewer sectors than it claimed
    return ErrorCode.CAMERA_REFUSED, False


@dataclass(frozen=True, slots=True)
class _Geometry:
    sector_size: int
    sectors: int
    claimed: int


class MassStorage:
    """A BlockDevice. Made by ``open``; ends with the device."""

    def __init__(self, transport: BulkOnly, geometry: _Geometry, pause: Pause) -> None:
        self._transport = transport
        self._geometry = geometry
        self._pause = pause

    @classmethod
    def open(cls, transport: BulkOnly, pause: Pause) -> "MassStorage":
        """Wait until the disk is ready and ask for its size.

        Args:
            pause: waits the given number of seconds.

        Raises:
            CameraError: CAMERA_NO_CARD, CAMERA_SILENT (not ready in time), CAMERA_PROTOCOL (a size that
                cannot be), and as BulkOnly.command.
        """
        _wait_ready(transport, pause)
        return cls(transport, _geometry(transport), pause)

    @property
    def sector_size(self) -> int:
        return self._geometry.sector_size

    @property
    def sectors(self) -> int:
        """As claimed, but not beyond MAX_BYTES."""
        return self._geometry.sectors

    @property
    def claimed_bytes(self) -> int:
        """What the device says it holds."""
        return self._geometry.claimed * self._geometry.sector_size

    def read(self, lba: int, count: int) -> bytes:
        """See BlockDevice. CAMERA_MEDIA carries ``lba``: the first bad sector if the device named it."""
        self._check(lba, count)
        step = TRANSFER // self.sector_size
        spans = ((at, min(step, lba + count - at)) for at in range(lba, lba + count, step))
        return b"".join(self._read(at, some) for at, some in spans)

    def _read(self, lba: int, count: int) -> bytes:
        narrow = lba + count - 1 <= scsi.MAX_LBA_10
        command = scsi.Read10(lba, count) if narrow else scsi.Read16(lba, count)
        size = count * self.sector_size
        tries = TRIES if size <= SMALL else TRIES - 1
        return self._repeat(command.encode(), lba, count, tries, ask=size)

    def write(self, lba: int, data: bytes) -> None:
        """See BlockDevice."""
        if not data or len(data) % self.sector_size:
            raise ValueError(f"{len(data)} bytes are no whole sectors")
        self._check(lba, len(data) // self.sector_size)
        for start in range(0, len(data), TRANSFER):
            some = data[start : start + TRANSFER]
            at, count = lba + start // self.sector_size, len(some) // self.sector_size
            narrow = at + count - 1 <= scsi.MAX_LBA_10
            command = scsi.Write10(at, count) if narrow else scsi.Write16(at, count)
            self._repeat(command.encode(), at, count, TRIES, send=some)

    def sync(self) -> None:
        """See BlockDevice. A device that does not know the command has no cache to speak of."""
        try:
            self._transport.command(scsi.SynchronizeCache10().encode())
        except CheckConditionError as exc:
            if exc.sense is None or exc.sense.key is not scsi.SenseKey.ILLEGAL_REQUEST:
                code, _ = _meaning(exc.sense)
                raise CameraError(code, during="sync", **exc.detail) from exc

    def _repeat(
        self, cdb: bytes, lba: int, count: int, tries: int, *, ask: int = 0, send: bytes = b""
    ) -> bytes:
        for attempt in range(tries):
            if attempt:
                self._pause(READY_PAUSES_S[min(attempt - 1, len(READY_PAUSES_S) - 1)])
            try:
                data = self._transport.command(cdb, ask=ask, send=send)
            except CheckConditionError as exc:
                code, transient = _meaning(exc.sense)
                error = CameraError(code, lba=_named(exc.sense, lba, count), count=count, **exc.detail)
                if not transient or attempt == tries - 1:
                    raise error from exc
            else:
                if len(data) == ask:
                    return data
        raise CameraError(ErrorCode.CAMERA_MEDIA, lba=lba, count=count, reason="fewer bytes than asked for")

    def _check(self, lba: int, count: int) -> None:
        if lba < 0 or count <= 0:
            raise ValueError(f"{count} sectors from {lba}")
        if lba + count > self.sectors:
            raise CameraError(
                ErrorCode.CAMERA_MEDIA, lba=lba, count=count, reason=f"beyond the {self.sectors} sectors"
            )


def _named(sense: scsi.Sense | None, lba: int, count: int) -> int:
    """The sector that the device names, if it is one of those that were asked for."""
    named = sense.information if sense else None
    return named if named is not None and lba <= named < lba + count else lba


def _wait_ready(transport: BulkOnly, pause: Pause) -> None:
    for attempt in range(READY_TRIES):
        try:
            transport.command(scsi.TestUnitReady().encode())
        except CheckConditionError as exc:
            if exc.sense and exc.sense.key is scsi.SenseKey.NOT_READY and exc.sense.code == 0x3A:
                raise CameraError(ErrorCode.CAMERA_NO_CARD, **exc.detail) from exc
            # UNIT ATTENTION is how every device begins; NOT READY 04 passes by itself.
            if attempt == READY_TRIES - 1:
                raise CameraError(ErrorCode.CAMERA_SILENT, tries=READY_TRIES, **exc.detail) from exc
            pause(READY_PAUSES_S[min(attempt, len(READY_PAUSES_S) - 1)])
        else:
            return


def _geometry(transport: BulkOnly) -> _Geometry:
    try:
        ten = transport.command(scsi.ReadCapacity10().encode(), ask=scsi.CAPACITY_10_SIZE)
        capacity = scsi.decode_capacity_10(ten)
        if capacity.sectors > scsi.MAX_LBA_10:
            command = scsi.ReadCapacity16()
            capacity = scsi.decode_capacity_16(transport.command(command.encode(), ask=command.allocation))
    except WireError as exc:
        raise CameraError(ErrorCode.CAMERA_PROTOCOL, command="READ CAPACITY", reason=str(exc)) from exc
    if capacity.sector_size not in SECTOR_SIZES:
        reason = f"sectors of {capacity.sector_size} bytes"
        raise CameraError(ErrorCode.CAMERA_PROTOCOL, command="READ CAPACITY", reason=reason)
    usable = min(capacity.sectors, MAX_BYTES // capacity.sector_size)
    return _Geometry(capacity.sector_size, usable, capacity.sectors)
