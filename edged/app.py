"""The one wiring file of the daemon: opens what lies on the disk and chooses every adapter.

A simulated world calls ``open_station`` with ports of its own; nothing above this file knows the difference.
"""

import asyncio
import hashlib
import os
import pwd
import stat as bits
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

from drivers.cameras.password import parse_password
from drivers.disk import PosixDisk
from drivers.host_clock import HostClock
from drivers.hotplug import Hotplug
from drivers.hotplug_udev import UdevHotplug
from drivers.hotplug_usbip import UsbipHotplug
from drivers.journal import Journal
from drivers.notify import Progress
from drivers.openssl_cms import OpensslCms
from drivers.random import SystemRandom
from drivers.serial_link import open_serial
from edged.commissioning import Lines
from edged.config import Config, Dock
from edged.errors import ConfigError, EdgeError, ErrorCode
from edged.formats.badge import parse_key
from edged.formats.checkpoint import origin_of
from edged.formats.facts import LedgerTailCut
from edged.formats.note import Signer, Verifier
from edged.journals.forms import Form, Kind, read_forms
from edged.key_files import Credentials, check_secret_file, check_secret_files, require_random
from edged.ledger.book import Book
from edged.ledger.checkpoints import Checkpointer, Keys, Pace
from edged.logs import StationLog, journal_log, stream_log
from edged.ports import Clock, FileSystem, Log
from edged.projections.sqlite import SqliteStore
from edged.roles.child import Family
from edged.roles.connected_workers import ConnectedWorkers
from edged.roles.port_gate import PortGate
from edged.roles.subprocess_roles import SubprocessRoles
from edged.roles.workers import StartedWorkers
from edged.station.recovery import fold
from edged.station.reporter import Reporter
from edged.station.station import Opened, Outside, Secrets, Station
from edged.vault.space import SpacePolicy
from edged.vault.vault import open_vault

LINE_KEY_SIZE = 32
T = TypeVar("T")


async def open_station(
    config: Config, text: bytes, outside: Outside, secrets: Secrets, *, file: str = ""
) -> Station:
    """Open ledger, checkpoints and vault, and make the station.

    Args:
        text: what ``config`` was read from.
        file: where that lies, for whoever asks later whether it has changed.

    Raises:
        EdgeError: LEDGER_MISSING, LEDGER_NEWER, VAULT_UNFIT, KEY_UNUSABLE …: it must not start.
    """
    fs, state = outside.fs, config.station.state
    verifier = secrets.signer.verifier
    book = await Book.open(fs, f"{state}/ledger", outside.clock, station=verifier)
    checkpoints = await Checkpointer.open(
        book,
        fs,
        state,
        Keys(book.keys, Verifier.parse(config.keys.centre), secrets.signer),
        Pace(lines=config.ledger.checkpoint_lines, seconds=config.ledger.checkpoint_s),
    )
    await _tell_opened(book, checkpoints, outside.log)
    vault = await asyncio.to_thread(
        open_vault,
        fs,
        config.vault.path,
        station=config.station.id,
        filesystem=config.vault.filesystem,
        memory_allowed=config.vault.allow_memory,
        policy=await asyncio.to_thread(space_policy, fs, config),
    )
    opened = Opened(
        book=book,
        state=await asyncio.to_thread(fold, book),
        checkpoints=checkpoints,
        vault=vault,
        forms=_forms(),
        program=_program(),
        config_sha256=hashlib.sha256(text).hexdigest(),
        config_file=file,
    )
    return Station(config, outside, secrets, opened)


@cache
def _forms() -> Mapping[Kind, Form]:
    """A part of the program, like its code: read once."""
    return read_forms((Path(__file__).parent / "journals" / "forms_uk.toml").read_text("utf-8"))


@cache
def _program() -> bytes:
    """As above."""
    return (Path(__file__).parent / "court" / "verify_proof.py").read_bytes()


async def _tell_opened(book: Book, checkpoints: Checkpointer, log: Log) -> None:
    log("EDG-6001", lines=book.size, checkpoint=checkpoints.signed)
    checkpoints.subscribe(lambda signed: log("EDG-6003", size=signed.size))
    checkpoints.subscribe_countersigned(lambda found: log("EDG-3107", size=found.size))
    # What the opening itself wrote, before anybody listened.
    for line in await asyncio.to_thread(list, book.lines(book.size - 1, strict=False)):
        if isinstance(line.fact, LedgerTailCut):
            Reporter(log)(line)


