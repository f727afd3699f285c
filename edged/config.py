"""The station's configuration: TOML to frozen structs, and nothing passes that is not understood.

Every setting has type, default, unit and a sentence here; ``docs/configuration.md`` is made from them.
Unknown keys, bad values and dangerous combinations are refused with file, key, line and what was expected.
Loading is pure: whether files exist and have the right mode is looked at by `edged.key_files`, at start.
"""

import difflib
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import chain, islice
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from edged.errors import ConfigError, EdgeError, ErrorCode
from edged.formats.note import Verifier
from edged.key_files import KEY_FILE, KEY_FILE_OR_NONE
from edged.toml_text import line_of, parse
from sync.config import SyncConfig

COPIABLE_KINDS = frozenset({"iso14443-uid", "em4100", "hid-prox"})
"""Badge kinds that are a bare number: anyone can make a second one. They need a written decision."""


def _m(sentence: str, unit: str = "", **limits: Any) -> msgspec.Meta:
    return msgspec.Meta(description=sentence, extra={"unit": unit}, **limits)


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


_ABSOLUTE = r"^/[^\0]{0,4000}\Z"
_PATH_OR_NONE = r"^(/[^\0]{0,4000})?\Z"
_BUS_PATH = r"\d{1,3}-\d{1,2}(\.\d{1,2}){0,5}"
_ID_PATH = r"(pci|platform)-[A-Za-z0-9:._-]{1,64}-usb-0:\d{1,3}(\.\d{1,3}){0,5}"
_NAME = r"^[a-z0-9][a-z0-9-]{0,31}\Z"


class Decision(_Section, frozen=True):
    """A written decision that a dangerous setting rests on."""

    number: Annotated[str, _m("Number of the document.", min_length=1, max_length=100)]
    date: Annotated[date, _m("Its date.")]


class Station(_Section, frozen=True):
    """Which station this is."""

    id: Annotated[str, _m("Identity of the station, as commissioned.", pattern=_NAME)]
    state: Annotated[str, _m("Folder of ledger, keys and state.", pattern=_ABSOLUTE)] = "/var/lib/edged"
    inbox: Annotated[
        str, _m("Folder where edged-sync leaves receipts and countersignatures.", pattern=_ABSOLUTE)
    ] = "/var/lib/edged-sync/inbox"
    timezone: Annotated[str, _m("Time zone of the post, and of the cameras' clocks.")] = "Europe/Kyiv"
    camera_timezone: Annotated[
        str, _m("Time zone of the cameras' clocks if it is another; empty: as `timezone`.")
    ] = ""


class Keys(_Section, frozen=True):
    """Files of secrets (mode 0600), and the public keys that the station believes.

    A secret is a path, or `credential:NAME`: the file `NAME` of `/etc/edged/keys/core`, which systemd hands to
    the core alone.
    """

    authority: Annotated[str, _m("Verifier key of the authority that signs rosters.")]
    centre: Annotated[str, _m("Verifier key of the centre that signs receipts.")]
    signing_key: Annotated[
        str, _m("Station's signing key, PEM; empty: `<state>/keys/station.key`.", pattern=KEY_FILE_OR_NONE)
    ] = ""
    badge_key: Annotated[
        str, _m("Secret of the badge digests; empty: `<state>/keys/badge.key`.", pattern=KEY_FILE_OR_NONE)
    ] = ""


class Vault(_Section, frozen=True):
    """Where recordings lie until the centre has them."""

    path: Annotated[str, _m("Folder, on a disk of its own.", pattern=_ABSOLUTE)]
    filesystem: Annotated[
        str,
        _m(
            "UUID of the file system that the folder must lie on (`findmnt -no UUID PATH`); empty: any.",
            pattern=r"^[0-9A-Za-z-]{0,36}\Z",
        ),
    ] = ""
    reserve_bytes: Annotated[
        int, _m("Kept free for the ledger, never given to recordings.", "bytes", ge=1_000_000, le=10**12)
    ] = 268_435_456
    high_water: Annotated[
        int,
        _m("Fill at which an alert is raised; at a quarter of the rest no offload begins.", "%", ge=1, le=99),
    ] = 85
    allow_memory: Annotated[
        bool, _m("Accept a memory file system, for trials: recordings die with the power.")
    ] = False


