"""A station with vault and ledger, a courier, and a centre, all in memory."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence

from edged.errors import Fact as Plain
from edged.formats import times
from edged.formats.checkpoint import Checkpoint, origin_of, sign_checkpoint
from edged.formats.facts import Fact, GapFact, KeyChanged, RecordingSealed, StationStarted
from edged.formats.line import FIRST_PREV, Line, Stamp, encode_data, encode_line
from edged.formats.manifest import Manifest, manifest_of, sign_manifest
from edged.formats.merkle import Tree, leaf_hash
from edged.formats.note import Signer
from sync.centre.intake import Intake
from sync.config import LogConfig, Settings, SyncConfig
from sync.courier import Courier
from sync.directory_store import DirectoryDialler
from sync.nut import UpsState
from sync.ports import Ports
from sync.queue import Queue
from tests.fakes.clock import START_NS
from tests.fakes.memory_fs import MemoryFS
from tests.sync.faults import FaultyCentre
from tests.sync.virtual import LoopClock

STATION, STATION_SEED, CENTRE_SEED = "post-7", bytes(range(32)), bytes(range(1, 33))
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


class PlainRandom:
    """Counts instead of throwing dice; jitter is always the upper bound unless a test says otherwise."""

    def __init__(self) -> None:
        self.count = 0
        self.asked: list[tuple[float, float]] = []
        self.share = 1.0

    def token(self, size: int) -> bytes:
        self.count += 1
        return self.count.to_bytes(size, "big")

    def uniform(self, low: float, high: float) -> float:
        self.asked.append((low, high))
        return low + (high - low) * self.share


class Ledger:
    """Writes a station's ledger: lines, closed pieces, checkpoints."""

    def __init__(self, fs: MemoryFS, folder: str, signer: Signer) -> None:
        self._fs = fs
        self._folder = folder
        self._signer = signer
        self.prev, self.tree, self._open = FIRST_PREV, Tree(), list[bytes]()

    def add(self, fact: Fact | None = None) -> Line:
        fact = fact or StationStarted(version="1", config_sha256=f"{self.tree.size:064x}", clean=True)
        time = times.format_ns(START_NS + self.tree.size * 1_000_000_000)
        stamp = Stamp(time=time, boottime_ns=1, boot_id="b" * 32, clock="synchronised", max_error_ns=1)
        line = encode_line(self.tree.size, self.prev, stamp, "station", fact, encode_data(fact))
        self.prev = line.hash
        self.tree.append(leaf_hash(line.raw))
        self._open.append(line.raw)
        return line

    def change_key(self, new: Signer) -> None:
        """From the next line on ``new`` signs; both sign the checkpoint that ends with the line that says so."""
        self.add(KeyChanged(key=str(new.verifier)))
        old, self._signer = self._signer, new
        self.close(old, new)

    def checkpoint(self, *signers: Signer) -> bytes:
        point = Checkpoint(self._signer.name, self.tree.size, self.tree.root())
        note = sign_checkpoint(point, *(signers or (self._signer,)))
        self._fs.put(f"{self._folder}/checkpoints/{self.tree.size:012d}.note", note)
        return note

    def close(self, *signers: Signer) -> str:
        """Sign a checkpoint, close the piece, return its name."""
        self.checkpoint(*signers)
        size = self.tree.size
        name = f"{size - len(self._open):012d}-{size - 1:012d}.jsonl"
        self._fs.put(f"{self._folder}/{name}", b"".join(raw + b"\n" for raw in self._open))
        self._open = []
        return name

    def grow(self, lines: int = 3) -> str:
        for _ in range(lines):
            self.add()
        return self.close()


