"""A signed list of the authority: its newest file, and our own copy in the state folder, verified again at every start.

A file that does not verify, is older or is somebody else's changes nothing; it is refused once, as a fact and an alert.
"""

import asyncio
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from edged.errors import EdgeError, ErrorCode
from edged.formats import times
from edged.formats.facts import Fact
from edged.ports import FileSystem, Log
from edged.station.alerts import Alerts
from edged.station.recorder import Recorder
from edged.vault.vault import write_durably


class Signed(Protocol):
    @property
    def version(self) -> int: ...
    @property
    def valid_until(self) -> str: ...


T = TypeVar("T", bound=Signed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort(Generic[T]):
    """What differs between the lists."""

    name: str  # of its alerts and its copy
    file: str  # where the newest is put; "": there is no such list
    limit: int  # bytes
    open: Callable[[bytes], T]  # raises EdgeError: not genuine
    check: Callable[[T], None]  # raises EdgeError: not to be taken here and now
    accepted: Callable[[T, str], Iterable[Fact]]  # with its SHA-256
    refused: Callable[[EdgeError, str], Fact]
    invalid: ErrorCode
    expired: ErrorCode


class SignedList(Generic[T]):
    """``in_force`` is what decisions use; ``taken`` is called with each new one, its copy at the start included."""

    def __init__(
        self,
        sort: Sort[T],
        taken: Callable[[T], None],
        fs: FileSystem,
        state_folder: str,
        *,
        recorder: Recorder,
        alerts: Alerts,
        log: Log,
    ) -> None:
        self._sort, self._taken = sort, taken
        self._fs, self._copy = fs, f"{state_folder}/{sort.name}.note"
        self._recorder, self._alerts, self._log = recorder, alerts, log
        self._accepted_sha = self._seen_sha = ""
        self._refused: EdgeError | None = None  # the file that was seen last
        self._unread: EdgeError | None = None  # there is a file to read, and it cannot be read now
        self._looking = asyncio.Lock()  # whoever looks gets the verdict, not half of somebody else's look
        self.in_force: T | None = None

    @property
    def version(self) -> int:
        return self.in_force.version if self.in_force is not None else 0

    @property
    def refusal(self) -> EdgeError | None:
        """Why the file that was looked at last is not in force; None: it is."""
        return self._unread or self._refused

    async def start(self) -> None:
        """Take the copy in force."""
        data = await self._read(self._copy) if self._sort.file else None
        if data is not None:
            try:
                self._use(self._sort.open(data), data)
            except EdgeError as exc:
                await self._raise_invalid(self._sort.invalid, reason=str(exc)[:300])

    async def refresh(self, judged_ns: Callable[[], int]) -> None:
        """Look at the configured file; take it if it is newer and genuine."""
        if self._sort.file:
            async with self._looking:
                await self._look(judged_ns)

    async def _look(self, judged_ns: Callable[[], int]) -> None:
        data = await self._read(self._sort.file)
        sha = hashlib.sha256(data).hexdigest() if data is not None else ""
        if data is not None and sha not in {self._accepted_sha, self._seen_sha}:
            self._seen_sha = sha
            try:
                await self._accept(self._checked(data), data, sha)
            except EdgeError as exc:
                await self._refuse(exc, sha)
        elif sha and sha == self._accepted_sha:
            await self._alerts.withdraw(f"{self._sort.name}-invalid")  # the good file was put back
            self._seen_sha, self._refused = "", None
        await self._watch_validity(judged_ns)

    def _checked(self, data: bytes) -> T:
        try:
            found = self._sort.open(data)
        except EdgeError as exc:
            raise EdgeError(self._sort.invalid, reason=str(exc)[:300]) from exc
        self._sort.check(found)
        return found

    async def _accept(self, found: T, data: bytes, sha: str) -> None:
        # The fact first: after a cut between the two the file is simply read again.
        for fact in self._sort.accepted(found, sha):
            await self._recorder.record(fact)
        try:
            await asyncio.to_thread(write_durably, self._fs, self._copy, data)
        except OSError as exc:
            self._log(
                "EDG-5301",
                operation="write",
                path=self._copy,
                reason=str(exc),
                code=ErrorCode.DISK_FAULT.label,
            )
        self._use(found, data)
        self._refused = None
        await self._alerts.withdraw(f"{self._sort.name}-invalid")

    async def _refuse(self, error: EdgeError, sha: str) -> None:
        self._refused = error
        await self._recorder.record(self._sort.refused(error, sha))
        await self._raise_invalid(error.code, **error.detail)

    async def _raise_invalid(self, code: ErrorCode, **detail: str | int | float | bool) -> None:
        await self._alerts.raise_(f"{self._sort.name}-invalid", code, **detail)

    def _use(self, found: T, data: bytes) -> None:
        self.in_force, self._accepted_sha = found, hashlib.sha256(data).hexdigest()
        self._taken(found)

    async def _watch_validity(self, judged_ns: Callable[[], int]) -> None:
        missing, expired = f"{self._sort.name}-missing", f"{self._sort.name}-expired"
        if self.in_force is None:
            await self._alerts.raise_(missing, self._sort.invalid, file=self._sort.file)
            return
        await self._alerts.withdraw(missing)
        if judged_ns() >= times.parse_ns(self.in_force.valid_until):
            await self._alerts.raise_(expired, self._sort.expired, until=self.in_force.valid_until)
        else:
            await self._alerts.withdraw(expired)

    async def _read(self, path: str) -> bytes | None:
        try:
            data = await asyncio.to_thread(self._fs.read, path, self._sort.limit)
        except OSError as exc:  # the alert "missing" tells of it; a file being replaced is read the next time
            reason = exc.strerror or str(exc)
            self._unread = EdgeError(self._sort.invalid, file=path, reason=reason)
            return None
        self._unread = None
        return data
