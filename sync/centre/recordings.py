"""Takes recordings: verifies, stores for good, and only then signs the receipt.

1. Nothing stored is ever replaced. Another recording under a known id is refused.
2. Content is copied, not moved, so that nobody keeps an open file into the store; hashed while it is copied
   and hashed again from the medium under its final name.
3. Content and manifest are durable before the receipt is signed, the receipt before the station can see it, and
   what the station left in its home goes only after that.
4. A crash anywhere leaves something that the next pass goes on with.
"""

import errno
import hashlib
import re
from collections.abc import Iterator
from contextlib import closing, suppress

from edged.errors import EdgeError, FormatError
from edged.formats.manifest import Manifest, open_manifest
from edged.formats.receipt import Refusal, open_refusal, receipt_for, sign_receipt
from edged.formats.station_keys import StationKeys
from sync.centre.desk import ASIDE_LIMIT, TORN_LIMIT, Desk
from sync.centre.known import Known, known_keys, load_known
from sync.files import exists, is_cut_note, is_torn, names, read_or_none, replace_file
from sync.outbox import MANIFEST, MANIFEST_LIMIT, RECEIPT, RECORDING, unverified_manifest

BLOCK = 1024 * 1024
RESERVE = 64 * 1024 * 1024  # kept free in the store for ledger and answers
_YEAR, _TWO = re.compile(r"[0-9]{4}", re.ASCII), re.compile(r"[0-9]{2}", re.ASCII)


class Refused(Exception):
    """For good: this recording is not taken as it is."""


class Early(Exception):
    """Not now: the ledger, which says whose key it is, has not come as far."""


