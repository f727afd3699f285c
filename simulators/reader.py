"""A badge reader without a reader: the same promises as the firmware (PROTOCOL.md).

reader = SimReader(key=KEY, clock=loop.time, nonce=random.token)
reader.present(bytes.fromhex("04a1b2c3"))
reader.shows        # what it shows now
"""

from collections.abc import Callable

from firmware_protocol.reader import messages as m
from firmware_protocol.session import Identity, Role
from firmware_protocol.wire import Message
from simulators.device import SerialDevice

NEVER = float("inf")
UID_BYTES = range(4, 17)  # PROTOCOL.md: what a badge message carries
LEAVE_S = 0.3  # PROTOCOL.md 2: out of the field that long before it counts as presented again


class SimReader(SerialDevice):
    """The state a test arranges and looks at, and the bytes that follow from it.

    Attributes:
        shows: what the reader shows now.
        sounded: everything it was told to show, oldest first.
        presentations: badges and notices since it was made; kept without power.
    """

    def __init__(
        self,
        *,
        key: bytes,
        clock: Callable[[], float],
        nonce: Callable[[int], bytes],
        serial: str = "SIMREADER-01",
        firmware: str = "sim-1.0",
        versions: range = m.VERSIONS,
    ) -> None:
        self.shows = m.Show.IDLE
        self.sounded: list[m.Show] = []
        self.presentations = 0
        self.held: bytes | None = None  # the badge that lies on the reader now
        self._left: tuple[bytes, float] | None = None  # the badge that lay there last, and until when
        self._unseen: list[tuple[m.BadgeRead | m.Notice, int]] = []  # with how often it was sent
        self._beat_at = 0.0
        self._repeat_at = NEVER
        self._last = 0
        identity = Identity(Role.READER, serial, firmware, 0, versions)
        super().__init__(m.READER, identity, key=key, clock=clock, nonce=nonce)

    # --- the world -----------------------------------------------------------------------------------

    def present(self, uid: bytes, kind: m.CardKind = m.CardKind.ISO14443_UID) -> None:
        """Hold a badge to the reader and take it away again: one presentation."""
        self.lay(uid, kind)
        self.take_away()

    def lay(self, uid: bytes, kind: m.CardKind = m.CardKind.ISO14443_UID) -> None:
        """A badge comes into the field. While it stays there, the field reads it many times a second.

        Raises ValueError, with nothing changed: no message of the reader can carry such a number.
        """
        if len(uid) not in UID_BYTES:
            raise ValueError(f"a badge has 4 to 16 bytes, this one has {len(uid)}")
        again = self._left is not None and self._left[0] == uid and self._clock() - self._left[1] < LEAVE_S
        if self.held == uid or (again and self.held is None):
            self.held = uid
            return  # the same presentation still
        if self.held is not None:
            self.notice(m.NoticeKind.COLLISION)
            return
        self.held = uid
        self.presentations += 1
        self._announce(m.BadgeRead(number=self.presentations, kind=kind, uid=uid))

    def take_away(self) -> None:
        if self.held is not None:
            self._left = (self.held, self._clock())
            self.held = None

    def notice(self, kind: m.NoticeKind) -> None:
        self.presentations += 1
        self._announce(m.Notice(number=self.presentations, kind=kind))

    # --- the firmware --------------------------------------------------------------------------------

    def start(self) -> None:
        super().start()
        self._unseen.clear()
        self.shows = m.Show.OUT_OF_SERVICE
        self._beat_at = self._clock()

    def info(self) -> m.ReaderInfo:
        return m.ReaderInfo(presentations=self.presentations)

    def opened(self) -> None:
        # A tap from before belongs to nobody who still stands there.
        self._unseen.clear()
        self._last = 0
        self._beat_at = self._clock()

    def message(self, message: Message) -> None:
        if isinstance(message, m.Seen):
            self._unseen = [u for u in self._unseen if u[0].number != message.number]
        elif isinstance(message, m.Signal) and message.request >= self._last:
            if message.request > self._last:
                self._last = message.request
                self.shows = message.show
                self.sounded.append(message.show)
            self.say(m.Shown(request=message.request))

    def tick(self) -> float:
        now = self._clock()
        if now >= self._beat_at:
            self._beat_at = now + m.HEARTBEAT_S
            self.say(m.Heartbeat(uptime=int(self.uptime)))
        if now >= self._repeat_at:
            self._repeat()
        return min(self._beat_at, self._repeat_at) - now

    def _announce(self, message: m.BadgeRead | m.Notice) -> None:
        if not self.in_session:
            return  # without a host a tap is lost, and the reader shows it
        self._unseen.append((message, 0))
        self.say(message)
        self._repeat_at = min(self._repeat_at, self._clock() + m.REPEAT_S)
        self.changed()

    def _repeat(self) -> None:
        again = [(message, sent + 1) for message, sent in self._unseen if sent < m.REPEATS]
        for message, _ in again:
            self.say(message)
        self._unseen = again
        self._repeat_at = self._clock() + m.REPEAT_S if again else NEVER
