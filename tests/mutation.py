"""Mutants: a defence taken out of a copy of the source, to see whether anything notices.

A table is a file ``*.toml`` of ``[[mutant]]``. This module reads tables and makes mutated copies of the tree; what
is run in such a copy, and what counts as noticing, is the business of whoever runs it (``tests/mutant_runs.py``).
"""

import ast
import contextlib
import functools
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

ROOT = Path(__file__).resolve().parent.parent


class MutantError(Exception):
    """A table of mutants that does not fit the source it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """One text of one file replaced by another, so that a defence has no effect any more."""

    removes: str  # the defence, in words
    file: str
    old: str
    new: str

    def check(self, root: Path) -> None:
        """Raises: MutantError."""
        if self.replaced(root) == self.source(root):
            raise MutantError(f"{self.file}: the replacement changes nothing")

    def source(self, root: Path) -> str:
        path = root / self.file
        if PurePosixPath(self.file).is_absolute() or ".." in self.file or not path.is_file():
            raise MutantError(f"{self.file}: no such file")
        return path.read_text("utf-8")

    def replaced(self, root: Path) -> str:
        """The file's text with the replacement applied.

        Raises: MutantError: ``old`` is not there exactly once, or what results is no Python.
        """
        text = self.source(root)
        if not self.old or (count := text.count(self.old)) != 1:
            raise MutantError(
                f"{self.file}: {self.old!r} is there {count if self.old else 'any number of'} times"
            )
        result = text.replace(self.old, self.new)
        if self.file.endswith(".py"):
            try:
                ast.parse(result)
            except SyntaxError as wrong:
                raise MutantError(f"{self.file}: with the replacement it is no Python: {wrong}") from wrong
        return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof(Removal):
    """A removal that turns a named test red, which claims to prove something."""

    test: str  # pytest's node id; without parameters it stands for all of them

    @property
    def about(self) -> str:
        """What the test claims to prove."""
        raise NotImplementedError

    def check(self, root: Path) -> None:
        Removal.check(self, root)
        if not test_exists(root, self.test):
            raise MutantError(f"{self.test}: no such test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant(Proof):
    """Of a fault of the catalogue."""

    fault: str

    @property
    def about(self) -> str:
        return self.fault


SomeRemoval = TypeVar("SomeRemoval", bound=Removal)


def load_as(kind: type[SomeRemoval], path: Path, root: Path = ROOT) -> list[SomeRemoval]:
    """The mutants of one table, each held against the source.

    Raises: MutantError: naming the table and the place in it.
    """
    table = tomllib.loads(path.read_text("utf-8"))
    entries = table.pop("mutant", [])
    if table:
        raise MutantError(f"{path.name}: unknown {', '.join(sorted(table))}")
    return [_loaded(kind, entry, f"{path.name}, mutant {n}", root) for n, entry in enumerate(entries, 1)]


def load(path: Path, root: Path = ROOT) -> list[Mutant]:
    """The mutants of one table of faults.

    Raises: MutantError.
    """
    return load_as(Mutant, path, root)


def _loaded(kind: type[SomeRemoval], entry: dict[str, str], where: str, root: Path) -> SomeRemoval:
    try:
        mutant = kind(**entry)
        mutant.check(root)
    except (TypeError, MutantError) as wrong:  # TypeError: a key that is missing or unknown
        raise MutantError(f"{where}: {wrong}") from wrong
    return mutant


def test_exists(root: Path, node: str) -> bool:
    """Whether a pytest node id names a test file, or something defined in one."""
    file, *names = node.partition("[")[0].split("::")
    path = root / file
    if not path.is_file():
        return False
    body = _body(path)
    for name in names:
        inner = [node for node in body if name in _names(node)]
        if not inner:
            return False
        body = getattr(inner[0], "body", [])
    return True


@functools.cache
def _body(path: Path) -> list[ast.stmt]:
    return ast.parse(path.read_text("utf-8")).body


def _names(node: ast.stmt) -> set[str]:
    """What a statement defines: a function, a class, or a name that is assigned to."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    return set()


@contextlib.contextmanager
def mutated_tree(mutants: Iterable[Removal], root: Path = ROOT) -> Iterator[Path]:
    """A scratch copy of the tree with the mutants applied one after the other; the tree itself is not touched.

    Raises: MutantError.
    """
    with tempfile.TemporaryDirectory(prefix="mutant-") as scratch:
        copy = Path(scratch) / "tree"
        for name in _files(root):
            target = copy / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):  # it went away since it was listed
                shutil.copy2(root / name, target, follow_symlinks=False)
        for mutant in mutants:
            (copy / mutant.file).write_text(mutant.replaced(copy), "utf-8")
        yield copy


def _files(root: Path) -> list[str]:
    """What git tracks or would track, and is there."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
    return sorted({name for name in names if name and (root / name).is_file()})
