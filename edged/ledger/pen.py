"""The ledger's files as they are written: the open piece, its reserve, closing it. Blocking calls.

1. Bytes go behind the last durable byte, then fdatasync; nothing before that place is ever touched,
   but for `_write_tail_again`, which writes the same bytes.
2. A write that failed for want of space leaves a ragged end, cut before the next write. Any other
   fault is final: `broken` is set, and everything raises it until the ledger has been opened anew.
3. A piece is closed by two renames, each followed by a sync of the folder: at every instant the lines
   lie under exactly one name.
"""

import errno
from bisect import bisect_right
from contextlib import suppress
from hashlib import sha256
from threading import Lock

from edged.errors import DiskError, EdgeError, ErrorCode
from edged.ledger.pieces import CURRENT, NEXT, TORN, Piece, closed_pieces, piece_name
from edged.ledger.recovery import BATCH_LIMIT, Survey
from edged.ports import File, FileSystem

RESERVE = 8 * 1024 * 1024  # bytes kept allocated behind the open piece: more than a day of lines
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


class Pen:
    """Writes the open piece. One thread at a time.

    Attributes:
        pieces: the closed pieces, in order.
        first: number of the open piece's first line.
        end: its durable bytes.
        reserve_short: the disk did not give the reserve.
        broken: the fault that ended writing; None: none.
    """

    def __init__(self, fs: FileSystem, folder: str, found: Survey) -> None:
        """Open the open piece, after finishing a closing that was cut off. May raise OSError."""
        self._fs, self._folder = fs, folder
        self.pieces, self.first, self.end = found.pieces, found.open_first, found.open_end
        self.reserve_short = False
        self.broken: EdgeError | None = None
        self._reserved = 0
        self._ragged = False
        self._names = Lock()  # a reader opens by name while no name is being changed
        if not found.has_open:
            self._open_next().close()
            publish(fs, folder, NEXT, CURRENT)
        self._file: File = fs.open(f"{folder}/{CURRENT}", write=True)

    def write(self, data: bytes) -> None:
        """Make ``data`` durable behind the last line (rules 1 and 2).

        Raises:
            DiskError: DISK_FULL, try again later; or what is `broken` now.
        """
        if self.broken is not None:
            raise self.broken
        try:
            if self._ragged:
                self._file.cut(self.end)
                self._ragged = False
            self._file.write_at(self.end, data)
        except OSError as exc:
            self._ragged = True
            if exc.errno not in _NO_SPACE:
                self.broken = disk_error(exc)
            raise disk_error(exc) from exc
        try:
            self._file.sync_data()
        except OSError as exc:
            self.broken = disk_error(exc)
            raise self.broken from exc
        self.end += len(data)
        self.keep_reserve()

    def roll(self, size: int) -> bool:
        """Close the open piece, whose last line is ``size`` - 1, and begin the next (rule 3).

        Returns False, with nothing changed, if the disk is too full for a new file.

        Raises:
            DiskError: the folder does not take the new names; `broken` then.
        """
        if size == self.first or self.broken is not None:
            return False
        try:
            fresh = self._open_next()
        except OSError as exc:
            if exc.errno in _NO_SPACE:
                return False
            raise disk_error(exc) from exc
        try:
            with self._names:
                self._close_piece(Piece(self.first, size - 1, piece_name(self.first, size - 1)), fresh)
        except OSError as exc:
            fresh.close()
            self.broken = disk_error(exc)
            raise self.broken from exc
        self.keep_reserve()
        return True

    def open_file(self, seq: int) -> tuple[str, File, int | None]:
        """Return the file that line ``seq`` should lie in: name, opened for reading, where to stop.

        From any thread. May raise OSError (ENOENT: a closed piece is not there).
        """
        with self._names:
            at = bisect_right(self.pieces, seq, key=lambda piece: piece.first) - 1
            closed = at >= 0 and seq <= self.pieces[at].last
            name, end = (self.pieces[at].name, None) if closed else (CURRENT, self.end)
            return name, self._fs.open(f"{self._folder}/{name}"), end

    def _close_piece(self, piece: Piece, fresh: File) -> None:
        self._file.cut(self.end)  # gives the reserve back; every durable byte stays
        publish(self._fs, self._folder, CURRENT, piece.name)
        publish(self._fs, self._folder, NEXT, CURRENT)
        self._file.close()
        self._file, self.first, self.end = fresh, piece.last + 1, 0
        self._reserved, self._ragged = 0, False
        self.pieces.append(piece)

    def replace_torn(self, torn: bytes, seq: int, instead: bytes) -> None:
        """Put the line that tells of the cut in the place of the torn bytes. May raise OSError.

        The bytes are kept aside first. Written over them and then cut, the line is either there
        after a power cut, or the tail is torn as before.
        """
        name = f"{seq:012d}-{sha256(torn).hexdigest()[:16]}.bin"
        with suppress(OSError):  # a disk too full for the copy does not keep the station from starting
            _keep_aside(self._fs, f"{self._folder}/{TORN}", name, torn)
        self._file.write_at(self.end, instead)
        self._file.cut(self.end + len(instead))
        self._file.sync()
        self.end += len(instead)

    def write_tail_again(self) -> None:
        """Write the last batch's bytes over themselves. May raise OSError.

        After a failed sync the kernel shows bytes that the disk does not have, and calls them clean;
        a daemon that was only started again would count them as durable.
        """
        start = max(0, self.end - BATCH_LIMIT)
        tail = self._file.read_at(start, self.end - start)
        if tail:
            self._file.write_at(start, tail)
        self._file.sync()

    def keep_reserve(self) -> None:
        """Hold blocks in hand, so that a full disk stops recordings and never the ledger."""
        if self._reserved - self.end > RESERVE // 2:
            return
        try:
            self._file.allocate(self.end + RESERVE)
        except OSError:
            self.reserve_short = True
        else:
            self._reserved, self.reserve_short = self.end + RESERVE, False

    def close(self) -> None:
        self.broken = self.broken or EdgeError(ErrorCode.CONFLICT, reason="the ledger is closed")
        self._file.close()

    def _open_next(self) -> File:
        path = f"{self._folder}/{NEXT}"
        try:
            fresh = self._fs.create(path)
        except OSError as exc:
            if exc.errno != errno.EEXIST or self._fs.stat(path).size:
                raise
            fresh = self._fs.open(path, write=True)
        try:
            fresh.allocate(RESERVE)
        except OSError as exc:
            if exc.errno in _NO_SPACE:
                fresh.close()
                raise
        return fresh  # any other error: a file system that cannot reserve


