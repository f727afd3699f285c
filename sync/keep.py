"""Keeps a courier at work: a queue whose file failed is opened anew, because it can always be made again."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import NoReturn, Protocol

from sync.config import Settings
from sync.courier import Courier
from sync.ports import Ports
from sync.queue import Queue, QueueError

RENEW_S = 5.0  # pause before a queue whose file failed is opened anew


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
    while True:
        queue = open_queue()
        courier = Courier(settings, ports, queue)
        hints = watch(courier.hint)
        try:
            await courier.run()
        except QueueError as exc:
            ports.log("EDG-3116", reason=str(exc.detail.get("reason", "")))
        finally:
            hints.stop()
            with contextlib.suppress(QueueError):
                queue.close()
        await asyncio.sleep(RENEW_S)
