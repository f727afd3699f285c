"""A post with persons, an inventory and a ledger in memory: acts are decided, their facts folded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from edged.duty import Margins
from edged.formats import facts as f
from edged.formats import times
from edged.formats.facts import Fact
from edged.formats.line import Line, Stamp, encode_data
from edged.formats.roster import Appointment, Person, Role, RoleGrant
from edged.formats.schedule import Schedule
from edged.journals.forms import read_forms
from edged.shift.acts import decide, in_own_shift
from edged.shift.inventory import Inventory, Item, Sort
from edged.shift.scene import Scene
from edged.shift.state import ShiftState
from edged.station_state import StationState
from tests.edged.formats.samples import schedule, shift

FORMS = read_forms((Path(__file__).parents[3] / "edged/journals/forms_uk.toml").read_text("utf-8"))
DAY = shift("day", "2026-11-27T06:00:00.000Z", "2026-11-27T18:00:00.000Z", ("iryna",), ("olena", "petro"))
NIGHT = shift("night", "2026-11-27T18:00:00.000Z", "2026-11-28T06:00:00.000Z", ("daria",), ("ivan",))
NOON = "2026-11-27T10:00:00.000Z"
MIDNIGHT = "2026-11-27T22:00:00.000Z"
NAMES = {
    "iryna": "Ірина Бондар",
    "daria": "Дарʼя Шевчук",
    "olena": "Олена Коваль",
    "petro": "Петро Гнатюк",
    "ivan": "Іван Мельник",
    "taras": "Тарас Лис",
    "nadia": "Надія Кравець",
    "bohdan": "Богдан Сова",
}
ROLES: Mapping[str, tuple[Role, ...]] = {
    "iryna": ("responsible",),
    "daria": ("responsible",),
    "olena": ("officer",),
    "petro": ("officer",),
    "ivan": ("officer",),
    "taras": ("technician",),
    "nadia": ("account_admin",),
    "bohdan": ("security_admin",),
}
ITEMS = (
    Item("101", Sort.CAMERA, "GAT-1"),
    Item("102", Sort.CAMERA, "GAT-2"),
    Item("109", Sort.CAMERA, "GAT-9", reserve=True),
    Item("201", Sort.MOUNT),
    Item("202", Sort.MOUNT),
    Item("301", Sort.DOCK),
    Item("401", Sort.SERVER),
)
COUNTS = {"mount": 2, "dock": 1, "server": 1}


def person(name: str) -> Person:
    appointment = Appointment(body="Волинська митниця", number="17-к", date="2026-01-05")
    roles = (
        RoleGrant(
            role=role,
            appointment=appointment,
            valid_from="2026-01-06T00:00:00.000Z",
            valid_until="2027-01-06T00:00:00.000Z",
        )
        for role in ROLES[name]
    )
    return Person(id=name, name=NAMES[name], position="інспектор", account=name, roles=tuple(roles))


@dataclass
class Office:
    """One post. ``now`` is moved by the test."""

    now: str = NOON
    schedule: Schedule | None = field(default_factory=lambda: schedule(DAY, NIGHT))
    inventory: Inventory = field(default_factory=lambda: Inventory(ITEMS))
    station: StationState = field(default_factory=StationState)
    lines: list[Line] = field(default_factory=list)
    listed: frozenset[str] = frozenset()
    clock_known: bool = True
    _ids: int = 0

    @property
    def shift(self) -> ShiftState:
        return self.station.shift

    def scene(self, actor: str = "iryna") -> Scene:
        return Scene(
            station=self.station,
            inventory=self.inventory,
            persons={name: person(name) for name in NAMES},
            schedule=self.schedule,
            now_ns=times.parse_ns(self.now),
            duty_ns=times.parse_ns(self.now) if self.clock_known else None,
            actor=actor,
            roles=frozenset(ROLES.get(actor, ())),
            new_id=self._new_id,
            margins=Margins(timedelta(0), timedelta(0)),
            listed=self.listed,
            forms=FORMS,
            lines=len(self.lines),
            root="a" * 64,
        )

    def on_duty(self, actor: str = "iryna") -> Scene:
        return in_own_shift(self.scene(actor))

    def _new_id(self) -> str:
        self._ids += 1
        return f"{self._ids:032x}"

    def act(self, actor: str, verb: str, **params: Any) -> tuple[Fact, ...]:
        """Raises EdgeError, and then nothing was recorded."""
        return self.record(*decide(self.scene(actor), verb, params), actor=f"person:{actor}")

    def record(self, *facts: Fact, actor: str = "station") -> tuple[Fact, ...]:
        for fact in facts:
            encode_data(fact)  # what the ledger would refuse is refused here
            stamp = Stamp(
                time=self.now, boottime_ns=0, boot_id="b" * 32, clock="synchronised", max_error_ns=0
            )
            line = Line(seq=len(self.lines), prev="0" * 64, stamp=stamp, actor=actor, fact=fact, raw=b"")
            self.lines.append(line)
            self.station.apply(line)
        return facts

    def later(self, hours: float) -> None:
        self.now = times.format_ns(times.parse_ns(self.now) + round(hours * 3_600_000_000_000))

    # --- what the station records by itself ---

    def dock(self, serial: str, slot: int, *, listed: bool = True, told: str = "") -> None:
        self.record(
            f.CameraDocked(
                slot=slot,
                camera=serial,
                driver="gat947",
                model="X",
                known=True,
                usb_serial=serial,
                descriptor_sha256=told,
            )
        )
        self.listed = self.listed | {serial} if listed else self.listed - {serial}

    def issue(self, serial: str, officer: str, slot: int, issue: str, shift: str = "") -> None:
        self.listed -= {serial}
        self.record(
            f.CameraIssued(grant="g", issue=issue, slot=slot, camera=serial, officer=officer, shift=shift)
        )

    def film(self, serial: str, recording: str) -> None:
        clip = f.ClipFact(
            recording=recording, path="A.MP4", size=9, mtime="", first_cluster=int(recording, 16)
        )
        self.record(
            f.CameraListed(
                camera=serial, slot=1, volume="v", filesystem="fat32", complete=True, clips=(clip,)
            )
        )

    def confirm(self, recording: str) -> None:
        self.record(
            f.RecordingConfirmed(
                recording=recording,
                receipt_sha256="e" * 64,
                server="s",
                server_level="local",
                placed_at=self.now,
                retain_until=self.now,
            )
        )

    def draft(self, incident: str = "i" * 32, **facts: Any) -> str:
        self.record(f.IncidentDrafted(incident=incident, kind="forced-removal", **facts))
        return incident
