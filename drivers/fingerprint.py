"""Fingerprint of a clip: recognises a recording that is sealed already, and proves nothing.

Definition: the SHA-256, in hex, of the file's first MiB followed by its last MiB. The first MiB is the
bytes [0, min(size, 2**20)), the last MiB the bytes [max(0, size - 2**20), size). The two overlap in a
file under 2 MiB, and of one of at most 1 MiB each is the whole file, so that it is hashed twice.
"""

import hashlib

EDGE = 1024 * 1024  # bytes at each end


def ranges(size: int) -> tuple[range, range]:
    """Offsets of the first and of the last MiB of a file of ``size`` bytes."""
    return range(min(size, EDGE)), range(max(0, size - EDGE), size)


def fingerprint(first: bytes | bytearray, last: bytes | bytearray) -> str:
    """Return the fingerprint of a file with these ends, cut as `ranges` says."""
    return hashlib.sha256(first + last).hexdigest()


class Fingerprinter:
    """Gathers the two ends while a file of known size passes by, in any order, gaps overwritten."""

    def __init__(self, size: int) -> None:
        self._ends = [(edge, bytearray(len(edge))) for edge in ranges(size)]

    def feed(self, offset: int, data: bytes | memoryview) -> None:
        """Take note of ``data``, which lies at ``offset``. What lies beyond the size is ignored."""
        for edge, kept in self._ends:
            start, stop = max(offset, edge.start), min(offset + len(data), edge.stop)
            if start < stop:
                kept[start - edge.start : stop - edge.start] = data[start - offset : stop - offset]

    def digest(self) -> str:
        """The fingerprint; meaningful once every byte of both ends was fed."""
        (_, first), (_, last) = self._ends
        return fingerprint(first, last)
