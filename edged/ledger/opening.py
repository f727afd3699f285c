"""Whether the ledger found on the disk is ours, whole, and as long as what we once signed."""

from dataclasses import dataclass

from edged.errors import EdgeError, ErrorCode
from edged.formats.checkpoint import Checkpoint
from edged.formats.note import Verifier
from edged.formats.station_keys import StationKeys
from edged.ledger import notes
from edged.ledger.pieces import CHECKPOINTS
from edged.ledger.recovery import Survey, survey
from edged.ports import FileSystem


@dataclass(frozen=True, slots=True)
class _Newest:
    """The newest checkpoint in the folder, or why it cannot be used."""

    checkpoint: Checkpoint | None = None
    problem: EdgeError | None = None


def inspect(fs: FileSystem, folder: str, station: Verifier | None) -> tuple[Survey, EdgeError | None]:
    """Return what was found, and the ledger's trouble. May raise OSError.

    Raises:
        EdgeError: LEDGER_MISSING, LEDGER_NEWER, or LEDGER_CORRUPT where there is nothing to go on from.
    """
    size = notes.newest_size(fs, f"{folder}/{CHECKPOINTS}")
    try:
        found = survey(fs, folder, {size} if size is not None else set())
    except FileNotFoundError as exc:
        raise EdgeError(ErrorCode.LEDGER_MISSING, folder=folder) from exc
    _require_beginning(found, folder, station)
    if station is None or size is None or found.keys is None:
        return found, _trouble(found, _Newest())
    return found, _trouble(found, _newest(fs, f"{folder}/{CHECKPOINTS}", size, found.keys))


def _newest(fs: FileSystem, folder: str, size: int, keys: StationKeys) -> _Newest:
    try:
        return _Newest(checkpoint=notes.load(fs, folder, size, keys))
    except EdgeError as exc:
        return _Newest(problem=exc)


def _require_beginning(found: Survey, folder: str, station: Verifier | None) -> None:
    if found.size == 0 and not found.damaged:
        raise EdgeError(ErrorCode.LEDGER_MISSING, folder=folder)
    if found.commissioned is None:
        raise EdgeError(ErrorCode.LEDGER_CORRUPT, reason="line 0 cannot be read", folder=folder)
    if station is None:
        return
    if found.keys is None or station not in found.keys:
        raise EdgeError(ErrorCode.LEDGER_CORRUPT, reason="another station's ledger", folder=folder)
    if station != found.keys.current:
        raise EdgeError(ErrorCode.KEY_CHANGE_UNFINISHED, here=str(station), named=str(found.keys.current))


def _trouble(found: Survey, newest: _Newest) -> EdgeError | None:
    if found.damage:
        first = found.damage[0]
        return EdgeError(
            ErrorCode.LEDGER_CORRUPT,
            file=first.name,
            offset=first.offset,
            seq=first.seq,
            reason=first.reason,
            places=found.damaged,
        )
    if newest.problem is not None:
        return newest.problem
    if newest.checkpoint is None:
        return None
    size = newest.checkpoint.size
    if size > found.size:
        return EdgeError(ErrorCode.LEDGER_BEHIND, lines=found.size, checkpoint=size)
    if found.roots.get(size) != newest.checkpoint.root:
        return EdgeError(ErrorCode.LEDGER_CORRUPT, reason="another root than the checkpoint's", seq=size)
    return None
