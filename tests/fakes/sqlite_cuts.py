"""What a cut at any moment leaves of a database: its files as they were before each statement and each removal."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


class Cuts:
    """``left`` has one folder a moment, each with the database under its own name.

    Args:
        database: its file; whatever else lies in its folder belongs to it.
    """

    def __init__(self, database: Path, scratch: Path) -> None:
        self._folder, self._scratch = database.parent, scratch
        self._name = database.name
        self.left: list[Path] = []

    @contextmanager
    def taken(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Copy before every statement of every connection and every removal or renaming of a file, and at the end."""
        connect = sqlite3.connect

        def traced(*args: Any, **keywords: Any) -> sqlite3.Connection:
            db: sqlite3.Connection = connect(*args, **keywords)
            db.set_trace_callback(lambda _: self.copy())
            return db

        with monkeypatch.context() as patched:
            patched.setattr(sqlite3, "connect", traced)
            for name in ("unlink", "replace"):
                patched.setattr(Path, name, self._before(getattr(Path, name)))
            yield
        self.copy()

    def copy(self) -> None:
        target = self._scratch / str(len(self.left))
        shutil.copytree(self._folder, target)
        self.left.append(target / self._name)

    def _before(self, call: Any) -> Any:
        def copied(*args: Any, **keywords: Any) -> Any:
            self.copy()
            return call(*args, **keywords)

        return copied
