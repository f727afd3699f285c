"""What tests claim to prove: their markers ``fault`` and ``clause``, read from the source.

So the tables cost no test run and count tests that a fast run leaves out.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

TESTS = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Marker:
    """One marker as it stands in the source; ``None`` for an argument that is no plain text."""

    about: str | None  # the fault, or the clause
    claim: str | None
    test: str
    place: str  # file:line

    @property
    def file(self) -> str:
        return self.place.rpartition(":")[0]

    def marks(self, node: str) -> bool:
        """Whether the test of a pytest node id carries this marker; one that stands alone is its file's."""
        file, *names = node.partition("[")[0].split("::")
        return file == self.file and (self.test in names or self.test == PurePosixPath(file).stem)


def is_sentence(claim: str) -> bool:
    """Several words, not a title, not a note: what the test shows to be so."""
    return len(claim.split()) >= 4 and claim == " ".join(claim.split()) and not claim.endswith((":", ","))


@cache
def read(name: str, folder: Path = TESTS) -> tuple[Marker, ...]:
    """Every marker of this name below ``folder``: of functions, classes, modules and parameters."""
    return tuple(_read(name, folder))


def _read(name: str, folder: Path) -> Iterator[Marker]:
    for path in sorted(folder.rglob("test_*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        owners = _owners(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _is_marker(node.func, name):
                where = f"{path.relative_to(folder.parent)}:{node.lineno}"
                about, claim = (_text(node.args, i) for i in (0, 1))
                extra = len(node.args) != 2 or bool(node.keywords)
                yield Marker(None if extra else about, claim, owners.get(id(node), path.stem), where)


def _owners(tree: ast.Module) -> dict[int, str]:
    """Decorator call → name of what it decorates."""
    found: dict[int, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found |= {id(decorator): node.name for decorator in node.decorator_list}
    return found


def _is_marker(node: ast.expr, name: str) -> bool:
    """``pytest.mark.<name>`` and ``mark.<name>``."""
    return (
        isinstance(node, ast.Attribute)
        and node.attr == name
        and isinstance(node.value, ast.Name | ast.Attribute)
        and (node.value.id if isinstance(node.value, ast.Name) else node.value.attr) == "mark"
    )


def _text(arguments: list[ast.expr], index: int) -> str | None:
    if index < len(arguments):
        node = arguments[index]
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
    return None
