"""Whether a file of secrets is the daemon's alone. Takes ``stat`` from its caller, touches nothing itself."""

import stat as bits
from collections.abc import Callable, Iterable
from typing import Protocol

from edged.errors import EdgeError, ErrorCode


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
