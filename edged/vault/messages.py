"""What core and sealer process say to each other: JSON lines on a socket pair, descriptors beside them.

core:    Store (part, marks, turns) | Compare | Rehash (file)        in brackets: descriptors beside it
sealer:  Ready with the offset wanted                               not after Rehash
core:    Source (read end of the pipe)
sealer:  Beat, four times a second from the order on; at the end one Finished or Failed
"""

from typing import TypeAlias

import msgspec

from drivers.worker.messages import Failed
from edged.ports import Medium
from edged.vault.sealing import Phase

LINE_LIMIT = 64 * 1024
BEAT_S = 0.25


class _Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", forbid_unknown_fields=True):
    pass


class Store(_Message, frozen=True, tag="store"):
    size: int
    resume_to: int
    asker: int  # for the write scheduler: a number of this copy


class Compare(_Message, frozen=True, tag="compare"):
    size: int


class Rehash(_Message, frozen=True, tag="rehash"):
    size: int


class Source(_Message, frozen=True, tag="source"):
    pass


class Ready(_Message, frozen=True, tag="ready"):
    offset: int


class Beat(_Message, frozen=True, tag="beat"):
    phase: Phase
    done: int
    received: int
    waited_s: float


class Finished(_Message, frozen=True, tag="finished"):
    size: int
    sha256: str
    fingerprint: str
    medium: Medium
    resumed_from: int
    received: int
    film_began: str = ""
    film_ms: int = -1


Order: TypeAlias = Store | Compare | Rehash | Source
Report: TypeAlias = Ready | Beat | Finished | Failed
