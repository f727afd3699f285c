"""Images of scanners out of a watched folder: each is sealed and delivered as recordings are.

Off until a document permits it (scan-VI.1-no-copy). A file of the folder is read and never touched; every one is
accounted for (scan-III.4-archive): in the vault, waiting until it no longer changes, or under an alert with the reason.
"""

import asyncio
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace

from edged.config import Scans
from edged.errors import DiskError, EdgeError, ErrorCode
from edged.formats import shift_facts as sf
from edged.formats import times
from edged.ports import FileStat, FileSystem
from edged.shift.scene import refuse
from edged.station.backoff import Backoff
from edged.station.bringing import Bringing
from edged.station.offload import Tools
from edged.station_state import BY_HAND, Life
from edged.vault.disk_errors import disk_errors

SCANS = "scans/"  # before the path below the folder: as the ledger has it
UNREAD = "scans-unread"
IMAGES = (b"\xff\xd8\xff", b"\x89PNG", b"II*\0", b"MM\0*", b"BM", b"\0\0\0\x0cjP  ")
"""With what a file begins that is an image: JPEG, PNG, TIFF (two orders of bytes), BMP, JPEG 2000."""
AT_ONCE = 500  # files, between which others have their turn
FOLDER_LIMIT = 50_000  # what is beyond is not looked at, and said to be so


@dataclass(frozen=True, slots=True)
class Account:
    """Of the folder, as last looked at: numbers of files."""

    found: int = 0
    sealed: int = 0
    waiting: int = 0  # still being written, or found for the first time
    failed: int = 0


class Scanning:
    """``run`` until cancelled; ``account`` is for whoever asks."""

    def __init__(self, settings: Scans, tools: Tools, bringing: Bringing) -> None:
        self._settings, self._t, self._bringing = settings, tools, bringing
        self._before: dict[str, FileStat] = {}
        self.account = Account()

    async def run(self) -> None:
        """Look at the folder again and again."""
        backoff = Backoff(self._t.random, first_s=self._settings.every_s, cap_s=20 * self._settings.every_s)
        while True:
            pause = self._settings.every_s
            if await self.look():
                backoff.reset()
            else:
                pause += backoff.next()
            await asyncio.sleep(pause)

    async def look(self) -> bool:
        """Bring in what is new and no longer changes. Return whether all that was found is accounted for."""
        found: dict[str, FileStat] = {}
        error: EdgeError | None = None
        try:
            found = await asyncio.to_thread(self._found)
        except DiskError as exc:
            error = exc
        account = Account(found=len(found))
        for number, (path, stat) in enumerate(found.items()):
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)  # a full folder takes a while, and an officer does not wait for it
            try:
                account = await self._one(path, stat, account)
            except EdgeError as exc:
                account, error = replace(account, failed=account.failed + 1), error or exc
        self.account, self._before = account, found
        await self._tell(error or self._missed(found))
        return error is None

    async def waiting(self) -> int:
        """Return how many files lie there now that are not in the vault. Raises DiskError: nobody knows."""
        found = await asyncio.to_thread(self._found)
        return sum(not self._is_sealed(self._identity(path, stat)) for path, stat in found.items())

    def _identity(self, path: str, stat: FileStat) -> tuple[str, str, int, str]:
        return self._settings.source, SCANS + path, stat.size, times.format_ns(stat.mtime_ns)

    def _is_sealed(self, identity: tuple[str, str, int, str]) -> bool:
        known = self._t.recorder.state.recording_like(*identity, BY_HAND)
        begun = known is not None and known.life is not Life.MADE
        return begun or self._t.recorder.state.was_brought(*identity)

    def _found(self) -> dict[str, FileStat]:
        """Blocking. Raises DiskError: the folder cannot be read."""
        with disk_errors("look", self._settings.folder):
            return dict(_files(self._t.fs, self._settings.folder))

    async def _one(self, path: str, stat: FileStat, so_far: Account) -> Account:
        identity = self._identity(path, stat)
        if self._is_sealed(identity):
            return replace(so_far, sealed=so_far.sealed + 1)
        if not path.isprintable():
            raise refuse(path=ascii(path)[:200], expected="a name of letters, digits and signs")
        if stat.is_dir:  # it could be a link by the time it is read: whoever writes here chooses what is read
            raise refuse(path=path, expected="files only; a folder in it is not looked into")
        if self._before.get(path) != stat or stat.size == 0:
            return replace(so_far, waiting=so_far.waiting + 1)
        if so_far.found > FOLDER_LIMIT:
            raise refuse(path=path, expected=f"at most {FOLDER_LIMIT} files")
        known = self._t.recorder.state.recording_like(*identity, BY_HAND)
        await self._take(path, stat.size, identity[3], known.id if known else "")
        return replace(so_far, sealed=so_far.sealed + 1)

    async def _take(self, path: str, size: int, mtime: str, begun: str) -> None:
        permission, source = self._settings.permission, self._settings.source
        assert permission is not None  # else nobody runs this
        file = f"{self._settings.folder}/{path}"
        async with self._bringing.turn:
            await asyncio.to_thread(_require_image, self._t.fs, file)
            if not begun:
                listed = self._bringing.listed(
                    source, SCANS + path, size, mtime=mtime, by=self._settings.folder
                )
                begun = listed.clips[0].recording
                await self._t.recorder.record(listed)
                await self._t.recorder.record(
                    sf.ScanAccepted(
                        recording=begun,
                        file=path,
                        source=source,
                        permission=sf.Document(number=permission.number, date=str(permission.date)),
                    )
                )
            await self._bringing.bring(begun, file)

    def _missed(self, found: dict[str, FileStat]) -> EdgeError | None:
        """A file that was begun and is gone. One that was begun before it was finished is what it has become."""
        for r in self._t.recorder.state.recordings.values():
            begun = r.camera == self._settings.source and r.life is Life.MADE and r.path.startswith(SCANS)
            if begun and r.path.removeprefix(SCANS) not in found:
                return EdgeError(ErrorCode.NOT_FOUND, path=r.path, expected="the file that was begun")
        return None

    async def _tell(self, error: EdgeError | None) -> None:
        if error is None:
            await self._t.alerts.withdraw(UNREAD)
        else:
            await self._t.alerts.raise_(
                UNREAD, ErrorCode.SCANS_UNREAD, reason=str(error)[:300], files=max(1, self.account.failed)
            )


def _require_image(fs: FileSystem, file: str) -> None:
    """Nothing is begun of what is none: what cameras hold, recovered or not, does not come this way.

    Raises:
        EdgeError: CONFLICT; DiskError, it cannot be opened, as a link cannot.
    """
    with disk_errors("open", file), closing(fs.open(file)) as opened:
        begins = opened.read_at(0, max(map(len, IMAGES)))
    if not begins.startswith(IMAGES):
        raise refuse(path=file, expected="an image: JPEG, PNG, TIFF, BMP or JPEG 2000")


def _files(fs: FileSystem, folder: str) -> Iterator[tuple[str, FileStat]]:
    """What lies in it by name, the first FOLDER_LIMIT and one more. Raises OSError."""
    for name in fs.list_dir(folder)[: FOLDER_LIMIT + 1]:
        with suppress(FileNotFoundError):  # renamed meanwhile: the next look finds it
            yield name, fs.stat(f"{folder}/{name}")
