"""The one wiring file of the daemon: opens what lies on the disk and chooses every adapter.

A simulated world calls ``open_station`` with ports of its own; nothing above this file knows the difference.
"""

import asyncio
import hashlib
import os
import stat as bits
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from drivers.disk import PosixDisk
from drivers.host_clock import HostClock
from drivers.hotplug import Hotplug
from drivers.hotplug_udev import UdevHotplug
from drivers.hotplug_usbip import UsbipHotplug
from drivers.journal import Journal
from drivers.notify import Progress
from drivers.random import SystemRandom
from drivers.serial_link import open_serial
from edged.config import Config
from edged.errors import EdgeError, ErrorCode
from edged.formats.badge import parse_key
from edged.formats.checkpoint import origin_of
from edged.formats.note import Signer, Verifier
from edged.key_files import check_secret_file
from edged.ledger.book import Book
from edged.ledger.checkpoints import Checkpointer, Keys, Pace
from edged.logs import StationLog, journal_log, stream_log
from edged.ports import Clock, FileSystem
from edged.projections.sqlite import SqliteStore
from edged.roles.subprocess_roles import SubprocessRoles
from edged.station.recovery import fold
from edged.station.station import Opened, Outside, Secrets, Station
from edged.vault.space import SpacePolicy
from edged.vault.vault import open_vault

LINE_KEY_SIZE = 32
T = TypeVar("T")


async def open_station(config: Config, text: bytes, outside: Outside, secrets: Secrets) -> Station:
    """Open ledger, checkpoints and vault, and make the station.

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
        Keys(verifier, Verifier.parse(config.keys.centre), secrets.signer),
        Pace(lines=config.ledger.checkpoint_lines, seconds=config.ledger.checkpoint_s),
    )
    vault = await asyncio.to_thread(
        open_vault,
        fs,
        config.vault.path,
        station=config.station.id,
        memory_allowed=config.vault.allow_memory,
        policy=await asyncio.to_thread(space_policy, fs, config),
    )
    opened = Opened(
        book=book,
        state=await asyncio.to_thread(fold, book),
        checkpoints=checkpoints,
        vault=vault,
        config_sha256=hashlib.sha256(text).hexdigest(),
    )
    return Station(config, outside, secrets, opened)


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
    return Outside(
        fs=PosixDisk(),
        clock=clock,
        random=random,
        log=log,
        roles=SubprocessRoles(log, worker=_worker_command(config)),
        hotplug=_hotplug(config, random),
        store=SqliteStore(f"{config.station.state}/projections.sqlite"),
        open_serial=open_serial,
        progress=Progress(clock),
    )


def real_clock(config: Config) -> HostClock:
    return HostClock(Path(config.station.state) / "clock.json")


def real_log(config: Config, clock: Clock) -> StationLog:
    if config.log.format == "journal":
        return journal_log(Journal(), "edged", config.log.level)
    return stream_log(sys.stderr, clock, config.log.format, config.log.level)


def real_secrets(config: Config) -> Secrets:
    """Read every key file. Raises EdgeError KEY_UNUSABLE for the first that is missing or open to others."""
    read = _secret_reader()
    lines = {
        path: read(path) for dock in config.dock for path in (dock.controller_key, dock.reader_key) if path
    }
    for path, key in lines.items():
        if len(key) != LINE_KEY_SIZE:
            raise EdgeError(
                ErrorCode.KEY_UNUSABLE, path=path, reason=f"{len(key)} bytes, expected {LINE_KEY_SIZE}"
            )
    signing, badge = config.signing_key_file, config.badge_key_file
    return Secrets(
        signer=_of_file(signing, lambda: Signer.from_pem(origin_of(config.station.id), read(signing))),
        badge=_of_file(badge, lambda: parse_key(read(badge))),
        lines=lines,
    )


def _of_file(path: str, take: Callable[[], T]) -> T:
    """What ``take`` makes of a key file; its complaint names the file."""
    try:
        return take()
    except EdgeError as exc:
        raise EdgeError(exc.code, **{"path": path} | exc.detail) from exc


def _secret_reader() -> Callable[[str], bytes]:
    def read(path: str) -> bytes:
        check_secret_file(path, os.stat, os.geteuid())
        with Path(path).open("rb") as file:
            if not bits.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise EdgeError(ErrorCode.KEY_UNUSABLE, path=path, reason="not a file")
            return file.read(65536)

    return read


def _hotplug(config: Config, random: SystemRandom) -> Hotplug:
    if config.usb.backend == "usbip":
        return UsbipHotplug(config.usb.socket, random)
    return UdevHotplug()


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
