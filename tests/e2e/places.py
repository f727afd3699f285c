"""A small whole site for end-to-end tests: two slots, real processes, real time, a real disk."""

import asyncio
import hashlib
import io
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from demo.site import CameraEntry, Site, Someone, me
from edged.cli.main import main as edgectl
from simulators.cards import Filesystem
from simulators.hands import film
from simulators.usb.spec import CameraSpec
from tests.real_disk import scratch

MIB = 1 << 20
OFFICER = Someone("UA0001", "Олена Іваненко", "04a1b2c3d4e501")
OTHER = Someone("UA0002", "Андрій Шевчук", "04a1b2c3d4e502")
REVOKED = Someone("UA0009", "Колишній Інспектор", "04a1b2c3d4e509", revoked=True)
CHIEF = Someone(
    "UA0100", "Відповідальна Особа", "04a1b2c3d4e5a1", ("responsible", "technician", "account_admin"), me()
)
PERSONS = (OFFICER, OTHER, REVOKED, CHIEF)
GAT = CameraEntry(serial="KB00001", inventory="1048001", driver="gat947")
MSC = CameraEntry(serial="MSC00002", inventory="1048002", driver="msc")
ENTRIES = (GAT, MSC)

# Small cards hold no twelve hours: what matters here is the job, not the memory.
SETTINGS = {
    "readiness": "memory_min_h = 0.0\n",
    "timing": "grace_s = 0.5\nlost_s = 3.0\npower_cycle_s = 0.5\nretry_s = 0.5\nretry_max_s = 2.0\n",
    "vault_more": "reserve_bytes = 1_000_000\n",
    "sync": "answer_s = 2\nconnect_s = 5\nretry_s = 0.2\nretry_max_s = 1\n",
}


class QuickSite(Site):
    """Asks and commissions with `edgectl` in this process: the same code without a second of start each."""

    async def ask(self, *words: str) -> tuple[int, str, str]:
        """Exit status, output and errors of one `edgectl` command line."""
        return await asyncio.to_thread(
            command_line, "--socket", self.socket, "--config", str(self.config), *words
        )

    async def edgectl_json(self, *words: str) -> Any:
        status, out, err = await self.ask("--json", *words)
        if status:
            raise RuntimeError(f"edgectl {' '.join(words)}: {status}: {err or out}")
        return json.loads(out)


def command_line(*words: str) -> tuple[int, str, str]:
    """Run `edgectl` in this process; a usage error gives its exit status as from a shell."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = edgectl(words)
        except SystemExit as exc:
            status = int(exc.code or 0)
    return status, out.getvalue(), err.getvalue()


@asynccontextmanager
async def new_site(*, slots: int = 2) -> AsyncIterator[QuickSite]:
    """Centre, line and dock in a scratch folder; nothing of the station yet."""
    with scratch() as folder:
        async with QuickSite.open(folder, slots=slots) as site:
            assert isinstance(site, QuickSite)
            try:
                yield site
            except BaseException:
                _tell(site)
                raise


def _tell(site: Site) -> None:
    """What a person would look at: the processes' logs. pytest shows it with the failure."""
    for line in site.world.trouble:
        sys.stdout.write(f"--- world: {line!r}\n")
    for log in sorted(site.folder.glob("*.log")):
        sys.stdout.write(f"--- {log.name}\n{log.read_text()[-6000:]}\n")


@asynccontextmanager
async def commissioned(
    cameras: Sequence[CameraEntry] = ENTRIES,
    settings: dict[str, str] | None = None,
    *,
    persons: Sequence[Someone] = PERSONS,
    slots: int = 2,
) -> AsyncIterator[QuickSite]:
    """A commissioned station whose processes are not started."""
    async with new_site(slots=slots) as site:
        await site.commission(persons, cameras, SETTINGS | (settings or {}))
        yield site


async def in_service(site: Site) -> None:
    """The daemon runs, and its clock counts."""
    await site.start_edged()
    await vouch(site)


async def vouch(site: Site) -> None:
    """The host's clock may be unknown on such a machine: then somebody vouches for it."""
    if (await site.call("status"))["clock"]["class"] == "unknown":
        await site.call("clock-confirm")


async def add_gat(site: Site, name: str = "cam-1", serial: str = GAT.serial, **more: Any) -> None:
    size, filesystem = more.pop("size_bytes", 64 * MIB), more.pop("filesystem", "fat32")
    spec = CameraSpec(name=name, kind="gat947", serial=serial, battery=100.0, reenumerate_s=0.2, **more)
    await site.world.add(spec, filesystem=filesystem, size_bytes=size)


async def add_msc(
    site: Site,
    name: str = "cam-2",
    serial: str = MSC.serial,
    *,
    size_bytes: int = 64 * MIB,
    filesystem: Filesystem = "exfat",
    **more: Any,
) -> None:
    """A plain mass storage camera; it tells neither charge nor clock."""
    spec = CameraSpec(name=name, kind="msc", usb_serial=serial, battery=100.0, **more)
    await site.world.add(spec, filesystem=filesystem, size_bytes=size_bytes)


async def ended(site: Site, name: str, within_s: float = 15.0) -> int:
    """Wait for a process to end by itself; its exit status."""
    async with asyncio.timeout(within_s):
        return await site.procs[name].process.wait()


async def counted(site: Site, what: str, number: int, *, within_s: float = 60.0) -> dict[str, Any]:
    """Wait until the station's own counter of recordings has reached a number."""

    async def reached() -> dict[str, Any] | None:
        found: dict[str, Any] = (await site.call("status"))["recordings"]
        return found if found[what] >= number else None

    answer: dict[str, Any] = await site.until(f"{number} {what}", reached, within_s=within_s)
    return answer


async def alert(site: Site, name: str, *, raised: bool = True, within_s: float = 30.0) -> None:
    """Wait until an alert whose name begins so stands, or stands no longer."""

    async def stands() -> bool:
        found = [row["alert"] for row in await site.call("alerts")]
        return any(one.startswith(name) for one in found) is raised

    await site.until(f"alert {name} {'raised' if raised else 'withdrawn'}", stands, within_s=within_s)


def sealed_files(folder: Path) -> dict[str, str]:
    """Every sealed recording below a vault or store: name of its folder → SHA-256."""
    found = {}
    for path in folder.rglob("content.*"):
        if path.suffix != ".part":
            found[path.parent.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def truth(site: Site) -> list[str]:
    """Hashes of everything that the cameras ever recorded, sorted."""
    return sorted(made.sha256 for made in site.world.truth())


def clip(seed: int, size: int = 300_000) -> bytes:
    return film(seed, size)
