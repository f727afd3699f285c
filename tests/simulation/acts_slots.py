"""What happens at the slots: officers, their cameras and cards, the dock and its lines."""

import asyncio
import errno
from contextlib import suppress
from typing import Any

from edged.formats.manifest import Manifest, open_manifest
from edged.formats.movie import EPOCH
from edged.slots.state import State
from firmware_protocol.dock import messages as dm
from simulators.card_image import Source
from simulators.faulty_link import CABLES, PERFECT
from tests import movies
from tests.simulation.site import Site
from tests.world import persons as people
from tests.world.usb import MemoryImage
from tests.world.world import STATION_KEY, VAULT, Made

OFFICERS = (people.OLENA, people.PETRO)
STRANGER = "04ffffffffff01"
COPY_S = 90.0  # how long something waits for a copy to happen to
PATIENCE_S = 10.0  # how long an officer waits for a lock


# --- persons and cameras ------------------------------------------------------------------------------


async def insert(site: Site, name: str) -> None:
    slot = site.free_slot()
    if slot is not None and name not in site.inside.values() and name not in site.holders:
        site.insert(name, slot)


async def shift(site: Site, officer: int, minutes: float, sizes: tuple[int, ...]) -> None:
    """An officer taps, takes what opens, films, and comes back."""
    site.do(_on_duty(site, OFFICERS[officer], minutes * 60, sizes))


async def _on_duty(site: Site, who: people.Someone, seconds: float, sizes: tuple[int, ...]) -> None:
    name = await take(site, who)
    if name is None:
        return
    for size in sizes:
        await asyncio.sleep(seconds / len(sizes))
        film(site, name, size)
    while name not in site.inside.values():
        slot = site.free_slot()
        if slot is not None:
            site.insert(name, slot)
        await asyncio.sleep(5.0)


async def take(site: Site, who: people.Someone) -> str | None:
    """The camera that the officer got, if a lock opened for him."""
    site.trace("tap", who=who.id)
    site.tap(who.badge)
    for _ in range(int(PATIENCE_S / 0.25)):
        await asyncio.sleep(0.25)
        for slot in [n for n in site.inside if site.open_lock(n)]:
            name = site.inside[slot]
            if site.granted_to.get(slot) == who.id and site.pull(slot):
                site.holders[name] = who.id
                site.taken.setdefault(name, []).append(who.id)
                return name
    return None


def film(site: Site, name: str, size: int) -> None:
    """The camera records, if its card has room."""
    site.clips += 1
    seconds = 1 + site.clips % 120
    created = int((site.bus.camera(name).clock() - EPOCH).total_seconds()) - seconds
    content = movies.film(size, f"clip {site.plan.seed} {site.clips}", seconds, max(0, created % 2**32))
    # Names come back after clearing, as in real cameras: the number is that of what lies on the card.
    number = len(site.cards[name].names()) + 1
    with suppress(OSError):
        site.record(name, f"CLIP{number:04}.MP4", content)


async def tap(site: Site, badge: str) -> None:
    site.trace("tap", badge=badge)
    site.tap(badge)


async def tear(site: Site, slot: int, away_s: float) -> None:
    if slot not in site.inside or site.open_lock(slot):
        return  # where a lock stands open nothing has to be torn
    name = site.inside[slot]
    site.trace("torn out", camera=name, slot=slot)
    site.tear_out(slot)
    await asyncio.sleep(away_s)
    free = slot if slot not in site.inside else site.free_slot()
    if free is not None and name not in site.inside.values():
        site.insert(name, free)


async def wobble(site: Site, slot: int, times: int, pause_s: float) -> None:
    """The plug loses its contact for moments."""
    for _ in range(times):
        if slot not in site.inside:
            return
        name = site.inside[slot]
        site.bus.leave(f"1-1.{slot}", pause_s)
        await asyncio.sleep(pause_s * 1.5)
        if site.inside.get(slot) != name:
            return


async def camera_fault(site: Site, name: str, faults: dict[str, Any], seconds: float) -> None:
    site.trace("camera fault", camera=name, **faults)
    for kind in faults:
        site.faults[f"camera-{kind}"] += 1
    site.fault(name, **faults)
    await asyncio.sleep(seconds)
    site.fault(name)


async def fault_in_mid_copy(site: Site, least: int, faults: dict[str, Any], seconds: float) -> None:
    """The camera falls ill when so much of a clip was copied."""
    slot = await site.moment(lambda: copying(site, least), COPY_S, 0.3)
    if slot is not None:
        await camera_fault(site, site.inside[slot], faults, seconds)


