"""What persons enter about a shift: decided by what the station knows at that moment, one at a time, recorded."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from datetime import timedelta

from edged.config import Config, Export
from edged.duty import Margins
from edged.formats.facts import CameraReleased, Fact, WorksEnded
from edged.formats.line import Line
from edged.formats.roster import Person
from edged.formats.shift_facts import IncidentRejected
from edged.journals.forms import Form
from edged.journals.forms import Kind as Journal
from edged.journals.signature import SIGNATURE_LIMIT, Verifier, check
from edged.ledger.book import Book
from edged.ports import FileSystem, Random
from edged.shift.acts import decide
from edged.shift.inventory import Inventory, Item, Sort
from edged.shift.journal_acts import find, sheet_of, signed
from edged.shift.scene import Exports, Params, Scene, refuse
from edged.station.alerts import Alerts
from edged.station.doubts import end_doubts
from edged.station.lists import Lists
from edged.station.recorder import Recorder
from edged.station.slot_unit import SlotUnit
from edged.vault.disk_errors import disk_errors
from edged.vault.vault import write_durably
from edged.verbs import Actor


class Office:
    """One for the station; the control socket asks it."""

    def __init__(
        self,
        config: Config,
        forms: Mapping[Journal, Form],
        *,
        lists: Lists,
        book: Book,
        recorder: Recorder,
        alerts: Alerts,
        fs: FileSystem,
        random: Random,
        cms: Verifier,
        units: Mapping[int, SlotUnit],
    ) -> None:
        self.forms, self._lists, self._book, self._recorder = forms, lists, book, recorder
        self._alerts, self._random, self._units = alerts, random, units
        self._fs, self._signatures, self._cms = fs, f"{config.station.state}/signatures", cms
        self._exports = exports_of(config.export)
        recovered = config.recovered
        self._designated = frozenset(recovered.persons if recovered.decision is not None else ())
        self.inventory = inventory_of(config)
        self.margins, self._longest_h = margins_of(config), config.shift.longest_h
        self._turn = asyncio.Lock()  # an act is decided by what the one before has left

    async def act(self, actor: Actor, verb: str, entered: Params) -> tuple[Line, ...]:
        """Return the lines that an act came to. Raises EdgeError as `decide` and `Recorder.record`."""
        return await self.enter(actor, lambda scene: decide(scene, verb, entered))

    async def enter(self, actor: Actor, decided: Callable[[Scene], tuple[Fact, ...]]) -> tuple[Line, ...]:
        """As `act`, for what is decided elsewhere."""
        async with self._turn:
            return tuple([await self._record(fact, actor) for fact in decided(self.scene(actor))])

    async def sign(self, actor: Actor, sheet: str, signature: bytes) -> Line:
        """Bind a detached signature (CMS, DER) to a sheet, and keep its file.

        Raises:
            EdgeError: NOT_FOUND; NOT_ALLOWED, of nobody who has to sign it; CONFLICT; SHEET_UNSIGNED, FORMAT_BAD,
                no signature over this sheet.
        """
        async with self._turn:
            made = find(self.scene(actor), sheet).made
            content = sheet_of(self.forms, made).text()
            if hashlib.sha256(content).hexdigest() != made.sha256:
                raise refuse(sheet=sheet, expected="the version of edged that made this sheet")
            checked = await asyncio.to_thread(check, content, signature, self._cms)
            sha256 = hashlib.sha256(signature).hexdigest()
            (fact,) = signed(self.scene(actor), sheet, checked, sha256)
            await asyncio.to_thread(self._keep, f"{self._signatures}/{sha256}.p7s", signature)
            return await self._record(fact, actor)

    async def signature(self, sha256: str) -> bytes | None:
        """Return the file of a signature as it was attached; None: it does not lie there as it was."""
        return await asyncio.to_thread(self._kept, sha256)

    def _kept(self, sha256: str) -> bytes | None:
        try:
            data = self._fs.read(f"{self._signatures}/{sha256}.p7s", SIGNATURE_LIMIT)
        except OSError:  # a sheet is printed all the same
            return None
        return data if hashlib.sha256(data).hexdigest() == sha256 else None

    def _keep(self, path: str, signature: bytes) -> None:
        """Before the fact that names it."""
        with disk_errors("signature", path):
            self._fs.make_dirs(self._signatures)
            write_durably(self._fs, path, signature)

    async def _record(self, fact: Fact, actor: Actor) -> Line:
        if isinstance(fact, CameraReleased | WorksEnded):
            await end_doubts(self._alerts, self._recorder.state, fact.camera)
        line = await self._recorder.record(fact, actor.text)
        camera = getattr(fact, "camera", "")
        for unit in self._units.values():
            if isinstance(fact, IncidentRejected) or (camera and unit.work.key == camera):
                unit.check_soon()  # a memo may have gone with the incident
        return line

    def scene(self, actor: Actor) -> Scene:
        """What the station knows now, for a decision or for a view."""
        works = [unit.work for unit in self._units.values()]
        return Scene(
            station=self._recorder.state,
            inventory=self.inventory,
            persons=self.persons(),
            schedule=self._lists.schedule,
            now_ns=self._lists.judged_ns(),
            duty_ns=self._lists.duty_ns(),
            actor=actor.person,
            roles=actor.roles,
            new_id=lambda: self._random.token(16).hex(),
            margins=self.margins,
            longest_h=self._longest_h,
            listed=frozenset(work.key for work in works if work.listed_whole),
            forms=self.forms,
            exports=self._exports,
            designated=self._designated,
            lines=self._book.size,
            root=self._book.root().hex(),
        )

    def persons(self) -> Mapping[str, Person]:
        """Everybody by id: of the roster, and officers who were entered here."""
        entered = (
            Person(id=one.person, name=one.name, position="")
            for one in self._recorder.state.local_officers.values()
            if one.name
        )
        return {person.id: person for person in (*entered, *self._lists.access.roster_persons())}


def inventory_of(config: Config) -> Inventory:
    """Return the parts of the complex that the configuration lists."""
    cameras = (Item(c.inventory_number, Sort.CAMERA, c.serial, c.reserve) for c in config.camera)
    others = (Item(e.inventory_number, Sort(e.sort)) for e in config.equipment)
    return Inventory((*cameras, *others))


def exports_of(settings: Export) -> Exports | None:
    if settings.decision is None or settings.role is None:
        return None
    return Exports(f"№ {settings.decision.number} від {settings.decision.date.isoformat()}", settings.role)


def margins_of(config: Config) -> Margins:
    shift = config.shift
    return Margins(
        before=timedelta(minutes=shift.early_min),
        after=timedelta(minutes=shift.late_min),
        at_once=timedelta(minutes=shift.at_once_min),
        remind=timedelta(minutes=shift.remind_min),
    )
