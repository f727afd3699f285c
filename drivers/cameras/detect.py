"""Which camera is it? The one place that knows all families."""

from typing import Protocol

from drivers.base import BulkDevice
from drivers.bulk_only import BulkOnly
from drivers.cameras.base import Camera
from drivers.cameras.gat947 import GatCommand, GatDisk, recognise
from drivers.cameras.identity import UsbIdentity
from drivers.cameras.msc import MscCamera
from drivers.mass_storage import Pause


class Connection(Protocol):
    """One admitted and claimed device: drivers.usb.UsbConnection, or a simulated one."""

    @property
    def identity(self) -> UsbIdentity: ...

    @property
    def device(self) -> BulkDevice: ...

    def check_unchanged(self) -> None:
        """Raises CameraError: see drivers.cameras.identity.check_unchanged."""
        ...

    def close(self) -> None: ...


def detect(connection: Connection, password: str, pause: Pause) -> Camera:
    """Ask the device what it is. Raises CameraError."""
    transport = BulkOnly(connection.device, connection.identity.interface)
    mode = recognise(transport)
    if mode == "command":
        return GatCommand(transport, connection.identity, pause, password)
    if mode == "disk":
        return GatDisk(transport, connection.identity, pause)
    return MscCamera(transport, connection.identity, pause)
