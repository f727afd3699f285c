"""Whether a file of secrets is the daemon's alone. Takes ``stat`` from its caller, touches nothing itself."""

import stat as bits
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Protocol

from edged.errors import EdgeError, ErrorCode

DIFFERENT = 18  # bytes of 32: a key drawn at random has fewer once in 10^12


class Stat(Protocol):
    """What `os.stat_result` has."""

    @property
    def st_mode(self) -> int: ...
    @property
    def st_uid(self) -> int: ...


def check_secret_file(path: str, stat: Callable[[str], Stat], uid: int) -> None:
    """Refuse a secret that others may read or that another user owns.

    Root may own it: systemd hands credentials over like that. ``stat`` follows links and may raise OSError.

    Raises:
        EdgeError: KEY_UNUSABLE with ``path`` and ``reason``.
    """
    try:
        found = stat(path)
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise EdgeError(ErrorCode.KEY_UNUSABLE, path=path, reason=reason) from exc
    if not bits.S_ISREG(found.st_mode):
        raise EdgeError(ErrorCode.KEY_UNUSABLE, path=path, reason="not a file")
    if (mode := bits.S_IMODE(found.st_mode)) & 0o077:
        raise EdgeError(ErrorCode.KEY_UNUSABLE, path=path, reason=f"mode {mode:04o} is open to others")
    if found.st_uid not in (uid, 0):
        raise EdgeError(ErrorCode.KEY_UNUSABLE, path=path, reason=f"owned by uid {found.st_uid}")


def check_secret_files(paths: Iterable[str], stat: Callable[[str], Stat], uid: int) -> list[EdgeError]:
    """Return what is wrong with each of ``paths``: one bad file must not hide the next."""
    found = []
    for path in paths:
        try:
            check_secret_file(path, stat, uid)
        except EdgeError as exc:
            found.append(exc)
    return found


def require_random(path: str, key: bytes) -> None:
    """Refuse a key of 32 bytes that nobody drew at random: all zeros, a pattern of a manual, a row of numbers.

    Raises:
        EdgeError: KEY_UNUSABLE with ``path`` and ``reason``; nothing of the key.
    """
    row = len({(after - before) % 256 for before, after in pairwise(key)}) == 1
    if row or len(set(key)) < DIFFERENT:
        reason = "not drawn at random: somebody else may have the same key"
        raise EdgeError(ErrorCode.KEY_UNUSABLE, path=path, reason=reason)