class World:
    """``fs`` is the station's disk, ``far`` the centre's: ``/home`` and ``/store``."""

    def __init__(self, **config: object) -> None:
        self.fs, self.far = MemoryFS(), MemoryFS()
        for folder in ("/home", "/store"):
            self.far.make_dirs(folder)
            self.far.sync_dir("/")
        for folder in ("/state/ledger/checkpoints", "/vault/recordings", "/inbox"):
            self.fs.make_dirs(folder)
        self.clock, self.random = LoopClock(), PlainRandom()
        self.station = Signer.from_seed(origin_of(STATION), STATION_SEED)
        self.centre_key = Signer.from_seed("centre", CENTRE_SEED)
        self.ledger = Ledger(self.fs, "/state/ledger", self.station)
        self.centre = FaultyCentre(DirectoryDialler(self.far, "/home"))
        self.events: list[tuple[str, dict[str, Plain]]] = []
        self.queue = Queue(":memory:")
        self.settings = settings(**config)
        self._made = 0
        self._manifests: dict[str, Manifest] = {}

    # --- the station -------------------------------------------------------------------------------

    def seal(
        self, content: bytes = b"content", *, gaps: Sequence[GapFact] = (), manifest: bool = True
    ) -> str:
        """Put a sealed recording into the vault and the ledger; return its id."""
        self._made += 1
        recording = hashlib.md5(str(self._made).encode()).hexdigest()  # any 32 hex digits will do
        sealed = RecordingSealed(
            recording=recording,
            camera="CAM1",
            path="DCIM/1.MP4",
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            fingerprint="0" * 64,
            mtime="",
            medium="direct",
            folder="2026/11/22",
            file="content.mp4",
            gaps=tuple(gaps),
        )
        made = self._manifests[recording] = manifest_of(STATION, self.ledger.add(sealed))
        self.fs.put(f"{self.folder(recording)}/content.mp4", content)
        if manifest:
            self.sign(made)
        return recording

    def sign(self, manifest: Manifest, signer: Signer | None = None) -> bytes:
        note = sign_manifest(manifest, signer or self.station)
        self.fs.put(f"{self.folder(manifest.recording)}/manifest.note", note)
        return note

    def sign_as(self, recording: str, signer: Signer) -> bytes:
        """Let somebody else sign the manifest of a recording."""
        return self.sign(self._manifests[recording], signer)

    def folder(self, recording: str) -> str:
        return f"/vault/recordings/2026/11/22/{recording}"

    def confirm(self, recording: str) -> None:
        """What edged does with a receipt that it has verified."""
        note = self.fs.read(f"/inbox/receipts/{recording}.note")
        self.fs.put(f"{self.folder(recording)}/receipt.note", note)

    # --- the courier -------------------------------------------------------------------------------

    def courier(self, ask_ups: Callable[[], Awaitable[UpsState]] | None = None) -> Courier:
        ports = Ports(
            fs=self.fs,
            clock=self.clock,
            random=self.random,
            dialler=self.centre,
            log=self.log,
            ask_ups=ask_ups,
        )
        return Courier(self.settings, ports, self.queue)

    def log(self, event: str, /, **fields: Plain) -> None:
        self.events.append((event, fields))

    def logged(self, event: str) -> list[dict[str, Plain]]:
        return [fields for name, fields in self.events if name == event]

    # --- the centre --------------------------------------------------------------------------------

    def intake(self, clock: object = None) -> Intake:
        return Intake(
            self.far,
            self.clock if clock is None else clock,  # type: ignore[arg-type]  # a test's own clock
            self.log,
            home="/home",
            store="/store",
            station=self.station.verifier,
            centre=self.centre_key,
            server="server-1",
            level="local",
        )

    def there(self, recording: str, name: str = "content.mp4") -> bytes | None:
        return self.far.files("/home").get(f"/home/recordings/2026/11/22/{recording}/{name}")

    def stored(self, recording: str, name: str = "content.mp4") -> bytes | None:
        place = f"/store/{STATION}/recordings/2026/11/22/{recording}/{name}"
        return self.far.files("/store").get(place)


def settings(**config: object) -> Settings:
    base: dict[str, object] = {
        "host": "centre",
        "user": "post-7",
        "key_file": "/key",
        "host_key": HOST_KEY,
        "start_jitter_s": 0.0,
    }
    return Settings(
        station=STATION,
        ledger="/state/ledger",
        vault="/vault",
        inbox="/inbox",
        sync=SyncConfig(**{**base, **config}),  # type: ignore[arg-type]  # tests give the right kinds
        log=LogConfig(),
    )
