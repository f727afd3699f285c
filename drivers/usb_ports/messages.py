"""What the core and the ports' process say to each other: lines of JSON, one answer to each request, in order."""

from typing import TypeAlias

import msgspec

LINE_LIMIT = 4096  # bytes


class _Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", forbid_unknown_fields=True):
    pass


class Open(_Message, frozen=True, tag="open"):
    """Let the workers' user at what is plugged into the slot, if it is a camera. Answered by Opened."""

    slot: int


class Close(_Message, frozen=True, tag="close"):
    """Shut the slot's port; what runs there is broken off. Answered by Done, also if nothing was open."""

    slot: int


class Rest(_Message, frozen=True, tag="rest"):
    """A conversation is over: nobody gets at the interface until the next Open. Answered by Done."""

    slot: int


class Cycle(_Message, frozen=True, tag="cycle"):
    """Take the power from the slot's port for a moment, where its hub can. Answered by Done."""

    slot: int


class EndWorker(_Message, frozen=True, tag="end-worker"):
    """Kill a process of the workers' user. Answered by Done, also if it has ended."""

    pid: int


class Opened(_Message, frozen=True, tag="opened"):
    descriptor_sha256: str  # of the device that was judged


class Done(_Message, frozen=True, tag="done"):
    pass


class Refused(_Message, frozen=True, tag="refused"):
    code: int  # number of an edged.errors.ErrorCode
    detail: dict[str, str | int | float | bool]


Request: TypeAlias = Open | Close | Rest | Cycle | EndWorker
Answer: TypeAlias = Opened | Done | Refused
