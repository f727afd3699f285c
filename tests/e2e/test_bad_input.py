"""Bad input against the real processes: each has a clear error, and nothing is lost."""

import asyncio
import hashlib
import os
import subprocess
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest

from demo.site import CameraEntry
from edged.cli.output import EXIT_REFUSED
from firmware_protocol.dock.messages import Latch
from simulators.cards import Card
from simulators.pty import PtyPort
from tests.drivers.fat.surgery import Exfat, Fat
from tests.e2e import places
from tests.e2e.places import CHIEF, GAT, MIB, MSC, OFFICER, OTHER, PERSONS, REVOKED, QuickSite, clip
from tests.patience import PATIENCE_S

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]  # of a busy machine; alone each needs a tenth

NOON = datetime(2026, 11, 22, 12, 0, 0)  # noqa: DTZ001  # cards have no zone


async def no_good_byte_is_missing(site: QuickSite, wanted: Sequence[str]) -> None:
    """Each of the wanted hashes is sealed in the vault once, and stands in the ledger once."""
    sealed = Counter(line["data"]["sha256"] for line in await site.facts("recording.sealed"))
    stored = Counter(places.sealed_files(site.vault).values())
    for sha in wanted:
        assert (sealed[sha], stored[sha]) == (1, 1)


# --- serial lines -------------------------------------------------------------------------------------


async def noise(line: PtyPort, data: bytes, least: int) -> int:
    """Put bytes on a line from the device's side until at least so many went through."""
    sent = 0
    async with asyncio.timeout(PATIENCE_S):
        while sent < least:
            master = line._master
            if master is None:
                await asyncio.sleep(0.01)
                continue
            with suppress(BlockingIOError, OSError):
                sent += os.write(master, data)
            await asyncio.sleep(0)
    return sent


NOISE = {
    "random": os.urandom(4096),
    "one megabyte without a delimiter": b"U" * 4096,
    "delimiters only": b"\0" * 4096,
}


@pytest.mark.fault("D01", "noise on the serial lines while a shift runs opens no lock and is survived")
async def test_noise_on_both_lines_opens_nothing_and_the_shift_goes_on() -> None:
    async with places.commissioned() as site:
        await places.in_service(site)
        await places.add_gat(site)
        await site.world.record("cam-1", clip(1, 3_000_000))
        await site.world.insert("cam-1", 1)
        await site.until_slot(1, "ready")
        before = _memory(site)
        opened = {n for n, slot in site.world.dock.slots.items() if slot.latch is Latch.OPEN}
        for data in NOISE.values():
            for line in site.world.lines.values():
                await noise(line, data, 1_000_000 if data[0] == ord("U") else 100_000)
                assert {n for n, slot in site.world.dock.slots.items() if slot.latch is Latch.OPEN} == opened
        await site.until("dock and reader are back", lambda: _connected(site), within_s=30)
        assert _memory(site) < before + 30 * MIB
        assert "EDG-9001" not in site.procs["edged"].log.read_text()  # noise is no defect of ours
        assert not await site.facts("camera.granted")
        await site.until("an officer gets the camera", lambda: _taken(site), within_s=30)
        await site.until("the issue is a fact", lambda: site.facts("camera.issued"))
        await no_good_byte_is_missing(site, places.truth(site))


async def _connected(site: QuickSite) -> bool:
    status = await site.call("status")
    return all(x["connected"] for x in (*status["docks"], *status["readers"]))


async def _taken(site: QuickSite) -> bool:
    site.world.tap(OFFICER.badge)
    try:
        await site.world.take(1, within_s=3)
    except TimeoutError:
        return False
    return True


def _memory(site: QuickSite) -> int:
    pid = site.procs["edged"].process.pid
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


# --- cameras and cards --------------------------------------------------------------------------------


@pytest.mark.fault(
    "U06", "two cameras with one serial are both copied, neither is issued nor cleared, and it is told"
)
async def test_two_cameras_with_one_serial_are_copied_and_kept() -> None:
    async with places.commissioned() as site:
        await site.start()
        await places.vouch(site)
        for slot, name in ((1, "cam-1"), (2, "cam-2")):
            await places.add_gat(site, name, GAT.serial, usb_serial=f"USB-{slot}")
            await site.world.record(name, clip(slot))
            await site.world.insert(name, slot)
        await places.counted(site, "confirmed", 2)
        await places.alert(site, "camera-twin")
        for slot in (1, 2):
            await site.until_slot(slot, "unknown", "quarantine")
        site.world.tap(OFFICER.badge)
        await site.until("it is refused", lambda: site.facts("badge.refused"))
        assert not await site.facts("clear.started")
        assert all(site.world.card(name).files() for name in site.world.cameras)
        await no_good_byte_is_missing(site, places.truth(site))


