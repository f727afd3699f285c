"""Offloads as the core has them made, with a camera in memory: one, several, or as a load beside something else."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date
from pathlib import Path

from drivers.disk import PosixDisk
from drivers.random import SystemRandom
from drivers.worker.messages import Clip
from edged.errors import Fact
from edged.roles.base import OnProgress, Progress, SealOrder, Worker
from edged.roles.child import Family
from edged.roles.subprocess_roles import SubprocessRoles
from edged.roles.workers import StartedWorkers
from edged.vault.sealing import Phase, Sealed
from edged.vault.vault import Vault, create_vault, open_vault

DAY = date(2026, 11, 22)
STATION = "bench"


def _quiet(event: str, /, **fields: Fact) -> None:
    """The log of a run that nobody reads."""


def _worker(port: str, fd: int) -> Sequence[str]:
    return (sys.executable, "-m", "benchmarks.memory_worker", "--fd", str(fd), "--port", port)


class Copies:
    """A vault on the disk and the shipped worker and sealer processes."""

    def __init__(self, folder: Path) -> None:
        disk, root = PosixDisk(), str(folder / "vault")
        create_vault(disk, root, station=STATION, random=SystemRandom())
        self.vault: Vault = open_vault(disk, root, station=STATION)
        family = Family(_quiet)
        self.roles = SubprocessRoles(family, StartedWorkers(family, _worker))

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path) -> AsyncIterator["Copies"]:
        copies = cls(folder)
        try:
            yield copies
        finally:
            await copies.roles.close()

    @asynccontextmanager
    async def worker(self, film: Path) -> AsyncIterator[Worker]:
        """The worker of one slot; on a station it runs since the camera was docked."""
        worker = await self.roles.start_worker(str(film))
        try:
            yield worker
        finally:
            await worker.close()

    async def seal(
        self, worker: Worker, size: int, tell: OnProgress = lambda _: None
    ) -> tuple[float, Sealed]:
        """Bring one clip in, until it has its final name; then remove it. Return seconds and result."""
        clip = Clip(path="/DCIM/CLIP0001.MP4", size=size, mtime="2026-11-22T07:00:02", first_cluster=5)
        place = self.vault.place(os.urandom(16).hex(), DAY, clip.path)
        began = time.perf_counter()
        part = await asyncio.to_thread(self.vault.begin, place, size)
        try:
            sealed = await self.roles.transfer(worker, clip, 0, SealOrder(part=part), tell)
        finally:
            part.close()
        await asyncio.to_thread(self.vault.publish, place)
        seconds = time.perf_counter() - began
        await asyncio.to_thread(Path(place.content).unlink)
        return seconds, sealed


class Meter:
    """Counts the bytes that came in, over all copies."""

    def __init__(self) -> None:
        self.received = 0

    def of_one(self) -> OnProgress:
        """What is to be told the progress of one copy."""
        had = 0

        def tell(progress: Progress) -> None:
            nonlocal had
            if progress.phase is Phase.RECEIVING:
                self.received += progress.done - had
                had = progress.done

        return tell


@asynccontextmanager
async def busy(folder: Path, film: Path, size: int, count: int = 8) -> AsyncIterator[Meter]:
    """``count`` offloads without a pause for as long as the block lasts."""
    meter = Meter()
    async with AsyncExitStack() as stack:
        copies = await stack.enter_async_context(Copies.open(folder))
        workers = [await stack.enter_async_context(copies.worker(film)) for _ in range(count)]

        async def go_on(worker: Worker) -> None:
            while True:
                await copies.seal(worker, size, meter.of_one())

        tasks = [asyncio.create_task(go_on(worker)) for worker in workers]
        try:
            yield meter
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
