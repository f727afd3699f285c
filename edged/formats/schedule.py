"""The duty schedule of one customs post: who is on duty when, and which days are working days. Signed by the authority.

Form only: what follows from it is decided in `edged/duty.py`. Source: 459-I.3-shift (a working shift is set by the duty
schedule), 459-III.12-report and 459-III.14-notice (deadlines that begin on a day off).
"""

from datetime import date
from typing import Annotated

import msgspec

from edged.errors import FormatError
from edged.formats import times
from edged.formats.fields import Day, Text, Time, require_once
from edged.formats.note import Signer, Verifier
from edged.formats.roster import PersonId
from edged.formats.signed import open_document, sign_document

SCHEDULE_LIMIT = 1024 * 1024  # bytes; a month of three shifts a day with 40 officers needs about 100 kB
SHIFTS_LIMIT = 2_000
SHIFT_HOURS = 48  # the longest that is believed; a longer one is a slip of the pen

ShiftId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")]


class Shift(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A working shift with those who are on duty in it."""

    id: ShiftId
    begins: Time
    ends: Time
    responsible: Annotated[tuple[PersonId, ...], msgspec.Meta(min_length=1, max_length=8)]
    officers: Annotated[tuple[PersonId, ...], msgspec.Meta(max_length=500)]


class Schedule(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="edged/schedule/v1"
):
    version: Annotated[int, msgspec.Meta(ge=1, le=2**53)]  # grows with every schedule of the post
    customs_body: Text
    post: Text
    document: Text  # number and date of the duty schedule itself
    issued_at: Time
    valid_from: Time
    valid_until: Time
    shifts: Annotated[tuple[Shift, ...], msgspec.Meta(max_length=SHIFTS_LIMIT)]
    days_off: Annotated[tuple[Day, ...], msgspec.Meta(max_length=400)] = ()  # from Monday to Friday, in Kyiv
    working_days: Annotated[tuple[Day, ...], msgspec.Meta(max_length=400)] = ()  # Saturdays and Sundays


def sign_schedule(schedule: Schedule, authority: Signer) -> bytes:
    """Raises FormatError where `open_schedule` would."""
    _require_sound(schedule)
    return sign_document(schedule, authority)


def open_schedule(data: bytes, authority: Verifier) -> Schedule:
    """Return the schedule in ``data``.

    Raises:
        FormatError: cut off, not a schedule, a time that does not exist, a shift that ends before it begins or lasts
            longer than SHIFT_HOURS, one id twice, a person twice in one shift, a day in both lists.
        SignatureError: not signed by ``authority``.
    """
    schedule = open_document(data, Schedule, (authority,), SCHEDULE_LIMIT)
    _require_sound(schedule)
    return schedule


def _require_sound(schedule: Schedule) -> None:
    times.parse_ns(schedule.issued_at)
    _length_ns("schedule", schedule.valid_from, schedule.valid_until)
    for shift in schedule.shifts:
        if _length_ns(shift.id, shift.begins, shift.ends) > SHIFT_HOURS * 3_600_000_000_000:
            raise FormatError(reason="a shift that is too long", where=shift.id)
        require_once(f"person of shift {shift.id}", (*shift.responsible, *shift.officers))
    require_once("shift", (shift.id for shift in schedule.shifts))
    days = (*schedule.days_off, *schedule.working_days)
    require_once("day", days)
    for day in days:
        try:
            date.fromisoformat(day)
        except ValueError as exc:
            raise FormatError(reason="no such day", day=day) from exc


def _length_ns(where: str, begin: str, end: str) -> int:
    length = times.parse_ns(end) - times.parse_ns(begin)
    if length <= 0:
        raise FormatError(reason="it ends before it begins", where=where)
    return length
