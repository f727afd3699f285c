"""What has happened at the slots and the ledger could not take: it is stated before the next docking or grant.

A camera is gone whether the disk has room for that line or not. Without the line the ledger would leave it with one
officer while the next has it.
"""

import asyncio
from collections import deque

from edged.formats.facts import Fact
from edged.station.recorder import Recorder

OWED_LIMIT = 100  # a contact that flaps for as long as the ledger takes nothing: the newest are kept


class Owed:
    """Facts of all slots in their order; normally none."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._facts: deque[Fact] = deque(maxlen=OWED_LIMIT)
        self._settling = asyncio.Lock()

    def __bool__(self) -> bool:
        return bool(self._facts)

    async def state(self, fact: Fact) -> None:
        """Record what has happened, after all that is owed; it is not lost if that fails.

        Raises:
            EdgeError: the ledger takes nothing now.
        """
        self._facts.append(fact)
        await self.settle()

    async def settle(self) -> None:
        """Record what is owed.

        Raises:
            EdgeError: the ledger takes nothing now.
        """
        async with self._settling:
            while self._facts:
                await self._recorder.record(self._facts[0])
                self._facts.popleft()
