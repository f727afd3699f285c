"""What a detached CMS signature (RFC 5652) says of its signers: a reader of BER, no cryptography. Pure.

Only what is needed to tell a signature from a bag of certificates, and whose bytes it is about: some algorithms cannot
be verified here, yet what they claim to have signed can be read.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from edged.errors import FormatError

DEPTH = 64  # of parts in parts: a signature with a time stamp in a time stamp has about 30
_SIGNED_DATA, _MESSAGE_DIGEST = "1.2.840.113549.1.7.2", "1.2.840.113549.1.9.4"
_INTEGER, _OCTETS, _OID, _SEQUENCE, _SET = 0x02, 0x04, 0x06, 0x30, 0x31
_TAGGED_0, _KEY_ID = 0xA0, 0x80
_CONSTRUCTED = 0x20


@dataclass(frozen=True, slots=True)
class Signer:
    """One SignerInfo."""

    serial: int | None  # of the certificate; None: it is named by its key
    digest: str  # algorithm, dotted
    algorithm: str  # of the signature, dotted
    said: bytes | None  # digest of what was signed, as the signer says; None: the signer says nothing of it


@dataclass(frozen=True, slots=True)
class SignedData:
    content: bytes | None  # None: detached
    signers: tuple[Signer, ...]


@dataclass(frozen=True, slots=True)
class _Part:
    tag: int
    body: bytes
    parts: tuple["_Part", ...]


def read(data: bytes) -> SignedData:
    """Raises FormatError: no CMS signed data in BER."""
    try:
        outer, _ = _part(data, 0, 0)
        kind, wrapped = _seen(outer, _SEQUENCE).parts[:2]
        if _dotted(kind) != _SIGNED_DATA:
            raise FormatError(reason="no signed data", type=_dotted(kind))
        _, _, inside, *rest = _seen(_seen(wrapped, _TAGGED_0).parts[0], _SEQUENCE).parts
        signers = next(part for part in reversed(rest) if part.tag == _SET)
        content = inside.parts[1].parts[0] if len(inside.parts) > 1 else None
        return SignedData(
            None if content is None else _octets(content), tuple(_signer(one) for one in signers.parts)
        )
    except (IndexError, ValueError, StopIteration) as exc:
        raise FormatError(reason="no signed data in BER", why=str(exc)[:100]) from exc


def _signer(part: _Part) -> Signer:
    _, who, digest, *rest = _seen(part, _SEQUENCE).parts
    said = None
    if rest[0].tag == _TAGGED_0:
        said = _message_digest(rest.pop(0).parts)
    serial = None if who.tag in {_KEY_ID, _TAGGED_0} else _integer(_seen(who, _SEQUENCE).parts[1])
    return Signer(serial, _dotted(digest.parts[0]), _dotted(rest[0].parts[0]), said)


def _message_digest(attributes: tuple[_Part, ...]) -> bytes | None:
    found = [one.parts[1].parts for one in attributes if _dotted(one.parts[0]) == _MESSAGE_DIGEST]
    if not found:
        return None
    (values,) = found
    (value,) = values
    return _octets(value)


# --- BER ------------------------------------------------------------------------------------------------


def _part(data: bytes, at: int, depth: int) -> tuple[_Part, int]:
    """Return the part at this place and where the next one begins. Raises ValueError, IndexError."""
    if depth > DEPTH:
        raise ValueError("too deep")
    tag, length = data[at], data[at + 1]
    at += 2
    if tag & 0x1F == 0x1F:
        raise ValueError("a long tag")
    if length == 0x80:
        return _without_length(data, at, tag, depth)
    if length > 0x80:
        size = length & 0x7F
        length = int.from_bytes(_cut(data, at, size), "big")
        at += size
    body = _cut(data, at, length)
    return _Part(tag, body, tuple(_parts(body, depth)) if tag & _CONSTRUCTED else ()), at + length


def _without_length(data: bytes, at: int, tag: int, depth: int) -> tuple[_Part, int]:
    """Of the indefinite form: two zero bytes end it."""
    if not tag & _CONSTRUCTED:
        raise ValueError("a length is missing")
    begin, inner = at, []
    while _cut(data, at, 2) != b"\0\0":
        one, at = _part(data, at, depth + 1)
        inner.append(one)
    return _Part(tag, data[begin:at], tuple(inner)), at + 2


def _parts(body: bytes, depth: int) -> Iterator[_Part]:
    at = 0
    while at < len(body):
        one, at = _part(body, at, depth + 1)
        yield one


def _cut(data: bytes, at: int, size: int) -> bytes:
    if at + size > len(data):
        raise ValueError("cut off")
    return data[at : at + size]


def _seen(part: _Part, tag: int) -> _Part:
    if part.tag != tag:
        raise ValueError(f"tag {part.tag:#x} in place of {tag:#x}")
    return part


def _octets(part: _Part) -> bytes:
    """Of a string in one piece or, as BER permits, in several."""
    if part.tag == _OCTETS | _CONSTRUCTED:
        return b"".join(_octets(piece) for piece in part.parts)
    return _seen(part, _OCTETS).body


def _integer(part: _Part) -> int:
    return int.from_bytes(_seen(part, _INTEGER).body, "big", signed=True)


def _dotted(part: _Part) -> str:
    numbers, value = [], 0
    for byte in _seen(part, _OID).body:
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            numbers.append(value)
            value = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(str(one) for one in (first, numbers[0] - 40 * first, *numbers[1:]))
