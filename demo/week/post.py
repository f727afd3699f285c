"""The post: a `World` with a dock of 24 slots, a centre that is reached every few minutes, and persons who sign."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from demo.week.people import BEGINS, TARAS, Worker, roster, schedule
from edged.config import load
from edged.errors import EdgeError
from edged.formats.facts import AccessRefused, RecordingSealed
from edged.formats.line import Line
from edged.formats.roster import sign_roster
from edged.formats.schedule import sign_schedule
from edged.station.station import Station
from edged.verbs import REFUSALS
from tests.fakes.clock import START_NS
from tests.movies import film
from tests.world.world import AUTHORITY, CENTRE, INBOX, ROSTER, SCHEDULE, STATE, STATION, VAULT, World

SLOTS = CAMERAS = 24
RESERVE = ("K000023", "K000024")
SEED = 20270322
CARRIED_S = 300.0  # between two visits of the courier
EPOCH = datetime(1904, 1, 1)  # noqa: DTZ001  # of films, in the camera's own time


def config_text() -> str:
    slots = ", ".join(
        f'{{ label = {n}, port = "1-1.{n}", controller_slot = {n} }}' for n in range(1, SLOTS + 1)
    )
    cameras = "".join(
        f'[[camera]]\nserial = "K{n:06}"\ninventory_number = "1014{n:04}"\ndriver = "gat947"\n'
        f"reserve = {str(f'K{n:06}' in RESERVE).lower()}\n"
        for n in range(1, CAMERAS + 1)
    )
    others = [("mount", f"1015{n:04}") for n in range(1, CAMERAS + 1)]
    others += [("dock", "10160001"), ("host", "10160002"), ("server", "10170001"), ("network", "10180001")]
    others += [("charger", f"1019000{n}") for n in range(1, 5)] + [("ups", "10200001")]
    equipment = "".join(
        f'[[equipment]]\nsort = "{sort}"\ninventory_number = "{number}"\n' for sort, number in others
    )
    return f"""
