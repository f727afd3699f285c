"""A copy of a recording for a third party, with everything to check it: made by a second person, at the station.

What is copied is the sealed file, byte for byte; nothing of the vault is touched. A copy that was cut off has no
SHA256SUMS and no line in the ledger, and is made anew in another folder.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from edged.config import Export as Settings
from edged.court.bundle import SUMS, Content, Evidence, Handover, beside, mhl, sums
from edged.court.mhl import Hashed
from edged.errors import DiskError, EdgeError, ErrorCode
from edged.formats import shift_facts as sf
from edged.formats import times
from edged.formats.line import Line, decode_envelope
from edged.formats.note import Verifier
from edged.formats.proof import encode_proof
from edged.formats.shift_facts import Document
from edged.formats.station_keys import StationKeys
from edged.ledger.proofs import extract_lines, prove
from edged.ports import FileSystem, Log
from edged.projections.store import LogQuery
from edged.shift.acts import in_own_shift
from edged.shift.export_acts import require_second
from edged.shift.records import Export
from edged.shift.scene import Exports, Scene, refuse
from edged.station.office import Office
from edged.station.projector import Projector
from edged.station_state import Recording
from edged.vault.disk_errors import disk_errors
from edged.vault.layout import Place
from edged.vault.vault import Vault
from edged.verbs import Actor

BLOCK = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    station: StationKeys
    centre: Verifier


class HandingOver:
    """One for the station."""

    def __init__(
        self,
        settings: Settings,
        state_folder: str,
        *,
        office: Office,
        projector: Projector,
        vault: Vault,
        fs: FileSystem,
        keys: Keys,
        program: bytes,  # the one-file verifier
        version: str,
        log: Log,
    ) -> None:
        self._settings, self._state = settings, state_folder
        self._office, self._projector, self._vault, self._fs = office, projector, vault, fs
        self._keys, self._program, self._version, self._log = keys, program, version, log
        self._at_work: set[str] = set()

    async def make(self, actor: Actor, export: str) -> Line:
        """Make the copy and return the line that tells of it.

        Raises:
            EdgeError: as `require_second`; CONFLICT, no checkpoint covers the recording yet, or it is being made;
                NOT_FOUND, its file is not in the vault; READ_BACK_DIFFERS, it is not what was sealed; DiskError.
        """
        scene = in_own_shift(self._office.scene(actor))
        found, rules = require_second(scene, export)
        if export in self._at_work:
            raise refuse(export=export, expected="one at a time")
        self._at_work.add(export)
        try:
            made = await self._made(scene, found, rules)
        finally:
            self._at_work.discard(export)
        lines = await self._office.enter(actor, lambda now: (_told(now, found, made),))
        self._log(
            "EDG-7114",
            recording=found.recording,
            receiver=found.receiver,
            actor=actor.text,
            folder=made.folder,
        )
        return lines[-1]

    async def _made(self, scene: Scene, found: Export, rules: Exports) -> "_Made":
        recording = scene.station.recordings[found.recording]
        place = self._vault.at(recording.id, recording.folder, recording.file)
        evidence = await self._evidence(recording, place)
        handover = Handover(
            recording=found.recording,
            file=place.file,
            request=_paper(found.request),
            ground=found.law,
            receiver=found.receiver,
            decided=rules.decided,
            persons=(_name(scene, found.asked_by.removeprefix("person:")), _name(scene, scene.actor)),
        )
        folder = f"{self._settings.folder}/{found.id[:8]}-{scene.new_id()[:8]}"  # of each attempt its own
        copy = _Copy(self._fs, place.content, folder, scene.now_ns, self._version)
        made = await asyncio.to_thread(copy.write, evidence, handover, recording.sha256)
        return _Made(folder, made, recording.size)

    async def _evidence(self, of: Recording, place: Place) -> Evidence:
        recording, keys = of.id, self._keys.station
        lines = await self._projector.search(LogQuery(recording=recording))
        where = {
            "station": keys,
            "centre": self._keys.centre,
            "countersigned": f"{self._state}/countersigned",
        }
        ledger = f"{self._state}/ledger"
        proof = await asyncio.to_thread(prove, self._fs, ledger, recording, **where)  # type: ignore[arg-type]  # by name
        covered = frozenset(seq for line in lines if (seq := decode_envelope(line.encode()).seq) < proof.size)
        extract = await asyncio.to_thread(
            extract_lines,
            self._fs,
            ledger,
            f"recording={recording}",
            covered,
            **where,  # type: ignore[arg-type]  # by name
        )
        manifest = await asyncio.to_thread(self._vault.read_note, place.manifest)
        receipt = await asyncio.to_thread(self._vault.read_note, place.receipt)
        if manifest is None:
            raise EdgeError(ErrorCode.NOT_FOUND, path=place.manifest)
        return Evidence(
            manifest=manifest,
            proof=encode_proof(proof),
            lines="".join(f"{line}\n" for line in lines).encode(),
            verifier=self._program,
            station=(own := keys.of_line(of.sealed_seq)),
            witnesses=(*(key for key in keys if key != own), self._keys.centre),
            more={"extract.jsonl": extract} | ({"receipt.note": receipt} if receipt is not None else {}),
        )


@dataclass(frozen=True, slots=True)
class _Made:
    folder: str
    sums_sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class _Copy:
    """Writes one folder. Blocking."""

    fs: FileSystem
    content: str
    folder: str
    now_ns: int
    version: str

    def write(self, evidence: Evidence, handover: Handover, sha256: str) -> str:
        """Return the SHA-256 of SHA256SUMS. Raises EdgeError, see `HandingOver.make`."""
        with disk_errors("export", self.folder):
            self.fs.make_dirs(self.folder)
            content = self._content(handover.file, sha256)
            files = beside(evidence, handover, content)
            hashes = [(content.name, content.sha256)]
            hashes += [(name, hashlib.sha256(data).hexdigest()) for name, data in files.items()]
            listed = sums(hashes)
            files[SUMS] = listed
            media = [Hashed(content.name, content.size, content.sha512)]
            media += [Hashed(name, len(data), hashlib.sha512(data).digest()) for name, data in files.items()]
            name = self.folder.rpartition("/")[2]
            history = mhl(name, media, times.moment(self.now_ns), self.version)
            self._write({**history, **{n: d for n, d in files.items() if n != SUMS}, SUMS: listed})
        return hashlib.sha256(listed).hexdigest()

    def _content(self, name: str, sha256: str) -> Content:
        """Copy the recording; what came out differs from what was sealed: it is not handed over."""
        short, long, offset = hashlib.sha256(), hashlib.sha512(), 0
        try:
            source = self.fs.open(self.content)
        except FileNotFoundError as exc:
            raise EdgeError(ErrorCode.NOT_FOUND, path=self.content) from exc
        with contextlib.closing(source), contextlib.closing(self.fs.create(f"{self.folder}/{name}")) as copy:
            while block := source.read_at(offset, BLOCK):
                short.update(block)
                long.update(block)
                copy.write_at(offset, block)
                offset += len(block)
            copy.sync()
        if short.hexdigest() != sha256:
            raise DiskError(
                ErrorCode.READ_BACK_DIFFERS, path=self.content, sealed=sha256, read=short.hexdigest()
            )
        return Content(name, offset, sha256, long.digest())

    def _write(self, files: Mapping[str, bytes]) -> None:
        """The sums last: without them the folder is not whole."""
        for name, data in files.items():
            path = f"{self.folder}/{name}"
            self.fs.make_dirs(path.rpartition("/")[0])
            with contextlib.closing(self.fs.create(path)) as file:
                file.write_at(0, data)
                file.sync()
            self.fs.sync_dir(path.rpartition("/")[0])


def _told(scene: Scene, found: Export, made: _Made) -> sf.ExportMade:
    require_second(scene, found.id)  # it may have been dropped meanwhile
    return sf.ExportMade(
        export=found.id,
        recording=found.recording,
        folder=made.folder,
        sha256=made.sums_sha256,
        size=made.size,
    )


def _paper(document: Document) -> str:
    return f"№ {document.number} від {document.date}"


def _name(scene: Scene, person: str) -> str:
    known = scene.persons.get(person)
    return known.name if known is not None else person
