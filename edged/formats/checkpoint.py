"""Checkpoints (C2SP tlog-checkpoint): what a ledger was when it had so many lines, signed.

    edged/<station id>      the origin: also the name of the station's key
    8123                    number of lines
    <base64 root>           RFC 6962 root over them

No extension lines. The station signs first; the centre adds its line to the same note.
"""

import base64
import binascii
import re
from dataclasses import dataclass

from edged.errors import FormatError, SignatureError
from edged.formats import merkle
from edged.formats.note import Signer, Verifier, add_signature, open_note, sign
from edged.formats.station_keys import SignedBy, keys_of

CHECKPOINT_LIMIT = 16 * 1024  # bytes of a checkpoint note
ORIGIN_PREFIX = "edged/"

_SIZE = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    origin: str
    size: int
    root: bytes

    def text(self) -> bytes:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n".encode()

    @classmethod
    def parse(cls, text: bytes) -> "Checkpoint":
        """Read the three lines. Raises FormatError for any other form of the same value, too."""
        try:
            origin, size, root, rest = text.decode().split("\n")
            found = cls(origin, int(size), base64.b64decode(root, validate=True))
        except (ValueError, binascii.Error) as exc:
            raise FormatError(reason="not a checkpoint") from exc
        if rest or not origin or not _SIZE.fullmatch(size) or len(found.root) != merkle.HASH_SIZE:
            raise FormatError(reason="not a checkpoint")
        if found.text() != text or (found.size == 0 and found.root != merkle.EMPTY_ROOT):
            raise FormatError(reason="not a checkpoint in its one form")
        return found


def origin_of(station: str) -> str:
    """Name of a station's key and origin of its checkpoints."""
    return ORIGIN_PREFIX + station


def sign_checkpoint(checkpoint: Checkpoint, *signers: Signer) -> bytes:
    """Return the note; two sign at a hand-over. Raises ValueError if a key belongs to another station (origin)."""
    if any(checkpoint.origin != signer.name for signer in signers):
        raise ValueError("a station signs its own checkpoints only")
    return sign(checkpoint.text(), *signers)


def countersign(data: bytes, station: SignedBy, centre: Signer) -> bytes:
    """Return the station's checkpoint with the centre's line. Raises as `open_checkpoint`.

    The caller has compared size and root with what it holds, and stored that durably, before.
    """
    open_checkpoint(data, station)
    return add_signature(data, centre)


def open_checkpoint(data: bytes, station: SignedBy, centre: Verifier | None = None) -> Checkpoint:
    """Return the checkpoint that ``station`` signed and, if given, ``centre`` countersigned.

    Raises:
        FormatError: not a checkpoint.
        SignatureError: a signature is missing or false, or the origin is another station.
    """
    if len(data) > CHECKPOINT_LIMIT:
        raise FormatError(reason="checkpoint too long", size=len(data))
    keys, second = keys_of(station), () if centre is None else (centre,)
    note = open_note(data, (*keys, *second))
    found = Checkpoint.parse(note.text)
    for key in (*keys.of_checkpoint(found.size), *second):
        if key not in note.signed_by:
            raise SignatureError(key=key.name, reason="signature missing")
    if found.origin != station.name:
        raise SignatureError(key=station.name, reason="origin is another station", origin=found.origin[:80])
    return found
