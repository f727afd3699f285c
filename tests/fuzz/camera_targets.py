"""A camera that answers anything, and what core, workers and sealers say to each other about it."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

import msgspec

from drivers.base import StallError
from drivers.bulk_only import BulkOnly
from drivers.cameras.detect import detect
from drivers.cameras.gat947 import GatCommand
from drivers.mass_storage import MassStorage
from drivers.worker import main as worker
from drivers.worker import messages as m
from drivers.worker.serve import WorkerServer
from edged.errors import CameraError, CameraLostError, DiskError, EdgeError
from edged.formats import times
from edged.formats.facts import ClockMeasured
from edged.formats.line import encode_data
from edged.local_time import ended
from edged.ports import Medium
from edged.roles.child import Child
from edged.roles.sealer_process import SealerProcess
from edged.roles.worker_process import WorkerProcess
from edged.station.camera_clock import CameraClock
from edged.station.recorder import Recorder
from edged.station.session import CameraSession
from edged.vault import messages as v
from edged.vault import sealer_main
from firmware_protocol.usb import bot, scsi
from tests.drivers.test_worker_fuzz import CAPACITY, CLIP, GAT, REQUESTS, SENSES, Noise, Open
from tests.drivers.usb_world import quiet
from tests.fakes.clock import StillClock
from tests.fuzz.contract import KIB, Tape, Target, require, tape

T = TypeVar("T")
COMMANDS = 5000  # more than any request may cost a camera that answers nonsense
KYIV = ZoneInfo("Europe/Kyiv")
ANSWERS: tuple[m.Answer, ...] = (
    m.Identified(
        driver="gat947",
        mode="command",
        serial="GAT0007",
        usb_serial="1",
        model="DSJ",
        vendor_id=1,
        product_id=2,
        interfaces=("08/06/50",),
        descriptor_sha256="a" * 64,
        capabilities=m.Capabilities(clock_read=True),
    ),
    m.ClockRead(local="2026-11-22T07:00:02.500", resolution_ms=1),
    m.BatteryRead(percent=None),
    m.ClipsListed(
        filesystem="fat32",
        volume_id="CA3E0001",
        cluster_size=512,
        free_bytes=1,
        total_bytes=2,
        clips=(CLIP,),
        problems=("/: damaged",),
        complete=False,
    ),
    m.CopyStarted(),
    m.CopyEnded(sent=5, gaps=(m.Gap(offset=0, size=1),)),
    m.FingerprintRead(sha256="a" * 64),
    m.Cleared(cleared=("/A",), refused=(), free_bytes_before=0, free_bytes_after=5, free_bytes_expected=5),
    m.Done(),
    m.Failed(code=2001, detail={"reason": "gone", "lba": 7, "share": 0.5, "told": True}),
)
ORDERS: tuple[v.Order, ...] = (
    v.Store(size=5, resume_to=0, asker=1),
    v.Compare(size=5),
    v.Rehash(size=5),
    v.Source(),
)
REPORTS: tuple[v.Report, ...] = (
    v.Ready(offset=0),
    v.Finished(
        size=5,
        sha256="a" * 64,
        fingerprint="b" * 64,
        medium=Medium.DIRECT,
        resumed_from=0,
        received=5,
    ),
    m.Failed(code=5001, detail={"errno": 5, "held": 0}),
)
DEEP = b'{"kind":"done","x":' + b"[" * 20_000


class Packets:
    """A bulk device without any sense of order: each read gives the next piece, an empty one is a stall."""

    def __init__(self, data: bytes) -> None:
        self._tape = Tape(data)
        self.calls = 0

    def _call(self) -> None:
        self.calls += 1
        require(self.calls < COMMANDS, "a camera that answers nonsense is asked without end")

    def write(self, data: bytes, timeout_s: float) -> None:
        self._call()

    def read(self, size: int, timeout_s: float) -> bytes:
        self._call()
        if not self._tape.left:
            raise CameraLostError
        if not (piece := self._tape.piece()):
            raise StallError
        return piece[:size]

    def clear_halt(self, *, inbound: bool) -> None:
        self._call()

    def control(self, request_type: int, request: int, value: int, index: int, data: bytes | int) -> bytes:
        self._call()
        return b""

    def close(self) -> None:
        pass


def _answers(data: bytes) -> None:
    """A sound transport with any content."""
    t = Tape(data)
    gat, gone_after = t.number() % 2 == 1, t.number(2)
    replies = [piece or None for piece in t.pieces()] or [None]
    _serve(WorkerServer(lambda: Open(Noise(replies, gone_after, gat)), "000000", quiet))


def _transport(data: bytes) -> None:
    connection = cast(
        "Open", SimpleNamespace(identity=Open(Noise([], 0, False)).identity, device=Packets(data))
    )
    connection.check_unchanged = connection.close = lambda: None  # type: ignore[method-assign]  # a namespace
    _serve(WorkerServer(lambda: connection, "000000", quiet))


def _serve(server: WorkerServer) -> None:
    for request in REQUESTS:
        answer = server.handle(request)
        require(isinstance(answer, m.Answer), "a request without an answer")
        line = msgspec.json.encode(answer)
        require(len(line) < worker.MAX_LINE, "an answer longer than a line")
        require(
            msgspec.json.decode(line, type=m.Answer) == answer, "an answer that the core does not understand"
        )
    server.close()


def _answer_seeds() -> list[bytes]:
    gat, plain = b"\x01\xff\x0f", b"\x00\xff\x0f"
    return [
        plain + tape(CAPACITY, *SENSES[:3]),
        gat + tape(GAT, b"", bytes(4), b"\xea\x07\x0b\x16\x07\0\x02\xf4\x01\x01\0"),
        gat + tape(*([b"GAT0007".ljust(94, b"0")] * 3), bytes(4), CAPACITY),
    ]


def _transport_seeds() -> list[bytes]:
    def end(tag: int, status: bot.Status = bot.Status.PASSED) -> bytes:
        return bot.StatusWrapper(tag=tag, residue=0, status=status).encode()

    inquiry = scsi.InquiryData(vendor="V", product="P", revision="1").encode()
    return [
        tape(inquiry, end(1), end(2), CAPACITY, end(3), bytes(512), end(4)),
        tape(GAT, end(1), b"", end(2)),
    ]


def _through_socket(data: bytes, receive: Callable[[socket.socket], object]) -> None:
    """``data`` as all that the other end ever sends."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1024 * KIB)
        theirs.setblocking(False)
        with suppress(BlockingIOError):
            theirs.send(data)
        theirs.shutdown(socket.SHUT_WR)
        receive(ours)


