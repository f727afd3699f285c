"""Hints that something changed in a folder, from inotify through watchdog; never more than hints.

A watched folder that is unmounted goes silent without a word, and a file made in a folder that is a moment
old may not be seen: the courier looks through everything anyway, every few seconds.
"""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler, FileSystemMovedEvent
from watchdog.observers import Observer

STOP_S = 5.0


class FolderWatch:
    """Calls ``changed`` in the loop's thread when a file below one of ``folders`` got its final name."""

    def __init__(self, folders: Iterable[str], changed: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        self._observer = Observer()
        handler = _Renamed(partial(loop.call_soon_threadsafe, changed))
        for folder in folders:
            if Path(folder).is_dir():
                self._observer.schedule(handler, folder, recursive=True, event_filter=[FileSystemMovedEvent])
        self._observer.daemon = True
        self._observer.start()

    def stop(self) -> None:
        self._observer.stop()
        self._observer.join(STOP_S)


class _Renamed(FileSystemEventHandler):
    """Everything that is to be delivered appears by a rename; writes in between are nobody's business."""

    def __init__(self, hint: Callable[[], object]) -> None:
        self._hint = hint

    def on_moved(self, event: FileSystemEvent) -> None:  # noqa: ARG002  # watchdog's interface
        try:
            self._hint()
        except RuntimeError:
            return  # the loop has just been closed