@pytest.mark.fault(
    "U07", "a camera without a serial and one that nobody listed are copied, never cleared, never issued"
)
async def test_an_unknown_and_a_nameless_camera_are_copied_and_kept() -> None:
    async with places.commissioned([CameraEntry(serial="X1", inventory="1", driver="msc")]) as site:
        await site.start()
        await places.vouch(site)
        await places.add_gat(site, "cam-1", "KB99999")
        await places.add_msc(site, "cam-2", "")
        for slot, name in ((1, "cam-1"), (2, "cam-2")):
            await site.world.record(name, clip(slot))
            await site.world.insert(name, slot)
        await places.counted(site, "confirmed", 2)
        await places.alert(site, "camera-unknown:KB99999")
        await places.alert(site, "camera-unidentified:2")
        site.world.tap(OFFICER.badge)
        await site.until("it is refused", lambda: site.facts("badge.refused"))
        assert not await site.facts("clear.started")
        assert all(site.world.card(name).files() for name in site.world.cameras)
        await no_good_byte_is_missing(site, places.truth(site))


HOSTILE_NAMES = (
    "../../etc/passwd.mp4",
    "-rf.MP4",
    "a\x1b[31m\nb.MP4",
    "\u202egpj.MP4",
    "CON.MP4",
    "x" * 200 + ".MP4",
)


LATIN = clip(7, 200_000)


def hostile_fat(path: Path) -> list[str]:
    """A FAT card with good files under bad names, a loop, and a chain that ends early. Hashes of the good."""
    card = Card.open(path)
    for number, name in enumerate(HOSTILE_NAMES):
        card.add(f"DCIM/{name.replace('/', chr(0x2215))}", clip(100 + number, 50_000), NOON)
    good = [file.sha256 for file in card.files()]
    for name in ("LOOP.MP4", "SHORT.MP4", "LATIN.MP4"):
        card.add(name, LATIN, NOON)
    image = bytearray(path.read_bytes())
    fat = Fat(image)
    start = fat.first(b"LOOP    MP4")
    fat.link(start + 1, start)
    fat.set_size(b"SHORT   MP4", 0xFFFF_FFFF)  # the largest there is; its chain has 200,000 bytes
    at = fat.record(b"LATIN   MP4")
    image[at : at + 5] = b"\xff\xfe\x81\x8d\x90"  # no code page agrees on these
    path.write_bytes(image)
    return good


def hostile_exfat(path: Path) -> list[str]:
    """An exFAT card where one entry claims 2^40 bytes, beside a good file."""
    card = Card.open(path)
    card.add("DCIM/GOOD.MP4", clip(200, 80_000), NOON)
    good = [file.sha256 for file in card.files()]
    card.add("DCIM/HUGE.MP4", clip(201, 80_000), NOON)
    image = bytearray(path.read_bytes())
    exfat = Exfat(image)
    exfat.patch("HUGE.MP4", 32 + 8, "<Q", 1 << 40)  # valid data length
    exfat.patch("HUGE.MP4", 32 + 24, "<Q", 1 << 40)  # data length
    path.write_bytes(image)
    return good


@pytest.mark.fault(
    "M02", "chains that loop or end early cost only their own file: the others are sealed, none is cleared"
)
@pytest.mark.fault(
    "M04", "hostile names reach neither a path of the vault nor a terminal; the claim stays in the ledger"
)
@pytest.mark.fault("U13", "a size that cannot be is refused without filling the disk")
async def test_hostile_cards_cost_only_what_is_spoilt_on_them() -> None:
    cameras = (CameraEntry(serial="MSC00001", inventory="1", driver="msc"), MSC)
    async with places.commissioned(cameras) as site:
        await site.start()
        await places.vouch(site)
        await places.add_msc(site, "cam-1", "MSC00001", filesystem="fat32")
        await places.add_msc(site, "cam-2", MSC.serial, filesystem="exfat")
        wanted = await asyncio.to_thread(hostile_fat, site.world.paths.card("cam-1"))
        wanted += await asyncio.to_thread(hostile_exfat, site.world.paths.card("cam-2"))
        wanted.append(hashlib.sha256(LATIN).hexdigest())  # only its name is spoilt
        images = {n: site.world.paths.card(n).read_bytes() for n in site.world.cameras}
        for slot in (1, 2):
            await site.world.insert(f"cam-{slot}", slot)
        await places.counted(site, "confirmed", len(wanted))
        for camera in ("MSC00001", MSC.serial):
            await places.alert(site, f"camera-filesystem:{camera}")
        await no_good_byte_is_missing(site, wanted)
        # What can be read of a spoilt one is kept as DAMAGED, with its gaps; it never passes for whole.
        whole = [x["data"] for x in await site.facts("recording.sealed") if not x["data"]["gaps"]]
        assert Counter(x["sha256"] for x in whole) == Counter(wanted)
        assert not any(row["code"] == "E5001" for row in await site.call("alerts"))
        assert not await site.facts("clear.started")
        assert {n: site.world.paths.card(n).read_bytes() for n in site.world.cameras} == images
        await _names_are_claims_only(site)


