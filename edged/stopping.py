"""Cancellation that is not lost on the way out."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
CARRY_S = 8.0  # less than the keeper gives a job to end in (`edged.slots.keeper.JOB_END_S`)


def stop_if_told() -> None:
    """For loops that live on after errors: raise CancelledError if this task has been told to stop.

    An error that is met while the cancellation unwinds takes its place (a task group of Python 3.11 does so, and so
    does a clean-up that fails); without this the loop would go on, and the daemon would never end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def carried_on(doing: Coroutine[Any, Any, T], name: str = "carried on") -> "asyncio.Task[T]":
    """A task for what goes on though whoever waits for it, shielded, is cancelled: then nobody is left to fetch its
    error, and nobody has to."""
    task = asyncio.create_task(doing, name=name)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task


async def carried_through(doing: Coroutine[Any, Any, None]) -> None:
    """Do what must not be left half done: whoever is cancelled meanwhile is so after it, or after ``CARRY_S``."""
    task = carried_on(doing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=CARRY_S)
        raise
