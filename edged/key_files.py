"""Where a secret lies, and whether it is the daemon's alone. Takes ``stat`` from its caller, touches nothing itself.

A secret is named by its path, or as ``credential:NAME``: what systemd hands to this one process (`LoadCredential=`).
"""

import stat as bits
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from edged.errors import EdgeError, ErrorCode

CREDENTIAL = "credential:"
_KEY_FILE = rf"/[^\0]{{0,4000}}|{CREDENTIAL}[A-Za-z0-9][A-Za-z0-9._-]{{0,63}}"
KEY_FILE, KEY_FILE_OR_NONE = rf"^({_KEY_FILE})\Z", rf"^({_KEY_FILE})?\Z"
"""What a configuration may say of a secret."""
CREDENTIAL_SET = "edged"
"""systemd's name for the folder that a unit loads; it calls the file NAME in it ``edged_NAME``."""
DIFFERENT = 18  # bytes of 32: a key drawn at random has fewer once in 10^12


class Stat(Protocol):
    """What `os.stat_result` has."""

    @property
    def st_mode(self) -> int: ...
    @property
    def st_uid(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Credentials:
    """What systemd handed over. ``folder``: its ``$CREDENTIALS_DIRECTORY``; empty: nothing."""

    folder: str

    def path(self, secret: str) -> str:
        """Return where the secret of a configuration lies.

        Raises:
            EdgeError: KEY_UNUSABLE with ``path`` and ``reason``: a credential, and systemd gave none.
        """
        if not secret.startswith(CREDENTIAL):
            return secret
        if not self.folder:
            reason = "systemd has given this process no credentials: was it started by hand?"
            raise EdgeError(ErrorCode.KEY_UNUSABLE, path=secret, reason=reason)
        return f"{self.folder}/{CREDENTIAL_SET}_{secret.removeprefix(CREDENTIAL)}"

    def vouched(self, path: str) -> bool:
        """Whether systemd answers for who may read it: newer ones give access by a list, and the mode shows 0440."""
        return bool(self.folder) and path.startswith(f"{self.folder}/")


BY_HAND = Credentials("")


def key_place(secret: str, folder: str) -> str:
    """Return where a person puts a secret of a configuration: a credential's file lies in ``folder``."""
    return f"{folder}/{secret.removeprefix(CREDENTIAL)}" if secret.startswith(CREDENTIAL) else secret


def check_secret_file(
    path: str, stat: Callable[[str], Stat], uid: int, credentials: Credentials = BY_HAND
) -> None:
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
    if credentials.vouched(path):
        return
    if (mode := bits.S_IMODE(found.st_mode)) & 0o077:
        raise EdgeError(ErrorCode.KEY_UNUSABLE, path=path, reason=f"mode {mode:04o} is open to others")
    if found.st_uid not in (uid, 0):
        raise EdgeError(ErrorCode.KEY_UNUSABLE, path=path, reason=f"owned by uid {found.st_uid}")


def check_secret_files(
    secrets: Iterable[str], stat: Callable[[str], Stat], uid: int, credentials: Credentials = BY_HAND
) -> list[EdgeError]:
    """Return what is wrong with each of ``secrets``: one bad file must not hide the next."""
    found = []
    for secret in secrets:
        try:
            check_secret_file(credentials.path(secret), stat, uid, credentials)
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