[station]
id = "{STATION}"
state = "{STATE}"
inbox = "{INBOX}"
[keys]
authority = "{AUTHORITY.verifier}"
centre = "{CENTRE.verifier}"
[vault]
path = "{VAULT}"
[access]
roster = "{ROSTER}"
schedule = "{SCHEDULE}"
[readiness]
memory_min_h = 0
[export]
decision = {{ number = "7", date = 2027-01-11 }}
role = "responsible"
folder = "/export"
[recovered]
decision = {{ number = "9", date = 2027-01-11 }}
persons = ["{TARAS.id}"]
folder = "/recovered"
[[dock]]
name = "A"
controller = "/dev/dock"
controller_key = "/keys/dock.key"
reader = "/dev/reader"
reader_key = "/keys/reader.key"
slots = [{slots}]
{cameras}
{equipment}
"""


class Post(World):
    """See the module."""

    def __init__(self) -> None:
        text = config_text().encode()
        super().__init__(load(text, "week.toml"), text, SEED)
        self.desk = asyncio.Lock()  # one badge at a time
        self.clips: dict[str, int] = {}
        self._sealed: list[RecordingSealed] = []

    async def begin(self) -> None:
        """Commission the station on the Monday morning, with every camera but one in its slot."""
        self.time.sleeps((BEGINS - timedelta(minutes=30)).timestamp() - START_NS / 1e9)
        await self._commission()
        self.publish(sign_roster(roster(), AUTHORITY))
        self.publish(sign_schedule(schedule(), AUTHORITY), SCHEDULE)
        self._post = asyncio.create_task(self._carry(), name="post")
        await self.boot()
        for number in range(1, CAMERAS):
            self.add(f"K{number:06}", charge_per_s=0.01, clock_drift_ppm=5.0)
            self.insert(f"K{number:06}", number)
        self.add(RESERVE[1])  # in the safe

    async def close(self) -> None:
        if self._post is not None:
            self._post.cancel()
        await self._end()

    async def boot(self) -> Station:
        station = await super().boot()
        station.book.subscribe(self._watch)
        return station

    def _watch(self, line: Line) -> None:
        if isinstance(line.fact, RecordingSealed):
            self._sealed.append(line.fact)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time.wall_ns() / 1e9, UTC)

    async def wait(self, moment: datetime) -> None:
        await asyncio.sleep(max(0.0, (moment - self.now()).total_seconds()))

    # --- the centre -------------------------------------------------------------------------------------

    async def _carry(self) -> None:
        while True:
            await asyncio.sleep(CARRIED_S)
            if self.running is not None:
                self.deliver()

    def deliver(self) -> None:
        """Only what is new goes, and what was answered is fetched once: a week has thousands of files."""
        centre, fs = self.centre, self.fs
        sealed, self._sealed = self._sealed, []
        for one in sealed:
            home = f"{VAULT}/recordings/{one.folder}/{one.recording}"
            try:
                files = {name: fs.read(f"{home}/{name}") for name in (one.file, "manifest.note")}
            except OSError:
                self._sealed.append(one)  # its manifest is being written
                continue
            for name, data in files.items():
                centre._send(f"recordings/{one.folder}/{one.recording}/{name}", data)
        for folder in ("ledger", "ledger/checkpoints"):
            with suppress(OSError):
                for name in fs.list_dir(f"{STATE}/{folder}"):
                    if name.endswith(".note") or (name.endswith(".jsonl") and name[0].isdigit()):
                        centre._send(f"{folder}/{name}", fs.read(f"{STATE}/{folder}/{name}"))
        centre._intake.scan()
        for folder in ("receipts", "receipts/checkpoints"):
            for name in centre.fs.list_dir(f"/home/{folder}"):
                if name.endswith(".note"):
                    fs.put(f"{INBOX}/{folder}/{name}", centre.fs.read(f"/home/{folder}/{name}"))
                    centre.fs.remove(f"/home/{folder}/{name}")

    # --- persons ----------------------------------------------------------------------------------------

    async def ask(self, account: str, verb: str, **params: Any) -> Any:
        """As `edgectl`: what the account may not do is recorded, as the socket does it."""
        try:
            return await super().ask(account, verb, **params)
        except EdgeError as exc:
            if exc.code in REFUSALS:
                await self.station.recorder.record(AccessRefused(verb=verb, account=account, uid=1000))
            raise

    async def take_with(self, badge: str) -> str:
        """Tap and take the camera of the slot that opens; "": none does."""
        async with self.desk:
            self.tap(badge)
            for _ in range(80):
                await asyncio.sleep(0.1)
                opened = next((slot for slot in self.inside if self.open_lock(slot)), 0)
                taken = self.inside.get(opened, "")
                if taken and self.pull(opened):
                    await asyncio.sleep(4.0)
                    return taken
            await asyncio.sleep(4.0)
            return ""

    def bring(self, camera: str) -> None:
        """Into the first free slot."""
        slot = next(n for n in range(1, SLOTS + 1) if n not in self.inside)
        self.insert(camera, slot)

    def film(self, camera: str, seconds: int) -> None:
        """The camera has just ended a film of that length."""
        number = self.clips[camera] = self.clips.get(camera, 0) + 1
        began = int((self.bus.camera(camera).clock() - EPOCH).total_seconds()) - seconds
        content = film(1500 + number % 7, f"{camera} {number}", seconds, began % 2**32)
        self.record(camera, f"CLIP{number:04}.MP4", content)


@cache
def _certificate(name: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    )
    dated = builder.serial_number(7).not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
    return key, dated.not_valid_after(datetime(2036, 1, 1, tzinfo=UTC)).sign(key, hashes.SHA256())


def signature(who: Worker, content: bytes) -> bytes:
    """A detached signature over a sheet, as a certified tool would make it (with another algorithm)."""
    key, certificate = _certificate(who.name)
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content).add_signer(certificate, key, hashes.SHA256())
    options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]
    return builder.sign(serialization.Encoding.DER, options)