async def _names_are_claims_only(site: QuickSite) -> None:
    stored = [str(p.relative_to(site.vault)) for p in site.vault.rglob("*")]
    stored += [str(p.relative_to(site.store)) for p in site.store.rglob("*")]
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-./") for name in stored), stored
    paths = [line["data"]["path"] for line in await site.facts("recording.sealed")]
    assert any("passwd" in path for path in paths)
    for words in (("log",), ("--json", "log"), ("alerts",), ("--json", "alerts")):
        _, out, _ = await site.ask(*words)
        assert all(c.isprintable() or c == "\n" for c in out)
    for proc in site.procs.values():
        text = proc.log.read_text()
        assert all(c.isprintable() or c == "\n" for c in text), proc.name
        assert "Traceback" not in text


# --- papers -------------------------------------------------------------------------------------------


@pytest.mark.fault(
    "V05", "what is dropped into the inbox and does not hold confirms nothing, and the true receipt counts"
)
@pytest.mark.fault(
    "T19", "whoever can write to the inbox can neither have a camera cleared nor stop the station"
)
async def test_forged_receipts_confirm_nothing_and_the_true_ones_still_count() -> None:
    async with places.commissioned() as site:
        await places.in_service(site)
        await places.add_gat(site)
        for seed in (1, 2, 3):
            await site.world.record("cam-1", clip(seed))
        await site.world.insert("cam-1", 1)
        await places.counted(site, "sealed", 3)
        found = [line["data"]["recording"] for line in await site.facts("recording.sealed")]
        receipts = site.folder / "inbox" / "receipts"
        (receipts / "checkpoints").mkdir(parents=True)
        manifest = next((site.vault / "recordings").rglob(f"{found[0]}/manifest.note")).read_bytes()
        (receipts / f"{found[0]}.note").write_bytes(manifest)  # genuine, signed by the wrong one
        (receipts / f"{found[1]}.note").write_bytes(os.urandom(1 << 20))
        os.mkfifo(receipts / f"{found[2]}.note")  # a reader would wait for ever
        (receipts / "checkpoints" / "000000000005.note").write_bytes(b"\xff" * 1000)
        os.mkfifo(receipts / "checkpoints" / "000000000009.note")
        await places.alert(site, "receipt-bad")
        await places.alert(site, "countersignature-bad")
        assert (await site.call("status"))["recordings"]["confirmed"] == 0
        assert await site.facts("receipt.refused")
        await asyncio.to_thread(_sweep, receipts)
        await site.start_intake()
        await site.start_sync()
        await places.counted(site, "cleared", 3)
        assert not site.world.card("cam-1").files()
        await no_good_byte_is_missing(site, places.truth(site))


def _sweep(receipts: Path) -> None:
    """An administrator removes what does not belong there."""
    for path in [*receipts.glob("*.note"), *receipts.glob("checkpoints/*.note")]:
        path.unlink()


@pytest.mark.fault(
    "B13", "a roster that is spoilt or older changes nothing, is told, and the alert ends with a good one"
)
@pytest.mark.fault(
    "V13", "a list that was not signed by the authority gives nobody a right, whoever put it there"
)
async def test_a_bad_roster_changes_nothing_until_a_good_one_comes() -> None:
    async with places.commissioned() as site:
        await places.in_service(site)
        file = site.folder / "roster.note"
        first = file.read_bytes()
        await site.publish_roster(3, PERSONS)
        await _reloaded(site, 3)
        third = file.read_bytes()
        spoilt = third.replace(b'"revoked":{', b'"revoxed":{')
        assert spoilt != third
        for bad, code in ((first, "E4102"), (spoilt, "E4101"), (b"\xff" * 5000, "E4101"), (b"", "E4101")):
            file.write_bytes(bad)
            for _ in range(2):  # whoever asks again is told again; the fact and the alert come once
                status, _, err = await site.ask("reload")
                assert (status, code in err) == (EXIT_REFUSED, True), err
            assert (await site.call("status"))["roster_version"] == 3
            row = next(x for x in await site.call("alerts") if x["alert"] == "roster-invalid")
            assert row["code"] == code
            site.world.tap(REVOKED.badge)
            file.write_bytes(third)
            await _reloaded(site, 3)
            await places.alert(site, "roster-invalid", raised=False)
        reasons = {line["data"]["reason"] for line in await site.facts("badge.refused")}
        assert reasons <= {"revoked", "throttled"}
        await site.publish_roster(4, (OFFICER, CHIEF))
        await _reloaded(site, 4)
        site.world.tap(OTHER.badge)
        await site.until("who left the roster is a stranger", lambda: _refused(site, "unknown-badge"))
        assert len(await site.facts("roster.refused")) == 4


