"""Golden vectors and the tables of PROTOCOL.md, shared by the tests of both devices."""

import json
from enum import Enum
from pathlib import Path
from typing import Any

import firmware_protocol
from firmware_protocol.wire import Message, MessageSet, Number, Octets, Text, Wire

FOLDER = Path(firmware_protocol.__file__).parent


def golden(device: str, messages: MessageSet) -> list[tuple[Message, bytes]]:
    """The vectors of ``golden.json`` that belong to ``messages``."""
    classes = {cls.__name__: cls for cls in messages.all()}
    vectors = json.loads((FOLDER / device / "golden.json").read_text())["messages"]
    return [
        (_build(classes[v["message"]], v["fields"]), bytes.fromhex(v["hex"]))
        for v in vectors
        if v["message"] in classes
    ]


def _build(cls: type[Message], values: dict[str, Any]) -> Message:
    converted = {
        f.name: f.convert(bytes.fromhex(values[f.name]) if isinstance(f.wire, Octets) else values[f.name])
        for f in cls.LAYOUT
    }
    return cls(**converted)


def table(messages: MessageSet) -> str:
    """The messages as they stand in PROTOCOL.md."""
    lines = ["| id | message | chapter | fields |", "| --- | --- | --- | --- |"]
    for cls in messages.all():
        layout = ", ".join(f"{f.name} {_words(f.wire)}{_enum(f.convert)}" for f in cls.LAYOUT) or "none"
        lines.append(f"| 0x{cls.ID:02X} | {cls.__name__} | {cls.SOURCE} | {layout} |")
    return "\n".join(lines)


def values(enum: type[Enum]) -> str:
    """The members of one enumeration as they stand in PROTOCOL.md."""
    return f"`{enum.__name__}`: " + ", ".join(f"{e.value} {e.name}" for e in enum)


def enums(messages: MessageSet) -> list[type[Enum]]:
    """The enumerations that occur in ``messages``, in order."""
    found = [f.convert for cls in messages.all() for f in cls.LAYOUT]
    return list(dict.fromkeys(c for c in found if isinstance(c, type) and issubclass(c, Enum)))


def _words(wire: Wire) -> str:
    match wire:
        case Number():
            kind, bits = ("i" if wire.signed else "u"), 8 * wire.size
            natural = (-(1 << bits - 1), (1 << bits - 1) - 1) if wire.signed else (0, (1 << bits) - 1)
            limits = "" if (wire.low, wire.high) == natural else f" {wire.low}..{wire.high}"
            return f"{kind}{bits}{limits}{' ' + wire.unit if wire.unit else ''}"
        case Octets():
            return (
                f"bytes[{wire.low}]" if wire.low == wire.high else f"u8 length, {wire.low}..{wire.high} bytes"
            )
        case Text():
            return f"u8 length, ASCII text 0..{wire.high}"
        case _:
            raise TypeError(wire)


def _enum(convert: Any) -> str:
    return f" ({convert.__name__})" if isinstance(convert, type) and issubclass(convert, Enum) else ""
