"""The bus: ports with power, what is plugged into them, and who hears about it.

    bus = UsbBus(time, call_later)
    bus.add(CameraSpec(name="cam-1", serial="K000001", card="/…/cam-1.img"))
    bus.plug("1-1.3", "cam-1")

Thread-safe: one lock for the bus, and one for each port, held while its device answers. A listener
is called under the bus lock, in the order of what happened, and must return at once.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from simulators.usb.camera import Camera, Time
from simulators.usb.device import UsbDevice
from simulators.usb.disk import SECTOR
from simulators.usb.gat947 import GatCamera
from simulators.usb.hostile import DEVICES, Impostor
from simulators.usb.msc import MscCamera
from simulators.usb.spec import CameraSpec

PORTS = 8
FIRST_DEVNUM, LAST_DEVNUM = 2, 127  # 1 is the hub; a USB address has 7 bits

CallLater = Callable[[float, Callable[[], None]], object]
"""Call a function after so many seconds; what it returns is not looked at."""


class BusError(ValueError):
    """The world asked for what cannot be: two cameras in one port, an unknown name."""


@dataclass(slots=True, eq=False)
class Enumerated:
    """One enumeration of a device, equal to itself only. Hold ``lock`` while the device answers."""

    port: str
    devnum: int
    device: UsbDevice
    alive: bool = True
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)


def check_card(path: str) -> None:
    """Raises BusError: a path is given and no image lies there."""
    if path and (not Path(path).is_file() or Path(path).stat().st_size < SECTOR):
        raise BusError(f"there is no card image at {path}")


class Listener(Protocol):
    """Hears what comes and goes."""

    def __call__(self, event: str, what: Enumerated, /) -> None:
        """``event`` is "add" or "remove"."""
        ...


@dataclass(slots=True)
class Port:
    name: str
    powered: bool = True
    camera: Camera | None = None
    on_bus: Enumerated | None = None
    epoch: int = 0  # of plug and power: a re-enumeration of an earlier one comes too late


class UsbBus:
    """See the module."""

    def __init__(self, time: Time, call_later: CallLater, ports: int = PORTS) -> None:
        self._time, self._call_later = time, call_later
        self._lock = threading.RLock()
        self._devnum = FIRST_DEVNUM - 1
        self._listeners: list[Listener] = []
        self.ports = {name: Port(name) for name in (f"1-1.{n}" for n in range(1, ports + 1))}
        self.cameras: dict[str, Camera] = {}

    # --- the world's side ---

    def add(self, spec: CameraSpec, card: bytearray | None = None) -> Camera:
        """Make a camera known. Raises BusError."""
        with self._lock:
            if spec.name in self.cameras:
                raise BusError(f"there is a camera {spec.name!r} already")
            check_card(spec.card)
            self.cameras[spec.name] = camera = _camera(spec, self._time, card)
            return camera

    def admit(self, device: Camera) -> None:
        """Make something known that `_camera` does not make."""
        with self._lock:
            self.cameras[device.spec.name] = device

    def camera(self, name: str) -> Camera:
        """Raises BusError."""
        try:
            return self.cameras[name]
        except KeyError:
            known = ", ".join(sorted(self.cameras)) or "none"
            raise BusError(f"there is no camera {name!r}; known: {known}") from None

    def plug(self, port: str, camera: str) -> None:
        """Raises BusError: the port is taken, the camera sits elsewhere, or one of them is unknown."""
        with self._lock:
            found, what = self._port(port), self.camera(camera)
            if found.camera is not None:
                raise BusError(f"port {port} holds {found.camera.spec.name!r}")
            if (other := self.where(camera)) is not None:
                raise BusError(f"camera {camera!r} sits in port {other}")
            found.camera = what
            found.epoch += 1
            self._attach(found)

    def unplug(self, port: str) -> None:
        """Pull what is there; nothing happens if nothing is."""
        with self._lock:
            found = self._port(port)
            found.epoch += 1
            self._detach(found)
            if found.camera is not None:
                found.camera.power_off()
                found.camera = None

    def power(self, port: str, on: bool) -> None:
        """Switch one port. What sits there enumerates anew after off and on."""
        with self._lock:
            found = self._port(port)
            if found.powered == on:
                return
            found.powered = on
            found.epoch += 1
            if on:
                self._attach(found)
            else:
                self._detach(found)
                if found.camera is not None:
                    found.camera.power_off()

    def charge(self, port: str, on: bool) -> None:
        """Let charging current through, or not; a camera without power does not charge."""
        with self._lock:
            found = self._port(port)
            if found.camera is not None:
                found.camera.charge(on and found.powered)

    def leave(self, port: str, back_s: float | None = None) -> None:
        """What is there drops off the bus by itself, and comes back after ``back_s`` seconds."""
        with self._lock:
            found = self._port(port)
            self._detach(found)
            if found.camera is not None:
                found.camera.detached()
            if back_s is not None:
                epoch = found.epoch
                self._call_later(back_s, lambda: self._come_back(found, epoch))

    def where(self, camera: str) -> str | None:
        """The port a camera sits in."""
        with self._lock:
            sits = (
                port.name for port in self.ports.values() if port.camera and port.camera.spec.name == camera
            )
            return next(sits, None)

    # --- the host's side ---

    def present(self) -> tuple[Enumerated, ...]:
        with self._lock:
            return tuple(port.on_bus for port in self.ports.values() if port.on_bus)

    def on_bus(self, port: str) -> Enumerated | None:
        with self._lock:
            found = self.ports.get(port)
            return found.on_bus if found else None

    def gone(self, what: Enumerated) -> None:
        """Its fault pulled the plug: the camera lies beside the dock, as after ``unplug``."""
        with self._lock:
            if self._port(what.port).on_bus is what:
                self.unplug(what.port)

    def listen(self, listener: Listener) -> Iterable[Enumerated]:
        """Tell ``listener`` all changes from now on; return what is there now. Nothing falls between."""
        with self._lock:
            self._listeners.append(listener)
            return self.present()

    def forget(self, listener: Listener) -> None:
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)

    # --- inside, under the lock ---

    def _port(self, name: str) -> Port:
        try:
            return self.ports[name]
        except KeyError:
            raise BusError(f"there is no port {name!r}; there are {', '.join(self.ports)}") from None

    def _attach(self, port: Port) -> None:
        if not port.powered or port.camera is None or port.on_bus is not None:
            return
        device = port.camera.power_on(lambda back_s: self.leave(port.name, back_s))
        self._devnum = FIRST_DEVNUM if self._devnum >= LAST_DEVNUM else self._devnum + 1
        port.on_bus = Enumerated(port.name, self._devnum, device)
        self._tell("add", port.on_bus)

    def _detach(self, port: Port) -> None:
        what, port.on_bus = port.on_bus, None
        if what is not None:
            what.alive = False
            self._tell("remove", what)

    def _come_back(self, port: Port, epoch: int) -> None:
        with self._lock:
            if port.epoch == epoch:
                self._attach(port)

    def _tell(self, event: str, what: Enumerated) -> None:
        for listener in tuple(self._listeners):
            listener(event, what)


def _camera(spec: CameraSpec, time: Time, card: bytearray | None) -> Camera:
    kinds: dict[str, type[Camera]] = {"gat947": GatCamera, "msc": MscCamera}
    if (kind := kinds.get(spec.kind)) is not None:
        return kind(spec, time, card)
    if spec.kind in DEVICES:
        return Impostor(spec, time, card)
    raise BusError(f"there is no kind {spec.kind!r}; there are {', '.join([*kinds, *DEVICES])}")
