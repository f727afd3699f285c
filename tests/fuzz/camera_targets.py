"""A camera that answers anything, and whose clock shows anything."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast
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
from edged.errors import CameraError, CameraLostError
from edged.formats import times
from edged.formats.facts import ClockMeasured
from edged.formats.line import encode_data
from edged.local_time import ended
from edged.station.camera_clock import CameraClock
from edged.station.recorder import Recorder
from edged.station.session import CameraSession
from firmware_protocol.usb import bot, scsi
from tests.drivers.test_worker_fuzz import CAPACITY, GAT, REQUESTS, SENSES, Noise, Open
from tests.drivers.usb_world import quiet
from tests.fakes.clock import StillClock
from tests.fuzz.contract import KIB, Tape, Target, require, tape
from tests.fuzz.samples import run

COMMANDS = 5000  # more than any request may cost a camera that answers nonsense
KYIV = ZoneInfo("Europe/Kyiv")


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
    measured, _ = run(clock._bracket(cast("CameraSession", _Reads(local, resolution_ms))))
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


def _clip_times() -> list[bytes]:
    clocks = (b"2026-11-22T07:00:02.500", b"0001-01-02T00:00:00", b"9999-12-30T23:59:59")
    entries = (b"2026-11-22T07:00:02", b"1980-01-01T00:00:00", b"2107-12-31T23:59:58", b"")
    return [tape(clock, entry) + b"\xe8\x03" for clock in clocks for entry in entries]


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
        name="clip-time",
        contract="Whatever a camera's clock tells is an offset that the ledger takes, and a clip's time or none.",
        body=_clip_time,
        refusals=(CameraError,),
        seeds=_clip_times,
        limit=128,
        covers=(CameraClock._bracket, ended),
    ),
)
