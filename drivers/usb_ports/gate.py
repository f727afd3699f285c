"""Opens and closes a port through sysfs.

The kernel is told (by udev, before anything of ours runs: `rules`) to leave every device and interface of the dock's
controllers unauthorised. To open a port is to authorise the device in it and its one interface, without a probe: no
driver of the kernel binds, and user space may claim it. Verified on kernel 6.1.

Source: Documentation/usb/authorization.rst of the kernel.
"""

import errno
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from drivers.cameras.identity import judge
from drivers.usb_ports.id_path import IdPath
from edged.errors import CameraError, EdgeError, ErrorCode

DESCRIPTORS_LIMIT = 64 * 1024  # bytes; more is cut, and then refused
OFF_S = 2.0  # without power: a camera's electronics forget
Pause = Callable[[float], None]

_ROOT_HUB = re.compile(r"usb[0-9]{1,3}")
_LEFT = frozenset({errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ENOTDIR})


class Gate:
    """Blocking; each call is a few writes to sysfs.

    Every method raises EdgeError BAD_REQUEST for a slot that is not on the map, PORT_FAULT for what the kernel refuses.

    Args:
        slots: the only ports that are ever touched.
    """

    def __init__(self, slots: Mapping[int, IdPath], pause: Pause, sysfs: Path = Path("/sys")) -> None:
        self._slots, self._pause, self._sysfs = slots, pause, sysfs

    def open(self, slot: int) -> str:
        """Return the SHA-256 of the admitted device's descriptors. Where it fails the port is shut.

        Raises:
            CameraError: CAMERA_LOST, nothing is there (any more); CAMERA_FORBIDDEN_INTERFACE, it is no camera.
        """
        device = self._device(slot)
        with _told(slot):
            try:
                return self._open(device)
            except BaseException:
                _shut(device)
                raise

    def close(self, slot: int) -> None:
        with _told(slot):
            for device in self._devices(slot):
                _shut(device)

    def rest(self, slot: int) -> None:
        """Take the interface from whoever has it, and leave the device as it is: its charging goes on.

        Between two conversations the kernel would give it to any driver whose module is loaded just then.
        """
        with _told(slot):
            for device in self._devices(slot):
                for interface in device.glob(f"{device.name}:*"):
                    _write(interface / "authorized", "0")

    def close_all(self) -> None:
        """Shut every port that can be shut; then raise what the first failed with."""
        failed = [error for slot in self._slots if (error := self._failure(slot)) is not None]
        if failed:
            raise failed[0]

    def _failure(self, slot: int) -> EdgeError | None:
        try:
            self.close(slot)
        except EdgeError as error:
            return error
        return None

    def cycle(self, slot: int) -> None:
        """Take the power from the port for OFF_S. EdgeError PORT_FAULT also where its hub cannot switch it."""
        with _told(slot):
            switches = [switch for switch in self._switches(slot) if switch.exists()]
            if not switches:
                raise EdgeError(ErrorCode.PORT_FAULT, slot=slot, reason="its hub cannot switch the port")
            for switch in switches:
                switch.write_text("1")
            self._pause(OFF_S)
            for switch in switches:
                switch.write_text("0")

    # --- sysfs -------------------------------------------------------------------------------------

    def _open(self, device: Path) -> str:
        claims = judge(_descriptors(device), device.name)
        (device / "authorized").write_text("1")
        interface = device / f"{device.name}:{claims.configuration}.{claims.interface}"
        (interface / "authorized").write_text("1")
        _take_from_the_kernel(interface)
        if judge(_descriptors(device), device.name) != claims:
            raise CameraError(ErrorCode.CAMERA_FORBIDDEN_INTERFACE, reason="its descriptors changed")
        return claims.descriptor_sha256

    def _port(self, slot: int) -> IdPath:
        if slot not in self._slots:
            raise EdgeError(ErrorCode.BAD_REQUEST, slot=slot, reason="no such slot")
        return self._slots[slot]

    def _hubs(self, slot: int) -> list[tuple[Path, str]]:
        """The root hubs of the slot's controller, one a bus, of which a USB 3 controller has two; and the port's
        chain of numbers below each."""
        port = self._port(slot)
        controller = self._sysfs / "bus" / port.bus / "devices" / port.controller
        # A platform controller has a child that has them.
        near = [*controller.glob("usb*"), *controller.glob("*/usb*")]
        found = [path for path in near if _ROOT_HUB.fullmatch(path.name)]
        return [(hub, port.chain) for hub in sorted(found)]

    def _devices(self, slot: int) -> list[Path]:
        found = [_below(hub, chain) for hub, chain in self._hubs(slot)]
        return [device for device in found if (device / "descriptors").exists()]

    def _device(self, slot: int) -> Path:
        found = self._devices(slot)
        if len(found) != 1:
            reason = "two devices at one port" if found else "nothing is plugged in"
            raise CameraError(ErrorCode.CAMERA_LOST, slot=slot, reason=reason)
        return found[0]

    def _switches(self, slot: int) -> list[Path]:
        """The hubs' own switch of the port, one a bus (ABI/testing/sysfs-bus-usb: ``<hub port>/disable``)."""
        found = []
        for root, chain in self._hubs(slot):
            above, _, number = chain.rpartition(".")
            hub = _below(root, above) if above else root
            interface = f"{hub.name}:1.0" if above else f"{root.name[3:]}-0:1.0"
            found.append(hub / interface / f"{hub.name}-port{number}" / "disable")
        return found


def _below(root: Path, chain: str) -> Path:
    """usb1, "1.3" → usb1/1-1/1-1.3"""
    bus, ports = root.name.removeprefix("usb"), chain.split(".")
    return root.joinpath(*(f"{bus}-{'.'.join(ports[: depth + 1])}" for depth in range(len(ports))))


def _descriptors(device: Path) -> bytes:
    with (device / "descriptors").open("rb") as file:
        return file.read(DESCRIPTORS_LIMIT)


def _shut(device: Path) -> None:
    _write(device / "authorized", "0")


def _take_from_the_kernel(interface: Path) -> None:
    """A driver whose module came while the interface was open has it: it is nobody's but the worker's (usbfs)."""
    driver = interface / "driver"
    if driver.exists() and driver.resolve().name != "usbfs":
        _write(driver / "unbind", interface.name)


def _write(attribute: Path, text: str) -> None:
    """Without a word if the device has left."""
    try:
        attribute.write_text(text)
    except OSError as exc:
        if exc.errno not in _LEFT:
            raise


@contextmanager
def _told(slot: int) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        if exc.errno in _LEFT:
            raise CameraError(ErrorCode.CAMERA_LOST, slot=slot, reason=reason) from exc
        raise EdgeError(ErrorCode.PORT_FAULT, slot=slot, reason=reason) from exc
