"""Hotplug by udev: with a scripted libudev, and with messages forged into a real netlink socket."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pyudev

from drivers import hotplug_udev
from drivers.hotplug import HotplugEvent, UsbArrived, UsbLeft
from drivers.hotplug_udev import UdevHotplug
from tests.patience import PATIENCE_S

ROOT = Path(__file__).parents[2]


def device(name: str, number: int, action: str = "") -> Any:
    told = {"BUSNUM": "001", "DEVNUM": f"{number:03}", "USEC_INITIALIZED": "7"}
    return SimpleNamespace(sys_name=name, action=action, properties=told)


@dataclass
class Udev:
    """pyudev.Context and pyudev.Monitor in one, as far as they are used."""

    present: list[Any] = field(default_factory=list)
    messages: list[Any] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    ends: tuple[int, int] = field(default_factory=os.pipe)
    broken: bool = False

    def list_devices(self, **_: str) -> list[Any]:
        self.order.append("list")
        return list(self.present)

    def filter_by(self, *_: str) -> None:
        self.order.append("filter")

    def start(self) -> None:
        self.order.append("start")

    def fileno(self) -> int:
        return self.ends[0]

    def poll(self, timeout: float) -> Any:
        if self.broken:
            self.broken = False
            os.read(self.ends[0], 1)
            raise OSError(105, "No buffer space available")
        if not self.messages:
            return None
        os.read(self.ends[0], 1)
        return self.messages.pop(0)

    def say(self, *messages: Any) -> None:
        self.messages += messages
        os.write(self.ends[1], b"x" * max(1, len(messages)))


@pytest.fixture
async def scripted(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Udev, UdevHotplug]]:
    udev = Udev()
    monkeypatch.setattr(pyudev.Monitor, "from_netlink", lambda *_, **__: udev)
    hotplug = UdevHotplug(context=udev)
    yield udev, hotplug
    await hotplug.close()
    for end in udev.ends:
        os.close(end)


async def told(hotplug: UdevHotplug) -> HotplugEvent:
    async with asyncio.timeout(PATIENCE_S):
        return await hotplug.next()


async def test_the_monitor_listens_before_the_list_is_read(scripted: tuple[Udev, UdevHotplug]) -> None:
    udev, hotplug = scripted
    udev.present = [device("usb1", 1), device("1-1", 2), device("1-1.2", 5)]
    assert await told(hotplug) == UsbArrived("1-1", "001/002/7")
    assert await told(hotplug) == UsbArrived("1-1.2", "001/005/7")
    assert udev.order == ["filter", "start", "list"]


async def test_messages_become_events_and_interfaces_do_not(scripted: tuple[Udev, UdevHotplug]) -> None:
    udev, hotplug = scripted
    udev.present = [device("1-1.2", 5)]
    await told(hotplug)
    udev.say(device("1-1.2:1.0", 5, "add"), device("1-1.2", 5, "bind"), device("1-1.3", 6, "add"))
    assert await told(hotplug) == UsbArrived("1-1.3", "001/006/7")
    udev.say(device("1-1.2", 5, "remove"))
    assert await told(hotplug) == UsbLeft("1-1.2", "001/005/7")


@pytest.mark.fault(
    "U05", "A swap that udev reports in one go is a departure and an arrival of another connection."
)
async def test_a_quick_swap_is_seen(scripted: tuple[Udev, UdevHotplug]) -> None:
    udev, hotplug = scripted
    udev.present = [device("1-1.2", 5)]
    await told(hotplug)
    udev.say(device("1-1.2", 5, "remove"), device("1-1.2", 6, "add"))
    assert [await told(hotplug), await told(hotplug)] == [
        UsbLeft("1-1.2", "001/005/7"),
        UsbArrived("1-1.2", "001/006/7"),
    ]


async def test_after_an_overflow_the_list_is_the_truth(scripted: tuple[Udev, UdevHotplug]) -> None:
    udev, hotplug = scripted
    udev.present = [device("1-1.2", 5)]
    await told(hotplug)
    udev.present = [device("1-1.4", 9)]
    udev.broken = True
    udev.say()
    assert [await told(hotplug), await told(hotplug)] == [
        UsbLeft("1-1.2", "001/005/7"),
        UsbArrived("1-1.4", "001/009/7"),
    ]


async def test_a_lost_message_is_made_good_by_the_next_list(
    scripted: tuple[Udev, UdevHotplug], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hotplug_udev, "RELIST_S", 0.01)
    udev, hotplug = scripted
    udev.present = [device("1-1.2", 5)]
    await told(hotplug)
    udev.present = []
    assert await told(hotplug) == UsbLeft("1-1.2", "001/005/7")


FORGE = """
import asyncio, socket, struct
from drivers.hotplug_udev import UdevHotplug

def murmur2(data):
    m, h, i, n = 0x5bd1e995, len(data), 0, len(data)
    while n >= 4:
        k = struct.unpack_from("<I", data, i)[0] * m & 0xffffffff
        k = (k ^ k >> 24) * m & 0xffffffff
        h = (h * m & 0xffffffff) ^ k
        i, n = i + 4, n - 4
    if n >= 3: h ^= data[i + 2] << 16
    if n >= 2: h ^= data[i + 1] << 8
    if n >= 1: h = (h ^ data[i]) * m & 0xffffffff
    h = (h ^ h >> 13) * m & 0xffffffff
    return h ^ h >> 15

def send(**properties):
    body = b"".join(f"{k}={v}".encode() + b"\\0" for k, v in properties.items())
    hashes = socket.htonl(murmur2(b"usb")), socket.htonl(murmur2(b"usb_device"))
    head = struct.pack("=8sIIIIIIII", b"libudev\\0", socket.htonl(0xfeedcafe), 40, 40, len(body), *hashes, 0, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15) as sock:
        sock.bind((0, 0))
        sock.sendto(head + body, (0, 2))

async def main():
    hotplug = UdevHotplug()
    waiting = asyncio.create_task(hotplug.next())
    await asyncio.sleep(0)  # it listens now
    camera = dict(DEVPATH="/devices/pci0/usb9/9-1/9-1.4", SUBSYSTEM="usb", DEVTYPE="usb_device")
    camera |= dict(BUSNUM="009", DEVNUM="007")
    send(ACTION="add", SEQNUM=9001, **camera)
    async with asyncio.timeout(30):
        print(await waiting)
        send(ACTION="remove", SEQNUM=9002, **camera)
        print(await hotplug.next())
    await hotplug.close()

asyncio.run(main())
"""


@pytest.mark.slow
def test_a_real_monitor_reports_a_forged_camera() -> None:
    """In a network namespace of its own, so that nobody else on the machine sees the messages."""
    alone = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
    done = subprocess.run(
        [*alone, sys.executable, "-c", FORGE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "UsbArrived(port='9-1.4', connection='009/007/')",
        "UsbLeft(port='9-1.4', connection='009/007/')",
    ]
