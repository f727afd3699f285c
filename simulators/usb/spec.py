"""What a simulated camera is, as data that also travels as JSON."""

from typing import Literal

import msgspec

from simulators.faults import NO_FAULTS, UsbFaults

DEFAULT_PASSWORD = "000000"  # noqa: S105  the family's factory setting, known to everybody


class CameraSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A camera as it lies on the table. ``kind``: "gat947", "msc", or a name in hostile.DEVICES."""

    name: str
    kind: str = "gat947"
    serial: str = ""  # product serial in the identity record, at most 7 bytes
    usb_serial: str = ""  # iSerialNumber; "" : the device has none
    card: str = ""  # path of the card's image; "": no card
    vendor_id: int = 0x1209  # pid.codes' number for projects without one of their own
    product_id: int = 0x9470
    release: int = 0x0100  # bcdDevice, which makers count up with their firmware
    model: str = "HACH8"  # ID code of a GA/T camera, product name of another
    form: Literal[89, 94] = 89
    user_no: str = "000000"
    password: str = DEFAULT_PASSWORD
    battery: float = 90.0  # percent
    charge_per_s: float = 0.0  # percent; a real one takes hours
    clock_offset_s: float = 0.0  # positive: ahead of true local time
    clock_drift_ppm: float = 0.0
    clock_resolution_ms: int = 1000
    reads_clock: bool = True  # has our extension command
    reenumerate_s: float = 0.5  # between leaving the bus on SetMSDC and coming back as a disk
    faults: UsbFaults = NO_FAULTS


class CameraChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be changed while the camera exists; absent members stay as they are."""

    battery: float | msgspec.UnsetType = msgspec.UNSET
    battery_claim: int | msgspec.UnsetType | None = msgspec.UNSET  # what it tells instead; None: the truth
    charge_per_s: float | msgspec.UnsetType = msgspec.UNSET
    clock_offset_s: float | msgspec.UnsetType = msgspec.UNSET
    recording: bool | msgspec.UnsetType = msgspec.UNSET
    card: str | msgspec.UnsetType = msgspec.UNSET  # at the next plug-in; "": taken out
    password: str | msgspec.UnsetType = msgspec.UNSET
    serial: str | msgspec.UnsetType = msgspec.UNSET
    release: int | msgspec.UnsetType = msgspec.UNSET
    reenumerate_s: float | msgspec.UnsetType = msgspec.UNSET
    reads_clock: bool | msgspec.UnsetType = msgspec.UNSET
    faults: UsbFaults | msgspec.UnsetType = msgspec.UNSET