class Ledger(_Section, frozen=True):
    """When checkpoints are signed."""

    checkpoint_lines: Annotated[int, _m("After so many new lines …", "lines", ge=1, le=100_000)] = 500
    checkpoint_s: Annotated[float, _m("… or this long after the first of them.", "s", ge=0.1, le=3600)] = 60.0


class Access(_Section, frozen=True):
    """Badges and grants."""

    roster: Annotated[str, _m("Signed roster of the customs body.", pattern=_ABSOLUTE)]
    schedule: Annotated[
        str,
        _m(
            "Signed duty schedule of the post; empty: none, and every issue is flagged.",
            pattern=_PATH_OR_NONE,
        ),
    ] = ""
    grant_open_s: Annotated[float, _m("How long a lock stays open for a badge.", "s", ge=1, le=60)] = 15.0
    badge_kinds: Annotated[
        tuple[Literal["desfire-id", "iso14443-uid", "em4100", "hid-prox"], ...],
        _m("Kinds of badges that count.", min_length=1, max_length=8),
    ] = ("desfire-id",)
    uid_only_waiver: Annotated[
        Decision | None, _m("Decision that allows badges which are a bare number and can be copied.")
    ] = None
    credential_tries: Annotated[
        int, _m("Refusals of one badge before it has to wait.", "taps", ge=1, le=100)
    ] = 5
    credential_refill_s: Annotated[float, _m("Time that gives one try back.", "s", ge=0.1, le=3600)] = 10.0
    reader_tries: Annotated[
        int, _m("Refusals at one reader before unknown badges have to wait.", "taps", ge=1, le=1000)
    ] = 10
    reader_refill_s: Annotated[float, _m("Time that gives one try back.", "s", ge=0.1, le=3600)] = 2.0
    responsible_grace_h: Annotated[
        float,
        _m("How long a responsible person's badge counts after the roster has expired.", "h", ge=0, le=720),
    ] = 0.0


class Shift(_Section, frozen=True):
    """How far a working shift reaches beyond the duty schedule. The order gives no numbers; these are ours."""

    early_min: Annotated[float, _m("For whoever comes before it begins.", "min", ge=0, le=240)] = 30.0
    late_min: Annotated[
        float, _m("For whoever leaves after it ends, and for the handover.", "min", ge=0, le=240)
    ] = 60.0
    not_listed: Annotated[
        Literal["refuse", "flag"],
        _m("An officer of no shift that is now. Without a valid schedule every issue is flagged."),
    ] = "refuse"
    unbriefed: Annotated[
        Literal["refuse", "flag"], _m("An officer's first use without a briefing entered before it.")
    ] = "flag"
    first_within_min: Annotated[
        float,
        _m("A first recording later than this after the issue is named in the report.", "min", ge=0, le=600),
    ] = 5.0
    pause_s: Annotated[
        float, _m("A pause longer than this between recordings is named in the report.", "s", ge=1, le=7200)
    ] = 60.0
    longest_h: Annotated[
        float, _m("A camera out for longer is late, where its shift is not known.", "h", ge=1, le=168)
    ] = 24.0
    confirm_min: Annotated[
        float,
        _m("A return that nobody has confirmed is asked for after this time.", "min", ge=0, le=1440),
    ] = 30.0
    at_once_min: Annotated[
        float, _m("A paper that is due at once is reminded of after this time.", "min", ge=0, le=1440)
    ] = 60.0

    remind_min: Annotated[
        float,
        _m("A paper that is due by the end of a shift is reminded of so long before.", "min", ge=0, le=1440),
    ] = 60.0


class Clock(_Section, frozen=True):
    """How far the host's clock is relied on: docs/clock.md."""

    holdover_ppm: Annotated[
        float, _m("Drift to reckon with while the host is not synchronised.", "ppm", ge=1, le=10_000)
    ] = 100.0
    correct_bound_s: Annotated[
        float,
        _m("A host whose own error may be larger corrects no camera; it measures on.", "s", ge=0.1, le=3600),
    ] = 120.0


