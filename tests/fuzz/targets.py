"""Every target of fuzzing, and what is none although it reads bytes."""

import inspect
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from tests.fuzz import (
    camera_targets,
    card_targets,
    document_targets,
    exchange_targets,
    ledger_targets,
    text_targets,
    usb_targets,
    wire_targets,
)
from tests.fuzz.contract import Target

TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        target.name: target
        for module in (
            wire_targets,
            usb_targets,
            camera_targets,
            card_targets,
            document_targets,
            ledger_targets,
            text_targets,
            exchange_targets,
        )
        for target in module.TARGETS
    }
)
FOUND = Path(__file__).parent / "found"


def found(name: str) -> list[Path]:
    """Inputs that once broke a target's contract; they are tried for ever."""
    return sorted((FOUND / name).glob("*"))


@cache
def covered() -> frozenset[str]:
    """Everything that some target is the test of, as ``path:name``."""
    return frozenset(_place(item) for target in TARGETS.values() for item in target.covers)


def _place(item: object) -> str:
    module = inspect.getmodule(item)
    assert module is not None
    return f"{module.__name__.replace('.', '/')}.py:{getattr(item, '__qualname__', '')}"
