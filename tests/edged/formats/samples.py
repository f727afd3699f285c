"""One valid document of each kind, for tests that spoil them."""

from edged.formats import times
from edged.formats.facts import RecordingSealed
from edged.formats.line import Line, Stamp, encode_data, encode_line
from edged.formats.manifest import Manifest, manifest_of
from edged.formats.note import Signer
from edged.formats.receipt import Receipt, Refusal, receipt_for
from edged.formats.reference import Reference
from edged.formats.roster import Appointment, Credential, Person, Revocation, RoleGrant, Roster
from edged.formats.schedule import Schedule, Shift

STATION = Signer.from_seed("edged/yahodyn-1", bytes([1]) * 32)
CENTRE = Signer.from_seed("centre/lviv", bytes([2]) * 32)
AUTHORITY = Signer.from_seed("authority/volyn", bytes([3]) * 32)
STRANGER = Signer.from_seed("centre/lviv", bytes([4]) * 32)  # the centre's name, another key

STAMP = Stamp(
    time="2026-11-22T07:00:00.123Z", boottime_ns=5_000, boot_id="b" * 32, clock="unknown", max_error_ns=None
)
SEALED = RecordingSealed(
    recording="a" * 32,
    camera="GAT-0007",
    path="DCIM/відео\n1.MP4",
    size=2**33,
    sha256="c" * 64,
    fingerprint="d" * 64,
    mtime="2026-11-22T09:00:00",
    medium="direct",
    folder="2026/11/22",
    file="content.mp4",
)


def line(seq: int = 7, actor: str = "station") -> Line:
    return encode_line(seq, "0" * 64, STAMP, actor, SEALED, encode_data(SEALED))


MANIFEST: Manifest = manifest_of("yahodyn-1", line())
PLACED_AT = "2026-01-10T10:00:00.000Z"
RECEIPT: Receipt = receipt_for(MANIFEST, server="lviv-1", server_level="local", placed_at=PLACED_AT)
REFUSAL = Refusal(
    station="yahodyn-1",
    recording="a" * 32,
    manifest_sha256="e" * 64,
    server="lviv-1",
    refused_at=PLACED_AT,
    reason="the content is not the manifest's",
)
REFERENCE = Reference(
    station="yahodyn-1",
    recording="a" * 32,
    code="UA123456",
    number=17,
    year=2026,
    person="слідчий Іваненко І. І.",
    asked_at=PLACED_AT,
)


def person(number: int) -> Person:
    return Person(
        id=f"p-{number}",
        name="Олена Коваль",
        position="головний державний інспектор",
        account=f"user{number}",
        credentials=(Credential(kind="uid", digest=f"{number:064x}"),),
        roles=(
            RoleGrant(
                role="officer",
                appointment=Appointment(body="Волинська митниця", number="17-к", date="2026-01-05"),
                valid_from="2026-01-06T00:00:00.000Z",
                valid_until="2027-01-06T00:00:00.000Z",
            ),
        ),
        revoked=Revocation(at=PLACED_AT, reason="звільнення") if number == 0 else None,
    )


def roster(*persons: Person, version: int = 3) -> Roster:
    return Roster(
        version=version,
        customs_body="Волинська митниця",
        issued_at=PLACED_AT,
        valid_from=PLACED_AT,
        valid_until=times.retain_until(PLACED_AT),
        persons=persons or (person(0), person(1)),
    )


def shift(
    name: str,
    begins: str,
    ends: str,
    responsible: tuple[str, ...] = ("iryna",),
    officers: tuple[str, ...] = (),
) -> Shift:
    return Shift(id=name, begins=begins, ends=ends, responsible=responsible, officers=officers)


def schedule(*shifts: Shift, days_off: tuple[str, ...] = (), working_days: tuple[str, ...] = ()) -> Schedule:
    """Of November 2026."""
    return Schedule(
        version=1,
        customs_body="Волинська митниця",
        post="Ягодин",
        document="графік № 11 від 25.10.2026",
        issued_at="2026-10-25T08:00:00.000Z",
        valid_from="2026-11-01T00:00:00.000Z",
        valid_until="2026-12-01T00:00:00.000Z",
        shifts=shifts,
        days_off=days_off,
        working_days=working_days,
    )