class Readiness(_Section, frozen=True):
    """When a camera may be issued. The order gives no numbers; these are ours."""

    charge_min_percent: Annotated[int, _m("Least charge.", "%", ge=0, le=100)] = 80
    memory_min_h: Annotated[float, _m("Least free memory, in recording time.", "h", ge=0, le=1000)] = 12.0
    bitrate_mbit: Annotated[
        float, _m("Bit rate assumed where a camera does not tell.", "Mbit/s", ge=0.1, le=500)
    ] = 6.0
    clock_max_error_s: Annotated[float, _m("Largest clock error after correction.", "s", ge=0.1, le=3600)] = (
        2.0
    )
    unknown_charge: Annotated[
        Literal["refuse", "flag"], _m("A camera that cannot tell its charge: not issued, or issued flagged.")
    ] = "refuse"
    unknown_clock: Annotated[
        Literal["refuse", "flag"], _m("A camera whose clock cannot be read, or a host without time.")
    ] = "flag"
    unknown_memory: Annotated[Literal["refuse", "flag"], _m("A camera whose free memory is not known.")] = (
        "refuse"
    )
    battery_every_min: Annotated[
        float, _m("How often charge and clock are looked at again.", "min", ge=0.01, le=1440)
    ] = 10.0


class Clear(_Section, frozen=True):
    """When recordings may leave a camera. Nothing leaves by age."""

    policy: Annotated[
        Literal["on-receipt", "on-seal-when-needed"],
        _m("With the centre's receipt; or, by a decision, when memory is needed for the next shift."),
    ] = "on-receipt"
    decision: Annotated[Decision | None, _m("Decision that `on-seal-when-needed` rests on.")] = None
    second_read: Annotated[bool, _m("Read the source once more and compare before anything is cleared.")] = (
        True
    )


class CameraDriver(_Section, frozen=True):
    """What drivers need to know."""

    gat947_password_file: Annotated[
        str, _m("File (mode 0600) with the six-character password; empty: `000000`.", pattern=_PATH_OR_NONE)
    ] = ""


class Usb(_Section, frozen=True):
    """How USB devices are reached."""

    backend: Annotated[
        Literal["libusb", "units", "usbip"],
        _m("The host's ports by workers of our own, or by those that systemd starts; or a USB/IP server."),
    ] = "libusb"
    socket: Annotated[str, _m("Unix socket of the USB/IP server.", pattern=_PATH_OR_NONE)] = ""
    workers: Annotated[
        str, _m("Where the workers that systemd starts find us, a folder a slot.", pattern=_ABSOLUTE)
    ] = "/run/edged/workers"
    ports: Annotated[
        str, _m("Socket of edged-ports, which opens a slot's port for them.", pattern=_ABSOLUTE)
    ] = "/run/edged-ports/ports.sock"
    workers_user: Annotated[str, _m("Whom they run as.", pattern=r"^[a-z_][a-z0-9_-]{0,31}\Z")] = "edged-slot"


class Control(_Section, frozen=True):
    """The socket that edgectl uses."""

    socket: Annotated[str, _m("Path of the Unix socket.", pattern=_ABSOLUTE)] = "/run/edged/control.sock"
    mode: Annotated[str, _m("Its mode; nobody outside owner and group.", pattern=r"^0?[0-7][0-7]0\Z")] = (
        "0660"
    )


