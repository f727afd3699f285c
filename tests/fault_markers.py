"""The fault catalogue's identifiers, and which of them are proved by a marked test.

A test that proves a fault carries ``@pytest.mark.fault("U01", "what it claims, in a sentence")``. The markers are
read from the source, so that the table costs no test run and counts tests that a fast run leaves out.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from types import MappingProxyType

GROUPS: Mapping[str, tuple[str, int]] = MappingProxyType(
    {
        "U": ("USB and camera", 22),
        "M": ("file system and card", 14),
        "B": ("badge and reader", 18),
        "D": ("dock controller and serial lines", 14),
        "C": ("clock", 10),
        "K": ("disk and vault", 16),
        "L": ("ledger and databases", 12),
        "X": ("crash and power", 10),
        "N": ("network and SFTP", 18),
        "V": ("misbehaving centre", 13),
        "F": ("configuration and update", 9),
        "O": ("operators and insiders", 12),
        "Z": ("protocol fuzzing", 9),
    }
)
"""Letter → what the group is about and how many faults it has."""

THREATS = 21  # T1 to T21: what an insider may try; they are written without leading zeros

FAULTS: tuple[str, ...] = tuple(
    f"{letter}{number:02}" for letter, (_, count) in GROUPS.items() for number in range(1, count + 1)
)
KNOWN: frozenset[str] = frozenset(FAULTS) | {f"T{number}" for number in range(1, THREATS + 1)}

TESTS = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Marker:
    """One ``fault`` marker as it stands in the source; ``None`` for an argument that is no plain text."""

    fault: str | None
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


@cache
def markers(folder: Path = TESTS) -> tuple[Marker, ...]:
    """Every fault marker below ``folder``: of functions, classes, modules and parameters."""
    return tuple(_markers(folder))


def _markers(folder: Path) -> Iterator[Marker]:
    for path in sorted(folder.rglob("test_*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        owners = _owners(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _is_fault(node.func):
                where = f"{path.relative_to(folder.parent)}:{node.lineno}"
                fault, claim = (_text(node.args, i) for i in (0, 1))
                extra = len(node.args) != 2 or bool(node.keywords)
                yield Marker(None if extra else fault, claim, owners.get(id(node), path.stem), where)


def _owners(tree: ast.Module) -> dict[int, str]:
    """Decorator call → name of what it decorates."""
    found: dict[int, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found |= {id(decorator): node.name for decorator in node.decorator_list}
    return found


def _is_fault(node: ast.expr) -> bool:
    """``pytest.mark.fault`` and ``mark.fault``."""
    return (
        isinstance(node, ast.Attribute)
        and node.attr == "fault"
        and isinstance(node.value, ast.Name | ast.Attribute)
        and (node.value.id if isinstance(node.value, ast.Name) else node.value.attr) == "mark"
    )


def _text(arguments: list[ast.expr], index: int) -> str | None:
    if index < len(arguments):
        node = arguments[index]
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
    return None


def proved() -> dict[str, list[Marker]]:
    """Fault → its markers; only known faults."""
    found: dict[str, list[Marker]] = defaultdict(list)
    for marker in markers():
        if marker.fault in KNOWN:
            assert marker.fault is not None
            found[marker.fault].append(marker)
    return found
