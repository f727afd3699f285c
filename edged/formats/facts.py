"""What the station itself states: the ``type`` and the ``data`` of a line. Persons: `edged.formats.shift_facts`.

Rule 1: a fact is named noun.participle and never changes its meaning; fields are only added, with a
default. Rule 2: an intent is durable before its effect (``camera.granted`` before the lock opens,
``offload.started`` before the first byte, ``clear.started`` before the first directory entry), and
each intent has exactly one outcome, at the latest written by the recovery after a restart.
Rule 3: no credential, no password, no key: a badge appears as the first 16 hex digits of its keyed
digest. Times are UTC, RFC 3339 with milliseconds and ``Z``, unless the field says ``local``.
"""

from typing import ClassVar

import msgspec

Facts = dict[str, str | int | float | bool]


class Fact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base. ``TYPE`` is the ledger's ``type``."""

    TYPE: ClassVar[str]


FACTS: dict[str, type[Fact]] = {}
"""Those of this file; `edged.formats.line.FACTS` has all."""


def named_in(table: dict[str, type[Fact]]):  # type: ignore[no-untyped-def]  # of a decorator that returns its class
    """Return the decorator that gives a fact its name and enters it into ``table``."""

    def fact(name: str):  # type: ignore[no-untyped-def]
        def register(cls: type[Fact]) -> type[Fact]:
            cls.TYPE = name
            table[name] = cls
            return cls

        return register

    return fact


_fact = named_in(FACTS)


class ClipFact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file aboard a camera, as listed, with the id that the station gave it."""

    recording: str  # 32 hex digits, random
    path: str  # the camera's claim, undecodable units escaped; never used as a path of ours
    size: int
    mtime: str  # camera's local time, "" if the entry has none
    first_cluster: int  # -1: from no card, recovered by a service centre


class GapFact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    offset: int
    size: int


# --- station ---------------------------------------------------------------------------------------


@_fact("station.commissioned")
class StationCommissioned(Fact, frozen=True):
    """The first line of every ledger, and only the first."""

    station: str
    customs_body: str
    post: str
    station_key: str  # signed-note verifier keys: name+hash+base64
    authority_key: str
    centre_key: str
    version: str


@_fact("station.key_changed")
class KeyChanged(Fact, frozen=True):
    """From the next line on the station signs with ``key``; the checkpoint that ends here bears both signatures."""

    key: str  # signed-note verifier key: name+hash+base64


@_fact("station.started")
class StationStarted(Fact, frozen=True):
    version: str
    config_sha256: str
    clean: bool  # the last line before was station.stopped
    unfinished: tuple[str, ...] = ()  # "offload:<recording>", "grant:<grant>", "clear:<camera>"


@_fact("station.stopped")
class StationStopped(Fact, frozen=True):
    reason: str


@_fact("ledger.tail_cut")
class LedgerTailCut(Fact, frozen=True):
    """A torn last line, never acknowledged to anybody, was removed at start."""

    size: int
    sha256: str


@_fact("config.changed")
class ConfigChanged(Fact, frozen=True):
    sha256: str


@_fact("roster.accepted")
class RosterAccepted(Fact, frozen=True):
    version: int
    sha256: str
    valid_from: str
    valid_until: str
    persons: int


@_fact("roster.refused")
class RosterRefused(Fact, frozen=True):
    code: int
    sha256: str
    detail: Facts = {}


class RightFact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    person: str
    change: str  # edged.rights_changes.Change
    what: str = ""  # role with its document and validity, badge, account, name


@_fact("rights.changed")
class RightsChanged(Fact, frozen=True):
    """What a roster changes against the one before; at most RIGHTS_A_LINE a line (459-II.5-audit)."""

    version: int
    changes: tuple[RightFact, ...]


@_fact("clock.confirmed")
class ClockConfirmed(Fact, frozen=True):
    """A named person vouches for the host's wall clock."""

    class_before: str


@_fact("alert.raised")
class AlertRaised(Fact, frozen=True):
    alert: str  # noun-condition, with its subject: "reader-silent:A"
    code: int
    detail: Facts = {}


@_fact("alert.withdrawn")
class AlertWithdrawn(Fact, frozen=True):
    alert: str


@_fact("access.refused")
class AccessRefused(Fact, frozen=True):
    """Somebody asked the control socket for what the account may not do."""

    verb: str
    account: str
    uid: int


# --- persons ---------------------------------------------------------------------------------------


@_fact("officer.added")
class OfficerAdded(Fact, frozen=True):
    person: str
    name: str
    credential: str  # full keyed digest, 64 hex digits: the ledger is the list's only home
    valid_until: str
    appointment: str


@_fact("officer.revoked")
class OfficerRevoked(Fact, frozen=True):
    person: str
    reason: str


