"""What a simulated camera is besides its USB: battery, clock, identity record, card, faults."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import msgspec

from firmware_protocol.usb.descriptors import (
    ConfigurationDescriptor,
    DeviceDescriptor,
    InterfaceDescriptor,
    encode_languages,
    encode_string,
)
from simulators.faults import UsbFaults
from simulators.usb.device import US_ENGLISH, Identity, UsbDevice
from simulators.usb.disk import Disk, LogEntry, open_image
from simulators.usb.interfaces import INTERFACES
from simulators.usb.mass_storage import INTERFACE, MassStorage
from simulators.usb.spec import CameraChanges, CameraSpec


class Time(Protocol):
    """The world's true time. A virtual one serves as well as the host's."""

    def seconds(self) -> float:
        """Monotonic."""
        ...

    def local(self) -> datetime:
        """True local time, without zone."""
        ...


Leave = Callable[[float | None], None]
"""The device leaves the bus now and comes back after so many seconds; None: it does not."""


class Camera:
    """A camera, in the dock or out of it. Subclasses say what shows on the bus."""

    def __init__(self, spec: CameraSpec, time: Time, card: bytearray | None = None) -> None:
        """``card``: an image in memory instead of the file that the spec names."""
        self.spec = spec
        self.faults = spec.faults
        self.writes: list[LogEntry] = []
        self.recording = False
        self.battery_claim: int | None = None
        self.serial, self.user_no, self.password = spec.serial, spec.user_no, spec.password
        self.release = spec.release
        self.user_name = self.unit_no = self.unit_name = ""
        self.reads_clock, self.reenumerate_s = spec.reads_clock, spec.reenumerate_s
        self.card_path = spec.card
        self._memory = card
        self._time = time
        self._charging = False
        self._charge_per_s = spec.charge_per_s
        self._level, self._since = spec.battery, time.seconds()
        self._offset_s, self._set_at = spec.clock_offset_s, time.seconds()
        self._disk: Disk | None = None
        self._storage: MassStorage | None = None
        self.shows_a_copy = (
            False  # plugged in with writes that vanish: a change of its card is not seen meanwhile
        )

    # --- power ---

    def power_on(self, leave: Leave) -> UsbDevice:
        """It sits in a slot with power: return what shows on the bus."""
        raise NotImplementedError

    def power_off(self) -> None:
        """It was pulled, or its port lost power."""
        self.charge(False)
        self.detached()

    def detached(self) -> None:
        """It left the bus, by itself or not."""
        self._disk = self._storage = None  # the mapping ends with its last reader
        self.shows_a_copy = False

    def charge(self, on: bool) -> None:
        self._level, self._since = self.battery, self._time.seconds()
        self._charging = on

    @property
    def battery(self) -> float:
        """Percent, the truth."""
        gained = (self._time.seconds() - self._since) * self._charge_per_s if self._charging else 0.0
        return min(100.0, max(0.0, self._level + gained))

    @property
    def charging(self) -> bool:
        return self._charging and self.battery < 100.0

    # --- clock ---

    def clock(self) -> datetime:
        """What its clock shows, in full resolution."""
        since = self._time.seconds() - self._set_at
        error = self._offset_s + since * self.spec.clock_drift_ppm / 1e6
        return self._time.local() + timedelta(seconds=error)

    def set_clock(self, local: datetime) -> None:
        self._offset_s = (local - self._time.local()).total_seconds()
        self._set_at = self._time.seconds()

    @property
    def clock_error_s(self) -> float:
        return (self.clock() - self._time.local()).total_seconds()

    # --- card ---

    @property
    def has_card(self) -> bool:
        return self._memory is not None or bool(self.card_path)

    def show(self, storage: MassStorage) -> MassStorage:
        """This is on the bus now."""
        self._storage = storage
        return storage

    def insert_card(self) -> Disk | None:
        """The card, opened for this plug-in."""
        if not self.has_card:
            return None
        self.shows_a_copy = private = self.faults.writes_vanish
        if self._memory is not None:
            image = bytearray(self._memory) if private else self._memory
            self._disk = Disk(image, self.faults, self.writes)
        else:
            self._disk = Disk(open_image(Path(self.card_path), private=private), self.faults, self.writes)
        return self._disk

    # --- what the world changes ---

    def change(self, changes: CameraChanges) -> None:
        """Apply what is set, at once; a card and what the device says of itself, from the next plug-in."""
        values = {name: getattr(changes, name) for name in changes.__struct_fields__}
        given = {name: value for name, value in values.items() if value is not msgspec.UNSET}
        for name, value in given.items():
            match name:
                case "battery":
                    self._level, self._since = value, self._time.seconds()
                case "charge_per_s":
                    self._level, self._since = self.battery, self._time.seconds()
                    self._charge_per_s = value
                case "clock_offset_s":
                    self._offset_s, self._set_at = value, self._time.seconds()
                case "faults":
                    self._set_faults(value)
                case "card":
                    self.card_path = value
                case _:
                    setattr(self, name, value)

    def _set_faults(self, faults: UsbFaults) -> None:
        self.faults = faults
        if self._storage is not None:
            self._storage.set_faults(faults)
        if self._disk is not None:
            self._disk.set_faults(faults)

    def fired(self, fault: str) -> None:
        """A fault that happens once has happened."""
        if not self.faults.repeat:
            self.faults = msgspec.structs.replace(self.faults, **{fault: None})


def usb_identity(
    spec: CameraSpec, product: str, faults: UsbFaults, extra: tuple[str, ...], release: int
) -> Identity:
    """Descriptors of a camera that shows as a USB disk, with the lies of its faults."""
    interfaces: list[InterfaceDescriptor] = [INTERFACE]
    for name in extra:
        for one in INTERFACES[name]:
            interfaces.append(replace(one, number=len(interfaces)))
    configuration = ConfigurationDescriptor(interfaces=tuple(interfaces)).encode()
    if faults.configuration_hex is not None:
        configuration = bytes.fromhex(faults.configuration_hex)
    strings = {0: encode_languages(US_ENGLISH), 1: encode_string("Simulated"), 2: encode_string(product)}
    if spec.usb_serial:
        strings[3] = encode_string(spec.usb_serial)
    if faults.serial_descriptor_hex is not None:
        strings[3] = bytes.fromhex(faults.serial_descriptor_hex)
    device = DeviceDescriptor(
        vendor_id=spec.vendor_id,
        product_id=spec.product_id,
        bcd_device=release,
        manufacturer=1,
        product=2,
        serial=3 if 3 in strings else 0,
    )
    return Identity(
        device=device.encode(),
        configuration=configuration,
        strings=strings,
        interfaces=tuple(interface.triple for interface in interfaces),
    )