def copying(site: Site, least: int) -> int | None:
    """A slot whose copy has got so far, in bytes of the clip."""
    units = site.running.station.units if site.running is not None else {}
    busy = (n for n, unit in units.items() if unit.keeper.state is State.OFFLOADING and n in site.inside)
    return next((n for n in busy if units[n].work.progress.recording_bytes >= least), None)


async def shift_unrecorded(site: Site, officer: int, lines: int) -> None:
    """An officer taps, and at that moment the ledger has no room for so many lines."""
    if await site.moment(lambda: site.in_state(State.READY)):
        site.faults["ledger-full-at-a-tap"] += 1
        site.fs.fail("write_at", errno.ENOSPC, path="/state/ledger/", times=lines)
        site.do(_on_duty(site, OFFICERS[officer], 30.0, (5000,)))


async def camera_clock(site: Site, name: str, offset_s: float) -> None:
    site.change(name, clock_offset_s=offset_s)


async def battery(site: Site, name: str, level: float) -> None:
    site.change(name, battery=level)


async def grow(site: Site, name: str, size: int) -> None:
    """It records while it sits in the slot."""
    if name in site.inside.values():
        film(site, name, size)
        site.late.add(name)


async def stray_file(site: Site, name: str) -> None:
    """Somebody puts a file of his own onto the card."""
    moment = site.bus.camera(name).clock().replace(microsecond=0)
    with suppress(OSError):
        site.cards[name].volume().add(["DCIM", "NOTE.TXT"], Source(b"a note"), moment, scatter=False)
        if name in site.inside.values():
            site.late.add(name)


async def alter(site: Site, name: str, place: float) -> None:
    """Somebody changes a clip on the card, as soon as one was sealed: name, size and time stay what they were.
    Not while the station clears that card or sees a copy of it only, for then nobody else can write to what it sees;
    and not the only good copy."""
    known = await site.moment(lambda: _sealed_aboard(site, name))
    if known is not None:
        _altered(site, name, known[int(place * len(known))])


def _sealed_aboard(site: Site, name: str) -> list[str]:
    slot = next((slot for slot, inside in site.inside.items() if inside == name), None)
    if slot in site.in_state(State.CLEARING) or site.bus.camera(name).shows_a_copy:
        return []
    sealed = {manifest.sha256 for manifest in _manifests(site)} - set(site.flipped.values())
    return [file.path for file in site.cards[name].files() if file.sha256 in sealed and file.size]


def _altered(site: Site, name: str, path: str) -> None:
    stored = next(found for found in site.cards[name].volume().walk() if found.path == path)
    image = MemoryImage(site.cards[name].image)
    first = stored.extents[0][0]
    site.altered.add(image.digest(stored))
    image.write(first, bytes([image.read(first, 1)[0] ^ 1]))
    site.made.append(Made(name, path, image.digest(stored)))
    site.trace("altered", camera=name, path=path)
    site.faults["clip-altered"] += 1
    if name in site.inside.values():
        site.late.add(name)


def _manifests(site: Site) -> list[Manifest]:
    """Of all that the ledger calls sealed, for certain."""
    files = site.fs.durable(f"{VAULT}/recordings")
    notes = [data for path, data in sorted(files.items()) if path.endswith("/manifest.note")]
    return [open_manifest(note, STATION_KEY.verifier) for note in notes]


# --- lines and dock -----------------------------------------------------------------------------------


async def unplug_line(site: Site, line: str, seconds: float) -> None:
    site.faults["line-unplugged"] += 1
    site.lines[line].unplug()
    await asyncio.sleep(seconds)
    site.lines[line].plug()


async def bad_cable(site: Site, line: str, cable: int, seconds: float) -> None:
    site.faults[f"cable-{CABLES[cable].name}"] += 1
    wire = site.lines[line]
    wire.to_host = wire.to_device = CABLES[cable]
    if wire.link is not None:
        wire.link.die("another cable")
    await asyncio.sleep(seconds)
    wire.to_host = wire.to_device = PERFECT
    if wire.link is not None:
        wire.link.die("the old cable again")


async def dock_restarts(site: Site, power: bool) -> None:
    site.faults["dock-restart"] += 1
    if power:
        site.dock.lose_power()
    else:
        site.dock.restart()


async def dock_fault(site: Site, slot: int, fault: int) -> None:
    site.faults["dock-fault"] += 1
    site.dock.break_down(slot, dm.Fault(fault))


async def chatter(site: Site, slot: int) -> None:
    """The contact of a slot bounces."""
    if slot not in site.inside:
        return
    for _ in range(20):
        site.dock.touch(slot, not site.dock.slots[slot].contact)
        await asyncio.sleep(0.01)
    site.dock.touch(slot, slot in site.inside)
