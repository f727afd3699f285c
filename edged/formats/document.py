"""Strict JSON: the one way in which every document and every fact is read and written.

1. One JSON text on one line, UTF-8, no white space between tokens, strings escaped only where JSON
   demands it, numbers in their shortest form: the bytes are exactly what `encode` writes for the value.
2. So a name occurs once only, and no two readers can see different values in the same bytes.
3. Names that the type does not have are refused.
"""

from typing import Any, TypeVar

import msgspec

from edged.errors import FormatError

T = TypeVar("T")
DOCUMENT_LIMIT = 64 * 1024  # bytes; a receipt has about 600
DETAIL_LIMIT = 200  # characters of a parser's message that go into an error

_to_builtins = msgspec.json.Decoder(Any)


def encode(value: object) -> bytes:
    """Return the one JSON form of ``value``, without a newline.

    Raises:
        FormatError: a text that is not Unicode, or a number that JSON cannot hold.
    """
    try:
        return msgspec.json.encode(value)
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as exc:
        raise FormatError(reason="cannot be written as JSON", why=_short(exc)) from exc


def parse(data: bytes, limit: int = DOCUMENT_LIMIT) -> object:
    """Return the plain values in ``data`` (rules 1 and 2).

    Raises:
        FormatError: anything else than one JSON text in its one form.
    """
    if len(data) > limit:
        raise FormatError(reason="too long", size=len(data), limit=limit)
    try:
        value = _to_builtins.decode(data)
        same = msgspec.json.encode(value) == data
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as exc:
        raise FormatError(reason="not JSON", why=_short(exc)) from exc
    if not same:
        raise FormatError(reason="not in the one form: order, white space, escapes or a repeated name")
    return value


def decode(data: bytes, kind: type[T], limit: int = DOCUMENT_LIMIT) -> T:
    """Return the ``kind`` in ``data``.

    Raises:
        FormatError: not that document, an unknown name, a value out of its bounds.
    """
    return convert(parse(data, limit), kind)


def convert(value: object, kind: type[T]) -> T:
    """Return plain values as a ``kind``. Raises FormatError (rule 3 and the bounds of the type)."""
    try:
        return msgspec.convert(value, kind, strict=True)
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as exc:
        raise FormatError(reason="not valid", why=_short(exc)) from exc


def _short(exc: Exception) -> str:
    """The parser's sentence, which may quote foreign bytes, made printable and capped."""
    return "".join(c if c.isprintable() else "?" for c in str(exc))[:DETAIL_LIMIT]
