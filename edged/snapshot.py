"""A state for a reader in another thread: what is added or forgotten meanwhile does not reach it. Pure."""

from dataclasses import fields, replace
from typing import Any, TypeVar

T = TypeVar("T")


def snapshot(state: T) -> T:
    """Return a copy of a dataclass with dicts and sets of its own; what they hold is shared."""
    held = {field.name: getattr(state, field.name) for field in fields(state)}  # type: ignore[arg-type]  # a dataclass
    copies: dict[str, Any] = {
        name: value.copy() for name, value in held.items() if isinstance(value, dict | set)
    }
    made: T = replace(state, **copies)  # type: ignore[type-var]  # as above
    return made
