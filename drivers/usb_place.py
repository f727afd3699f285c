"""Where a device node stands on the bus: ``/dev/edged/slot-3`` → port ``1-1.3``, and which plug-in of it that is."""

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from edged.errors import CameraError, ErrorCode

PORT = re.compile(r"[0-9]{1,3}-[0-9]{1,3}(\.[0-9]{1,3}){0,6}")


@dataclass(frozen=True, slots=True)
class Place:
    port: str  # the kernel's name of the device: bus and chain of ports
    connection: str  # of this plug-in; the number alone is given again


def id_path_of(port: str, sysfs: Path = Path("/sys")) -> str:
    """Name a device's port as udev's path_id does: ``1-1.3`` → ``pci-0000:00:10.0-usb-0:1.3``.

    Raises:
        CameraError: CAMERA_LOST, its bus is gone, or its controller is neither PCI nor platform.
    """
    bus, _, chain = port.partition("-")
    try:
        controller = (sysfs / "bus/usb/devices" / f"usb{bus}").resolve(strict=True).parent
        subsystem = (controller / "subsystem").resolve(strict=True).name
    except OSError as exc:
        raise CameraError(ErrorCode.CAMERA_LOST, port=port, reason=exc.strerror or str(exc)) from exc
    if subsystem not in ("pci", "platform"):
        raise CameraError(ErrorCode.CAMERA_LOST, port=port, reason=f"its controller is on {subsystem}")
    return f"{subsystem}-{controller.name}-usb-0:{chain}"


def place_of(node: Path, sysfs: Path = Path("/sys")) -> Place:
    """Follow a usbfs node, or a link to one.

    Raises:
        CameraError: CAMERA_LOST, it is not there (any more), or is no USB device.
    """
    try:
        found = node.stat()
        if not stat.S_ISCHR(found.st_mode):
            raise CameraError(ErrorCode.CAMERA_LOST, path=str(node), reason="no device node")
        number = f"{os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"
        port = (sysfs / "dev" / "char" / number).resolve(strict=True).name
    except OSError as exc:
        raise CameraError(ErrorCode.CAMERA_LOST, path=str(node), reason=exc.strerror or str(exc)) from exc
    if not PORT.fullmatch(port):
        raise CameraError(ErrorCode.CAMERA_LOST, path=str(node), reason=f"{port} is no USB device")
    return Place(port, f"{number}/{found.st_ctime_ns}")
