"""What comes and goes: the table, the virtual bus's events, and udev with forged messages."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.hotplug import Hotplug, HotplugEvent, Presence, UsbArrived, UsbLeft
from drivers.hotplug_usbip import UsbipHotplug
from simulators.usb.bus import UsbBus
from simulators.usb.server import Server
from simulators.usb.spec import CameraSpec
from tests.drivers.usb_world import World, card
from tests.patience import PATIENCE_S

SPEC = CameraSpec(name="cam", kind="msc")


class Even:
    """A Random without surprises."""

    def token(self, size: int) -> bytes:
        return bytes(size)

    def uniform(self, low: float, high: float) -> float:
        return low


def drain(presence: Presence) -> list[HotplugEvent]:
    events = []
    while (event := presence.take()) is not None:
        events.append(event)
    return events


def test_what_is_there_arrives_and_what_went_leaves() -> None:
    presence = Presence()
    presence.replace({"1-1.1": "a", "1-1.2": "b"})
    assert drain(presence) == [UsbArrived("1-1.1", "a"), UsbArrived("1-1.2", "b")]
    presence.left("1-1.1")
    assert drain(presence) == [UsbLeft("1-1.1", "a")]


@pytest.mark.fault(
    "U05", "A swap on one port between two looks is a departure and an arrival of another connection."
)
def test_a_swap_is_never_one_connection() -> None:
    presence = Presence()
    presence.arrived("1-1.1", "a")
    drain(presence)
    presence.left("1-1.1")
    presence.arrived("1-1.1", "b")
    assert drain(presence) == [UsbLeft("1-1.1", "a"), UsbArrived("1-1.1", "b")]


@pytest.mark.fault("U04", "However often a contact bounces, what is told alternates, ends with the truth and is "
                   "bounded by two events a port.")  # fmt: skip
@given(st.lists(st.tuples(st.sampled_from(["1-1.1", "1-1.2"]), st.booleans(), st.booleans()), max_size=60))
def test_bounces_melt_into_their_result(moves: list[tuple[str, bool, bool]]) -> None:
    presence = Presence()
    told: dict[str, str] = {}
    truth: dict[str, str] = {}
    for number, (port, there, look) in enumerate(moves):
        if there:
            truth[port] = str(number)
            presence.arrived(port, str(number))
        else:
            truth.pop(port, None)
            presence.left(port)
        if look or number == len(moves) - 1:
            events = drain(presence)
            assert len(events) <= 4
            for event in events:
                if isinstance(event, UsbLeft):
                    assert told.pop(event.port) == event.connection
                else:
                    assert event.port not in told
                    told[event.port] = event.connection
            assert told == truth


def test_a_late_farewell_of_an_earlier_connection_counts_for_nothing() -> None:
    presence = Presence()
    presence.arrived("1-1.1", "b")
    presence.left("1-1.1", "a")
    assert drain(presence) == [UsbArrived("1-1.1", "b")]


# --- the virtual bus ---


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[tuple[UsbBus, Hotplug, Path]]:
    world = World()
    world.dock(SPEC, card({}))
    path = tmp_path / "usb.sock"
    server = Server(world.bus, path)
    hotplug = UsbipHotplug(str(path), Even())
    try:
        yield world.bus, hotplug, path
    finally:
        await hotplug.close()
        server.close()


async def told(hotplug: Hotplug) -> HotplugEvent:
    async with asyncio.timeout(PATIENCE_S):
        return await hotplug.next()


async def test_the_virtual_bus_tells_what_is_there_and_what_changes(
    watched: tuple[UsbBus, Hotplug, Path],
) -> None:
    bus, hotplug, _ = watched
    first = await told(hotplug)
    assert isinstance(first, UsbArrived)
    assert first.port == "1-1.2"
    bus.unplug("1-1.2")
    assert await told(hotplug) == UsbLeft("1-1.2", first.connection)
    bus.plug("1-1.4", "cam")
    again = await told(hotplug)
    assert isinstance(again, UsbArrived)
    assert (again.port, again.connection != first.connection) == ("1-1.4", True)


@pytest.mark.fault("U04", "Twenty pulls and plugs in a row end in one connection, the last one.")
async def test_a_bouncing_contact_settles(watched: tuple[UsbBus, Hotplug, Path]) -> None:
    bus, hotplug, _ = watched
    await told(hotplug)
    for _ in range(20):
        bus.unplug("1-1.2")
        bus.plug("1-1.2", "cam")
    last = bus.on_bus("1-1.2")
    assert last is not None
    seen: list[HotplugEvent] = []
    while not seen or seen[-1] != UsbArrived("1-1.2", str(last.devnum)):
        seen.append(await told(hotplug))
    assert [type(event) for event in seen] == [UsbLeft, UsbArrived] * (len(seen) // 2)


async def test_a_bus_that_ends_takes_everything_with_it_and_may_come_back(tmp_path: Path) -> None:
    world = World()
    world.dock(SPEC, card({}))
    server = Server(world.bus, tmp_path / "usb.sock")
    hotplug = UsbipHotplug(str(tmp_path / "usb.sock"), Even())
    try:
        assert isinstance(await told(hotplug), UsbArrived)
        server.close()
        assert isinstance(await told(hotplug), UsbLeft)
        server = Server(world.bus, tmp_path / "usb.sock")
        assert isinstance(await told(hotplug), UsbArrived)
    finally:
        await hotplug.close()
        server.close()


@pytest.mark.fault("Z01", "Lines that are no events end the connection to the bus and nothing else.")
@pytest.mark.parametrize("noise", [b"\xff\xfe\n", b"[]\n", b'{"event":1}\n', b"x" * 10_000, b"\n"])
async def test_noise_on_the_event_socket_is_survived(noise: bytes, tmp_path: Path) -> None:
    calls = 0
    ended = asyncio.Event()

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        calls += 1
        good = b'{"event":"add","port":"1-1.1","devnum":9}\n{"event":"ready"}\n'
        writer.write(noise if calls == 1 else good)
        await writer.drain()
        if calls > 1:
            await reader.read()
            ended.set()
        writer.close()

    server = await asyncio.start_unix_server(speak, tmp_path / "usb.sock.events")
    hotplug = UsbipHotplug(str(tmp_path / "usb.sock"), Even())
    try:
        assert await told(hotplug) == UsbArrived("1-1.1", "9")
    finally:
        await hotplug.close()
        async with asyncio.timeout(PATIENCE_S):
            await ended.wait()
        server.close()
