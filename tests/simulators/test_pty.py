"""The unmodified driver and adapter against simulated devices on pseudo-terminals."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from drivers.dock_controller import DockController
from drivers.reader import Reader
from drivers.serial_link import SerialLink, open_serial
from edged.errors import EdgeError, ErrorCode, LinkGoneError
from firmware_protocol.dock import messages as m
from simulators.pty import PtyPort
from tests.drivers.serial_world import KEY, SeededRandom, dock, reader
from tests.patience import PATIENCE_S

A = bytes.fromhex("04a1b2c3")


async def opened(path: Path) -> SerialLink:
    """Open as the station does: until it works."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await open_serial(str(path))
            except EdgeError:
                await asyncio.sleep(0.01)


async def happened(it: DockController, kind: m.EventKind) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            event = await it.next_event()
            if isinstance(event, m.Event) and event.kind is kind:
                return


async def test_a_camera_is_given_out_over_a_pseudo_terminal(tmp_path: Path) -> None:
    sim = dock()
    path = tmp_path / "dock"
    async with PtyPort.serve(sim, path):
        sim.insert(3)
        async with DockController.open(await opened(path), key=KEY, random=SeededRandom()) as it:
            await happened(it, m.EventKind.CONTACT_MADE)
            await it.unlock(3, grant=1, open_s=5)
            assert sim.pull(3)
            await happened(it, m.EventKind.RELOCKED)
    assert not path.exists()


async def test_a_badge_is_read_over_a_pseudo_terminal(tmp_path: Path) -> None:
    sim = reader()
    path = tmp_path / "reader"
    async with (
        PtyPort.serve(sim, path),
        Reader.open(await opened(path), key=KEY, random=SeededRandom()) as it,
        asyncio.timeout(PATIENCE_S),
    ):
        sim.present(A)
        assert (await it.next_tap()).uid == A


@pytest.mark.fault(
    "D07", "behind the same path the controller is found again under a new number and proves itself"
)
async def test_a_controller_that_comes_back_under_another_number_is_known_by_its_key(tmp_path: Path) -> None:
    sim = dock(serial="D-1")
    path = tmp_path / "dock"
    async with PtyPort.serve(sim, path) as port:
        async with DockController.open(await opened(path), key=KEY, random=SeededRandom()) as it:
            first = path.readlink()
            port.unplug()
            with pytest.raises(LinkGoneError):
                await happened(it, m.EventKind.COVER_OPENED)
            other = os.openpty()  # somebody takes the old number meanwhile
            port.plug()
        async with DockController.open(await opened(path), key=KEY, random=SeededRandom(2)) as it:
            assert it.hello.serial == "D-1"
            assert path.readlink() != first
        for fd in other:
            os.close(fd)


async def test_a_host_that_goes_away_can_come_back(tmp_path: Path) -> None:
    sim = dock()
    path = tmp_path / "dock"
    async with PtyPort.serve(sim, path) as port:
        for seed in range(5):
            async with DockController.open(await opened(path), key=KEY, random=SeededRandom(seed)) as it:
                await it.status(1)
            async with asyncio.timeout(PATIENCE_S):
                while port.opened < seed + 2:  # noqa: ASYNC110  # the kernel tells the simulator
                    await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert port.opened == 6  # a port that nobody opens stays as it is


async def test_a_line_that_nobody_reads_does_not_stop_the_simulator(tmp_path: Path) -> None:
    sim = dock()
    async with PtyPort.serve(sim, tmp_path / "dock") as port:
        link = await opened(tmp_path / "dock")
        for _ in range(2000):
            sim.send(bytes(100))
        await link.close()
        assert port.opened == 1


@pytest.mark.fault("D11", "an echo on the line is no controller")
async def test_a_line_that_echoes_is_no_controller(tmp_path: Path) -> None:
    master, slave = os.openpty()
    link = await open_serial(os.ttyname(slave))
    loop = asyncio.get_running_loop()
    loop.add_reader(master, lambda: os.write(master, os.read(master, 1000)))
    with pytest.raises(EdgeError) as caught:
        async with DockController.open(link, key=KEY, random=SeededRandom(), answer_s=0.05):
            pass
    loop.remove_reader(master)
    os.close(master)
    os.close(slave)
    assert caught.value.code is ErrorCode.DOCK_SILENT


@pytest.mark.fault("D02", "garbage on the line is no controller, and the line recovers when one is there")
async def test_garbage_on_the_line_is_survived(tmp_path: Path) -> None:
    sim = dock()
    path = tmp_path / "dock"
    async with PtyPort.serve(sim, path):
        link = await opened(path)
        loop = asyncio.get_running_loop()
        garbage = SeededRandom(9)
        task = loop.create_task(_babble(sim.send, garbage))
        async with DockController.open(link, key=KEY, random=SeededRandom()) as it:
            await it.unlock(3, grant=1, open_s=1)
            assert it.rejected.total() > 0
        task.cancel()


async def _babble(send: Callable[[bytes], None], random: SeededRandom) -> None:
    while True:
        send(random.token(200))
        await asyncio.sleep(0.002)
