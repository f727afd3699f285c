"""What the courier's watchdog sees: a hang, and neither a slow line nor a centre that is away for weeks."""

import asyncio
from collections.abc import Callable

import pytest

from drivers.notify import Progress
from sync.courier import SCAN_S, Courier
from sync.ports import Ports
from sync.progress import PART, WatchedDialler, alive_in
from sync.store import CentreGoneError
from sync.transfer import CHUNK
from tests.sync.test_courier_faults import delivered
from tests.sync.virtual import run
from tests.sync.world import World

HOUR = 3600.0


def watched(world: World, until: Callable[[], bool], limit_s: float) -> list[tuple[str, float]]:
    """Run a courier in virtual time; return what the watchdog found late, looking every 20 s."""

    async def work() -> list[tuple[str, float]]:
        progress = Progress(world.clock)
        alive = alive_in(progress.beat, world.settings.sync)
        ports = Ports(
            fs=world.fs,
            clock=world.clock,
            random=world.random,
            dialler=WatchedDialler(world.centre, alive),
            log=world.log,
            alive=alive,
        )
        late = list[tuple[str, float]]()
        running = asyncio.create_task(Courier(world.settings, ports, world.queue).run())
        try:
            async with asyncio.timeout(limit_s):
                while not until():
                    await asyncio.sleep(20)
                    assert not running.done(), running.result()
                    if (found := progress.stale()) is not None:
                        late.append(found)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        return late

    return run(work())


@pytest.mark.parametrize(
    ("operation", "seconds"),
    [
        ("connect", 155.0),
        ("stat", 59.0),
        ("write_at", 110.0),
        ("sync", 2600.0),
    ],  # each just within its deadline
)
def test_a_line_that_is_as_slow_as_it_may_be_is_no_hang(operation: str, seconds: float) -> None:
    world = World(min_rate=1024, idle_s=600.0)
    world.seal(b"z" * 2 * CHUNK)
    world.centre.slow[operation] = seconds
    assert watched(world, lambda: delivered(world), 40 * HOUR) == []


def test_a_centre_that_is_away_for_a_month_is_no_hang() -> None:
    world = World(retry_max_s=HOUR, scan_s=HOUR)
    world.seal()
    world.centre.fail("connect", CentreGoneError(), times=10**9)
    month = 30 * 24 * HOUR
    assert watched(world, lambda: asyncio.get_running_loop().time() > month, 2 * month) == []


def test_nothing_to_do_is_no_hang() -> None:
    world = World(poll_s=HOUR, scan_s=HOUR)
    assert watched(world, lambda: asyncio.get_running_loop().time() > 24 * HOUR, 48 * HOUR) == []


@pytest.mark.fault("X07", "a courier that hangs where no deadline ends it leaves the watchdog without food")
def test_a_call_that_never_returns_is_a_hang() -> None:
    world = World()
    world.seal()
    world.centre.slow["connect"] = 1e9  # its own deadlines are in the library, which hangs
    late = watched(world, lambda: asyncio.get_running_loop().time() > SCAN_S + 2 * HOUR, 9 * HOUR)
    assert {part for part, _ in late} == {PART}
    assert late[-1][1] > HOUR
