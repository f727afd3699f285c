"""The shift that is played: officers, refusals, faults. Each step waits for what it causes, never for time."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from demo.clips import unlike_any_other
from demo.screen import Screen
from demo.site import CameraEntry, Site, Someone, me
from simulators.cards import Filesystem
from simulators.faults import NO_FAULTS, UsbFaults
from simulators.usb.spec import CameraSpec

GIB = 1 << 30
BIG = 64 * 1024 * 1024
USB2_BYTES_PER_S = 20_000_000  # a usual card on a shared USB 2.0 bus
OFFICERS = (
    Someone("UA0001", "Олена Іваненко", "04a1b2c3d4e501"),
    Someone("UA0002", "Андрій Шевчук", "04a1b2c3d4e502"),
    Someone("UA0003", "Ірина Ґудзь", "04a1b2c3d4e503"),
    Someone("UA0004", "Юрій Єфименко", "04a1b2c3d4e504"),
    Someone("UA0005", "Марія Їжак", "04a1b2c3d4e505"),
)
REVOKED = Someone("UA0009", "Колишній Інспектор", "04a1b2c3d4e509", revoked=True)
RESPONSIBLE = "04a1b2c3d4e5a1"
STRANGER = "04deadbeef0001"

# name, kind, serial, charge, clock offset in seconds, card size, file system
CAMERAS: tuple[tuple[str, str, str, float, float, int, Filesystem], ...] = (
    ("cam-1", "gat947", "KB00001", 95, 0, 64 * GIB, "fat32"),
    ("cam-2", "gat947", "KB00002", 92, 420, 64 * GIB, "exfat"),
    ("cam-3", "gat947", "KB00003", 97, 0, 64 * GIB, "exfat"),
    ("cam-4", "gat947", "KB00004", 12, 0, 64 * GIB, "fat32"),
    ("cam-5", "gat947", "KB00005", 98, 0, 8 * GIB, "fat32"),
    ("cam-6", "gat947", "KB00006", 99, 0, 64 * GIB, "exfat"),
    ("cam-7", "msc", "MSC00007", 100, 0, 64 * GIB, "exfat"),
    ("cam-8", "msc", "MSC00008", 100, 0, 64 * GIB, "fat32"),
)


def persons() -> tuple[Someone, ...]:
    """The roster: officers, one of them revoked, and the responsible person, who has this unix account."""
    responsible = Someone(
        "UA0100", "Відповідальна Особа", RESPONSIBLE, ("responsible", "technician", "account_admin"), me()
    )
    return (*OFFICERS, REVOKED, responsible)


def cameras() -> tuple[CameraEntry, ...]:
    return tuple(
        CameraEntry(serial=serial, inventory=f"10480{n}", driver=kind)
        for n, (_, kind, serial, *_) in enumerate(CAMERAS, 1)
    )


class Shift:
    """Plays the shift on an open site; every method is one scene."""

    def __init__(self, site: Site, screen: Screen, clips: dict[str, Path]) -> None:
        self.site, self.world, self.say = site, site.world, screen.say
        self._clips, self._films = clips, site.folder / "films"
        self._films.mkdir(exist_ok=True)
        self._number = 0
        self.expected_refusals = 0
        self.out: dict[str, str] = {}  # camera → officer

    # --- scenes -------------------------------------------------------------------------------------

    async def prepare(self) -> None:
        for name, kind, serial, charge, offset, size, filesystem in CAMERAS:
            gat = kind == "gat947"
            spec = CameraSpec(
                name=name,
                kind=kind,
                serial=serial if gat else "",
                usb_serial=serial if not gat else f"BWC-{serial}",
                battery=charge,
                clock_offset_s=offset,
                form=94 if name in {"cam-2", "cam-6"} else 89,
                reenumerate_s=0.3,
            )
            await self.world.add(spec, filesystem=filesystem, size_bytes=size)
        await self.record("cam-5", "walk")
        await self.record("cam-4", "short")

    async def morning(self) -> None:
        """All cameras come into the dock; what is not ready says why."""
        status = await self.site.call("status")
        if status["clock"]["class"] == "unknown":
            await self.edgectl("clock", "confirm")
        await self.edgectl(
            "camera", "works", "KB00006", "--reason", "заміна кріплення, лист 12 від 20.11.2026"
        )
        for slot in range(1, 9):
            await self.world.insert(f"cam-{slot}", slot)
        self.say("eight cameras are pushed into the dock")
        await asyncio.gather(
            *(self.site.until_slot(n, "ready", within_s=45) for n in (1, 2, 3, 7, 8)),
            self._not_ready(4, "charge-low"),
            self._not_ready(5, "memory-low"),
            self.site.until_slot(6, "works", within_s=45),
        )
        measured = [x["data"] for x in await self.site.facts("clock") if x["data"].get("camera") == "KB00002"]
        first = next(x for x in measured if "after_correction" in x and not x["after_correction"])
        last = next(x for x in reversed(measured) if x.get("after_correction"))
        self.say(
            f"clock of KB00002: {first['offset_ms'] / 1000:+.1f} s measured, recorded, corrected, "
            f"now {last['offset_ms'] / 1000:+.1f} s"
        )
        self.say("not issued: 4 (12 % charge), 5 (no free memory), 6 (in works)")

    async def issue(self) -> None:
        """Officers take cameras; who may not is refused."""
        await self._refused(STRANGER, "a stranger's badge", "unknown-badge")
        await self._refused(REVOKED.badge, "a revoked badge", "revoked")
        for officer in OFFICERS[:3]:
            await self._take(officer)
        await self._refused(OFFICERS[0].badge, f"{OFFICERS[0].id} taps for a second camera", "holds-a-camera")
        for officer in OFFICERS[3:]:
            await self._take(officer)

    async def patrol(self) -> None:
        """Recordings are made; the camera of UA0001 makes a long one."""
        for camera, officer in self.out.items():
            kinds: Sequence[str] = ("short", "walk", "talk")
            if officer == OFFICERS[0].id:
                kinds = ("walk", "long", "short")
            for kind in kinds:
                await self.record(camera, kind)
        total = sum(made.size for made in self.world.truth())
        self.say(f"{len(self.world.truth())} recordings made, {total / 2**20:.0f} MiB")

    async def come_back(self) -> None:
        """Returns, one camera pulled in mid-copy, the daemon killed while it copies the long clip."""
        line = asyncio.create_task(self.trouble_on_the_line())
        long = self._camera_of(OFFICERS[0].id)
        other = self._camera_of(OFFICERS[1].id)
        # A slow card, so that there is a middle to be pulled in.
        await self.world.change(other, faults=UsbFaults(bytes_per_s=3_000_000))
        await self.world.insert(other, 2)
        await self._pull_in_mid_copy(other, 2)
        for slot, camera in zip((3, 7, 8), (c for c in self.out if c not in {long, other}), strict=True):
            await self.world.insert(camera, slot)
        await self.world.change(long, faults=UsbFaults(bytes_per_s=USB2_BYTES_PER_S))
        await self.world.insert(long, 1)
        self.say("all five cameras are back in the dock")
        await self._kill_in_mid_copy(1)
        await self._confirm_returns()
        await line

    async def trouble_on_the_line(self) -> None:
        """The line swallows the bytes of a running transfer for a while. Runs beside the returns."""
        traffic = self.site.proxy.traffic
        self.site.proxy.swallow(after=4 * 1024 * 1024)
        await self.site.until("the line swallows bytes", lambda: traffic.swallowed > 0, within_s=90)
        self.say("the line to the centre swallows the bytes of a running transfer")
        await asyncio.sleep(5)
        self.site.proxy.heal()
        self.say(f"the line is whole again; {traffic.swallowed} bytes had vanished")

    async def torn_out(self) -> None:
        """A camera is torn out of a locked slot: alarm and draft incident."""
        await self.site.until_slot(8, "ready", within_s=60)
        incidents = len(await self.site.facts("incident"))
        camera = await self.world.pull(8, force=True)
        await self.site.until_slot(8, "forced")
        await self.site.until(
            "an incident is drafted", lambda: self._more_than("incident", incidents), within_s=10
        )
        row = await self.site.slot(8)
        self.say(f"{camera} is torn out of slot 8: {row['colour']} {row['pattern']}, alarm, incident drafted")

    async def evening(self) -> None:
        """Everything that is in the dock gets delivered, confirmed and cleared."""
        made = len(self.world.truth())
        self.say("waiting until everything is delivered, confirmed and cleared")
        await self.site.until("all are confirmed", lambda: self._counted("confirmed", made), within_s=90)
        self.say(f"all {made} recordings are confirmed by the centre's receipts")
        await self.site.until("all are cleared", self._all_docked_cleared, within_s=90)

    # --- what people do -----------------------------------------------------------------------------

    async def edgectl(self, *words: str) -> None:
        status, out, err = await self.site.edgectl(*words)
        if status:
            raise RuntimeError(f"edgectl {' '.join(words)}: {err or out}")
        self.say(f"edgectl {' '.join(words)}")

    async def record(self, camera: str, kind: str) -> None:
        self._number += 1
        film = await asyncio.to_thread(unlike_any_other, self._clips[kind], self._films, self._number)
        await self.world.record(camera, film)
        film.unlink()  # the card has it

    async def _take(self, officer: Someone) -> None:
        self.world.tap(officer.badge)
        slot, camera = await self.world.take(within_s=10)
        self.out[camera] = officer.id
        await self.site.until_slot(slot, "empty")
        self.say(f"{officer.id} {officer.name} taps and takes {camera} from slot {slot}")

    async def _refused(self, badge: str, who: str, reason: str) -> None:
        before = len(await self.site.facts("badge.refused"))
        self.world.tap(badge)
        await self.site.until(f"{who} is refused", lambda: self._more_than("badge.refused", before))
        last = (await self.site.facts("badge.refused"))[-1]["data"]
        if last["reason"] != reason:
            raise RuntimeError(f"{who}: {last['reason']} where {reason} is due")
        self.expected_refusals += 1
        self.say(f"{who}: refused, {reason}")

    async def _confirm_returns(self) -> None:
        await self.site.until("returns wait", self._returns_wait)
        self.world.tap(RESPONSIBLE)
        await self.site.until("returns are confirmed", lambda: self._more_than("return.confirmed", 0))
        confirmed = (await self.site.facts("return.confirmed"))[-1]["data"]
        self.say(f"the responsible person's badge confirms {len(confirmed['issues'])} returns")

    async def _pull_in_mid_copy(self, camera: str, slot: int) -> None:
        await self.site.until(f"slot {slot} copies", lambda: self._copying(slot, 64 * 1024), within_s=40)
        await self.world.pull(slot, force=True)
        await self.site.until_slot(slot, "forced", "missing")
        self.say(f"{camera} is pulled out of slot {slot} in mid-copy …")
        await self.site.until("the copy has its outcome", lambda: self._more_than("offload.interrupted", 0))
        await self.world.change(camera, faults=NO_FAULTS)
        await self.world.insert(camera, slot)
        self.say(f"… and put back: {camera} goes on where it stopped")

    async def _kill_in_mid_copy(self, slot: int) -> None:
        row = await self.site.until(
            "the long clip is being copied", lambda: self._copying(slot, BIG // 2, big=True), within_s=60
        )
        await self.site.kill_edged()
        self.say(
            f"edged is killed (SIGKILL): recording {row['recording'][:8]} stood at "
            f"{row['recording_bytes'] / 2**20:.0f} MiB, intent in the ledger, no seal"
        )
        await self.site.start_edged()
        self.say("edged is started again")

    # --- what to wait for -----------------------------------------------------------------------------

    async def _not_ready(self, slot: int, reason: str) -> None:
        async def says_so() -> bool:
            row = await self.site.slot(slot)
            return row["state"] == "holding" and reason in row["reasons"]

        await self.site.until(f"slot {slot} is not ready: {reason}", says_so, within_s=45)

    async def _more_than(self, kind: str, count: int) -> bool:
        return len(await self.site.facts(kind)) > count

    async def _returns_wait(self) -> bool:
        status = await self.site.call("status")
        returned: int = status["custody"]["returns_not_confirmed"]
        return returned >= len(self.out)

    async def _copying(self, slot: int, least: int, *, big: bool = False) -> dict[str, object] | None:
        row = await self.site.slot(slot)
        wanted = row["recording_bytes"] >= least and bool(row["recording"])
        if big:
            facts = await self.site.facts("camera.listed")
            sizes = {c["recording"]: c["size"] for x in facts for c in x["data"]["clips"]}
            wanted = wanted and sizes.get(row["recording"], 0) > BIG
        return row if wanted else None

    async def _counted(self, what: str, count: int) -> bool:
        status = await self.site.call("status")
        number: int = status["recordings"][what]
        return number >= count

    async def _all_docked_cleared(self) -> bool:
        """Nothing is left on a card that sits in the dock, and the ledger says so; a camera that was torn out
        keeps what it has."""
        left = {name: len(self.world.card(name).files()) for name in self.world.cameras}
        if any(left[name] for name in self.world.inside.values()):
            return False
        return await self._counted("cleared", len(self.world.truth()) - sum(left.values()))

    def _camera_of(self, officer: str) -> str:
        return next(camera for camera, who in self.out.items() if who == officer)
