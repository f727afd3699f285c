"""Commands for whoever holds a key beside the station: new keys, signing a roster, digests of badges."""

import argparse
import os
from pathlib import Path
from typing import Any

from edged.cli.offline import write_secret
from edged.cli.output import EXIT_OK, emit_json, pairs
from edged.errors import EdgeError, ErrorCode
from edged.formats import document
from edged.formats.badge import credential_digest, parse_key
from edged.formats.note import Signer
from edged.formats.roster import ROSTER_LIMIT, Roster, sign_roster


def add_commands(commands: Any) -> None:
    key = commands.add_parser("key", help="signing keys of authority and centre").add_subparsers(
        metavar="ACTION", required=True
    )
    new = key.add_parser("new", help="make a signing key; prints its verifier key")
    new.add_argument("name", help="the key's name, for example authority.example")
    new.add_argument("file")
    new.set_defaults(run=_new)
    show = key.add_parser("show", help="print the verifier key of a signing key")
    show.add_argument("name")
    show.add_argument("file")
    show.set_defaults(run=_show)
    roster = commands.add_parser("roster", help="lists of persons").add_subparsers(
        metavar="ACTION", required=True
    )
    sign = roster.add_parser("sign", help="sign a roster (JSON) with the authority's key")
    sign.add_argument("file", help="the roster as JSON")
    sign.add_argument("--name", required=True, help="name of the authority's key")
    sign.add_argument("--key", required=True, help="file of the authority's key")
    sign.add_argument("--out", required=True)
    sign.set_defaults(run=_sign)
    badge = commands.add_parser("badge", help="badges").add_subparsers(metavar="ACTION", required=True)
    digest = badge.add_parser("digest", help="the keyed digest of a badge, as rosters hold it")
    digest.add_argument("uid", help="the badge's number, hex")
    digest.add_argument("--kind", default="desfire-id")
    digest.add_argument("--key", required=True, help="file of the badge key")
    digest.set_defaults(run=_digest)


def _read(path: str, limit: int = 65536) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(limit)
    except OSError as exc:
        raise EdgeError(ErrorCode.KEY_UNUSABLE, path=path, reason=exc.strerror or str(exc)) from exc


def _print(args: argparse.Namespace, facts: dict[str, Any]) -> int:
    if args.json:
        emit_json(facts)
    else:
        print(pairs(facts))
    return EXIT_OK


def _new(args: argparse.Namespace) -> int:
    signer = Signer.from_seed(args.name, os.urandom(32))
    try:
        write_secret(Path(args.file), signer.pem())
    except FileExistsError as exc:
        raise EdgeError(ErrorCode.CONFLICT, path=args.file, reason="there is a file already") from exc
    return _print(args, {"key": str(signer.verifier), "file": args.file})


def _show(args: argparse.Namespace) -> int:
    return _print(args, {"key": str(Signer.from_pem(args.name, _read(args.file)).verifier)})


def _sign(args: argparse.Namespace) -> int:
    roster = document.decode(_read(args.file, ROSTER_LIMIT), Roster, ROSTER_LIMIT)
    note = sign_roster(roster, Signer.from_pem(args.name, _read(args.key)))
    Path(args.out).write_bytes(note)
    return _print(args, {"version": roster.version, "persons": len(roster.persons), "file": args.out})


def _digest(args: argparse.Namespace) -> int:
    try:
        uid = bytes.fromhex(args.uid.replace(":", ""))
    except ValueError as exc:
        raise EdgeError(ErrorCode.BAD_REQUEST, uid=args.uid[:40], expected="hex digits") from exc
    return _print(args, {"digest": credential_digest(parse_key(_read(args.key)), args.kind, uid)})
