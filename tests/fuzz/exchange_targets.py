"""What courier and centre, daemon and command line say to each other."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from unittest.mock import patch

import msgspec

from drivers.hotplug_usbip import UsbipHotplug
from edged.control import api, client
from edged.control.courier import CourierReport, courier_report
from edged.control.verbs import HANDLERS
from edged.errors import EdgeError, ErrorCode, FormatError
from sync import sftp_wire as wire
from sync.centre.intake import Intake
from sync.report import AlertEntry, HeldEntry, Sending, Status
from sync.sftp_channel import SftpChannel
from sync.store import StoreError
from tests.fakes.clock import StillClock
from tests.fakes.memory_fs import MemoryFS
from tests.fuzz.contract import KIB, Body, Tape, Target, must, require, tape
from tests.sync.test_sftp_wire import GOLDEN, Script
from tests.sync.world import STATION, PlainRandom, World

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
    held_items=(HeldEntry(recording="a" * 32, reason="not taken"),),
    alerts=(AlertEntry(alert="centre-silent", code=3001, since="", detail={"host": "x", "tries": 3}),),
)
DEEP = b'{"x":' + b"[" * 20_000
NOT_TEXT = b'{"alert":"\xff","code":"\xff","time":"\xff"}'
VERBS = tuple(sorted(HANDLERS))
_ANSWER = "Any bytes from the server are an answer within its bounds, or FormatError."


# --- SFTP --------------------------------------------------------------------------------------------


def _sftp(data: bytes) -> None:
    reply = wire.decode(data)
    match reply:
        case wire.NameReply():
            require(
                len(reply.names) <= wire.MAX_NAMES and sum(map(len, reply.names)) <= len(data),
                "names out of nothing",
            )
        case wire.HandleReply():
            require(len(reply.handle) <= wire.MAX_HANDLE, "a handle longer than allowed")
        case wire.DataReply():
            require(len(reply.data) <= len(data), "bytes out of nothing")
        case _:
            require(len(repr(reply)) <= 5 * len(data) + 200, "an answer larger than what came")


def _version(data: bytes) -> None:
    found = wire.decode_version(data)
    require(len(found) <= wire.MAX_EXTENSIONS, "more extensions than allowed")


def _limits(data: bytes) -> None:
    found = wire.decode_limits(data)
    again = b"".join(n.to_bytes(8, "big") for n in (found.packet, found.read, found.write, found.handles))
    require(again == data, "limits that do not stand there")


def _statvfs(data: bytes) -> None:
    found = wire.decode_statvfs(data)
    require(0 <= found.free < 1 << 128, "space out of nothing")


def _conversation(data: bytes) -> None:
    """A server that sends what it likes, to a client that lists, reads and writes."""
    t = Tape(data)
    script = Script(extensions=t.piece())
    script.out += t.take(t.left)
    try:
        channel = SftpChannel(script, clock=lambda: 0.0)
        with suppress(StoreError):
            channel.list_names("x")
        with suppress(StoreError):
            channel.ask(wire.AttrsReply, wire.Kind.LSTAT, b"a")
        channel.write(b"h", 0, bytes(100))
        channel.drain()
    finally:
        require(len(script.sent) < 64 * KIB + 40 * len(data), "a server is asked without end")


def _conversations() -> list[bytes]:
    """A listing of one name, a file's attributes, a write; and the same answers in another order."""

    def answer(kind: int, number: int, body: bytes) -> bytes:
        packet = bytes([kind]) + number.to_bytes(4, "big") + body
        return len(packet).to_bytes(4, "big") + packet

    handle, name = b"\0\0\0\x01h", b"\0\0\0\x01\0\0\0\x01a" + bytes(8)
    ok, end = bytes(12), b"\0\0\0\x01" + bytes(8)
    bodies = ((0x66, handle), (0x68, name), (0x65, end), (0x65, ok), (0x69, bytes(4)), (0x65, ok))
    packets = [answer(kind, number, body) for number, (kind, body) in enumerate(bodies, 1)]
    return [tape(b"") + b"".join(packets), tape(b"") + b"".join(reversed(packets))]


# --- the control socket ------------------------------------------------------------------------------


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


# --- the centre --------------------------------------------------------------------------------------


@cache
def _delivered() -> dict[str, bytes]:
    """What a station delivers: a recording, a closed piece with its checkpoint, a status."""
    world = World()
    world.seal(b"evidence")
    world.ledger.grow()
    files = {
        path.replace("/vault/", "/home/").replace("/state/", "/home/"): data
        for path, data in world.fs.files().items()
    }
    return files | {"/home/status/2026-11-22T07.json": msgspec.json.encode(STATUS)}


