"""A start that failed: the next process says so for a while instead of failing at once, and the one after it tries.

systemd starts the daemon again for ever, each time after the same few seconds. What keeps it from starting is mostly
mended by a person (a disk that is not mounted), who has to see and hear of it meanwhile: on the lights, in systemd's
status, from edgectl. So tries and pauses take turns, each in a process of its own, and the pauses grow.
"""

import contextlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edged.errors import EdgeError, ErrorCode, Fact
from edged.ports import Random

NAME = "failed-start.json"
FIRST_S, LONGEST_S = 5.0, 60.0  # a person who has mended it waits no longer than that


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    boot: str
    attempts: int
    waited: bool  # the pause after it is over: the next start tries
    code: int
    detail: dict[str, Fact]


@dataclass(frozen=True, slots=True)
class Failed:
    """What kept the daemon from starting, and how often in a row."""

    error: EdgeError
    attempts: int


class FailedStarts:
    """Remembers them in the station's folder, until one succeeds or a person stops the daemon; of this boot only."""

    def __init__(self, state: str, boot: str) -> None:
        self._path, self._boot = Path(state) / NAME, boot

    def due(self) -> Failed | None:
        """The failure that is to be shown now; None: try."""
        found = self._read()
        if found is None or found.waited:
            return None
        try:
            code = next(code for code in ErrorCode if code.number == found.code)
        except StopIteration:  # of another version
            return None
        return Failed(EdgeError(code, **found.detail), found.attempts)

    def failed(self, error: EdgeError) -> None:
        before = self._read()
        attempts = before.attempts + 1 if before is not None else 1
        self._write(_Record(self._boot, attempts, False, error.code.number, dict(error.detail)))

    def waited(self) -> None:
        if (found := self._read()) is not None:
            self._write(msgspec.structs.replace(found, waited=True))

    def forget(self) -> None:
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _read(self) -> _Record | None:
        try:
            found = msgspec.json.decode(self._path.read_bytes(), type=_Record)
        except (OSError, msgspec.MsgspecError, RecursionError):
            return None  # then it tries, as if nothing had been before
        return found if found.boot == self._boot else None

    def _write(self, record: _Record) -> None:
        with contextlib.suppress(OSError):  # the disk may be what fails: then it tries again at once
            self._path.write_bytes(msgspec.json.encode(record))


def pause_s(attempts: int, random: Random) -> float:
    """How long the failure is shown before the next try, in seconds."""
    bound = min(LONGEST_S, FIRST_S * 2.0 ** min(attempts - 1, 16))
    return random.uniform(bound / 2, bound)