@_fact("badge.refused")
class BadgeRefused(Fact, frozen=True):
    reader: str
    reason: str  # edged.access.Refusal
    credential: str  # first 16 hex digits of the keyed digest
    person: str = ""
    camera: str = ""
    count: int = 1  # refusals that this line stands for (throttled repeats)


# --- custody ---------------------------------------------------------------------------------------


@_fact("camera.docked")
class CameraDocked(Fact, frozen=True):
    slot: int
    camera: str  # serial; "" if it has no usable one
    driver: str
    model: str
    known: bool
    usb_serial: str
    descriptor_sha256: str
    issue: str = ""  # the open issue that this return ends
    officer: str = ""


@_fact("camera.undocked")
class CameraUndocked(Fact, frozen=True):
    """Out of the slot where nobody had to authorise it: an unlocked slot (works, unknown camera)."""

    slot: int
    camera: str
    reason: str


@_fact("camera.granted")
class CameraGranted(Fact, frozen=True):
    """Intent: the lock of this slot may open once, for this officer, until this time."""

    grant: str
    slot: int
    camera: str
    officer: str
    reader: str
    open_s: float


@_fact("grant.voided")
class GrantVoided(Fact, frozen=True):
    """Outcome: the camera was not taken."""

    grant: str
    slot: int
    reason: str  # "not-taken" "dock-refused" "reader-lost" "restart" "slot-changed"


@_fact("camera.issued")
class CameraIssued(Fact, frozen=True):
    """Outcome: the officer took the camera. Opens the issue."""

    grant: str
    issue: str
    slot: int
    camera: str
    officer: str
    user_no: str = ""  # what the camera now shows as its officer; "" if it could not be written
    shift: str = ""  # of the duty schedule; "": of none that is known
    flags: tuple[str, ...] = ()  # what was let pass: edged.duty.Flag, edged.readiness.NotReady


@_fact("return.confirmed")
class ReturnConfirmed(Fact, frozen=True):
    """The responsible person's badge confirms check and presence of these returns."""

    issues: tuple[str, ...]
    responsible: str
    reader: str


@_fact("slot.forced_open")
class SlotForcedOpen(Fact, frozen=True):
    slot: int
    camera: str
    witness: str  # "dock" (the lock's own sensor), "contact", "usb"
    issue: str = ""  # written down a moment before, and wrong: the lock had not opened when the contact broke


@_fact("incident.drafted")
class IncidentDrafted(Fact, frozen=True):
    incident: str
    kind: str  # "forced-removal" "damaged-recording" "camera-not-returned" "disk" "ledger"
    slot: int = 0
    camera: str = ""
    issue: str = ""
    recording: str = ""


@_fact("alarm.acknowledged")
class AlarmAcknowledged(Fact, frozen=True):
    """A person has taken note of a camera that was torn out of this slot; the incident stays open."""

    slot: int


@_fact("works.started")
class WorksStarted(Fact, frozen=True):
    camera: str
    grounds: str


@_fact("works.ended")
class WorksEnded(Fact, frozen=True):
    camera: str
    result: str


@_fact("camera.quarantined")
class CameraQuarantined(Fact, frozen=True):
    camera: str
    reason: str


@_fact("camera.released")
class CameraReleased(Fact, frozen=True):
    camera: str
    reason: str


# --- slots, docks, readers -------------------------------------------------------------------------


@_fact("slot.faulted")
class SlotFaulted(Fact, frozen=True):
    slot: int
    code: int
    detail: Facts = {}


@_fact("slot.cleared")
class SlotCleared(Fact, frozen=True):
    slot: int
    reason: str


@_fact("slot.opened")
class SlotOpened(Fact, frozen=True):
    """Intent: the lock of this slot may open for a technician (camera out of use, or a silent one)."""

    slot: int
    camera: str
    open_s: float


@_fact("device.refused")
class DeviceRefused(Fact, frozen=True):
    """Something in a slot that is not a camera, or hides more than a camera."""

    slot: int
    vendor_id: int
    product_id: int
    interfaces: tuple[str, ...]
    reason: str
    descriptors: str = ""  # hex digits: the device's and its first configuration's, at most 256 bytes


@_fact("dock.connected")
class DockConnected(Fact, frozen=True):
    dock: str
    serial: str
    firmware: str
    unlocks: int  # the controller's own monotonic counters
    insertions: int


@_fact("dock.lost")
class DockLost(Fact, frozen=True):
    dock: str
    code: int
    detail: Facts = {}


@_fact("dock.reported")
class DockReported(Fact, frozen=True):
    """A numbered event of the controller that is nothing else here (power loss, fault, cover)."""

    dock: str
    number: int
    what: str
    slot: int = 0


