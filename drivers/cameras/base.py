"""What the worker may ask of a camera. One class a family; what it cannot do, its capabilities say."""

from datetime import datetime
from typing import ClassVar, Literal

from drivers.bulk_only import BulkOnly
from drivers.cameras.identity import UsbIdentity
from drivers.mass_storage import MassStorage, Pause
from drivers.worker.messages import Capabilities, ClockRead
from edged.errors import EdgeError, ErrorCode

Mode = Literal["command", "disk"]


class Camera:
    """One camera in one mode, for as long as it stays on the bus. The base class can do nothing.

    Every call may raise CameraError (lost, silent, refused, protocol); asking for what the
    capabilities do not name raises EdgeError(CONFLICT). Times are the camera's local time, no zone.
    """

    driver: ClassVar[str]
    mode: Mode
    capabilities: Capabilities = Capabilities()

    def __init__(self, transport: BulkOnly, identity: UsbIdentity, pause: Pause) -> None:
        self._transport = transport
        self._identity = identity
        self._pause = pause

    @property
    def serial(self) -> str:
        """Product serial, by the rules of ``clean_serial``; ``""``: none that is usable."""
        return self._identity.serial

    @property
    def model(self) -> str:
        return self._identity.product

    def read_clock(self) -> ClockRead:
        raise self._cannot("read its clock")

    def set_clock(self, local: datetime) -> None:
        raise self._cannot(f"be set to {local.isoformat()}")

    def read_battery(self) -> int | None:
        """0..100; None: the camera gave no usable number."""
        raise self._cannot("tell its charge")

    def assign(self, user_no: str) -> None:
        """Write the officer's number: at most 6 ASCII characters."""
        raise self._cannot(f"be assigned to {len(user_no)} characters")

    def enter_disk(self) -> None:
        """Become a disk; nothing to do for a camera that is one."""

    def disk(self) -> MassStorage:
        """Wait until its card is ready; return it."""
        raise self._cannot("show its card")

    def _cannot(self, what: str) -> EdgeError:
        reason = f"a {self.driver} camera in {self.mode} mode cannot {what}"
        return EdgeError(ErrorCode.CONFLICT, reason=reason)


class DiskCamera(Camera):
    """Any camera that is a USB disk at this moment."""

    mode: Mode = "disk"

    def disk(self) -> MassStorage:
        return MassStorage.open(self._transport, self._pause)
