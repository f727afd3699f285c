"""What can be wrong with a simulated device, as frozen data. The default is a device without faults.

Everything random comes from ``seed``, so that what failed once fails again.
"""

from typing import Literal

import msgspec


class UsbFaults(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Faults of a USB device and its card.

    Pulling, dropping, cutting and falling silent happen once and are over then, so that the next docking
    works; with ``repeat`` they happen at every plug-in.
    """

    seed: int = 1
    repeat: bool = False

    # the plug and the bus
    pull_after_bytes: int | None = None  # card bytes delivered to the host, then the plug is out
    drop_after_bytes: int | None = None  # the same, but the contact comes back by itself after back_s
    back_s: float = 1.0
    silent_after_commands: int | None = None  # commands answered, then nothing, not even a stall
    stall_every: int = 0  # every n-th command's data phase ends in a stall; 0: none
    bytes_per_s: int | None = None  # of card data, both ways; None: as fast as it goes
    status_wrapper: Literal["good", "wrong-tag", "garbage", "phase-error", "short"] = "good"
    surplus_bytes: int = 0  # more bytes in each data phase than the host asked for

    # what it says of itself
    serial_descriptor_hex: str | None = None  # raw string descriptor instead of the serial number's
    configuration_hex: str | None = None  # raw configuration instead of the true one
    configuration_later_hex: str | None = None  # raw configuration that it shows once it is configured
    extra_interfaces: tuple[str, ...] = ()  # names in simulators/usb/interfaces.py
    extra_as_disk: tuple[str, ...] = ()  # the same, but they show only after SetMSDC
    usb_serial_as_disk: str | None = None  # another serial number after SetMSDC

    # the card
    bad_sectors: tuple[tuple[int, int], ...] = ()  # (first, count): reading fails
    bad_write_sectors: tuple[tuple[int, int], ...] = ()  # writing fails
    unstable_sectors: tuple[tuple[int, int], ...] = ()  # one bit differs at each read after the first
    claimed_sectors: int | None = None  # what READ CAPACITY tells instead of the truth
    claimed_sector_size: int | None = None
    write_protected: bool = False
    writes_vanish: bool = False  # accepted, read back within this plug-in, gone after it
    cut_after_writes: int | None = None  # sectors stored, then power is gone
    vanish_before_status: bool = False  # leaves the bus on SetMSDC before the status was read


NO_FAULTS = UsbFaults()
