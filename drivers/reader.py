"""Driver of a serial badge reader. The words are those of firmware_protocol/reader/PROTOCOL.md."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from drivers.base import ByteLink
from drivers.conversation import Conversation, Manner
from edged.errors import EdgeError, ErrorCode
from edged.ports import Random
from firmware_protocol.errors import WireError
from firmware_protocol.reader import messages as m
from firmware_protocol.session import Role
from firmware_protocol.wire import Message

ANSWER_S = 0.5  # chapter 4 promises 100 ms; five times that before the question is repeated
FRESH_S = 3.0  # a person waits that long at most; a tap that was not fetched by then counts for nothing
QUEUE = 8  # taps or notices that wait to be fetched; a person taps once a second at best
VOID = "void"  # taps that waited too long or were crowded out
REPEATED = "repeated"

MANNER = Manner(
    role=Role.READER,
    messages=m.READER,
    versions=m.VERSIONS,
    heartbeat_s=m.HEARTBEAT_S,
    silent=ErrorCode.READER_SILENT,
    foreign=ErrorCode.READER_FOREIGN,
)


@dataclass(frozen=True, slots=True)
class ReaderHello:
    """What the reader says about itself, proved by the key."""

    version: int
    serial: str
    firmware: str
    presentations: int  # badges presented since the reader was made


@dataclass(frozen=True, slots=True)
class Tap:
    """One presentation of one badge."""

    kind: str  # CardKind.label: "iso14443-uid", "desfire-id", …
    uid: bytes  # 4 to 16 bytes; a secret of the person: never logged
    presentation: int  # rising for the life of the reader

    def __repr__(self) -> str:
        return f"Tap(kind={self.kind!r}, presentation={self.presentation})"


class Reader:
    """One conversation with a reader. Not reusable; the owner opens a new link and a new one.

    Every method raises, beside what it says itself:
        EdgeError: READER_SILENT (no answer after all tries, or no heartbeat).
        LinkGoneError: the line or the session is gone.
    Both end the conversation and are raised by all later calls too.
    """

    def __init__(self) -> None:
        self._taps: deque[tuple[float, Tap]] = deque()
        self._notices: deque[m.NoticeKind] = deque()
        self._last = 0  # number of the last presentation or notice taken
        self._talk: Conversation
        self.hello: ReaderHello

    @classmethod
    @asynccontextmanager
    async def open(
        cls, link: ByteLink, *, key: bytes, random: Random, answer_s: float = ANSWER_S
    ) -> AsyncIterator["Reader"]:
        """Open a session. Takes the link over and closes it.

        Raises:
            EdgeError: READER_SILENT; READER_FOREIGN when nobody there knows the key; READER_VERSION.
        """
        reader = cls()
        opening = Conversation.open(
            link, MANNER, key=key, random=random, answer_s=answer_s, deliver=reader._take
        )
        async with opening as reader._talk:
            reader.hello = reader._read_hello()
            await reader.signal(m.Show.IDLE)  # puts the new session into force: taps count from here
            yield reader

    @property
    def rejected(self) -> Counter[str]:
        """Frames and messages that were dropped, by reason (firmware_protocol.session.Refusal and others).

        A growing count of "foreign", "old" or "mirrored" means that somebody else is on the line.
        """
        return self._talk.rejected.copy()

    async def next_tap(self) -> Tap:
        """Return the next badge presented, once a presentation, at most FRESH_S old."""
        while True:
            tap = self._fresh_tap()
            if tap is not None:
                return tap
            self._talk.check()
            await self._talk.wait()

    async def next_notice(self) -> m.NoticeKind:
        """Return what the reader reports beside badges: collision, tampering."""
        while not self._notices:
            self._talk.check()
            await self._talk.wait()
        return self._notices.popleft()

    async def signal(self, show: m.Show) -> None:
        """Show and sound ``show`` at the reader."""
        await self._talk.ask(lambda r: m.Signal(request=r, show=show))

    def _fresh_tap(self) -> Tap | None:
        now = asyncio.get_running_loop().time()
        while self._taps:
            arrived, tap = self._taps.popleft()
            if now - arrived <= FRESH_S:
                return tap
            self._talk.rejected[VOID] += 1
        return None

    def _read_hello(self) -> ReaderHello:
        hello = self._talk.hello
        try:
            info = m.READER.decode(hello.info)
        except WireError as exc:
            raise self._version_error() from exc
        # All of a reader's protocol decides about persons: no part of it goes on under another version.
        if not isinstance(info, m.ReaderInfo) or hello.version not in m.VERSIONS:
            raise self._version_error()
        return ReaderHello(hello.version, hello.serial, hello.firmware, info.presentations)

    def _version_error(self) -> EdgeError:
        ours = f"{m.VERSIONS[0]}..{m.VERSIONS[-1]}"
        return EdgeError(ErrorCode.READER_VERSION, station=ours, reader=self._talk.hello.version)

    def _take(self, message: Message) -> Message | None:
        if not isinstance(message, m.BadgeRead | m.Notice):
            return None
        if message.number <= self._last:
            self._talk.rejected[REPEATED] += 1  # our Seen was lost
        else:
            self._last = message.number
            self._keep(message)
        return m.Seen(number=message.number)

    def _keep(self, message: m.BadgeRead | m.Notice) -> None:
        if isinstance(message, m.Notice):
            self._notices.append(message.kind)
            if len(self._notices) > QUEUE:
                self._notices.popleft()
            return
        now = asyncio.get_running_loop().time()
        self._taps.append((now, Tap(message.kind.label, message.uid, message.number)))
        if len(self._taps) > QUEUE:
            self._taps.popleft()
            self._talk.rejected[VOID] += 1
