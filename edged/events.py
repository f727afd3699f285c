"""The log events that others rely on: dashboards, the audit trail, support.

An event has an id that never changes (``EDG-`` and four digits; the first digit as in `edged.errors`, 5 also
for the station's own life), a journald MESSAGE_ID, a fixed level, and named fields with units in the name. The
sentence may be reworded any time; ids and fields are pinned by a test. Levels by reader: DEBUG developer,
INFO support, WARNING someone should look, ERROR someone must act.

``docs/events.md`` and ``systemd/edged.catalog`` are generated from this table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from string import Formatter
from types import MappingProxyType
from uuid import UUID, uuid5

from edged.errors import Fact

_NAMESPACE = UUID("6c1c2a52-7a0e-5f38-9d5e-3f6c2f0b9a41")
"""MESSAGE_ID = uuid5 of this and the event's id. Never change it."""


class Level(IntEnum):
    """As in the standard library."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40


D, I, W, X = Level.DEBUG, Level.INFO, Level.WARNING, Level.ERROR  # noqa: E741 - columns of the table below


@dataclass(frozen=True, slots=True)
class LogEvent:
    """``text`` is a str.format template; its names are the fields that every such line has. A line may
    carry more facts than its sentence tells."""

    id: str
    level: Level
    text: str

    @property
    def message_id(self) -> UUID:
        return uuid5(_NAMESPACE, self.id)

    @property
    def ordered_fields(self) -> tuple[str, ...]:
        """The fields in the order of the sentence."""
        return tuple(dict.fromkeys(name for _, name, _, _ in Formatter().parse(self.text) if name))

    @property
    def fields(self) -> frozenset[str]:
        return frozenset(self.ordered_fields)

    def with_places(self, place: Callable[[str], str]) -> str:
        """Return the sentence with ``place(name)`` where a field stands."""
        parts = Formatter().parse(self.text)
        return "".join(literal + (place(name) if name else "") for literal, name, _, _ in parts)

    def sentence(self, fields: Mapping[str, Fact]) -> str:
        """Raises KeyError if a field is missing, ValueError if one has the wrong type: defects."""
        return self.text.format_map(fields)


_TABLE: tuple[tuple[str, Level, str], ...] = (
    # dock hardware
    ("EDG-1101", W, "Dock {dock} lost: {reason} ({code})"),
    ("EDG-1102", I, "Dock {dock} connected: board {serial}, firmware {firmware}"),
    ("EDG-1104", I, "Dock {dock} reports event {number}: {what}, slot {slot}"),
    ("EDG-1201", W, "Reader {reader} lost: {reason} ({code})"),
    ("EDG-1202", I, "Reader {reader} connected: {serial}, firmware {firmware}"),
    ("EDG-1301", X, "Slot {slot} is out of use: {reason} ({code})"),
    ("EDG-1302", I, "Slot {slot} is in use again: {reason}"),
    # camera and slot
    ("EDG-2101", I, "Slot {slot}: {before} -> {after} because of {cause}"),
    ("EDG-2102", I, "Camera {camera} docked in slot {slot}: {model}, driver {driver}, in the list: {known}"),
    (
        "EDG-2105",
        X,
        "Device {vendor_id:04x}:{product_id:04x} in slot {slot} refused: {reason} ({interfaces})",
    ),
    ("EDG-2106", I, "Clock of camera {camera} in slot {slot} is {offset_ms} ms off, +-{uncertainty_ms} ms"),
    ("EDG-2107", I, "Clock of camera {camera} in slot {slot} corrected by {offset_ms} ms"),
    (
        "EDG-2108",
        I,
        "Camera {camera} in slot {slot} is ready, charge {charge_percent} %, {free_bytes} bytes free",
    ),
    ("EDG-2109", I, "Camera {camera} in slot {slot} is not ready: {reasons}"),
    ("EDG-2110", I, "Camera {camera} left slot {slot}: {reason}"),
    ("EDG-2111", I, "Camera {camera}: {mark} by {actor}: {reason}"),
    ("EDG-2112", W, "Command to camera {camera} in slot {slot} failed: {reason} ({code})"),
    ("EDG-2201", I, "Offload of {recording} from camera {camera} in slot {slot}, from byte {offset}"),
    ("EDG-2202", I, "Recording {recording} of camera {camera} sealed: {size} bytes, SHA-256 {sha256}"),
    ("EDG-2203", W, "Offload of {recording} interrupted at byte {held}: {reason} ({code})"),
    ("EDG-2204", X, "Recording {recording} of camera {camera} is damaged: {gaps} unreadable parts"),
    ("EDG-2206", W, "Listing of camera {camera} in slot {slot} has problems: {problems}"),
    ("EDG-2301", I, "Clearing {recordings} recordings from camera {camera} in slot {slot}, policy {policy}"),
    (
        "EDG-2302",
        I,
        "Camera {camera} in slot {slot} cleared of {recordings} recordings, {free_bytes} bytes free",
    ),
    ("EDG-2303", W, "Clearing camera {camera} in slot {slot} failed: {reason} ({code})"),
    ("EDG-2304", D, "Recording {recording} stays on camera {camera}: the delete gate holds at {rules}"),
    # network and centre: the courier, and what edged makes of what it fetched
    ("EDG-3001", I, "Courier started for station {station}, centre {centre}"),
    ("EDG-3002", I, "Courier stopped: {reason}"),
    ("EDG-3101", W, "Centre lost: {reason} ({code}); next try in {retry_s:.0f} s"),
    ("EDG-3102", I, "Centre reached again after {attempts} attempts"),
    ("EDG-3103", I, "Recording {recording} delivered: {size} bytes in {elapsed_s:.1f} s"),
    ("EDG-3104", I, "Recording {recording} confirmed by {server}, kept until {retain_until}"),
    ("EDG-3105", X, "Receipt for {recording} refused: {reason} ({code})"),
    ("EDG-3106", W, "Recording {recording} held: {reason}"),
    ("EDG-3107", I, "Checkpoint {size} is countersigned"),
    ("EDG-3109", W, "Transfer of {name} given up at byte {sent}: {reason} ({code})"),
    ("EDG-3110", I, "Transfer of {name} resumed at byte {offset} of {size}"),
    ("EDG-3111", D, "{name} sent: {size} bytes"),
    ("EDG-3112", X, "The centre's host key is not the pinned one, no further connection: {reason} ({code})"),
    ("EDG-3113", X, "The centre went back from {before} to {now} countersigned lines; all is offered again"),
    ("EDG-3114", W, "The centre lost {recording}, which is offered again"),
    ("EDG-3115", W, "The courier's disk failed: {reason}"),
    ("EDG-3116", W, "The courier's queue is made anew: {reason}"),
    ("EDG-3117", W, "{name} not delivered, tried again later: {reason} ({code})"),
    ("EDG-3118", I, "Fetched from the centre: {name}"),
    ("EDG-3201", I, "Centre: recording {recording} of {station} stored, {size} bytes"),
    ("EDG-3202", W, "Centre: recording {recording} of {station} refused: {reason}"),
    ("EDG-3203", I, "Centre: checkpoint {size} of {station} countersigned"),
    ("EDG-3204", X, "Centre: checkpoint {size} of {station} not countersigned: {reason}"),
    ("EDG-3205", W, "Centre: alert {alert} about {station}: {reason}"),
    # configuration and lists
    ("EDG-4001", I, "Configuration {file} in force, SHA-256 {sha256}"),
    ("EDG-4002", W, "Commissioning needed: {reason} ({code}). {remedy}"),
    ("EDG-4003", I, "What was missing has come: the daemon ends, to be started anew"),
    ("EDG-4004", W, "The lights of dock {dock} cannot say that it is out of use: {reason}"),
    ("EDG-4005", X, "Out of service, the last start failed: {reason} ({code}). {remedy}"),
    ("EDG-4006", I, "The daemon ends, to be started anew and try once more"),
    ("EDG-4101", I, "Roster version {version} in force: {persons} persons, valid until {valid_until}"),
    ("EDG-4102", X, "Roster refused: {reason} ({code})"),
    ("EDG-4103", I, "Duty schedule version {version} in force: {shifts} shifts, valid until {valid_until}"),
    ("EDG-4104", X, "Duty schedule refused: {reason} ({code})"),
    # host, disk, clock; the station's own life
    ("EDG-5001", I, "Station {station} started, version {version}, unfinished before: {unfinished}"),
    ("EDG-5002", I, "Station stopped: {reason}"),
    ("EDG-5003", I, "Station is ready after {elapsed_s:.1f} s"),
    ("EDG-5101", W, "Alert {alert} raised: {text} ({code}). {remedy}"),
    ("EDG-5102", I, "Alert {alert} withdrawn"),
    ("EDG-5301", X, "Disk: {operation} of {path} failed: {reason} ({code})"),
    ("EDG-5401", I, "Host clock: {before} -> {after}, error at most {max_error_ms} ms"),
    ("EDG-5402", I, "Host clock confirmed by {actor}, was {before}"),
    ("EDG-5501", W, "The event loop stood still for {lag_s:.1f} s"),
    ("EDG-5502", X, "Watchdog not fed: no progress of {part} for {stale_s:.0f} s"),
    # ledger and signing
    ("EDG-6001", I, "Ledger opened at line {lines}, checkpoint {checkpoint}"),
    ("EDG-6002", W, "Torn last line of the ledger cut: {size} bytes, SHA-256 {sha256}"),
    ("EDG-6003", D, "Checkpoint {size} signed"),
    ("EDG-6004", X, "Ledger: {reason} ({code})"),
    ("EDG-6005", X, "Key file {path} cannot be used: {reason} ({code})"),
    ("EDG-6006", X, "Recording {recording} in the vault is not what was sealed"),
    # access and persons
    ("EDG-7101", I, "Slot {slot} granted to {officer}: camera {camera}, reader {reader}"),
    ("EDG-7102", I, "Camera {camera} issued to {officer} from slot {slot}: issue {issue}"),
    ("EDG-7103", I, "Grant for slot {slot} void: {reason}"),
    ("EDG-7104", I, "Camera {camera} returned to slot {slot}, issue {issue} of {officer}"),
    ("EDG-7105", I, "{count} returns confirmed by {responsible}"),
    ("EDG-7106", W, "Badge {credential} refused at reader {reader}: {reason} ({count} times)"),
    ("EDG-7107", X, "Camera {camera} torn out of slot {slot}, seen by {witness}"),
    ("EDG-7108", W, "Incident {incident} drafted: {kind}, slot {slot}, camera {camera}"),
    ("EDG-7110", W, "Account {account} may not: {verb}"),
    ("EDG-7111", I, "Officer {person} added by {actor}, valid until {valid_until}"),
    ("EDG-7112", I, "Officer {person} revoked by {actor}: {reason}"),
    ("EDG-7114", W, "Recording {recording} copied for {receiver} by {actor}: {folder}"),
    ("EDG-7113", I, "{verb} by {actor}"),
    # defects
    ("EDG-9001", X, "A defect in {part}: {error}"),
    ("EDG-9002", X, "Log event {misused} was used with wrong fields: {given}"),
    ("EDG-9003", W, "{library}: {text}"),
    ("EDG-9101", W, "Process {process} (pid {pid}) says: {text}"),
    ("EDG-9102", X, "Process {process} (pid {pid}) does not end, {abandoned} are left behind so far"),
    ("EDG-9103", I, "A worker has come to slot {slot} (pid {pid}, connection {connection})"),
    ("EDG-9104", W, "A process (pid {pid}) is not let in as the worker of slot {slot}: {reason}"),
    ("EDG-9105", X, "The USB port of slot {slot} could not be shut: {reason}"),
    ("EDG-9004", W, "{count} log lines were lost: the journal did not take them"),
)

EVENTS: Mapping[str, LogEvent] = MappingProxyType({row[0]: LogEvent(*row) for row in _TABLE})
