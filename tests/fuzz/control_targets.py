"""What daemon, command line and courier tell each other, and the virtual bus."""

import asyncio
import json
from contextlib import suppress
from unittest.mock import patch

import msgspec

from drivers.hotplug_usbip import UsbipHotplug
from edged.control import api, client
from edged.control.verbs import HANDLERS
from edged.errors import EdgeError, ErrorCode, FormatError
from edged.station.courier import CourierReport, courier_report
from simulators.ups import NAME, SimUps
from sync.nut import parse_answer
from sync.ups_address import parse_address
from tests.fakes.memory_fs import MemoryFS
from tests.fuzz.contract import KIB, Tape, Target, must, require
from tests.fuzz.samples import NESTED, NOT_TEXT, STATUS
from tests.sync.world import PlainRandom

VERBS = tuple(sorted(HANDLERS))


def _request(data: bytes) -> None:
    t = Tape(data)
    handler = HANDLERS[VERBS[t.number() % len(VERBS)]]
    found = api._decode(t.take(t.left), handler.params)
    require(isinstance(found, handler.params), "a request passes that is another's")
    require(api._decode(msgspec.json.encode(found), handler.params) == found, "a request does not come back")


def _requests() -> list[bytes]:
    bodies: dict[str, dict[str, object]] = {
        "log": {"since": "2026-11-22T07:00:00.000Z", "slot": 3, "limit": 10},
        "officer add": {
            "person": "p-1",
            "name": "Олена",
            "kind": "desfire-id",
            "uid": "04a1b2c3d4e5f6",
            "valid_until": "2027-01-01T00:00:00.000Z",
            "appointment": "17-к",
        },
        "officer revoke": {"person": "p-1", "reason": "звільнення"},
        "camera works": {"camera": "CAM1", "reason": "battery", "end": False},
        "prove": {"recording": "7" * 32},
        "slots open": {"slot": 3},
        "status": {},
    }
    return [bytes([VERBS.index(verb)]) + msgspec.json.encode(body) for verb, body in bodies.items()]


def _answer(data: bytes) -> None:
    t = Tape(data)
    status = 200 if t.number() % 2 == 0 else 409
    found = client._unpack(status, t.take(t.left))
    require(status == 200, "a refusal passes for an answer")
    with must("an answer that cannot be printed"):
        json.dumps(found)


def _answers() -> list[bytes]:
    refusal = {"code": ErrorCode.NOT_ALLOWED.number, "text": "…", "detail": {"account": "x"}}
    odd: list[object] = [
        [],
        {"code": 7001, "detail": []},
        {"code": [], "detail": {"code": 1}},
        {"detail": {"a": [1]}},
    ]
    return [b"\0{}", *(b"\1" + json.dumps(body).encode() for body in (refusal, *odd))]


def _report(data: bytes) -> None:
    fs = MemoryFS()
    fs.put("/inbox/status.json", data)
    found = courier_report(fs, "/inbox")
    require(found is None or isinstance(found, CourierReport), "a report of another kind")


def _ups(data: bytes) -> None:
    state = parse_answer(data, NAME)
    for number in (state.charge_percent, state.runtime_s):
        require(number is None or 0 <= number < 1e7, "a number that is none")


class _Stream:
    """A connection on which only ``data`` comes; reader and writer in one."""

    def __init__(self, data: bytes) -> None:
        self._lines = data.splitlines(keepends=True)

    async def readline(self) -> bytes:
        return self._lines.pop(0) if self._lines else b""

    def close(self) -> None:
        pass

    async def wait_closed(self) -> None:
        pass


class _NextConnection(Exception):
    pass


def _hotplug(data: bytes) -> None:
    """One connection to the bus's events, from the first line to the end."""

    streams = [_Stream(data)]

    async def open_connection(path: str, **_: object) -> tuple[_Stream, _Stream]:
        if not streams:
            raise _NextConnection
        return streams[0], streams.pop()

    async def pause(_: float) -> None:
        pass

    with (
        patch.object(asyncio, "open_unix_connection", open_connection),
        patch.object(asyncio, "sleep", pause),
        suppress(_NextConnection),
        asyncio.Runner() as runner,
    ):
        runner.run(UsbipHotplug("/bus", PlainRandom())._follow())


TARGETS = (
    Target(
        name="control-request",
        contract="Any body of a request is what the verb takes, or BAD_REQUEST.",
        body=_request,
        refusals=(EdgeError,),
        seeds=_requests,
        limit=32 * KIB,
        covers=(api._decode,),
        hostile=lambda: [b"\0" + NESTED, b"\0" + NOT_TEXT, b"\1" + NOT_TEXT],
    ),
    Target(
        name="control-answer",
        contract="Any body of an answer is one that can be printed, or EdgeError.",
        body=_answer,
        refusals=(EdgeError,),
        seeds=_answers,
        limit=32 * KIB,
        covers=(client._unpack,),
        hostile=lambda: [b"\0" + b"[" * 30_000, b"\1" + b'{"detail":' * 10_000],
    ),
    Target(
        name="courier-report",
        contract="Whatever lies in the place of the courier's report is one, or none.",
        body=_report,
        refusals=(),
        seeds=lambda: [msgspec.json.encode(STATUS), NOT_TEXT],
        limit=32 * KIB,
        covers=(courier_report,),
        hostile=lambda: [NESTED, NOT_TEXT],
    ),
    Target(
        name="ups-answer",
        contract="Whatever a NUT server answers is the state of a UPS with numbers that are some, or FormatError.",
        body=_ups,
        refusals=(FormatError,),
        seeds=lambda: [SimUps().listed(), b"ERR DATA-STALE\n", NOT_TEXT],
        limit=16 * KIB,
        covers=(parse_answer,),
    ),
    Target(
        name="ups-address",
        contract="Whatever stands in the configuration is an address, or FormatError.",
        body=lambda data: parse_address(data.decode("utf-8", "replace")),
        refusals=(FormatError,),
        seeds=lambda: [b"ups@localhost", b"ups@[::1]:3493"],
        limit=KIB,
        covers=(parse_address,),
    ),
    Target(
        name="bus-events",
        contract="Whatever lines the virtual bus sends, it is followed on.",
        body=_hotplug,
        refusals=(),
        seeds=lambda: [b'{"event":"add","port":"1-1.2","devnum":3}\n{"event":"ready"}\n', NOT_TEXT],
        limit=4 * KIB,
        covers=(UsbipHotplug._follow,),
        hostile=lambda: [b'{"x":' + b"[" * 4000],
        steps=100_000,
    ),
)
