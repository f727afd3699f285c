"""A configuration is understood whole or refused with file, key, line and what was expected."""

import ast
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.config import (
    CameraDriver,
    Clear,
    Config,
    Control,
    Decision,
    Ledger,
    Log,
    Readiness,
    Slot,
    Timing,
    Usb,
    check,
    load,
    sections,
)
from edged.errors import ConfigError, EdgeError, ErrorCode
from edged.key_files import Credentials, check_secret_file, check_secret_files
from edged.slots.state import DEADLINES
from edged.toml_text import MAX_SIZE, line_of
from tests.edged.samples import AUTHORITY, CENTRE, CONFIG

NAME = "edged.toml"
DECISION = '{ number = "17/2", date = 2026-11-01 }'


def edited(old: str, new: str) -> str:
    assert old in CONFIG
    return CONFIG.replace(old, new, 1)


def refusals(text: str) -> list[ConfigError]:
    with pytest.raises(ConfigError) as caught:
        load(text.encode(), NAME)
    found = check(text.encode(), NAME)
    assert str(found[0]) == str(caught.value)
    return found


def test_a_small_configuration_is_filled_up_with_defaults() -> None:
    config = load(CONFIG.encode(), NAME)
    assert check(CONFIG.encode(), NAME) == []
    assert config.access.grant_open_s == 15.0
    assert config.clear.policy == "on-receipt"
    assert config.clear.second_read
    assert config.readiness.charge_min_percent == 80
    assert config.access.badge_kinds == ("desfire-id",)
    assert config.camera_timezone == "Europe/Kyiv"
    assert config.signing_key_file == "/var/lib/edged/keys/station.key"
    assert [slot.label for dock in config.dock for slot in dock.slots] == [1, 2, 3]


def test_secret_files_are_all_named_once() -> None:
    assert load(CONFIG.encode(), NAME).secret_files() == (
        "/var/lib/edged/keys/station.key",
        "/var/lib/edged/keys/badge.key",
        "/etc/edged/a.key",
        "/etc/edged/ra.key",
        "/etc/edged/b.key",
    )


BROKEN = {
    "a syntax error": ("grant_open_s = 15", "grant_open_s = ", "", "line 14"),
    "an unknown key": ("grant_open_s", "grant_opens_s", "access.grant_opens_s", "perhaps grant_open_s"),
    "an unknown section": ("[vault]", "[valut]", "valut", "perhaps vault"),
    "a wrong type": ("grant_open_s = 15", 'grant_open_s = "15"', "access.grant_open_s", "got str"),
    "a number below its limit": ("grant_open_s = 15", "grant_open_s = 0", "access.grant_open_s", ">= 1"),
    "a number that is none": ("grant_open_s = 15", "grant_open_s = nan", "access.grant_open_s", "finite"),
    "an endless number": ("grant_open_s = 15", "grant_open_s = inf", "access.grant_open_s", "finite"),
    "a missing key": ('path = "/srv/vault"', "", "vault.path", "no default"),
    "a relative path": ("/srv/vault", "srv/vault", "vault.path", "matching regex"),
    "a word outside its list": ('driver = "msc"', 'driver = "mtp"', "camera[1].driver", "one of gat947, msc"),
    "a port that is no port path": ('"1-1.2"', '"../2"', "dock[0].slots[1].port", "matching regex"),
    "a port's path where units name it": (
        "[vault]", '[usb]\nbackend = "units"\n[vault]', "dock[0].slots[0].port", "an ID_PATH",
    ),
    "a port's ID_PATH where nobody uses it": (
        '"1-1.2"', '"pci-0000:00:10.0-usb-0:1.2"', "dock[0].slots[1].port", "a path such as",
    ),
    "a verifier key of other text": ("+", "-", "keys.authority", "name+hash+base64"),
    "an unknown time zone": ('id = "post-1"', 'id = "post-1"\ntimezone = "Kyiv"', "station.timezone", "Europe/Kyiv"),
    "a label twice": ("label = 3", "label = 1", "dock[1].slots[0].label", "dock[0].slots[0].label has the same"),
    "a port twice": ('"1-2.1"', '"1-1.1"', "dock[1].slots[0].port", "has the same"),
    "a controller slot twice": (
        'port = "1-1.2", controller_slot = 2',
        'port = "1-1.2", controller_slot = 1',
        "dock[0].slots[1].controller_slot",
        "has the same",
    ),
    "a serial twice": ("CAM0002", "CAM0001", "camera[1].serial", "camera[0].serial has the same"),
    "an inventory number twice": ("101450002", "101450001", "camera[1].inventory_number", "has the same"),
    "a serial line for two": (
        "/dev/serial/by-path/b",
        "/dev/serial/by-path/ra",
        "dock[0].reader",
        "dock[1].controller has the same",
    ),
    "no pinned host key": ("host_key = ", "#", "sync.host_key", "no default"),
    "a reader without its key": ('reader_key = "/etc/edged/ra.key"\n', "", "dock[0].reader_key", "together"),
    "a socket open to all": ("[vault]", '[control]\nmode = "0666"\n[vault]', "control.mode", "matching regex"),
}  # fmt: skip