class Timing(_Section, frozen=True):
    """Deadlines and pauses. The defaults suit the cameras we know."""

    grace_s: Annotated[
        float, _m("A contact that breaks and comes back within this is no removal.", "s", ge=0, le=30)
    ] = 3.0
    lost_s: Annotated[
        float, _m("A camera off the bus is waited for this long, then power-cycled.", "s", ge=0.1, le=120)
    ] = 8.0
    identify_s: Annotated[
        float,
        _m("From contact to a known identity; up to eightfold when it runs out again.", "s", ge=1, le=300),
    ] = 30.0
    reenumerate_s: Annotated[
        float, _m("For leaving the bus and coming back (disk mode: 0-10 s; power cycle).", "s", ge=1, le=300)
    ] = 30.0
    power_cycle_s: Annotated[float, _m("How long power stays off in a cycle.", "s", ge=0.1, le=60)] = 3.0
    silent_retry_s: Annotated[
        float, _m("First pause before a silent camera is cycled again; doubles.", "s", ge=1, le=3600)
    ] = 30.0
    silent_retry_max_s: Annotated[float, _m("Longest such pause.", "s", ge=1, le=86_400)] = 900.0
    relock_margin_s: Annotated[
        float, _m("For the dock to report what became of an open lock.", "s", ge=0.1, le=30)
    ] = 2.0
    contact_bus_s: Annotated[
        float, _m("How long contact and bus may contradict each other.", "s", ge=1, le=600)
    ] = 30.0
    copy_idle_s: Annotated[float, _m("A copy without a new byte is given up.", "s", ge=0.1, le=600)] = 30.0
    copy_min_rate: Annotated[
        int, _m("A copy slower than this over a minute is parked.", "bytes/s", ge=0, le=10**9)
    ] = 65_536
    retry_s: Annotated[
        float, _m("First pause before failed work is tried again; doubles.", "s", ge=0.1, le=3600)
    ] = 10.0
    retry_max_s: Annotated[float, _m("Longest such pause.", "s", ge=0.1, le=86_400)] = 600.0


class Slot(_Section, frozen=True):
    """One slot of a dock."""

    label: Annotated[int, _m("Number on the housing, unique in the station.", ge=1, le=9999)]
    port: Annotated[
        str,
        _m(
            "USB port: its path, as 1-1.2; with backend `units` udev's ID_PATH.",
            pattern=rf"^({_BUS_PATH}|{_ID_PATH})\Z",
        ),
    ]
    controller_slot: Annotated[int, _m("The controller's own number for it.", ge=1, le=32)]


class Dock(_Section, frozen=True):
    """A dock with its controller and its badge reader."""

    name: Annotated[
        str, _m("Name of dock and reader in records.", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}\Z")
    ]
    controller: Annotated[str, _m("Serial line of the controller.", pattern=_ABSOLUTE)]
    controller_key: Annotated[str, _m("File (mode 0600) with the key shared with it.", pattern=KEY_FILE)]
    slots: Annotated[tuple[Slot, ...], _m("Its slots.", min_length=1, max_length=32)]
    reader: Annotated[str, _m("Serial line of the reader; empty: none.", pattern=_PATH_OR_NONE)] = ""
    reader_key: Annotated[
        str, _m("File (mode 0600) with the key shared with it.", pattern=KEY_FILE_OR_NONE)
    ] = ""
    charge_limit_ma: Annotated[int, _m("Most charging current of a slot.", "mA", ge=0, le=3000)] = 1500


class Camera(_Section, frozen=True):
    """A camera of the station's inventory."""

    serial: Annotated[str, _m("As the camera tells it.", min_length=1, max_length=64)]
    inventory_number: Annotated[str, _m("As in the journals.", min_length=1, max_length=64)]
    driver: Annotated[Literal["gat947", "msc"], _m("How it is talked to.")]
    assigned_to: Annotated[
        str, _m("Person of the roster who is offered it first; empty: nobody.", max_length=64)
    ] = ""
    reserve: Annotated[
        bool, _m("Reserve camera: charged and checked, and issued only by a memo of the head of the post.")
    ] = False


class Export(_Section, frozen=True):
    """Copies of recordings for third parties (459-V.5-third-parties): none until document and role are named."""

    decision: Annotated[
        Decision | None, _m("Document that says who decides; without it nothing is handed over.")
    ] = None
    role: Annotated[
        Literal["responsible", "account_admin"] | None,
        _m(
            "Who asks for a copy, and another of them makes it: what the document says; must stand beside it."
        ),
    ] = None
    folder: Annotated[str, _m("Where copies lie until they are taken.", pattern=_ABSOLUTE)] = (
        "/var/lib/edged/export"
    )


class Recovered(_Section, frozen=True):
    """Data that a service centre has recovered (459-III.12-recovered): brought in by designated persons only."""

    decision: Annotated[
        Decision | None, _m("Document that designates them; without it nothing is brought in.")
    ] = None
    persons: Annotated[
        tuple[str, ...], _m("Technical administrators of the roster, by their ids.", max_length=20)
    ] = ()
    folder: Annotated[str, _m("Where the files lie that are to be brought in.", pattern=_ABSOLUTE)] = (
        "/var/lib/edged/recovered"
    )


