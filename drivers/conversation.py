"""One session with a device on a serial line: what dock controller and reader have in common.

1. Requests are serial (the device has one receive buffer). A request carries a number that its answer
   names: a late answer to another question is counted and dropped.
2. Every wait has a deadline: an answer, the hello, and any genuine frame at all (heartbeats).
3. When the session ends, everybody who waits is told at once, with the reason; it never comes back.
   Reconnecting is the owner's: a new link, a new conversation.
4. Bytes that are damaged, foreign or old are counted by reason and change nothing.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from drivers.base import ByteLink
from edged.errors import EdgeError, ErrorCode, LinkGoneError
from edged.ports import Random
from firmware_protocol.errors import WireError
from firmware_protocol.framing import FrameRejected, Unpacker, pack
from firmware_protocol.session import (
    NONCE_SIZE,
    Body,
    DeviceHello,
    HostEnd,
    Lost,
    Opened,
    Refusal,
    Role,
    SequenceEndError,
    SessionError,
)
from firmware_protocol.wire import Message, MessageSet

TRIES = 3
MALFORMED = "malformed"  # a genuine frame whose content this version does not understand
LATE = "late"  # a genuine answer that nobody waits for any more


@dataclass(frozen=True, slots=True)
class Manner:
    """How one kind of device is spoken to."""

    role: Role
    messages: MessageSet
    versions: range
    heartbeat_s: float
    silent: ErrorCode
    foreign: ErrorCode


class Conversation:
    """From hello to end of session. Not reusable; made by ``open`` only."""

    def __init__(
        self,
        link: ByteLink,
        manner: Manner,
        key: bytes,
        random: Random,
        answer_s: float,
        deliver: Callable[[Message], Message | None],
    ) -> None:
        self._link, self._manner, self._random = link, manner, random
        self._answer_s = answer_s
        self._deliver = deliver
        self._end = HostEnd(key, manner.role, manner.versions)
        self._turn = asyncio.Lock()
        self._requests = 0
        self._pending: tuple[int, asyncio.Future[Message]] | None = None
        self._opened: asyncio.Future[DeviceHello] | None = None
        self._heard = asyncio.Event()  # of the next delivery, or the end; a new one for each
        self._replies: list[Message] = []
        self._deadline: float | None = None  # for the next genuine frame
        self.ended: EdgeError | None = None
        self.rejected: Counter[str] = Counter()  # by reason
        self.hello: DeviceHello

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        link: ByteLink,
        manner: Manner,
        *,
        key: bytes,
        random: Random,
        answer_s: float,
        deliver: Callable[[Message], Message | None],
    ) -> AsyncIterator["Conversation"]:
        """Run a session for as long as the block lasts; the link is closed at its end.

        ``deliver`` gets every genuine message that is no answer, between two awaits; what it returns is
        sent to the device.

        Raises:
            EdgeError: ``manner.silent``, ``manner.foreign``; LinkGoneError.
        """
        talk = cls(link, manner, key, random, answer_s, deliver)
        listener = asyncio.create_task(talk._listen(), name=f"{manner.messages.name} listener")
        try:
            talk.hello = await talk._greet()
            talk._put_off_silence()
            yield talk
        finally:
            listener.cancel()
            await asyncio.wait([listener])
            await link.close()
            if not listener.cancelled():
                listener.result()  # a defect in what we were given to deliver to must not stay hidden

    async def ask(self, make: Callable[[int], Message]) -> Message:
        """Send the request that ``make`` builds around its number; return the answer that names it.

        Raises:
            EdgeError: ``manner.silent`` after all tries, which ends the session: a device that beats but
                does not answer is best met by a new one. Otherwise what ended the session.
        """
        async with self._turn:
            self._requests += 1
            request = make(self._requests)
            for _ in range(TRIES):
                answer = await self._try(self._requests, request)
                if answer is not None:
                    return answer
        question = type(request).__name__
        silent = EdgeError(self._manner.silent, question=question, tries=TRIES, answer_s=self._answer_s)
        self._finish(silent)
        raise silent

    async def wait(self) -> None:
        """Return when something is delivered after this call, or when the session has ended."""
        if self.ended is None:
            await self._heard.wait()

    def check(self) -> None:
        """Raise what ended the session, if it has ended."""
        if self.ended is not None:
            raise _again(self.ended)

    def fail(self, error: EdgeError) -> None:
        """End the session because of what the device did. For the layer above."""
        self._finish(error)

    async def _greet(self) -> DeviceHello:
        for _ in range(TRIES):
            self.check()
            opened: asyncio.Future[DeviceHello] = asyncio.get_running_loop().create_future()
            self._opened = opened
            try:
                async with asyncio.timeout(self._answer_s):
                    await self._link.write(pack(self._end.hello(self._random.token(NONCE_SIZE))))
                    return await opened
            except TimeoutError:
                continue
            finally:
                self._opened = None
        foreign = self.rejected[Refusal.FOREIGN] + self.rejected[Refusal.WRONG_ROLE]
        code = self._manner.foreign if foreign else self._manner.silent
        damaged = self.rejected.total() - foreign
        raise EdgeError(code, question="hello", tries=TRIES, damaged_frames=damaged)

    async def _try(self, number: int, request: Message) -> Message | None:
        self.check()
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._pending = (number, future)
        try:
            async with asyncio.timeout(self._answer_s):
                await self._send(request)
                return await future
        except TimeoutError:
            return None
        finally:
            self._pending = None
            if future.done() and not future.cancelled():
                future.exception()  # it was given to us after we had stopped waiting

    async def _send(self, message: Message) -> None:
        self.check()
        try:
            frame = pack(self._end.seal(self._manner.messages.encode(message)))
        except SequenceEndError:
            self._finish(LinkGoneError(reason="sequence numbers used up"))
            self.check()
            raise
        await self._link.write(frame)

    async def _listen(self) -> None:
        unpacker = Unpacker()
        try:
            while self.ended is None:
                data = await self._read()
                for event in unpacker.feed(data):
                    if isinstance(event, FrameRejected):
                        self.rejected[event.reason] += 1
                    else:
                        self._payload(event.payload)
                replies, self._replies = self._replies, []
                for reply in replies:
                    await self._send(reply)
        except TimeoutError:
            self._finish(EdgeError(self._manner.silent, question="heartbeat", tries=0))
        except EdgeError as exc:
            self._finish(exc)
        finally:
            self._finish(LinkGoneError(reason="closed"))

    async def _read(self) -> bytes:
        # Without a deadline up to the hello, which has one of its own and is followed by a question.
        async with asyncio.timeout_at(self._deadline):
            return await self._link.read()

    def _payload(self, payload: bytes) -> None:
        try:
            received = self._end.receive(payload)
            if isinstance(received, Body):
                self._put_off_silence()
                self._message(self._manner.messages.decode(received.data))
            elif isinstance(received, Opened):
                self._hello(received.hello)
            else:
                self._lost(received)
        except SessionError as exc:
            self.rejected[exc.reason] += 1
        except WireError:
            self.rejected[MALFORMED] += 1

    def _message(self, message: Message) -> None:
        request = getattr(message, "request", 0)
        if request == 0:
            reply = self._deliver(message)
            if reply is not None:
                self._replies.append(reply)
            self._heard.set()
            self._heard = asyncio.Event()
        elif self._pending is not None and self._pending[0] == request and not self._pending[1].done():
            self._pending[1].set_result(message)
        else:
            self.rejected[LATE] += 1

    def _hello(self, hello: DeviceHello) -> None:
        if self._opened is not None and not self._opened.done():
            self._opened.set_result(hello)

    def _lost(self, _: Lost) -> None:
        # Unsigned, so it is worth no more than a pulled plug: the session ends, nothing else follows.
        if hasattr(self, "hello"):
            self._finish(LinkGoneError(reason="the device restarted"))

    def _put_off_silence(self) -> None:
        silence_s = 3 * self._manner.heartbeat_s + self._answer_s  # two heartbeats may be lost
        self._deadline = asyncio.get_running_loop().time() + silence_s

    def _finish(self, error: EdgeError) -> None:
        if self.ended is None:
            self.ended = error
        self._heard.set()
        if self._pending is not None and not self._pending[1].done():
            self._pending[1].set_exception(_again(error))
        if self._opened is not None and not self._opened.done():
            self._opened.set_exception(_again(error))


def _again(error: EdgeError) -> EdgeError:
    """A copy: one exception object raised in many places gathers their tracebacks."""
    return type(error)(error.code, **error.detail)