@pytest.mark.fault(
    "F01", "A broken entry is refused with file, key and expectation, and nothing of it is used."
)
@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_entry_is_refused_by_name(case: str) -> None:
    old, new, key, expected = BROKEN[case]
    error = refusals(edited(old, new))[0]
    assert error.code is ErrorCode.CONFIG_INVALID
    assert error.detail["file"] == NAME
    assert error.detail["key"] == key
    assert expected in str(error.detail["expected"])


@pytest.mark.fault("F01", "The line of a broken entry is reported.")
@pytest.mark.parametrize(
    ("old", "new", "row"),
    [
        ("grant_open_s = 15", "grant_open_s = 0", "grant_open_s = 0"),
        ('"1-1.2"', "7", "port = 7"),
        ('driver = "msc"', 'driver = "mtp"', 'driver = "mtp"'),
        ("label = 3", "label = 1", '{ label = 1, port = "1-2.1", controller_slot = 1 },'),
        ('path = "/srv/vault"', "", "[vault]"),
    ],
)
def test_the_line_of_a_broken_entry_is_told(old: str, new: str, row: str) -> None:
    text = edited(old, new)
    line = refusals(text)[0].detail["line"]
    assert isinstance(line, int)
    assert row in text.splitlines()[line - 1]


def test_several_broken_sections_are_all_told_at_once() -> None:
    text = edited("grant_open_s = 15", "grant_open_s = 0").replace("/srv/vault", "vault")
    assert [e.detail["key"] for e in refusals(text)] == ["vault.path", "access.grant_open_s"]


DANGEROUS = {
    "badges that can be copied": (
        "grant_open_s = 15",
        'badge_kinds = ["iso14443-uid"]',
        "access.badge_kinds",
    ),
    "clearing without a receipt": (
        "[vault]",
        '[clear]\npolicy = "on-seal-when-needed"\n[vault]',
        "clear.policy",
    ),
    "one key for lists and receipts": (str(AUTHORITY.verifier), str(CENTRE.verifier), "keys.authority"),
}


@pytest.mark.fault(
    "F02", "UID-only badges and clearing without receipt are refused without number and date of a decision."
)
@pytest.mark.parametrize("case", DANGEROUS)
def test_a_dangerous_setting_needs_a_written_decision(case: str) -> None:
    old, new, key = DANGEROUS[case]
    error = refusals(edited(old, new))[0]
    assert error.code is ErrorCode.CONFIG_DANGEROUS
    assert error.detail["key"] == key


