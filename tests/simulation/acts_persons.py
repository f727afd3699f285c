"""What persons do at `edgectl`."""

import asyncio
from contextlib import suppress
from typing import Any

from edged.errors import EdgeError
from edged.slots.state import RELEASABLE
from tests import movies
from tests.simulation.site import Site
from tests.world import persons as people
from tests.world.world import AUTHORITY


async def verb(site: Site, account: str, verb: str, params: dict[str, Any]) -> None:
    if site.running is not None:
        with suppress(EdgeError):
            await site.ask(account, verb, **params)


async def prove(site: Site, place: float) -> None:
    """Somebody asks for the proof of a recording, and a court's program looks at it."""
    if site.running is None:
        return
    sealed = [r for r in site.station.recorder.state.recordings.values() if r.sha256]
    with suppress(EdgeError):
        if sealed:
            chosen = sealed[int(place * len(sealed)) % len(sealed)]
            made = await site.ask("iryna", "prove", recording=chosen.id)
            site.witness.proved(chosen.id, made["proof"].encode())


async def works(site: Site, name: str, seconds: float) -> None:
    await verb(site, "taras", "camera works", {"camera": name, "reason": "works"})
    await asyncio.sleep(seconds)
    await verb(site, "taras", "camera works", {"camera": name, "reason": "done", "end": True})


async def quarantine(site: Site, name: str, seconds: float) -> None:
    await verb(site, "taras", "camera quarantine", {"camera": name, "reason": "doubt"})
    await asyncio.sleep(seconds)
    await verb(site, "taras", "camera release", {"camera": name, "reason": "looked at"})


async def roster(site: Site, version: int) -> None:
    site.publish(people.roster(AUTHORITY, version, people.CROWD))


async def open_slot(site: Site, slot: int) -> None:
    """A technician opens a slot that he may open, takes what is in it, and puts it back."""
    fit = await site.moment(lambda: [n for n in site.in_state(*RELEASABLE) if n in site.inside])
    if fit is not None:
        await _opened(site, slot if slot in fit else fit[0])


async def _opened(site: Site, slot: int) -> None:
    with suppress(EdgeError):
        await site.ask("taras", "slots open", slot=slot)
        for _ in range(20):
            await asyncio.sleep(0.5)
            if slot in site.inside and site.open_lock(slot):
                name = site.inside[slot]
                site.pull(slot)
                await asyncio.sleep(20.0)
                if slot not in site.inside and name not in site.inside.values():
                    site.insert(name, slot)
                return


async def clear_by_force(site: Site, name: str) -> None:
    """Two persons want a camera cleared, whatever the server has of it."""
    await verb(site, "taras", "clear ask", {"camera": name, "reason": "a new cable"})
    await verb(site, "iryna", "clear agree", {"camera": name})


async def scan(site: Site, number: int, size: int, pause_s: float) -> None:
    """A scanner writes an image into its folder, or writes it anew: in two parts, if it pauses between them."""
    # Half of it begins as an image, too.
    image = (b"\x89PNG" + movies.film(max(size, 8), f"scan {site.plan.seed} {number} {size}", 5))[
        : max(size, 8)
    ]
    for part in (image[: len(image) // 2], image) if pause_s else (image,):
        if await site.moment(lambda: site.running is not None):
            site.scans(f"image {number}.png", part)
        await asyncio.sleep(pause_s)
