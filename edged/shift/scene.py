"""What an act of a person is decided by: everything the station knows, as values. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any

import msgspec

from edged.duty import Margins
from edged.errors import EdgeError, ErrorCode, FormatError
from edged.formats import times
from edged.formats.facts import Fact
from edged.formats.fields import Day, Time
from edged.formats.roster import Person, Role
from edged.formats.schedule import Schedule
from edged.formats.shift_facts import Document
from edged.journals.forms import Form
from edged.journals.forms import Kind as Journal
from edged.shift.inventory import Inventory
from edged.shift.state import ShiftState
from edged.station_state import StationState

Short = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
Long = Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
Maybe = Annotated[str, msgspec.Meta(max_length=300)]
MaybeLong = Annotated[str, msgspec.Meta(max_length=4000)]
Number = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]

__all__ = ["Act", "Day", "Long", "Maybe", "MaybeLong", "Number", "Params", "Scene", "Short", "Time"]


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person enters with an act. Bounded: nothing longer reaches a decision."""


@dataclass(frozen=True, slots=True)
class Exports:
    """By which document recordings are handed over to third parties, and who does it (459-V.5-third-parties)."""

    decided: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """``now_ns`` is `TimeFloor.judged`, ``duty_ns`` the time by which a shift is now (None: nobody vouches for the
    clock); ``actor`` the id of a person, never an account that is nobody's."""

    station: StationState
    inventory: Inventory
    persons: Mapping[str, Person]  # the roster's
    schedule: Schedule | None
    now_ns: int
    duty_ns: int | None
    actor: str
    roles: frozenset[Role]
    new_id: Callable[[], str]
    margins: Margins = field(default_factory=Margins)
    longest_h: float = 24.0  # of an issue whose shift is not known
    off_duty: frozenset[Role] = frozenset()  # roles of the actor that hold in another shift only
    listed: frozenset[str] = frozenset()  # cameras whose whole card was listed since they were docked
    forms: Mapping[Journal, Form] = field(default_factory=dict)
    exports: Exports | None = None  # None: nothing is handed over
    designated: frozenset[str] = frozenset()  # persons who bring in recovered data
    waiting: int = (
        0  # files of watched folders that are not sealed; counted for who asks to retire the station
    )
    lines: int = 0  # of the ledger
    root: str = ""  # Merkle root over them

    @property
    def shift(self) -> ShiftState:
        return self.station.shift

    def person(self, person: str) -> Person:
        """Raises EdgeError: NOT_FOUND."""
        found = self.persons.get(person)
        if found is None:
            raise EdgeError(ErrorCode.NOT_FOUND, person=person[:64])
        return found

    def past(self, when: str) -> str:
        """Return a moment that has been. Raises EdgeError: BAD_REQUEST."""
        try:
            if times.parse_ns(when) <= self.now_ns:
                return when
        except FormatError:
            pass
        raise EdgeError(ErrorCode.BAD_REQUEST, time=when[:40], expected="a moment that has been, in UTC")

    def document(self, number: str, day: str) -> Document:
        """Return a paper of today or before, in Kyiv. Raises EdgeError: BAD_REQUEST."""
        today = times.moment(self.now_ns).astimezone(times.KYIV).date()
        try:
            if date.fromisoformat(day) <= today:
                return Document(number=number, date=day)
        except ValueError:
            pass
        raise EdgeError(ErrorCode.BAD_REQUEST, date=day[:20], expected="a day, not after today")

    def optional_document(self, number: str, day: str) -> Document | None:
        """As `document`; None where neither was entered. Raises EdgeError: BAD_REQUEST, also for half of one."""
        if not (number or day):
            return None
        if not number:
            raise EdgeError(ErrorCode.BAD_REQUEST, date=day[:20], expected="the document's number too")
        return self.document(number, day)


@dataclass(frozen=True, slots=True)
class Act:
    """``decide`` returns what the ledger is to hold, or raises EdgeError and nothing has happened."""

    params: type[Params]
    decide: Callable[[Scene, Any], tuple[Fact, ...]]


def switched_off(section: str) -> EdgeError:
    """What the configuration lets nobody do. Whoever tried is recorded."""
    return EdgeError(ErrorCode.SWITCHED_OFF, expected=section)


def not_alone(scene: Scene, **why: str) -> EdgeError:
    """What takes two persons, and the second one is the first. Recorded too."""
    return EdgeError(ErrorCode.NOT_ALLOWED, person=scene.actor, reason="it takes another person", **why)


def refuse(**why: str | int) -> EdgeError:
    return EdgeError(ErrorCode.CONFLICT, **why)
