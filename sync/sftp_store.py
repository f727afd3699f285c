"""The store port over SFTP: one SSH line and one thread of ours that speaks SFTP on it.

Nobody waits for that thread for ever: every socket call in it has a deadline, and a cancelled call
breaks the line, which wakes it at once.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from edged.ports import Log
from sync import sftp_wire as wire
from sync.sftp_channel import FSYNC, EndOfFileError, SftpChannel
from sync.sftp_wire import Kind, Open
from sync.ssh import SshAddress, SshLine
from sync.store import (
    AlreadyThereError,
    Assurance,
    CentreGoneError,
    CentreKeyChangedError,
    CentreProtocolError,
    CentreRefusedError,
    NotThereError,
    RemoteSpace,
    RemoteStat,
    StoreError,
    TransferStalledError,
    checked,
    is_plain,
)

READ_SIZE = 32 * 1024  # what every server gives at once

T = TypeVar("T")


# How it ends where a name leads nowhere, or to somebody who is not the centre.
ASTRAY = (CentreGoneError, CentreKeyChangedError, CentreProtocolError, TransferStalledError)


class SftpDialler:
    """See Dialler. ``root`` is the station's home, relative to the login folder; "" is that folder.

    A wrong answer of the name service costs no more than the way round by the literal address: whoever has not the
    pinned key gets no login from us (fault N13).
    """

    def __init__(self, address: SshAddress, root: str = "", log: Log | None = None) -> None:
        self._address = address
        self._root = checked(root) if root else ""
        self._log = log

    async def connect(self) -> "SftpStore":
        try:
            return await self._connect(self._address)
        except ASTRAY as exc:
            if not self._address.fallback:
                raise
            if self._log is not None:
                self._log("EDG-3101", reason=str(exc)[:300], code=exc.code.label, retry_s=0.0)
            return await self._by_address(exc)

    async def _by_address(self, astray: StoreError) -> "SftpStore":
        try:
            return await self._connect(replace(self._address, host=self._address.fallback))
        except CentreKeyChangedError:
            raise
        except ASTRAY:
            raise astray from None  # what the name led to says more: a changed key, say

    async def _connect(self, address: SshAddress) -> "SftpStore":
        store = SftpStore(SshLine(address), self._root)
        try:
            await store.open()
        except BaseException:
            await store.close()
            raise
        return store


class SftpStore:
    """See Store."""

    def __init__(self, line: SshLine, root: str = "") -> None:
        self._line = line
        self._root = root
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sftp")
        self._sftp: SftpChannel | None = None

    @property
    def assurance(self) -> Assurance:
        return self.channel.assurance

    async def open(self) -> None:
        """See SshLine.open; then say hello."""
        await self.run(self._open)

    async def list_dir(self, path: str) -> Sequence[str]:
        names = await self.run(lambda: self.channel.list_names(self._path(path)))
        return sorted(filter(is_plain, names))

    async def stat(self, path: str) -> RemoteStat | None:
        return await self.run(lambda: self._stat(path))

    async def read(self, path: str, limit: int) -> bytes:
        data = await self.run(lambda: self._read(path, 0, limit + 1))
        if len(data) > limit:
            raise CentreProtocolError(path=path, reason="longer than allowed", limit=limit)
        return data

    async def read_at(self, path: str, offset: int, size: int) -> bytes:
        return await self.run(lambda: self._read(path, offset, size))

    async def make_dirs(self, path: str) -> None:
        await self.run(lambda: self._make_dirs(path))

    async def create(self, path: str) -> "SftpFile":
        return await self.run(lambda: self._create(path))

    async def reopen(self, path: str) -> "SftpFile":
        return SftpFile(self, await self.run(lambda: self._open_file(path, Open.WRITE)), path)

    async def rename(self, source: str, target: str) -> None:
        await self.run(lambda: self._rename(source, target))

    async def space(self) -> RemoteSpace | None:
        return await self.run(lambda: self.channel.space(self._path("")))

    async def close(self) -> None:
        self._line.abort()
        await asyncio.shield(asyncio.to_thread(self._end))

    # --- in the conversation's own thread ----------------------------------------------------------

    async def run(self, work: Callable[[], T]) -> T:
        """Do ``work`` in the conversation's thread. Cancelling breaks the line."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except asyncio.CancelledError:
            self._line.abort()
            raise

    @property
    def channel(self) -> SftpChannel:
        if self._sftp is None:
            raise RuntimeError("the store is not open")
        return self._sftp

    def _open(self) -> None:
        self._sftp = SftpChannel(self._line.open())

    def _end(self) -> None:
        self._line.end()
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _path(self, path: str) -> str:
        inner = checked(path) if path else ""
        return "/".join(part for part in (self._root, inner) if part) or "."

    def _stat(self, path: str) -> RemoteStat | None:
        try:
            # lstat: a link at the centre is nothing of ours and must not pass for a file.
            found = self.channel.ask(wire.AttrsReply, Kind.LSTAT, self._path(path).encode(), about=path)
        except NotThereError:
            return None
        if found.attributes.size < 0 or found.attributes.mode < 0:
            raise CentreProtocolError(path=path, reason="no size or kind in the attributes")
        return RemoteStat(found.attributes.size, found.attributes.is_dir)

    def _read(self, path: str, offset: int, size: int) -> bytes:
        handle = self._open_file(path, Open.READ)
        parts: list[bytes] = []
        try:
            while size > 0:
                part = self._read_once(handle, path, offset, min(size, READ_SIZE))
                parts.append(part)
                offset, size = offset + len(part), size - len(part)
        except EndOfFileError:
            pass
        self.channel.do(Kind.CLOSE, handle, about=path)
        return b"".join(parts)

    def _read_once(self, handle: bytes, path: str, offset: int, size: int) -> bytes:
        data = self.channel.ask(wire.DataReply, Kind.READ, handle, wire.u64(offset), size, about=path).data
        if not 0 < len(data) <= size:
            raise CentreProtocolError(path=path, reason="read of another length", size=len(data))
        return data

    def _make_dirs(self, path: str) -> None:
        parts = checked(path).split("/")
        depth = len(parts)
        while depth and self._stat("/".join(parts[:depth])) is None:
            depth -= 1
        for end in range(depth + 1, len(parts) + 1):
            self._make_dir("/".join(parts[:end]))

    def _make_dir(self, path: str) -> None:
        try:
            self.channel.do(Kind.MKDIR, self._path(path).encode(), 0, about=path)
        except CentreRefusedError as exc:
            # Another conversation may have made it between our question and our request.
            if (found := self._stat(path)) is None or not found.is_dir:
                raise self.channel.full_or(exc) from exc

    def _create(self, path: str) -> "SftpFile":
        try:
            handle = self._open_file(path, Open.WRITE | Open.CREATE | Open.EXCLUSIVE)
        except CentreRefusedError as exc:
            if self._stat(path) is not None:
                raise AlreadyThereError(path=path) from exc
            raise self.channel.full_or(exc) from exc
        return SftpFile(self, handle, path)

    def _open_file(self, path: str, flags: int) -> bytes:
        name = self._path(path).encode()
        return self.channel.ask(wire.HandleReply, Kind.OPEN, name, flags, 0, about=path).handle

    def _rename(self, source: str, target: str) -> None:
        # Plain RENAME: OpenSSH refuses to replace with it, and would with posix-rename.
        names = self._path(source).encode(), self._path(target).encode()
        try:
            self.channel.do(Kind.RENAME, *names, about=target)
        except CentreRefusedError as exc:
            if self._stat(target) is not None:
                raise AlreadyThereError(path=target) from exc
            raise self.channel.full_or(exc) from exc


class SftpFile:
    """See RemoteFile. Every status is read; the first failure is the file's end."""

    def __init__(self, store: SftpStore, handle: bytes, path: str) -> None:
        self._store = store
        self._handle = handle
        self._path = path

    async def write_at(self, offset: int, data: bytes) -> None:
        await self._store.run(lambda: self._checked(lambda c: c.write(self._handle, offset, data)))

    async def sync(self) -> None:
        await self._store.run(lambda: self._checked(self._sync))

    async def close(self) -> None:
        await self._store.run(lambda: self._checked(self._close))

    def _checked(self, work: Callable[[SftpChannel], None]) -> None:
        channel = self._store.channel
        try:
            work(channel)
        except (CentreRefusedError, NotThereError) as exc:
            channel.forget_failure()
            raise channel.full_or(exc) from exc

    def _sync(self, channel: SftpChannel) -> None:
        channel.drain()
        if channel.assurance is Assurance.SYNCED:
            channel.do(Kind.EXTENDED, FSYNC.encode(), self._handle, about=self._path)

    def _close(self, channel: SftpChannel) -> None:
        channel.drain()
        channel.do(Kind.CLOSE, self._handle, about=self._path)
