"""The world's line to the bus: one JSON object a line, one answer each (README.md)."""

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec

from simulators.usb.bus import BusError, UsbBus, check_card
from simulators.usb.camera import Camera
from simulators.usb.disk import SectorWrite
from simulators.usb.gat947 import GatCamera
from simulators.usb.spec import CameraChanges, CameraSpec

Answer = dict[str, object]
MAX_LINE = 1024 * 1024


class CameraStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A camera as the world sees it: the truth, not what it tells."""

    name: str
    kind: str
    serial: str
    port: str | None
    mode: str  # "command", "disk", "off"
    battery: float
    charging: bool
    recording: bool
    user_no: str
    clock_error_s: float
    card: str
    writes: int


class PortStatus(msgspec.Struct, frozen=True, kw_only=True):
    port: str
    powered: bool
    camera: str | None
    devnum: int | None  # None: nothing is on the bus


class BusStatus(msgspec.Struct, frozen=True, kw_only=True):
    ports: tuple[PortStatus, ...]
    cameras: tuple[CameraStatus, ...]


class Control:
    """Carries out one request at a time."""

    def __init__(self, bus: UsbBus) -> None:
        self._bus = bus
        self._ops: dict[str, Callable[..., Answer]] = {
            "add": self._add,
            "plug": self._plug,
            "unplug": self._unplug,
            "power": self._power,
            "charge": self._charge,
            "set": self._set,
            "status": self._status,
            "writes": self._writes,
        }

    def answer(self, line: bytes) -> bytes:
        """Never raises for a request, whatever it is."""
        number: object = None
        try:
            request = msgspec.json.decode(line, type=dict[str, Any])
            number = request.pop("id", None)
            result = self._op(str(request.pop("op", "")))(**request)
        except (BusError, msgspec.MsgspecError, TypeError, OSError, ValueError) as exc:
            return msgspec.json.encode({"id": number, "ok": False, "error": str(exc)})
        return msgspec.json.encode({"id": number, "ok": True, **result})

    def _op(self, name: str) -> Callable[..., Answer]:
        if name not in self._ops:
            raise BusError(f"there is no op {name!r}; there are {', '.join(self._ops)}")
        return self._ops[name]

    def _add(self, camera: object) -> Answer:
        self._bus.add(msgspec.convert(camera, CameraSpec))
        return {}

    def _plug(self, port: str, camera: str) -> Answer:
        self._bus.plug(port, camera)
        return {}

    def _unplug(self, port: str) -> Answer:
        self._bus.unplug(port)
        return {}

    def _power(self, port: str, on: bool) -> Answer:
        self._bus.power(port, on)
        return {}

    def _charge(self, port: str, on: bool) -> Answer:
        self._bus.charge(port, on)
        return {}

    def _set(self, camera: str, changes: object) -> Answer:
        wanted = msgspec.convert(changes, CameraChanges)
        if wanted.card is not msgspec.UNSET:
            check_card(wanted.card)
        self._bus.camera(camera).change(wanted)
        return {}

    def _status(self) -> Answer:
        status = BusStatus(
            ports=tuple(
                PortStatus(
                    port=port.name,
                    powered=port.powered,
                    camera=port.camera.spec.name if port.camera else None,
                    devnum=port.on_bus.devnum if port.on_bus else None,
                )
                for port in self._bus.ports.values()
            ),
            cameras=tuple(self._camera(camera) for camera in tuple(self._bus.cameras.values())),
        )
        return {"status": status}

    def _camera(self, camera: Camera) -> CameraStatus:
        port = self._bus.where(camera.spec.name)
        on_bus = port is not None and self._bus.on_bus(port) is not None
        mode = camera.shown if isinstance(camera, GatCamera) else "disk"
        return CameraStatus(
            name=camera.spec.name,
            kind=camera.spec.kind,
            serial=camera.serial,
            port=port,
            mode=mode if on_bus else "off",
            battery=round(camera.battery, 2),
            charging=camera.charging,
            recording=camera.recording,
            user_no=camera.user_no,
            clock_error_s=round(camera.clock_error_s, 3),
            card=camera.card_path,
            writes=len(camera.writes),
        )

    def _writes(self, camera: str, forget: bool = False) -> Answer:
        log = self._bus.camera(camera).writes
        sectors = [
            [entry.lba, hashlib.sha256(entry.data).hexdigest()]
            for entry in log
            if isinstance(entry, SectorWrite)
        ]
        if forget:
            log.clear()
        return {"writes": sectors}