def _requests(data: bytes) -> None:
    def receive(sock: socket.socket) -> None:
        channel, taken = worker.Channel(sock), 0
        try:
            while True:
                require(isinstance(channel.receive(), m.Request), "a line passes that is no request")
                taken += 1
        except worker._CoreGoneError:
            if not taken:
                raise

    _through_socket(data, receive)


def _orders(data: bytes) -> None:
    def receive(sock: socket.socket) -> None:
        line = sealer_main.Line(sock)
        while (found := line.receive()) is not None:
            require(isinstance(found[0], v.Order), "a line passes that is no order")

    _through_socket(data, receive)


class _Told:
    """A child process that said one line. The part of `edged.roles.child.Child` that is used."""

    pid = 1

    def __init__(self, line: bytes) -> None:
        self._line = line
        self.killed = False
        self.channel = self

    async def receive(self) -> bytes:
        return self._line

    def kill(self) -> None:
        self.killed = True

    def story(self) -> dict[str, str]:
        return {}


def _run(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner() as runner:
        return runner.run(work)


def _answer(data: bytes) -> None:
    """A failure that the worker tells leaves it running; what is not understood ends it."""
    child = _Told(data)
    process = WorkerProcess(cast("Child", child))
    try:
        answer = _run(process._receive(m.Done))
        require(isinstance(answer, m.Done), "another answer passes than was asked for")
    except CameraError:
        require(
            child.killed != _tells_failure(data), "a worker that is out of step goes on, or one in step ends"
        )
        raise


def _tells_failure(line: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(line, type=m.Answer), m.Failed)
    except (ValueError, RecursionError):
        return False


def _report(data: bytes) -> None:
    child = _Told(data)
    report = _run(SealerProcess(cast("Child", child))._receive(1.0))
    require(isinstance(report, v.Report), "a line passes that is no report")


class _Reads:
    """A conversation with a camera whose clock says anything. The part of `CameraSession` that is used."""

    def __init__(self, local: str, resolution_ms: int) -> None:
        self._answer = m.ClockRead(local=local, resolution_ms=resolution_ms)

    async def ask(self, request: m.Request, kind: type[m.Answer]) -> m.Answer:
        return self._answer


def _clip_time(data: bytes) -> None:
    """A camera's clock as it tells it, and a clip's time as its entry tells it."""
    t = Tape(data)
    local, mtime = t.piece().decode("latin-1"), t.piece().decode("latin-1")
    resolution_ms = int.from_bytes(t.take(t.left), "little", signed=True)
    clock = CameraClock(StillClock(), cast("Recorder", None), KYIV, 120.0)
    measured, _ = _run(clock._bracket(cast("CameraSession", _Reads(local, resolution_ms))))
    encode_data(
        ClockMeasured(
            camera="GAT0007",
            slot=1,
            offset_ms=measured.offset_ms,
            uncertainty_ms=measured.uncertainty_ms,
            host_class=measured.host,
            after_correction=False,
        )
    )
    found = ended(
        mtime,
        measured.offset_ms,
        max(0, measured.uncertainty_ms),
        KYIV,
        by=datetime(2026, 11, 22, tzinfo=UTC),
    ).time
    require(found == "" or times.parse_ns(found) is not None, f"{found!r} is no time")


def _lines(*messages: msgspec.Struct) -> list[bytes]:
    return [msgspec.json.encode(message) + b"\n" for message in messages]


def _bare(*messages: msgspec.Struct) -> list[bytes]:
    return [msgspec.json.encode(message) for message in messages]


def _clip_times() -> list[bytes]:
    clocks = (b"2026-11-22T07:00:02.500", b"0001-01-02T00:00:00", b"9999-12-30T23:59:59")
    entries = (b"2026-11-22T07:00:02", b"1980-01-01T00:00:00", b"2107-12-31T23:59:58", b"")
    return [tape(clock, entry) + b"\xe8\x03" for clock in clocks for entry in entries]


def _hostile_lines() -> list[bytes]:
    return [DEEP, DEEP + b"\n", b'{"kind":"\xff"}\n', b'{"kind":"\xff"}']


TARGETS = (
    Target(
        name="camera-answers",
        contract="Whatever a camera answers to its commands, each request ends in an answer the core understands.",
        body=_answers,
        refusals=(),
        seeds=_answer_seeds,
        limit=4 * KIB,
        share=5,
        covers=(BulkOnly.command, MassStorage.open, GatCommand, detect, WorkerServer.handle),
        steps=1_500_000,
        memory=8 * 1024 * KIB,
    ),
    Target(
        name="camera-transport",
        contract="Whatever packets a camera sends, in any order, each request ends in an answer the core understands.",
        body=_transport,
        refusals=(),
        seeds=_transport_seeds,
        limit=4 * KIB,
        share=3,
        covers=(BulkOnly.command,),
        steps=500_000,
        memory=8 * 1024 * KIB,
    ),
    Target(
        name="worker-requests",
        contract="Any bytes from the core are requests, or the end of the worker's service; no other exception.",
        body=_requests,
        refusals=(worker._CoreGoneError,),
        seeds=lambda: _lines(*REQUESTS),
        limit=32 * KIB,
        covers=(worker.Channel.receive,),
        hostile=_hostile_lines,
    ),
    Target(
        name="worker-answer",
        contract="A line from a worker is the answer asked for, or CameraError.",
        body=_answer,
        refusals=(CameraError,),
        seeds=lambda: _bare(*ANSWERS),
        limit=32 * KIB,
        covers=(WorkerProcess._receive,),
        hostile=_hostile_lines,
    ),
    Target(
        name="sealer-orders",
        contract="Any bytes from the core are orders, or EdgeError; no other exception.",
        body=_orders,
        refusals=(EdgeError,),
        seeds=lambda: _lines(*ORDERS),
        limit=32 * KIB,
        covers=(sealer_main.Line.receive,),
        hostile=_hostile_lines,
    ),
    Target(
        name="sealer-report",
        contract="A line from a sealer is a report, or DiskError.",
        body=_report,
        refusals=(DiskError,),
        seeds=lambda: _bare(*REPORTS),
        limit=32 * KIB,
        covers=(SealerProcess._receive,),
        hostile=_hostile_lines,
    ),
    Target(
        name="clip-time",
        contract="Whatever a camera's clock tells is an offset that the ledger takes, and a clip's time or none.",
        body=_clip_time,
        refusals=(CameraError,),
        seeds=_clip_times,
        limit=128,
        covers=(CameraClock._bracket, ended),
    ),
)
