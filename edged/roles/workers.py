"""Where the workers come from: the core starts them itself, or they come by themselves (`connected_workers`)."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from edged.errors import CameraError, EdgeError, ErrorCode
from edged.roles.base import Stranger
from edged.roles.child import Family
from edged.roles.worker_process import WorkerProcess

WorkerCommand = Callable[[str, int], Sequence[str]]
"""The command line of the worker for a port, with the descriptor of its channel."""


class Workers(Protocol):
    """Gives a worker for each conversation with the camera at a port."""

    async def start(self, port: str) -> WorkerProcess:
        """Raises CameraError PROCESS_DIED."""
        ...

    async def cycle(self, port: str) -> bool:
        """See `edged.roles.base.Roles.cycle`."""
        ...

    def unshut(self) -> Mapping[int, EdgeError]:
        """See `edged.roles.base.Roles.unshut`."""
        ...

    def strangers(self) -> Collection[Stranger]:
        """See `edged.roles.base.Roles.strangers`."""
        ...

    async def close(self) -> None: ...


class StartedWorkers:
    """Each is a child process of this one. They end with the family."""

    def __init__(self, family: Family, command: WorkerCommand) -> None:
        self._family, self._command = family, command

    async def start(self, port: str) -> WorkerProcess:
        name = f"worker {port}"
        try:
            return WorkerProcess(await self._family.start(name, lambda fd: self._command(port, fd)))
        except OSError as exc:
            raise CameraError(ErrorCode.PROCESS_DIED, process=name, error=str(exc)) from exc

    async def cycle(self, port: str) -> bool:  # noqa: ARG002  # the core has no right to any hub
        return False

    def unshut(self) -> Mapping[int, EdgeError]:
        return {}

    def strangers(self) -> Collection[Stranger]:
        return ()

    async def close(self) -> None:
        """Nothing beside the family, which closes itself."""
