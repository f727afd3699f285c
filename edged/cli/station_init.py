"""``edgectl station init``: keys, vault and the first line of the ledger of a new station.

Started by root it puts the keys where only root reads them, hands the evidence disk over, and does the rest as the
user to whom the station's state belongs.
"""

import argparse
import asyncio
import contextlib
import json
import os
import pwd
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from drivers.disk import PosixDisk
from drivers.random import SystemRandom
from edged.app import real_clock
from edged.cli.output import EXIT_OK, emit_json, pairs
from edged.config import Config, load
from edged.errors import EdgeError, ErrorCode
from edged.formats.checkpoint import origin_of
from edged.formats.facts import StationCommissioned
from edged.formats.note import Signer
from edged.key_files import CREDENTIAL, key_place
from edged.ledger.book import Book
from edged.main import read_config, single_instance
from edged.ports import FileSystem
from edged.station.station import VERSION
from edged.vault.layout import MARKER
from edged.vault.vault import create_vault, open_vault, require_filesystem, write_durably

KEY_SIZE = 32
CORE_KEYS = "/etc/edged/keys/core"
VAULT_MODE = 0o2750
"""What is made below belongs to the folder's group, which may read it."""


def add_commands(commands: Any) -> Any:
    """Return the sub-commands of `station`."""
    station = commands.add_parser("station", help="commissioning").add_subparsers(
        metavar="ACTION", required=True
    )
    init = station.add_parser("init", help="commission this station: keys, vault, first line of the ledger")
    init.add_argument("--customs-body", required=True)
    init.add_argument("--post", required=True)
    init.add_argument(
        "--keys", default=CORE_KEYS, help=f"folder for the keys named credential:… (default {CORE_KEYS})"
    )
    init.set_defaults(run=_init)
    return station


async def _init(args: argparse.Namespace) -> int:
    config = load(read_config(args.config), args.config)
    fs = PosixDisk()
    state = Path(config.station.state)
    fs.make_dirs(str(state))
    signing, badge = config.signing_key_file, config.badge_key_file
    with as_owner(state), single_instance(config.station.state):
        if (state / "ledger").exists():  # a command line waits for nobody else
            raise EdgeError(
                ErrorCode.CONFLICT, reason="this station is commissioned already", state=str(state)
            )
    with writer_of(signing, state):
        signer = signing_key(Path(key_place(signing, args.keys)), config.station.id)
    with writer_of(badge, state):
        made = [str(p) for p in (Path(key_place(badge, args.keys)),) if _secret(p)]
    _hand_over(Path(config.vault.path), state)
    with as_owner(state), single_instance(config.station.state):
        await _begin(fs, config, args, signer)
    summary = {"station": config.station.id, "station_key": str(signer.verifier), "ledger": f"{state}/ledger"}
    if made:
        summary["made"] = ", ".join(made)
    if args.json:
        emit_json(summary)
    else:
        print(pairs(summary))
        print(
            "\nGive the station key to the centre and keep a copy on paper: it is what a court verifies with."
        )
    return EXIT_OK


async def _begin(fs: FileSystem, config: Config, args: argparse.Namespace, signer: Signer) -> None:
    """Vault, ledger, identity; the lock is held."""
    state = config.station.state
    await asyncio.to_thread(_own_vault, fs, config)
    fact = StationCommissioned(
        station=config.station.id,
        customs_body=args.customs_body,
        post=args.post,
        station_key=str(signer.verifier),
        authority_key=config.keys.authority,
        centre_key=config.keys.centre,
        version=VERSION,
    )
    book = await Book.create(fs, f"{state}/ledger", real_clock(config), fact, actor=account())
    await book.close()
    write_durably(fs, f"{state}/station.json", _identity(config.station.id, args, signer))


def account() -> str:
    """Who gives the command, as the ledger names him."""
    return f"account:{os.environ.get('SUDO_USER') or _login()}"


@contextlib.contextmanager
def as_owner(state: Path) -> Iterator[None]:
    """Root acts as the user whose station this is; anybody else as himself."""
    owner = state.stat()
    if os.geteuid() != 0 or owner.st_uid == 0:
        yield
        return
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(owner.st_gid)
    os.seteuid(owner.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def writer_of(secret: str, state: Path) -> contextlib.AbstractContextManager[None]:
    """A credential is root's, a file of the station is the station's."""
    return contextlib.nullcontext() if secret.startswith(CREDENTIAL) else as_owner(state)


def _hand_over(vault: Path, state: Path) -> None:
    """An evidence disk fresh from mkfs is root's: give it to the station's user, for its group to read."""
    owner = state.stat()
    if os.geteuid() != 0 or owner.st_uid == 0:
        return
    vault.mkdir(parents=True, exist_ok=True)
    if vault.stat().st_uid == 0 and {path.name for path in vault.iterdir()} <= {"lost+found"}:
        os.chown(vault, owner.st_uid, owner.st_gid)
        vault.chmod(VAULT_MODE)


def _own_vault(fs: FileSystem, config: Config) -> None:
    """Mark the vault, or take up the mark of a commissioning that was cut off. DiskError: it is another's."""
    path, station = config.vault.path, config.station.id
    if not (Path(path) / MARKER).exists():
        fs.make_dirs(path)
        require_filesystem(fs, path, config.vault.filesystem)  # before anything lies on somebody else's disk
        create_vault(fs, path, station=station, random=SystemRandom())
    vault = config.vault
    open_vault(fs, path, station=station, filesystem=vault.filesystem, memory_allowed=vault.allow_memory)


def _identity(station: str, args: argparse.Namespace, signer: Signer) -> bytes:
    body = {
        "station": station,
        "customs_body": args.customs_body,
        "post": args.post,
        "station_key": str(signer.verifier),
    }
    return json.dumps(body, ensure_ascii=False).encode() + b"\n"


def signing_key(path: Path, station: str) -> Signer:
    """The key of an earlier, cut-off commissioning, or a new one."""
    if path.exists():
        return Signer.from_pem(origin_of(station), path.read_bytes())
    signer = Signer.from_seed(origin_of(station), os.urandom(KEY_SIZE))
    write_secret(path, signer.pem())
    return signer


def _secret(path: Path) -> bool:
    if path.exists():
        return False
    write_secret(path, os.urandom(KEY_SIZE))
    return True


def write_secret(path: Path, data: bytes) -> None:
    """Make the file, durably with its name: a key that the power takes is the end of the station it signs for."""
    missing = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    for folder in (path.parent, *(made.parent for made in missing)):
        PosixDisk().sync_dir(str(folder))


def _login() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid-{os.getuid()}"
