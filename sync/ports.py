"""The courier's outside world, as it is handed in by the wiring file."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from edged.ports import Clock, FileSystem, Log, Random
from sync.nut import UpsState
from sync.store import Dialler


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    fs: FileSystem
    clock: Clock
    random: Random
    dialler: Dialler
    log: Log
    ask_ups: Callable[[], Awaitable[UpsState]] | None = None  # None: none is configured
