"""A courier whose disk fails waits for it, and nobody has to start it again."""

import asyncio
from typing import Any, cast

import pytest

import sync.keep
from edged.errors import DiskError
from sync.keep import RENEW_MAX_S, RENEW_S, keep_delivering
from sync.ports import Ports
from sync.queue import Queue, QueueError
from tests.world.loop import story
from tests.world.world import SeededRandom


class Disk:
    """Opens a queue at each of its turns as its letter says: x, it cannot be made; f, it fails at work; o, it holds."""

    def __init__(self, turns: str) -> None:
        self._turns = iter(turns)
        self.turn = ""
        self.tried = list[float]()

    def open(self) -> Queue:
        self.turn = next(self._turns)
        self.tried.append(asyncio.get_running_loop().time())
        if self.turn == "x":
            raise DiskError(path="queue.sqlite", reason="no space left")
        return Queue(":memory:")


class Work:
    """In the place of the courier."""

    def __init__(self, disk: Disk) -> None:
        self._disk, self.hint = disk, lambda: None

    async def run(self) -> None:
        await asyncio.sleep(100.0)
        if self._disk.turn == "f":
            raise QueueError(path="queue.sqlite", reason="disk I/O error")
        await asyncio.sleep(10**6)


class NoWatch:
    def stop(self) -> None:
        pass


async def kept(disk: Disk, monkeypatch: pytest.MonkeyPatch, for_s: float) -> list[str]:
    monkeypatch.setattr(sync.keep, "Courier", lambda *_: Work(disk))
    reasons = list[str]()
    ports = Ports(
        fs=cast("Any", None),
        clock=cast("Any", None),
        random=SeededRandom(1),
        dialler=cast("Any", None),
        log=lambda _, /, **fields: reasons.append(str(fields["reason"])),
    )
    running = asyncio.create_task(keep_delivering(cast("Any", None), ports, disk.open, lambda _: NoWatch()))
    await asyncio.sleep(for_s)
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return reasons


@story
async def test_a_disk_that_lets_no_queue_be_made_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk("x" * 12 + "o")
    reasons = await kept(disk, monkeypatch, 3600.0)
    pauses = [later - sooner for sooner, later in zip(disk.tried, disk.tried[1:], strict=False)]
    assert reasons == ["no space left"] * 12
    assert len(pauses) == 12
    assert all(low <= pause <= 2 * low for low, pause in zip((5, 10, 20, 40, 80), pauses, strict=False))
    assert max(pauses) <= RENEW_MAX_S


@story
async def test_a_queue_that_failed_at_work_is_opened_anew_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk("fffo")
    reasons = await kept(disk, monkeypatch, 1000.0)
    assert reasons == ["disk I/O error"] * 3
    pauses = [later - sooner - 100.0 for sooner, later in zip(disk.tried, disk.tried[1:], strict=False)]
    assert all(RENEW_S / 2 <= pause <= RENEW_S for pause in pauses)
