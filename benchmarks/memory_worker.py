"""A slot's worker whose camera is a file in memory: ``python -m benchmarks.memory_worker --fd N --port FILE``.

The shipped process in everything but the bus: the same request loop, the same blocks of 1 MiB, the same
writer into the same pipe. So what is measured above it is the station's own path.
"""

import argparse
import mmap
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from drivers.cameras.detect import Connection
from drivers.fat.reading import BLOCK
from drivers.worker import messages as m
from drivers.worker.main import Channel, pause, serve
from drivers.worker.serve import CopyRun, WorkerServer


class MemoryRun(CopyRun):
    """The first bytes of a mapped file as a clip. Each block is copied once, as out of a card."""

    def __init__(self, memory: mmap.mmap, start: int, size: int) -> None:
        self._memory, self._start, self._size = memory, start, size
        self.sent = 0

    def __iter__(self) -> Iterator[bytes]:
        for offset in range(self._start, self._size, BLOCK):
            block = self._memory[offset : min(offset + BLOCK, self._size)]
            yield block
            self.sent += len(block)

    def ended(self) -> m.CopyEnded:
        return m.CopyEnded(sent=self.sent)


class MemoryServer(WorkerServer):
    """Knows how to copy and nothing else."""

    def __init__(self, file: Path) -> None:
        super().__init__(_no_bus, "", pause)
        with file.open("rb") as source:
            self._memory = mmap.mmap(source.fileno(), 0, prot=mmap.PROT_READ)

    def copy(self, request: m.Copy) -> CopyRun:
        return MemoryRun(self._memory, request.offset, request.clip.size)


def _no_bus() -> Connection:
    raise RuntimeError("there is no bus here")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="socket to the core")
    parser.add_argument("--port", type=Path, required=True, help="the file that stands for the camera")
    options = parser.parse_args()
    with socket.socket(fileno=options.fd) as sock:
        serve(Channel(sock), MemoryServer(options.port))
    return 0


if __name__ == "__main__":
    sys.exit(main())
