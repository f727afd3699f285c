"""Answers the core's requests about ports. One conversation at a time: there is one core.

Rule 1: at the start, and when the core's conversation ends for whatever reason, every port is shut.
Rule 2: a request names a slot or a process, never a path: what is not on the slot map cannot be touched.
"""

from collections.abc import Callable
from typing import assert_never

from drivers.usb_ports import messages as p
from drivers.usb_ports.gate import Gate
from edged.errors import EdgeError


class PortsServer:
    """Blocking, one request at a time.

    Args:
        end_worker: kills a process if it is one of the workers' user. Raises EdgeError.
    """

    def __init__(self, gate: Gate, end_worker: Callable[[int], None]) -> None:
        self._gate, self._end_worker = gate, end_worker

    def handle(self, request: p.Request) -> p.Answer:
        """Never raises EdgeError."""
        try:
            return self._handle(request)
        except EdgeError as error:
            return p.Refused(code=error.code.number, detail=error.detail)

    def _handle(self, request: p.Request) -> p.Answer:
        match request:
            case p.Open(slot=slot):
                return p.Opened(descriptor_sha256=self._gate.open(slot))
            case p.Close(slot=slot):
                self._gate.close(slot)
            case p.Rest(slot=slot):
                self._gate.rest(slot)
            case p.Cycle(slot=slot):
                self._gate.cycle(slot)
            case p.EndWorker(pid=pid):
                self._end_worker(pid)
            case _:
                assert_never(request)
        return p.Done()
