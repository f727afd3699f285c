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
    if len(data) > limit:
        raise FormatError(reason="too long", size=len(data), limit=limit)
    text = open_note(data, verifiers).text
    body = text.removesuffix(b"\n")
    if b"\n" in body or not body.startswith(b'{"type":"'):
        raise FormatError(reason="not a signed document")
    return document.decode(body, kind, limit)
