"""Views of the ledger for searching: what they hold and the port behind which they lie.

A view holds nothing that is not in the ledger; it is dropped and made again at any time (`edgectl rebuild`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from edged.formats.facts import CameraListed, RightsChanged
from edged.formats.line import Line


@dataclass(frozen=True, slots=True)
class LogQuery:
    """What `edgectl log` asks for. Empty fields do not restrict."""

    since: str = ""  # RFC 3339 UTC, inclusive
    until: str = ""  # exclusive
    person: str = ""
    camera: str = ""
    slot: int = 0
    recording: str = ""
    issue: str = ""
    type: str = ""  # a fact's name, or its first part: "camera" finds camera.*
    limit: int = 1000  # newest lines first in choosing, oldest first in the answer

    def wanted(self) -> tuple[tuple[str, str], ...]:
        """(kind, value) pairs that a line must all have."""
        asked = (
            ("person", self.person),
            ("camera", self.camera),
            ("slot", str(self.slot) if self.slot else ""),
            ("recording", self.recording),
            ("issue", self.issue),
        )
        return tuple((kind, value) for kind, value in asked if value)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger, and the (kind, value) pairs that it is found by: as many as it names."""

    seq: int
    time: str
    type: str
    keys: tuple[tuple[str, str], ...]
    line: str


_NAMED = (
    ("person", "officer"),
    ("person", "person"),
    ("person", "responsible"),
    ("camera", "camera"),
    ("recording", "recording"),
    ("recording", "recordings"),
    ("slot", "slot"),
    ("issue", "issue"),
    ("issue", "issues"),
)
"""Kind of key, and the field of a fact that holds one such value or a tuple of them."""


def entry_of(line: Line) -> Entry:
    """The search keys of a line: whom and what its fact names, and the person who acted."""
    return Entry(
        seq=line.seq,
        time=line.time,
        type=line.type,
        keys=tuple(dict.fromkeys(_keys(line))),
        line=line.raw.decode(),
    )


def _keys(line: Line) -> Iterator[tuple[str, str]]:
    for kind, name in _NAMED:
        value = getattr(line.fact, name, None)
        yield from ((kind, str(one)) for one in (value if isinstance(value, tuple) else (value,)) if one)
    if isinstance(line.fact, RightsChanged):
        yield from (("person", change.person) for change in line.fact.changes)
    if isinstance(line.fact, CameraListed):
        yield from (("recording", clip.recording) for clip in line.fact.clips)
    if line.actor.startswith("person:"):
        yield "person", line.actor.removeprefix("person:")


class ProjectionStore(Protocol):
    """One writer. Raises nothing for a damaged store: it is dropped and begun anew (fault L06)."""

    async def open(self, origin: str) -> int:
        """Make it ready for the ledger ``origin``; return the number of lines that it holds already."""
        ...

    async def add(self, entries: Sequence[Entry]) -> None:
        """Take the next entries, all or none."""
        ...

    async def search(self, query: LogQuery) -> Sequence[str]:
        """Return the newest ``query.limit`` lines that it wants, as they stand in the ledger, oldest first."""
        ...

    async def drop(self) -> None:
        """Forget everything; the next ``add`` begins with line 0."""
        ...

    async def close(self) -> None: ...
