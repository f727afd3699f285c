"""A whole site in one folder: the centre with its sshd and intake, the line to it, a simulated dock, and the station
as its real processes with a real configuration file. For the demonstration and for end-to-end tests.

    async with Site.open(folder) as site:
        await site.commission(persons)
        await site.start()
        await site.client.call("slots")
"""

import asyncio
import getpass
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from demo.proxy import Proxy
from demo.sshd import Sshd
from edged.control.client import Client
from edged.errors import EdgeError
from edged.formats import times
from edged.formats.badge import credential_digest
from edged.formats.roster import Appointment, Credential, Person, Revocation, Role, RoleGrant, Roster
from simulators.world import World

STATION = "checkpoint-7"
BODY = "Львівська митниця"
POST = "Рава-Руська"
AUTHORITY = "authority.customs"
SERVER = "centre-1"
STOP_S = 15.0


@dataclass(frozen=True, slots=True)
class Someone:
    """A person of the roster. ``account``: the unix user who stands for this person at `edgectl`."""

    id: str
    name: str
    badge: str  # hex
    roles: tuple[Role, ...] = ("officer",)
    account: str = ""
    revoked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraEntry:
    serial: str
    inventory: str
    driver: str
    assigned_to: str = ""


@dataclass(slots=True)
class Proc:
    """One process of ours, with its log."""

    name: str
    process: asyncio.subprocess.Process
    log: Path

    async def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal to this process and wait for its end."""
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.send_signal(number)
        try:
            async with asyncio.timeout(STOP_S):
                return await self.process.wait()
        except TimeoutError:
            self.process.kill()
            return await self.process.wait()


@dataclass(slots=True)
class Site:
    """See the module."""

    folder: Path
    world: World
    sshd: Sshd
    proxy: Proxy
    slots: int
    procs: dict[str, Proc] = field(default_factory=dict)
    station_key: str = ""

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path, *, slots: int = 8) -> AsyncIterator["Site"]:
        """Start centre's sshd, the line and the dock in ``folder``; end everything afterwards."""
        async with AsyncExitStack() as stack:
            sshd = stack.enter_context(Sshd.start(folder / "sshd", folder / "centre" / "home"))
            proxy = stack.enter_context(Proxy.start("127.0.0.1", sshd.port))
            world = await stack.enter_async_context(World.open(folder / "dock", slots=slots))
            site = cls(folder, world, sshd, proxy, slots)
            stack.push_async_callback(site.stop)
            yield site

    # --- places -------------------------------------------------------------------------------------

    @property
    def config(self) -> Path:
        return self.folder / "edged.toml"

    @property
    def state(self) -> Path:
        return self.folder / "station"

    @property
    def vault(self) -> Path:
        return self.folder / "vault"

    @property
    def store(self) -> Path:
        """The centre's final store."""
        return self.folder / "centre" / "store"

    @property
    def socket(self) -> str:
        return str(self.folder / "control.sock")

    # --- commissioning --------------------------------------------------------------------------------

    async def commission(
        self,
        persons: Sequence[Someone],
        cameras: Sequence[CameraEntry],
        settings: dict[str, str] | None = None,
    ) -> None:
        """Keys, configuration, `edgectl station init`, roster: all through the product's own commands."""
        await self.configure(cameras, settings)
        made = await self.edgectl_json("station", "init", "--customs-body", BODY, "--post", POST)
        self.station_key = made["station_key"]
        (self.folder / "keys" / "station.pub").write_text(self.station_key + "\n")
        await self.publish_roster(1, persons)

    async def configure(self, cameras: Sequence[CameraEntry], settings: dict[str, str] | None = None) -> None:
        """Keys of authority and centre, and the configuration; nothing of the station."""
        keys = self.folder / "keys"
        keys.mkdir(exist_ok=True)
        authority = await self.edgectl_json("key", "new", AUTHORITY, str(keys / "authority.key"))
        centre = await self.edgectl_json("key", "new", SERVER, str(keys / "centre.key"))
        self.config.write_text(self._toml(authority["key"], centre["key"], cameras, settings or {}))
        (keys / "centre.pub").write_text(centre["key"] + "\n")

    async def publish_roster(self, version: int, persons: Sequence[Someone]) -> None:
        """The authority signs a roster; the station finds it in its file."""
        key = (self.state / "keys" / "badge.key").read_bytes()
        draft = self.folder / "keys" / f"roster-{version}.json"
        draft.write_bytes(_encode(draft_roster(version, persons, key)))
        words = ("--name", AUTHORITY, "--key", str(self.folder / "keys" / "authority.key"))
        await self.edgectl_json(
            "roster", "sign", str(draft), *words, "--out", str(self.folder / "roster.note")
        )

    def _toml(
        self, authority: str, centre: str, cameras: Sequence[CameraEntry], settings: dict[str, str]
    ) -> str:
        paths = self.world.paths
        slots = "\n".join(
            f'  {{ label = {n}, port = "{settings.get("hub", "1-1")}.{n}", controller_slot = {n} }},'
            for n in range(1, self.slots + 1)
        )
        listed = "\n".join(
            f'[[camera]]\nserial = "{c.serial}"\ninventory_number = "{c.inventory}"\ndriver = "{c.driver}"\n'
            f'assigned_to = "{c.assigned_to}"\n'
            for c in cameras
        )
        usb = {"usb": f'backend = "usbip"\nsocket = "{paths.usb}"'}
        return _TEMPLATE.format(
            station=STATION,
            state=self.state,
            inbox=self.folder / "inbox",
            authority=authority,
            centre=centre,
            vault=self.vault,
            roster=self.folder / "roster.note",
            socket=self.socket,
            controller=paths.controller,
            controller_key=paths.controller_key,
            reader=paths.reader,
            reader_key=paths.reader_key,
            slots=slots,
            cameras=listed,
            port=self.proxy.port,
            user=self.sshd.user,
            key_file=self.sshd.key_file,
            host_key=self.sshd.host_key,
            sync_state=self.folder / "sync",
            **({"readiness": "", "timing": "", "sync": "", "vault_more": ""} | usb | settings),
        )

    # --- processes ------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start intake, daemon and courier; return when the control socket answers."""
        await self.start_intake()
        await self.start_edged()
        await self.start_sync()

    async def start_edged(self) -> None:
        await self._spawn("edged", "-m", "edged.main", "--config", str(self.config))
        await self.until("the daemon answers", self._answers, within_s=30)

    async def start_sync(self) -> None:
        await self._spawn("edged-sync", "-m", "sync.main", "--config", str(self.config))

    async def start_intake(self) -> None:
        await self._spawn(
            "intake",
            "-m",
            "edged.cli.main",
            "intake",
            *("--home", str(self.folder / "centre" / "home"), "--store", str(self.store)),
            *("--key", str(self.folder / "keys" / "centre.key"), "--key-name", SERVER, "--server", SERVER),
            *("--station-key", str(self.folder / "keys" / "station.pub"), "--interval", "0.3"),
        )

    async def kill_edged(self) -> None:
        """SIGKILL: what a crash looks like."""
        await self.procs["edged"].end(signal.SIGKILL)

    async def stop(self) -> None:
        for name in ("edged-sync", "edged", "intake"):
            if name in self.procs:
                await self.procs.pop(name).end()

    async def _spawn(self, name: str, *words: str) -> None:
        log = self.folder / f"{name}.log"
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable, *words, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output
            )
        self.procs[name] = Proc(name, process, log)

    async def _answers(self) -> bool:
        proc = self.procs["edged"]
        if proc.process.returncode is not None:
            raise RuntimeError(f"edged ended: {proc.log.read_text()[-2000:]}")
        try:
            await self.call("status")
        except EdgeError:
            return False
        return True

    # --- asking ---------------------------------------------------------------------------------------

    async def call(self, verb: str, **params: Any) -> Any:
        """One request to the daemon. Raises EdgeError."""
        async with Client(self.socket) as client:
            return await client.call(verb, **params)

    async def edgectl(self, *words: str) -> tuple[int, str, str]:
        """Run `edgectl` as a person would: exit status, output, errors."""
        command = (
            sys.executable,
            "-m",
            "edged.cli.main",
            "--socket",
            self.socket,
            "--config",
            str(self.config),
        )
        process = await asyncio.create_subprocess_exec(
            *command, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await process.communicate()
        return process.returncode or 0, out.decode(), err.decode()

    async def edgectl_json(self, *words: str) -> Any:
        """Run `edgectl --json`. RuntimeError with what it said if it failed."""
        status, out, err = await self.edgectl("--json", *words)
        if status:
            raise RuntimeError(f"edgectl {' '.join(words)}: {status}: {err or out}")
        return json.loads(out)

    async def facts(self, kind: str = "") -> list[dict[str, Any]]:
        """Lines of the ledger, by type."""
        return [json.loads(line) for line in await self.call("log", type=kind, limit=100_000)]

    async def slot(self, number: int) -> dict[str, Any]:
        return next(row for row in await self.call("slots") if row["slot"] == number)

    async def until(self, what: str, test: Callable[[], Any], *, within_s: float = 30.0) -> Any:
        """Wait for something to be true. Raises TimeoutError naming it."""
        try:
            async with asyncio.timeout(within_s):
                while True:
                    found = test()
                    value = await found if asyncio.iscoroutine(found) else found
                    if value:
                        return value
                    await asyncio.sleep(0.05)
        except TimeoutError as exc:
            raise TimeoutError(f"{what}: not within {within_s} s") from exc

    async def until_slot(self, number: int, *states: str, within_s: float = 30.0) -> dict[str, Any]:
        async def reached() -> dict[str, Any] | None:
            row = await self.slot(number)
            return row if row["state"] in states else None

        found: dict[str, Any] = await self.until(
            f"slot {number} is {' or '.join(states)}", reached, within_s=within_s
        )
        return found


def me() -> str:
    """The unix account that plays all accounts of the site."""
    return getpass.getuser()


def draft_roster(version: int, persons: Sequence[Someone], badge_key: bytes) -> Roster:
    now = datetime.now(UTC)
    begin, end = _time(now - timedelta(days=1)), _time(now + timedelta(days=30))
    appointment = Appointment(body=BODY, number="17-к", date="2026-11-01")
    return Roster(
        version=version,
        customs_body=BODY,
        issued_at=_time(now - timedelta(minutes=1)),
        valid_from=begin,
        valid_until=end,
        persons=tuple(
            Person(
                id=p.id,
                name=p.name,
                position="інспектор",
                account=p.account,
                credentials=(
                    Credential(
                        kind="desfire-id",
                        digest=credential_digest(badge_key, "desfire-id", bytes.fromhex(p.badge)),
                    ),
                ),
                roles=tuple(
                    RoleGrant(role=r, appointment=appointment, valid_from=begin, valid_until=end)
                    for r in p.roles
                ),
                revoked=Revocation(at=begin, reason="звільнено") if p.revoked else None,
            )
            for p in persons
        ),
    )


def _time(moment: datetime) -> str:
    return times.format_ns(int(moment.timestamp() * 1000) * 1_000_000)


def _encode(roster: Roster) -> bytes:
    return msgspec.json.encode(roster)


_TEMPLATE = """\
# A real configuration file, as on a station; only the paths lie in a scratch folder.
[station]
id = "{station}"
state = "{state}"
inbox = "{inbox}"

[keys]
authority = "{authority}"
centre = "{centre}"

[vault]
path = "{vault}"
{vault_more}

[ledger]
checkpoint_s = 1.0  # seconds here, a minute on a station

[access]
roster = "{roster}"
grant_open_s = 8.0

[readiness]
{readiness}

[usb]
{usb}

[control]
socket = "{socket}"

[timing]
{timing}

[log]
format = "console"

[[dock]]
name = "A"
controller = "{controller}"
controller_key = "{controller_key}"
reader = "{reader}"
reader_key = "{reader_key}"
slots = [
{slots}
]

{cameras}
[sync]
host = "127.0.0.1"
port = {port}
user = "{user}"
key_file = "{key_file}"
host_key = "{host_key}"
state = "{sync_state}"
scan_s = 0.5
poll_s = 0.5
status_s = 5
start_jitter_s = 0
{sync}
"""
