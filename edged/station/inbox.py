"""The folder that the courier fetches into.

It is another user's and may hold anything: every file is bounded and opened by its expected name only.
"""

import asyncio
import hashlib
from collections.abc import Sequence

from edged.ports import FileSystem

NOTE_LIMIT = 64 * 1024  # bytes of a note; they have about 1 kB
_BAD_MEMORY = 10_000  # files known to be bad, remembered so that each is told once
_LOOK_AGAIN = 30  # rounds after which a bad file is read again: a good one may have taken its place


class Inbox:
    """Reads notes; remembers which did not hold. ``begin_round`` before each look."""

    def __init__(self, fs: FileSystem, folder: str) -> None:
        self._fs, self.folder = fs, folder
        self._bad: dict[str, str] = {}  # path → hash of what did not hold
        self._rounds = 0

    def begin_round(self) -> None:
        self._rounds += 1

    async def names(self, folder: str) -> Sequence[str]:
        try:
            return list(await asyncio.to_thread(self._fs.list_dir, folder))
        except OSError:
            return []

    async def read(self, path: str) -> bytes | None:
        """The file, unless it is not there or is the one that did not hold already. Of one that is larger than any
        note, or is no file, nothing: that holds no more than a forged one."""
        known = self._bad.get(path)
        if known is not None and self._rounds % _LOOK_AGAIN:
            return None
        try:
            data = await asyncio.to_thread(self._fs.read, path, NOTE_LIMIT)
        except FileNotFoundError:
            return None
        except OSError:
            data = b""
        return None if known == _digest(data) else data

    def is_bad(self, path: str, data: bytes) -> bool:
        """Whether exactly this did not hold."""
        return self._bad.get(path) == _digest(data)

    def remember_bad(self, path: str, data: bytes) -> None:
        self._bad[path] = _digest(data)
        while len(self._bad) > _BAD_MEMORY:
            del self._bad[next(iter(self._bad))]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
