"""Inputs and means that several modules of targets share."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from sync.report import AlertEntry, HeldEntry, Sending, Status
from tests.sync.world import STATION

T = TypeVar("T")
NESTED = b'{"x":' + b"[" * 20_000
NOT_TEXT = b'{"alert":"\xff","code":"\xff","time":"\xff"}'
STATUS = Status(
    station=STATION,
    time="2026-11-22T07:00:00.000Z",
    connected=True,
    stopped=False,
    last_contact="",
    assurance="synced",
    queued=1,
    sending=0,
    delivered=2,
    receipted=3,
    held=1,
    waiting_bytes=5,
    newest_checkpoint=4,
    countersigned=4,
    current=Sending(key="a" * 32, sent=1, size=2),
    awaiting_items=("a" * 32, "b" * 32),
    held_items=(HeldEntry(recording="a" * 32, reason="not taken"),),
    alerts=(AlertEntry(alert="centre-silent", code=3001, since="", detail={"host": "x", "tries": 3}),),
)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end in a loop of its own."""
    with asyncio.Runner() as runner:
        return runner.run(work)


def hostile_json() -> list[bytes]:
    """Nested deeply, numbers of many digits, many members, no text, no numbers."""
    deep = 30_000
    return [
        b"[" * deep,
        b"[" * deep + b"]" * deep,
        b'{"a":' * (deep // 3),
        b"1" * 60_000,
        NESTED,
        NOT_TEXT,
        b'{"boot_id":"b","wall_ns":1e999,"boottime_ns":1,"max_error_ns":1}',
        b'"' + b"\xd1" * 100 + b'"',
        b"{" + b",".join(b'"%05d":0' % n for n in range(6000)) + b"}",
    ]
