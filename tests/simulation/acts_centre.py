"""What happens on the way to the centre and there, and what somebody puts into the inbox."""

import asyncio

from edged.formats import times
from edged.formats.manifest import open_manifest
from edged.formats.note import Signer
from edged.formats.receipt import receipt_for, sign_receipt
from tests.simulation.site import HOME, Site
from tests.simulation.weather import Storm
from tests.world.world import CENTRE, INBOX, STATE, STATION_KEY, VAULT

IMPOSTOR = Signer.from_seed(CENTRE.name, b"i" * 32)


async def net_down(site: Site, seconds: float) -> None:
    site.faults["net-outage"] += 1
    site.net.up = False
    await asyncio.sleep(seconds)
    site.net.up = True


async def net_weather(site: Site, kind: str, chance: float, seconds: float) -> None:
    site.net.chances[kind] = chance
    await asyncio.sleep(seconds)
    site.net.chances.pop(kind, None)


async def cannot_sync(site: Site, seconds: float) -> None:
    site.faults["centre-without-sync"] += 1
    site.net.cannot_sync = True
    await asyncio.sleep(seconds)
    site.net.cannot_sync = False


async def centre_cut(site: Site, calls: int, off_s: float) -> None:
    site.far_off_s = off_s
    site.far_disk.cut_at, site.far_disk.cut_in = None, calls


async def centre_storm(
    site: Site, calls: tuple[str, ...], number: int, chance: float, seconds: float, path: str = ""
) -> None:
    until = site.loop.time() + seconds
    site.far_disk.storms.append(Storm(until, frozenset(calls), number, chance, path))
    await asyncio.sleep(seconds)
    site.far_disk.pass_on()


async def centre_forgets(site: Site, place: float) -> None:
    """It took a file and said that it was synced, and has it no more."""
    there = await site.moment(lambda: _delivered(site))
    if there is not None:
        path = there[int(place * len(there)) % len(there)]
        site.trace("the centre forgets", path=path)
        site.faults["centre-forgets"] += 1
        site.far.remove(path)


def _delivered(site: Site) -> list[str]:
    """What the centre's server has and its intake has not taken yet."""
    return sorted(p for p in site.far.files(f"{HOME}/recordings") if "/content." in p)


async def centre_truncates(site: Site, place: float) -> None:
    there = await site.moment(lambda: _delivered(site))
    if there is not None:
        path = there[int(place * len(there)) % len(there)]
        data = site.far.files(path.rpartition("/")[0])[path]
        site.trace("the centre cuts short", path=path)
        site.faults["centre-truncates"] += 1
        site.far.put(path, data[: len(data) // 2])


async def forged_receipt(site: Site, place: float, genuine: bool) -> None:
    """Somebody who can write into the inbox leaves a receipt that nobody signed, or one of another recording."""
    homes = await site.moment(lambda: _homes(site, genuine=genuine))
    if homes is not None:
        _forged(site, place, *homes)


def _homes(site: Site, *, genuine: bool) -> tuple[list[str], list[str]] | None:
    """Recordings that wait for a receipt, and if a genuine one is wanted, those that have one."""
    files = site.fs.files(f"{VAULT}/recordings")
    homes = sorted(p.removesuffix("/manifest.note") for p in files if p.endswith("/manifest.note"))
    answered = [home for home in homes if f"{home}/receipt.note" in files]
    waiting = [home for home in homes if home not in answered]
    if not waiting or (genuine and not answered):
        return None
    return waiting, answered if genuine else []


def _forged(site: Site, place: float, waiting: list[str], answered: list[str]) -> None:
    files = site.fs.files(f"{VAULT}/recordings")
    home = waiting[int(place * len(waiting))]
    if answered:
        note = files[f"{answered[int(place * len(answered))]}/receipt.note"]
    else:
        manifest = open_manifest(files[f"{home}/manifest.note"], STATION_KEY.verifier)
        placed_at = times.format_ns(site.time.wall_ns())
        receipt = receipt_for(manifest, server="centre-1", server_level="local", placed_at=placed_at)
        note = sign_receipt(receipt, IMPOSTOR)
    site.faults["forged-receipt"] += 1
    site.fs.put(f"{INBOX}/receipts/{home.rpartition('/')[2]}.note", note)


async def forged_countersignature(site: Site) -> None:
    """Somebody who can write into the inbox leaves the station's own checkpoint there as if it were countersigned."""
    folder = f"{STATE}/ledger/checkpoints"
    notes = [path for path in site.fs.files(folder) if path.endswith(".note")]
    if notes:
        newest = max(notes)
        site.faults["forged-countersignature"] += 1
        name = newest.rpartition("/")[2]
        site.fs.put(f"{INBOX}/receipts/checkpoints/{name}", site.fs.files(folder)[newest])
