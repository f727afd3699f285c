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
