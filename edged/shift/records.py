"""What the station knows of an incident, of works, of a repair, of a sheet: the parts of `ShiftState`."""

from dataclasses import dataclass, field
from enum import StrEnum

from edged.formats import shift_facts as sf
from edged.journals.forms import Kind as Journal


class Stage(StrEnum):
    """Of an incident. The station only ever drafts."""

    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"
    REJECTED = "rejected"


@dataclass(slots=True)
class Incident:
    id: str
    kind: str
    happened: str
    stage: Stage = Stage.DRAFT
    description: str = ""
    item: str = ""
    camera: str = ""
    issue: str = ""
    recording: str = ""
    slot: int = 0
    person: str = ""
    measures: list[str] = field(default_factory=list)
    result: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    reserves: list["Memo"] = field(default_factory=list)  # by which reserve cameras are used for it
    reason: str = ""  # why it was rejected
    confirmed_by: str = ""
    changed: int = 0  # the ledger's last line that its journal has to tell; so too below

    @property
    def finished(self) -> bool:
        return self.stage in {Stage.CLOSED, Stage.REJECTED}


@dataclass(slots=True)
class Works:
    id: str
    began: str
    entry: str
    grounds: str
    items: tuple[str, ...]
    persons: tuple[str, ...]
    ended: str = ""
    measures: str = ""
    result: str = ""
    note: str = ""
    versions: tuple[str, str] = ("", "")
    changed: int = 0

    @property
    def finished(self) -> bool:
        return bool(self.ended)


@dataclass(slots=True)
class Outage:
    id: str
    cause: str
    since: str
    until: str = ""
    acts: str = ""

    @property
    def finished(self) -> bool:
        return bool(self.until)


@dataclass(slots=True)
class Export:
    """A copy for a third party: asked for by one person, made by another."""

    id: str
    recording: str
    request: sf.Document
    law: str
    receiver: str
    asked: str
    asked_by: str  # actor
    made: str = ""
    made_by: str = ""
    folder: str = ""
    dropped: str = ""  # why

    @property
    def finished(self) -> bool:
        return bool(self.made or self.dropped)


@dataclass(slots=True)
class ForcedClear:
    """Of the camera that is in a slot now; see `edged.shift.clear_acts`."""

    camera: str
    reason: str
    asked_by: str  # actor
    agreed_by: str = ""  # actor


class Condition(StrEnum):
    """Of a part of the complex, on its way to a repair and back (459-II.3-damaged)."""

    DAMAGED = "damaged"
    TAGGED = "tagged"
    RELEASED = "released"


@dataclass(slots=True)
class Repair:
    """Of one item, until it is back."""

    item: str
    since: str
    description: str
    condition: Condition = Condition.DAMAGED
    incident: str = ""
    tag: str = ""
    place: str = ""
    tagged: str = ""  # when
    statement: str = ""  # that offload is impossible
    receiver: str = ""
    contract: sf.Document | None = None
    returned: str = ""
    result: str = ""
    changed: int = 0

    @property
    def id(self) -> str:
        return f"{self.item}@{self.since}"

    @property
    def finished(self) -> bool:
        return bool(self.returned)


@dataclass(frozen=True, slots=True)
class Memo:
    """By which a reserve camera is in use."""

    camera: str
    document: sf.Document
    head: str
    incident: str
    entered: str


@dataclass(frozen=True, slots=True)
class Round:
    """One look at one item, at the start or the end of a shift."""

    id: str  # number of its line
    when: str  # "start" "end"
    item: str
    in_order: bool
    faults: str
    at: str
    by: str  # actor


@dataclass(frozen=True, slots=True)
class Volume:
    number: int = 1
    since: str = ""  # "": from the beginning
    ground: str = ""
    opened: str = ""
    incident: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """Where an entry of a journal was put down last."""

    volume: int
    at: str
    last: int  # of the ledger's lines that this sheet was made of


@dataclass(frozen=True, slots=True)
class Signature:
    sha256: str
    algorithm: str
    signer: str
    verdict: str
    at: str


@dataclass(slots=True)
class SheetRecord:
    """A sheet on its way: made, signed by everybody, registered."""

    made: sf.SheetMade
    at: str
    signatures: dict[int, Signature] = field(default_factory=dict)  # by place
    registered: sf.Document | None = None
    changed: int = 0

    @property
    def signed(self) -> bool:
        return len(self.signatures) == len(self.made.signatories)

    @property
    def finished(self) -> bool:
        return self.signed and self.registered is not None


def repeats(made: sf.SheetMade) -> bool:
    """Whether it is no handover, but repeats those of a volume that was lost or seized (459-III.4-lost-journal)."""
    return made.journal == Journal.HANDOVER and bool(made.entries)