class Scans(_Section, frozen=True):
    """Images of scanners out of one folder (scan-images): none until a document permits it."""

    permission: Annotated[
        Decision | None,
        _m("Document that permits to copy images (scan-VI.1-no-copy); without it the folder is left alone."),
    ] = None
    folder: Annotated[
        str, _m("Where the scanner's files lie; they are read and never touched.", pattern=_ABSOLUTE)
    ] = "/var/lib/edged/scans"
    source: Annotated[
        str, _m("Name of the scanner in records.", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}\Z")
    ] = "scanner"
    every_s: Annotated[
        float,
        _m(
            "How often the folder is looked at; a file that has not changed since is taken.",
            "s",
            ge=1,
            le=3600,
        ),
    ] = 30.0


class Equipment(_Section, frozen=True):
    """A part of the complex that is no camera, with its inventory number (459-III.2-inventory)."""

    inventory_number: Annotated[str, _m("As in the journals.", min_length=1, max_length=64)]
    sort: Annotated[
        Literal["mount", "dock", "host", "server", "charger", "network", "ups"], _m("What it is.")
    ]


class Log(_Section, frozen=True):
    """Where log events go."""

    format: Annotated[Literal["journal", "console", "json"], _m("journald, a terminal, or JSON lines.")] = (
        "journal"
    )
    level: Annotated[Literal["debug", "info", "warning", "error"], _m("Least level written.")] = "info"


class Config(_Section, frozen=True):
    """A whole configuration. ``[sync]`` is the courier's; without it nothing is delivered."""

    station: Station
    keys: Keys
    vault: Vault
    access: Access
    dock: Annotated[tuple[Dock, ...], _m("", min_length=1, max_length=64)]
    ledger: Ledger = Ledger()
    shift: Shift = Shift()
    clock: Clock = Clock()
    readiness: Readiness = Readiness()
    clear: Clear = Clear()
    camera_driver: CameraDriver = CameraDriver()
    usb: Usb = Usb()
    control: Control = Control()
    timing: Timing = Timing()
    camera: Annotated[tuple[Camera, ...], _m("", max_length=5000)] = ()
    equipment: Annotated[tuple[Equipment, ...], _m("", max_length=5000)] = ()
    export: Export = Export()
    recovered: Recovered = Recovered()
    scans: Scans = Scans()
    log: Log = Log()
    sync: SyncConfig | None = None

    @property
    def signing_key_file(self) -> str:
        return self.keys.signing_key or f"{self.station.state}/keys/station.key"

    @property
    def badge_key_file(self) -> str:
        return self.keys.badge_key or f"{self.station.state}/keys/badge.key"

    @property
    def camera_timezone(self) -> str:
        return self.station.camera_timezone or self.station.timezone

    def secret_files(self) -> tuple[str, ...]:
        """Every file that must be the daemon's alone, each once."""
        named = [self.signing_key_file, self.badge_key_file, self.camera_driver.gat947_password_file]
        named += chain.from_iterable((dock.controller_key, dock.reader_key) for dock in self.dock)
        return tuple(dict.fromkeys(path for path in named if path))


_SECTIONS: dict[str, Any] = {field.name: field.type for field in msgspec.structs.fields(Config)} | {
    "sync": SyncConfig
}
ARRAYS: dict[str, type[msgspec.Struct]] = {"dock": Dock, "camera": Camera, "equipment": Equipment}


def sections() -> dict[str, type[msgspec.Struct]]:
    """Return every section by name, in the order of the file; for the page about them."""
    return {name: ARRAYS.get(name, kind) for name, kind in _SECTIONS.items()}


def load(text: bytes, name: str) -> Config:
    """Return the configuration in ``text``; ``name`` stands in errors.

    Raises:
        ConfigError: the first of what `check` lists.
    """
    config, errors = _read(text, name)
    if config is None or errors:
        raise errors[0]
    return config


def check(text: bytes, name: str) -> list[ConfigError]:
    """Return what is wrong, one sentence a section and key, MAX_ERRORS at a time; empty: it is good."""
    return _read(text, name)[1]