def test_with_the_decision_the_setting_is_taken() -> None:
    waiver = f'badge_kinds = ["iso14443-uid"]\nuid_only_waiver = {DECISION}'
    config = load(edited("grant_open_s = 15", waiver).encode(), NAME)
    assert config.access.uid_only_waiver is not None
    assert config.access.uid_only_waiver.number == "17/2"
    clear = f'[clear]\npolicy = "on-seal-when-needed"\ndecision = {DECISION}\n[vault]'
    assert load(edited("[vault]", clear).encode(), NAME).clear.policy == "on-seal-when-needed"


def test_clearing_without_a_receipt_never_goes_without_the_second_read() -> None:
    clear = f'[clear]\npolicy = "on-seal-when-needed"\nsecond_read = false\ndecision = {DECISION}\n[vault]'
    assert refusals(edited("[vault]", clear))[0].code is ErrorCode.CONFIG_DANGEROUS


def test_whoever_hands_over_copies_is_named_beside_the_document_that_says_so() -> None:
    assert load(CONFIG.encode(), NAME).export.role is None
    decided = f"[export]\ndecision = {DECISION}\n"
    error = refusals(edited("[vault]", f"{decided}[vault]"))[0]
    assert (error.code, error.detail["key"]) == (ErrorCode.CONFIG_INVALID, "export.role")
    for role in ("responsible", "account_admin"):
        text = edited("[vault]", f'{decided}role = "{role}"\n[vault]')
        assert load(text.encode(), NAME).export.role == role
    assert refusals(edited("[vault]", f'{decided}role = "technician"\n[vault]'))


@pytest.mark.fault("F03", "An empty configuration is told apart from a broken one and says to write it.")
@pytest.mark.parametrize("text", ["", "\n\n", "# nothing yet\n"])
def test_an_empty_file_is_no_configuration_yet(text: str) -> None:
    error = refusals(text)[0]
    assert error.code is ErrorCode.CONFIG_MISSING
    assert "docs/configuration.md" in error.code.remedy


@pytest.mark.parametrize(
    "text",
    [
        b"a" * (MAX_SIZE + 1),
        b"\xff\xfe",
        b"x = " + b"[" * 5000,
        b"x = " + b"9" * 5000,
        b"[a]\n[a]\n",
        b"a = 1\na.b = 2\n",
    ],
    ids=[
        "too large",
        "not UTF-8",
        "too deep",
        "a number of 5,000 digits",
        "a section twice",
        "a value and a table",
    ],
)
def test_text_that_is_no_configuration_is_refused(text: bytes) -> None:
    with pytest.raises(ConfigError):
        load(text, NAME)


@given(st.binary(max_size=400))
def test_any_bytes_give_a_configuration_or_a_config_error(data: bytes) -> None:
    assert all(isinstance(error, ConfigError) for error in check(data, NAME))


@given(st.integers(0, len(CONFIG) - 1), st.sampled_from('x[]={}"#\n\0 .,9-'))
def test_any_damaged_character_gives_a_configuration_or_a_config_error(place: int, letter: str) -> None:
    text = CONFIG[:place] + letter + CONFIG[place + 1 :]
    errors = check(text.encode(), NAME)
    assert errors or isinstance(load(text.encode(), NAME), Config)
    assert all(error.detail["file"] == NAME and error.detail["expected"] for error in errors)


def test_a_line_is_found_even_in_text_that_is_no_toml() -> None:
    assert line_of(b"a = 1\n[b]\nc = 2\n", "b.c") == 3
    assert line_of(b"a = 1\n", "a") == 1
    assert line_of(b"]][[", "x.y") == 0
    assert line_of(b"", "") == 0


# --- files of secrets ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    st_mode: int
    st_uid: int = 990


def found(mode: int, uid: int = 990) -> Found:
    return Found(stat.S_IFREG | mode, uid)


