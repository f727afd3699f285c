"""Signed notes (C2SP signed-note) with Ed25519: how every signed document of the station looks.

    text, ends in a newline
    (empty line)
    — <key name> <base64(4-byte key id, 64-byte signature over the text)>

1. A key is known to a reader as a verifier key ``name+hash+base64``; hash = first four bytes of
   SHA-256(name, newline, 0x01, public key). Name and hash choose the key, nothing else does.
2. Signatures of unknown keys are passed over; a signature under a known key's name and id that does
   not verify spoils the whole note.
3. A note that none of the given keys signed is not opened.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InternalError, InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from edged.errors import EdgeError, ErrorCode, FormatError, SignatureError

NOTE_LIMIT = 1024 * 1024  # bytes, as the reference implementation in Go
SIGNATURES_LIMIT = 16  # station, centre, a few witnesses
NAME_LIMIT = 200
SEED_SIZE = 32

_ED25519 = 1
_ID_SIZE = 4
_SIGNATURE_SIZE = 64
_CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key with its name. Two are equal if name and key are."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, text: str) -> "Verifier":
        """Read ``name+hash+base64``. Raises FormatError, also where hash and key do not agree."""
        parts = text.split("+", 2)
        if len(parts) != 3:
            raise FormatError(reason="not a verifier key", text=text[:80])
        name, claimed, encoded = parts
        _require_name(name)
        data = _unbase64(encoded)
        if len(data) != 33 or data[0] != _ED25519:
            raise FormatError(reason="not an Ed25519 verifier key", name=name[:80])
        key = cls(name, data[1:])
        if key.id.hex() != claimed:
            raise FormatError(reason="a verifier key whose hash is not its own", name=name[:80])
        return key

    @property
    def id(self) -> bytes:
        """Four bytes out of name and key."""
        text = self.name.encode() + b"\n" + bytes([_ED25519]) + self.public
        return hashlib.sha256(text).digest()[:_ID_SIZE]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{_base64(bytes([_ED25519]) + self.public)}"

    def verifies(self, text: bytes, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except (InvalidSignature, ValueError):
            return False
        return True


class Signer:
    """A private key with its name."""

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        _require_name(name)
        self._key = key
        public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.verifier = Verifier(name, public)

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> "Signer":
        """A new key out of ``seed``: 32 bytes that nobody can guess (`edged.ports.Random.token`)."""
        if len(seed) != SEED_SIZE:
            raise ValueError("an Ed25519 seed has 32 bytes")
        return cls(name, Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def from_pem(cls, name: str, pem: bytes) -> "Signer":
        """Read a key file (PEM, PKCS#8, not encrypted).

        Raises:
            EdgeError: KEY_UNUSABLE. The message holds nothing of the file.
        """
        try:
            key = load_pem_private_key(pem, None)
        except (ValueError, TypeError, UnsupportedAlgorithm, InternalError) as exc:
            raise EdgeError(ErrorCode.KEY_UNUSABLE, key=name, reason="not a PEM private key") from exc
        if not isinstance(key, Ed25519PrivateKey):
            raise EdgeError(ErrorCode.KEY_UNUSABLE, key=name, reason="not an Ed25519 key")
        return cls(name, key)

    @property
    def name(self) -> str:
        return self.verifier.name

    def pem(self) -> bytes:
        """The key file's content. Secret: mode 0600."""
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def signature_line(self, text: bytes) -> bytes:
        """Return the line that says that this key signed ``text``, newline included."""
        signed = self.verifier.id + self._key.sign(text)
        return f"— {self.name} {_base64(signed)}\n".encode()


@dataclass(frozen=True, slots=True)
class Note:
    """An opened note: ``text`` is what ``signed_by`` signed, byte for byte."""

    text: bytes
    signed_by: tuple[Verifier, ...]


def sign(text: bytes, *signers: Signer) -> bytes:
    """Return ``text`` as a note signed by all of ``signers``. Raises FormatError for unfit text."""
    _require_text(text)
    return text + b"\n" + b"".join(signer.signature_line(text) for signer in signers)


def add_signature(data: bytes, signer: Signer) -> bytes:
    """Return the note with one more signature over the same text. The others are not looked at."""
    text, _ = _split(data)
    added = data + signer.signature_line(text)
    _split(added)
    return added


def open_note(data: bytes, verifiers: Sequence[Verifier]) -> Note:
    """Return the text and which of ``verifiers`` signed it, in their order.

    Raises:
        FormatError: not a note.
        SignatureError: a known key's signature is false, or none of the known keys signed.
    """
    text, lines = _split(data)
    known = {(key.name, key.id): key for key in verifiers}
    signed: list[Verifier] = []
    for name, key_id, signature in lines:
        key = known.get((name, key_id))
        if key is None:
            continue
        if not key.verifies(text, signature):
            raise SignatureError(key=name, reason="does not verify")
        signed.append(key)
    if not signed:
        raise SignatureError(reason="signed by none of the known keys", signatures=len(lines))
    return Note(text, tuple(key for key in verifiers if key in signed))


def _split(data: bytes) -> tuple[bytes, list[tuple[str, bytes, bytes]]]:
    if len(data) > NOTE_LIMIT:
        raise FormatError(reason="note too long", size=len(data), limit=NOTE_LIMIT)
    cut = data.rfind(b"\n\n")
    if cut < 0 or not data.endswith(b"\n"):
        raise FormatError(reason="not a signed note")
    text, block = data[: cut + 1], data[cut + 2 :]
    _require_text(text)
    rows = block.split(b"\n")[:-1]
    if not 0 < len(rows) <= SIGNATURES_LIMIT:
        raise FormatError(reason="number of signatures", signatures=len(rows), limit=SIGNATURES_LIMIT)
    lines = [_signature(row) for row in rows]
    if len({line[:2] for line in lines}) != len(lines):
        raise FormatError(reason="one key signs twice")
    return text, lines


def _signature(row: bytes) -> tuple[str, bytes, bytes]:
    try:
        dash, name, encoded = row.decode().split(" ")
    except ValueError as exc:
        raise FormatError(reason="not a signature line") from exc
    if dash != "—":
        raise FormatError(reason="not a signature line")
    _require_name(name)
    data = _unbase64(encoded)
    if len(data) <= _ID_SIZE:
        raise FormatError(reason="signature too short", key=name[:80])
    return name, data[:_ID_SIZE], data[_ID_SIZE:]


def _require_text(text: bytes) -> None:
    if not text.endswith(b"\n"):
        raise FormatError(reason="a note's text ends in a newline")
    if _CONTROL.search(text):
        raise FormatError(reason="control character in a note")
    try:
        text.decode()
    except UnicodeDecodeError as exc:
        raise FormatError(reason="a note is UTF-8") from exc


def _require_name(name: str) -> None:
    if not name or len(name) > NAME_LIMIT or "+" in name or not name.isprintable() or " " in name:
        raise FormatError(reason="not a key name", name=name[:80])


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _unbase64(text: str) -> bytes:
    """Standard base64 with padding, in the one form that encodes these bytes."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise FormatError(reason="not base64") from exc
    if _base64(data) != text:
        raise FormatError(reason="not base64 in its one form")
    return data
