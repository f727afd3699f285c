"""The courier's outside world, as it is handed in by the wiring file."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from edged.ports import Clock, FileSystem, Log, Random
from sync.nut import UpsState
from sync.store import Dialler


def _unwatched(_more_s: float) -> None:
    return


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    fs: FileSystem
    clock: Clock
    random: Random
    dialler: Dialler
    log: Log
    alive: Callable[[float], None] = _unwatched  # see `sync.progress.Alive`
    ask_ups: Callable[[], Awaitable[UpsState]] | None = None  # None: none is configured
