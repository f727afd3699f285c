"""Hotplug by udev: the monitor first, then the list, so that nothing falls in between.

The monitor only says that something happened where; the list is the truth, and is read again when the
monitor failed (its buffer can overflow) and every RELIST_S.
"""

import asyncio
from contextlib import suppress

import pyudev

from drivers.hotplug import HotplugEvent, Presence
from drivers.usb_place import PORT

RELIST_S = 30.0
BURST = 256  # messages taken in one go, so that a storm cannot hold the loop


class UdevHotplug:
    """Devices of the host's buses. Hubs are reported like all others; who asks knows its ports.

    Args:
        source: "udev" (what udevd has finished with), or "kernel" where there is no udevd.
    """

    def __init__(self, source: str = "udev", context: pyudev.Context | None = None) -> None:
        self._context = context or pyudev.Context()
        self._source = source
        self._presence = Presence()
        self._changed = asyncio.Event()
        self._monitor: pyudev.Monitor | None = None

    async def next(self) -> HotplugEvent:
        """See Hotplug."""
        if self._monitor is None:
            self._start()
        while (event := self._presence.take()) is None:
            self._changed.clear()
            try:
                async with asyncio.timeout(RELIST_S):
                    await self._changed.wait()
            except TimeoutError:
                self._list()
        return event

    async def close(self) -> None:
        """See Hotplug."""
        if self._monitor is not None:
            asyncio.get_running_loop().remove_reader(self._monitor.fileno())
            self._monitor = None

    def _start(self) -> None:
        monitor = pyudev.Monitor.from_netlink(self._context, source=self._source)
        monitor.filter_by("usb", "usb_device")
        monitor.start()
        self._monitor = monitor
        asyncio.get_running_loop().add_reader(monitor.fileno(), self._readable)
        self._list()

    def _list(self) -> None:
        present = {}
        for device in self._context.list_devices(subsystem="usb", DEVTYPE="usb_device"):
            with suppress(KeyError, OSError):  # it left while we looked
                if PORT.fullmatch(device.sys_name):
                    present[device.sys_name] = _connection(device)
        self._presence.replace(present)
        self._changed.set()

    def _readable(self) -> None:
        assert self._monitor is not None
        try:
            for _ in range(BURST):
                device = self._monitor.poll(timeout=0)
                if device is None:
                    break
                self._heard(device)
        except OSError:
            self._list()
        self._changed.set()

    def _heard(self, device: pyudev.Device) -> None:
        if not PORT.fullmatch(device.sys_name):
            return
        if device.action == "add":
            self._presence.arrived(device.sys_name, _connection(device))
        elif device.action == "remove":
            self._presence.left(device.sys_name)


def _connection(device: pyudev.Device) -> str:
    """The device's number on its bus, and when udev first saw it: numbers are given again."""
    told = device.properties
    names = ("BUSNUM", "DEVNUM", "USEC_INITIALIZED")
    return "/".join(told.get(name, "") for name in names)
