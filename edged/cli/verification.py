"""``edgectl verify``: any copy of a ledger, off line, with public keys only."""

import argparse
from pathlib import Path
from typing import Any

from drivers.disk import PosixDisk
from edged.cli.output import EXIT_FINDINGS, EXIT_OK, emit_json, pairs, table
from edged.errors import EdgeError, ErrorCode
from edged.formats.note import Verifier
from edged.ledger.report import Finding, Kind
from edged.ledger.verify import verify_ledger

_WHERE_PIECES = "give the folder that holds the pieces, usually <state>/ledger"
_FINDINGS = (("kind", "FINDING"), ("where", "WHERE"), ("seq", "LINE"), ("detail", "DETAIL"))


def add_commands(commands: Any) -> None:
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
        "manifests_due": report.manifests_due,
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