@pytest.mark.fault(
    "F01",
    "a configuration that is not in order is refused to whoever has it reloaded; a good roster is taken",
)
async def test_a_spoilt_configuration_is_told_at_reload_and_stops_no_list() -> None:
    async with places.commissioned() as site:
        await site.start()
        good = site.config.read_bytes()
        site.config.write_bytes(good.replace(b"[vault]", b"[vauld]"))
        await site.publish_roster(2, PERSONS)
        status, _, err = await site.ask("--socket", site.socket, "reload")
        assert (status, "E4001" in err, "vauld" in err) == (EXIT_REFUSED, True, True)
        assert (await site.call("status"))["roster_version"] == 2
        site.config.write_bytes(good)
        await _reloaded(site, 2)


async def _reloaded(site: QuickSite, version: int) -> None:
    assert (await site.edgectl_json("reload"))["roster_version"] == version


async def _refused(site: QuickSite, reason: str) -> bool:
    return any(line["data"]["reason"] == reason for line in await site.facts("badge.refused"))


# --- a full disk --------------------------------------------------------------------------------------


class SmallDisk:
    """The vault lies on a small ext4 of its own, which somebody has filled."""

    reserve = 1_000_000

    def __init__(self, site: QuickSite) -> None:
        self._site, self._filler = site, site.vault / "filler"

    def __enter__(self) -> "SmallDisk":
        image, place = self._site.folder / "disk.img", self._site.vault
        with image.open("wb") as file:
            file.truncate(64 * MIB)
        place.mkdir()
        _as_root("mkfs.ext4", "-q", "-m", "0", str(image))
        _as_root("mount", "-o", "loop", str(image), str(place))
        with self._filler.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(bytes(MIB)):
                pass
            raise AssertionError("it is never full")
        return self

    async def end(self) -> None:
        self._filler.unlink()

    def __exit__(self, *_: object) -> None:
        _as_root("umount", "--lazy", str(self._site.vault))


class LargeReserve:
    """The configuration keeps more free than the disk has: what a full disk is to a station, without a mount."""

    reserve = 10**12

    def __init__(self, site: QuickSite) -> None:
        self._site = site

    def __enter__(self) -> "LargeReserve":
        return self

    async def end(self) -> None:
        file = self._site.config
        file.write_text(file.read_text().replace(str(self.reserve), str(SmallDisk.reserve)))
        assert await self._site.procs["edged"].end() == 0
        await places.in_service(self._site)

    def __exit__(self, *_: object) -> None: ...


def _as_root(*words: str) -> None:
    subprocess.run(words, check=True, env={"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"}, capture_output=True)


SHORTAGES: list[type[SmallDisk | LargeReserve]] = [LargeReserve]
if os.geteuid() == 0 and Path("/dev/loop-control").exists():
    SHORTAGES.append(SmallDisk)


@pytest.mark.fault(
    "K01", "a full disk stops new offloads by name; the cameras keep theirs; with space it goes on"
)
@pytest.mark.parametrize("shortage", SHORTAGES)
async def test_a_full_vault_loses_nothing_and_goes_on_when_there_is_space(
    shortage: type[SmallDisk | LargeReserve],
) -> None:
    async with places.new_site() as site:
        with shortage(site) as short:
            more = {"vault_more": f"reserve_bytes = {short.reserve}\nhigh_water = 80\n"}
            await site.commission(PERSONS, places.ENTRIES, places.SETTINGS | more)
            await places.in_service(site)
            await places.add_gat(site)
            for seed in (1, 2):
                await site.world.record("cam-1", clip(seed, 4 * MIB))
            await site.world.insert("cam-1", 1)
            await site.until("the full disk is told", lambda: _told(site, "E5001"))
            await site.until("the attempt has its end", lambda: _at_rest(site))
            assert (await site.call("status"))["recordings"]["sealed"] == 0
            assert len(site.world.card("cam-1").files()) == 2
            site.world.tap(OFFICER.badge)
            await site.until("a camera with recordings stays", lambda: site.facts("badge.refused"))
            await short.end()
            await places.counted(site, "sealed", 2)
            await site.until("no alert is left", lambda: _told(site, "E5001", told=False))
            await no_good_byte_is_missing(site, places.truth(site))
            await site.stop()


async def _told(site: QuickSite, code: str, *, told: bool = True) -> bool:
    return any(row["code"] == code for row in await site.call("alerts")) is told


async def _at_rest(site: QuickSite) -> bool:
    return bool((await site.slot(1))["state"] == "holding")