def space_policy(fs: FileSystem, config: Config) -> SpacePolicy:
    """The configuration's marks, in bytes of the vault's disk."""
    total = fs.space(config.vault.path).total
    reserve = config.vault.reserve_bytes
    return SpacePolicy(
        reserve=reserve,
        low=max(reserve, total * (100 - config.vault.high_water) // 100 // 4),
        high=max(reserve, total * (100 - config.vault.high_water) // 100),
    )


# --- adapters of the real world ----------------------------------------------------------------------


def real_outside(config: Config, clock: Clock, log: StationLog) -> Outside:
    random = SystemRandom()
    roles, hotplug = _usb(config, random, log)
    return Outside(
        fs=PosixDisk(),
        clock=clock,
        random=random,
        log=log,
        roles=roles,
        hotplug=hotplug,
        store=SqliteStore(f"{config.station.state}/projections.sqlite"),
        open_serial=open_serial,
        cms=OpensslCms(),
        progress=Progress(clock),
    )


def real_clock(config: Config) -> HostClock:
    return HostClock(Path(config.station.state) / "clock.json", ppm=config.clock.holdover_ppm)


def real_log(config: Config, clock: Clock) -> StationLog:
    if config.log.format == "journal":
        return journal_log(Journal(), "edged", config.log.level)
    return stream_log(sys.stderr, clock, config.log.format, config.log.level)


def waiting_log(config: Config | None) -> StationLog:
    """Of a station that is not commissioned: as its configuration says, or into the journal."""
    if config is None:
        return journal_log(Journal(), "edged")
    return real_log(config, real_clock(config))


def waiting_lines() -> Lines:
    """The docks of a station that is not commissioned."""
    read = _secret_reader(_given())
    return Lines(open_serial, lambda secret: _line_key(secret, read(secret)), SystemRandom())


def _given() -> Credentials:
    return Credentials(os.environ.get("CREDENTIALS_DIRECTORY", ""))


def real_secrets(config: Config, log: Log) -> Secrets:
    """Read every key file; say which cannot be used.

    Raises:
        EdgeError: KEY_UNUSABLE for the first that is missing, open to others or no key.
    """
    credentials = _given()
    read = _secret_reader(credentials)
    if problems := check_secret_files(config.secret_files(), os.stat, os.geteuid(), credentials):
        for problem in problems:
            log("EDG-6005", code=problem.code.label, **{"path": "", "reason": ""} | problem.detail)
        raise problems[0]
    _check_password(config.camera_driver.gat947_password_file, read)
    signing, badge = config.signing_key_file, config.badge_key_file
    return Secrets(
        signer=_of_file(signing, lambda: Signer.from_pem(origin_of(config.station.id), read(signing))),
        badge=_badge_key(badge, read),
        lines={path: _line_key(path, read(path)) for dock in config.dock for path in _line_keys(dock)},
    )


def _line_keys(dock: Dock) -> list[str]:
    return [path for path in (dock.controller_key, dock.reader_key) if path]


def _line_key(path: str, key: bytes) -> bytes:
    if len(key) != LINE_KEY_SIZE:
        reason = f"{len(key)} bytes, expected {LINE_KEY_SIZE}"
        raise EdgeError(ErrorCode.KEY_UNUSABLE, path=path, reason=reason)
    require_random(path, key)
    return key


def _badge_key(path: str, read: Callable[[str], bytes]) -> bytes:
    key = _of_file(path, lambda: parse_key(read(path)))
    require_random(path, key)
    return key


def _check_password(path: str, read: Callable[[str], bytes]) -> None:
    """The workers read the file themselves; here it is only tried."""
    if path:
        _of_file(path, lambda: parse_password(read(path)))


def _of_file(path: str, take: Callable[[], T]) -> T:
    """What ``take`` makes of a key file; its complaint names the file."""
    try:
        return take()
    except EdgeError as exc:
        raise EdgeError(exc.code, **{"path": path} | exc.detail) from exc


def _secret_reader(credentials: Credentials) -> Callable[[str], bytes]:
    def read(secret: str) -> bytes:
        path = credentials.path(secret)
        check_secret_file(path, os.stat, os.geteuid(), credentials)
        with Path(path).open("rb") as file:
            if not bits.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise EdgeError(ErrorCode.KEY_UNUSABLE, path=path, reason="not a file")
            return file.read(65536)

    return read


def _usb(config: Config, random: SystemRandom, log: Log) -> tuple[SubprocessRoles, Hotplug]:
    """Who works at the ports, and who says what is plugged in there.

    Raises:
        ConfigError: there is no user of the workers' name.
    """
    family = Family(log)
    if config.usb.backend == "units":
        connected = _connected_workers(config, log)
        return SubprocessRoles(family, connected), connected
    roles = SubprocessRoles(family, StartedWorkers(family, _worker_command(config)))
    if config.usb.backend == "usbip":
        return roles, UsbipHotplug(config.usb.socket, random)
    return roles, UdevHotplug()


def _connected_workers(config: Config, log: Log) -> ConnectedWorkers:
    try:
        uid = pwd.getpwnam(config.usb.workers_user).pw_uid
    except KeyError as exc:
        name = config.usb.workers_user
        raise ConfigError(key="usb.workers_user", value=name, expected="a user of this host") from exc
    ports = {slot.label: slot.port for dock in config.dock for slot in dock.slots}
    return ConnectedWorkers(config.usb.workers, ports, uid, PortGate(config.usb.ports), log)


def _worker_command(config: Config) -> Callable[[str, int], Sequence[str]]:
    backend = f"usbip:{config.usb.socket}" if config.usb.backend == "usbip" else "libusb"
    password = config.camera_driver.gat947_password_file

    def command(port: str, fd: int) -> Sequence[str]:
        words = [
            sys.executable,
            "-m",
            "drivers.worker.main",
            "--fd",
            str(fd),
            "--backend",
            backend,
            "--port",
            port,
        ]
        return [*words, "--password-file", password] if password else words

    return command
