import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from drivers.disk import PosixDisk
from edged.errors import Fact
from edged.ports import Log
from edged.roles.base import Progress, Roles, SealOrder, Worker
from edged.roles.child import Family
from edged.roles.inline_roles import InlineRoles
from edged.roles.pace import Limits
from edged.roles.subprocess_roles import SealerCommand, SubprocessRoles, sealer_command
from edged.roles.workers import StartedWorkers, WorkerCommand
from edged.vault.sealing import Sealed
from tests.edged.roles.scripted import CLIP, ScriptedServer
from tests.edged.vault.rig import Rig, make_rig
from tests.real_disk import scratch

QUICK = Limits(idle_s=2, min_rate=1, window_s=60, absolute_s=30, disk_s=30, silent_s=15)


def scripted_worker(port: str, fd: int) -> Sequence[str]:
    return (sys.executable, "-m", "tests.edged.roles.scripted", "--port", port, "--fd", str(fd))


@dataclass
class Bench:
    """Roles of one kind above a vault on a real disk."""

    roles: Roles
    rig: Rig
    log: list[tuple[str, dict[str, Fact]]]
    progress: list[Progress] = field(default_factory=list)
    _awaited: list[tuple[Callable[[Progress], bool], asyncio.Event]] = field(default_factory=list)

    def tell(self, progress: Progress) -> None:
        self.progress.append(progress)
        for wanted, event in self._awaited:
            if wanted(progress):
                event.set()

    async def until(self, wanted: Callable[[Progress], bool]) -> None:
        """Wait for a progress of that kind."""
        event = asyncio.Event()
        self._awaited.append((wanted, event))
        async with asyncio.timeout(20):
            await event.wait()

    async def copy(self, port: str, limits: Limits = QUICK) -> Sealed:
        """One docking: begin, transfer into the vault; the part stays for the next one."""
        worker = await self.roles.start_worker(port)
        try:
            return await self.into_vault(worker, limits)
        finally:
            await worker.close()

    async def into_vault(self, worker: Worker, limits: Limits = QUICK) -> Sealed:
        part = self.rig.vault.begin(self.rig.place, CLIP.size)
        try:
            order = SealOrder(part=part, limits=limits)
            return await self.roles.transfer(worker, CLIP, part.held, order, self.tell)
        finally:
            part.close()


def processes_of(log: Log, worker: WorkerCommand, sealer: SealerCommand = sealer_command) -> SubprocessRoles:
    family = Family(log)
    return SubprocessRoles(family, StartedWorkers(family, worker), sealer=sealer)


@asynccontextmanager
async def opened(kind: str, folder: Path) -> AsyncIterator[Bench]:
    log: list[tuple[str, dict[str, Fact]]] = []

    def write(event: str, /, **fields: Fact) -> None:
        log.append((event, fields))

    disk = PosixDisk()
    make: dict[str, Callable[[], Roles]] = {
        "inline": lambda: InlineRoles(disk, ScriptedServer),
        "processes": lambda: processes_of(write, scripted_worker),
    }
    roles = make[kind]()
    try:
        yield Bench(roles, make_rig(disk, str(folder / "vault")), log)
    finally:
        await roles.close()


@pytest.fixture(params=["inline", pytest.param("processes", marks=pytest.mark.slow)])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    with scratch() as folder:
        async with opened(request.param, folder) as made:
            yield made


@pytest.fixture
async def processes() -> AsyncIterator[Bench]:
    with scratch() as folder:
        async with opened("processes", folder) as made:
            yield made
