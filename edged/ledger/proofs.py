"""Making the proof of one recording out of any copy of the ledger. Blocking; reads it once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from edged.court.extract import extract
from edged.court.related import related
from edged.errors import EdgeError, ErrorCode, FormatError, SignatureError
from edged.formats import merkle
from edged.formats.checkpoint import CHECKPOINT_LIMIT, Checkpoint, open_checkpoint
from edged.formats.facts import RecordingSealed
from edged.formats.line import Line, decode_envelope, decode_line
from edged.formats.note import Verifier
from edged.formats.proof import Proof, build
from edged.formats.station_keys import SignedBy
from edged.ledger.pen import disk_error
from edged.ledger.pieces import CHECKPOINTS, CURRENT, closed_pieces, note_name, note_sizes, read_lines
from edged.ports import FileSystem


@dataclass(slots=True)
class _Found:
    leaves: list[bytes] = field(default_factory=list)  # 32 bytes a line: 10 million lines, about 700 MB
    sealed: Line | None = None


def prove(
    fs: FileSystem,
    ledger: str,
    recording: str,
    *,
    station: SignedBy,
    centre: Verifier | None = None,
    countersigned: str = "",
) -> Proof:
    """Return the proof that ``recording`` was sealed, under the newest checkpoint there is.

    Args:
        ledger: folder of pieces, with ``checkpoints`` in it: the station's, or the centre's copy.
        countersigned: folder of countersigned checkpoints; preferred if one covers the line.

    Raises:
        EdgeError: NOT_FOUND, no such recording is sealed; CONFLICT, no checkpoint covers it yet;
            LEDGER_CORRUPT, the lines are not those that were signed; LEDGER_NEWER; DiskError.
    """
    try:
        found = _read(fs, ledger, recording)
        if found.sealed is None:
            raise EdgeError(ErrorCode.NOT_FOUND, recording=recording[:40])
        note, checkpoint = _covering(
            fs, ledger, countersigned, found.sealed.seq, len(found.leaves), station, centre
        )
    except OSError as exc:
        raise disk_error(exc) from exc
    leaves = found.leaves[: checkpoint.size]
    if merkle.root_of(leaves) != checkpoint.root:
        raise EdgeError(
            ErrorCode.LEDGER_CORRUPT, reason="another root than the checkpoint's", seq=checkpoint.size
        )
    path = merkle.inclusion_proof(leaves, found.sealed.seq)
    return build(found.sealed, checkpoint.size, path, note)


def extract_lines(
    fs: FileSystem,
    ledger: str,
    about: str,
    wanted: frozenset[int],
    *,
    station: SignedBy,
    centre: Verifier | None = None,
    countersigned: str = "",
) -> bytes:
    """Return the lines of these numbers, each with its place in the signed tree (`edged.court.extract`).

    Args:
        about: what was asked for, in words.

    Raises:
        EdgeError: NOT_FOUND, none is wanted; CONFLICT, no checkpoint covers them yet; LEDGER_CORRUPT; LEDGER_NEWER;
            DiskError.
    """
    if not wanted:
        raise EdgeError(ErrorCode.NOT_FOUND, about=about[:200])
    leaves: list[bytes] = []
    lines: list[Line] = []
    try:
        for raw in _whole_lines(fs, ledger):
            if len(leaves) in wanted:
                lines.append(decode_line(raw))
            leaves.append(merkle.leaf_hash(raw))
        note, checkpoint = _covering(fs, ledger, countersigned, max(wanted), len(leaves), station, centre)
    except OSError as exc:
        raise disk_error(exc) from exc
    del leaves[checkpoint.size :]
    if merkle.root_of(leaves) != checkpoint.root:
        raise EdgeError(
            ErrorCode.LEDGER_CORRUPT, reason="another root than the checkpoint's", seq=checkpoint.size
        )
    return extract(about, lines, leaves, note)


def related_lines(fs: FileSystem, ledger: str, about: Iterable[str], issue: str = "") -> frozenset[int]:
    """Return the numbers of the lines that belong to what is asked for (`edged.court.related`).

    Raises EdgeError: LEDGER_CORRUPT; LEDGER_NEWER; DiskError.
    """
    try:
        return related(lambda: _whole_lines(fs, ledger), about, issue)
    except FormatError as exc:
        raise EdgeError(ErrorCode.LEDGER_CORRUPT, reason=str(exc)[:300]) from exc
    except OSError as exc:
        raise disk_error(exc) from exc


def _whole_lines(fs: FileSystem, ledger: str) -> Iterator[bytes]:
    names = fs.list_dir(ledger)
    files = [piece.name for piece in closed_pieces(names)] + [name for name in names if name == CURRENT]
    for name in files:
        for raw in read_lines(fs, f"{ledger}/{name}"):
            if raw.ended:
                yield raw.data


def _read(fs: FileSystem, ledger: str, recording: str) -> _Found:
    found = _Found()
    wanted = f'"recording":"{recording}"'.encode()
    for raw in _whole_lines(fs, ledger):
        found.leaves.append(merkle.leaf_hash(raw))
        if wanted in raw and decode_envelope(raw).type == RecordingSealed.TYPE:
            found.sealed = _exactly(raw, recording, len(found.leaves) - 1) or found.sealed
    return found


def _exactly(raw: bytes, recording: str, index: int) -> Line | None:
    line = decode_line(raw)
    if not isinstance(line.fact, RecordingSealed) or line.fact.recording != recording:
        return None
    if line.seq != index:
        raise EdgeError(ErrorCode.LEDGER_CORRUPT, reason="a line is missing or too many", seq=line.seq)
    return line


def _covering(
    fs: FileSystem,
    ledger: str,
    countersigned: str,
    seq: int,
    lines: int,
    station: SignedBy,
    centre: Verifier | None,
) -> tuple[bytes, Checkpoint]:
    """The newest checkpoint over the line: a countersigned one if there is any, else the station's."""
    places: list[tuple[str, Verifier | None]] = [(f"{ledger}/{CHECKPOINTS}", None)]
    if countersigned and centre is not None:
        places.insert(0, (countersigned, centre))
    for folder, second in places:
        for size in reversed(_sizes(fs, folder)):
            if not seq < size <= lines:
                continue
            note = fs.read(f"{folder}/{note_name(size)}", CHECKPOINT_LIMIT)
            try:
                return note, open_checkpoint(note, station, second)
            except (FormatError, SignatureError):
                continue  # a damaged note proves nothing; an older one may
    raise EdgeError(ErrorCode.CONFLICT, reason="no checkpoint covers it yet: try again in a minute", seq=seq)


def _sizes(fs: FileSystem, folder: str) -> list[int]:
    try:
        return note_sizes(fs.list_dir(folder))
    except FileNotFoundError:
        return []
