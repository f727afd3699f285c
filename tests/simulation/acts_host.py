"""What happens to the host: power, processes, disks, clocks."""

import asyncio
import hashlib

from tests.simulation import acts_slots
from tests.simulation.site import Site
from tests.simulation.weather import Storm
from tests.world.world import VAULT

# --- power and processes ------------------------------------------------------------------------------


async def power_cut(site: Site, off_s: float, with_dock: bool) -> None:
    site.off_s = off_s
    site.cuts["at a time"] += 1
    if with_dock:
        site.dock.lose_power()
    site.halt()


async def cut_at_call(site: Site, calls: int, off_s: float) -> None:
    site.off_s = off_s
    site.cuts["at a call of the file system"] += 1
    site.disk.cut_at, site.disk.cut_in = None, calls


async def cut_at_spot(site: Site, spot: tuple[str, str], nth: int, off_s: float, centre: bool) -> None:
    """The power goes before the n-th such call."""
    disk = site.far_disk if centre else site.disk
    if centre:
        site.far_off_s = off_s
    else:
        site.off_s = off_s
        site.cuts["at a spot"] += 1
    disk.cut_at, disk.cut_in = spot, nth


async def cut_at_await(site: Site, turns: int, off_s: float) -> None:
    site.off_s = off_s
    site.cuts["at an await"] += 1
    site.cut_turn = site.sim_loop.turns + turns


async def kill(site: Site, name: str) -> None:
    site.cuts[f"SIGKILL {name}"] += 1
    site.kill(name)


async def stop(site: Site, name: str) -> None:
    site.terminate(name)


async def in_mid_copy(site: Site, what: str, least: int) -> None:
    """Waits until a copy has got so far; then the camera is torn out, the power goes, or the daemon ends."""
    slot = await site.moment(lambda: acts_slots.copying(site, least), acts_slots.COPY_S, 0.3)
    if slot is None:
        return
    site.trace("in mid-copy", what=what, slot=slot)
    match what:
        case "tear":
            await acts_slots.tear(site, slot, 2.0)
        case "power-cut":
            await power_cut(site, 0.5, with_dock=False)
        case "kill":
            await kill(site, "edged")
        case _:
            await stop(site, "edged")


# --- disk ---------------------------------------------------------------------------------------------


async def disk_storm(
    site: Site, calls: tuple[str, ...], number: int, chance: float, seconds: float, path: str
) -> None:
    until = site.loop.time() + seconds
    site.disk.storms.append(Storm(until, frozenset(calls), number, chance, path))
    await asyncio.sleep(seconds)
    site.disk.pass_on()


async def disk_fault(
    site: Site, spot: tuple[str, str], number: int, skip: int, times: int, centre: bool
) -> None:
    """So many calls fail for certain, after so many that do not; a storm is over before anybody asks for a sync."""
    site.faults["centre-fault" if centre else "disk-fault"] += 1
    call, path = spot
    (site.far if centre else site.fs).fail(call, number, path=path, skip=skip, times=times)


async def slow_disk(site: Site, most_s: float, seconds: float) -> None:
    site.faults["disk-slow"] += 1
    site.sim_loop.thread_s = (0.0, most_s)
    await asyncio.sleep(seconds)
    site.sim_loop.thread_s = (0.0, 0.002)


async def full_disk(site: Site, left: int, seconds: float) -> None:
    site.faults["disk-full"] += 1
    whole, site.fs.capacity = site.fs.capacity, site.fs.used() + left
    await asyncio.sleep(seconds)
    site.fs.capacity = max(whole, site.fs.capacity)


async def bad_writes(site: Site, many: int) -> None:
    """The medium does not hold what it was given, and nobody says so."""
    site.disk.spoils = many


def sealed_files(site: Site) -> dict[str, bytes]:
    """What lies under final names in the vault, for certain."""
    every = site.fs.durable(f"{VAULT}/recordings").items()
    return {p: data for p, data in every if "/content." in p and not p.endswith((".part", ".marks", ".bad"))}


async def bit_flip(site: Site, place: float) -> None:
    """One bit of one sealed recording turns over, silently. Not where the vault holds the only copy, because of a
    decision or because somebody has altered the clip on its card: that no code can make good."""
    sealed = sorted(set(sealed_files(site)) - set(site.flipped))  # of those it is known what they were
    if sealed and "decision" not in site.plan.config:
        path = sealed[int(place * len(sealed)) % len(sealed)]
        whole = hashlib.sha256(site.fs.durable(path.rpartition("/")[0])[path]).hexdigest()
        if whole not in site.altered and site.fs.flip(path, int(place * 1_000_003)):
            site.faults["bit-flip"] += 1
            site.trace("a bit turns over", path=path)
            site.flipped[path] = whole


# --- clock --------------------------------------------------------------------------------------------


async def clock_step(site: Site, seconds: float) -> None:
    site.faults["clock-step"] += 1
    site.clock.off_s += seconds


async def clock_class(site: Site, seconds: float) -> None:
    """Nobody vouches for the host's clock for a while."""
    site.faults["clock-unknown"] += 1
    site.clock.unknown()
    await asyncio.sleep(seconds)
    site.clock.synchronised()