@_fact("reader.connected")
class ReaderConnected(Fact, frozen=True):
    reader: str
    serial: str
    firmware: str


@_fact("reader.lost")
class ReaderLost(Fact, frozen=True):
    reader: str
    code: int
    detail: Facts = {}


# --- readiness -------------------------------------------------------------------------------------


@_fact("clock.measured")
class ClockMeasured(Fact, frozen=True):
    """Camera clock against host clock, before any correction. Positive: the camera is ahead."""

    camera: str
    slot: int
    offset_ms: int
    uncertainty_ms: int  # half the round trip + resolution + host bound; -1: host bound unknown
    host_class: str
    after_correction: bool = False


@_fact("clock.corrected")
class ClockCorrected(Fact, frozen=True):
    """Intent: the camera's clock is set. Its outcome is the measurement that follows."""

    camera: str
    slot: int
    offset_ms: int  # what was corrected
    host_class: str


@_fact("readiness.changed")
class ReadinessChanged(Fact, frozen=True):
    camera: str
    slot: int
    ready: bool
    reasons: tuple[str, ...] = ()  # edged.readiness.NotReady values
    charge_percent: int = -1  # -1: unknown
    free_bytes: int = -1


# --- recordings ------------------------------------------------------------------------------------


@_fact("camera.listed")
class CameraListed(Fact, frozen=True):
    """What lies on the card, new clips only; at most 64 a line. The manifest of gate G1."""

    camera: str
    slot: int
    volume: str
    filesystem: str
    complete: bool
    clips: tuple[ClipFact, ...] = ()
    issue: str = ""
    officer: str = ""
    problems: tuple[str, ...] = ()


@_fact("offload.started")
class OffloadStarted(Fact, frozen=True):
    """Intent: bytes of this clip begin to come in, from ``offset`` of a copy already begun."""

    recording: str
    camera: str
    slot: int
    offset: int
    folder: str  # within the vault: "2026/11/22"


@_fact("offload.interrupted")
class OffloadInterrupted(Fact, frozen=True):
    """Outcome: no sealed copy; ``held`` bytes of it lie in the vault as a beginning."""

    recording: str
    held: int
    code: int
    reason: str


@_fact("recording.sealed")
class RecordingSealed(Fact, frozen=True):
    recording: str
    camera: str
    path: str
    size: int
    sha256: str
    fingerprint: str  # of first and last MiB
    mtime: str
    medium: str  # edged.ports.Medium
    folder: str
    file: str  # "content.mp4"
    issue: str = ""
    officer: str = ""
    resumed_from: int = 0
    second_read: bool = False
    true_time: str = ""  # end of recording: mtime corrected by the measured offset, UTC; "" unknown
    uncertainty_ms: int = -1
    gaps: tuple[GapFact, ...] = ()  # not empty: DAMAGED
    film_began: str = (
        ""  # as the film says it, by the camera's clock, local or UTC; "" not said (edged.films)
    )
    film_ms: int = -1  # its length; -1: no film, or one that does not tell


@_fact("recording.confirmed")
class RecordingConfirmed(Fact, frozen=True):
    recording: str
    receipt_sha256: str
    server: str
    server_level: str
    placed_at: str
    retain_until: str


@_fact("receipt.refused")
class ReceiptRefused(Fact, frozen=True):
    recording: str
    reason: str


@_fact("recording.held")
class RecordingHeld(Fact, frozen=True):
    """The centre refuses this one and will not take it; it stays in the vault and on the camera."""

    recording: str
    reason: str


@_fact("recording.corrupted")
class RecordingCorrupted(Fact, frozen=True):
    """What lies in the vault is no longer what was sealed."""

    recording: str
    sha256: str  # of what was found; "" if the file is gone


@_fact("recording.reread")
class RecordingReread(Fact, frozen=True):
    """Sealed shortly before the host went down, read from the medium again after it, and whole."""

    recording: str
    medium: str  # edged.ports.Medium


@_fact("clear.started")
class ClearStarted(Fact, frozen=True):
    """Intent: these recordings, all past the delete gate, are removed from the camera."""

    camera: str
    slot: int
    recordings: tuple[str, ...]
    policy: str  # edged.gate.Policy: the one that counted
    decision: str = ""  # number and date of the written decision that another policy than on-receipt rests on
    decision_date: str = ""


@_fact("camera.cleared")
class CameraCleared(Fact, frozen=True):
    """Outcome: gone from the card, seen by a new listing after the write."""

    camera: str
    slot: int
    recordings: tuple[str, ...]
    free_before: int
    free_after: int
    free_expected: int


@_fact("clear.failed")
class ClearFailed(Fact, frozen=True):
    camera: str
    slot: int
    recordings: tuple[str, ...]
    code: int
    reason: str