class RecordingIntake:
    """Blocking. OSError of one recording is an alert and does not stop the others."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._fs = desk.fs
        self._answers = f"{desk.home}/receipts"
        try:
            self._known = load_known(desk)
            self._keys = known_keys(desk, self._known)
        except FormatError:  # the ledger stops at that; recordings go on with the key that we were given
            self._known, self._keys = Known(), StationKeys(desk.station)

    def take(self) -> None:
        """Look at every recording whose manifest has arrived."""
        for home, name in self._delivered():
            try:
                self._one(home, name)
            except OSError as exc:
                reason = exc.strerror or type(exc).__name__
                self._desk.alert("store-failed", recording=name, errno=exc.errno or 0, reason=reason)
            except Early:
                self._desk.alert("manifest-early", recording=name, known=self._known.size)
            except Refused as exc:
                self._refuse(home, name, str(exc))

    # --- one recording -----------------------------------------------------------------------------

    def _one(self, home: str, name: str) -> None:
        note = self._fs.read(f"{home}/{MANIFEST}", MANIFEST_LIMIT)
        torn = is_torn(note) or is_cut_note(note)
        if torn and self._desk.set_aside(f"{home}/{MANIFEST}", TORN_LIMIT):
            self._desk.alert("manifest-torn", recording=name)
            return
        manifest = self._accepted(home, name, note)
        place = f"{self._desk.folder}/recordings/{manifest.folder}/{name}"
        stored = read_or_none(self._fs, f"{place}/{MANIFEST}", MANIFEST_LIMIT)
        if stored is not None and stored != note:
            self._desk.alert("recording-conflict", recording=name)
            raise Refused("another recording is stored under this id")
        if not exists(self._fs, f"{place}/{RECEIPT}") and not self._store(home, place, manifest, note):
            return
        self._desk.make_durable(place)
        self._publish(place, name)
        self._clear(home)

    def _accepted(self, home: str, name: str, note: bytes) -> Manifest:
        """Return the manifest if the station signed it for this place."""
        try:
            manifest = open_manifest(note, self._keys)
        except EdgeError as exc:
            if self._is_early(note):
                raise Early from exc
            raise Refused(f"manifest: {exc}"[:500]) from exc
        if manifest.station != self._desk.station_id:
            raise Refused("manifest of another station")
        if manifest.recording != name or not home.endswith(f"/{manifest.folder}/{name}"):
            raise Refused("manifest of another recording or day")
        return manifest

    def _is_early(self, note: bytes) -> bool:
        """Whether it speaks of a line that is not here yet: its key may be named before that line."""
        try:
            claimed = unverified_manifest(note)
        except FormatError:
            return False
        return claimed.station == self._desk.station_id and claimed.ledger_seq >= self._known.size

    def _store(self, home: str, place: str, manifest: Manifest, note: bytes) -> bool:
        """Bring content and manifest into the store and sign. Return False if the content is not right yet."""
        final = f"{place}/{manifest.file}"
        self._fs.make_dirs(place)
        if not exists(self._fs, final) and not self._copy(home, final, manifest):
            return False
        if self._hash_from_medium(final, manifest.size) != manifest.sha256:
            self._desk.alert("store-differs", recording=manifest.recording, file=manifest.file)
            return False
        if not exists(self._fs, f"{place}/{MANIFEST}"):
            replace_file(self._fs, place, MANIFEST, note)
        self._desk.make_durable(place)
        receipt = receipt_for(
            manifest, server=self._desk.server, server_level=self._desk.level, placed_at=self._desk.now()
        )
        replace_file(self._fs, place, RECEIPT, sign_receipt(receipt, self._desk.centre))
        self._desk.summary.placed.append(manifest.recording)
        self._desk.log(
            "EDG-3201", recording=manifest.recording, station=self._desk.station_id, size=manifest.size
        )
        return True

    def _copy(self, home: str, final: str, manifest: Manifest) -> bool:
        """Copy the content under its final name if it is what the manifest says."""
        source = f"{home}/{manifest.file}"
        if not exists(self._fs, source):
            self._desk.alert("content-missing", recording=manifest.recording)
            return False
        part = f"{final}.part"
        with suppress(FileNotFoundError):
            self._fs.remove(part)  # our own, of a pass that was cut off
        if self._fs.stat(source).size != manifest.size:
            self._set_aside(source, manifest, "size")
            return False
        self._require_space(final, manifest.size)
        if self._pour(source, part, manifest.size) != manifest.sha256:
            self._fs.remove(part)
            self._set_aside(source, manifest, "hash")
            return False
        self._fs.rename(part, final)
        self._fs.sync_dir(final.rpartition("/")[0])
        self._fs.protect(final)
        return True

    def _pour(self, source: str, part: str, size: int) -> str:
        digest = hashlib.sha256()
        with closing(self._fs.open(source)) as old, closing(self._fs.create(part)) as new:
            offset = 0
            while offset < size and (data := old.read_at(offset, min(BLOCK, size - offset))):
                digest.update(data)
                new.write_at(offset, data)
                offset += len(data)
            new.sync()
        return digest.hexdigest()

    def _hash_from_medium(self, path: str, size: int) -> str:
        if self._fs.stat(path).size != size:
            return ""
        digest = hashlib.sha256()
        with closing(self._fs.open_uncached(path)) as file:
            for offset in range(0, size, BLOCK):
                digest.update(file.read_at(offset, BLOCK)[: size - offset])
        return digest.hexdigest()

    def _require_space(self, final: str, size: int) -> None:
        free = self._fs.space(final.rpartition("/")[0]).free
        if free < size + RESERVE:
            raise OSError(errno.ENOSPC, "the store is full", final)

    def _set_aside(self, source: str, manifest: Manifest, what: str) -> None:
        """Content that is not the manifest's: kept, but out of the way, so that it can be sent again."""
        self._desk.alert("content-differs", recording=manifest.recording, what=what)
        if not self._desk.set_aside(source):
            raise Refused(f"the content did not fit the manifest {ASIDE_LIMIT} times")

    # --- answers -----------------------------------------------------------------------------------

    def _publish(self, place: str, name: str) -> None:
        receipt = self._fs.read(f"{place}/{RECEIPT}", MANIFEST_LIMIT)
        if read_or_none(self._fs, f"{self._answers}/{name}.note", MANIFEST_LIMIT) != receipt:
            replace_file(self._fs, self._answers, f"{name}.note", receipt)
        with suppress(FileNotFoundError):
            self._fs.remove(f"{self._answers}/{name}.refused.note")

    def _refuse(self, home: str, name: str, reason: str) -> None:
        """Say so once, signed. What was delivered stays where it is: a person may want to see it."""
        digest = hashlib.sha256(self._fs.read(f"{home}/{MANIFEST}", MANIFEST_LIMIT)).hexdigest()
        file = f"{name}.refused.note"
        before = read_or_none(self._fs, f"{self._answers}/{file}", MANIFEST_LIMIT)
        if before is not None and self._is_said(before, digest):
            return
        refusal = Refusal(
            station=self._desk.station_id,
            recording=name,
            manifest_sha256=digest,
            server=self._desk.server,
            refused_at=self._desk.now(),
            reason=reason[:500],
        )
        replace_file(self._fs, self._answers, file, sign_receipt(refusal, self._desk.centre))
        self._desk.summary.refused.append(name)
        self._desk.log("EDG-3202", recording=name, station=self._desk.station_id, reason=reason)
        self._desk.alert("recording-refused", recording=name, reason=reason[:300])

    def _is_said(self, note: bytes, manifest_sha256: str) -> bool:
        try:
            return open_refusal(note, self._desk.centre.verifier).manifest_sha256 == manifest_sha256
        except EdgeError:
            return False

    def _clear(self, home: str) -> None:
        """The station's home is the drop box; what is stored and receipted need not lie there twice."""
        for file in names(self._fs, home):
            if file != MANIFEST:
                self._fs.remove(f"{home}/{file}")
        self._fs.remove(f"{home}/{MANIFEST}")  # last: it is what makes us look here

    def _delivered(self) -> Iterator[tuple[str, str]]:
        root = f"{self._desk.home}/recordings"
        for year in self._parts(root, _YEAR):
            for month in self._parts(year, _TWO):
                for day in self._parts(month, _TWO):
                    for home in self._parts(day, RECORDING):
                        if exists(self._fs, f"{home}/{MANIFEST}"):
                            yield home, home.rpartition("/")[2]

    def _parts(self, folder: str, form: re.Pattern[str]) -> Iterator[str]:
        for name in names(self._fs, folder):
            if form.fullmatch(name):
                yield f"{folder}/{name}"
