"""Keyed digests of badge credentials: what rosters, ledger and memory hold instead of the badge's number.

A badge has four to ten bytes, so a plain hash would be reversed in minutes; without the customs
body's badge key a digest tells nothing, and the same badge has another digest in another body.
"""

import hashlib
import hmac

from edged.errors import EdgeError, ErrorCode, FormatError

KEY_SIZE = 32
SHORT = 16  # hex digits in ledger lines about refused badges
_CONTEXT = b"edged/badge/v1"


def parse_key(data: bytes) -> bytes:
    """Return the badge key out of its file: 32 raw bytes, or 64 hex digits and at most a newline.

    Raises:
        EdgeError: KEY_UNUSABLE.
    """
    if len(data) == KEY_SIZE:
        return data
    try:
        key = bytes.fromhex(data.decode("ascii"))
    except ValueError as exc:
        raise EdgeError(ErrorCode.KEY_UNUSABLE, reason="not a badge key", size=len(data)) from exc
    if len(key) != KEY_SIZE:
        raise EdgeError(ErrorCode.KEY_UNUSABLE, reason="not a badge key", size=len(data))
    return key


def credential_digest(key: bytes, kind: str, uid: bytes) -> str:
    """Return HMAC-SHA256(key, context 0x00 kind 0x00 uid), 64 hex digits.

    Raises:
        FormatError: a kind with a NUL (it would make two credentials one), or an empty uid.
    """
    if not kind or "\0" in kind or not uid:
        raise FormatError(reason="not a credential", kind=kind[:20], size=len(uid))
    text = b"\0".join((_CONTEXT, kind.encode(), uid))
    return hmac.new(key, text, hashlib.sha256).hexdigest()


def short_digest(digest: str) -> str:
    """Return the part of a digest that lines about refusals show."""
    return digest[:SHORT]
