"""What the centre answers about a recording: a receipt, or a refusal for good. Both are signed by it."""

from typing import Annotated

import msgspec

from edged.errors import EdgeError, ErrorCode
from edged.formats import times
from edged.formats.fields import Hex64, Name, RecordingId, ServerLevel, Size, Time
from edged.formats.manifest import Manifest
from edged.formats.note import Signer, Verifier
from edged.formats.signed import open_document, sign_document


class Receipt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="edged/receipt/v1"):
    """This recording lies on this server: hashed there by the centre, durable, kept at least so long."""

    station: Name
    recording: RecordingId
    size: Size
    sha256: Hex64
    ledger_seq: Size  # as in the manifest: the line that sealed it
    ledger_line: Hex64
    server: Name
    server_level: ServerLevel
    placed_at: Time
    retain_until: Time  # edged.formats.times.retain_until(placed_at), or later


class Refusal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="edged/refusal/v1"):
    """The centre does not take this recording and never will as it is; the station holds it."""

    station: Name
    recording: RecordingId
    manifest_sha256: Hex64
    server: Name
    refused_at: Time
    reason: Annotated[str, msgspec.Meta(max_length=500)]


def receipt_for(manifest: Manifest, *, server: str, server_level: ServerLevel, placed_at: str) -> Receipt:
    """Return the receipt for a recording that the centre has stored and hashed itself."""
    return Receipt(
        station=manifest.station,
        recording=manifest.recording,
        size=manifest.size,
        sha256=manifest.sha256,
        ledger_seq=manifest.ledger_seq,
        ledger_line=manifest.ledger_line,
        server=server,
        server_level=server_level,
        placed_at=placed_at,
        retain_until=times.retain_until(placed_at),
    )


def sign_receipt(answer: Receipt | Refusal, centre: Signer) -> bytes:
    return sign_document(answer, centre)


def open_receipt(data: bytes, centre: Verifier) -> Receipt:
    """Signature and form only; see `require_receipt`. Raises FormatError, SignatureError."""
    return open_document(data, Receipt, (centre,))


def open_refusal(data: bytes, centre: Verifier) -> Refusal:
    """Raises FormatError, SignatureError."""
    return open_document(data, Refusal, (centre,))


def require_receipt(data: bytes, centre: Verifier, manifest: Manifest) -> Receipt:
    """Return the receipt if it is the centre's and speaks of exactly this recording (gate G6).

    Raises:
        FormatError, SignatureError: as `open_receipt`.
        EdgeError: RECEIPT_BAD, genuine but of another recording, station or content, or with a
            retention shorter than the law's.
    """
    receipt = open_receipt(data, centre)
    for name in ("station", "recording", "size", "sha256", "ledger_seq", "ledger_line"):
        if getattr(receipt, name) != getattr(manifest, name):
            raise EdgeError(ErrorCode.RECEIPT_BAD, recording=manifest.recording, differs=name)
    if times.parse_ns(receipt.retain_until) < times.parse_ns(times.retain_until(receipt.placed_at)):
        raise EdgeError(ErrorCode.RECEIPT_BAD, recording=manifest.recording, differs="retain_until")
    return receipt
