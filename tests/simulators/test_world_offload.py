"""The shipped drivers against the whole simulated dock: what a camera recorded comes out byte for byte."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Literal, TypeVar

import pytest

from drivers.usb import UsbConnection, open_backend, open_port
from drivers.worker import messages as w
from drivers.worker.serve import WorkerServer
from edged.errors import CameraLostError, ErrorCode
from simulators.faults import UsbFaults
from simulators.usb.spec import CameraSpec
from simulators.world import World
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.slow
A = TypeVar("A")
FILM = b"".join(n.to_bytes(8, "big") for n in range(300_000))  # 2.4 MB, no two sectors alike


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World.open(tmp_path, slots=2) as world:
        yield world
        assert world.trouble == []


class Slot:
    """A worker's conversation with slot 2, on threads as a worker process would be."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._backend = open_backend(f"usbip:{world.paths.usb}")
        self._server = WorkerServer(self._connect, "000000", lambda _: None)

    def _connect(self) -> UsbConnection:
        return open_port(self._backend, "1-1.2")

    def close(self) -> None:
        self._server.close()

    async def ask(self, request: w.Request, answer: type[A]) -> A:
        got = await asyncio.to_thread(self._server.handle, request)
        assert isinstance(got, answer), got
        return got

    async def copy(self, clip: w.Clip, offset: int = 0) -> bytes:
        return await asyncio.to_thread(lambda: b"".join(self._server.copy(w.Copy(clip=clip, offset=offset))))

    async def listed(self) -> w.ClipsListed:
        """Open what is there now, into disk mode if need be, and list it."""
        identified = await self.ask(w.Identify(), w.Identified)
        if identified.capabilities.disk_mode_switch:
            await self.ask(w.EnterDisk(), w.Done)
            await self.came_back()
            identified = await self.ask(w.Identify(), w.Identified)
        assert identified.mode == "disk"
        return await self.ask(w.ListClips(), w.ClipsListed)

    async def came_back(self) -> None:
        """Wait until the camera shows as a disk."""
        self._server.close()
        async with asyncio.timeout(PATIENCE_S):
            while (await self._world.status()).cameras[0].mode != "disk":  # noqa: ASYNC110 - watched from outside
                await asyncio.sleep(0.01)


@pytest.fixture
def open_slot(world: World) -> Iterator[Callable[[], Slot]]:
    with ExitStack() as stack:
        yield lambda: stack.enter_context(closing(Slot(world)))


@pytest.mark.parametrize("filesystem", ["fat32", "exfat"])
@pytest.mark.parametrize("kind", ["gat947", "msc"])
async def test_every_recording_comes_out_as_it_was_made_and_can_be_cleared(
    world: World, open_slot: Callable[[], Slot], kind: str, filesystem: Literal["fat32", "exfat"]
) -> None:
    spec = CameraSpec(name="cam", kind=kind, serial="K000001", usb_serial="BWC1", reenumerate_s=0.05)
    await world.add(spec, filesystem=filesystem, size_bytes=64 << 20)
    for film in (FILM, b"", b"x" * 513):
        await world.record("cam", film)
    await world.insert("cam", 2)

    slot = open_slot()
    listing = await slot.listed()
    copies = {clip.path: hashlib.sha256(await slot.copy(clip)).hexdigest() for clip in listing.clips}
    assert copies == {made.path: made.sha256 for made in world.truth()}

    cleared = await slot.ask(w.Clear(clips=listing.clips), w.Cleared)
    assert set(cleared.cleared) == set(copies)
    assert world.card("cam").files() == []
    assert len(await world.bus.writes("cam")) > 0


@pytest.mark.parametrize("form", [89, 94])
async def test_identity_clock_battery_and_officer_in_both_record_forms(
    world: World, open_slot: Callable[[], Slot], form: Literal[89, 94]
) -> None:
    spec = CameraSpec(name="cam", serial="K000001", usb_serial="BWC1", form=form, battery=12.0)
    await world.add(spec, filesystem="fat12", size_bytes=4 << 20)
    await world.insert("cam", 2)
    slot = open_slot()
    assert (await slot.ask(w.Identify(), w.Identified)).serial == "K000001"
    assert (await slot.ask(w.ReadBattery(), w.BatteryRead)).percent == 12
    await slot.ask(w.ReadClock(), w.ClockRead)
    await slot.ask(w.SetClock(local="2030-01-01T00:00:00"), w.Done)
    assert (await slot.ask(w.ReadClock(), w.ClockRead)).local.startswith("2030-01-01T00:00:0")
    await slot.ask(w.Assign(user_no="104217"), w.Done)
    assert (await world.status()).cameras[0].user_no == "104217"


async def test_a_camera_pulled_in_mid_copy_gives_the_rest_when_it_is_back(
    world: World, open_slot: Callable[[], Slot]
) -> None:
    spec = CameraSpec(name="cam", serial="K000001", usb_serial="BWC1", reenumerate_s=0.05)
    await world.add(spec, size_bytes=64 << 20)
    made = await world.record("cam", FILM)
    await world.insert("cam", 2)
    slot = open_slot()
    (clip,) = (await slot.listed()).clips

    await world.change("cam", faults=UsbFaults(pull_after_bytes=1_500_000))
    with pytest.raises(CameraLostError):
        await slot.copy(clip)
    async with asyncio.timeout(PATIENCE_S):
        while world.slot_of("cam") is not None:  # noqa: ASYNC110 - the world is watched as a person watches it
            await asyncio.sleep(0.005)

    await world.insert("cam", 2)
    slot = open_slot()
    (again,) = (await slot.listed()).clips
    assert again == clip
    rest = await slot.copy(again, 1_048_576)
    assert hashlib.sha256(FILM[:1_048_576] + rest).hexdigest() == made.sha256


async def test_a_keyboard_in_the_slot_is_not_opened(world: World, open_slot: Callable[[], Slot]) -> None:
    await world.add(CameraSpec(name="stick", kind="keyboard"))
    await world.insert("stick", 2)
    failed = await open_slot().ask(w.Identify(), w.Failed)
    assert failed.code == ErrorCode.CAMERA_FORBIDDEN_INTERFACE.number
