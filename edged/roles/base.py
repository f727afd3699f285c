"""The two roles that carry bytes, as the core sees them. Adapters: `subprocess_roles`, `inline_roles`."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from drivers.worker.messages import Answer, Clip, Request
from edged.errors import EdgeError
from edged.roles.pace import Limits
from edged.vault.sealing import Phase, Sealed
from edged.vault.vault import Part

# Longest wait for a sealer or worker to show that it lives, for it to end, and to take a kill.
START_S, END_S, KILL_S = 20.0, 5.0, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SealOrder:
    """Where a clip's bytes go and how long that may take.

    Attributes:
        part: the beginning they go into (`Vault.begin`); None: only read and hash them, for the
            comparison with what is sealed (gate G4).
    """

    part: Part | None = None
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Progress:
    """For the display; told at most about four times a second."""

    phase: Phase
    done: int  # bytes done in this phase
    size: int  # bytes of the clip


OnProgress = Callable[[Progress], None]


class Worker(Protocol):
    """The worker of one slot: speaks with the camera."""

    @property
    def spent(self) -> bool:
        """It ended, or had to be ended: a crash, a hang, an answer that is none."""
        ...

    async def call(self, request: Request, *, deadline_s: float) -> Answer:
        """Ask and return the request's own answer. Copy goes through `Roles.transfer`.

        Raises:
            CameraError: with the code of a Failed answer; CAMERA_SILENT past the deadline,
                PROCESS_DIED if the worker ended. After these two the worker is of no more use.
        """
        ...

    async def close(self) -> None:
        """End the worker within END_S + KILL_S. Repeatable."""
        ...


@dataclass(frozen=True, slots=True)
class Stranger:
    """Whoever came to a slot's socket and was not let in as its worker, as the kernel names him."""

    slot: int
    account: str
    uid: int


class Roles(Protocol):
    """Makes workers, and sealers where they are needed."""

    async def start_worker(self, port: str) -> Worker:
        """Start a worker for the device at ``port``. Raises CameraError PROCESS_DIED."""
        ...

    async def transfer(
        self, worker: Worker, clip: Clip, offset: int, order: SealOrder, on_progress: OnProgress
    ) -> Sealed:
        """Bring a clip in: copy, hash, write, sync, read back. Publishing it is the caller's.

        Args:
            offset: bytes of an earlier copy that may be taken over at most (``part.held``). What is
                really taken over is what the medium proves: ``Sealed.resumed_from``.

        Raises:
            CameraError: the camera or its worker failed, or is too slow; ``detail["held"]`` bytes can
                be resumed. Cancelling has the same effect, within END_S.
            DiskError: the disk or the sealer failed: `Vault.give_up` the beginning.
        """
        ...

    async def rehash(self, path: str, size: int) -> Sealed:
        """Read a sealed file from the medium and hash it, for recovery and scrub.

        Raises:
            DiskError: it cannot be read.
        """
        ...

    async def cycle(self, port: str) -> bool:
        """Take the power from a port for a moment through its hub. False: that hub cannot, or none may be asked."""
        ...

    def unshut(self) -> Mapping[int, EdgeError]:
        """Slots whose port could not be shut so far, and why."""
        ...

    def strangers(self) -> Collection[Stranger]:
        """Who was not let in since the last time that this was asked, each once."""
        ...

    async def close(self) -> None:
        """End every process that is left."""
        ...
