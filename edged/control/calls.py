"""A request of the control socket, and what answers it: the types of the tables of verbs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from edged.station.station import Station
from edged.verbs import Actor

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
OptionalText = Annotated[str, msgspec.Meta(max_length=300)]


@dataclass(frozen=True, slots=True)
class Call:
    station: Station
    actor: Actor
    params: Any


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Nothing(Params, frozen=True):
    pass


@dataclass(frozen=True, slots=True)
class Handler:
    run: Callable[[Call], Awaitable[Any]]
    params: type[msgspec.Struct] = Nothing  # what a request's body is read as
