"""Commands that need no daemon: commissioning a station, verifying any copy of a ledger."""

import argparse
import asyncio
import json
import os
import pwd
from pathlib import Path
from typing import Any

from drivers.disk import PosixDisk
from drivers.random import SystemRandom
from edged.app import real_clock
from edged.cli.output import EXIT_FINDINGS, EXIT_OK, emit_json, pairs, table
from edged.config import Config, load
from edged.errors import EdgeError, ErrorCode
from edged.formats.checkpoint import origin_of
from edged.formats.facts import StationCommissioned
from edged.formats.note import Signer, Verifier
from edged.ledger.book import Book
from edged.ledger.report import Finding, Kind
from edged.ledger.verify import verify_ledger
from edged.main import read_config, single_instance
from edged.ports import FileSystem
from edged.station.station import VERSION
from edged.vault.layout import MARKER
from edged.vault.vault import create_vault, open_vault, write_durably

KEY_SIZE = 32
_WHERE_PIECES = "give the folder that holds the pieces, usually <state>/ledger"
_FINDINGS = (("kind", "FINDING"), ("where", "WHERE"), ("seq", "LINE"), ("detail", "DETAIL"))


def add_commands(commands: Any) -> None:
    station = commands.add_parser("station", help="commissioning").add_subparsers(
        metavar="ACTION", required=True
    )
    init = station.add_parser("init", help="commission this station: keys, vault, first line of the ledger")
    init.add_argument("--customs-body", required=True)
    init.add_argument("--post", required=True)
    init.set_defaults(run=_init)
    verify = commands.add_parser("verify", help="check a copy of a ledger, off line, with public keys only")
    verify.add_argument("ledger", help="folder with the ledger's pieces")
    verify.add_argument(
        "--station-key", required=True, help="station's verifier key (name+hash+base64), or a file"
    )
    verify.add_argument("--centre-key", default="", help="centre's verifier key, or a file")
    verify.add_argument(
        "--countersigned", default="", help="folder of countersigned checkpoints (needs --centre-key)"
    )
    verify.add_argument(
        "--against", default="", help="a checkpoint kept elsewhere, which the ledger must reach"
    )
    verify.add_argument("--vault", default="", help="folder with recordings/: files are hashed and compared")
    verify.set_defaults(run=_verify)


# --- station init ---------------------------------------------------------------------------------------


async def _init(args: argparse.Namespace) -> int:
    config = load(read_config(args.config), args.config)
    fs = PosixDisk()
    state = Path(config.station.state)
    fs.make_dirs(str(state))
    with single_instance(config.station.state):
        if (state / "ledger").exists():  # a command line waits for nobody else
            raise EdgeError(
                ErrorCode.CONFLICT, reason="this station is commissioned already", state=str(state)
            )
        signer = _signing_key(Path(config.signing_key_file), config.station.id)
        made = [str(p) for p in (Path(config.badge_key_file),) if _secret(p)]
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
        account = f"account:{os.environ.get('SUDO_USER') or _login()}"
        book = await Book.create(fs, f"{state}/ledger", real_clock(config), fact, actor=account)
        await book.close()
        write_durably(fs, f"{state}/station.json", _identity(config.station.id, args, signer))
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


def _own_vault(fs: FileSystem, config: Config) -> None:
    """Mark the vault, or take up the mark of a commissioning that was cut off. DiskError: it is another's."""
    path, station = config.vault.path, config.station.id
    if not (Path(path) / MARKER).exists():
        create_vault(fs, path, station=station, random=SystemRandom())
    open_vault(fs, path, station=station, memory_allowed=config.vault.allow_memory)


def _identity(station: str, args: argparse.Namespace, signer: Signer) -> bytes:
    body = {
        "station": station,
        "customs_body": args.customs_body,
        "post": args.post,
        "station_key": str(signer.verifier),
    }
    return json.dumps(body, ensure_ascii=False).encode() + b"\n"


def _signing_key(path: Path, station: str) -> Signer:
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
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _login() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid-{os.getuid()}"


# --- verify ---------------------------------------------------------------------------------------------


def read_key(text: str) -> Verifier:
    """A verifier key as given, or the first line of a file that holds one. Raises EdgeError BAD_REQUEST."""
    path = Path(text)
    if "+" not in text and path.is_file():
        text = path.read_text(encoding="utf-8", errors="replace")[:1000].strip().partition("\n")[0].strip()
    try:
        return Verifier.parse(text)
    except EdgeError as exc:
        raise EdgeError(
            ErrorCode.BAD_REQUEST, expected="a verifier key name+hash+base64", got=text[:60]
        ) from exc


def _verify(args: argparse.Namespace) -> int:
    if args.countersigned and not args.centre_key:
        raise EdgeError(ErrorCode.BAD_REQUEST, expected="--centre-key, to check what the centre has signed")
    report = verify_ledger(
        PosixDisk(),
        str(Path(args.ledger).absolute()),
        station=read_key(args.station_key),
        centre=read_key(args.centre_key) if args.centre_key else None,
        countersigned=str(Path(args.countersigned).absolute()) if args.countersigned else "",
        against=Path(args.against).read_bytes() if args.against else None,
        vault=str(Path(args.vault).absolute()) if args.vault else "",
    )
    findings = [
        {"kind": str(x.kind), "where": x.where, "seq": x.seq if x.seq >= 0 else "", "detail": _detail(x)}
        for x in report.findings
    ]
    summary: dict[str, Any] = {
        "verdict": "good" if report.good else "NOT GOOD",
        "station": report.station,
        "lines": report.lines,
        "signed": report.signed,
        "countersigned": report.countersigned,
        "unsigned": report.unsigned,
        "checkpoints": report.checkpoints,
        "recordings": report.recordings,
        "findings": report.found,
    }
    if args.json:
        emit_json(summary | {"good": report.good, "list": findings})
    else:
        print(pairs(summary))
        if findings:
            print("\n" + table(findings, _FINDINGS))
    return EXIT_OK if report.good else EXIT_FINDINGS


def _detail(finding: Finding) -> str:
    """A folder without a line is most often the folder above or beside the right one."""
    return f"{finding.detail}: {_WHERE_PIECES}" if finding.kind is Kind.NO_LEDGER else finding.detail
