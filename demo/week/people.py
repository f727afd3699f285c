"""Who works at the post, and when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from edged.formats import times
from edged.formats.badge import credential_digest
from edged.formats.roster import Appointment, Credential, Person, Role, RoleGrant, Roster
from edged.formats.schedule import Schedule, Shift
from edged.formats.times import KYIV
from tests.world.persons import BADGE_KEY, BODY, KIND, POST

OFFICERS = 40
ON_DUTY = 10  # officers a shift
BEGINS = datetime(2027, 3, 22, 6, tzinfo=KYIV)  # a Monday; on the Sunday clocks are put forward
SHIFTS = 21
_GIVEN = ("Олена", "Петро", "Ірина", "Андрій", "Оксана", "Ігор", "Наталія", "Василь", "Марія", "Роман")
_FAMILY = ("Коваль", "Гнатюк", "Бондар", "Шевчук", "Мельник", "Кравець", "Лис", "Сова", "Савчук", "Юрченко")


@dataclass(frozen=True, slots=True)
class Worker:
    id: str
    name: str
    position: str
    roles: tuple[Role, ...]
    badge: str = ""  # hex
    account: str = ""

    def entry(self) -> Person:
        appointment = Appointment(body=BODY, number="17-к", date="2026-12-01")
        digests = (credential_digest(BADGE_KEY, KIND, bytes.fromhex(self.badge)),) if self.badge else ()
        return Person(
            id=self.id,
            name=self.name,
            position=self.position,
            account=self.account,
            credentials=tuple(Credential(kind=KIND, digest=digest) for digest in digests),
            roles=tuple(
                RoleGrant(
                    role=role,
                    appointment=appointment,
                    valid_from="2026-12-01T00:00:00.000Z",
                    valid_until="2027-12-01T00:00:00.000Z",
                )
                for role in self.roles
            ),
        )


def _named(number: int) -> str:
    return f"{_GIVEN[number % 10]} {_FAMILY[(number // 10 + 3 * number) % 10]}"


def officers() -> list[Worker]:
    return [
        Worker(f"UA{n:04}", _named(n), "державний інспектор", ("officer",), f"04aa00{n:08x}")
        for n in range(1, OFFICERS + 1)
    ]


RESPONSIBLE = [
    Worker(
        f"UA01{n:02}",
        _named(50 + n),
        "головний державний інспектор",
        ("responsible",),
        f"04bb00{n:08x}",
        f"resp{n}",
    )
    for n in range(1, 7)
]
TARAS = Worker("UA0201", "Тарас Лис", "технічний адміністратор", ("technician",), "", "taras")
DARIA = Worker("UA0202", "Дарʼя Шевчук", "адміністратор облікових записів", ("account_admin",), "", "daria")
BOHDAN = Worker("UA0203", "Богдан Сова", "адміністратор безпеки", ("security_admin",), "", "bohdan")


def roster() -> Roster:
    return Roster(
        version=1,
        customs_body=BODY,
        issued_at="2027-03-01T08:00:00.000Z",
        valid_from="2027-03-01T00:00:00.000Z",
        valid_until="2027-06-01T00:00:00.000Z",
        persons=tuple(one.entry() for one in (*officers(), *RESPONSIBLE, TARAS, DARIA, BOHDAN)),
    )


def utc(moment: datetime) -> str:
    return times.format_ns(int(moment.timestamp()) * 1_000_000_000)


def local(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of the week by a clock in Kyiv; day 0 is the Monday."""
    return (BEGINS.replace(tzinfo=None) + timedelta(days=day)).replace(hour=hour, minute=minute, tzinfo=KYIV)


@dataclass(frozen=True, slots=True)
class Duty:
    """One shift of the week."""

    number: int
    begins: datetime
    ends: datetime
    responsible: Worker
    officers: tuple[Worker, ...]

    @property
    def id(self) -> str:
        return f"{self.begins:%m-%d-%H}"


def duties() -> Iterator[Duty]:
    """21 shifts from Monday 06:00 to the next Monday 06:00, and the one after them."""
    everybody = officers()
    for number in range(SHIFTS + 1):
        day, part = divmod(number, 3)
        begins = local(day, (6, 14, 22)[part])
        ends = local(day, 14) if part == 0 else local(day, 22) if part == 1 else local(day + 1, 6)
        chosen = tuple(everybody[(number * ON_DUTY + n) % OFFICERS] for n in range(ON_DUTY))
        yield Duty(number, begins, ends, RESPONSIBLE[number % len(RESPONSIBLE)], chosen)


def schedule() -> Schedule:
    return Schedule(
        version=1,
        customs_body=BODY,
        post=POST,
        document="графік чергувань № 3 від 15.03.2027",
        issued_at="2027-03-15T08:00:00.000Z",
        valid_from="2027-03-20T00:00:00.000Z",
        valid_until="2027-04-05T00:00:00.000Z",
        shifts=tuple(
            Shift(
                id=duty.id,
                begins=utc(duty.begins),
                ends=utc(duty.ends),
                responsible=(duty.responsible.id,),
                officers=tuple(one.id for one in duty.officers),
            )
            for duty in duties()
        ),
    )
