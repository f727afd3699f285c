"""Which slot is at which port: the part of the station's configuration that the ports' process reads."""

import tomllib
from pathlib import Path
from typing import Any

from drivers.usb_ports.id_path import IdPath, parse_id_path
from edged.errors import ConfigError, ErrorCode

MAX_SLOTS = 256
MAP_LIMIT = 1024 * 1024  # bytes
LINE_LIMIT = 1000  # characters: a key of many parts costs tomllib their number squared


def load_slot_map(path: Path) -> dict[int, IdPath]:
    """Raises ConfigError, also CONFIG_MISSING."""
    try:
        with path.open("rb") as file:
            return read_slot_map(file.read(MAP_LIMIT))
    except OSError as exc:
        raise ConfigError(ErrorCode.CONFIG_MISSING, file=str(path), reason=exc.strerror or "") from exc


def read_slot_map(text: bytes) -> dict[int, IdPath]:
    """Slot label → its port. Everything else in the file is another process's business.

    Raises:
        ConfigError: no TOML, or no slot map in it.
    """
    if max(map(len, text.splitlines()), default=0) > LINE_LIMIT:
        raise ConfigError(
            ErrorCode.CONFIG_INVALID, key="", reason=f"a line of more than {LINE_LIMIT} characters"
        )
    try:
        docks = tomllib.loads(text.decode()).get("dock", [])
        slots = [(slot["label"], slot["port"]) for dock in docks for slot in dock["slots"]]
    # The first and the last are tomllib's; the others, something else where a table should be.
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise ConfigError(ErrorCode.CONFIG_INVALID, key="dock", reason=str(exc)[:200]) from exc
    found: dict[int, IdPath] = {}
    for label, port in slots:
        where = _port(label, port)
        if label in found or where in found.values():
            raise ConfigError(ErrorCode.CONFIG_INVALID, key="dock", reason=f"slot {label} is there twice")
        found[label] = where
    if not 0 < len(found) <= MAX_SLOTS:
        raise ConfigError(ErrorCode.CONFIG_INVALID, key="dock", reason=f"{len(found)} slots")
    return found


def _port(label: Any, port: Any) -> IdPath:
    if (
        not isinstance(label, int)
        or isinstance(label, bool)
        or not 0 < label < 10_000
        or not isinstance(port, str)
    ):
        raise ConfigError(ErrorCode.CONFIG_INVALID, key="dock", reason="a slot without label and port")
    return parse_id_path(port)
