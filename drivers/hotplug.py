"""What comes and goes on the USB ports, as the core sees it.

A port is a path ("1-1.2"), a connection is one plug-in of it: a device that was swapped within a
moment is another connection on the same port, and a conversation belongs to one connection only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias


@dataclass(frozen=True, slots=True)
class UsbArrived:
    port: str
    connection: str  # tells two plug-ins on one port apart; not a number to open anything by


@dataclass(frozen=True, slots=True)
class UsbLeft:
    port: str
    connection: str


HotplugEvent: TypeAlias = UsbArrived | UsbLeft


class Hotplug(Protocol):
    """The bus. What is present at the start is reported first, as arrivals."""

    async def next(self) -> HotplugEvent:
        """Wait for the next change, without end. One caller at a time; may be cancelled and called again."""
        ...

    async def close(self) -> None: ...


class Presence:
    """What is plugged in, and what of it was told. Bounded by the number of ports, however fast they bounce.

    Changes between two looks melt into their result: gone and back as another connection is one
    UsbLeft and one UsbArrived; gone and back as the same is nothing.
    """

    def __init__(self) -> None:
        self._now: dict[str, str] = {}
        self._told: dict[str, str] = {}

    def replace(self, present: Mapping[str, str]) -> None:
        """A whole list: port → connection."""
        self._now = dict(present)

    def arrived(self, port: str, connection: str) -> None:
        self._now[port] = connection

    def left(self, port: str, connection: str | None = None) -> None:
        """None, or the connection that is there: a late farewell of an earlier one counts for nothing."""
        if connection is None or self._now.get(port) == connection:
            self._now.pop(port, None)

    def take(self) -> HotplugEvent | None:
        """The next thing to tell; departures first. None: all is told."""
        for port, connection in self._told.items():
            if self._now.get(port) != connection:
                del self._told[port]
                return UsbLeft(port, connection)
        for port, connection in self._now.items():
            if port not in self._told:
                self._told[port] = connection
                return UsbArrived(port, connection)
        return None
