"""An in-memory serial line between a driver and a simulated device, with the faults of a real cable.

Every fault takes its randomness from ``seed``, so a failing test fails again.
"""

import asyncio
import random
from dataclasses import dataclass

from edged.errors import EdgeError, ErrorCode, LinkGoneError
from simulators.device import Heart, SerialDevice

REMEMBERED = 64  # writes that a replay chooses from


@dataclass(frozen=True, slots=True, kw_only=True)
class Cable:
    """How bytes travel in one direction. A chance is that of each write (one frame)."""

    name: str = "perfect"
    chunk: int = 4096  # bytes that arrive at once at most; 1: byte by byte
    loss: float = 0.0  # the write is lost
    flip: float = 0.0  # one bit of the write is flipped
    duplicate: float = 0.0  # the write arrives twice
    reorder: float = 0.0  # the write arrives after the next one
    replay: float = 0.0  # an earlier write arrives again behind it
    noise: bytes = b""  # stands before every write
    cut_after: int | None = None  # writes until the plug is pulled
    seed: int = 1


PERFECT = Cable()
CABLES = (
    PERFECT,
    Cable(name="byte-by-byte", chunk=1),
    Cable(name="noise-before", noise=b"\x55\xaa\x00\x07"),
    Cable(name="lossy", loss=0.3, seed=7),
    Cable(name="bit-flips", flip=0.3, seed=3),
    Cable(name="duplicates", duplicate=0.5, seed=5),
    Cable(name="reorders", reorder=0.3, seed=4),
    Cable(name="replays", replay=0.5, seed=6),
)


class Faults:
    """One direction of a cable: a write goes in, the pieces that arrive come out."""

    def __init__(self, cable: Cable) -> None:
        self.cable = cable
        self._random = random.Random(cable.seed)
        self._held: bytes | None = None
        self._past: list[bytes] = []
        self._writes = 0

    def cut(self) -> bool:
        """Count a write; True when it is the one that pulls the plug."""
        self._writes += 1
        return self.cable.cut_after is not None and self._writes > self.cable.cut_after

    def pass_on(self, data: bytes) -> list[bytes]:
        cable, chance = self.cable, self._random.random
        self._past = [*self._past[1 - REMEMBERED :], data]
        if chance() < cable.loss:
            return []
        if self._held is None and chance() < cable.reorder:
            self._held = data
            return []
        whole = [self._damage(data)]
        if chance() < cable.duplicate:
            whole.append(data)
        if self._held is not None:
            whole.append(self._held)
            self._held = None
        if chance() < cable.replay:
            whole.append(self._random.choice(self._past))
        stream = b"".join(cable.noise + piece for piece in whole)
        return [stream[at : at + cable.chunk] for at in range(0, len(stream), cable.chunk)]

    def _damage(self, data: bytes) -> bytes:
        if self._random.random() >= self.cable.flip:
            return data
        damaged = bytearray(data)
        damaged[self._random.randrange(len(damaged))] ^= 1 << self._random.randrange(8)
        return bytes(damaged)


class Line:
    """A socket in the wall: a device behind it, and a plug that can be pulled and put back.

    line = Line(SimDock(…), to_host=CABLES[3])
    async with DockController.open(await line.open(), …) as dock: ...
    line.unplug(); line.plug()
    """

    def __init__(self, device: SerialDevice, *, to_host: Cable = PERFECT, to_device: Cable = PERFECT) -> None:
        self.device = device
        self.to_host, self.to_device = to_host, to_device
        self.plugged = True
        self.opened = 0  # how often
        self.link: FaultyLink | None = None

    async def open(self) -> "FaultyLink":
        """Raises LinkGoneError while unplugged, EdgeError LINE_BUSY while open."""
        if not self.plugged:
            raise LinkGoneError(reason="unplugged")
        if self.link is not None:
            raise EdgeError(ErrorCode.LINE_BUSY, path="simulated line")
        self.opened += 1
        self.link = FaultyLink(self)
        return self.link

    def unplug(self) -> None:
        self.plugged = False
        if self.link is not None:
            self.link.die("unplugged")

    def plug(self) -> None:
        self.plugged = True


class FaultyLink:
    """The host's end of an open line; a ByteLink. ``sent`` and ``arrived`` record what it carried."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._up, self._down = Faults(line.to_host), Faults(line.to_device)
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._reason = ""
        self.sent: list[bytes] = []
        self.arrived: list[bytes] = []
        self._heart = Heart(line.device)
        line.device.send = self.push

    async def read(self) -> bytes:
        piece = None if self._reason else await self._pieces.get()
        if piece is None:
            raise LinkGoneError(reason=self._reason)
        return piece

    async def write(self, data: bytes) -> None:
        if self._reason:
            raise LinkGoneError(reason=self._reason)
        self.sent.append(data)
        if self._down.cut():
            self._line.unplug()
            return
        for piece in self._down.pass_on(data):
            self._line.device.receive(piece)

    async def close(self) -> None:
        self.die("closed")

    def push(self, data: bytes) -> None:
        """Let bytes come from the device, or from whoever sits on the wire."""
        self.arrived.append(data)
        if self._up.cut():
            self._line.unplug()
            return
        for piece in self._up.pass_on(data):
            self._pieces.put_nowait(piece)

    def die(self, reason: str) -> None:
        if not self._reason:
            self._reason = reason
            self._pieces.put_nowait(None)
            self._heart.stop()
            self._line.device.send = _into_the_air
            self._line.link = None


def _into_the_air(_: bytes) -> None:
    """The plug is out."""
