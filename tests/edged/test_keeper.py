"""The shell around a slot's table: what comes while something else runs. The slot's stories are in `station/`."""

import asyncio
from typing import Any

import pytest

from edged.config import load
from edged.slots.keeper import Keeper
from edged.slots.state import Event, State
from edged.station.patience import deadline_s
from tests.edged.samples import CONFIG
from tests.world.loop import story
from tests.world.world import SeededRandom


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

    def deadline_s(self, setting: str, given_up: int) -> float:
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


class SlowWork(Work):
    """A camera that comes back when its power comes back, and a worker that takes its time to say who it is."""

    def __init__(self, takes_s: float) -> None:
        super().__init__()
        self.takes_s = takes_s
        self.begun, self.cycled = list[float](), list[float]()
        self.config, self.random = load(CONFIG.encode(), "edged.toml"), SeededRandom(1)

    def meets_current(self) -> bool:
        return False

    def begins_to_meet(self) -> None:
        pass

    async def identify(self, state: State) -> Event:
        self.begun.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.takes_s)
        return Event.IDENTIFIED_KNOWN

    async def power_cycle(self, state: State) -> Event:
        self.cycled.append(asyncio.get_running_loop().time())
        return Event.USB_ARRIVED

    async def enter_disk(self) -> None:
        await asyncio.sleep(10**6)

    def deadline_s(self, setting: str, given_up: int) -> float:
        return deadline_s(self.config, self.random, setting, given_up)


async def kept_until(work: SlowWork, after_s: float) -> Keeper:
    kept = keeper(work)
    kept.state = State.EMPTY
    running = asyncio.create_task(kept.run())
    kept.feed(Event.CONTACT_MADE)
    kept.feed(Event.USB_ARRIVED)
    await asyncio.sleep(after_s)
    running.cancel()
    await kept.stop_work()
    await asyncio.gather(running, return_exceptions=True)
    return kept


@pytest.mark.fault(
    "U15", "a host too slow for a deadline gets a longer one, instead of beginning anew for ever"
)
@story
async def test_a_worker_that_comes_too_late_is_waited_for_longer_the_next_time() -> None:
    work = SlowWork(takes_s=100.0)
    timing = work.config.timing
    assert timing.identify_s < 100.0 < 4 * timing.identify_s

    kept = await kept_until(work, 250.0)

    assert kept.state is State.SWITCHING
    assert len(work.begun) == 3  # with the deadline, with twice and with four times as much


@story
async def test_a_camera_that_never_answers_is_cycled_less_and_less_often() -> None:
    work = SlowWork(takes_s=10**6)

    await kept_until(work, 4 * 3600.0)

    pauses = [later - sooner for sooner, later in zip(work.cycled, work.cycled[1:], strict=False)]
    identify_s = work.config.timing.identify_s
    assert pauses[:4] == [2 * identify_s, 4 * identify_s, 8 * identify_s, 8 * identify_s]
    assert max(pauses) == 8 * identify_s


@story
async def test_who_takes_it_out_and_puts_it_in_again_begins_with_the_short_deadline() -> None:
    work = SlowWork(takes_s=10**6)
    kept = keeper(work)
    kept.state = State.EMPTY
    running = asyncio.create_task(kept.run())
    kept.feed(Event.CONTACT_MADE)
    kept.feed(Event.USB_ARRIVED)
    await asyncio.sleep(3600.0)
    before = len(work.cycled)
    kept.feed(Event.CONTACT_BROKEN)
    kept.feed(Event.CONTACT_MADE)
    await asyncio.sleep(work.config.timing.identify_s + 0.1)
    assert len(work.cycled) == before + 1
    running.cancel()
    await kept.stop_work()
    await asyncio.gather(running, return_exceptions=True)
