"""The shell around a slot's table: what comes while something else runs. The slot's stories are in `station/`."""

import asyncio
from typing import Any

import pytest

from edged.slots.keeper import Keeper
from edged.slots.state import Event, State


class Work:
    """Does nothing, but for checks, which give what they saw when they began once they are let go on."""

    def __init__(self) -> None:
        self.marked = True
        self.checks = 0
        self.go_on = asyncio.Semaphore(0)

    async def look(self) -> tuple[Event, ...]:
        return ()

    async def check(self) -> Event:
        self.checks += 1
        seen = Event.IN_WORKS if self.marked else Event.FOUND_READY
        await self.go_on.acquire()
        return seen

    def deadline_s(self, setting: str, repeats: int) -> float:
        return 1000.0

    def __getattr__(self, name: str) -> Any:
        async def nothing(*args: object) -> None:
            return None

        return nothing


def keeper(work: Work) -> Keeper:
    made = Keeper(1, work, lambda *_, **__: None, lambda _: None)
    made.state = State.HOLDING
    return made


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.parametrize("moment", ["while it runs", "before its verdict is heard"])
async def test_a_mark_that_ends_during_a_check_is_seen(moment: str) -> None:
    work = Work()
    kept = keeper(work)
    running = asyncio.create_task(kept.run())
    kept.feed(Event.CHECK_DUE)
    await settled()

    if moment == "before its verdict is heard":
        work.go_on.release()
    work.marked = False
    kept.feed(Event.MARKS_CHANGED)
    await settled()
    for _ in range(3):
        work.go_on.release()
    await settled()

    assert kept.state is State.READY
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
