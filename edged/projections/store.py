"""Views of the ledger for searching: what they hold and the port behind which they lie.

A view holds nothing that is not in the ledger; it is dropped and made again at any time (`edgectl rebuild`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from edged.formats.line import Line

ORIGIN_NONE = ""


@dataclass(frozen=True, slots=True)
class LogQuery:
    """What `edgectl log` asks for. Empty fields do not restrict."""

    since: str = ""  # RFC 3339 UTC, inclusive
    until: str = ""  # exclusive
    person: str = ""
    camera: str = ""
    slot: int = 0
    recording: str = ""
    type: str = ""  # a fact's name, or its first part: "camera" finds camera.*
    limit: int = 1000  # newest lines first in choosing, oldest first in the answer


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger under the keys that it is searched by."""

    seq: int
    time: str
    type: str
    actor: str
    person: str
    camera: str
    slot: int
    recording: str
    line: str


def entry_of(line: Line) -> Entry:
    """The search keys of a line. A person is whom the fact names, or who acted."""
    fact = line.fact
    person = next((str(v) for k in ("officer", "person", "responsible") if (v := getattr(fact, k, ""))), "")
    if not person and line.actor.startswith("person:"):
        person = line.actor.removeprefix("person:")
    return Entry(
        seq=line.seq,
        time=line.time,
        type=line.type,
        actor=line.actor,
        person=person,
        camera=getattr(fact, "camera", ""),
        slot=getattr(fact, "slot", 0),
        recording=getattr(fact, "recording", ""),
        line=line.raw.decode(),
    )


class ProjectionStore(Protocol):
    """One writer. Raises nothing for a damaged store: it is dropped and begun anew (fault L06)."""

    async def open(self, origin: str) -> int:
        """Make it ready for the ledger ``origin``; return the number of lines that it holds already."""
        ...

    async def add(self, entries: Sequence[Entry]) -> None:
        """Take the next entries, all or none."""
        ...

    async def search(self, query: LogQuery) -> Sequence[Entry]: ...

    async def drop(self) -> None:
        """Forget everything; the next ``add`` begins with line 0."""
        ...

    async def close(self) -> None: ...
