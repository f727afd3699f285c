"""How `edgectl` shows what persons have entered: incidents, papers, works, repairs, memos, sheets."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from edged.cli.output import pairs, table
from edged.coverage import BREAKS
from edged.reports.issue import Clock
from edged.reports.texts import Lang, say

Rows = Sequence[dict[str, Any]]
MAY_BE = " / ".join(say("break", lang) for lang in Lang)
UNMEASURED = " / ".join(say("own-clock", lang) for lang in Lang)


def show_act(answer: dict[str, Any]) -> str:
    """What the ledger holds now: its line, and what was entered, without what was left empty."""
    shown = {name: _flat(value) for name, value in answer.items() if value not in ("", None, [], {}, False)}
    return pairs(shown)


def show_issue(answer: dict[str, Any]) -> str:
    """An issue on one page: who, when, coverage, recordings, where to listen."""
    issue = answer["issue"]
    recorded = (
        f"{issue['recorded_s'] // 60} of {issue['asked_s'] // 60} min" if issue["asked_s"] else "not known"
    )
    if issue["at_least"]:
        recorded = f"at least {recorded}"
    head = pairs(
        {
            "issue": issue["issue"],
            "camera": f"{issue['camera']} (inv. {issue['number'] or '-'})",
            "officer": issue["officer"],
            "taken": issue["taken"],
            "returned": issue["returned"] or "OUT",
            "confirmed": issue["confirmed"] or "not yet",
            "flags": ", ".join(issue["flags"]) or "none",
            "recorded": recorded,
        }
    )
    films = table(
        _with_doubt(answer["films"]),
        (
            ("path", "FILE"),
            ("began", "BEGAN"),
            ("ended", "ENDED"),
            ("recording", "RECORDING"),
            ("note", "NOTE"),
        ),
    )
    findings = table(
        [row | {"note": MAY_BE if row["kind"] in BREAKS else ""} for row in issue["findings"]],
        (
            ("kind", "FINDING"),
            ("why", "WHY"),
            ("began", "FROM"),
            ("ended", "TO"),
            ("numbers", "NUMBERS"),
            ("perhaps", "PERHAPS"),
            ("note", "NOTE"),
        ),
    )
    listen = table(
        _with_doubt(answer["points"]),
        (
            ("place", "LISTEN AT"),
            ("path", "FILE"),
            ("second", "SECOND"),
            ("at", "TIME"),
            ("note", "NOTE"),
        ),
    )
    return "\n\n".join((head, films, findings, listen))


def _with_doubt(rows: Rows) -> Rows:
    """Each with a word on a time that nobody has measured."""
    return [row | {"note": UNMEASURED if row["clock"] == Clock.CAMERA else ""} for row in rows]


def _flat(value: Any) -> Any:
    if isinstance(value, dict):
        return " ".join(f"{name}={part}" for name, part in value.items())
    if isinstance(value, list):
        return (
            f"{len(value)} rows"
            if value and isinstance(value[0], list)
            else ", ".join(str(_flat(part)) for part in value)
        )
    return value


def _columns(*names: str) -> Callable[[Rows], str]:
    columns = tuple((name, name.upper()) for name in names)
    return lambda rows: table([_short(row) for row in rows], columns)


def _short(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: ", ".join(value) if isinstance(value, list) else value for name, value in row.items()}


def _papers(rows: Rows) -> str:
    return _columns("due", "late", "paper", "about", "author", "to")(
        [row | {"late": "LATE" if row["overdue"] else ""} for row in rows]
    )


def _sheets(rows: Rows) -> str:
    """A line a sheet, and below it one a signature: who, when, what it is worth."""
    lines = _columns("sheet", "journal", "volume", "made", "rows", "signed", "registered")(
        [row | {"signatures": []} for row in rows]
    )
    signatures = [
        one | {"sheet": row["sheet"]} for row in rows for one in row.get("signatures", ()) if one["signed"]
    ]
    if not signatures:
        return lines
    return f"{lines}\n\n{_columns('sheet', 'name', 'signed', 'verdict', 'algorithm', 'signer')(signatures)}"


show_rights = _columns("time", "person", "change", "what", "by", "actor")

LISTS: Mapping[str, tuple[str, Callable[[Rows], str]]] = MappingProxyType(
    {
        "incident list": (
            "drafts of the station and incidents",
            _columns("incident", "happened", "stage", "kind", "equipment", "person"),
        ),
        "paper list": ("notices, memos and letters that are owed, the most urgent first", _papers),
        "works list": ("works and outages", _columns("works", "outage", "entry", "began", "ended", "items")),
        "repair list": (
            "what is damaged, put away or handed to a repair",
            _columns("item", "since", "condition", "tag", "place", "receiver"),
        ),
        "memo list": (
            "reserve cameras in use",
            _columns("camera", "number", "date", "head", "incident"),
        ),
        "export list": (
            "copies for third parties",
            _columns("export", "recording", "number", "receiver", "asked_by", "made_by", "folder", "dropped"),
        ),
        "journal list": (
            "sheets of the three journals and of rounds; without an id: rows that stand on none yet",
            _sheets,
        ),
    }
)
