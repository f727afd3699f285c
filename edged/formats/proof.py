"""The proof of one recording: one file that holds without the station, the ledger or this program.

It carries the ledger line that sealed the recording, its place in the Merkle tree and the signed
checkpoint over that tree. With the recording's bytes and the public keys that is all one needs
(docs/proof.md; the verifier for court is `edged/court/verify_proof.py`).
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Annotated

import msgspec

from edged.errors import EdgeError, ErrorCode, FormatError
from edged.formats import document, merkle
from edged.formats.checkpoint import Checkpoint, open_checkpoint
from edged.formats.facts import RecordingSealed
from edged.formats.line import LINE_LIMIT, Line, decode_line
from edged.formats.note import Verifier
from edged.formats.station_keys import SignedBy

PROOF_LIMIT = 4 * LINE_LIMIT  # bytes; an ordinary proof has less than 4 kB


class Proof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="edged/proof/v1"):
    index: Annotated[int, msgspec.Meta(ge=0, lt=10**18)]
    size: Annotated[int, msgspec.Meta(ge=1, lt=10**18)]
    path: Annotated[tuple[str, ...], msgspec.Meta(max_length=63)]  # base64, from the leaf upwards
    line: str
    checkpoint: str  # the note, with the centre's line if there is one


@dataclass(frozen=True, slots=True)
class Proved:
    """What a proof that holds says."""

    line: Line
    sealed: RecordingSealed
    checkpoint: Checkpoint
    countersigned: bool


def build(line: Line, size: int, path: list[bytes], checkpoint: bytes) -> Proof:
    return Proof(
        index=line.seq,
        size=size,
        path=tuple(base64.b64encode(node).decode() for node in path),
        line=line.raw.decode(),
        checkpoint=checkpoint.decode(),
    )


def encode_proof(proof: Proof) -> bytes:
    return document.encode(proof) + b"\n"


def decode_proof(data: bytes) -> Proof:
    """Raises FormatError."""
    return document.decode(data.removesuffix(b"\n"), Proof, PROOF_LIMIT)


def verify_proof(proof: Proof, station: SignedBy, centre: Verifier | None = None) -> Proved:
    """Check everything but the recording's own bytes.

    Raises:
        FormatError: a part is not what it should be.
        SignatureError: the station (or ``centre``, if given) did not sign the checkpoint.
        EdgeError: PROOF_BAD, the line does not lie in the signed tree.
    """
    checkpoint = open_checkpoint(proof.checkpoint.encode(), station, centre)
    line = decode_line(proof.line.encode())
    if not isinstance(line.fact, RecordingSealed):
        raise EdgeError(ErrorCode.PROOF_BAD, reason="the line seals no recording", type=line.type)
    if (line.seq, checkpoint.size) != (proof.index, proof.size):
        raise EdgeError(ErrorCode.PROOF_BAD, reason="numbers disagree", seq=line.seq, size=checkpoint.size)
    leaf, path = merkle.leaf_hash(line.raw), [_node(text) for text in proof.path]
    if not merkle.is_included(leaf, proof.index, proof.size, path, checkpoint.root):
        raise EdgeError(ErrorCode.PROOF_BAD, reason="the line is not in the signed tree", seq=line.seq)
    return Proved(line, line.fact, checkpoint, centre is not None)


def _node(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise FormatError(reason="not base64 in a proof") from exc