def _read(text: bytes, name: str) -> tuple[Config | None, list[ConfigError]]:
    try:
        tree = parse(text, name)
    except ConfigError as exc:
        return None, [exc]
    found = list(islice(_form(tree), MAX_ERRORS))
    if not found:
        config = msgspec.convert(tree, Config)
        found = list(islice(_sense(config), MAX_ERRORS))
        return config, [_error(text, name, *problem) for problem in found]
    return None, [_error(text, name, *problem) for problem in found]


SIZE_LIMIT = 1024 * 1024  # bytes of a configuration
MAX_ERRORS = 20  # each is looked for in the text; nobody corrects more at once
MAX_KEY = 200  # characters of a key in an error
_Problem = tuple[ErrorCode, str, str]  # code, key path, what was expected
_BAD, _DANGER = ErrorCode.CONFIG_INVALID, ErrorCode.CONFIG_DANGEROUS


def _error(text: bytes, name: str, code: ErrorCode, key: str, expected: str) -> ConfigError:
    line = line_of(text, key)
    where = {"line": line} if line else {}
    return ConfigError(code, file=name, key=key[:MAX_KEY], expected=expected, **where)


def _form(tree: dict[str, Any]) -> Iterable[_Problem]:
    """Types, limits, unknown and missing keys: section by section, arrays table by table."""
    for key, value in tree.items():
        if key not in _SECTIONS:
            near = difflib.get_close_matches(key, _SECTIONS, 1)
            yield _BAD, key, f"a known section{f', perhaps {near[0]}' if near else ''}"
        elif key in ARRAYS and isinstance(value, list):
            tables = [_convert(table, ARRAYS[key], f"{key}[{i}]") for i, table in enumerate(value)]
            problems = list(chain.from_iterable(tables))
            yield from problems or (_convert(value, _SECTIONS[key], key) if value else ())  # too many of them
        else:
            yield from _convert(value, _SECTIONS[key], key)
    for field in msgspec.structs.fields(Config):
        if field.required and field.name not in tree:
            yield _BAD, field.name, "this section; it has settings without a default"
    if tree.get("dock") == []:
        yield _BAD, "dock", "at least one dock"


def _convert(value: Any, kind: Any, key: str) -> Iterable[_Problem]:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as exc:
        message, _, path = str(exc).partition(" - at `$")
        path = key + path.rstrip("`")
        if (unknown := _quoted(message, "unknown field")) is not None:
            fields = getattr(kind, "__struct_fields__", ())
            near = difflib.get_close_matches(unknown, fields, 1)
            hint = f", perhaps {near[0]}" if near else ""
            yield _BAD, f"{path}.{unknown}", f"a known key{hint}"
        elif (missing := _quoted(message, "missing required field")) is not None:
            yield _BAD, f"{path}.{missing}", "this key; it has no default"
        elif message.startswith("Invalid enum value"):
            yield _BAD, path, f"one of {', '.join(_allowed(kind, path))}"
        else:
            yield _BAD, path, message.removeprefix("Expected ").replace("`", "")[:200]


def _allowed(kind: Any, path: str) -> list[str]:
    """The values that the setting at the end of ``path`` can have."""
    name = path.rpartition(".")[2].partition("[")[0]
    todo, found = [get_type_hints(kind).get(name)], list[str]()
    while todo:
        hint = todo.pop()
        if get_origin(hint) is Literal:
            found += get_args(hint)
        else:
            todo += get_args(hint)
    return found


def _quoted(message: str, words: str) -> str | None:
    _, found, rest = message.partition(f"{words} `")
    return rest.partition("`")[0][:60] if found else None


def _sense(config: Config) -> Iterable[_Problem]:
    """What single values cannot show: duplicates, contradictions, dangers."""
    yield from _twice(config)
    yield from _verifiers(config.keys)
    for key, zone in (("timezone", config.station.timezone), ("camera_timezone", config.camera_timezone)):
        if not _is_zone(zone):
            yield _BAD, f"station.{key}", "a time zone such as Europe/Kyiv"
    if config.vault.path == config.station.state:
        yield _BAD, "vault.path", "another folder than station.state"
    yield from _ports(config)
    if config.usb.backend == "usbip" and not config.usb.socket:
        yield _BAD, "usb.socket", "a path, because usb.backend is usbip"
    if config.usb.backend == "units" and config.camera_driver.gat947_password_file:
        key = "camera_driver.gat947_password_file"
        yield _BAD, key, "nothing: units have it from /etc/edged/keys/cameras/gat947.password"
    if config.export.decision is not None and config.export.role is None:
        yield _BAD, "export.role", "responsible or account_admin, as the document in export.decision says"
    for i, dock in enumerate(config.dock):
        if bool(dock.reader) != bool(dock.reader_key):
            yield _BAD, f"dock[{i}].reader_key", "reader and reader_key together, or neither"
    yield from _dangers(config)


