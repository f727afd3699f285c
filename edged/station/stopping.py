"""Cancellation that is not lost on the way out."""

import asyncio
from collections.abc import Coroutine
from typing import Any

CARRY_S = 8.0  # less than the keeper gives a job to end in (`edged.slots.keeper.JOB_END_S`)


def stop_if_told() -> None:
    """For loops that live on after errors: raise CancelledError if this task has been told to stop.

    An error that is met while the cancellation unwinds takes its place (a task group of Python 3.11 does so, and so
    does a clean-up that fails); without this the loop would go on, and the daemon would never end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def carried_through(doing: Coroutine[Any, Any, None]) -> None:
    """Do what must not be left half done: whoever is cancelled meanwhile is so after it, or after ``CARRY_S``."""
    task = asyncio.ensure_future(doing)
    # Nobody may be left to fetch its error.
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=CARRY_S)
        raise
