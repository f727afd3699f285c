"""Signed documents: one JSON object on one line, its first member ``type``, as a signed note."""

from collections.abc import Sequence
from typing import TypeVar

from edged.errors import FormatError
from edged.formats import document
from edged.formats.note import Signer, Verifier, open_note, sign

T = TypeVar("T")


def sign_document(value: object, signer: Signer) -> bytes:
    """Return the note that holds ``value``, a tagged Struct of this package. Raises FormatError."""
    return sign(document.encode(value) + b"\n", signer)


def open_document(
    data: bytes, kind: type[T], verifiers: Sequence[Verifier], limit: int = document.DOCUMENT_LIMIT
) -> T:
    """Return the document that one of ``verifiers`` signed.

    Raises:
        FormatError: not a note, or no document of this kind.
        SignatureError: none of ``verifiers`` signed it, or falsely.
    """
    return open_signed(data, kind, verifiers, limit)[0]


def open_signed(
    data: bytes, kind: type[T], verifiers: Sequence[Verifier], limit: int = document.DOCUMENT_LIMIT
) -> tuple[T, tuple[Verifier, ...]]:
    """As `open_document`; return also which of ``verifiers`` have signed."""
    if len(data) > limit:
        raise FormatError(reason="too long", size=len(data), limit=limit)
    note = open_note(data, verifiers)
    body = note.text.removesuffix(b"\n")
    if b"\n" in body or not body.startswith(b'{"type":"'):
        raise FormatError(reason="not a signed document")
    return document.decode(body, kind, limit), note.signed_by
