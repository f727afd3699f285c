"""A request of the centre: a recording belongs to a case or an information sheet (scan-annex1). Signed by the centre.

It adds a line to the ledger and changes not one byte of the recording.
"""

from typing import Annotated

import msgspec

from edged.errors import EdgeError, ErrorCode
from edged.formats import times
from edged.formats.fields import Name, RecordingId, Text, Time
from edged.formats.note import Signer, Verifier
from edged.formats.signed import open_document, sign_document

Code = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}[0-9]{6}\Z")]  # of the unit: UA123456
Number = Annotated[int, msgspec.Meta(ge=1, le=99_999)]
Year = Annotated[int, msgspec.Meta(ge=2025, le=2100)]


class Reference(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="edged/reference/v1"
):
    station: Name
    recording: RecordingId
    code: Code
    number: Number
    year: Year
    person: Text  # who asks for it, at the server: position and name
    asked_at: Time


def sign_reference(reference: Reference, centre: Signer) -> bytes:
    """Raises FormatError: a time that does not exist."""
    times.parse_ns(reference.asked_at)
    return sign_document(reference, centre)


def open_reference(data: bytes, centre: Verifier) -> Reference:
    """Signature and form only. Raises FormatError, SignatureError."""
    reference = open_document(data, Reference, (centre,))
    times.parse_ns(reference.asked_at)
    return reference


def require_reference(data: bytes, centre: Verifier, station: str, recording: str) -> Reference:
    """Return the request if it is the centre's and of this recording at this station.

    Raises:
        FormatError, SignatureError: as `open_reference`.
        EdgeError: REFERENCE_BAD, genuine but about another recording or station.
    """
    reference = open_reference(data, centre)
    for name, wanted in (("station", station), ("recording", recording)):
        if getattr(reference, name) != wanted:
            raise EdgeError(ErrorCode.REFERENCE_BAD, recording=recording, differs=name)
    return reference
