"""The keys with which a station has signed, one after the other, and which of them must have signed what. Pure.

1. A key holds from the line behind `station.key_changed`, which names it; that line and those before are the old key's.
2. The checkpoint that ends with just that line is the hand-over: both keys sign it. So whoever knows the old key
   learns the new one, and whoever knows the new one cannot be shown an older history that it does not vouch for.
3. Every other checkpoint is signed by the key that holds for its last line, a manifest by the one of its line.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from edged.errors import FormatError
from edged.formats.facts import KeyChanged, StationCommissioned
from edged.formats.line import Line
from edged.formats.note import Verifier


@dataclass(frozen=True, slots=True)
class Successor:
    """A key, and the number of the line that names it."""

    line: int
    key: Verifier


@dataclass(frozen=True, slots=True)
class StationKeys:
    """``first`` stands in line 0; each successor in a line behind the one before."""

    first: Verifier
    later: tuple[Successor, ...] = ()

    @property
    def name(self) -> str:
        """Name of all of them: the origin of the station's checkpoints."""
        return self.first.name

    @property
    def current(self) -> Verifier:
        return self.later[-1].key if self.later else self.first

    def __iter__(self) -> Iterator[Verifier]:
        yield self.first
        yield from (successor.key for successor in self.later)

    def of_line(self, seq: int) -> Verifier:
        """Return the key that answers for line ``seq``."""
        held = self.first
        for successor in self.later:
            if successor.line < seq:
                held = successor.key
        return held

    def of_checkpoint(self, size: int) -> tuple[Verifier, ...]:
        """Return who must have signed the checkpoint over ``size`` lines: one key, at a hand-over two."""
        new = tuple(successor.key for successor in self.later if successor.line == size - 1)
        return (self.of_line(size - 1), *new)

    def after(self, line: int, key: str) -> "StationKeys":
        """Return the keys with one more, which line ``line`` names.

        Raises:
            FormatError: no verifier key, of another name, or one that was the station's before.
        """
        new = Verifier.parse(key)
        if new.name != self.name or new in self:
            raise FormatError(reason="not a new key of this station", seq=line)
        return StationKeys(self.first, (*self.later, Successor(line, new)))


SignedBy = Verifier | StationKeys
"""Who must have signed: one key for everything, or a station's keys one after the other."""


def keys_of(station: SignedBy) -> StationKeys:
    return station if isinstance(station, StationKeys) else StationKeys(station)


def keys_with(keys: StationKeys | None, line: Line) -> StationKeys | None:
    """Return the keys once ``line`` is read: what line 0 and every change say; None before line 0.

    Raises:
        FormatError: a key that cannot be one.
    """
    if isinstance(line.fact, StationCommissioned) and line.seq == 0:
        return StationKeys(Verifier.parse(line.fact.station_key))
    if isinstance(line.fact, KeyChanged) and keys is not None:
        return keys.after(line.seq, line.fact.key)
    return keys
