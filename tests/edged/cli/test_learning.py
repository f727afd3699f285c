"""Which port each slot has: learnt from one camera on its way through them."""

import asyncio

import pytest

from drivers.hotplug import HotplugEvent, UsbArrived, UsbLeft
from edged.cli import learning
from edged.cli.learning import ports_of, rows
from edged.config import load
from edged.errors import EdgeError, ErrorCode
from tests.edged.samples import CONFIG


class Bus:
    """Tells of a hub at once, and of the camera when somebody has asked for it."""

    def __init__(self, way: list[str]) -> None:
        self.said: list[str] = []
        self._events: asyncio.Queue[HotplugEvent] = asyncio.Queue()
        self._events.put_nowait(UsbArrived("1-1", "hub"))
        self._way = iter(way)
        self._port = ""

    def say(self, text: str) -> None:
        self.said.append(text)
        if text.endswith("put the camera in") and (port := next(self._way, "")):
            self._port = port
            self._events.put_nowait(UsbArrived(port, str(len(self.said))))
        if text == "take the camera out":
            self._events.put_nowait(UsbLeft("1-4", "a keyboard elsewhere"))
            self._events.put_nowait(UsbLeft(self._port, ""))

    async def next(self) -> HotplugEvent:
        return await self._events.get()

    async def close(self) -> None:
        """Nothing is held."""


def named(port: str) -> str:
    return f"pci-0000:00:10.0-usb-0:{port.partition('-')[2]}"


async def test_each_slot_gets_the_port_where_the_camera_came_up() -> None:
    bus = Bus(["1-1.3", "2-1.1"])  # the second is a USB 3 plug: another bus, the same names
    found = await ports_of(2, bus, named, bus.say, settle_s=0.01)
    assert found == {1: "pci-0000:00:10.0-usb-0:1.3", 2: "pci-0000:00:10.0-usb-0:1.1"}


async def test_the_same_slot_twice_is_asked_for_again() -> None:
    bus = Bus(["1-1.3", "2-1.3", "1-1.2"])
    found = await ports_of(2, bus, named, bus.say, settle_s=0.01)
    assert found == {1: "pci-0000:00:10.0-usb-0:1.3", 2: "pci-0000:00:10.0-usb-0:1.2"}
    assert "that is slot 1 again, not slot 2" in bus.said


async def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "STEP_S", 0.05)
    bus = Bus([])
    with pytest.raises(EdgeError) as caught:
        await ports_of(1, bus, named, bus.say, settle_s=0.01)
    assert caught.value.code is ErrorCode.NOT_FOUND


def test_what_is_printed_is_what_a_configuration_takes() -> None:
    table = rows({1: "pci-0000:00:10.0-usb-0:1.3", 2: "pci-0000:00:10.0-usb-0:1.1"})
    begin = CONFIG.index("slots = [")
    text = CONFIG[:begin] + table + CONFIG[CONFIG.index("]\n", begin) + 1 :]
    second = text[text.index('name = "B"') :].partition("[[camera]]")[0]
    text = text.replace("[[dock]]\n" + second, "").replace("[vault]", '[usb]\nbackend = "units"\n[vault]')
    config = load(text.encode(), "edged.toml")
    assert [slot.port for slot in config.dock[0].slots] == [
        "pci-0000:00:10.0-usb-0:1.3",
        "pci-0000:00:10.0-usb-0:1.1",
    ]
