"""Whether the bus shows a device at a slot's port, and since which connection.

A camera may leave the bus and come back without leaving the slot (disk mode, power cycle, a moment's drop), and
another may take its place within milliseconds: every arrival is a new generation, so that nobody takes one
connection for the one before.
"""

import asyncio

from edged.errors import CameraLostError


class Presence:
    """One slot's port. Fed by the hotplug owner, waited on by the camera's session."""

    def __init__(self) -> None:
        self.connected = False
        self.generation = 0
        self._changed = asyncio.Event()

    def arrived(self) -> None:
        """The bus shows a device. A second arrival without a departure means that one was missed."""
        self.connected = True
        self.generation += 1
        self._wake()

    def left(self) -> None:
        self.connected = False
        self._wake()

    async def wait_arrival(self, after: int, deadline_s: float) -> int:
        """Return the generation of a device that arrived after generation ``after``.

        Raises:
            CameraLostError: none within ``deadline_s``.
        """
        try:
            async with asyncio.timeout(deadline_s):
                while not (self.connected and self.generation > after):
                    await self._changed.wait()
        except TimeoutError as exc:
            raise CameraLostError(waited_s=deadline_s, reason="did not come back on the bus") from exc
        return self.generation

    async def wait_departure(self, generation: int, deadline_s: float) -> bool:
        """Whether the device of ``generation`` left (or was replaced) within ``deadline_s``."""
        try:
            async with asyncio.timeout(deadline_s):
                while self.connected and self.generation == generation:
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