@pytest.mark.fault(
    "F08", "A key file that group or others can read, or that another user owns, is refused by name."
)
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (found(0o640), "mode 0640"),
        (found(0o604), "mode 0604"),
        (found(0o601), "mode 0601"),
        (found(0o600, 1000), "uid 1000"),
        (Found(stat.S_IFDIR | 0o700), "not a file"),
    ],
)
def test_a_secret_that_others_can_reach_is_refused(answer: Found, reason: str) -> None:
    with pytest.raises(EdgeError) as caught:
        check_secret_file("/k", lambda path: answer, 990)
    assert caught.value.code is ErrorCode.KEY_UNUSABLE
    assert reason in str(caught.value.detail["reason"])


@pytest.mark.parametrize("answer", [found(0o600), found(0o400), found(0o600, 0)])
def test_a_secret_of_the_daemon_or_of_root_is_taken(answer: Found) -> None:
    check_secret_file("/k", lambda path: answer, 990)


def test_a_credential_lies_where_systemd_put_it_and_is_judged_by_systemd() -> None:
    given = Credentials("/run/credentials/edged.service")
    path = given.path("credential:station.key")
    assert path == "/run/credentials/edged.service/edged_station.key"
    assert given.path("/etc/edged/a.key") == "/etc/edged/a.key"
    check_secret_file(path, lambda _: found(0o440, 0), 990, given)  # how systemd 257 shows an access list
    with pytest.raises(EdgeError):
        check_secret_file("/run/credentials/edged.service.key", lambda _: found(0o440, 0), 990, given)
    with pytest.raises(EdgeError):
        check_secret_file(path, lambda _: Found(stat.S_IFDIR | 0o700), 990, given)


def test_a_credential_that_nobody_gave_is_named() -> None:
    (error,) = check_secret_files(["credential:station.key"], lambda _: found(0o600), 990)
    assert error.detail["path"] == "credential:station.key"
    assert "by hand" in str(error.detail["reason"])


@pytest.mark.parametrize(
    "name", ["credential:", "credential:../a", "credential:a/b", "credential:.key", "a.key"]
)
def test_a_credential_has_a_plain_name(name: str) -> None:
    problems = check(edited("/etc/edged/a.key", name).encode(), NAME)
    assert [problem.detail["key"] for problem in problems] == ["dock[0].controller_key"]


def test_a_missing_key_does_not_hide_the_next_bad_one() -> None:
    def look(path: str) -> Found:
        if path == "/gone":
            raise FileNotFoundError(2, "No such file or directory")
        return found(0o644)

    errors = check_secret_files(["/gone", "/open"], look, 990)
    assert [e.detail["path"] for e in errors] == ["/gone", "/open"]
    assert errors[0].detail["reason"] == "No such file or directory"


def attributes() -> set[str]:
    """Every attribute that shipped code reads."""
    root = Path(__file__).parent.parent.parent
    files = [path for folder in ("edged", "sync", "drivers") for path in (root / folder).rglob("*.py")]
    nodes = [node for path in files for node in ast.walk(ast.parse(path.read_text("utf-8")))]
    return {node.attr for node in nodes if isinstance(node, ast.Attribute)}


def test_every_setting_is_read_by_something() -> None:
    read = attributes() | {setting.partition(".")[2] for setting in DEADLINES.values()}
    kinds: list[type[msgspec.Struct]] = [*sections().values(), Slot]
    unread = [
        f"{kind.__name__}.{name}" for kind in kinds for name in kind.__struct_fields__ if name not in read
    ]
    assert not unread


def test_every_setting_is_explained() -> None:
    kinds: list[type[msgspec.Struct]] = [*sections().values(), Slot, Decision]
    for kind in kinds:
        for name, hint in get_type_hints(kind, include_extras=True).items():
            if name in kind.__struct_fields__:
                (meta,) = hint.__metadata__
                assert meta.description.endswith((".", "…")), f"{kind.__name__}.{name}"


def test_defaults_are_themselves_valid() -> None:
    kinds: list[type[msgspec.Struct]] = [Ledger, Readiness, Clear, CameraDriver, Usb, Control, Timing, Log]
    for kind in kinds:
        assert msgspec.convert(msgspec.to_builtins(kind()), kind) == kind()
