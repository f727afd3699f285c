"""Byte links and block devices: what a driver stands on. Simulators implement them too."""

from typing import Protocol

from edged.errors import CameraError


class StallError(CameraError):
    """An endpoint refused to go on (EPIPE); ``clear_halt`` opens it again."""


class ByteLink(Protocol):
    """An open byte stream to a device: a serial port, or a simulator's end of a pipe."""

    async def read(self) -> bytes:
        """Return the next bytes, at least one.

        Raises:
            LinkGoneError: the device is no longer there. Every later call raises it too.
        """
        ...

    async def write(self, data: bytes) -> None:
        """Hand ``data`` to the device, within a deadline of the adapter's own.

        Raises:
            LinkGoneError: as ``read``, or the device does not take the bytes.
        """
        ...

    async def close(self) -> None: ...


class BlockDevice(Protocol):
    """A disk by sectors, blocking. One thread at a time."""

    @property
    def sector_size(self) -> int:
        """Bytes; 512 or 4096."""
        ...

    @property
    def sectors(self) -> int: ...

    def read(self, lba: int, count: int) -> bytes:
        """Return ``count`` sectors.

        Raises:
            CameraError: CAMERA_MEDIA for an unreadable sector, CAMERA_LOST when it is gone,
                CAMERA_SILENT past the deadline.
        """
        ...

    def write(self, lba: int, data: bytes) -> None:
        """Write whole sectors. Raises as ``read``."""
        ...

    def sync(self) -> None:
        """Make written sectors durable on the medium (SYNCHRONIZE CACHE)."""
        ...


class BulkDevice(Protocol):
    """One claimed USB interface with a bulk endpoint each way, blocking."""

    def write(self, data: bytes, timeout_s: float) -> None:
        """Raises CameraError: CAMERA_LOST, CAMERA_SILENT, or StallError."""
        ...

    def read(self, size: int, timeout_s: float) -> bytes:
        """Return at most ``size`` bytes, fewer after a short packet. Raises as ``write``."""
        ...

    def clear_halt(self, *, inbound: bool) -> None: ...

    def control(self, request_type: int, request: int, value: int, index: int, data: bytes | int) -> bytes:
        """A control transfer; ``data`` is what to send, or how many bytes to ask for."""
        ...

    def close(self) -> None: ...
