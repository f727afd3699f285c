"""Every target of fuzzing, and what is none although it reads bytes."""

import inspect
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from tests.fuzz import (
    camera_targets,
    card_targets,
    centre_targets,
    control_targets,
    document_targets,
    ledger_targets,
    movie_targets,
    note_targets,
    ports_targets,
    process_targets,
    proof_targets,
    setting_targets,
    sftp_targets,
    signature_targets,
    text_targets,
    usb_targets,
    wire_targets,
)
from tests.fuzz.contract import FOUND, Target

TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        target.name: target
        for module in (
            wire_targets,
            usb_targets,
            camera_targets,
            card_targets,
            movie_targets,
            ports_targets,
            process_targets,
            note_targets,
            document_targets,
            proof_targets,
            ledger_targets,
            setting_targets,
            text_targets,
            sftp_targets,
            signature_targets,
            control_targets,
            centre_targets,
        )
        for target in module.TARGETS
    }
)


def found(name: str) -> list[Path]:
    """Inputs that once broke this target's contract."""
    return sorted((FOUND / name).glob("*"))


@cache
def covered() -> frozenset[str]:
    """Everything that some target is the test of, as ``path:name``."""
    return frozenset(_place(item) for target in TARGETS.values() for item in target.covers)


def _place(item: object) -> str:
    module = inspect.getmodule(item)
    assert module is not None
    return f"{module.__name__.replace('.', '/')}.py:{getattr(item, '__qualname__', '')}"
