"""The courier's outside world, as it is handed in by the wiring file."""

from dataclasses import dataclass

from edged.ports import Clock, FileSystem, Log, Random
from sync.store import Dialler


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    fs: FileSystem
    clock: Clock
    random: Random
    dialler: Dialler
    log: Log
