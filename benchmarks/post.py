"""A post to be measured: the real daemon with its processes, eight cameras full of recordings and some to be issued.

The clock that counts is the dock simulator's: it lives in this process, so both ends of a figure are read
from one clock, and the daemon answers through its real lines.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from benchmarks import machine
from benchmarks.scale import Scale
from demo.site import CameraEntry, Site, Someone, me
from firmware_protocol.dock.messages import Latch
from simulators.cards import Card
from simulators.dock import SimSlot
from simulators.faults import NO_FAULTS, UsbFaults
from simulators.usb.spec import CameraSpec

FULL_SLOTS = 8
LOOK_S = 0.001  # how exactly the moment is seen in which a light changes
PAUSE_S = 0.25  # between two people
READY_S = 60.0
HUB_RATE = 40_000_000  # bytes a second: what eight cameras behind one USB 2.0 hub share
GIB = 1 << 30
SETTINGS = {
    "readiness": "memory_min_h = 0.0\n",
    "timing": "grace_s = 1.0\npower_cycle_s = 0.5\nretry_s = 1.0\n",
    "vault_more": "reserve_bytes = 1_000_000\n",
}

T = TypeVar("T")


@dataclass(slots=True)
class Samples:
    """Seconds, one an action."""

    taps: list[float] = field(default_factory=list)  # badge held to the reader → latch open
    lights: list[float] = field(default_factory=list)  # contact closes → the slot's light changes


class Post:
    """See the module. Made by ``open``."""

    def __init__(self, site: Site, spares: int) -> None:
        self.site, self.world = site, site.world
        self._badges = [f"04a1b2c3d4e6{n:02x}" for n in range(spares)]
        self._full = [f"full-{n}" for n in range(1, FULL_SLOTS + 1)]
        self._spare = {FULL_SLOTS + 1 + n: f"spare-{n}" for n in range(spares)}

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path, scale: Scale) -> AsyncIterator["Post"]:
        """Commission the station and start its daemon; the spare cameras are ready when this returns."""
        with machine.film(scale.card_clip) as film:
            async with Site.open(folder, slots=FULL_SLOTS + scale.spares) as site:
                post = cls(site, scale.spares)
                await post._prepare(film, scale)
                await site.start_edged()
                if (await site.call("status"))["clock"]["class"] == "unknown":
                    await site.call("clock-confirm")
                for slot, camera in post._spare.items():
                    await site.world.insert(camera, slot)
                await post.all_ready()
                yield post

    async def _prepare(self, film: Path, scale: Scale) -> None:
        officers = [Someone(f"UA{n:04}", f"Інспектор {n}", badge) for n, badge in enumerate(self._badges, 1)]
        chief = Someone(
            "UA0100", "Відповідальна Особа", "04a1b2c3d4e5a1", ("responsible", "technician"), me()
        )
        names = [*self._full, *self._spare.values()]
        # Who has been offloaded becomes ready: as somebody's own camera it is still not given to these officers.
        entries = [
            CameraEntry(
                serial=_serial(name),
                inventory=f"10480{n}",
                driver="gat947",
                assigned_to=f"UA02{n:02}" if name in self._full else "",
            )
            for n, name in enumerate(names)
        ]
        await self.site.commission((*officers, chief), entries, SETTINGS)
        for name in names:
            await self._add(name, film, scale.card_clips if name in self._full else 0)

    async def _add(self, name: str, film: Path, clips: int) -> None:
        """A camera whose card lies in memory: the disk is the vault's alone."""
        path = film.with_name(f"{name}.img")
        await asyncio.to_thread(_card, path, film, clips)
        spec = CameraSpec(name=name, serial=_serial(name), card=str(path), battery=100.0, reenumerate_s=0.2)
        await self.world.add(spec)

    # --- what is measured -----------------------------------------------------------------------------

    async def rounds(self, count: int) -> Samples:
        """Every officer takes a camera, one after the other; all cameras come back; ``count`` times."""
        samples = Samples()
        for _ in range(count):
            for badge in self._badges:
                samples.taps.append(await self._take(badge))
            for slot, camera in self._spare.items():
                samples.lights.append(await self._put_back(slot, camera))
            await self.all_ready()
        return samples

    async def _take(self, badge: str) -> float:
        await asyncio.sleep(PAUSE_S)
        slots = {number: self.world.dock.slots[number] for number in self._spare}
        began = asyncio.get_running_loop().time()
        if not self.world.tap(badge):
            raise RuntimeError("nobody listens to the reader")
        number = await _seen("a latch opens", lambda: next(iter(_open(slots)), 0))
        opened = slots[number].opened_at
        await self.world.pull(number)
        await _seen("the light goes out", lambda: slots[number].colour == 0)
        return opened - began

    async def _put_back(self, slot: int, camera: str) -> float:
        await asyncio.sleep(PAUSE_S)
        shown, loop = self.world.dock.slots[slot], asyncio.get_running_loop()
        before = (shown.colour, shown.pattern)
        began = loop.time()
        plugging = asyncio.create_task(self.world.insert(camera, slot))
        await _seen("the light changes", lambda: (shown.colour, shown.pattern) != before)
        seconds = loop.time() - began
        await plugging
        return seconds

    async def all_ready(self) -> None:
        for slot in self._spare:
            await self.site.until_slot(slot, "ready", within_s=READY_S)

    # --- the load ---------------------------------------------------------------------------------------

    async def load(self, rate: int) -> None:
        """Eight cameras begin to be offloaded, at ``rate`` bytes a second together."""
        for slot, camera in enumerate(self._full, 1):
            await self.world.change(camera, faults=UsbFaults(bytes_per_s=rate // FULL_SLOTS))
            await self.world.insert(camera, slot)
        await self.site.until("eight offloads run", self._all_copy, within_s=READY_S)

    async def unthrottle(self) -> None:
        """From now on each copy goes as fast as the virtual bus can."""
        for camera in self._full:
            await self.world.change(camera, faults=NO_FAULTS)

    async def received(self) -> int:
        """Bytes that lie in the vault."""
        return await asyncio.to_thread(_bytes_below, self.site.vault)

    async def still_copying(self) -> int:
        return sum(row["state"] == "offloading" for row in await self._rows())

    async def _all_copy(self) -> bool:
        rows = await self._rows()
        return all(row["state"] == "offloading" and row["recording_bytes"] for row in rows)

    async def _rows(self) -> list[dict[str, Any]]:
        return [row for row in await self.site.call("slots") if row["slot"] <= FULL_SLOTS]


def _open(slots: dict[int, SimSlot]) -> list[int]:
    return [number for number, slot in slots.items() if slot.latch is Latch.OPEN]


async def _seen(what: str, look: Callable[[], T], within_s: float = 20.0) -> T:
    """Look a thousand times a second until there is something to be seen."""
    try:
        async with asyncio.timeout(within_s):
            while True:
                if found := look():
                    return found
                await asyncio.sleep(LOOK_S)
    except TimeoutError as exc:
        raise TimeoutError(f"{what}: not within {within_s} s") from exc


def _serial(name: str) -> str:
    kind, _, number = name.partition("-")
    return f"{kind[0].upper()}K{int(number):05}"


def _card(path: Path, film: Path, clips: int) -> None:
    card = Card.format(path, "exfat", 64 * GIB)
    local = datetime.now(UTC).replace(microsecond=0, tzinfo=None)  # as a camera keeps it
    for number in range(clips):
        card.add(f"DCIM/100MEDIA/CLIP{number:04}.MP4", film, local)


def _bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("content.*") if path.is_file())
