"""Checkpoint notes as files: ``<folder>/<size>.note``, published whole or not at all."""

import errno
from contextlib import suppress

from edged.errors import EdgeError, ErrorCode, FormatError, SignatureError
from edged.formats.checkpoint import CHECKPOINT_LIMIT, Checkpoint, open_checkpoint
from edged.formats.note import Verifier
from edged.formats.station_keys import SignedBy
from edged.ledger.pen import disk_error, settle_folder
from edged.ledger.pieces import note_name, note_sizes
from edged.ports import FileSystem


def newest_size(fs: FileSystem, folder: str) -> int | None:
    """Return the size that the newest note's name speaks of; None: there is none. May raise OSError."""
    try:
        sizes = note_sizes(fs.list_dir(folder))
    except OSError as exc:
        if exc.errno == errno.ENOENT:
            return None
        raise
    return sizes[-1] if sizes else None


def load(
    fs: FileSystem, folder: str, size: int, station: SignedBy, centre: Verifier | None = None
) -> Checkpoint:
    """Return the checkpoint in ``<size>.note``. May raise OSError.

    Raises:
        EdgeError: LEDGER_CORRUPT, not a checkpoint of this size signed by these keys.
    """
    name = note_name(size)
    try:
        found = open_checkpoint(fs.read(f"{folder}/{name}", CHECKPOINT_LIMIT), station, centre)
    except (FormatError, SignatureError) as exc:
        reason = str(exc.detail.get("reason", ""))
        raise EdgeError(ErrorCode.LEDGER_CORRUPT, checkpoint=name, reason=reason) from exc
    if found.size != size:
        raise EdgeError(ErrorCode.LEDGER_CORRUPT, checkpoint=name, reason="speaks of another size")
    return found


def store(fs: FileSystem, folder: str, size: int, data: bytes) -> None:
    """Publish a note durably; one of that name that is there already stays. May raise OSError."""
    name = note_name(size)
    path, part = f"{folder}/{name}", f"{folder}/{name}.part"
    settle_folder(fs, folder)
    with suppress(FileNotFoundError):
        fs.remove(part)  # a beginning that a power cut left
    file = fs.create(part)
    try:
        file.write_at(0, data)
        file.sync()
    finally:
        file.close()
    try:
        fs.rename(part, path)
    except FileExistsError:
        fs.remove(part)
        fs.sync_dir(folder)
        return
    try:
        fs.sync_dir(folder)
    except OSError:
        # Else the next attempt finds the name, and a second sync that fails no more (K06).
        with suppress(OSError):
            fs.remove(path)
        raise


def confirm(fs: FileSystem, folder: str) -> None:
    """Make durable what a life that ended in between may have left as a name in memory only.

    Raises:
        EdgeError: DISK_*, and then nothing here can be relied on.
    """
    try:
        settle_folder(fs, folder)
        fs.sync_dir(folder)
    except OSError as exc:
        raise disk_error(exc) from exc
