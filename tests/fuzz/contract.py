"""What a target of fuzzing is: a decoder, its contract, and how a breach of the contract shows.

A body is called with any bytes. It returns, or it raises one of the target's refusals; whatever else leaves
it is a breach: a foreign exception, or a ``Violation`` by which the body itself says what does not hold.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, TypeVar

FOUND = Path(__file__).resolve().parent / "found"
"""Inputs that once broke a contract, a folder for each target; they are tried for ever."""

T = TypeVar("T")
Body: TypeAlias = Callable[[bytes], object]

KIB = 1024
STEPS, STEPS_A_BYTE = 30_000, 60
"""Lines of Python that a decoder may carry out: so many, and so many more for each byte of its input."""
MEMORY, MEMORY_A_BYTE = 2 * 1024 * KIB, 100
"""Bytes that it may hold at once, counted in the same way."""


class Violation(AssertionError):
    """The contract of a target does not hold. No decoder raises it, so no refusal can hide it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One decoder, or a few that always work together.

    Attributes:
        contract: what holds for any bytes, in one sentence.
        refusals: the decoder's own coded errors.
        seeds: sound inputs, of which some must be taken; where mutation begins.
        hostile: inputs made to cost much time or memory.
        limit: bytes of the largest input that is tried.
        share: of the time of a campaign; a decoder with more ways through it gets more.
        covers: the functions and classes of shipped code that this target is the test of.
        steps, steps_a_byte, memory, memory_a_byte: its bounds; see STEPS and MEMORY.
    """

    name: str
    contract: str
    body: Body
    refusals: tuple[type[Exception], ...]
    seeds: Callable[[], Sequence[bytes]]
    limit: int
    covers: tuple[Callable[..., object], ...]
    hostile: Callable[[], Sequence[bytes]] = tuple
    share: int = 1
    steps: int = STEPS
    steps_a_byte: int = STEPS_A_BYTE
    memory: int = MEMORY
    memory_a_byte: int = MEMORY_A_BYTE

    def takes(self, data: bytes) -> bool:
        """Whether ``data`` is taken; False: refused. Anything that this raises is a breach of the contract."""
        try:
            self.body(data)
        except self.refusals:
            return False
        return True

    def step_bound(self, size: int) -> int:
        return self.steps + self.steps_a_byte * size

    def memory_bound(self, size: int) -> int:
        return self.memory + self.memory_a_byte * size


def require(holds: object, claim: str) -> None:
    if not holds:
        raise Violation(claim)


@contextmanager
def must(claim: str) -> Iterator[None]:
    """What stands inside may not fail, not even with one of the decoder's own refusals."""
    try:
        yield
    except Violation:
        raise
    except Exception as exc:
        raise Violation(f"{claim}: {type(exc).__name__}: {exc}"[:500]) from exc


def round_trip(decode: Callable[[bytes], T], encode: Callable[[T], bytes]) -> Body:
    """Whatever is decoded can be encoded, and comes back as the same value."""

    def body(data: bytes) -> None:
        value = decode(data)
        with must("what was decoded does not come back"):
            again = decode(encode(value))
        require(again == value, f"{value!r} comes back as {again!r}"[:500])

    return body


def lossy(decode: Callable[[bytes], T], encode: Callable[[T], bytes], refusal: type[Exception]) -> Body:
    """For decoders that show foreign bytes as escapes: what can be encoded comes back as the same value."""

    def body(data: bytes) -> None:
        value = decode(data)
        try:
            raw = encode(value)
        except refusal:
            return  # an escape is longer than what it stands for, or is no text of this encoding
        with must("what was encoded is not understood"):
            again = decode(raw)
        require(again == value, f"{value!r} comes back as {again!r}"[:500])

    return body


class Tape:
    """Reads decisions off an input: numbers and pieces; behind its end stand zeros."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def left(self) -> int:
        return max(0, len(self._data) - self._at)

    def take(self, size: int) -> bytes:
        piece = self._data[self._at : self._at + size]
        self._at += size
        return piece

    def number(self, size: int = 1) -> int:
        """A little-endian integer of ``size`` bytes."""
        return int.from_bytes(self.take(size), "little")

    def piece(self) -> bytes:
        """Bytes after their length, which has two bytes."""
        return self.take(self.number(2))

    def pieces(self) -> Iterator[bytes]:
        while self.left:
            yield self.piece()


def tape(*pieces: bytes) -> bytes:
    """An input that a ``Tape`` reads back as these pieces."""
    return b"".join(len(piece).to_bytes(2, "little") + piece for piece in pieces)
