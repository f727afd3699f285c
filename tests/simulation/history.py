"""Plays a plan to its end: the acts, then calm, then the question whether everything came to rest."""

import asyncio
import gc
import hashlib
import traceback
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from edged.errors import EdgeError
from edged.readiness import NotReady
from edged.shift.recovered_acts import FOLDER
from edged.slots.state import State
from edged.station.importing import UNFINISHED
from edged.station.scanning import SCANS
from edged.station_state import Life, Recording, StationState
from tests import movies
from tests.fakes.memory_fs import PowerCut
from tests.simulation.acts import ACTS
from tests.simulation.acts_slots import STRANGER, film
from tests.simulation.checks import Inspector, Violation, require
from tests.simulation.loop import NumberedTask, SimLoop
from tests.simulation.plan import LEAST_BOOTS, Plan
from tests.simulation.site import Site
from tests.simulation.sizes import small_sizes
from tests.world import persons as people
from tests.world.world import AUTHORITY, SCHEDULE, STATE, VAULT

CALM_S = 3 * 3600.0
"""Virtual time in which everything must have drained after the last fault: the longest pauses of station and
courier (two minutes, one minute), each several times over, and the courier's thorough look after an hour."""
STEP_S = 5.0
QUIET_S = 40.0
OTHERS = ("return-unconfirmed:", "update-unannounced:")  # alerts of a camera that no technician ends
LOOKED_AT = 4  # one history in so many ends with everything being asked for
LOOKING = (
    *("status", "slots", "alerts", "camera list", "officer list", "export list"),
    *(f"{kind} list" for kind in ("incident", "paper", "works", "repair", "memo", "journal")),
)
LOOKS, LOOK_S = 8, 0.7  # to tell what is under way from what was left behind
CYCLE_BYTES = 20_000
TEMPORARY = (".new", ".part", ".marks", ".bad", "next.jsonl")


@dataclass(slots=True)
class Outcome:
    """What one history came to."""

    seed: int
    violation: Violation | None
    trace: list[str]
    digest: str
    virtual_s: float
    boots: int
    cuts: Counter[str]
    faults: Counter[str]
    events: int  # lines of the ledger
    turns: int
    checked: Counter[str] = field(default_factory=Counter)


def play(plan: Plan) -> Outcome:
    """Play it in a loop of its own. Raises nothing that the plan can cause: see ``Outcome.violation``."""
    with small_sizes(), asyncio.Runner(loop_factory=lambda: SimLoop(plan.seed)) as runner:
        return runner.run(_History(plan).run())


