"""What simulated serial devices have in common: frames, session, time, and a record of what was heard.

A device is bytes in, bytes out: whoever carries it (an in-memory line, a pseudo-terminal) sets ``send``
and ``changed``, feeds ``receive`` and calls ``tick`` when it asks for it.
"""

import asyncio
from collections import Counter
from collections.abc import Callable

from firmware_protocol.errors import WireError
from firmware_protocol.framing import FrameRejected, Unpacker, pack
from firmware_protocol.session import NONCE_SIZE, DeviceEnd, Identity, Reply, SessionError
from firmware_protocol.wire import Message, MessageSet

HEARD = 1000  # messages kept in the record


def _nowhere(_: bytes) -> None:
    """Nobody listens: an unplugged device speaks into the air."""


def _nobody() -> None:
    """Nobody carries this device's time yet."""


class SerialDevice:
    """A device of the world. Subclasses answer messages and say what time does to them.

    Attributes:
        heard: genuine messages from the host, newest last.
        rejected: frames and messages dropped, by reason.
        mute: firmware that hangs: it takes bytes and does nothing.
        swallow: how many of its next frames never leave (a lost answer).
    """

    def __init__(
        self,
        messages: MessageSet,
        identity: Identity,
        *,
        key: bytes,
        clock: Callable[[], float],
        nonce: Callable[[int], bytes],
    ) -> None:
        self.identity, self.key = identity, key
        self.heard: list[Message] = []
        self.rejected: Counter[str] = Counter()
        self.mute = False
        self.swallow = 0
        self.send: Callable[[bytes], None] = _nowhere
        self.changed: Callable[[], None] = _nobody
        self._messages, self._clock, self._nonce = messages, clock, nonce
        self._unpacker = Unpacker()
        self.start()

    def start(self) -> None:
        """Come up without a session, as after power-on."""
        self._unpacker = Unpacker()
        self._end = DeviceEnd(self.key, self.identity, lambda: self._messages.encode(self.info()))
        self._started = self._clock()

    def receive(self, data: bytes) -> None:
        """Take bytes from the host."""
        for event in self._unpacker.feed(data):
            if self.mute:
                continue
            if isinstance(event, FrameRejected):
                self.rejected[event.reason] += 1
                continue
            try:
                self._payload(event.payload)
            except SessionError as exc:
                self.rejected[exc.reason] += 1
            except WireError:
                self.rejected["malformed"] += 1
        self.changed()

    def say(self, message: Message) -> None:
        """Send ``message`` in the running session; without one it is not sent."""
        if self._end.open and not self.mute:
            self.put(pack(self._end.seal(self._messages.encode(message))))

    def put(self, frame: bytes) -> None:
        if self.swallow > 0:
            self.swallow -= 1
        else:
            self.send(frame)

    @property
    def in_session(self) -> bool:
        return self._end.open

    @property
    def uptime(self) -> float:
        """Seconds since the device came up."""
        return self._clock() - self._started

    def info(self) -> Message:
        """What the device adds to its hello."""
        raise NotImplementedError

    def opened(self) -> None:
        """A new session came into force."""
        raise NotImplementedError

    def message(self, message: Message) -> None:
        """A genuine message arrived."""
        raise NotImplementedError

    def tick(self) -> float:
        """Do what is due; return in how many seconds to call again."""
        raise NotImplementedError

    def _payload(self, payload: bytes) -> None:
        received = self._end.receive(payload, lambda: self._nonce(NONCE_SIZE))
        if isinstance(received, Reply):
            self.put(pack(received.payload))
            return
        if received.first:
            self.opened()
        message = self._messages.decode(received.data)
        self.heard.append(message)
        del self.heard[:-HEARD]
        self.message(message)


class Heart:
    """Carries a device's time on the event loop: ticks when it asks, or when something changed."""

    def __init__(self, device: SerialDevice) -> None:
        self._device = device
        self._loop = asyncio.get_running_loop()
        self._next: asyncio.Handle = self._loop.call_soon(self._beat)
        device.changed = self._soon

    def stop(self) -> None:
        self._next.cancel()
        self._device.changed = _nobody

    def _soon(self) -> None:
        self._next.cancel()
        self._next = self._loop.call_soon(self._beat)

    def _beat(self) -> None:
        wait_s = self._device.tick()
        self._next.cancel()  # the tick itself may have asked for another
        self._next = self._loop.call_later(max(wait_s, 0.001), self._beat)
