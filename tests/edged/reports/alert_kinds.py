"""The kinds of alerts that the source of `edged.station` raises, read out of its calls."""

import ast
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from edged.station.courier import FOLLOWED

STATION = Path(__file__).parents[3] / "edged/station"
CALLS = {"raise_": 0, "raise_for": 0, "watch_line": 1}
"""Function → which of its arguments is the alert."""
BEYOND: dict[str, dict[str, bool]] = {
    "alerts.py": {},  # passes on what it was given
    "lines.py": {},
    "courier.py": {"courier-silent": False} | dict.fromkeys(FOLLOWED, False),
    "signed_list.py": {
        f"{name}-{what}": False
        for name in ("roster", "schedule")
        for what in ("missing", "invalid", "expired")
    },
    "station.py": {"ledger-trouble": False, "checkpoint-unsigned": False},
    "offload.py": {"camera-reads-differ": True, "clear-undone": True},
    "importing.py": {"import-unfinished": True},
}
"""Of files with calls that take the alert from elsewhere: which there are, and whether a subject follows."""


def alert_kinds() -> dict[str, bool]:
    """Return each kind, and whether its id names a subject."""
    found: dict[str, bool] = {}
    trees = {path.name: ast.parse(path.read_text("utf-8")) for path in sorted(STATION.glob("*.py"))}
    texts = dict(chain.from_iterable(_constants(tree) for tree in trees.values()))
    helpers = dict(chain.from_iterable(_helpers(tree) for tree in trees.values()))
    for name, tree in trees.items():
        for call, scope in _calls(tree):
            id_ = _resolved(call, texts | _locals(scope), helpers)
            if id_ is not None:
                kind, colon, _ = id_.partition(":")
                found[kind] = bool(colon)
            elif name not in BEYOND:
                raise AssertionError(f"{name}:{call.lineno}: which alert is {ast.unparse(call)}?")
    return found | {kind: subject for kinds in BEYOND.values() for kind, subject in kinds.items()}


def _calls(tree: ast.Module) -> Iterator[tuple[ast.expr, ast.AST]]:
    for scope in ast.walk(tree):
        if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(scope):
                if isinstance(node, ast.Call):
                    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                    if name in CALLS and len(node.args) > CALLS[name]:
                        yield node.args[CALLS[name]], scope


def _constants(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                pairs = [(target, node.value)]
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs = list(zip(target.elts, node.value.elts, strict=True))
                yield from ((one.id, value) for one, value in pairs if isinstance(one, ast.Name))


def _locals(scope: ast.AST) -> dict[str, ast.expr]:
    return dict(chain.from_iterable(_constants(node) for node in ast.walk(scope)))


def _helpers(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Functions that return one expression: ids that more than one place needs."""
    for node in tree.body:
        if (
            isinstance(node, ast.FunctionDef)
            and isinstance(node.body[-1], ast.Return)
            and node.body[-1].value
        ):
            yield node.name, node.body[-1].value


def _resolved(node: ast.expr, texts: dict[str, ast.expr], helpers: dict[str, ast.expr]) -> str | None:
    """Return the id up to its subject; None where the source does not show it here."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name) if name in texts and texts[name] is not node:
            return _resolved(texts[name], {k: v for k, v in texts.items() if k != name}, helpers)
        case ast.Call(func=ast.Name(id=name)) if name in helpers:
            return _resolved(helpers[name], texts, helpers)
        case ast.JoinedStr(values=values):
            said = ""
            for value in values:
                inner = value.value if isinstance(value, ast.FormattedValue) else value
                part = _resolved(inner, texts, helpers)
                if ":" in said:
                    return said
                if part is None:
                    return None
                said += part
            return said
        case _:
            return None
