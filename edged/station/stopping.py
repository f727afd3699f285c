"""Cancellation that is not lost on the way out."""

import asyncio


def stop_if_told() -> None:
    """For loops that live on after errors: raise CancelledError if this task has been told to stop.

    An error that is met while the cancellation unwinds takes its place (a task group of Python 3.11 does so, and so
    does a clean-up that fails); without this the loop would go on, and the daemon would never end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
