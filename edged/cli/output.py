"""How `edgectl` prints: tables for people, JSON for programs, printable characters only."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from edged.errors import EdgeError

EXIT_OK = 0
EXIT_FINDINGS = 1  # it ran, and what it checked is not good
EXIT_USAGE = 2  # argparse's own
EXIT_REFUSED = 3  # the station refused, or could not do it
EXIT_UNREACHABLE = 4  # the daemon does not answer


def printable(value: object) -> str:
    """Text that cannot move a terminal's cursor or hide itself (fault O12)."""
    text = "" if value is None else str(value)
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[tuple[str, str]]) -> str:
    """Rows as an aligned table; ``columns`` are (key, heading). An empty table says so."""
    if not rows:
        return "(none)"
    cells = [[printable(row.get(key, "")) for key, _ in columns] for row in rows]
    heads = [heading for _, heading in columns]
    widths = [max(len(heads[i]), *(len(row[i]) for row in cells)) for i in range(len(columns))]
    lines = ["  ".join(h.ljust(w) for h, w in zip(heads, widths, strict=True)).rstrip()]
    lines += ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join(lines)


def pairs(facts: Mapping[str, Any]) -> str:
    """``name  value`` lines, aligned."""
    width = max((len(k) for k in facts), default=0)
    return "\n".join(f"{k.ljust(width)}  {printable(v)}" for k, v in facts.items())


def emit_json(value: object) -> None:
    sys.stdout.write(json_text(value, indent=2) + "\n")


def json_text(value: object, indent: int | None = None) -> str:
    """JSON with letters as they are; whatever a terminal would act on is an escape of JSON's own."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def complain(error: EdgeError, *, as_json: bool) -> None:
    """An expected failure, to standard error: code, sentence, facts, remedy."""
    if as_json:
        body = {
            "code": error.code.label,
            "text": error.code.text,
            "remedy": error.code.remedy,
            "detail": error.detail,
        }
        sys.stderr.write(json_text(body) + "\n")
        return
    sys.stderr.write(f"edgectl: {printable(error)}\n         {printable(error.code.remedy)}\n")
