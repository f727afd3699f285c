"""Keeps a courier at work: a queue whose file failed is opened anew, because it can always be made again.

A disk that does not even let it be made is waited for: nobody has to start the courier again afterwards.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import NoReturn, Protocol

from edged.errors import DiskError
from sync.config import Settings
from sync.courier import Courier
from sync.ports import Ports
from sync.queue import Queue, QueueError

RENEW_S, RENEW_MAX_S = (
    5.0,
    300.0,
)  # pause before a queue whose file failed is opened anew: doubles, with jitter


class Watch(Protocol):
    """Something that hints at changes until it is stopped."""

    def stop(self) -> None: ...


async def keep_delivering(
    settings: Settings,
    ports: Ports,
    open_queue: Callable[[], Queue],
    watch: Callable[[Callable[[], None]], Watch],
) -> NoReturn:
    """Deliver until cancelled. ``watch`` is given what to call when vault or ledger may have changed."""
    pause_s = RENEW_S
    while True:
        try:
            queue = open_queue()
        except DiskError as exc:
            _tell(ports, exc)
            pause_s = min(2 * pause_s, RENEW_MAX_S)
        else:
            await _deliver(Courier(settings, ports, queue), queue, ports, watch)
            pause_s = RENEW_S
        await asyncio.sleep(ports.random.uniform(pause_s / 2, pause_s))


async def _deliver(
    courier: Courier, queue: Queue, ports: Ports, watch: Callable[[Callable[[], None]], Watch]
) -> None:
    """Until the queue's file fails."""
    hints = watch(courier.hint)
    try:
        await courier.run()
    except QueueError as exc:
        _tell(ports, exc)
    finally:
        hints.stop()
        with contextlib.suppress(QueueError):
            queue.close()


def _tell(ports: Ports, error: DiskError) -> None:
    ports.log("EDG-3116", reason=str(error.detail.get("reason", "")))
