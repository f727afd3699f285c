"""The manifest that lies beside a sealed recording: what it is, whose, when, and where the ledger says so."""

import msgspec

from edged.errors import FormatError, SignatureError
from edged.formats import document
from edged.formats.facts import GapFact, RecordingSealed
from edged.formats.fields import FileName, Folder, Hex64, Name, RecordingId, Size, Time
from edged.formats.line import Line
from edged.formats.note import Signer
from edged.formats.signed import open_signed, sign_document
from edged.formats.station_keys import SignedBy, keys_of


class Manifest(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="edged/manifest/v1"
):
    """Signed by the station. All that the centre needs to take the recording and name its origin."""

    station: Name
    recording: RecordingId
    size: Size
    sha256: Hex64
    folder: Folder  # "2026/11/22"
    file: FileName  # "content.mp4"
    camera: str
    path: str  # the camera's claim
    mtime: str  # camera's local time
    true_time: str  # UTC, "" unknown
    uncertainty_ms: int  # -1 unknown
    issue: str
    officer: str
    fingerprint: str
    medium: str
    second_read: bool
    gaps: tuple[GapFact, ...]  # not empty: DAMAGED
    sealed_at: Time
    ledger_seq: Size
    ledger_line: Hex64  # SHA-256 of the line recording.sealed


def manifest_of(station: str, line: Line) -> Manifest:
    """Return the manifest of the recording that ``line`` seals.

    Raises:
        FormatError: another line, or one with a folder or file name that no reader would take.
    """
    sealed = line.fact
    if not isinstance(sealed, RecordingSealed):
        raise FormatError(reason="not a line that seals a recording", type=line.type, seq=line.seq)
    manifest = Manifest(
        station=station,
        recording=sealed.recording,
        size=sealed.size,
        sha256=sealed.sha256,
        folder=sealed.folder,
        file=sealed.file,
        camera=sealed.camera,
        path=sealed.path,
        mtime=sealed.mtime,
        true_time=sealed.true_time,
        uncertainty_ms=sealed.uncertainty_ms,
        issue=sealed.issue,
        officer=sealed.officer,
        fingerprint=sealed.fingerprint,
        medium=sealed.medium,
        second_read=sealed.second_read,
        gaps=sealed.gaps,
        sealed_at=line.time,
        ledger_seq=line.seq,
        ledger_line=line.hash,
    )
    return document.decode(document.encode(manifest), Manifest)  # a Struct checks bounds when it is read


def sign_manifest(manifest: Manifest, signer: Signer) -> bytes:
    return sign_document(manifest, signer)


def open_manifest(data: bytes, station: SignedBy) -> Manifest:
    """Raises FormatError; SignatureError: the key that answers for the manifest's line has not signed."""
    keys = keys_of(station)
    manifest, signed_by = open_signed(data, Manifest, tuple(keys))
    if (key := keys.of_line(manifest.ledger_seq)) not in signed_by:
        raise SignatureError(key=key.name, reason="signature missing")
    return manifest
