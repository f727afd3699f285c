"""``edgectl station rekey``: another signing key for a station, as its account administrator has ordered.

Started by root while the station is stopped: the key lies where only root reads it. The new key is durable before the
ledger names it, and takes the old one's place only when both have signed that; cut off, the command is given again.
"""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from drivers.disk import PosixDisk
from edged.app import real_clock
from edged.cli.output import EXIT_OK, emit_json, pairs
from edged.cli.station_init import CORE_KEYS, account, as_owner, signing_key, writer_of
from edged.config import Config, load
from edged.errors import EdgeError, ErrorCode
from edged.formats.checkpoint import origin_of
from edged.formats.note import Signer
from edged.key_files import key_place
from edged.ledger.book import Book
from edged.ledger.rekeying import change_key
from edged.main import read_config, single_instance
from edged.station.recovery import fold
from edged.vault.vault import write_durably

IDENTITY = "station.json"


def add_command(station: Any) -> None:
    rekey = station.add_parser("rekey", help="make the signing key that was ordered with `key rotate` (root)")
    rekey.add_argument(
        "--keys", default=CORE_KEYS, help=f"folder for the keys named credential:… (default {CORE_KEYS})"
    )
    rekey.set_defaults(run=_rekey)


async def _rekey(args: argparse.Namespace) -> int:
    config = load(read_config(args.config), args.config)
    state, station = Path(config.station.state), config.station.id
    place = Path(key_place(config.signing_key_file, args.keys))
    following = place.with_name(f"{place.name}.next")
    with writer_of(config.signing_key_file, state):
        old = _present_key(place, station)
        begun = following.exists()
    with as_owner(state), single_instance(str(state)):
        await _require_order(config, old, begun=begun)
    with writer_of(config.signing_key_file, state):
        new = signing_key(following, station)
    with as_owner(state), single_instance(str(state)):
        line = await _change(config, old, new)
    with writer_of(config.signing_key_file, state):
        following.replace(place)
        PosixDisk().sync_dir(str(place.parent))
    return _tell(args, config, new, line)


def _present_key(place: Path, station: str) -> Signer:
    return Signer.from_pem(origin_of(station), place.read_bytes())


async def _require_order(config: Config, old: Signer, *, begun: bool) -> None:
    """Raises EdgeError: CONFLICT, nobody has ordered it."""
    async with _opened(config) as book:
        ordered = (await asyncio.to_thread(fold, book)).key_change
        if not ordered and not (begun and book.keys.current != old.verifier):
            raise EdgeError(
                ErrorCode.CONFLICT, expected="the account administrator's order: edgectl key rotate"
            )


async def _change(config: Config, old: Signer, new: Signer) -> int:
    state = config.station.state
    async with _opened(config) as book:
        line = await change_key(book, PosixDisk(), state, old, new, account())
    identity = json.loads((Path(state) / IDENTITY).read_bytes()) | {"station_key": str(new.verifier)}
    text = json.dumps(identity, ensure_ascii=False).encode() + b"\n"
    await asyncio.to_thread(write_durably, PosixDisk(), f"{state}/{IDENTITY}", text)
    return line


@asynccontextmanager
async def _opened(config: Config) -> AsyncIterator[Book]:
    book = await Book.open(PosixDisk(), f"{config.station.state}/ledger", real_clock(config))
    try:
        yield book
    finally:
        await book.close()


def _tell(args: argparse.Namespace, config: Config, new: Signer, line: int) -> int:
    summary = {"station": config.station.id, "station_key": str(new.verifier), "line": line}
    if args.json:
        emit_json(summary)
        return EXIT_OK
    print(pairs(summary))
    print(
        "\nPublish the new key beside the old one, which manifests and proofs from before still need."
        "\nThe centre learns it from the ledger. Start the station again: systemctl start edged"
    )
    return EXIT_OK
