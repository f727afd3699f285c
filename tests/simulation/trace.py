"""What happened, in order and in virtual time: the readable side of a replay, and its fingerprint."""

import hashlib
from collections.abc import Callable

VALUE_LIMIT = 160  # characters of one value


class Trace:
    """Lines of text. Two runs of one seed have the same ``digest``."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.lines: list[str] = []
        self._hash = hashlib.sha256()

    def __call__(self, what: str, /, **fields: object) -> None:
        words = " ".join(f"{name}={str(value)[:VALUE_LIMIT]}" for name, value in fields.items())
        line = f"{self._clock():12.6f} {what} {words}".rstrip()
        self.lines.append(line)
        self._hash.update(line.encode())

    def digest(self) -> str:
        return self._hash.hexdigest()
