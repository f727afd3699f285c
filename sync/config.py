"""The courier's part of the station's one TOML file: ``[sync]``, and what it needs of the others' tables."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from edged.errors import ConfigError, FormatError
from edged.key_files import KEY_FILE
from edged.toml_text import parse
from sync.ups_address import parse_address

T = TypeVar("T")

_ABSOLUTE = r"^/[^\0]{0,4000}\Z"
_ADDRESS = r"^[0-9A-Fa-f.:]{0,45}\Z"
_REMOTE = r"^([A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*)?\Z"


def _m(sentence: str, unit: str = "", **limits: Any) -> msgspec.Meta:
    return msgspec.Meta(description=sentence, extra={"unit": unit}, **limits)


class SyncConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How recordings and the ledger get to the centre. There is no setting that leaves the key unpinned."""

    host: Annotated[str, _m("Name or address of the centre's SFTP server.", min_length=1, max_length=253)]
    fallback: Annotated[
        str,
        _m(
            "Literal address of the same server, tried where `host` leads nowhere or to a stranger; empty: none.",
            pattern=_ADDRESS,
        ),
    ] = ""
    port: Annotated[int, _m("Its port.", ge=1, le=65535)] = 22
    user: Annotated[str, _m("Account of the station there.", min_length=1, max_length=64)]
    key_file: Annotated[
        str,
        _m(
            "Private key of the login (OpenSSH or PEM, mode 0600); `credential:NAME`: the file NAME of "
            "`/etc/edged/keys/courier`.",
            pattern=KEY_FILE,
        ),
    ]
    host_key: Annotated[
        str,
        _m("The server's public key, as in its `ssh_host_ed25519_key.pub`.", min_length=20, max_length=4096),
    ]
    remote_dir: Annotated[
        str,
        _m("The station's home there, relative to the login folder; empty: that folder.", pattern=_REMOTE),
    ] = ""
    state: Annotated[str, _m("Folder of the courier's own queue.", pattern=_ABSOLUTE)] = "/var/lib/edged-sync"
    rate_limit: Annotated[
        int, _m("Most bytes a second that are sent; 0: no limit.", "bytes/s", ge=0, le=10**10)
    ] = 0
    scan_s: Annotated[float, _m("How often vault and ledger are looked through.", "s", ge=0.1, le=3600)] = (
        15.0
    )
    poll_s: Annotated[float, _m("How often answers are asked for.", "s", ge=0.1, le=3600)] = 30.0
    status_s: Annotated[float, _m("How often the status is left at the centre.", "s", ge=1, le=86_400)] = (
        300.0
    )
    start_jitter_s: Annotated[
        float,
        _m(
            "First connection after a random time up to this, so that stations do not all come at once.",
            "s",
            ge=0,
            le=3600,
        ),
    ] = 10.0
    connect_s: Annotated[float, _m("For each step of connecting.", "s", ge=0.1, le=300)] = 20.0
    answer_s: Annotated[float, _m("Longest silence of the centre.", "s", ge=0.1, le=600)] = 60.0
    idle_s: Annotated[float, _m("A transfer without progress is given up.", "s", ge=0.1, le=600)] = 75.0
    min_rate: Annotated[
        int, _m("A transfer slower than this over `rate_window_s` is given up.", "bytes/s", ge=1, le=10**9)
    ] = 1024
    rate_window_s: Annotated[float, _m("Over which the rate is taken.", "s", ge=0.1, le=3600)] = 120.0
    absolute_s: Annotated[
        float, _m("Longest transfer, besides its size at the minimum rate.", "s", ge=1, le=86_400)
    ] = 600.0
    retry_s: Annotated[
        float, _m("First pause after a failure; doubles, with full jitter.", "s", ge=0.01, le=3600)
    ] = 2.0
    retry_max_s: Annotated[float, _m("Longest such pause.", "s", ge=0.01, le=86_400)] = 300.0
    auth_retry_s: Annotated[
        float,
        _m(
            "Least pause after a refused login; a site shares one address and one penalty.",
            "s",
            ge=0.1,
            le=86_400,
        ),
    ] = 600.0
    held_retry_s: Annotated[
        float, _m("Pause before a path that the server refused is tried again.", "s", ge=0.1, le=604_800)
    ] = 3600.0
    ups: Annotated[
        str,
        _m(
            "The UPS of the complex as NUT names it, `name@host` or `name@host:port`; empty: none is asked.",
            pattern=r"^([A-Za-z0-9_.-]{1,64}@[A-Za-z0-9_.:\[\]-]{1,253})?\Z",
        ),
    ] = ""
    overdue_s: Annotated[
        float,
        _m("A recording without receipt this long after delivery raises an alert.", "s", ge=1, le=10**7),
    ] = 86_400.0


class LogConfig(msgspec.Struct, frozen=True):
    """What the courier takes of ``[log]``."""

    format: Literal["journal", "console", "json"] = "journal"
    level: Literal["debug", "info", "warning", "error"] = "info"


class _Station(msgspec.Struct, frozen=True):
    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}\Z")]
    state: Annotated[str, msgspec.Meta(pattern=_ABSOLUTE)] = "/var/lib/edged"
    inbox: Annotated[str, msgspec.Meta(pattern=_ABSOLUTE)] = "/var/lib/edged-sync/inbox"


class _Vault(msgspec.Struct, frozen=True):
    path: Annotated[str, msgspec.Meta(pattern=_ABSOLUTE)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that the courier knows of its station."""

    station: str
    ledger: str  # <station state>/ledger
    vault: str
    inbox: str
    sync: SyncConfig
    log: LogConfig


def load(text: bytes, name: str) -> Settings:
    """Return the settings in ``text``; ``name`` stands in errors. Tables of others are not judged.

    Raises:
        ConfigError: no TOML (`edged.toml_text.parse`), or one of the courier's own settings is missing or wrong.
    """
    tree = parse(text, name)
    station = _table(tree, "station", _Station, name)
    config = _table(tree, "sync", SyncConfig, name)
    if 0 < config.rate_limit <= config.min_rate:
        raise ConfigError(file=name, key="sync.rate_limit", expected="more than sync.min_rate, or 0")
    if config.ups:
        _require_address(config.ups, name)
    return Settings(
        station=station.id,
        ledger=f"{station.state}/ledger",
        vault=_table(tree, "vault", _Vault, name).path,
        inbox=station.inbox,
        sync=config,
        log=_table(tree, "log", LogConfig, name, optional=True),
    )


def _require_address(ups: str, name: str) -> None:
    try:
        parse_address(ups)
    except FormatError as exc:
        raise ConfigError(file=name, key="sync.ups", expected=str(exc.detail["reason"])) from exc


def _table(tree: dict[str, Any], key: str, kind: type[T], name: str, *, optional: bool = False) -> T:
    if key not in tree and not optional:
        raise ConfigError(file=name, key=key, expected=f"a table [{key}]")
    try:
        return msgspec.convert(tree.get(key, {}), kind, strict=True)
    except msgspec.ValidationError as exc:
        raise ConfigError(file=name, key=key, expected=str(exc)[:300]) from exc
