"""A disk that loses its power: what the guest has not flushed is gone, as from a drive's cache."""

import contextlib
import signal
import subprocess
import time
from pathlib import Path

from tests.vm.evidence import attach
from tests.vm.machine import Machine, MachineError

START_S, LOOK_S = 20.0, 0.02


class DataDisk:
    """An image behind nbdkit's cache. ``start``, ``attach``, ``lose_power``, and again.

    Args:
        image: the disk's content that is durable.
        work: where its socket lies.
    """

    def __init__(self, image: Path, work: Path) -> None:
        self._image, self._socket = image, work / "data.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._socket.unlink()
        words = ["nbdkit", "-f", "-U", str(self._socket), "--filter=cache", "file", str(self._image)]
        self._process = subprocess.Popen([*words, "cache=writeback"], stdin=subprocess.DEVNULL)
        end = time.monotonic() + START_S
        while not self._socket.exists():
            if self._process.poll() is not None or time.monotonic() > end:
                raise MachineError("nbdkit does not start")
            time.sleep(LOOK_S)

    def attach(self, machine: Machine) -> None:
        attach(machine, driver="nbd", server={"type": "unix", "path": str(self._socket)})

    def lose_power(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(START_S)
            self._process = None