PLACES = ("manifest.note", ".jsonl", ".note", "status/", "content.mp4")
OWN = ("", "", "intake.json", "alerts/ledger-refused.json")
"""What else is damaged of the centre's own; with the second, it has taken everything once before."""


def _intake(data: bytes) -> None:
    """One delivered file is another, and so may be a file of the centre's own."""
    t = Tape(data)
    place, own = PLACES[t.number() % len(PLACES)], t.number() % len(OWN)
    rest = t.take(t.left)
    world = _centre()
    if own == 1 or place == "status/":
        world.intake(StillClock()).scan()
        _deliver(world, {"/home/status/2026-11-23T07.json": msgspec.json.encode(STATUS)})
    world.far.put(max(path for path in world.far.files("/home") if place in path), rest)
    if OWN[own]:
        world.far.put(f"/store/{STATION}/{OWN[own]}", rest)
    for _ in range(2):
        summary = world.intake(StillClock()).scan()
        require(all(len(name) == 32 for name in summary.placed), "a recording of no name was placed")
    for path, content in world.far.files("/store").items():
        require(
            content == b"evidence" or not path.endswith("content.mp4"),
            "content was stored that nobody sealed",
        )


def _centre() -> World:
    world = World()
    _deliver(world, {})
    return world


def _deliver(world: World, more: dict[str, bytes]) -> None:
    for path, content in (_delivered() | more).items():
        world.far.put(path, content)


def _deliveries() -> list[bytes]:
    files = _delivered()
    seeds = []
    for number, place in enumerate(PLACES):
        content = files[max(path for path in files if place in path)]
        seeds += [bytes([number, own]) + content for own in range(2)]
    known = b'{"size":0,"last":"' + b"0" * 64 + b'","peaks":[],"checkpoint":"","status":""}'
    alert = b'{"alert":"ledger-refused","since":"","last":"","count":1,"detail":{}}'
    return [
        *seeds,
        b"\3\2" + known,
        b"\3\3" + alert,
        b"\3\0" + NOT_TEXT,
        b"\3\2" + NOT_TEXT,
        b"\1\3" + NOT_TEXT,
    ]


# --- the virtual bus ------------------------------------------------------------------------


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


def _plain(
    name: str, body: Body, covers: Callable[..., object], *seeds: bytes, limit: int = 8 * KIB
) -> Target:
    return Target(
        name=name,
        contract=_ANSWER,
        body=body,
        refusals=(FormatError,),
        seeds=lambda: seeds,
        limit=limit,
        covers=(covers,),
        hostile=lambda: [b"\x68" + bytes(4) + (wire.MAX_NAMES).to_bytes(4, "big") + bytes(4) * 20_000],
    )


TARGETS = (
    _plain(
        "sftp-answer",
        _sftp,
        wire.decode,
        *(bytes.fromhex(octets) for octets, _ in GOLDEN),
        limit=wire.MAX_PACKET,
    ),
    _plain(
        "sftp-version",
        _version,
        wire.decode_version,
        bytes.fromhex("02 00000003 00000011") + b"fsync@openssh.com" + bytes.fromhex("00000001 31"),
        b"\x02\0\0\0\x03",
    ),
    _plain("sftp-limits", _limits, wire.decode_limits, bytes(range(32))),
    _plain("sftp-statvfs", _statvfs, wire.decode_statvfs, bytes(range(88))),
    Target(
        name="sftp-conversation",
        contract="Whatever a server sends, in any order, the conversation ends in an answer or StoreError.",
        body=_conversation,
        refusals=(StoreError,),
        seeds=_conversations,
        limit=16 * KIB,
        share=3,
        covers=(SftpChannel.ask, SftpChannel.list_names),
        steps=100_000,
    ),
    Target(
        name="control-request",
        contract="Any body of a request is what the verb takes, or BAD_REQUEST.",
        body=_request,
        refusals=(EdgeError,),
        seeds=_requests,
        limit=32 * KIB,
        covers=(api._decode,),
        hostile=lambda: [b"\0" + DEEP, b"\0" + NOT_TEXT, b"\1" + NOT_TEXT],
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
        hostile=lambda: [DEEP, NOT_TEXT],
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
    Target(
        name="centre-intake",
        contract="Whatever a station delivers, the centre's pass ends, and only what was sealed is stored.",
        body=_intake,
        refusals=(),
        seeds=_deliveries,
        limit=32 * KIB,
        share=5,
        covers=(Intake.scan,),
        hostile=lambda: [b"\3\0" + DEEP, b"\3\2" + DEEP, b"\3\3" + DEEP, b"\1\0" + b"\n" * 30_000],
        steps=300_000,
    ),
)