class _History:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._defects: list[str] = []

    async def run(self) -> Outcome:
        asyncio.get_running_loop().set_exception_handler(self._heard)
        site = Site(self._plan)
        self._site, self._inspector = site, Inspector(site)
        site.witness = self._inspector
        violation = await self._played()
        faults = site.faults + site.disk.faults + site.far_disk.faults + site.net.faults
        faults.update(f"far-{name}" for name in site.far_disk.faults.elements())
        faults -= site.far_disk.faults
        return Outcome(
            seed=self._plan.seed,
            violation=violation,
            trace=site.trace.lines,
            digest=site.trace.digest(),
            virtual_s=site.loop.time(),
            boots=site.boots,
            cuts=site.cuts,
            faults=faults,
            events=len(self._inspector.acknowledged),
            turns=site.sim_loop.turns,
            checked=Counter(self._inspector.checked),
        )

    def _heard(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        if not isinstance(context.get("exception"), PowerCut):  # the last word of a dead process
            said = (context.get(name) for name in ("message", "exception", "task", "future"))
            self._defects.append(" ".join(map(repr, said))[:500])

    async def _played(self) -> Violation | None:
        site = self._site
        await self._prepare()
        mains = [site._spawn(site.mains()), site._spawn(site.far_mains())]
        try:
            await self._acts()
            await self._calm()
            await self._rest()
        except Violation as exc:
            site.trace("VIOLATION", check=exc.check, what=exc.what)
            return exc
        except Exception as exc:  # noqa: BLE001  # of the world or of a check: a defect, and told with its seed
            return Violation("defect", "".join(traceback.format_exception(exc))[-1500:])
        finally:
            for task in (*site.background, *mains):
                task.cancel()
            ended = await asyncio.gather(*mains, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                return Violation("defect", repr(error))
        return self._inspector.violation

    async def _prepare(self) -> None:
        site = self._site
        site.time.sleeps(self._plan.later_s)
        await site._commission()
        site.publish(people.roster(AUTHORITY, 1, people.CROWD))
        site.fs.put("/recovered/found.mp4", movies.film(9_000, f"found {self._plan.seed}", 20))
        site.fs.make_dirs("/scans")
        if site.config.access.schedule:
            listed = ("olena",) if self._plan.seed % 4 == 0 else ("olena", "petro")
            shifts = people.shift("over", -40.0, -0.5, ("petro",)), people.shift("now", -0.5, 47.0, listed)
            site.publish(people.schedule(AUTHORITY, 1, *shifts, hours=(-48.0, 72.0)), SCHEDULE)
        for camera in self._plan.cameras:
            site.next_card = camera.card
            spec = dict(camera.spec) | {"kind": camera.kind}
            if camera.kind == "msc":
                spec["usb_serial"] = camera.name
            site.add(camera.name, **spec)
            site.fault(camera.name)
            for number, size in enumerate(camera.clips, 1):
                content = movies.film(size, f"{self._plan.seed} {camera.name} {number}", 10 * number)
                site.record(camera.name, f"CLIP{number:04}.MP4", content)

    async def _acts(self) -> None:
        site = self._site
        for act in self._plan.acts:
            await asyncio.sleep(max(0.0, act.at - site.loop.time()))
            self._judge()
            site.trace(f"ACT {act.name}", args=act.args)
            site.do(ACTS[act.name].perform(site, *act.args))

    def _judge(self) -> None:
        """Raises Violation: one was seen."""
        if self._inspector.violation is not None:
            raise self._inspector.violation
        self._inspector.keeps()
        require(not self._defects, "defect", self._defects[:1])
        require(not self._site.crashes, "defect", self._site.crashes[:1])
        told = self._site.logged("EDG-9001")
        require(not told, "defect", told[:1])
        defects = [row for row in self._site.logged("EDG-2112") if row["code"] == "E9001"]
        require(not defects, "defect", defects[:1])

    # --- calm -----------------------------------------------------------------------------------------

    async def _calm(self) -> None:
        """The faults are over, persons do what is theirs to do, and everything has to drain."""
        await self._acts_end()
        await self._one_more_start()
        self._faults_end()
        await self._drains()
        self._inspector.settled()  # at once: every slot rests at this moment

    async def _drains(self) -> None:
        """Until nothing is left to be done."""
        deadline, left = self._site.loop.time() + CALM_S, ["everything"]
        while left and self._site.loop.time() < deadline:
            await asyncio.sleep(STEP_S)
            self._judge()
            await self._persons()
            left = self._left()
        if left:
            raise Violation("liveness", f"after {CALM_S / 3600} h: {left}")

    async def _acts_end(self) -> None:
        """Whoever is under way comes back."""
        for _ in range(400):
            if not self._site.background:
                return
            await asyncio.sleep(5.0)
            self._judge()
        raise Violation("liveness", f"acts that never end: {self._site.background}")

    async def _one_more_start(self) -> None:
        """A history in which no cut has come to pass gets one at its end."""
        site = self._site
        if site.boots < LEAST_BOOTS:
            site.cuts["at a time"] += 1
            site.halt()
            await asyncio.sleep(2 * site.off_s)

    def _faults_end(self) -> None:
        site = self._site
        site.trace("CALM")
        site.disk.storms.clear()
        site.far_disk.storms.clear()
        for disk in (site.fs, site.far):
            disk._faults.clear()
        site.disk.spoils = 0
        site.disk.no_cut()
        site.far_disk.no_cut()
        site.cut_turn = None
        site.net.chances.clear()
        site.net.up, site.net.cannot_sync = True, False
        site.clock.synchronised()
        site.clock.off_s = 0.0
        site.fs.capacity = 1 << 40
        for line in site.lines.values():
            line.plug()
        for name in self._plan.names():
            site.fault(name)
            site.change(name, battery=90.0)
        site.publish(people.roster(AUTHORITY, 5, people.CROWD))

    async def _persons(self) -> None:
        """The responsible person puts cameras back and confirms; the technician clears what is his to clear."""
        site = self._site
        for name in self._plan.names():
            slot = site.free_slot()
            if name not in site.inside.values() and slot is not None:
                site.insert(name, slot)
        for slot in site.in_state(State.FAULT, State.FAULT_EMPTY):
            await self._asks("taras", "slots clear-fault", slot=slot)
        for slot in site.in_state(State.FORCED):
            await self._asks("iryna", "slots acknowledge", slot=slot)
        if site.running is None:
            return
        for name in self._plan.names():
            await self._looks_at(name)
        for slot in site.in_state(State.REFUSED):
            await self._opens(slot)
        await self._brings_in()
        if site.station.book.broken is not None:
            site.terminate("edged")

    async def _brings_in(self) -> None:
        """Recovered data that was cut off is entered once more, as its alert asks."""
        state = self._site.station.recorder.state
        for alert in [a for a in state.alerts if a.startswith(f"{UNFINISHED}:")]:
            begun = state.recordings[alert.partition(":")[2]]
            entered = {"file": begun.path.removeprefix(FOLDER), "camera": begun.camera, "centre": "Сервіс"}
            contract = {"contract_number": "1", "contract_date": "2026-11-01"}
            about = {"cause": "damage", "happened": people.at(0), "description": "Не вмикається"}
            with suppress(EdgeError):
                opened = await self._site.ask("iryna", "incident open", **about)
                await self._site.ask(
                    "taras", "import recovered", **entered, **contract, incident=opened["incident"]
                )

    async def _looks_at(self, name: str) -> None:
        """A technician ends what stands against a camera."""
        state = self._site.station.recorder.state
        camera = state.cameras.get(name)
        item = self._site.station.office.inventory.number_of(name)
        if item in state.shift.repairs:
            await self._asks("taras", "repair back", item=item, result="looked at")
        doubts = (
            alert for alert in state.alerts if alert.endswith(f":{name}") and not alert.startswith(OTHERS)
        )
        if any(doubts) or (camera and camera.quarantine):
            await self._asks("taras", "camera release", camera=name, reason="looked at")
        if camera and camera.works:
            await self._asks("taras", "camera works", camera=name, reason="done", end=True)

    async def _opens(self, slot: int) -> None:
        """A refused device is taken out and put in again."""
        name = self._site.inside.get(slot)
        await self._asks("taras", "slots open", slot=slot)
        await asyncio.sleep(1.0)
        if name is not None and self._site.open_lock(slot):
            self._site.pull(slot)
            await asyncio.sleep(5.0)

    async def _asks(self, account: str, verb: str, **params: object) -> None:
        with suppress(EdgeError):
            await self._site.ask(account, verb, **params)

    def _left(self) -> list[str]:
        """What has not come to rest yet."""
        site = self._site
        if site.running is None:
            return ["the station does not run"]
        station = site.station
        if station.book.broken is not None:
            return ["the ledger takes nothing more"]
        state, left = station.recorder.state, list[str]()
        for name in self._plan.names():
            if name not in site.inside.values():
                left.append(f"{name} is not in its slot")
            known = state.recordings_of(name)
            # What comes back on a card that lied when it was cleared is seen when the camera is docked.
            excused = {r.path for r in known if self._excused(r) or r.life is Life.CLEARED}
            # After failures nothing is cleared for a day; what came aboard in the slot is seen at the next docking.
            stopped = station.rate.stopped(site.clock.now().boottime_ns / 1e9)
            if not stopped and name not in site.late:
                left += [f"{name} still holds {p}" for p in site.cards[name].names() if p not in excused]
        for recording in state.recordings.values():
            done = recording.confirmed_receipt or self._excused(recording)
            given_up = recording.seen_again or recording.path.startswith(SCANS)  # of images below
            if recording.life in {Life.MADE, Life.COPYING} and not given_up:
                left.append(f"{recording.camera} {recording.path} is {recording.life}")
            elif recording.sealed_seq >= 0 and not done:
                left.append(f"{recording.id[:8]} has no receipt")
        left += [f"the image {name} is not in the vault" for name in self._images_left(state)]
        resting = {State.HOLDING, State.READY, State.EMPTY, State.UNKNOWN}
        left += [
            f"slot {n} is {u.keeper.state}" for n, u in station.units.items() if u.keeper.state not in resting
        ]
        off = [n for n, u in station.units.items() if NotReady.CLOCK_OFF in u.work.readiness.reasons]
        left += [f"the clock of the camera in slot {n} is off" for n in off]
        left += [f"reader {r.name} is not connected" for r in station.readers if not r.connected]
        left += [f"dock {d.name} is not connected" for d in station.docks if d.hello is None]
        if station.checkpoints.countersigned < station.checkpoints.signed:
            left.append(f"countersigned {station.checkpoints.countersigned} of {station.checkpoints.signed}")
        return left

    def _images_left(self, state: StationState) -> list[str]:
        """What a scanner has left in its folder and the vault does not hold; what is empty is no image yet."""
        if self._site.station.scanning is None:
            return []
        sealed = {r.sha256 for r in state.recordings.values() if r.path.startswith(SCANS)}
        there = {path: self._site.fs.read(path) for path in self._site.fs.files("/scans")}
        return [p for p, image in there.items() if image and hashlib.sha256(image).hexdigest() not in sealed]

    def _excused(self, r: Recording) -> bool:
        """Whether it stays as it is until a person decides, and that is right so: damaged on the card, refused by
        the centre, or spoilt in the vault."""
        spoilt = f"{VAULT}/recordings/{r.folder}/{r.id}/{r.file}" in self._site.flipped
        return r.damaged or bool(r.held) or r.corrupt or spoilt

    # --- at rest --------------------------------------------------------------------------------------

    async def _rest(self) -> None:
        """Everything has drained: the last looks, and one more cycle that must leave nothing behind."""
        await self._drains()  # again: what came aboard in its slot may have been taken up since
        self._inspector.conserved()
        self._inspector.genuine()
        self._inspector.holders()
        await self._site.moment(
            self._store_is_up, step_s=LOOK_S
        )  # a line of this very moment comes a turn later
        self._inspector.agrees()
        self._inspector.verified("" if self._site.flipped else VAULT)
        if self._plan.seed % LOOKED_AT == 0:
            await self._is_looked_at()
        before = self._inventory()
        await self._cycle()
        await asyncio.sleep(QUIET_S)
        self._judge()
        self._inspector.checked["growth"] += 1
        await self._leaves_nothing(before)

    async def _is_looked_at(self) -> None:
        """Whatever has happened, whoever asks gets an answer."""
        for verb in LOOKING:
            await self._site.ask("iryna", verb)
        await self._site.ask("daria", "rights list")
        await self._site.ask("iryna", "report", span="day")
        issued = [i.id for i in self._site.station.recorder.state.issues.values() if not i.forced]
        for issue in issued[-2:]:
            await self._site.ask("iryna", "issue show", issue=issue)

    def _store_is_up(self) -> bool:
        running = self._site.running
        return running is not None and len(running.store._entries) >= running.station.book.size

    async def _leaves_nothing(self, before: dict[str, list[str]]) -> None:
        """What is only under way at one moment is over at another; a leak stays."""
        for look in range(LOOKS):
            after = self._inventory()
            more = next((name for name in before if len(after[name]) > len(before[name])), None)
            if more is None:
                return
            if look == LOOKS - 1:
                raise Violation("growth", f"{more}: {before[more]} became {after[more]}")
            await asyncio.sleep(LOOK_S * (1 + look))

    async def _cycle(self) -> None:
        """A camera goes and comes back with a clip, lines are plugged in anew, somebody taps."""
        site = self._site
        slot, name = next(iter(site.inside.items()))
        site.tear_out(slot)
        await asyncio.sleep(STEP_S)
        film(site, name, CYCLE_BYTES)
        site.insert(name, slot)
        site.tap(STRANGER)
        for line in site.lines.values():
            line.unplug()
            await asyncio.sleep(STEP_S)
            line.plug()
        await self._drains()

    def _inventory(self) -> dict[str, list[str]]:
        gc.collect(0)
        files = self._site.fs.files("/")
        return {
            "tasks": sorted(task.get_name() for task in asyncio.all_tasks() if _on_the_host(task)),
            "open files": ["file"] * self._site.fs.open_files,
            "temporary": sorted(
                p for p in files if p.endswith(TEMPORARY) and not p.startswith(f"{STATE}/ledger")
            ),
        }


def _on_the_host(task: "asyncio.Task[object]") -> bool:
    process = task.process if isinstance(task, NumberedTask) else None
    return process is not None and process.name in {"edged", "edged-sync"}
