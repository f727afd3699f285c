"""The bytes of one volume, read and written through the sectors of a block device."""

from collections.abc import Iterator

from drivers.base import BlockDevice
from edged.errors import CameraError, ErrorCode

TRANSFER_BYTES = 1 << 20
"""The most that one device call moves: 2048 sectors of 512 bytes."""

PATIENCE = 512
"""Failed reads that a walk spends on finding the sectors that fail; a card takes seconds for each."""


def damaged(reason: str, **facts: str | int) -> CameraError:
    """The error for a structure on the card that cannot be what it claims."""
    return CameraError(ErrorCode.CAMERA_FILESYSTEM, reason=reason, **facts)


class Region:
    """A run of sectors, addressed by byte offset from its beginning.

    Keeps nothing between calls. Offsets outside the region give CAMERA_FILESYSTEM, since only a lie on
    the card can lead there; the device's own errors pass through.
    """

    def __init__(self, device: BlockDevice, first: int = 0, sectors: int | None = None) -> None:
        if device.sector_size not in (512, 1024, 2048, 4096) or device.sectors <= 0:
            raise damaged("sector size or count of the device", sector_size=device.sector_size)
        self._device = device
        self._first = first
        self._unsynced = False
        self.patience = PATIENCE
        self.sector_size = device.sector_size
        self.size = (device.sectors - first if sectors is None else sectors) * self.sector_size
        if first < 0 or self.size <= 0 or first + self.size // self.sector_size > device.sectors:
            raise damaged("volume lies outside of the device", first=first)

    def part(self, first: int, sectors: int) -> "Region":
        """A region within this one; numbers in sectors of the device."""
        if first < 0 or sectors <= 0 or (first + sectors) * self.sector_size > self.size:
            raise damaged("partition lies outside of the device", first=first, sectors=sectors)
        return Region(self._device, self._first + first, sectors)

    def read(self, offset: int, size: int) -> bytes:
        """Return exactly ``size`` bytes."""
        self._check(offset, size)
        if size == 0:
            return b""
        low = offset // self.sector_size
        high = -(-(offset + size) // self.sector_size)
        step = TRANSFER_BYTES // self.sector_size
        pieces = [self._sectors(at, min(step, high - at)) for at in range(low, high, step)]
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        skip = offset - low * self.sector_size
        return data if skip == 0 and len(data) == size else data[skip : skip + size]

    def salvage(self, offset: int, size: int, filler: int) -> tuple[bytes, bool]:
        """As ``read``, but sectors that the medium does not give are filled; and whether all was read.

        While ``patience`` lasts the failing sectors are found one by one; then the whole piece is filled.
        """
        data = self._try(offset, size)
        if data is not None:
            return data, True
        unit, end = self.sector_size, offset + size
        parts = []
        while offset < end:
            upto = min(end, (offset // unit + 1) * unit)
            part = self._try(offset, upto - offset) if self.patience > 0 else None
            parts.append(bytes([filler]) * (upto - offset) if part is None else part)
            offset = upto
        return b"".join(parts), False

    def _try(self, offset: int, size: int) -> bytes | None:
        try:
            return self.read(offset, size)
        except CameraError as error:
            if error.code is not ErrorCode.CAMERA_MEDIA:
                raise
            self.patience -= 1
            return None

    def replace(self, offset: int, data: bytes) -> None:
        """Put ``data`` at ``offset``; only sectors that differ from what lies there are written."""
        self._check(offset, len(data))
        unit = self.sector_size
        low = offset // unit * unit
        high = -(-(offset + len(data)) // unit) * unit
        before = self.read(low, high - low)
        after = before[: offset - low] + data + before[offset - low + len(data) :]
        for first, last in _differing(before, after, unit):
            for at in range(first, last, TRANSFER_BYTES):
                piece = after[at : min(last, at + TRANSFER_BYTES)]
                self._unsynced = True
                self._device.write(self._first + (low + at) // unit, piece)

    def sync(self) -> None:
        """Make everything written so far durable; what is written later cannot overtake it."""
        if self._unsynced:
            self._device.sync()
            self._unsynced = False

    def _sectors(self, low: int, count: int) -> bytes:
        data = self._device.read(self._first + low, count)
        if len(data) != count * self.sector_size:
            raise CameraError(ErrorCode.CAMERA_PROTOCOL, reason="short read", asked=count, got=len(data))
        return data

    def _check(self, offset: int, size: int) -> None:
        if offset < 0 or size < 0 or offset + size > self.size:
            raise damaged("reference beyond the end of the volume", offset=offset, size=size)


def _differing(before: bytes, after: bytes, unit: int) -> Iterator[tuple[int, int]]:
    """Yield the runs of units in which the two differ, as byte offsets."""
    start = -1
    for at in range(0, len(before), unit):
        same = before[at : at + unit] == after[at : at + unit]
        if not same and start < 0:
            start = at
        elif same and start >= 0:
            yield start, at
            start = -1
    if start >= 0:
        yield start, len(before)
