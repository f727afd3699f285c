"""Compares the files of a vault (or of the centre's store) with what the ledger says was sealed."""

import errno
from hashlib import sha256

from edged.errors import FormatError, SignatureError
from edged.formats.document import DOCUMENT_LIMIT
from edged.formats.facts import RecordingConfirmed, RecordingCorrupted, RecordingSealed
from edged.formats.line import Line
from edged.formats.manifest import manifest_of, open_manifest
from edged.formats.station_keys import SignedBy
from edged.ledger.report import Kind, Report
from edged.ports import FileSystem

_CHUNK = 4 * 1024 * 1024


class RecordingCheck:
    """Collects sealed recordings line by line; the last sealing of a recording counts.

    A manifest is written after its line; a station that was cut off in between writes it at its next start, and
    delivers nothing without it. So one that is not there is missed only where a receipt has come.
    """

    def __init__(self, fs: FileSystem, vault: str, station: SignedBy, report: Report) -> None:
        self._fs, self._vault, self._station, self._report = fs, vault, station, report
        self._sealed: dict[str, Line] = {}
        self._corrupted: set[str] = set()
        self._confirmed: set[str] = set()

    def take(self, line: Line) -> None:
        if isinstance(line.fact, RecordingSealed):
            self._sealed[line.fact.recording] = line
            self._corrupted.discard(line.fact.recording)
            self._confirmed.discard(line.fact.recording)
        elif isinstance(line.fact, RecordingConfirmed):
            self._confirmed.add(line.fact.recording)
        elif isinstance(line.fact, RecordingCorrupted):
            self._corrupted.add(line.fact.recording)

    def finish(self, station: str) -> None:
        """Read every file once."""
        for recording, line in self._sealed.items():
            sealed = line.fact
            assert isinstance(sealed, RecordingSealed)
            try:
                manifest = manifest_of(station, line)
            except FormatError as exc:
                self._report.add(Kind.RECORDING_MISSING, recording, str(exc.detail.get("why", exc)), line.seq)
                continue
            folder = f"{self._vault}/recordings/{manifest.folder}/{manifest.recording}"
            self._content(recording, line.seq, sealed, f"{folder}/{manifest.file}")
            self._manifest(recording, line, station, f"{folder}/manifest.note")
            self._report.recordings += 1

    def _content(self, recording: str, seq: int, sealed: RecordingSealed, path: str) -> None:
        try:
            size, digest = self._hash(path)
        except OSError as exc:
            missing = "is not there" if exc.errno == errno.ENOENT else f"cannot be read (errno {exc.errno})"
            self._report.add(Kind.RECORDING_MISSING, recording, missing, seq)
            return
        if (size, digest) != (sealed.size, sealed.sha256):
            known = ", as the ledger says" if recording in self._corrupted else ""
            detail = f"{size} bytes, SHA-256 {digest}; not what was sealed{known}"
            self._report.add(Kind.RECORDING_DIFFERS, recording, detail, seq)

    def _manifest(self, recording: str, line: Line, station: str, path: str) -> None:
        try:
            found = open_manifest(self._fs.read(path, DOCUMENT_LIMIT), self._station)
        except OSError as exc:
            if exc.errno == errno.ENOENT and recording not in self._confirmed:
                self._report.manifests_due += 1
                return
            self._report.add(Kind.MANIFEST_BAD, recording, f"cannot be read (errno {exc.errno})", line.seq)
        except (FormatError, SignatureError) as exc:
            self._report.add(Kind.MANIFEST_BAD, recording, str(exc.detail.get("reason", exc)), line.seq)
        else:
            if found != manifest_of(station, line):
                self._report.add(Kind.MANIFEST_BAD, recording, "says other than the ledger", line.seq)

    def _hash(self, path: str) -> tuple[int, str]:
        file, digest, offset = self._fs.open(path), sha256(), 0
        try:
            while chunk := file.read_at(offset, _CHUNK):
                digest.update(chunk)
                offset += len(chunk)
        finally:
            file.close()
        return offset, digest.hexdigest()
