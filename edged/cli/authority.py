"""Commands for whoever holds a key beside the station: new keys, signing a roster, digests of badges."""

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from edged.cli.output import EXIT_OK, emit_json, pairs
from edged.cli.station_init import write_secret
from edged.errors import EdgeError, ErrorCode, FormatError
from edged.formats import document
from edged.formats.badge import credential_digest, parse_key
from edged.formats.note import Signer, Verifier
from edged.formats.reference import Reference, open_reference, sign_reference
from edged.formats.roster import ROSTER_LIMIT, Roster, open_roster, sign_roster
from edged.formats.schedule import Schedule, open_schedule, sign_schedule

T = TypeVar("T")
DRAFT_LIMIT = 4 * ROSTER_LIMIT  # bytes; a draft may be indented


def add_commands(commands: Any) -> Any:
    """Return the sub-commands of `key`."""
    key = commands.add_parser("key", help="signing keys").add_subparsers(metavar="ACTION", required=True)
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
    _signing(sign, "the roster")
    sign.set_defaults(run=_sign)
    schedule = commands.add_parser("schedule", help="duty schedules").add_subparsers(
        metavar="ACTION", required=True
    )
    signing = schedule.add_parser("sign", help="sign a duty schedule (JSON) with the authority's key")
    _signing(signing, "the schedule")
    signing.set_defaults(run=_sign_schedule)
    reference = commands.add_parser("reference", help="requests of the centre").add_subparsers(
        metavar="ACTION", required=True
    )
    referring = reference.add_parser(
        "sign", help="at the centre: sign a request (JSON) that a recording belongs to a case"
    )
    _signing(referring, "the request", "centre")
    referring.set_defaults(run=_sign_reference)
    badge = commands.add_parser("badge", help="badges").add_subparsers(metavar="ACTION", required=True)
    digest = badge.add_parser("digest", help="the keyed digest of a badge, as rosters hold it")
    digest.add_argument("uid", help="the badge's number, hex")
    digest.add_argument("--kind", default="desfire-id")
    digest.add_argument("--key", required=True, help="file of the badge key")
    digest.set_defaults(run=_digest)
    return key


def _signing(parser: argparse.ArgumentParser, what: str, whose: str = "authority") -> None:
    parser.add_argument("file", help=f"{what} as JSON, indented or not")
    parser.add_argument("--name", required=True, help=f"name of the {whose}'s key")
    parser.add_argument("--key", required=True, help=f"file of the {whose}'s key")
    parser.add_argument("--out", required=True)


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
    roster, facts = _signed(args, Roster, sign_roster, open_roster)
    return _print(args, {"version": roster.version, "persons": len(roster.persons), **facts})


def _sign_schedule(args: argparse.Namespace) -> int:
    schedule, facts = _signed(args, Schedule, sign_schedule, open_schedule)
    return _print(args, {"version": schedule.version, "shifts": len(schedule.shifts), **facts})


def _sign_reference(args: argparse.Namespace) -> int:
    reference, facts = _signed(args, Reference, sign_reference, open_reference)
    name = f"inbox/requests/{reference.recording}.reference.note"
    return _print(args, {"recording": reference.recording, **facts, "put_it_into_the_home_as": name})


def _signed(
    args: argparse.Namespace,
    kind: type[T],
    sign: Callable[[T, Signer], bytes],
    open_: Callable[[bytes, Verifier], T],
) -> tuple[T, dict[str, Any]]:
    signer = Signer.from_pem(args.name, _read(args.key))
    try:
        made = document.convert(_draft(args.file), kind)
        note = sign(made, signer)
        open_(note, signer.verifier)  # what no station would take is not handed out
    except FormatError as exc:
        raise EdgeError(ErrorCode.BAD_REQUEST, file=args.file, **exc.detail) from exc
    Path(args.out).write_bytes(note)
    return made, {"file": args.out, "key": str(signer.verifier)}


def _draft(path: str) -> object:
    """Plain values of a person's JSON: any white space, order and escapes, but no name twice.

    Raises:
        FormatError: too long, or not JSON; says where. OSError as the kernel gives it.
    """
    with Path(path).open("rb") as file:
        data = file.read(DRAFT_LIMIT + 1)
    if len(data) > DRAFT_LIMIT:
        raise FormatError(reason="too long", limit=DRAFT_LIMIT)
    try:
        return json.loads(data, object_pairs_hook=_members)
    except (ValueError, RecursionError) as exc:
        raise FormatError(reason="not JSON", why=str(exc)[:200]) from exc


def _members(found: list[tuple[str, object]]) -> dict[str, object]:
    """A name that stands twice would be signed with one of its values: which, nobody chose."""
    members = dict(found)
    if len(members) < len(found):
        names = [name for name, _ in found]
        twice = next(name for name in names if names.count(name) > 1)
        raise FormatError(reason="a name stands twice", name=twice[:60])
    return members


def _digest(args: argparse.Namespace) -> int:
    try:
        uid = bytes.fromhex(args.uid.replace(":", ""))
    except ValueError as exc:
        raise EdgeError(ErrorCode.BAD_REQUEST, uid=args.uid[:40], expected="hex digits") from exc
    return _print(args, {"digest": credential_digest(parse_key(_read(args.key)), args.kind, uid)})
