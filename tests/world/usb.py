"""Cameras without files and without wires: cards in memory, a way to the bus, what the bus tells."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from drivers.cameras.identity import UsbIdentity, check_unchanged, inspect
from drivers.hotplug import HotplugEvent, Presence
from edged.errors import CameraLostError
from simulators.card_fat import FatCard
from simulators.card_image import CardFile, CardFilesystem, Image, Source
from simulators.usb.bus import Enumerated, UsbBus
from simulators.usb.direct import DirectDevice
from tests.drivers.usb_world import card

VOLUME_ID = slice(39, 43)  # in the boot sector of a FAT16 card


class MemoryImage(Image):
    """An image that is no file."""

    def __init__(self, image: bytearray) -> None:
        super().__init__(-1)
        self._bytes = image

    def read(self, offset: int, size: int) -> bytes:
        return bytes(self._bytes[offset : offset + size])

    def write(self, offset: int, data: bytes) -> None:
        self._bytes[offset : offset + len(data)] = data


class MemoryCard:
    """A card as `simulators.cards.Card`, but in memory: FAT16 of 12 MB if no image is given."""

    def __init__(self, image: bytearray | None = None) -> None:
        self.image = card({}) if image is None else image

    def replace(self) -> None:
        """Empty, and with another volume serial number."""
        serial = int.from_bytes(self.image[VOLUME_ID], "little") + 1
        self.image[:] = card({})
        self.image[VOLUME_ID] = serial.to_bytes(4, "little")

    def volume(self) -> CardFilesystem:
        """The file system as it is now."""
        return FatCard(MemoryImage(self.image))

    def add(self, path: str, content: bytes, mtime: datetime) -> None:
        self.volume().add(path.strip("/").split("/"), Source(content), mtime, scatter=False)

    def files(self) -> list[CardFile]:
        image = MemoryImage(self.image)
        found = [CardFile(s.path, s.size, image.digest(s), s.mtime) for s in self.volume().walk()]
        return sorted(found, key=lambda file: file.path)

    def names(self) -> list[str]:
        """Their paths only; cheap."""
        return sorted(stored.path for stored in self.volume().walk())

    def identities(self) -> set[tuple[str, int, str]]:
        """Path, size and time (to the second, ISO 8601) of each; cheap."""
        return {
            (stored.path, stored.size, stored.mtime.isoformat(timespec="seconds"))
            for stored in self.volume().walk()
        }

    def sector_of(self, content_start: bytes) -> int:
        """The sector where these bytes begin."""
        return self.image.index(content_start) // 512


class Ghost:
    """The host that talks: whether it is still alive (a dead one's devices answer nothing), and the time that a
    device took and nobody has waited for yet."""

    def __init__(self) -> None:
        self.dead = False
        self._owed_s = 0.0

    def owe(self, seconds: float) -> None:
        self._owed_s += seconds

    async def pause(self) -> None:
        owed_s, self._owed_s = self._owed_s, 0.0
        await asyncio.sleep(owed_s)


@dataclass(slots=True)
class Connection:
    """See `drivers.cameras.detect.Connection`."""

    identity: UsbIdentity
    device: "HostedDevice"

    def check_unchanged(self) -> None:
        check_unchanged(self.device, self.identity)

    def close(self) -> None:
        pass


class HostedDevice(DirectDevice):
    """A device as one host sees it; after that host's death nothing reaches the camera any more."""

    def __init__(self, bus: UsbBus, port: str, host: Ghost) -> None:
        self._host = host
        if host.dead:
            raise CameraLostError(port=port)
        super().__init__(bus, port)

    def _here(self) -> None:
        if self._host.dead:
            raise CameraLostError(reason="the host is off")
        super()._here()

    def _wait(self, seconds: float | None, timeout_s: float) -> None:
        self._host.owe(timeout_s if seconds is None or seconds > timeout_s else seconds)
        super()._wait(seconds, timeout_s)


def connector(bus: UsbBus, host: Ghost) -> Callable[[str], Callable[[], Connection]]:
    """For a port, what opens the device that is there then."""

    def at(port: str) -> Callable[[], Connection]:
        def connect() -> Connection:
            device = HostedDevice(bus, port, host)
            return Connection(inspect(device, port), device)

        return connect

    return at


class BusHotplug:
    """`drivers.hotplug.Hotplug` fed by the simulated bus."""

    def __init__(self, bus: UsbBus) -> None:
        self._bus, self._presence, self._changed = bus, Presence(), asyncio.Event()
        for what in bus.listen(self._heard):
            self._heard("add", what)

    async def next(self) -> HotplugEvent:
        while (event := self._presence.take()) is None:
            self._changed.clear()
            await self._changed.wait()
        return event

    async def close(self) -> None:
        self._bus.forget(self._heard)

    def _heard(self, event: str, what: Enumerated) -> None:
        if event == "add":
            self._presence.arrived(what.port, str(what.devnum))
        else:
            self._presence.left(what.port, str(what.devnum))
        self._changed.set()
