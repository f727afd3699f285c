"""Everything that can happen in a history: one table. An act that does not fit the moment does nothing."""

import asyncio
import errno
import hashlib
import random
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from edged.errors import EdgeError
from edged.formats import times
from edged.formats.manifest import Manifest, open_manifest
from edged.formats.note import Signer
from edged.formats.receipt import receipt_for, sign_receipt
from edged.slots.state import State
from firmware_protocol.dock import messages as dm
from simulators.card_image import Source
from simulators.faulty_link import CABLES, PERFECT
from tests.simulation.plan import LINES, SLOTS, Plan, clip_size
from tests.simulation.site import HOME, Site
from tests.simulation.weather import CHANGES, SYNCS, Storm
from tests.world import persons as people
from tests.world.usb import MemoryImage
from tests.world.world import AUTHORITY, CENTRE, INBOX, STATE, STATION_KEY, VAULT, Made

OFFICERS = (people.OLENA, people.PETRO)
STRANGER = "04ffffffffff01"
IMPOSTOR = Signer.from_seed(CENTRE.name, b"i" * 32)
PATIENCE_S = 10.0  # how long an officer waits for a lock
COPY_S = 90.0  # how long something waits for a copy to happen to

Perform = Callable[..., Coroutine[Any, Any, None]]
Draw = Callable[[random.Random, Plan], tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Kind:
    """How an act is carried out, how its arguments are drawn, and how often it is chosen beside the others."""

    perform: Perform
    draw: Draw
    weight: int
    fault: bool = True  # False: what happens on every good day


# --- persons and cameras ------------------------------------------------------------------------------


async def _insert(site: Site, name: str) -> None:
    slot = site.free_slot()
    if slot is not None and name not in site.inside.values() and name not in site.holders:
        site.insert(name, slot)


async def _shift(site: Site, officer: int, minutes: float, sizes: tuple[int, ...]) -> None:
    """An officer taps, takes what opens, films, and comes back."""
    site.do(_on_duty(site, OFFICERS[officer], minutes * 60, sizes))


async def _on_duty(site: Site, who: people.Someone, seconds: float, sizes: tuple[int, ...]) -> None:
    name = await _take(site, who)
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


async def _take(site: Site, who: people.Someone) -> str | None:
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
    content = random.Random(f"clip {site.plan.seed} {site.clips}").randbytes(size)
    # Names come back after clearing, as in real cameras: the number is that of what lies on the card.
    number = len(site.cards[name].names()) + 1
    with suppress(OSError):
        site.record(name, f"CLIP{number:04}.MP4", content)


async def _tap(site: Site, badge: str) -> None:
    site.trace("tap", badge=badge)
    site.tap(badge)


async def _tear(site: Site, slot: int, away_s: float) -> None:
    if slot not in site.inside or site.open_lock(slot):
        return  # where a lock stands open nothing has to be torn
    name = site.inside[slot]
    site.trace("torn out", camera=name, slot=slot)
    site.tear_out(slot)
    await asyncio.sleep(away_s)
    free = slot if slot not in site.inside else site.free_slot()
    if free is not None and name not in site.inside.values():
        site.insert(name, free)


async def _wobble(site: Site, slot: int, times: int, pause_s: float) -> None:
    """The plug loses its contact for moments."""
    for _ in range(times):
        if slot not in site.inside:
            return
        name = site.inside[slot]
        site.bus.leave(f"1-1.{slot}", pause_s)
        await asyncio.sleep(pause_s * 1.5)
        if site.inside.get(slot) != name:
            return


async def _camera_fault(site: Site, name: str, faults: dict[str, Any], seconds: float) -> None:
    site.trace("camera fault", camera=name, **faults)
    for kind in faults:
        site.faults[f"camera-{kind}"] += 1
    site.fault(name, **faults)
    await asyncio.sleep(seconds)
    site.fault(name)


async def _camera_clock(site: Site, name: str, offset_s: float) -> None:
    site.change(name, clock_offset_s=offset_s)


async def _battery(site: Site, name: str, level: float) -> None:
    site.change(name, battery=level)


async def _grow(site: Site, name: str, size: int) -> None:
    """It records while it sits in the slot."""
    if name in site.inside.values():
        film(site, name, size)
        site.late.add(name)


async def _stray_file(site: Site, name: str) -> None:
    """Somebody puts a file of his own onto the card."""
    moment = site.bus.camera(name).clock().replace(microsecond=0)
    with suppress(OSError):
        site.cards[name].volume().add(["DCIM", "NOTE.TXT"], Source(b"a note"), moment, scatter=False)
        if name in site.inside.values():
            site.late.add(name)


async def _alter(site: Site, name: str, place: float) -> None:
    """Somebody changes a clip on the card, after it was sealed: name, size and time stay what they were.
    Not while the station clears that card, for then nobody else can write to it; and not the only good copy."""
    slot = next((slot for slot, inside in site.inside.items() if inside == name), None)
    if slot in site.in_state(State.CLEARING):
        return
    sealed = {manifest.sha256 for manifest in _manifests(site)} - set(site.flipped.values())
    known = [file for file in site.cards[name].files() if file.sha256 in sealed and file.size]
    if not known:
        return
    path = known[int(place * len(known))].path
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


async def _unplug_line(site: Site, line: str, seconds: float) -> None:
    site.faults["line-unplugged"] += 1
    site.lines[line].unplug()
    await asyncio.sleep(seconds)
    site.lines[line].plug()


async def _bad_cable(site: Site, line: str, cable: int, seconds: float) -> None:
    site.faults[f"cable-{CABLES[cable].name}"] += 1
    wire = site.lines[line]
    wire.to_host = wire.to_device = CABLES[cable]
    if wire.link is not None:
        wire.link.die("another cable")
    await asyncio.sleep(seconds)
    wire.to_host = wire.to_device = PERFECT
    if wire.link is not None:
        wire.link.die("the old cable again")


async def _dock_restarts(site: Site, power: bool) -> None:
    site.faults["dock-restart"] += 1
    if power:
        site.dock.lose_power()
    else:
        site.dock.restart()


async def _dock_fault(site: Site, slot: int, fault: int) -> None:
    site.faults["dock-fault"] += 1
    site.dock.break_down(slot, dm.Fault(fault))


async def _chatter(site: Site, slot: int) -> None:
    """The contact of a slot bounces."""
    if slot not in site.inside:
        return
    for _ in range(20):
        site.dock.touch(slot, not site.dock.slots[slot].contact)
        await asyncio.sleep(0.01)
    site.dock.touch(slot, slot in site.inside)


# --- power and processes ------------------------------------------------------------------------------


async def _power_cut(site: Site, off_s: float, with_dock: bool) -> None:
    site.off_s = off_s
    site.cuts["at a time"] += 1
    if with_dock:
        site.dock.lose_power()
    site.halt()


async def _cut_at_call(site: Site, calls: int, off_s: float) -> None:
    site.off_s = off_s
    site.cuts["at a call of the file system"] += 1
    site.disk.cut_at, site.disk.cut_in = None, calls


async def _cut_at_spot(site: Site, spot: tuple[str, str], nth: int, off_s: float, centre: bool) -> None:
    """The power goes before the n-th such call."""
    disk = site.far_disk if centre else site.disk
    if centre:
        site.far_off_s = off_s
    else:
        site.off_s = off_s
        site.cuts["at a spot"] += 1
    disk.cut_at, disk.cut_in = spot, nth


async def _cut_at_await(site: Site, turns: int, off_s: float) -> None:
    site.off_s = off_s
    site.cuts["at an await"] += 1
    site.cut_turn = site.sim_loop.turns + turns


async def _kill(site: Site, name: str) -> None:
    site.cuts[f"SIGKILL {name}"] += 1
    site.kill(name)


async def _stop(site: Site, name: str) -> None:
    site.terminate(name)


async def _in_mid_copy(site: Site, what: str, least: int) -> None:
    """Waits until a copy has got so far; then the camera is torn out, the power goes, or the daemon ends."""
    for _ in range(int(COPY_S / 0.1)):
        await asyncio.sleep(0.1)
        if (slot := _copying(site, least)) is not None:
            site.trace("in mid-copy", what=what, slot=slot)
            match what:
                case "tear":
                    await _tear(site, slot, 2.0)
                case "power-cut":
                    await _power_cut(site, 0.5, with_dock=False)
                case "kill":
                    await _kill(site, "edged")
                case _:
                    await _stop(site, "edged")
            return


def _copying(site: Site, least: int) -> int | None:
    units = site.running.station.units if site.running is not None else {}
    busy = (n for n, unit in units.items() if unit.keeper.state is State.OFFLOADING)
    return next((n for n in busy if units[n].work.progress.recording_bytes >= least), None)


# --- disk ---------------------------------------------------------------------------------------------


async def _disk_storm(
    site: Site, calls: tuple[str, ...], number: int, chance: float, seconds: float, path: str
) -> None:
    until = site.loop.time() + seconds
    site.disk.storms.append(Storm(until, frozenset(calls), number, chance, path))
    await asyncio.sleep(seconds)
    site.disk.pass_on()


async def _disk_fault(
    site: Site, spot: tuple[str, str], number: int, skip: int, times: int, centre: bool
) -> None:
    """So many calls fail for certain, after so many that do not; a storm is over before anybody asks for a sync."""
    site.faults["centre-fault" if centre else "disk-fault"] += 1
    call, path = spot
    (site.far if centre else site.fs).fail(call, number, path=path, skip=skip, times=times)


async def _slow_disk(site: Site, most_s: float, seconds: float) -> None:
    site.faults["disk-slow"] += 1
    site.sim_loop.thread_s = (0.0, most_s)
    await asyncio.sleep(seconds)
    site.sim_loop.thread_s = (0.0, 0.002)


async def _full_disk(site: Site, left: int, seconds: float) -> None:
    site.faults["disk-full"] += 1
    whole, site.fs.capacity = site.fs.capacity, site.fs.used() + left
    await asyncio.sleep(seconds)
    site.fs.capacity = max(whole, site.fs.capacity)


async def _bad_writes(site: Site, many: int) -> None:
    """The medium does not hold what it was given, and nobody says so."""
    site.disk.spoils = many


def sealed_files(site: Site) -> dict[str, bytes]:
    """What lies under final names in the vault, for certain."""
    every = site.fs.durable(f"{VAULT}/recordings").items()
    return {p: data for p, data in every if "/content." in p and not p.endswith((".part", ".marks", ".bad"))}


async def _bit_flip(site: Site, place: float) -> None:
    """One bit of one sealed recording turns over, silently. Not where the vault holds the only copy, because of a
    decision or because somebody has altered the clip on its card: that no code can make good."""
    sealed = sorted(sealed_files(site))
    if sealed and "decision" not in site.plan.config:
        path = sealed[int(place * len(sealed)) % len(sealed)]
        whole = hashlib.sha256(site.fs.durable(path.rpartition("/")[0])[path]).hexdigest()
        if whole not in site.altered and site.fs.flip(path, int(place * 1_000_003)):
            site.faults["bit-flip"] += 1
            site.trace("a bit turns over", path=path)
            site.flipped[path] = whole


# --- line and centre ----------------------------------------------------------------------------------


async def _net_down(site: Site, seconds: float) -> None:
    site.faults["net-outage"] += 1
    site.net.up = False
    await asyncio.sleep(seconds)
    site.net.up = True


async def _net_weather(site: Site, kind: str, chance: float, seconds: float) -> None:
    site.net.chances[kind] = chance
    await asyncio.sleep(seconds)
    site.net.chances.pop(kind, None)


async def _cannot_sync(site: Site, seconds: float) -> None:
    site.faults["centre-without-sync"] += 1
    site.net.cannot_sync = True
    await asyncio.sleep(seconds)
    site.net.cannot_sync = False


async def _centre_cut(site: Site, calls: int, off_s: float) -> None:
    site.far_off_s = off_s
    site.far_disk.cut_at, site.far_disk.cut_in = None, calls


async def _centre_storm(
    site: Site, calls: tuple[str, ...], number: int, chance: float, seconds: float
) -> None:
    until = site.loop.time() + seconds
    site.far_disk.storms.append(Storm(until, frozenset(calls), number, chance))
    await asyncio.sleep(seconds)
    site.far_disk.pass_on()


async def _centre_forgets(site: Site, place: float) -> None:
    """It took a file and said that it was synced, and has it no more."""
    there = sorted(p for p in site.far.files(f"{HOME}/recordings") if "/content." in p)
    if there:
        path = there[int(place * len(there)) % len(there)]
        site.trace("the centre forgets", path=path)
        site.faults["centre-forgets"] += 1
        site.far.remove(path)


async def _centre_truncates(site: Site, place: float) -> None:
    there = sorted(p for p in site.far.files(f"{HOME}/recordings") if "/content." in p)
    if there:
        path = there[int(place * len(there)) % len(there)]
        data = site.far.files(path.rpartition("/")[0])[path]
        site.trace("the centre cuts short", path=path)
        site.faults["centre-truncates"] += 1
        site.far.put(path, data[: len(data) // 2])


async def _forged_receipt(site: Site, place: float, genuine: bool) -> None:
    """Somebody who can write into the inbox leaves a receipt that nobody signed, or one of another recording."""
    files = site.fs.files(f"{VAULT}/recordings")
    homes = sorted(p.removesuffix("/manifest.note") for p in files if p.endswith("/manifest.note"))
    answered = [home for home in homes if f"{home}/receipt.note" in files]
    waiting = [home for home in homes if home not in answered]
    if not waiting or (genuine and not answered):
        return
    home = waiting[int(place * len(waiting))]
    if genuine:
        note = files[f"{answered[int(place * len(answered))]}/receipt.note"]
    else:
        manifest = open_manifest(files[f"{home}/manifest.note"], STATION_KEY.verifier)
        placed_at = times.format_ns(site.time.wall_ns())
        receipt = receipt_for(manifest, server="centre-1", server_level="local", placed_at=placed_at)
        note = sign_receipt(receipt, IMPOSTOR)
    site.faults["forged-receipt"] += 1
    site.fs.put(f"{INBOX}/receipts/{home.rpartition('/')[2]}.note", note)


async def _forged_countersignature(site: Site) -> None:
    """Somebody who can write into the inbox leaves the station's own checkpoint there as if it were countersigned."""
    folder = f"{STATE}/ledger/checkpoints"
    notes = [path for path in site.fs.files(folder) if path.endswith(".note")]
    if notes:
        newest = max(notes)
        site.faults["forged-countersignature"] += 1
        name = newest.rpartition("/")[2]
        site.fs.put(f"{INBOX}/receipts/checkpoints/{name}", site.fs.files(folder)[newest])


# --- clock --------------------------------------------------------------------------------------------


async def _clock_step(site: Site, seconds: float) -> None:
    site.faults["clock-step"] += 1
    site.clock.off_s += seconds


async def _clock_class(site: Site, seconds: float) -> None:
    """Nobody vouches for the host's clock for a while."""
    site.faults["clock-unknown"] += 1
    site.clock.unknown()
    await asyncio.sleep(seconds)
    site.clock.synchronised()


# --- persons at edgectl -------------------------------------------------------------------------------


async def _verb(site: Site, account: str, verb: str, params: dict[str, Any]) -> None:
    if site.running is not None:
        with suppress(EdgeError):
            await site.ask(account, verb, **params)


async def _prove(site: Site, place: float) -> None:
    """Somebody asks for the proof of a recording, and a court's program looks at it."""
    if site.running is None:
        return
    sealed = [r for r in site.station.recorder.state.recordings.values() if r.sha256]
    with suppress(EdgeError):
        if sealed:
            chosen = sealed[int(place * len(sealed)) % len(sealed)]
            made = await site.ask("iryna", "prove", recording=chosen.id)
            site.witness.proved(chosen.id, made["proof"].encode())


async def _works(site: Site, name: str, seconds: float) -> None:
    await _verb(site, "taras", "camera works", {"camera": name, "reason": "works"})
    await asyncio.sleep(seconds)
    await _verb(site, "taras", "camera works", {"camera": name, "reason": "done", "end": True})


async def _quarantine(site: Site, name: str, seconds: float) -> None:
    await _verb(site, "taras", "camera quarantine", {"camera": name, "reason": "doubt"})
    await asyncio.sleep(seconds)
    await _verb(site, "taras", "camera release", {"camera": name, "reason": "looked at"})


async def _roster(site: Site, version: int) -> None:
    site.publish(people.roster(AUTHORITY, version))


async def _open_slot(site: Site, slot: int) -> None:
    """A technician opens a slot and takes what is in it, and puts it back."""
    with suppress(EdgeError):
        if slot in site.inside and site.running is not None:
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


# --- what is drawn ------------------------------------------------------------------------------------


def _camera(rng: random.Random, plan: Plan) -> str:
    return rng.choice(plan.cameras).name


def _slot(rng: random.Random, plan: Plan) -> int:
    return rng.randint(1, SLOTS)


_CAMERA_FAULTS: tuple[Callable[[random.Random], dict[str, Any]], ...] = (
    lambda r: {"pull_after_bytes": r.randint(0, 60_000)},
    lambda r: {"drop_after_bytes": r.randint(0, 60_000), "back_s": r.choice((0.2, 2.0, 12.0))},
    lambda r: {"silent_after_commands": r.randint(0, 60)},
    lambda r: {"stall_every": r.randint(2, 9)},
    lambda r: {"bytes_per_s": r.choice((2_000, 50_000, 400_000))},
    lambda r: {"status_wrapper": r.choice(("wrong-tag", "garbage", "phase-error", "short"))},
    lambda r: {"surplus_bytes": r.choice((1, 512))},
    lambda r: {"unstable_sectors": ((r.randint(150, 600), r.randint(1, 3)),)},
    lambda r: {"bad_sectors": ((r.randint(150, 600), r.randint(1, 3)),)},
    lambda r: {"bad_sectors": ((r.randint(150, 300), 1),), "drop_after_bytes": r.randint(20_000, 120_000)},
    lambda r: {"write_protected": True},
    lambda r: {"writes_vanish": True},
    lambda r: {"cut_after_writes": r.randint(0, 12)},
    lambda r: {"bad_write_sectors": ((r.randint(1, 90), 2),)},
    lambda r: {"vanish_before_status": True},
    lambda r: {"extra_as_disk": ("keyboard",)},
    lambda r: {"usb_serial_as_disk": "OTHER"},
)


def _camera_fault_args(rng: random.Random, plan: Plan) -> tuple[Any, ...]:
    return _camera(rng, plan), rng.choice(_CAMERA_FAULTS)(rng), rng.choice((5.0, 40.0, 150.0))


_PLACES = ("", "/ledger/", "current.jsonl", ".part", ".marks", "manifest", "receipt", "checkpoints")


def _storm_args(rng: random.Random, plan: Plan) -> tuple[Any, ...]:
    calls = rng.choice((tuple(sorted(CHANGES)), tuple(sorted(SYNCS)), ("write_at",), ("read",), ("list_dir",),
                        ("create", "rename", "replace"), ("read_uncached", "open_uncached")))  # fmt: skip
    number = rng.choice((errno.EIO, errno.EIO, errno.ENOSPC, errno.EROFS, errno.EDQUOT))
    return calls, number, rng.choice((0.02, 0.2, 1.0)), rng.choice((0.5, 5.0, 40.0)), rng.choice(_PLACES)


_SPOTS = (
    *(("sync_data", "/state/ledger/"),) * 3, ("write_at", "/state/ledger/"), ("rename", "/state/ledger/"),
    ("sync_dir", "/state/ledger"), ("sync", "/checkpoints/"), ("rename", "/checkpoints/"), ("sync_dir", "/checkpoints"),
    ("sync", "/countersigned/"), ("sync_dir", "/countersigned"), ("sync", "/content."), ("sync_data", "/content."),
    ("write_at", "/content."), ("rename", "/content."), ("read_uncached", "/content."), ("sync", "/manifest."),
    ("sync", "/receipt."), ("replace", "/receipt."), ("sync_dir", "/vault/"), ("sync_dir", "/vault/"),
)  # fmt: skip
_FAR_SPOTS = (
    ("sync", "/store/"), ("sync_dir", "/store/"), ("rename", "/store/"), ("replace", "/store/"),
    ("sync", "intake.json"), ("replace", "/home/receipts/"),
    ("sync", "/home/"), ("sync_dir", "/home/"), ("rename", "/home/"),
)  # fmt: skip
"""Calls and paths at which a single failure matters, or a cut right before."""


def _disk_fault_args(rng: random.Random, plan: Plan) -> tuple[Any, ...]:
    centre = rng.random() < 0.3
    number = rng.choice((errno.EIO, errno.EIO, errno.EIO, errno.ENOSPC, errno.EROFS))
    spot, skip = rng.choice(_FAR_SPOTS if centre else _SPOTS), rng.choice((0, rng.randint(0, 8)))
    return spot, number, skip, rng.randint(1, 3), centre


def _spot_args(rng: random.Random, plan: Plan) -> tuple[Any, ...]:
    centre = rng.random() < 0.3
    spot = rng.choice(_FAR_SPOTS if centre else [spot for spot in _SPOTS if spot[0] in CHANGES])
    return spot, rng.choice((0, rng.randint(0, 8))), rng.choice((0.5, 10.0)), centre


def _far_storm_args(rng: random.Random, plan: Plan) -> tuple[Any, ...]:
    calls, number, chance, seconds, _ = _storm_args(rng, plan)
    return calls, number, chance, seconds


_NET = ("gone", "busy", "full", "refused", "login", "late", "stall")


def _verb_args(rng: random.Random, plan: Plan) -> tuple[Any, ...]:
    serial = _camera(rng, plan)
    return rng.choice(
        (
            ("taras", "reload", {}),
            ("daria", "rebuild", {}),
            ("iryna", "status", {}),
            ("iryna", "slots", {}),
            ("iryna", "alerts", {}),
            ("iryna", "camera list", {}),
            ("iryna", "officer list", {}),
            ("iryna", "log", {"camera": serial}),
            ("iryna", "log", {"person": "olena", "limit": 5}),
            ("iryna", "prove", {"recording": f"{rng.randrange(256):02x}00"}),
            ("iryna", "clock confirm", {}),
            ("daria", "officer revoke", {"person": "petro", "reason": "left"}),
            ("daria", "officer add", {
                "person": "oksana", "name": "Оксана", "kind": "desfire-id", "uid": "04a1b2c3d4e577",
                "valid_until": people.at(24.0), "appointment": "18-к",
            }),
            ("olena", "status", {}),
            ("taras", "officer list", {}),
        )
    )  # fmt: skip


def _none(rng: random.Random, plan: Plan) -> tuple[Any, ...]:
    return ()


ACTS: Mapping[str, Kind] = MappingProxyType(
    {
        "insert": Kind(_insert, lambda r, p: (_camera(r, p),), 8, fault=False),
        "shift": Kind(
            _shift,
            lambda r, p: (
                r.randrange(2), r.choice((0.1, 0.5, 2.0)), tuple(clip_size(r) for _ in range(r.randint(1, 3))),
            ),
            16,
            fault=False,
        ),
        "tap": Kind(
            _tap,
            lambda r, p: (r.choice((*(s.badge for s in people.STAFF), STRANGER)),),
            8,
            fault=False,
        ),
        "tear": Kind(_tear, lambda r, p: (_slot(r, p), r.choice((0.3, 2.0, 30.0))), 5),
        "wobble": Kind(_wobble, lambda r, p: (_slot(r, p), r.randint(1, 6), r.choice((0.05, 0.5, 3.0))), 4),
        "camera-fault": Kind(_camera_fault, _camera_fault_args, 12),
        "camera-clock": Kind(
            _camera_clock, lambda r, p: (_camera(r, p), r.choice((-3600.0, -5.0, 4.0, 1e8))), 2
        ),
        "battery": Kind(_battery, lambda r, p: (_camera(r, p), r.choice((5.0, 30.0, 99.0))), 2),
        "grow": Kind(_grow, lambda r, p: (_camera(r, p), clip_size(r)), 4),
        "alter": Kind(_alter, lambda r, p: (_camera(r, p), r.random()), 2),
        "stray-file": Kind(_stray_file, lambda r, p: (_camera(r, p),), 1),
        "unplug-line": Kind(
            _unplug_line, lambda r, p: (r.choice(LINES), r.choice((0.5, 10.0, 60.0))), 4
        ),
        "bad-cable": Kind(
            _bad_cable, lambda r, p: (r.choice(LINES), r.randrange(1, len(CABLES)), r.choice((5.0, 40.0))), 4
        ),
        "dock-restart": Kind(_dock_restarts, lambda r, p: (r.random() < 0.5,), 3),
        "dock-fault": Kind(_dock_fault, lambda r, p: (_slot(r, p), r.choice((1, 2, 4, 32))), 2),
        "chatter": Kind(_chatter, lambda r, p: (_slot(r, p),), 2),
        "power-cut": Kind(
            _power_cut, lambda r, p: (r.choice((0.5, 5.0, 120.0)), r.random() < 0.5), 8
        ),
        "cut-at-call": Kind(
            _cut_at_call, lambda r, p: (r.choice((r.randint(0, 12), r.randint(0, 120))), r.choice((0.5, 10.0))), 14
        ),
        "cut-at-spot": Kind(_cut_at_spot, _spot_args, 12),
        "cut-at-await": Kind(
            _cut_at_await,
            lambda r, p: (r.choice((r.randint(0, 40), r.randint(0, 1500))), r.choice((0.5, 10.0))),
            12,
        ),
        "in-mid-copy": Kind(
            _in_mid_copy,
            lambda r, p: (r.choice(("tear", "tear", "power-cut", "power-cut", "kill", "stop")), r.randint(1, 30_000)),
            10,
        ),
        "kill": Kind(_kill, lambda r, p: (r.choice(("edged", "edged", "edged-sync", "intake")),), 5),
        "stop": Kind(_stop, lambda r, p: (r.choice(("edged", "edged-sync")),), 3, fault=False),
        "disk-storm": Kind(_disk_storm, _storm_args, 10),
        "disk-fault": Kind(_disk_fault, _disk_fault_args, 14),
        "slow-disk": Kind(_slow_disk, lambda r, p: (r.choice((0.1, 1.0, 5.0)), r.choice((10.0, 60.0))), 3),
        "full-disk": Kind(
            _full_disk, lambda r, p: (r.choice((0, 5_000, 100_000, 10_000_000)), r.choice((20.0, 80.0))), 3
        ),
        "bit-flip": Kind(_bit_flip, lambda r, p: (r.random(),), 2),
        "bad-writes": Kind(_bad_writes, lambda r, p: (r.randint(1, 4),), 3),
        "net-down": Kind(_net_down, lambda r, p: (r.choice((5.0, 60.0, 240.0)),), 4),
        "net-weather": Kind(
            _net_weather,
            lambda r, p: (r.choice(_NET), r.choice((0.01, 0.1, 0.5)), r.choice((20.0, 80.0))),
            8,
        ),
        "cannot-sync": Kind(_cannot_sync, lambda r, p: (r.choice((60.0, 150.0)),), 1),
        "centre-cut": Kind(_centre_cut, lambda r, p: (r.randint(0, 40), r.choice((2.0, 60.0))), 6),
        "centre-storm": Kind(_centre_storm, _far_storm_args, 4),
        "centre-forgets": Kind(_centre_forgets, lambda r, p: (r.random(),), 2),
        "centre-truncates": Kind(_centre_truncates, lambda r, p: (r.random(),), 2),
        "forged-receipt": Kind(_forged_receipt, lambda r, p: (r.random(), r.random() < 0.5), 3),
        "forged-countersignature": Kind(_forged_countersignature, _none, 2),
        "clock-step": Kind(_clock_step, lambda r, p: (r.choice((-3600.0, -1.0, 30.0, 7200.0)),), 3),
        "clock-unknown": Kind(_clock_class, lambda r, p: (r.choice((30.0, 120.0)),), 2),
        "verb": Kind(_verb, _verb_args, 8, fault=False),
        "prove": Kind(_prove, lambda r, p: (r.random(),), 3, fault=False),
        "works": Kind(_works, lambda r, p: (_camera(r, p), r.choice((20.0, 80.0))), 2, fault=False),
        "quarantine": Kind(_quarantine, lambda r, p: (_camera(r, p), r.choice((20.0, 80.0))), 2, fault=False),
        "roster": Kind(_roster, lambda r, p: (r.randint(1, 4),), 1, fault=False),
        "open-slot": Kind(_open_slot, lambda r, p: (_slot(r, p),), 2, fault=False),
    }
)  # fmt: skip

RESTING = (State.HOLDING, State.READY)
