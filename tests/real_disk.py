"""Scratch folders on a real disk: /tmp may lie in memory, where a read-back proves nothing."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CACHE = Path(__file__).resolve().parent.parent / ".cache"


@contextmanager
def scratch() -> Iterator[Path]:
    """A new folder below the checkout's own cache, removed afterwards."""
    CACHE.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="test-", dir=CACHE))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
