"""The far end of a delivery: a folder at the centre, reached in conversations that may break at any moment.

Rules for every adapter:

1. A conversation is used by one task at a time and never again after it failed with anything but the
   answers about one path (``NotThereError``, ``AlreadyThereError``, ``CentreRefusedError``,
   ``CentreFullError``).
2. Cancelling a call ends the conversation: nobody knows how far the request came.
3. Paths are relative to the station's home at the centre, parts joined by ``/``. Adapters refuse any other.
4. What a method promises holds when it returns; ``RemoteFile.write_at`` alone may be ahead of the
   centre's answers, and ``sync`` and ``close`` answer for everything written before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from edged.errors import EdgeError, ErrorCode

MAX_NAME = 128
MAX_PATH = 512


class StoreError(EdgeError):
    """Root of what a store may raise. By itself: the conversation is over, try again later."""

    default = ErrorCode.CENTRE_PROTOCOL


class CentreGoneError(StoreError):
    """No connection, or it broke. What was under way may or may not have happened."""

    default = ErrorCode.CENTRE_GONE


class CentreBusyError(StoreError):
    """The centre asks to come back later (connection limits, penalties)."""

    default = ErrorCode.CENTRE_BUSY


class CentreAuthError(StoreError):
    """The centre does not accept our key."""

    default = ErrorCode.CENTRE_AUTH


class CentreKeyChangedError(StoreError):
    """The host key is not the pinned one. No login was tried; nothing goes on without a person."""

    default = ErrorCode.CENTRE_KEY_CHANGED


class CentreProtocolError(StoreError):
    """The peer does not speak SFTP as agreed: wrong banner, foreign ids, lengths that lie."""

    default = ErrorCode.CENTRE_PROTOCOL


class TransferStalledError(StoreError):
    """One of a transfer's clocks ran out: idle, minimum rate, absolute."""

    default = ErrorCode.TRANSFER_STALLED


class CentreFullError(StoreError):
    """The centre has no space or no inodes left (asked, not guessed)."""

    default = ErrorCode.CENTRE_FULL


class CentreRefusedError(StoreError):
    """This path only: not permitted, or failed for a reason the protocol cannot name."""

    default = ErrorCode.CENTRE_REFUSED


class NotThereError(StoreError):
    default = ErrorCode.NOT_FOUND


class AlreadyThereError(StoreError):
    """The name is taken; nothing was replaced."""

    default = ErrorCode.CONFLICT


ABOUT_ONE_PATH = (NotThereError, AlreadyThereError, CentreRefusedError, CentreFullError)


class Assurance(StrEnum):
    """What the centre promises when ``RemoteFile.sync`` returns."""

    SYNCED = "synced"  # it said that it synced the file
    WRITTEN = "written"  # it cannot sync on request; only the receipt tells


@dataclass(frozen=True, slots=True)
class RemoteStat:
    size: int
    is_dir: bool


@dataclass(frozen=True, slots=True)
class RemoteSpace:
    """Of the file system at the centre, in bytes and inodes, for an unprivileged writer."""

    free: int
    free_inodes: int


class RemoteFile(Protocol):
    """A file open for positional writes. Not after a failure of any call."""

    async def write_at(self, offset: int, data: bytes) -> None:
        """Write all of ``data``. Returns when there is room for more, perhaps before it is answered."""
        ...

    async def sync(self) -> None:
        """Return when every write was answered OK and, if the centre can, the file is on its disk.

        Raises:
            StoreError: one of the writes, or the sync, failed: the file must be given up.
        """
        ...

    async def close(self) -> None:
        """Return when every write and the close itself were answered OK."""
        ...


class Store(Protocol):
    """One conversation with the centre."""

    @property
    def assurance(self) -> Assurance: ...

    async def list_dir(self, path: str) -> Sequence[str]:
        """Names in sorted order; those that are not plain names (``is_plain``) are left out."""
        ...

    async def stat(self, path: str) -> RemoteStat | None:
        """None: nothing of that name."""
        ...

    async def read(self, path: str, limit: int) -> bytes:
        """The whole file.

        Raises:
            CentreProtocolError: it is longer than ``limit`` bytes.
        """
        ...

    async def read_at(self, path: str, offset: int, size: int) -> bytes:
        """Up to ``size`` bytes; fewer only at the end of the file."""
        ...

    async def make_dirs(self, path: str) -> None:
        """Make the folder and missing parents. No error if it is there."""
        ...

    async def create(self, path: str) -> RemoteFile:
        """A new file; AlreadyThereError if there is one."""
        ...

    async def reopen(self, path: str) -> RemoteFile:
        """An existing file, to go on writing where it was proved."""
        ...

    async def rename(self, source: str, target: str) -> None:
        """Give the file its final name; AlreadyThereError if that is taken, and nothing is replaced."""
        ...

    async def space(self) -> RemoteSpace | None:
        """None: the centre cannot tell."""
        ...

    async def close(self) -> None:
        """End the conversation. Never raises a StoreError."""
        ...


class Dialler(Protocol):
    """Begins conversations."""

    async def connect(self) -> Store:
        """Raises StoreError and its kinds; the key is compared before any login is tried."""
        ...


def is_plain(name: str) -> bool:
    """Whether ``name`` can be one part of a path of ours: printable ASCII, no slash, no leading dot."""
    return (
        0 < len(name) <= MAX_NAME
        and name.isascii()
        and name.isprintable()
        and "/" not in name
        and not name.startswith(".")
    )


def checked(path: str) -> str:
    """Return ``path`` if it is one of ours.

    Raises:
        ValueError: it is not, which is a defect of the caller.
    """
    if len(path) > MAX_PATH or not all(is_plain(part) for part in path.split("/")):
        raise ValueError(f"not a path of ours: {path!r}")
    return path
