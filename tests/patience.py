"""How tests deal with real time on a machine that has other work: they wait long, and they count instead of timing."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

T = TypeVar("T")

PATIENCE_S = 30.0  # for what takes a moment on an idle machine


def calls(function: Callable[[], T]) -> tuple[T, int]:
    """What ``function`` returns, and how many functions in Python it called: an effort that no machine changes."""
    count = 0

    def seen(frame: FrameType, event: str, arg: object) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        return function(), count
    finally:
        sys.setprofile(before)