def _ports(config: Config) -> Iterable[_Problem]:
    """systemd's units name a port by its ID_PATH, which outlives a reboot; a core that looks itself, by its bus."""
    units = config.usb.backend == "units"
    for i, dock in enumerate(config.dock):
        for j, slot in enumerate(dock.slots):
            if units != slot.port.startswith(("pci-", "platform-")):
                expected = (
                    "an ID_PATH such as pci-0000:00:10.0-usb-0:1.3" if units else "a path such as 1-1.3"
                )
                because = f"because usb.backend is {config.usb.backend}"
                yield _BAD, f"dock[{i}].slots[{j}].port", f"{expected}, {because}"


def _dangers(config: Config) -> Iterable[_Problem]:
    copiable = sorted(COPIABLE_KINDS & set(config.access.badge_kinds))
    if copiable and config.access.uid_only_waiver is None:
        kinds = ", ".join(copiable)
        yield _DANGER, "access.badge_kinds", f"access.uid_only_waiver with number and date, for {kinds}"
    if config.clear.policy != "on-receipt" and config.clear.decision is None:
        yield _DANGER, "clear.policy", "clear.decision with number and date of the written decision"
    if config.clear.policy == "on-seal-when-needed" and not config.clear.second_read:
        yield _DANGER, "clear.second_read", "true, because nothing but the station's copy proves a clip then"


def _twice(config: Config) -> Iterable[_Problem]:
    slots = [
        (f"dock[{i}].slots[{j}]", d, s) for i, d in enumerate(config.dock) for j, s in enumerate(d.slots)
    ]
    yield from _once((f"{where}.label", s.label) for where, _, s in slots)
    yield from _once((f"{where}.port", s.port) for where, _, s in slots)
    yield from _once((f"{where}.controller_slot", (d.name, s.controller_slot)) for where, d, s in slots)
    docks = list(enumerate(config.dock))
    yield from _once((f"dock[{i}].name", d.name) for i, d in docks)
    lines = [(f"dock[{i}].controller", d.controller) for i, d in docks]
    yield from _once(lines + [(f"dock[{i}].reader", d.reader) for i, d in docks if d.reader])
    cameras = list(enumerate(config.camera))
    serials = [(f"camera[{i}].serial", c.serial) for i, c in cameras]
    yield from _once([*serials, ("scans.source", config.scans.source)])
    numbered = [*_numbers("camera", config.camera), *_numbers("equipment", config.equipment)]
    yield from _once(numbered)
    yield from _once((f"camera[{i}].assigned_to", c.assigned_to) for i, c in cameras if c.assigned_to)


def _numbers(array: str, items: Iterable[Camera | Equipment]) -> Iterable[tuple[str, str]]:
    return ((f"{array}[{i}].inventory_number", item.inventory_number) for i, item in enumerate(items))


def _once(places: Iterable[tuple[str, object]]) -> Iterable[_Problem]:
    first: dict[object, str] = {}
    for key, value in places:
        if value in first:
            yield _BAD, key, f"a value of its own; {first[value]} has the same"
        else:
            first[value] = key


def _verifiers(keys: Keys) -> Iterable[_Problem]:
    named: Sequence[tuple[str, str]] = (("authority", keys.authority), ("centre", keys.centre))
    for key, text in named:
        try:
            Verifier.parse(text)
        except EdgeError as exc:
            yield _BAD, f"keys.{key}", f"a verifier key name+hash+base64 ({exc.detail.get('reason', '')})"
    if keys.authority == keys.centre:
        yield _DANGER, "keys.authority", "another key than keys.centre: a lost centre must not write rosters"


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
