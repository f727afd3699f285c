"""TOML text to plain values: bounded, finite, and able to say on which line a key stands. Pure."""

import math
import re
import tomllib
from typing import Any

from edged.errors import ConfigError, ErrorCode

MAX_SIZE = 256 * 1024  # bytes: a station of 64 docks needs 20 kB
MAX_PARTS = 16  # of a dotted key; tomllib's time grows with their square
_PART = r"""(?:[A-Za-z0-9_-]++|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*"""
_MANY_PARTS = re.compile(rf"(?<![A-Za-z0-9_-])(?:{_PART}){{{MAX_PARTS}}}")
_HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.\-\"' ]+?)\s*\]\]?\s*(#.*)?$")
_PATH = re.compile(r"([^.\[\]]+)|\[(\d+|\.\.\.)\]")


def parse(text: bytes, name: str) -> dict[str, Any]:
    """Return the tables in ``text``.

    Raises:
        ConfigError: CONFIG_INVALID with ``file`` and ``expected``; the parser's own words name the line.
            CONFIG_MISSING for a text without any entry.
    """
    if len(text) > MAX_SIZE:
        raise ConfigError(file=name, key="", expected=f"at most {MAX_SIZE} bytes", found=len(text))
    try:
        tree = _tables(text.decode("utf-8"), name)
        path = _not_finite(tree, "")
    except UnicodeDecodeError as exc:
        line = text[: exc.start].count(b"\n") + 1
        raise ConfigError(file=name, key="", line=line, expected="UTF-8 text") from exc
    except RecursionError as exc:
        raise ConfigError(file=name, key="", expected="values nested less deeply") from exc
    except ValueError as exc:  # TOMLDecodeError is one; so is a number of 5,000 digits
        raise ConfigError(file=name, key="", expected=f"TOML: {str(exc)[:200]}") from exc
    if not tree:
        raise ConfigError(
            ErrorCode.CONFIG_MISSING, file=name, expected="the sections of docs/configuration.md"
        )
    if path is not None:
        raise ConfigError(file=name, key=path, line=line_of(text, path), expected="a finite number")
    return tree


def _tables(text: str, name: str) -> dict[str, Any]:
    if found := _MANY_PARTS.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise ConfigError(file=name, key="", line=line, expected=f"keys of at most {MAX_PARTS} parts")
    return tomllib.loads(text)


def _not_finite(value: Any, path: str) -> str | None:
    """Where a nan or inf stands: comparisons let nan pass every limit."""
    if isinstance(value, float) and not math.isfinite(value):
        return path
    members: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        members = [(f"{path}.{key}" if path else key, member) for key, member in value.items()]
    elif isinstance(value, list):
        members = [(f"{path}[{i}]", member) for i, member in enumerate(value)]
    return next((found for p, m in members if (found := _not_finite(m, p)) is not None), None)


def line_of(text: bytes, path: str) -> int:
    """Return the line (from 1) where ``path`` (``dock[1].slots[0].port``) stands, or the nearest place
    above it that can be found; 0 if there is none."""
    steps = [(m[1], m[2]) for m in _PATH.finditer(path)]
    if not steps or steps[0][0] is None:
        return 0
    section, keys = steps[0][0], [key for key, _ in steps[1:] if key]
    numbers = [int(n) for _, n in steps if n and n.isdigit()]
    table = numbers[0] if len(steps) > 1 and steps[1][1] else None
    skip = numbers[1] if table is not None and len(numbers) > 1 else 0
    begin, rows = _section(text.decode("utf-8", "replace").splitlines(), section, table)
    for number, line in rows:
        if keys and re.search(rf"(^|[{{,\s]){re.escape(keys[-1])}\s*=", line):
            if not skip:
                return number
            skip -= 1
    return begin


def _section(lines: list[str], name: str, index: int | None) -> tuple[int, list[tuple[int, str]]]:
    """Return the line of a section's head (of its ``index``-th table), and its numbered lines."""
    begin, inside, count = 0, False, -1
    rows: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        if (header := _HEADER.match(line)) is None:
            if inside:
                rows.append((number, line))
            elif not begin and re.match(rf"\s*{re.escape(name)}\s*[.=]", line):
                begin = number
        elif header[2].split(".")[0].strip("\"' ") != name:
            inside = False
        else:
            count += header[1] == "[[" and "." not in header[2]
            inside = index is None or count == index
            begin = begin or (number if inside else 0)
    return begin, rows
