"""What core, workers and sealers say to each other, line by line."""

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import cast

import msgspec

from drivers.worker import main as worker
from drivers.worker import messages as m
from edged.errors import CameraError, DiskError, EdgeError
from edged.ports import Medium
from edged.roles.child import Child
from edged.roles.sealer_process import SealerProcess
from edged.roles.worker_process import WorkerProcess
from edged.vault import messages as v
from edged.vault import sealer_main
from tests.drivers.test_worker_fuzz import CLIP, REQUESTS
from tests.fuzz.contract import KIB, Target, require
from tests.fuzz.samples import NESTED, run

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


def through_socket(data: bytes, receive: Callable[[socket.socket], object]) -> None:
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

    through_socket(data, receive)


def _orders(data: bytes) -> None:
    def receive(sock: socket.socket) -> None:
        line = sealer_main.Line(sock)
        while (found := line.receive()) is not None:
            require(isinstance(found[0], v.Order), "a line passes that is no order")

    through_socket(data, receive)


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

    def distrust(self) -> None:
        pass

    def story(self) -> dict[str, str | int]:
        return {}


def _answer(data: bytes) -> None:
    """A failure that the worker tells leaves it running; what is not understood ends it."""
    child = _Told(data)
    process = WorkerProcess(cast("Child", child))
    try:
        answer = run(process._receive(m.Done))
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
    report = run(SealerProcess(cast("Child", child))._receive(1.0))
    require(isinstance(report, v.Report), "a line passes that is no report")


def _lines(*messages: msgspec.Struct) -> list[bytes]:
    return [msgspec.json.encode(message) + b"\n" for message in messages]


def _bare(*messages: msgspec.Struct) -> list[bytes]:
    return [msgspec.json.encode(message) for message in messages]


def _hostile_lines() -> list[bytes]:
    return [NESTED, NESTED + b"\n", b'{"kind":"\xff"}\n', b'{"kind":"\xff"}']


TARGETS = (
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
)
