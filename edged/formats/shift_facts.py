"""What persons enter, decide and sign: the facts of the shift. The rules of `edged.formats.facts` hold.

Who acted is the line's ``actor``, never a field. A day without an hour is ``YYYY-MM-DD`` as it stands on the paper.
"""

import msgspec

from edged.formats.facts import Fact, Facts, named_in

SHIFT_FACTS: dict[str, type[Fact]] = {}
_fact = named_in(SHIFT_FACTS)


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A paper that lies elsewhere: what a person enters of it."""

    number: str
    date: str


# --- lists -----------------------------------------------------------------------------------------


@_fact("schedule.accepted")
class ScheduleAccepted(Fact, frozen=True):
    version: int
    sha256: str
    document: str  # number and date of the duty schedule
    valid_from: str
    valid_until: str
    shifts: int


@_fact("schedule.refused")
class ScheduleRefused(Fact, frozen=True):
    code: int
    sha256: str
    detail: Facts = msgspec.field(default_factory=dict)


@_fact("officer.briefed")
class OfficerBriefed(Fact, frozen=True):
    """459-II.1-briefing: by the responsible person, before the first use."""

    person: str


@_fact("station.retired")
class StationRetired(Fact, frozen=True):
    """The station issues no camera any more; it still takes in, delivers and answers."""

    decision: Document
    reason: str


@_fact("station.key_change_ordered")
class KeyChangeOrdered(Fact, frozen=True):
    """The account administrator wants another signing key; root, on the host, makes it."""

    decision: Document
    reason: str


# --- incidents -------------------------------------------------------------------------------------


@_fact("incident.opened")
class IncidentOpened(Fact, frozen=True):
    """By a person; what the station sees is ``incident.drafted``."""

    incident: str
    kind: str  # edged.shift.state.IncidentKind
    happened: str
    description: str
    item: str = ""  # inventory number
    camera: str = ""
    issue: str = ""
    person: str = ""  # with whom it happened


@_fact("incident.confirmed")
class IncidentConfirmed(Fact, frozen=True):
    """The responsible person confirms a draft and says what only a person knows."""

    incident: str
    description: str
    person: str = ""


@_fact("incident.rejected")
class IncidentRejected(Fact, frozen=True):
    """No incident. The draft stays, with this reason."""

    incident: str
    reason: str


@_fact("incident.noted")
class IncidentNoted(Fact, frozen=True):
    """Measures, result and note of Annex 2. Each only adds to what was entered before; "" adds nothing."""

    incident: str
    measures: str = ""
    result: str = ""
    note: str = ""
    closed: bool = False


@_fact("paper.given")
class PaperGiven(Fact, frozen=True):
    """A notice, memo or letter was given by its author. The station drafted it and did nothing else."""

    paper: str  # edged.journals.papers.Paper
    about: (
        str  # id of an incident, of works or of a copy; of a warning: the alert, @, the line that raised it
    )
    document: Document


# --- cameras ---------------------------------------------------------------------------------------


@_fact("memo.entered")
class MemoEntered(Fact, frozen=True):
    """The head of the post has decided that this reserve camera is used (459-III.5-reserve)."""

    camera: str
    document: Document
    head: str  # name of the head of the post
    incident: str = ""


@_fact("memo.ended")
class MemoEnded(Fact, frozen=True):
    """The reserve camera goes back to the safe."""

    camera: str


@_fact("item.damaged")
class ItemDamaged(Fact, frozen=True):
    item: str  # inventory number
    description: str
    incident: str = ""


@_fact("item.tagged")
class ItemTagged(Fact, frozen=True):
    item: str
    tag: str
    place: str


@_fact("offload.impossible")
class OffloadImpossible(Fact, frozen=True):
    """The responsible person states that this camera cannot be offloaded any more (459-III.12-contract)."""

    item: str
    statement: str


@_fact("repair.released")
class RepairReleased(Fact, frozen=True):
    """Handed to a repair unit or, under a contract on non-disclosure, to a service organisation."""

    item: str
    receiver: str
    contract: Document | None = None  # None: a unit of the customs body itself
    unreceipted: int = 0  # recordings aboard without the server's receipt: only after offload.impossible


@_fact("repair.returned")
class RepairReturned(Fact, frozen=True):
    item: str
    result: str


# --- works and outages -----------------------------------------------------------------------------


@_fact("works.opened")
class WorksOpened(Fact, frozen=True):
    """Maintenance works on parts of the complex begin (459-III.14-works). Repair is no works."""

    works: str
    entry: str  # which works of the operating manual
    grounds: str
    items: tuple[str, ...]  # inventory numbers
    persons: tuple[str, ...]  # names of those who carry them out
    letter: Document | None = None  # to the head of the post (459-III.14-notice); None: alert
    version_before: str = ""


@_fact("works.closed")
class WorksClosed(Fact, frozen=True):
    works: str
    measures: str
    result: str
    note: str = ""
    version_after: str = ""


@_fact("outage.started")
class OutageStarted(Fact, frozen=True):
    """Cameras cannot be used because the complex has failed (459-III.15-outage)."""

    outage: str
    cause: str
    since: str


@_fact("outage.ended")
class OutageEnded(Fact, frozen=True):
    outage: str
    acts: str
    at: str


# --- journals --------------------------------------------------------------------------------------


@_fact("volume.opened")
class VolumeOpened(Fact, frozen=True):
    """A new volume of a journal that was lost or seized (459-III.4-lost-journal)."""

    journal: str  # edged.journals.forms.Kind
    volume: int
    ground: str  # "lost" "seized"
    since: str  # begins at this moment and repeats what was entered from it on
    document: str = ""  # of the seizure
    incident: str = ""


class SignatoryFact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    person: str
    position: str
    name: str


@_fact("sheet.made")
class SheetMade(Fact, frozen=True):
    """A sheet of a journal as it is to be signed. It carries its rows, so that its bytes never change."""

    sheet: str
    journal: str
    volume: int
    rows: tuple[tuple[str, ...], ...]
    signatories: tuple[SignatoryFact, ...]
    first: int
    last: int
    root: str
    sha256: str  # of what is signed
    entries: tuple[str, ...] = ()  # incidents, works, lines of rounds that it tells; sheets that it repeats


@_fact("sheet.signed")
class SheetSigned(Fact, frozen=True):
    """A detached signature was attached. What it is worth stands in ``verdict``."""

    sheet: str
    place: int  # which signature line, from 0
    sha256: str  # of the signature's file
    algorithm: str
    signer: str  # of the certificate, as it names the person; "" where it cannot be read
    verdict: str  # edged.journals.signature.Verdict


@_fact("sheet.registered")
class SheetRegistered(Fact, frozen=True):
    """Registered in the electronic document management system (459-III.4-edms): there is the original."""

    sheet: str
    document: Document


@_fact("round.made")
class RoundMade(Fact, frozen=True):
    """An inspection round over docks and cameras at the start or the end of a shift (scan-annex3, ours)."""

    when: str  # "start" "end"
    item: str
    in_order: bool
    faults: str = ""


@_fact("recovered.accepted")
class RecoveredAccepted(Fact, frozen=True):
    """A designated technical administrator brings in what a service centre has recovered (459-III.12-recovered)."""

    recording: str
    file: str  # as the service centre named it
    size: int
    camera: str
    incident: str
    centre: str
    contract: Document


@_fact("clear.asked")
class ClearAsked(Fact, frozen=True):
    """Somebody asks for a clearing that the station has stopped doing; another has to agree."""

    camera: str
    reason: str


@_fact("clear.agreed")
class ClearAgreed(Fact, frozen=True):
    """A second person agrees: one round with the policy "forced" follows."""

    camera: str


@_fact("clear.ended")
class ClearEnded(Fact, frozen=True):
    """What that round came to."""

    camera: str
    cleared: int  # recordings


@_fact("scan.accepted")
class ScanAccepted(Fact, frozen=True):
    """An image of a scanner is brought in by a permission (scan-VI.1-no-copy, scan-images)."""

    recording: str
    file: str  # in the watched folder
    source: str  # name of the scanner
    permission: Document


@_fact("export.requested")
class ExportRequested(Fact, frozen=True):
    """A copy for a third party was asked for (459-V.5-third-parties); nothing is handed over yet."""

    export: str
    recording: str
    request: Document
    law: str  # the provision that it rests on
    receiver: str


@_fact("export.dropped")
class ExportDropped(Fact, frozen=True):
    export: str
    reason: str


@_fact("export.made")
class ExportMade(Fact, frozen=True):
    """A second person has made the copy. It lies in ``folder`` at the station until somebody takes it."""

    export: str
    recording: str
    folder: str
    sha256: str  # of its SHA256SUMS
    size: int  # of the recording


@_fact("recording.referenced")
class RecordingReferenced(Fact, frozen=True):
    """A case or an information sheet that a recording belongs to (scan-annex1). Not one byte of it changes."""

    recording: str
    code: str  # of the unit: UA123456
    number: int
    year: int
    asked_by: str = (
        ""  # position and name, as the centre's signed request says; "": the line's actor has entered it
    )
    request_sha256: str = ""  # of that request
