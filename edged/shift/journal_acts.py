"""Sheets of the three journals and of inspection rounds, and handovers: who makes, signs and registers what. Pure."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated

import msgspec

from edged.duty import Margins
from edged.errors import EdgeError, ErrorCode
from edged.formats import document, times
from edged.formats import shift_facts as sf
from edged.formats.facts import Fact
from edged.formats.roster import Person, Role
from edged.journals.forms import EDITION, Form, Range, Sheet, Signatory
from edged.journals.forms import Kind as Journal
from edged.journals.signature import Checked, is_of
from edged.shift.dues import not_returned
from edged.shift.entries import ENTRIES, untold
from edged.shift.inventory import Sort
from edged.shift.records import SheetRecord, repeats
from edged.shift.rows import Counted, Row, handover_rows, to_count
from edged.shift.scene import (
    Act,
    Day,
    Maybe,
    MaybeLong,
    Number,
    Params,
    Scene,
    Short,
    Time,
    not_alone,
    refuse,
)

KEEPER: Mapping[Journal, Role] = MappingProxyType(
    {
        Journal.HANDOVER: "responsible",  # 459-II.1-keeps
        Journal.INCIDENT: "responsible",
        Journal.MAINTENANCE: "technician",  # 459-II.3-maintenance
        Journal.ROUND: "responsible",
    }
)
_AT_ONCE = Margins(timedelta(0), timedelta(0))
ENTRIES_A_SHEET = 100
ROWS_LIMIT = 48 * 1024  # bytes of rows, so that the whole sheet is one line of the ledger
_UNTOLD = "an entry that no sheet tells yet as it is now; works and repairs: with their result, or named"
_UNREPEATED = (
    "a handover since this volume began that it does not repeat yet; for a new one: `edgectl handover`"
)


class Ground(StrEnum):
    LOST = "lost"
    SEIZED = "seized"


class HandoverParams(Params, frozen=True):
    taking: Short  # person
    safe: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 0
    counts: dict[Sort, Annotated[int, msgspec.Meta(ge=0, le=10_000)]] = msgspec.field(default_factory=dict)
    discrepancies: MaybeLong = ""
    note: MaybeLong = ""


class SheetParams(Params, frozen=True):
    journal: Journal
    entries: Annotated[tuple[Short, ...], msgspec.Meta(max_length=ENTRIES_A_SHEET)] = ()


class VolumeParams(Params, frozen=True):
    journal: Journal
    ground: Ground
    since: Time
    document: Maybe = ""


class RegisterParams(Params, frozen=True):
    sheet: Short
    number: Number
    date: Day


# --- making a sheet ------------------------------------------------------------------------------------


def _handover(scene: Scene, p: HandoverParams) -> tuple[Fact, ...]:
    giving, taking = scene.person(scene.actor), scene.person(p.taking)
    if p.taking == scene.actor:
        raise not_alone(scene, taking=p.taking)
    _require_role(scene, taking, "responsible")
    wanted = to_count(scene.inventory)
    if set(p.counts) != set(wanted):
        raise EdgeError(ErrorCode.BAD_REQUEST, expected=f"a count of each of: {', '.join(wanted)}")
    counted = Counted(p.safe, p.counts, p.discrepancies, p.note)
    names = {person.id: person.name for person in scene.persons.values()}
    # No margin here: at a handover every camera that the ended shift still holds is to be explained.
    late = not_returned(scene.station, scene.schedule, _AT_ONCE, scene.longest_h, scene.now_ns)
    out = frozenset(issue.id for issue in late)
    rows = handover_rows(scene.station, scene.inventory, names, counted, out, scene.now_ns)
    return (_made(scene, Journal.HANDOVER, rows, (giving, taking), ()),)


def _sheet(scene: Scene, p: SheetParams) -> tuple[Fact, ...]:
    role = KEEPER[p.journal]
    if role not in scene.roles:
        raise EdgeError(ErrorCode.NOT_ALLOWED, journal=p.journal, person=scene.actor, roles=role)
    rows = {entry.id: entry.rows for entry in ENTRIES[p.journal](scene)}
    wanted = p.entries or _fitting({entry.id: entry.rows for entry in untold(scene, p.journal)})
    if unknown := [entry for entry in wanted if entry not in rows]:
        raise EdgeError(ErrorCode.NOT_FOUND, entry=unknown[0])
    if not wanted:
        raise refuse(journal=p.journal, expected=_UNREPEATED if p.journal is Journal.HANDOVER else _UNTOLD)
    told_now = tuple(row for entry in wanted for row in rows[entry])
    return (_made(scene, p.journal, told_now, (scene.person(scene.actor),), wanted),)


def _fitting(rows: Mapping[str, tuple[Row, ...]]) -> tuple[str, ...]:
    """The first of them that one line of the ledger can hold; the rest are the next sheet's."""
    fitting: list[str] = []
    size = 0
    for entry, its_rows in rows.items():
        size += len(document.encode(its_rows)) + len(entry) + 4
        if fitting and (size > ROWS_LIMIT or len(fitting) == ENTRIES_A_SHEET):
            break
        fitting.append(entry)
    return tuple(fitting)