def publish(fs: FileSystem, folder: str, source: str, target: str) -> None:
    """Rename without replacing, durably. May raise OSError."""
    fs.rename(f"{folder}/{source}", f"{folder}/{target}")
    fs.sync_dir(folder)


def settle_folder(fs: FileSystem, folder: str) -> None:
    """Make the folder's own name durable: whoever made it may have died, or failed, before that. May raise OSError."""
    fs.sync_dir(folder.rpartition("/")[0])


def settle_names(fs: FileSystem, folder: str) -> None:
    """Make durable the names as they are: a life that ended in the middle of a closing may have left them in memory
    only. Lines under the next piece's name are those of the open piece, whose own name was lost. May raise OSError.
    """
    names = fs.list_dir(folder)
    closed = CURRENT not in names and bool(closed_pieces(names))
    if closed and NEXT in names and fs.stat(f"{folder}/{NEXT}").size:
        fs.rename(f"{folder}/{NEXT}", f"{folder}/{CURRENT}")
    fs.sync_dir(folder)


def begin(fs: FileSystem, folder: str, first_line: bytes) -> None:
    """Make a new ledger's folder and first piece.

    Raises:
        EdgeError: CONFLICT, there is a ledger already; DiskError.
    """
    try:
        fs.make_dirs(folder)
        settle_folder(fs, folder)
        if any(name != NEXT for name in fs.list_dir(folder)):
            raise EdgeError(ErrorCode.CONFLICT, reason="there is a ledger already", folder=folder)
        with suppress(FileNotFoundError):
            fs.remove(f"{folder}/{NEXT}")  # a beginning that was cut off before anybody was told
        _write_whole(fs, f"{folder}/{NEXT}", first_line)
        publish(fs, folder, NEXT, CURRENT)
    except OSError as exc:
        raise disk_error(exc) from exc


def disk_error(exc: OSError) -> DiskError:
    """Return the kernel's error as one of ours."""
    codes = {
        errno.ENOSPC: ErrorCode.DISK_FULL,
        errno.EDQUOT: ErrorCode.DISK_FULL,
        errno.EROFS: ErrorCode.DISK_READ_ONLY,
    }
    number = exc.errno or 0
    return DiskError(
        codes.get(number, ErrorCode.DISK_FAULT), errno=number, why=str(exc.strerror or exc)[:120]
    )


def _keep_aside(fs: FileSystem, folder: str, name: str, data: bytes) -> None:
    fs.make_dirs(folder)
    _write_whole(fs, f"{folder}/{name}", data)
    fs.sync_dir(folder)


def _write_whole(fs: FileSystem, path: str, data: bytes) -> None:
    file = fs.create(path)
    try:
        file.write_at(0, data)
        file.sync()
    finally:
        file.close()
