"""What must never happen, looked at from outside: promises I1 to I8 of the design, each as a check.

The checks know the truth (what every camera ever recorded, what lies on every disk for certain, who holds which
camera) and read the ledger as anybody may; they ask the station nothing but whether its own views agree.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType

from drivers.worker import messages as m
from edged.court import verify_proof as court
from edged.errors import EdgeError
from edged.formats import facts as f
from edged.formats.line import Line
from edged.formats.manifest import open_manifest
from edged.formats.receipt import require_receipt
from edged.ledger.pieces import CURRENT
from edged.ledger.verify import verify_ledger
from edged.projections.store import entry_of
from edged.station.recovery import fold
from edged.station.scanning import SCANS
from edged.station.station import Station
from tests.simulation.ledger_says import Known, decoded, in_order, intent_of, lines_vouched_for, outcomes_of
from tests.simulation.loop import PROCESS
from tests.simulation.site import STORE, Site, Witness
from tests.world.world import CENTRE, STATE, STATION, STATION_KEY, VAULT

LEDGER = f"{STATE}/ledger"
COURT_KEYS = [court.parse_key(str(STATION_KEY.verifier)), court.parse_key(str(CENTRE.verifier))]
LOOK_S = 10.0  # a start looks whether a camera is there and writes what it saw within this time


class Violation(Exception):
    """A promise is broken. ``check`` names it in CHECKS."""

    def __init__(self, check: str, what: str) -> None:
        super().__init__(check, what)
        self.check, self.what = check, what

    def __str__(self) -> str:
        return f"{self.check}: {self.what}"


CHECKS: Mapping[str, str] = MappingProxyType(
    {
        "conservation": "each clip ever recorded is on its camera, or whole in the vault, or in the centre's store",
        "genuine": "what is sealed as whole is what the camera recorded, byte for byte",
        "gate": "nothing is cleared that the ledger, the vault, the centre and the camera do not vouch for",
        "grant": "no lock opens without a grant or an order that is durable in the ledger",
        "prefix": "what was acknowledged as written stands in the ledger from then on, in its place, and what was"
        " torn off is told by the next line",
        "outcome": "every intent has its outcome before the next of its kind",
        "chain": "whoever verifies the ledger finds one chain under one history of checkpoints",
        "projections": "what the running station believes is what its ledger says",
        "holder": "a camera has one holder, it is the one who took it, and whoever took it holds it",
        "liveness": "when the faults are over everything drains in bounded time",
        "growth": "a cycle leaves no task, no open file and no temporary file behind",
        "defect": "nothing happens that nobody has thought of",
    }
)


def require(condition: object, check: str, what: object) -> None:
    """Raises Violation."""
    if not condition:
        assert check in CHECKS
        raise Violation(check, str(what))


class Inspector(Witness):
    """Looks at a `Site` at the moments that matter. ``violation`` is the first that was found."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.violation: Violation | None = None
        self.acknowledged: list[bytes] = []
        self._aboard: dict[str, set[tuple[str, int, str]]] = {}  # of cards that are being cleared
        self._torn_at: int | None = None  # number of the line that has to tell what the last cut tore off
        self.checked: dict[str, int] = dict.fromkeys(CHECKS, 0)

    # --- moments ------------------------------------------------------------------------------------

    def opened(self, station: Station) -> None:
        """A station has opened what lies on the disk."""
        self._look(self._opened, station)

    def after_cut(self) -> None:
        """The power went, and this is what the disk has kept."""
        self._look(self._after_cut)

    def clearing(self, camera: str, clips: tuple[m.Clip, ...]) -> None:
        """In a moment these clips leave the card."""
        self._look(self._clearing, camera, clips)

    def cleared(self, camera: str, clips: tuple[m.Clip, ...]) -> None:
        """These clips have left the card, or some of them."""
        self._look(self._cleared, camera, clips)

    def unlocked(self, slot: int) -> None:
        """A lock has opened."""
        self._look(self._unlocked, slot)

    def proved(self, recording: str, proof: bytes) -> None:
        """The station has given somebody the proof of a recording."""
        self._look(self._proved, recording, proof)

    def _look(self, check: Callable[..., None], *args: object) -> None:
        if self.violation is not None:
            return
        looking = PROCESS.set(None)  # whoever is looked at: the disk's weather is not for us
        try:
            check(*args)
        except Violation as exc:
            self.violation = exc
            self._site.trace("VIOLATION", check=exc.check, what=exc.what)
        finally:
            PROCESS.reset(looking)

    def _opened(self, station: Station) -> None:
        self.conserved()
        found = [line.raw for line in station.book.lines(strict=False)]
        self._keeps_its_word(found)
        self._tells_what_was_torn(found)
        self.acknowledged = found
        self.keeps()
        self.verified()
        station.book.subscribe(lambda line: self._acknowledge(line))

    def _acknowledge(self, line: Line) -> None:
        self.acknowledged.append(line.raw)
        match line.fact:
            case f.GrantVoided(slot=slot, reason="restart"):
                away_s = self._site.away_s(slot)
                why = f"the grant of slot {slot} is voided, and its camera was taken {away_s:.0f} s ago"
                self._look(require, away_s < LOOK_S, "holder", why)
            case _:
                pass
        self._site.trace(line.type, seq=line.seq, data=line.raw.partition(b'"data":')[2][:-1].decode()[:300])

    def _after_cut(self) -> None:
        self.conserved()
        self.keeps()
        # Torn at the cut before and not told yet: then the start that was to tell of it was cut off.
        self._torn_at = self._torn() or self._torn_at

    def keeps(self) -> None:
        """What was acknowledged is durable, at any moment."""
        self._keeps_its_word(self.durable_lines())

    # --- conservation -------------------------------------------------------------------------------

    def conserved(self) -> None:
        self.checked["conservation"] += 1
        kept = self._in(self._site.fs.durable(f"{VAULT}/recordings"))
        kept |= self._in(self._site.far.durable(f"{STORE}/{STATION}/recordings"))
        if "decision" in self._site.plan.config:
            # Cleared with no copy but the station's, as somebody has decided: then a disk may lose it.
            kept |= set(self._site.flipped.values())
        for made in self._site.made:
            if made.sha256 in kept:
                continue
            aboard = {file.sha256 for file in self._site.cards[made.camera].files()}
            require(made.sha256 in aboard, "conservation", f"lost: {made}")

    def genuine(self) -> None:
        """Not asked of a card that reads otherwise each time, nor of one whose clips were changed again and again."""
        acts = self._site.plan.acts
        if (
            any("unstable_sectors" in str(act.args) for act in acts)
            or sum(a.name == "alter" for a in acts) > 1
        ):
            return
        self.checked["genuine"] += 1
        made = {(one.camera, one.sha256) for one in self._site.made}
        filmed = {(one.camera, one.path) for one in self._site.made}  # others have put files on cards as well
        for recording in self._site.station.recorder.state.recordings.values():
            if recording.path.startswith(SCANS) and recording.sealed_seq >= 0:
                scanned = recording.sha256 in self._site.images
                require(scanned, "genuine", f"no scanner ever left what {recording.id} holds")
            whole = recording.sealed_seq >= 0 and not recording.damaged
            if whole and (recording.camera, recording.path) in filmed:
                known = (recording.camera, recording.sha256) in made or recording.sha256 in self._site.altered
                require(known, "genuine", f"{recording.camera} never recorded what {recording.id} holds")

    def _in(self, files: dict[str, bytes]) -> set[str]:
        """Hashes of what lies under final names."""
        return {
            hashlib.sha256(data).hexdigest()
            for path, data in files.items()
            if "/content." in path and not path.endswith((".part", ".marks", ".bad", ".new"))
        }

    # --- the ledger ---------------------------------------------------------------------------------

    def durable_lines(self) -> list[bytes]:
        """The ledger's lines that a power cut now would leave for certain."""
        files = self._site.fs.durable(LEDGER)
        pieces = sorted(p for p in files if p.endswith(".jsonl") and p.count("/") == LEDGER.count("/") + 1)
        whole = b"".join(files[path] for path in pieces)
        return [line for line in whole.split(b"\n")[:-1] if line]

    def _keeps_its_word(self, found: list[bytes]) -> None:
        self.checked["prefix"] += 1
        known = len(self.acknowledged)
        require(len(found) >= known, "prefix", f"{known} lines were acknowledged, {len(found)} are there")
        for seq, (before, now) in enumerate(zip(self.acknowledged, found, strict=False)):
            require(before == now, "prefix", f"line {seq} is another one now")

    def _torn(self) -> int | None:
        """Where a part of a line stands behind the last whole one: the number that the next line will have."""
        lines = self.durable_lines()
        rest = self._site.fs.durable(LEDGER).get(f"{LEDGER}/{CURRENT}", b"").rpartition(b"\n")[2]
        new = range(len(self.acknowledged), len(lines))
        with suppress(EdgeError):  # else more was torn than a part of a line, and nobody can count
            whole = all(decoded(lines[seq]).seq == seq for seq in (len(lines) - 1, *new))
            return len(lines) if rest and whole else None
        return None

    def _tells_what_was_torn(self, found: list[bytes]) -> None:
        at, self._torn_at = self._torn_at, None
        if at is not None:
            told = at < len(found) and isinstance(decoded(found[at]).fact, f.LedgerTailCut)
            require(told, "prefix", f"a part of line {at} was cut off, and nobody tells")

    def verified(self, vault: str = "") -> None:
        """With ``vault``, the recordings that it holds are read as well."""
        self.checked["chain"] += 1
        report = verify_ledger(
            self._site.fs, LEDGER, station=STATION_KEY.verifier, centre=CENTRE.verifier,
            against=self._last_countersigned(), vault=vault,
        )  # fmt: skip
        require(not report.findings, "chain", report.findings[:3])

    def _last_countersigned(self) -> bytes | None:
        """What the centre signed last: it remembers what the station's disk may have forgotten."""
        folder = f"{STORE}/{STATION}/ledger/checkpoints"
        durable = self._site.far.durable(folder)
        notes = [
            path for path in durable if not path.startswith(f"{folder}/.")
        ]  # what was begun has no name yet
        return durable[max(notes)] if notes else None

    def _proved(self, recording: str, proof: bytes) -> None:
        """The court's program, which shares no code with the station, takes it as the proof of that recording."""
        self.checked["chain"] += 1
        try:
            found = court.check_proof(proof, COURT_KEYS).fact
        except court.ProofError as exc:
            raise Violation("chain", f"the proof of {recording} does not hold: {exc.english}") from exc
        require(
            found["recording"] == recording, "chain", f"a proof of {found['recording']}, not of {recording}"
        )

    # --- the delete gate ----------------------------------------------------------------------------

    def _clearing(self, camera: str, clips: tuple[m.Clip, ...]) -> None:
        self.checked["gate"] += 1
        known = Known([decoded(raw) for raw in self.durable_lines()], camera)
        intent = known.intent
        require(intent is not None, "gate", f"no durable intent for {camera}")
        assert intent is not None
        aboard = {
            (file.path, file.size, file.mtime.isoformat(timespec="seconds")): file.sha256
            for file in self._site.cards[camera].files()
        }
        require(len(clips) <= len(known.listed), "gate", "more clips than were listed (G9)")
        self._aboard[camera] = self._site.cards[camera].identities()
        for clip in clips:
            recording = known.recording(clip, intent)
            require(recording is not None, "gate", f"{clip.path} is not what the ledger lists (G1)")
            assert recording is not None
            sealed = known.sealed.get(recording)
            require(sealed is not None, "gate", f"{clip.path} was never sealed (G2)")
            assert sealed is not None
            fact, seq = sealed
            require(not fact.gaps, "gate", f"{clip.path} is DAMAGED (G4)")
            require(recording not in known.spoilt, "gate", f"the copy of {clip.path} is spoilt (G3)")
            require(recording not in known.unread, "gate", f"{clip.path} was not read again (G3)")
            # A name may be another file's by now: that one is not touched.
            there = aboard.get((clip.path, clip.size, clip.mtime[:19]), fact.sha256)
            require(there == fact.sha256, "gate", f"{clip.path} differs from its copy (G7)")
            self._vouched(recording, fact, seq, by_decision=intent.policy == "on-seal-when-needed")

    def _cleared(self, camera: str, clips: tuple[m.Clip, ...]) -> None:
        gone = self._aboard.pop(camera, set()) - self._site.cards[camera].identities()
        named = {(clip.path, clip.size, clip.mtime[:19]) for clip in clips}
        require(gone <= named, "gate", f"{gone - named} left the card of {camera} and nobody named them (G7)")

    def _vouched(self, recording: str, fact: f.RecordingSealed, seq: int, *, by_decision: bool) -> None:
        home = f"{VAULT}/recordings/{fact.folder}/{recording}"
        here = self._site.fs.durable(home)
        if f"{home}/{fact.file}" not in self._site.flipped:
            digest = hashlib.sha256(here.get(f"{home}/{fact.file}", b"")).hexdigest()
            require(digest == fact.sha256, "gate", f"no whole durable copy of {recording} (G2, G3)")
        if by_decision:
            require("decision" in self._site.plan.config, "gate", "cleared by a decision that nobody made")
            return
        require(self._countersigned() > seq, "gate", f"the seal of {recording} is not countersigned (G5)")
        try:
            manifest = open_manifest(here.get(f"{home}/manifest.note", b""), STATION_KEY.verifier)
            receipt = require_receipt(here.get(f"{home}/receipt.note", b""), CENTRE.verifier, manifest)
        except EdgeError as exc:
            raise Violation("gate", f"no durable genuine receipt for {recording} (G6): {exc}") from exc
        require(
            (receipt.size, receipt.sha256) == (fact.size, fact.sha256), "gate", "a receipt for something else"
        )
        there = self._in(self._site.far.durable(f"{STORE}/{STATION}/recordings/{fact.folder}/{recording}"))
        require(fact.sha256 in there, "gate", f"the centre has signed for {recording} and does not have it")

    def _countersigned(self) -> int:
        notes = self._site.fs.durable(f"{STATE}/countersigned").values()
        return max(map(lines_vouched_for, notes), default=0)

    # --- locks and holders --------------------------------------------------------------------------

    def _unlocked(self, slot: int) -> None:
        self.checked["grant"] += 1
        site = self._site
        opened, granted = False, dict[str, str]()
        for line in map(decoded, self.durable_lines()):
            match line.fact:
                case f.CameraGranted(slot=at, grant=grant, officer=officer) if at == slot:
                    granted[grant] = officer
                case f.GrantVoided(grant=grant) | f.CameraIssued(grant=grant):
                    granted.pop(grant, None)
                case f.SlotOpened(slot=at) if at == slot:
                    opened = True
                case f.CameraDocked(slot=at) if at == slot:
                    opened = False
        require(opened or granted, "grant", f"the lock of slot {slot} opened and nobody may say why")
        site.granted_to[slot] = list(granted.values())[-1] if granted else ""

    def holders(self) -> None:
        """Whoever took a camera with his badge was given it by the ledger, in the same order; and nobody else was."""
        self.checked["holder"] += 1
        held: dict[str, str] = {}
        issued: dict[str, list[str]] = {}
        taken_back: Counter[str] = Counter()
        for line in map(decoded, self.durable_lines()):
            match line.fact:
                case f.CameraIssued(camera=camera, officer=officer):
                    require(camera not in held, "holder", f"{camera} was issued twice: {line.seq}")
                    require(officer not in held.values(), "holder", f"{officer} has two cameras: {line.seq}")
                    held[camera] = officer
                    issued.setdefault(camera, []).append(officer)
                case f.CameraDocked(camera=camera):
                    held.pop(camera, None)
                case f.SlotForcedOpen(camera=camera, issue=issue) if issue:
                    # Taken back: it was torn out in the moment of its grant, and no more often than that happened.
                    held.pop(camera, None)
                    issued[camera].pop()
                    taken_back[camera] += 1
                    told = taken_back[camera] <= self._site.torn[camera]
                    require(
                        told, "holder", f"{camera} was not torn out, and its issue is taken back: {line.seq}"
                    )
                case _:
                    pass
        taken = self._site.taken
        for camera, officers in issued.items():
            # Not all who took one: it may be back before the station is, and then nobody knows.
            told = in_order(officers, taken.get(camera, []))
            require(told, "holder", f"{camera} was taken by {taken.get(camera)}, issued to {officers}")

    # --- intents ------------------------------------------------------------------------------------

    def settled(self) -> None:
        """Nothing was begun whose end is not in the ledger, and no start that came into service owed any."""
        self.checked["outcome"] += 1
        begun: set[tuple[str, str]] = set()
        owed: set[tuple[str, str]] = set()  # begun by a life that is over
        source: dict[str, str] = {}  # recording → the camera that it was copied from last
        for line in map(decoded, self.durable_lines()):
            if isinstance(line.fact, f.StationStarted):
                owed = set(begun)
            if isinstance(line.fact, f.DockConnected):  # only then it is told how grants have ended
                left = {intent for intent in owed if intent[0] != "grant"}
                require(not left, "outcome", f"the start before {line.seq} did not end {left}")
            match line.fact:
                case f.OffloadStarted(recording=recording, camera=camera):
                    source[recording] = camera
                case f.CameraDocked(camera=camera):  # it was away: then nothing was copied from it
                    left = {(kind, what) for kind, what in begun if source.get(what) == camera}
                    require(not left, "outcome", f"{camera} came back at {line.seq} and {left} had not ended")
                case _:
                    pass
            if (intent := intent_of(line.fact)) is not None:
                # A copy that does not hold is begun again at once.
                again = intent in begun and (intent[0] != "copy" or intent in owed)
                require(not again, "outcome", f"{intent} begins again: {line.seq}")
                begun.add(intent)
            begun.difference_update(outcomes_of(line.fact))
            owed &= begun
        require(not begun, "outcome", f"{begun} never ended")

    # --- at rest ------------------------------------------------------------------------------------

    def agrees(self) -> None:
        """The station's state and its search store are what a rebuild from the ledger gives."""
        self.checked["projections"] += 1
        running = self._site.running
        assert running is not None
        book, live = running.station.book, running.station.recorder.state
        require(fold(book) == live, "projections", "the live state is not what the ledger folds to")
        stored = list(running.store._entries)
        require(
            stored == [entry_of(line) for line in book.lines()], "projections", "the search store differs"
        )