def _made(
    scene: Scene,
    journal: Journal,
    rows: tuple[Row, ...],
    persons: tuple[Person, ...],
    entries: tuple[str, ...],
) -> sf.SheetMade:
    made = sf.SheetMade(
        sheet=scene.new_id(),
        journal=journal,
        volume=scene.shift.volumes[journal].number,
        rows=rows,
        signatories=tuple(
            sf.SignatoryFact(person=one.id, position=one.position, name=one.name) for one in persons
        ),
        first=scene.shift.told.get(journal, -1) + 1,
        last=scene.lines - 1,
        root=scene.root,
        sha256="",
        entries=entries,
    )
    return msgspec.structs.replace(made, sha256=sheet_of(scene.forms, made).sha256())


def sheet_of(forms: Mapping[Journal, Form], made: sf.SheetMade) -> Sheet:
    """Return the sheet that the ledger holds: what is signed, printed and handed to the document system.

    In the edition in which it was made: its bytes are signed, and never change.
    """
    editions = (_in_edition(edition, forms, made) for edition in range(EDITION, 0, -1))
    newest = next(editions)
    if not made.sha256 or newest.sha256() == made.sha256:
        return newest
    return next((one for one in editions if one.sha256() == made.sha256), newest)


def _in_edition(edition: int, forms: Mapping[Journal, Form], made: sf.SheetMade) -> Sheet:
    return Sheet(
        kind=Journal(made.journal),
        volume=made.volume,
        form=_form_of(forms, made),
        rows=made.rows,
        signatories=tuple(Signatory(one.position, one.name) for one in made.signatories),
        source=Range(made.first, made.last, made.root),
        edition=edition,
    )


def _form_of(forms: Mapping[Journal, Form], made: sf.SheetMade) -> Form:
    form = forms[Journal(made.journal)]
    if not repeats(made):
        return form
    # Nobody gives or takes anything: whoever keeps the journal signs alone, on the line that Annex 2 has for that.
    alone = forms[Journal.INCIDENT]
    return msgspec.structs.replace(form, signatures=alone.signatures, footer=alone.footer)


def _require_role(scene: Scene, person: Person, role: Role) -> None:
    now = scene.now_ns
    for grant in person.roles:
        valid = times.parse_ns(grant.valid_from) <= now < times.parse_ns(grant.valid_until)
        if grant.role == role and valid:
            return
    raise EdgeError(ErrorCode.NOT_ALLOWED, person=person.id, roles=role)


# --- signing and registering ---------------------------------------------------------------------------


def find(scene: Scene, sheet: str) -> SheetRecord:
    """Raises EdgeError: NOT_FOUND."""
    found = scene.shift.sheets.get(sheet)
    if found is None:
        raise EdgeError(ErrorCode.NOT_FOUND, sheet=sheet[:64])
    return found


def signed(scene: Scene, sheet: str, checked: Checked, sha256: str) -> tuple[Fact, ...]:
    """Return what a checked signature (its file's ``sha256``) over this sheet's bytes comes to.

    Raises:
        EdgeError: NOT_FOUND; NOT_ALLOWED: it is nobody's who has to sign; CONFLICT: that place is signed.
    """
    record = find(scene, sheet)
    waiting = record.made.signatories
    if checked.signer:
        places = [place for place, one in enumerate(waiting) if is_of(checked.signer, one.name)]
    else:  # the certificate names nobody: whoever attaches it answers for whose it is
        places = [place for place, one in enumerate(waiting) if one.person == scene.actor]
    if not places:
        expected = ", ".join(one.name for one in waiting)
        raise EdgeError(ErrorCode.NOT_ALLOWED, signer=checked.signer or scene.actor, expected=expected)
    if places[0] in record.signatures:
        raise refuse(sheet=sheet, place=places[0], expected="a place that is not signed yet")
    fact = sf.SheetSigned(
        sheet=sheet,
        place=places[0],
        sha256=sha256,
        algorithm=checked.algorithm,
        signer=checked.signer,
        verdict=checked.verdict,
    )
    return (fact,)


def _register(scene: Scene, p: RegisterParams) -> tuple[Fact, ...]:
    record = find(scene, p.sheet)
    if not record.signed:
        raise refuse(
            sheet=p.sheet, signatures=len(record.signatures), expected="a sheet that all have signed"
        )
    if record.registered is not None:
        raise refuse(sheet=p.sheet, number=record.registered.number)
    return (sf.SheetRegistered(sheet=p.sheet, document=scene.document(p.number, p.date)),)


# --- volumes ------------------------------------------------------------------------------------------


def _volume(scene: Scene, p: VolumeParams) -> tuple[Fact, ...]:
    if p.journal is Journal.ROUND:
        raise EdgeError(ErrorCode.BAD_REQUEST, journal=p.journal, expected="one of the three journals")
    before = scene.shift.volumes[p.journal]
    if p.since < before.since:
        raise refuse(since=p.since, expected=f"a moment after {before.since}, when the volume before begins")
    incident = sf.IncidentOpened(
        incident=scene.new_id(),
        kind=f"journal-{p.ground}",
        happened=scene.past(p.since),
        description=p.document,
        person=scene.actor,
    )
    opened = sf.VolumeOpened(
        journal=p.journal,
        volume=before.number + 1,
        ground=p.ground,
        since=p.since,
        document=p.document,
        incident=incident.incident,
    )
    return (incident, opened)


ACTS: Mapping[str, Act] = MappingProxyType(
    {
        "handover": Act(HandoverParams, _handover),
        "journal sheet": Act(SheetParams, _sheet),
        "journal register": Act(RegisterParams, _register),
        "journal volume": Act(VolumeParams, _volume),
    }
)
